"""Where the tests find their data, and the owners' tokenizers built from it.

Small vocabularies are in ``tests/data``. Real ones and corpora are in a
directory beside the repository that is not part of it: ``TOKENSEAM_SHARED``
names it, else it is ``../shared``. Without it the tests that need it are
skipped, or fail when ``TOKENSEAM_REQUIRE_SHARED=1``.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import tiktoken
    import tokenizers

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"

#: Vocabularies in the shared directory, each as a rank file and as a
#: ``tokenizer.json``, and those among them that tiktoken defines.
VOCABULARIES = ("gpt2", "cl100k_base", "o200k_base", "qwen3")
TIKTOKEN_VOCABULARIES = ("gpt2", "cl100k_base", "o200k_base")
CORPORA = ("en", "code", "multi", "cjk", "numws", "short")

#: ``tokenizer.json`` files in ``tests/data`` that Hugging Face tokenizers reads.
SMALL_JSON = (
    "small.tokenizer.json",
    "small-llama3.json",
    "small-llama2.json",
    "small-mistral.json",
    "small-gemma.json",
)

#: tiktoken's own pattern for GPT-2, which goes with ``small.tiktoken``.
GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"


def shared(*parts: str) -> Path:
    """A path in the shared directory; without it, skips or fails the test."""
    named = os.environ.get("TOKENSEAM_SHARED")
    path = (Path(named) if named else ROOT.parent / "shared").joinpath(*parts)
    if not path.exists():
        reason = f"no shared data at {path}; set TOKENSEAM_SHARED to where it is"
        if os.environ.get("TOKENSEAM_REQUIRE_SHARED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@cache
def _scratch() -> Path:
    import atexit

    path = Path(tempfile.mkdtemp(prefix="tokenseam-tests-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def vocabulary_file(name: str, suffix: str = "tiktoken") -> Path:
    """An unpacked vocabulary: `suffix` is ``tiktoken`` or ``tokenizer.json``."""
    packed = shared("data", "vocab", f"{name}.{suffix}.gz")
    path = _scratch() / f"{name}.{suffix}"
    if not path.exists():
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        with gzip.open(packed) as source, partial.open("wb") as target:
            shutil.copyfileobj(source, target)
        partial.replace(path)
    return path


def special_tokens(name: str) -> dict[str, int]:
    """The special tokens of a shared vocabulary."""
    return dict(_special(name)["special"])


def pattern(name: str) -> str:
    """The pattern of a shared vocabulary, as its owner publishes it."""
    return str(_special(name)["pat"])


def _special(name: str) -> dict:  # type: ignore[type-arg]
    text = shared("data", "vocab", f"{name}.special.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def read_ranks(path: Path) -> dict[bytes, int]:
    """A rank file as tiktoken's ``mergeable_ranks``."""
    ranks = {}
    for line in path.read_bytes().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    return ranks


@cache
def tiktoken_encoding(name: str) -> tiktoken.Encoding:
    """tiktoken's own tokenizer of a shared vocabulary, or of ``small``."""
    import tiktoken

    if name == "small":
        return tiktoken.Encoding(
            "small",
            pat_str=GPT2_PATTERN,
            mergeable_ranks=read_ranks(DATA / "small.tiktoken"),
            special_tokens={"<|endoftext|>": 1000},
        )
    return tiktoken.Encoding(
        name,
        pat_str=pattern(name),
        mergeable_ranks=read_ranks(vocabulary_file(name)),
        special_tokens=special_tokens(name),
    )


@cache
def hf_tokenizer(name: str) -> tokenizers.Tokenizer:
    """Hugging Face's tokenizer of a shared vocabulary, or of a file in
    ``tests/data`` by its full name."""
    import tokenizers

    path = DATA / name if name.endswith(".json") else vocabulary_file(name, "tokenizer.json")
    return tokenizers.Tokenizer.from_file(str(path))


@cache
def corpus(name: str, max_bytes: int | None = None) -> tuple[str, ...]:
    """Documents of a corpus, in order, until they make up `max_bytes` of UTF-8."""
    documents = []
    size = 0
    with gzip.open(shared("data", "corpus", f"{name}.jsonl.gz"), "rt", encoding="utf-8") as lines:
        for line in lines:
            if max_bytes is not None and size >= max_bytes:
                break
            text = json.loads(line)["text"]
            documents.append(text)
            size += len(text.encode())
    return tuple(documents)


def random_string_count(default: int = 2000) -> int:
    """How many random strings a vocabulary is compared on."""
    return int(os.environ.get("TOKENSEAM_RANDOM_STRINGS", default))
