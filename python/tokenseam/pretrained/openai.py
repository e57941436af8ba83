"""The encodings that OpenAI publishes for tiktoken.

The names, hashes, special tokens and patterns are facts of the published
encodings. gpt2 and r50k_base have the same ranks; tiktoken fetches gpt2 in an
older form, whose copies are recognised as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tokenseam._core import Spec
from tokenseam.errors import DownloadError, OfflineError, ReadError
from tokenseam.pretrained import cache
from tokenseam.pretrained.fetch import fetch

__all__ = ["ENCODINGS", "load", "without_second_name"]

HOST = "https://openaipublic.blob.core.windows.net"
#: gpt2 as tiktoken fetches it: tokens in byte-level spelling, with their ids.
GPT2_JSON = "gpt-2/encodings/main/encoder.json"
GPT2_JSON_SHA256 = "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"

_END = {"<|endoftext|>": 50256}
_R50K_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
_CL100K_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
_O200K_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_O200K = {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}
_HARMONY_NAMED = {
    199998: "startoftext", 199999: "endoftext", 200002: "return", 200003: "constrain",
    200005: "channel", 200006: "start", 200007: "end", 200008: "message", 200012: "call",
}  # fmt: skip


def _harmony() -> dict[str, int]:
    ids = range(199998, 201088)
    named = {f"<|{_HARMONY_NAMED.get(id, f'reserved_{id}')}|>": id for id in ids}
    return without_second_name(_O200K | named)


def without_second_name(special_tokens: dict[str, int]) -> dict[str, int]:
    """Special tokens without the second name that o200k_harmony has for one
    id: there 200018 is ``<|endofprompt|>`` and ``<|reserved_200018|>``, and
    which of them it decodes to is left to chance. Here the first one stays,
    and the second is plain text."""
    second = "<|reserved_200018|>"
    if special_tokens.get("<|endofprompt|>") == special_tokens.get(second, -1):
        return {name: id for name, id in special_tokens.items() if name != second}
    return special_tokens


@dataclass(frozen=True)
class Encoding:
    """One published encoding."""

    file: str
    sha256: str
    pattern: str
    special_tokens: dict[str, int]


_R50K_SHA256 = "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"
_P50K_SHA256 = "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069"
_CL100K_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
_O200K_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"

#: The published encodings by name.
ENCODINGS: dict[str, Encoding] = {
    "gpt2": Encoding("r50k_base", _R50K_SHA256, _R50K_PATTERN, _END),
    "r50k_base": Encoding("r50k_base", _R50K_SHA256, _R50K_PATTERN, _END),
    "p50k_base": Encoding("p50k_base", _P50K_SHA256, _R50K_PATTERN, _END),
    "p50k_edit": Encoding(
        "p50k_base",
        _P50K_SHA256,
        _R50K_PATTERN,
        _END | {"<|fim_prefix|>": 50281, "<|fim_middle|>": 50282, "<|fim_suffix|>": 50283},
    ),
    "cl100k_base": Encoding(
        "cl100k_base",
        _CL100K_SHA256,
        _CL100K_PATTERN,
        {
            "<|endoftext|>": 100257,
            "<|fim_prefix|>": 100258,
            "<|fim_middle|>": 100259,
            "<|fim_suffix|>": 100260,
            "<|endofprompt|>": 100276,
        },
    ),
    "o200k_base": Encoding("o200k_base", _O200K_SHA256, _O200K_PATTERN, _O200K),
    "o200k_harmony": Encoding("o200k_base", _O200K_SHA256, _O200K_PATTERN, _harmony()),
}


def load(name: str, *, download: bool, cache_dir: Path | None) -> Spec:
    """A published encoding, from the cache, tiktoken's cache, or its host.

    Raises:
        OfflineError: it is not here and ``download`` is false.
        DownloadError: it cannot be fetched, or a file here is damaged.
    """
    encoding = ENCODINGS[name]
    data = _ranks(name, encoding, download, cache_dir)
    spec = Spec.from_buffer(data, pattern=encoding.pattern, special_tokens=encoding.special_tokens)
    return spec.with_name(name)


def _ranks(name: str, encoding: Encoding, download: bool, cache_dir: Path | None) -> bytes:
    """The rank file, whose hash is right."""
    kept = cache.directory(cache_dir) / "openai" / f"{encoding.file}.tiktoken"
    damaged = ""
    if kept.exists():
        data = cache.read(kept)
        if cache.sha256(data) == encoding.sha256:
            return data
        damaged = (
            f"{kept} is damaged: its SHA-256 is {cache.sha256(data)}, not {encoding.sha256}; "
            f"delete it, or fetch it again with download=True"
        )
    found = _from_tiktoken_cache(encoding)
    if found is not None:
        return found
    url = f"{_endpoint()}/encodings/{encoding.file}.tiktoken"
    if not download:
        if damaged:
            raise DownloadError(damaged)
        raise OfflineError(
            f"{name!r} is not on this machine, and nothing is fetched unless asked: pass "
            f"download=True (--download on the command line), set TOKENSEAM_DOWNLOAD=1, or put "
            f"the file {url} (SHA-256 {encoding.sha256}) at {kept}"
        )
    data = fetch(url).data
    if cache.sha256(data) != encoding.sha256:
        raise DownloadError(
            f"{url} is not the published file: its SHA-256 is {cache.sha256(data)}, not "
            f"{encoding.sha256}; nothing was kept"
        )
    cache.store(kept, data)
    return data


def _endpoint() -> str:
    return (os.environ.get("TOKENSEAM_OPENAI_ENDPOINT") or HOST).rstrip("/")


def _from_tiktoken_cache(encoding: Encoding) -> bytes | None:
    """tiktoken's own copy, if there is a sound one."""
    data = _tiktoken_copy(f"encodings/{encoding.file}.tiktoken", encoding.sha256)
    if data is None and encoding.file == "r50k_base":
        older = _tiktoken_copy(GPT2_JSON, GPT2_JSON_SHA256)
        if older is not None:
            data = ranks_from_gpt2_json(older)
            if cache.sha256(data) != encoding.sha256:
                return None
    return data


def _tiktoken_copy(file: str, sha256: str) -> bytes | None:
    """tiktoken keeps a file under the SHA-1 of its URL."""
    directory = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    if directory == "":  # how tiktoken is told not to keep anything
        return None
    if directory is None:
        directory = str(Path(tempfile.gettempdir()) / "data-gym-cache")
    key = hashlib.sha1(f"{HOST}/{file}".encode(), usedforsecurity=False).hexdigest()
    try:
        data = cache.read(Path(directory) / key)
    except ReadError:
        return None
    return data if cache.sha256(data) == sha256 else None


def ranks_from_gpt2_json(data: bytes) -> bytes:
    """GPT-2's ``encoder.json`` as a rank file."""
    import base64

    spelling = byte_of_character()
    ranks = {
        rank: bytes(spelling[character] for character in token)
        for token, rank in json.loads(data).items()
        if token != "<|endoftext|>"
    }
    return b"".join(
        base64.b64encode(token) + b" %d\n" % rank for rank, token in sorted(ranks.items())
    )


def byte_of_character() -> dict[str, int]:
    """GPT-2's spelling of bytes: printable ones are themselves, the others
    the characters from U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(byte): byte for byte in printable} | {
        chr(256 + index): byte for index, byte in enumerate(others)
    }
