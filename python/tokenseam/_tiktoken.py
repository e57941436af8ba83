"""The rest of ``tiktoken.Encoding``, on top of the engine.

What tiktoken documents is here under its names with its results; of its
private parts those that other libraries read. The methods that exist in both
but differ on purpose are listed in :class:`tokenseam.Tokenizer`.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from tokenseam.errors import UnknownTokenError, UnsupportedError

if TYPE_CHECKING:
    # What the methods here stand on; at run time it is a sibling base class.
    from tokenseam import _core

    class _Engine(_core.Tokenizer):
        _memo: dict[str, Any]

else:

    class _Engine:
        __slots__ = ()


Fact = TypeVar("Fact")
Ids = Sequence[int] | npt.NDArray[np.integer[Any]]

#: What ends a text, in the order in which the names are tried.
END_TOKENS = (
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
    "<eos>",
    "<｜end▁of▁sentence｜>",
    "<|eos|>",
    "<|EOS|>",
)


class TiktokenMethods(_Engine):
    """The methods and properties of ``tiktoken.Encoding`` besides the core
    ones of :class:`tokenseam.Tokenizer`."""

    __slots__ = ()

    # --- encoding ---------------------------------------------------------

    def encode_ordinary_batch(
        self, texts: Iterable[str | bytes], *, num_threads: int | None = None
    ) -> list[list[int]]:
        """The ids of each text, as lists, special tokens being plain text.

        ``encode_batch(texts, disallowed_special=())`` gives the same without
        making a Python int of every id.
        """
        values, offsets = self.encode_batch_parts(
            texts, num_threads=num_threads, disallowed_special=()
        )
        ids, bounds = values.tolist(), offsets.tolist()
        return [ids[start:end] for start, end in pairwise(bounds)]

    def encode_single_token(self, text_or_bytes: str | bytes) -> int:
        """The id of a token, special ones included.

        Raises:
            UnknownTokenError: (a ``KeyError``) it is not a token.
        """
        return self.id_of(text_or_bytes)

    def encode_with_unstable(
        self,
        text: str,
        *,
        allowed_special: Any = frozenset(),
        disallowed_special: Any = "all",
    ) -> tuple[list[int], list[list[int]]]:
        """The ids that any continuation of the text keeps, and the ways in
        which the rest of it may go on.

        Args:
            text: the text so far.
            allowed_special: as in :meth:`Tokenizer.encode`.
            disallowed_special: as in :meth:`Tokenizer.encode`.

        Returns:
            the stable ids, and sequences of ids each of which, after them,
            gives a text that starts with ``text``; in no particular order.
        """
        ids = self.encode(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        )
        # In the text itself these ids are those of the allowed special tokens.
        _, ranges, _ = self.encode_with_offsets_parts(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        )
        special = self._special_token_values
        start = next(
            (int(ranges[at, 1]) for at in reversed(range(len(ids))) if ids[at] in special), 0
        )
        stable, rest = self._split_unstable(ids, text.encode()[start:])
        return stable, self._continuations(rest) if rest else []

    def _split_unstable(self, ids: list[int], tail: bytes) -> tuple[list[int], bytes]:
        """Ids without those of the last pre-token of `tail`, the text behind
        the last special token, and the bytes of what was left out. White
        space in front of white space goes along: patterns look ahead there."""
        pieces = self.pretokenize(tail)
        if not pieces:
            return ids, b""
        last = len(self._encode_single_piece(pieces[-1]))
        if self._is_space(ids[-last]):
            while last < len(ids) and self._is_space(ids[-last - 1]):
                last += 1
        kept = len(ids) - last
        return ids[:kept], self.decode_bytes(ids[kept:])

    def _is_space(self, id: int) -> bool:
        # A special token is none: tiktoken looks at ordinary tokens only.
        if id in self._special_token_values:
            return False
        return not self.token_bytes(id).strip(b" \n\t")

    def _continuations(self, unstable: bytes) -> list[list[int]]:
        """Ids whose bytes start with `unstable`, one sequence for each token
        that may lie across its end."""
        ranks = self._mergeable_ranks
        found: set[tuple[int, ...]] = {
            (ranks[token],) for token in self._tokens_with_prefix(unstable)
        }
        for cut in range(1, len(unstable)):
            for token in self._tokens_with_prefix(unstable[cut:]):
                possible = unstable[:cut] + token
                try:
                    ids = self.encode_ordinary(possible.decode())
                except UnicodeDecodeError:
                    ids = self._merged(possible)
                length = 0
                for count, id in enumerate(ids, 1):
                    length += len(self.token_bytes(id))
                    if length >= len(unstable):
                        found.add(tuple(ids[:count]))
                        break
                else:
                    found.add(tuple(ids))
        # White space at the end may turn out to be cut off from the rest.
        for width in range(1, min(4, len(unstable) - 1) + 1):
            try:
                end = unstable[-width:].decode()
            except UnicodeDecodeError:
                continue
            if end.isspace() and end not in "\x1c\x1d\x1e\x1f":
                found.add((*self._merged(unstable[:-width]), *self._merged(unstable[-width:])))
            break
        return [list(ids) for ids in found]

    def _tokens_with_prefix(self, prefix: bytes) -> list[bytes]:
        tokens = self._sorted_tokens
        start = end = bisect_left(tokens, prefix)
        while end < len(tokens) and tokens[end].startswith(prefix):
            end += 1
        return tokens[start:end]

    def _encode_single_piece(self, text_or_bytes: str | bytes) -> list[int]:
        """The ids of bytes that are taken for one pre-token."""
        piece = text_or_bytes.encode() if isinstance(text_or_bytes, str) else bytes(text_or_bytes)
        whole = self._mergeable_ranks.get(piece)
        return [whole] if whole is not None else self._merged(piece)

    def _encode_bytes(self, text: bytes) -> list[int]:
        """The ids of bytes that may break off within a character: from the
        last sound pre-token on they are taken for one."""
        try:
            return self.encode_ordinary(text.decode())
        except UnicodeDecodeError as error:
            sound = error.start
        ids, rest = self._split_unstable(self.encode_ordinary(text[:sound]), text[:sound])
        return ids + self._encode_single_piece(rest + text[sound:])

    def _merged(self, piece: bytes) -> list[int]:
        """Byte-pair encoding by rank, without a look at the piece as a whole.

        Each pair of neighbours that is a token waits in a heap under its rank
        and place; of a pair that has changed since, the entry is passed over.
        """
        ranks = self._mergeable_ranks
        count = len(piece)
        end = list(range(1, count + 1))  # of the symbol that starts here; 0: merged away
        before = list(range(-1, count))
        heap: list[tuple[int, int, int]] = []

        def consider(left: int) -> None:
            if left >= 0 and end[left] < count:
                stop = end[end[left]]
                rank = ranks.get(piece[left:stop])
                if rank is not None:
                    heapq.heappush(heap, (rank, left, stop))

        for left in range(count - 1):
            consider(left)
        while heap:
            _, left, stop = heapq.heappop(heap)
            middle = end[left]
            if not middle or middle >= count or end[middle] != stop:
                continue
            end[left], end[middle] = stop, 0
            if stop < count:
                before[stop] = left
            consider(before[left])
            consider(left)
        return [ranks[piece[at : end[at]]] for at in range(count) if end[at]]

    def _encode_only_native_bpe(self, text: str) -> list[int]:
        """The ids of a text, special tokens being plain text."""
        return self.encode_ordinary(text)

    # --- decoding ---------------------------------------------------------

    def decode_single_token_bytes(self, token: int) -> bytes:
        """The bytes of a token, special ones included.

        Raises:
            UnknownTokenError: (a ``KeyError``) the id names no token.
        """
        return self.token_bytes(token)

    def decode_tokens_bytes(self, tokens: Ids) -> list[bytes]:
        """The bytes of each token.

        Raises:
            UnknownTokenError: (a ``KeyError``) an id names no token.
        """
        return [self.token_bytes(token) for token in tokens]

    def decode_with_offsets(self, tokens: Ids) -> tuple[str, list[int]]:
        """The text, and for each token the index of its first character; of a
        token that starts within a character, that character's.

        Raises:
            UnicodeDecodeError: the tokens' bytes are not UTF-8.
            UnknownTokenError: (a ``KeyError``) an id names no token.
        """
        pieces = self.decode_tokens_bytes(tokens)
        offsets = []
        characters = 0
        for piece in pieces:
            inside = 0x80 <= piece[0] < 0xC0
            offsets.append(max(0, characters - inside))
            characters += sum(not 0x80 <= byte < 0xC0 for byte in piece)
        return b"".join(pieces).decode(), offsets

    def decode_bytes_batch(
        self, batch: Iterable[Ids], *, num_threads: int | None = None
    ) -> list[bytes]:
        """The bytes of each sequence of ids; `num_threads` is accepted for
        tiktoken's sake: copying bytes gains nothing from threads."""
        return [self.decode_bytes(ids) for ids in batch]

    # --- facts ------------------------------------------------------------

    def token_byte_values(self) -> list[bytes]:
        """The bytes of all ordinary tokens, sorted."""
        return list(self._sorted_tokens)

    @property
    def eot_token(self) -> int:
        """The id of the special token that ends a text: ``<|endoftext|>``, or
        what other vocabularies have in its place.

        Raises:
            UnknownTokenError: (a ``KeyError``) there is none.
        """
        special = self._special_tokens
        for name in END_TOKENS:
            if name in special:
                return special[name]
        raise UnknownTokenError(
            f"this tokenizer has no special token that is known to end a text; it has "
            f"{', '.join(special) or 'none at all'}"
        )

    @property
    def special_tokens_set(self) -> set[str]:
        """The special tokens' texts."""
        return set(self._special_tokens)

    def is_special_token(self, token: int) -> bool:
        """Whether an id is a special token's."""
        return token in self._special_token_values

    @property
    def max_token_value(self) -> int:
        """The largest id."""
        return self.n_vocab - 1

    # --- what other libraries read ----------------------------------------

    @property
    def _special_tokens(self) -> dict[str, int]:
        return self._remembered("special_tokens", lambda: self.special_tokens)

    @property
    def _special_token_values(self) -> frozenset[int]:
        return self._remembered(
            "special_token_values", lambda: frozenset(self._special_tokens.values())
        )

    @property
    def _mergeable_ranks(self) -> dict[bytes, int]:
        """Bytes to id of the ordinary tokens."""
        return self._remembered("mergeable_ranks", self._read_ranks)

    @property
    def _sorted_tokens(self) -> list[bytes]:
        return self._remembered("sorted_tokens", lambda: sorted(self._mergeable_ranks))

    @property
    def _pat_str(self) -> str:
        """The pattern that cuts texts into pre-tokens."""
        pattern = self.spec.pattern
        if pattern is None:
            raise UnsupportedError(
                "this tokenizer's pre-tokenizer is not a single pattern, as tiktoken's is"
            )
        return pattern

    def _read_ranks(self) -> dict[bytes, int]:
        apart = {*self.added_tokens.values(), *self._special_tokens.values()}
        ranks = {}
        for id in range(self.n_vocab):
            if id not in apart:
                try:
                    ranks[self.token_bytes(id)] = id
                except UnknownTokenError:  # a hole
                    continue
        return ranks

    def _remembered(self, name: str, make: Callable[[], Fact]) -> Fact:
        """A fact that is worked out once. Two threads may both do so; the
        first to finish decides."""
        if name not in self._memo:
            self._memo.setdefault(name, make())
        fact: Fact = self._memo[name]
        return fact
