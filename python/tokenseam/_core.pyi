"""The compiled engine. Use it through the names in :mod:`tokenseam`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt
from typing_extensions import Buffer, disjoint_base

__all__ = ["Spec", "StreamDecoder", "Tokenizer", "__version__", "export_lists"]

__version__: str

_Text: TypeAlias = str | Buffer
_AllowedSpecial: TypeAlias = Literal["all"] | Collection[str]
_Ids: TypeAlias = Sequence[int] | npt.NDArray[np.integer[Any]]

@final
class Spec:
    """A tokenizer as plain data: what loaders produce and savers consume.

    Objects are immutable, equal and hashed by content, and picklable.
    Whether the data makes sense is checked when a :class:`Tokenizer` is made.
    """

    @staticmethod
    def from_file(
        path: str | PathLike[str],
        *,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
    ) -> Spec:
        """A spec from a vocabulary file, gzipped or not.

        Args:
            path: as for :meth:`tokenseam.Tokenizer.from_file`.
            pattern: for a rank file, a family's name or a regular expression.
            special_tokens: for a rank file, text to id.

        Raises:
            LoadError: it cannot be read, or is not what tokenseam reads.
        """

    @staticmethod
    def from_buffer(
        data: bytes,
        *,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
    ) -> Spec:
        """A spec from the bytes of a vocabulary file; see :meth:`from_file`.

        Raises:
            LoadError: it is not what tokenseam reads.
        """

    @staticmethod
    def from_ranks(
        ranks: Mapping[bytes, int],
        *,
        pattern: str,
        special_tokens: Mapping[str, int] | None = None,
        name: str = "",
    ) -> Spec:
        """A spec from what a ``tiktoken.Encoding`` is made of.

        Args:
            ranks: a token's bytes to its rank, which is its id.
            pattern: a family's name or a regular expression.
            special_tokens: text to id.
            name: a name to show.

        Raises:
            LoadError: an id does not fit 32 bits, or the pattern is refused.
        """

    @staticmethod
    def from_bytes(data: bytes) -> Spec:
        """A spec from :meth:`to_bytes`.

        Raises:
            FormatError: the bytes are none, or of another version.
        """

    def to_bytes(self) -> bytes:
        """The canonical bytes: the same for the same spec, on every machine."""

    def to_tokenizer_json(self) -> bytes:
        """The content of a Hugging Face ``tokenizer.json``.

        Raises:
            InexpressibleError: the format cannot express this tokenizer.
        """

    def to_tiktoken(self) -> bytes:
        """The content of a tiktoken rank file: a line ``base64 rank`` for each
        ordinary token. Pattern and special tokens are not in it.

        Raises:
            InexpressibleError: the format cannot express this tokenizer.
        """

    def outline(self) -> str:
        """Everything but the tokens and merges, as a JSON object."""

    def with_name(self, name: str) -> Spec:
        """The same spec under another name."""

    @property
    def name(self) -> str:
        """The name to show; empty if there is none."""

    @property
    def pattern(self) -> str | None:
        """The regular expression that cuts texts, as in the file; None if the
        pre-tokenizer is not a single pattern."""

    @property
    def content_hash(self) -> bytes:
        """32 bytes that name the content, the same on every machine."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@disjoint_base
