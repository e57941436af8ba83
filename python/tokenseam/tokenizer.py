""":class:`Tokenizer`: the engine, and what belongs around it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from tokenseam import _arrow, _core
from tokenseam._files import write_atomic
from tokenseam._tiktoken import Ids, TiktokenMethods
from tokenseam.errors import EncodeError, FormatError, SaveError, UnsupportedError
from tokenseam.ragged import Ragged

__all__ = ["Encoded", "Tokenizer"]

Text: TypeAlias = str | bytes
Allowed: TypeAlias = Literal["all"] | Collection[str]
FileFormat: TypeAlias = Literal["tokenizer.json", "tiktoken"]


class Encoded(NamedTuple):
    """Ids and where each comes from; see :meth:`Tokenizer.encode_with_offsets`."""

    #: The ids, shape ``(n,)``, uint32.
    ids: npt.NDArray[np.uint32]
    #: Start and end of each in bytes of the text's UTF-8, shape ``(n, 2)``, int64.
    byte_offsets: npt.NDArray[np.int64]
    #: Start and end of each in characters of the text, shape ``(n, 2)``,
    #: int64. A token that is part of a character has the whole of it.
    char_offsets: npt.NDArray[np.int64]


class Tokenizer(TiktokenMethods, _core.Tokenizer):
    """A tokenizer: text to ids and back.

    Made by :meth:`from_file`, :meth:`from_pretrained`, :meth:`from_tiktoken`,
    :meth:`from_hf` or :meth:`from_spec`. Objects are immutable, equal and
    hashed by content, picklable with the same bytes for the same tokenizer,
    and safe on any number of threads and after ``fork``.

    It has the methods of ``tiktoken.Encoding`` with the same results, and can
    stand in its place, with these differences: :meth:`encode_batch` returns a
    :class:`Ragged`; a ``str`` with a lone surrogate raises
    :class:`~tokenseam.errors.SurrogateError` everywhere rather than being
    altered; texts may be ``bytes``; and no number of repetitions of a
    character makes it raise.

    Texts are ``str``, or ``bytes`` that need not be valid UTF-8: each byte of
    the text ends up in a token, whatever it is. Special tokens in a text are
    an error unless the call says otherwise; see :meth:`encode`.
    """

    __slots__ = ("__weakref__", "_memo")

    def __new__(cls, spec: _core.Spec, *, cache_bytes: int | None = None) -> Self:
        self = super().__new__(cls, spec, cache_bytes=cache_bytes)
        object.__setattr__(self, "_memo", {})
        return self

    # --- making one -------------------------------------------------------

    @classmethod
    def from_spec(cls, spec: _core.Spec, *, cache_bytes: int | None = None) -> Self:
        """A tokenizer from a :class:`Spec`.

        Args:
            spec: the tokenizer as data.
            cache_bytes: how much memory each concurrent call may use to
                remember pre-tokens; 0 means none.

        Raises:
            LoadError: the spec contradicts itself.
        """
        return cls(spec, cache_bytes=cache_bytes)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
        cache_bytes: int | None = None,
    ) -> Self:
        """A tokenizer from a vocabulary file.

        Args:
            path: a Hugging Face ``tokenizer.json`` of type BPE, a tiktoken
                rank file, a GPT-2 ``vocab.json`` with ``merges.txt`` beside it
                (or their directory), or a Mistral ``tekken.json``.
            pattern: for a rank file, the name of a family of patterns such as
                ``"cl100k"``, or a regular expression. By default that of the
                file which :meth:`save` puts beside a rank file:
                ``NAME.special.json`` for ``NAME.tiktoken``.
            special_tokens: for a rank file, text to id; the default is in the
                same file as the pattern's.
            cache_bytes: as in :meth:`from_spec`.

        Raises:
            LoadError: it cannot be read or used; its subclasses in
                :mod:`tokenseam.errors` tell why, and the message where.
        """
        if pattern is None and special_tokens is None:
            pattern, special_tokens = _companion(Path(path))
        spec = _core.Spec.from_file(path, pattern=pattern, special_tokens=special_tokens)
        return cls(spec, cache_bytes=cache_bytes)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        download: bool | None = None,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        cache_bytes: int | None = None,
    ) -> Self:
        """A tokenizer by name.

        Args:
            name_or_path: a published encoding (``gpt2``, ``r50k_base``,
                ``p50k_base``, ``p50k_edit``, ``cl100k_base``, ``o200k_base``,
                ``o200k_harmony``), a model on the Hugging Face hub
                (``org/model``), or a file or directory.
            download: whether a vocabulary that is not on this machine is
                fetched. By default only if ``TOKENSEAM_DOWNLOAD`` is set to 1.
            revision: a branch, tag or commit on the hub; ``main`` by default.
                What was fetched for a branch stays as it was.
            cache_dir: where fetched vocabularies are kept, instead of
                ``TOKENSEAM_CACHE`` or the platform's place for caches.
            cache_bytes: as in :meth:`from_spec`.

        Copies that tiktoken or the hub's client have on this machine are used
        as well. See :mod:`tokenseam.pretrained` for the environment variables.

        Raises:
            OfflineError: it is not here and was not to be fetched; the message
                says which file to put where.
            DownloadError: it cannot be fetched, or is not what its hash says.
            LoadError: it cannot be used.
        """
        from tokenseam.pretrained import load

        spec = load(name_or_path, download=download, revision=revision, cache_dir=cache_dir)
        return cls(spec, cache_bytes=cache_bytes)

    @classmethod
    def from_tiktoken(cls, encoding: Any, *, cache_bytes: int | None = None) -> Self:
        """A tokenizer from a ``tiktoken.Encoding``.

        Of o200k_harmony, which has two names for the id 200018, the name
        ``<|reserved_200018|>`` is left out.

        Raises:
            TypeError: it is none.
            LoadError: it contradicts itself.
        """
        from tokenseam.pretrained.openai import without_second_name

        try:
            ranks, pattern = encoding._mergeable_ranks, encoding._pat_str
            special_tokens, name = encoding._special_tokens, encoding.name
        except AttributeError as error:
            raise TypeError(
                f"expected a tiktoken.Encoding, not {type(encoding).__name__}"
            ) from error
        spec = _core.Spec.from_ranks(
            ranks, pattern=pattern, special_tokens=without_second_name(special_tokens), name=name
        )
        return cls(spec, cache_bytes=cache_bytes)

    @classmethod
    def from_hf(cls, tokenizer: Any, *, cache_bytes: int | None = None) -> Self:
        """A tokenizer from a ``tokenizers.Tokenizer`` or a fast tokenizer of
        ``transformers``.

        Raises:
            TypeError: it is neither.
            UnsupportedError: it is of another kind than BPE, or has a
                component that tokenseam does not do.
        """
        backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if not hasattr(backend, "to_str"):
            raise TypeError(
                f"expected a tokenizers.Tokenizer or a fast tokenizer of transformers, not "
                f"{type(tokenizer).__name__}"
            )
        spec = _core.Spec.from_buffer(backend.to_str().encode())
        name = getattr(tokenizer, "name_or_path", "")
        return cls(spec.with_name(name) if name else spec, cache_bytes=cache_bytes)

    @classmethod
    def default(cls) -> Self:
        """The vocabulary that comes with tokenseam.

        Raises:
            UnsupportedError: this version comes without one.
        """
        raise UnsupportedError(
            "this version of tokenseam comes without a vocabulary of its own; name one: "
            'Tokenizer.from_pretrained("o200k_base"), or Tokenizer.from_file(path)'
        )

    # --- encoding ---------------------------------------------------------

    def encode_batch(
        self,
        texts: Iterable[Text] | Any,
        *,
        num_threads: int | None = None,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Allowed = "all",
        add_special_tokens: bool = False,
    ) -> Ragged:
        """The ids of many texts.

        Args:
            texts: an iterable of texts, or an Arrow array of strings or
                binaries (anything with ``__arrow_c_array__`` or
                ``__arrow_c_stream__``), which is read in place.
            num_threads: at most this many threads; one for each processor by
                default. The result does not depend on it.
            allowed_special: as in :meth:`encode`.
            disallowed_special: as in :meth:`encode`.
            add_special_tokens: as in :meth:`encode`.

        Returns:
            one sequence of uint32 for each text.

        Raises:
            EncodeError: as for :meth:`encode`; the message names the text.
            ValueError: a text of an Arrow array is null.
        """
        options: dict[str, Any] = {
            "num_threads": num_threads,
            "allowed_special": allowed_special,
            "disallowed_special": disallowed_special,
            "add_special_tokens": add_special_tokens,
        }
        if not _arrow.is_arrow(texts):
            return Ragged._of(*self.encode_batch_parts(texts, **options))
        chunks = [
            Ragged._of(*parts)
            for parts in _by_chunk(texts, lambda *chunk: self.encode_buffers(*chunk, **options))
        ]
        return chunks[0] if len(chunks) == 1 else Ragged.concatenate(chunks)

    def count_batch(
        self,
        texts: Iterable[Text] | Any,
        *,
        num_threads: int | None = None,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Allowed = "all",
        add_special_tokens: bool = False,
    ) -> npt.NDArray[np.int64]:
        """How many ids each of many texts has; arguments and errors as for
        :meth:`encode_batch`.

        Returns:
            the counts, shape ``(n,)``, int64.
        """
        options: dict[str, Any] = {
            "num_threads": num_threads,
            "allowed_special": allowed_special,
            "disallowed_special": disallowed_special,
            "add_special_tokens": add_special_tokens,
        }
        if not _arrow.is_arrow(texts):
            return self.count_batch_parts(texts, **options)
        chunks = list(_by_chunk(texts, lambda *chunk: self.count_buffers(*chunk, **options)))
        return np.concatenate([np.empty(0, np.int64), *chunks])

    def encode_with_offsets(
        self,
        text: Text,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Allowed = "all",
        add_special_tokens: bool = False,
    ) -> Encoded:
        """The ids of a text, and the part of the text that each stands for.

        Tokens that a template or a normalizer puts in stand for an empty part.
        Where a normalizer changed the text, offsets are those of the original.

        Args:
            text: the text.
            allowed_special: as in :meth:`encode`.
            disallowed_special: as in :meth:`encode`.
            add_special_tokens: as in :meth:`encode`.

        Raises:
            EncodeError: as for :meth:`encode`.
        """
        return Encoded(
            *self.encode_with_offsets_parts(
                text,
                allowed_special=allowed_special,
                disallowed_special=disallowed_special,
                add_special_tokens=add_special_tokens,
            )
        )

    # --- decoding ---------------------------------------------------------

    def decode_batch(
        self, batch: Iterable[Ids], *, errors: str = "replace", num_threads: int | None = None
    ) -> list[str]:
        """The text of each sequence of ids.

        Args:
            batch: a :class:`Ragged` or another iterable of sequences.
            errors: what becomes of bytes that are not UTF-8, as in
                ``bytes.decode``.
            num_threads: at most this many threads; by default as many as are
                worth it.

        Raises:
            UnknownTokenError: (a ``KeyError``) an id names no token.
            UnicodeDecodeError: bytes are not UTF-8 and ``errors="strict"``.
        """
        rows = list(batch)
        if num_threads is not None and num_threads < 1:
            raise ValueError(f"num_threads must be at least 1, not {num_threads}")
        # Below this many ids a thread costs more than it saves.
        worth = sum(map(len, rows)) // 50_000
        threads = min(num_threads or os.cpu_count() or 1, max(1, worth))
        if threads == 1:
            return [self.decode(row, errors) for row in rows]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda row: self.decode(row, errors), rows))

    def stream_decoder(self) -> _core.StreamDecoder:
        """A decoder that takes ids as they come; see :class:`StreamDecoder`."""
        return _core.StreamDecoder(self)

    # --- saving -----------------------------------------------------------

    def save(self, path: str | os.PathLike[str], *, format: FileFormat | None = None) -> None:
        """Writes the tokenizer to a file, whole or not at all.

        Args:
            path: where to; an existing file is replaced.
            format: ``"tokenizer.json"`` for Hugging Face, or ``"tiktoken"``.
                By default the latter if the path ends in ``.tiktoken``. A rank
                file has no room for the pattern and the special tokens; they
                go beside it, into ``NAME.special.json`` for ``NAME.tiktoken``.

        Raises:
            InexpressibleError: the format cannot express this tokenizer.
            SaveError: the file cannot be written.
        """
        target = Path(path)
        if format is None:
            format = "tiktoken" if target.suffix == ".tiktoken" else "tokenizer.json"
        if format == "tokenizer.json":
            _write(target, self.spec.to_tokenizer_json())
        elif format == "tiktoken":
            ranks = self.spec.to_tiktoken()
            beside = {"pattern": self._pat_str, "special_tokens": self.special_tokens}
            text = json.dumps(beside, ensure_ascii=False, indent=1) + "\n"
            _write(_companion_path(target), text.encode())
            _write(target, ranks)
        else:
            raise ValueError(f'format must be "tokenizer.json" or "tiktoken", not {format!r}')

    # --- being an object --------------------------------------------------

    def __repr__(self) -> str:
        name = repr(self.name) if self.name else "without a name"
        return f"<Tokenizer {name}: {self.n_vocab} ids, {self.n_tokens} tokens>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.spec.to_bytes(), self.cache_bytes)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot set {name!r}: tokenizers are immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete {name!r}: tokenizers are immutable")


def _restored(kind: type[Tokenizer], spec: bytes, cache_bytes: int) -> Tokenizer:
    """A tokenizer from its pickle."""
    return kind(_core.Spec.from_bytes(spec), cache_bytes=cache_bytes)


def _by_chunk(texts: Any, work: Callable[..., Any]) -> Iterator[Any]:
    """The result for each chunk of an Arrow array; errors name the row."""
    row = 0
    for data, offsets in _arrow.texts(texts):
        try:
            yield work(data, offsets)
        except EncodeError as error:
            if not row:
                raise
            raise type(error)(f"{error} (in the chunk that starts at row {row})") from None
        row += len(offsets) - 1


def _companion_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".tiktoken") + ".special.json")


def _companion(path: Path) -> tuple[str | None, dict[str, int] | None]:
    """Pattern and special tokens from the file beside a rank file."""
    beside = _companion_path(path)
    if path.suffix != ".tiktoken" or not beside.exists():
        return None, None
    from tokenseam.pretrained.cache import read

    try:
        facts = json.loads(read(beside))
    except (ValueError, RecursionError) as error:
        if isinstance(error, OSError):
            raise
        raise FormatError(f"{beside}: not JSON: {error}") from error
    if not isinstance(facts, dict):
        raise FormatError(f"{beside}: expected an object")
    pattern, special = facts.get("pattern"), facts.get("special_tokens")
    if not isinstance(pattern, str | None) or not isinstance(special, dict | None):
        raise FormatError(
            f"{beside}: expected a string in 'pattern' and an object in 'special_tokens'"
        )
    return pattern, special


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomic(path, data)
    except OSError as error:
        raise SaveError(f"cannot write {path}: {error.strerror or error}") from error
