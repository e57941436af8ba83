"""The compiled engine. Use it through the names in :mod:`tokenseam`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt

__version__: str

_Text: TypeAlias = str | bytes
_AllowedSpecial: TypeAlias = Literal["all"] | Collection[str]

@final
class Spec:
    """A tokenizer as plain data: what loaders produce and savers consume."""

    @staticmethod
    def from_file(
        path: str | PathLike[str],
        *,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
    ) -> Spec: ...
    @staticmethod
    def from_buffer(
        data: bytes,
        *,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
    ) -> Spec: ...
    @staticmethod
    def from_ranks(
        ranks: Mapping[bytes, int],
        *,
        pattern: str,
        special_tokens: Mapping[str, int] | None = None,
        name: str = "",
    ) -> Spec: ...
    @staticmethod
    def from_bytes(data: bytes) -> Spec: ...
    def to_bytes(self) -> bytes: ...
    def to_tokenizer_json(self) -> bytes: ...
    def to_tiktoken(self) -> bytes: ...
    def outline(self) -> str: ...
    def with_name(self, name: str) -> Spec: ...
    @property
    def name(self) -> str: ...
    @property
    def pattern(self) -> str | None: ...
    @property
    def content_hash(self) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

class Tokenizer:
    """See :class:`tokenseam.Tokenizer`, which adds loading by name, saving,
    pickling and the rest of ``tiktoken.Encoding``'s methods to this."""

    def __new__(cls, spec: Spec, *, cache_bytes: int | None = None) -> Self: ...
    @property
    def spec(self) -> Spec: ...
    @property
    def name(self) -> str: ...
    @property
    def n_vocab(self) -> int: ...
    @property
    def n_tokens(self) -> int: ...
    @property
    def special_tokens(self) -> dict[str, int]: ...
    @property
    def added_tokens(self) -> dict[str, int]: ...
    @property
    def pattern_family(self) -> str | None: ...
    @property
    def cache_bytes(self) -> int: ...
    def encode(
        self,
        text: _Text,
        *,
        allowed_special: _AllowedSpecial = ...,
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> list[int]: ...
    def encode_ordinary(self, text: _Text) -> list[int]: ...
    def encode_to_numpy(
        self,
        text: _Text,
        *,
        allowed_special: _AllowedSpecial = ...,
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> npt.NDArray[np.uint32]: ...
    def encode_batch_parts(
        self,
        texts: Iterable[_Text] | Any,
        *,
        num_threads: int | None = None,
        allowed_special: _AllowedSpecial = ...,
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]: ...
    def encode_buffers(
        self,
        data: npt.NDArray[np.uint8],
        offsets: npt.NDArray[np.int64],
        *,
        num_threads: int | None = None,
        allowed_special: _AllowedSpecial = ...,
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]: ...
    def encode_with_offsets_parts(
        self,
        text: _Text,
        *,
        allowed_special: _AllowedSpecial = ...,
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int64]]: ...
    def count(
        self,
        text: _Text,
        *,
        allowed_special: _AllowedSpecial = ...,
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> int: ...
    def count_batch_parts(
        self,
        texts: Iterable[_Text] | Any,
        *,
        num_threads: int | None = None,
        allowed_special: _AllowedSpecial = ...,
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> npt.NDArray[np.int64]: ...
    def count_buffers(
        self,
        data: npt.NDArray[np.uint8],
        offsets: npt.NDArray[np.int64],
        *,
        num_threads: int | None = None,
        allowed_special: _AllowedSpecial = ...,
        disallowed_special: _AllowedSpecial = "all",
        add_special_tokens: bool = False,
    ) -> npt.NDArray[np.int64]: ...
    def pretokenize(self, text: _Text) -> list[bytes]: ...
    def decode(
        self, ids: Sequence[int] | npt.NDArray[np.integer[Any]], errors: str = "replace"
    ) -> str: ...
    def decode_bytes(self, ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> bytes: ...
    def token_bytes(self, id: int) -> bytes: ...
    def id_of(self, token: bytes | str) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class StreamDecoder:
    """Decodes ids as they come and never returns half a character."""

    def __new__(cls, tokenizer: Tokenizer) -> StreamDecoder: ...
    def push(self, ids: int | Sequence[int] | npt.NDArray[np.integer[Any]]) -> str: ...
    def finish(self) -> str: ...

def export_lists(
    values: npt.NDArray[np.integer[Any]], offsets: npt.NDArray[np.int64]
) -> tuple[object, object]: ...