class Tokenizer:
    """See :class:`tokenseam.Tokenizer`, which adds loading by name, saving,
    pickling and the rest of ``tiktoken.Encoding``'s methods to this.

    A text is a ``str``, or bytes that need not be valid UTF-8.

    Raises:
        LoadError: the spec contradicts itself, or its pattern is refused.
    """

    def __new__(cls, spec: Spec, *, cache_bytes: int | None = None) -> Self: ...
    @property
    def spec(self) -> Spec:
        """The tokenizer as data."""

    @property
    def name(self) -> str:
        """The name to show; empty if there is none."""

    @property
    def n_vocab(self) -> int:
        """One more than the largest id: the rows that a model needs."""

    @property
    def n_tokens(self) -> int:
        """How many tokens there are: ``n_vocab`` less the holes."""

    @property
    def special_tokens(self) -> dict[str, int]:
        """Text to id of the special tokens, in the order of ids."""

    @property
    def added_tokens(self) -> dict[str, int]:
        """Text to id of the tokens that are found as strings without being
        special, in the order of ids."""

    @property
    def pattern_family(self) -> str | None:
        """The name of the family that the pre-tokenizer's pattern belongs to;
        None for other patterns."""

    @property
    def cache_bytes(self) -> int:
        """How much memory each concurrent call may use to remember
        pre-tokens, in bytes."""

    def encode(
        self,
        text: _Text,
        *,
        allowed_special: _AllowedSpecial = (),
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> list[int]:
        """The ids of a text.

        Args:
            text: the text.
            allowed_special: the special tokens that become their ids, or
                ``"all"``.
            disallowed_special: the special tokens that are an error, or
                ``"all"``: those that are not allowed. What is in neither is
                plain text.
            add_special_tokens: whether the tokens that the vocabulary's
                template asks for are put around the text.

        Raises:
            DisallowedSpecialError: the text has a special token that is
                disallowed; the message says at which byte.
            UnknownSpecialError: an option names what is no special token.
            SurrogateError: the ``str`` has half of a surrogate pair.
            PatternLimitError: the pattern is none of the known ones, and gave
                up on the text.
            TypeError: ``text`` is neither ``str`` nor bytes.
        """
    def encode_ordinary(self, text: _Text) -> list[int]:
        """The ids of a text, special tokens being plain text.

        Raises:
            EncodeError: as for :meth:`encode`.
        """

    def encode_to_numpy(
        self,
        text: _Text,
        *,
        allowed_special: _AllowedSpecial = (),
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> npt.NDArray[np.uint32]:
        """The ids of a text, without a Python int of each; arguments and errors
        as for :meth:`encode`.

        Returns:
            shape ``(n,)``, uint32.
        """
    def encode_batch_parts(
        self,
        texts: Iterable[_Text],
        *,
        num_threads: int | None = None,
        allowed_special: _AllowedSpecial = (),
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """What :meth:`tokenseam.Tokenizer.encode_batch` is made of.

        Returns:
            the values, shape ``(m,)``, uint32, and the offsets, shape
            ``(n + 1,)``, int64, of a :class:`~tokenseam.Ragged`.
        """
    def encode_buffers(
        self,
        data: npt.NDArray[np.uint8],
        offsets: npt.NDArray[np.int64],
        *,
        num_threads: int | None = None,
        allowed_special: _AllowedSpecial = (),
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """As :meth:`encode_batch_parts`, of texts that lie back to back.

        Args:
            data: the bytes of all texts, contiguous, shape ``(m,)``.
            offsets: contiguous, shape ``(n + 1,)``: text ``i`` is
                ``data[offsets[i]:offsets[i + 1]]``.
            num_threads: as for :meth:`tokenseam.Tokenizer.encode_batch`.
            allowed_special: as for :meth:`encode`.
            disallowed_special: as for :meth:`encode`.
            add_special_tokens: as for :meth:`encode`.

        Raises:
            ValueError: the offsets do not ascend within the data.
            EncodeError: as for :meth:`encode`; the message names the text.
        """
    def encode_with_offsets_parts(
        self,
        text: _Text,
        *,
        allowed_special: _AllowedSpecial = (),
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """What :meth:`tokenseam.Tokenizer.encode_with_offsets` is made of.

        Returns:
            ids, shape ``(n,)``; start and end of each in bytes, and in
            characters, shape ``(n, 2)``.
        """
    def count(
        self,
        text: _Text,
        *,
        allowed_special: _AllowedSpecial = (),
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> int:
        """How many ids a text has; arguments and errors as for :meth:`encode`."""
    def count_batch_parts(
        self,
        texts: Iterable[_Text],
        *,
        num_threads: int | None = None,
        allowed_special: _AllowedSpecial = (),
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> npt.NDArray[np.int64]:
        """What :meth:`tokenseam.Tokenizer.count_batch` is made of.

        Returns:
            the counts, shape ``(n,)``, int64.
        """
    def count_buffers(
        self,
        data: npt.NDArray[np.uint8],
        offsets: npt.NDArray[np.int64],
        *,
        num_threads: int | None = None,
        allowed_special: _AllowedSpecial = (),
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> npt.NDArray[np.int64]:
        """As :meth:`count_batch_parts`, of texts that lie back to back; arguments
        and errors as for :meth:`encode_buffers`.
        """
    def pretokenize(self, text: _Text) -> list[bytes]:
        """The pieces that are merged each on its own: the text after
        normalization, cut by the pre-tokenizer. Special tokens are plain text,
        and added tokens that are not special are pieces of their own.

        Raises:
            EncodeError: as for :meth:`encode`.
        """

    def decode(self, ids: _Ids, errors: str = "replace") -> str:
        """The text of ids.

        Args:
            ids: a sequence of ints, or an integer array of one dimension.
            errors: what becomes of bytes that are not UTF-8, as in
                ``bytes.decode``.

        Raises:
            UnknownTokenError: (a ``KeyError``) an id names no token; the
                message says at which position.
            UnicodeDecodeError: bytes are not UTF-8 and ``errors="strict"``.
        """

    def decode_bytes(self, ids: _Ids) -> bytes:
        """The bytes of ids, which may end within a character.

        Raises:
            UnknownTokenError: (a ``KeyError``) an id names no token.
        """

    def token_bytes(self, id: int) -> bytes:
        """The bytes of a token, special ones included.

        Raises:
            UnknownTokenError: (a ``KeyError``) the id names no token.
        """

    def id_of(self, token: _Text) -> int:
        """The id of a token, special ones included.

        Raises:
            UnknownTokenError: (a ``KeyError``) it is not a token.
        """

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class StreamDecoder:
    """Decodes ids as they come and never returns half a character.

    It holds back at most the three bytes of an unfinished character; with a
    few SentencePiece-style vocabularies also white space at the start, or, where
    the file's decoder looks at the whole text, everything until :meth:`finish`.
    A decoder serves one sequence at a time.
    """

    def __new__(cls, tokenizer: Tokenizer) -> StreamDecoder: ...
    def push(self, ids: int | _Ids) -> str:
        """Takes one id or several, and gives the text that is whole with them.
        Bytes that cannot become UTF-8 are U+FFFD, as in ``errors="replace"``.

        Raises:
            UnknownTokenError: (a ``KeyError``) an id names no token; the ids of
                this call then count as not given.
        """

    def finish(self) -> str:
        """Gives what was held back, and starts over."""

def export_lists(
    values: npt.NDArray[np.integer[Any]], offsets: npt.NDArray[np.int64]
) -> tuple[object, object]:
    """The lists ``values[offsets[i]:offsets[i + 1]]`` as an Arrow LargeList
    array: the PyCapsules of its schema and of the array, which keep the memory
    of the contiguous arrays alive.

    Raises:
        ValueError: the arrays are not contiguous, or the offsets do not ascend
            within the values.
        TypeError: the values are not integers in the machine's byte order.
    """
