"""tokenseam and its peers behind one small interface.

Each class loads one library's tokenizer of a vocabulary, with special tokens in
the text taken as plain text where the library can do so, and encodes to the
fastest type that the library returns.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

# Before any library starts its pool: all measurements but the batches are for
# one core, which the process is pinned to as well.
os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import numpy.typing as npt

from bench.common import Vocabulary

Ids = npt.NDArray[np.uint32]


class Library(ABC):
    """A loaded tokenizer. What a library has no call for raises
    ``NotImplementedError``."""

    name: ClassVar[str]
    package: ClassVar[str]

    @abstractmethod
    def __init__(self, vocabulary: Vocabulary) -> None: ...

    @abstractmethod
    def fastest(self, text: str) -> Any:
        """Encodes a text to the fastest type."""

    def ids(self, encoded: Any) -> Ids:
        """What `fastest` returned, as an array (not timed)."""
        return np.asarray(encoded, dtype=np.uint32)

    def encode(self, text: str) -> list[int]:
        """Encodes a text as the library's users do, to a list."""
        raise NotImplementedError

    def decode(self, ids: list[int]) -> str:
        """Decodes to a string."""
        raise NotImplementedError

    def decode_bytes(self, ids: list[int]) -> bytes:
        """Decodes to bytes."""
        raise NotImplementedError

    def decode_array(self, ids: Ids) -> Any:
        """Decodes an array to the fastest type."""
        raise NotImplementedError

    def batch(self, texts: Sequence[str], threads: int) -> Any:
        """Encodes many texts on a number of threads."""
        raise NotImplementedError


class Tokenseam(Library):
    name = package = "tokenseam"

    def __init__(self, vocabulary: Vocabulary) -> None:
        import tokenseam

        self.tokenizer = tokenseam.Tokenizer.from_file(
            vocabulary.ranks,
            pattern=vocabulary.pattern,
            special_tokens=vocabulary.special_tokens,
        )

    def fastest(self, text: str) -> Any:
        return self.tokenizer.encode_to_numpy(text, disallowed_special=())

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text)

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids)

    def decode_bytes(self, ids: list[int]) -> bytes:
        return self.tokenizer.decode_bytes(ids)

    def decode_array(self, ids: Ids) -> bytes:
        return self.tokenizer.decode_bytes(ids)

    def batch(self, texts: Sequence[str], threads: int) -> Any:
        return self.tokenizer.encode_batch(texts, num_threads=threads, disallowed_special=())


class Tiktoken(Library):
    name = package = "tiktoken"

    def __init__(self, vocabulary: Vocabulary) -> None:
        import tiktoken

        self.encoding = tiktoken.Encoding(
            vocabulary.name,
            pat_str=vocabulary.pattern,
            mergeable_ranks=vocabulary.mergeable_ranks(),
            special_tokens=vocabulary.special_tokens,
        )

    def fastest(self, text: str) -> Any:
        return self.encoding.encode_to_numpy(text, disallowed_special=())

    def encode(self, text: str) -> list[int]:
        return self.encoding.encode(text)

    def decode(self, ids: list[int]) -> str:
        return self.encoding.decode(ids)

    def decode_bytes(self, ids: list[int]) -> bytes:
        return self.encoding.decode_bytes(ids)

    def batch(self, texts: Sequence[str], threads: int) -> Any:
        return self.encoding.encode_ordinary_batch(list(texts), num_threads=threads)


class HuggingFace(Library):
    name = package = "tokenizers"

    def __init__(self, vocabulary: Vocabulary) -> None:
        import tokenizers

        self.tokenizer = tokenizers.Tokenizer.from_file(str(vocabulary.tokenizer_json))

    def fastest(self, text: str) -> Any:
        # The call without offsets, which is the faster one.
        return self.tokenizer.encode_batch_fast([text], add_special_tokens=False)[0]

    def ids(self, encoded: Any) -> Ids:
        return np.asarray(encoded.ids, dtype=np.uint32)

    def encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=False))


class Gigatoken(Library):
    name = package = "gigatoken"

    def __init__(self, vocabulary: Vocabulary) -> None:
        import gigatoken

        scheme = vocabulary.name.removesuffix("_base")
        self.tokenizer = gigatoken.Tokenizer.from_tiktoken(
            vocabulary.ranks, scheme, vocabulary.special_tokens
        )

    def fastest(self, text: str) -> Any:
        return self.tokenizer.encode(text)

    def encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text).tolist())

    def decode_bytes(self, ids: list[int]) -> bytes:
        return bytes(self.tokenizer.decode(ids))

    def decode_array(self, ids: Ids) -> bytes:
        return bytes(self.tokenizer.decode(ids))


class Fastokens(Library):
    name = package = "fastokens"

    def __init__(self, vocabulary: Vocabulary) -> None:
        import fastokens

        self.tokenizer = fastokens.Tokenizer.from_file(str(vocabulary.tokenizer_json))

    def fastest(self, text: str) -> Any:
        return self.tokenizer.encode_batch_flat([text], split_special_tokens=True)[0]

    def ids(self, encoded: Any) -> Ids:
        return np.frombuffer(encoded, dtype=np.uint32)

    def encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text).ids)

    def decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids))


LIBRARIES: dict[str, type[Library]] = {
    library.name: library for library in (Tokenseam, Tiktoken, HuggingFace, Gigatoken, Fastokens)
}
