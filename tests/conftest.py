"""Fixtures over :mod:`tests.support`, and the settings of hypothesis."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import support

if TYPE_CHECKING:
    import tiktoken
    import tokenizers

settings.register_profile(
    "ordinary",
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile(
    "long", settings.get_profile("ordinary"), max_examples=20_000, derandomize=False
)
settings.load_profile(os.environ.get("TOKENSEAM_HYPOTHESIS", "ordinary"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The directory of the small vocabularies."""
    return support.DATA


@pytest.fixture(params=support.VOCABULARIES)
def vocabulary(request: pytest.FixtureRequest) -> str:
    """Each shared vocabulary's name in turn."""
    support.shared("data", "vocab")
    return str(request.param)


@pytest.fixture(params=support.TIKTOKEN_VOCABULARIES)
def tiktoken_vocabulary(request: pytest.FixtureRequest) -> str:
    """Each shared vocabulary's name in turn that tiktoken defines."""
    support.shared("data", "vocab")
    return str(request.param)


@pytest.fixture(params=support.CORPORA)
def corpus_name(request: pytest.FixtureRequest) -> str:
    """Each corpus's name in turn."""
    support.shared("data", "corpus")
    return str(request.param)


@pytest.fixture(params=support.SMALL_JSON)
def small_json(request: pytest.FixtureRequest) -> str:
    """Each small ``tokenizer.json``'s name in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def vocabulary_file() -> Callable[..., Path]:
    """:func:`tests.support.vocabulary_file`."""
    return support.vocabulary_file


@pytest.fixture(scope="session")
def corpus() -> Callable[..., tuple[str, ...]]:
    """:func:`tests.support.corpus`."""
    return support.corpus


@pytest.fixture(scope="session")
def tiktoken_encoding() -> Callable[[str], tiktoken.Encoding]:
    """:func:`tests.support.tiktoken_encoding`."""
    return support.tiktoken_encoding


@pytest.fixture(scope="session")
def hf_tokenizer() -> Callable[[str], tokenizers.Tokenizer]:
    """:func:`tests.support.hf_tokenizer`."""
    return support.hf_tokenizer


@pytest.fixture(scope="session")
def random_string_count() -> int:
    """How many random strings a vocabulary is compared on; see `make exact`."""
    return support.random_string_count()
