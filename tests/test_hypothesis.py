"""The ids are the owners' on texts that hypothesis looks for."""

from __future__ import annotations

import numpy as np
import pytest
import tokenseam
from hypothesis import given
from hypothesis import strategies as st
from tokenseam import errors

from tests import strings, support
from tests.test_exact import FORMS, hf_ids, hf_normalized, loaded

BYTES = st.one_of(st.binary(max_size=60), strings.TEXT.map(str.encode))


def small(name: str = "small.tokenizer.json") -> tokenseam.Tokenizer:
    return tokenseam.Tokenizer.from_file(support.DATA / name)


def test_tiktoken(tiktoken_vocabulary):
    owner = support.tiktoken_encoding(tiktoken_vocabulary)
    tokenizers = [loaded(tiktoken_vocabulary, form) for form in FORMS]

    @given(text=strings.TEXT)
    def same(text: str) -> None:
        expected = owner.encode_ordinary(text)
        for tokenizer in tokenizers:
            assert tokenizer.encode_ordinary(text) == expected

    same()


def test_hugging_face(vocabulary):
    tokenizer = loaded(vocabulary, "tokenizer.json")
    ranks = loaded(vocabulary, "tiktoken")

    @given(text=strings.TEXT)
    def same(text: str) -> None:
        (expected,) = hf_ids(vocabulary, [text])
        assert tokenizer.encode_ordinary(text) == expected
        (normalized,) = hf_normalized(vocabulary, [text])
        assert ranks.encode_ordinary(normalized) == expected

    same()


def test_special_tokens_as_tiktoken_finds_them(tiktoken_vocabulary):
    owner = support.tiktoken_encoding(tiktoken_vocabulary)
    tokenizer = loaded(tiktoken_vocabulary, "tiktoken")
    specials = sorted(support.special_tokens(tiktoken_vocabulary))
    pieces = st.one_of(st.sampled_from(specials), st.sampled_from(strings.PIECES), strings.TEXT)

    @given(parts=st.lists(pieces, max_size=5), allowed=st.sets(st.sampled_from(specials)))
    def same(parts: list[str], allowed: set[str]) -> None:
        text = "".join(parts)
        expected = owner.encode(text, allowed_special=allowed, disallowed_special=())
        found = tokenizer.encode(text, allowed_special=allowed, disallowed_special=())
        assert found == expected
        try:
            expected = owner.encode(text, allowed_special=allowed)
        except ValueError:
            with pytest.raises(errors.DisallowedSpecialError):
                tokenizer.encode(text, allowed_special=allowed)
        else:
            assert tokenizer.encode(text, allowed_special=allowed) == expected

    same()


@pytest.mark.parametrize("name", ["small.tiktoken", "small.tokenizer.json", "small-tekken.json"])
def test_bytes_come_back(name):
    pattern = support.GPT2_PATTERN if name == "small.tiktoken" else None
    tokenizer = tokenseam.Tokenizer.from_file(support.DATA / name, pattern=pattern)

    @given(text=BYTES)
    def same(text: bytes) -> None:
        ids = tokenizer.encode_ordinary(text)
        assert tokenizer.decode_bytes(ids) == text
        assert tokenizer.decode(ids) == text.decode(errors="replace")
        assert b"".join(tokenizer.token_bytes(id) for id in ids) == text
        assert tokenizer.count(text, disallowed_special=()) == len(ids)

    same()


@given(text=BYTES)
def test_offsets_go_through_the_text(text):
    tokenizer = small()
    ids, byte_offsets, char_offsets = tokenizer.encode_with_offsets(text, disallowed_special=())
    assert b"".join(strings.slices(text, byte_offsets)) == text
    starts, ends = byte_offsets.T if len(ids) else (np.zeros(0), np.zeros(0))
    assert (starts[1:] == ends[:-1]).all()
    assert (np.diff(char_offsets[:, 0]) >= 0).all()
    if len(ids):
        assert char_offsets[0, 0] == 0
        assert char_offsets[-1, 1] == len(text.decode(errors="replace"))


@given(texts=st.lists(st.one_of(strings.TEXT, BYTES), max_size=8), threads=st.integers(1, 16))
def test_batches_are_their_texts(texts, threads):
    tokenizer = small()
    batch = tokenizer.encode_batch(texts, num_threads=threads, disallowed_special=())
    assert batch.tolist() == [tokenizer.encode_ordinary(text) for text in texts]
    counts = tokenizer.count_batch(texts, num_threads=threads, disallowed_special=())
    assert counts.tolist() == [len(row) for row in batch]


@given(ids=st.lists(st.integers(0, 1000), max_size=40), chunk=st.integers(1, 5))
def test_streaming_gives_the_text_of_all_ids(ids, chunk):
    tokenizer = small()
    decoder = tokenizer.stream_decoder()
    parts = [decoder.push(ids[at : at + chunk]) for at in range(0, len(ids), chunk)]
    parts.append(decoder.finish())
    assert "".join(parts) == tokenizer.decode(ids)


@given(text=strings.TEXT)
def test_streaming_one_id_at_a_time_never_shows_half_a_character(text):
    tokenizer = small()
    decoder = tokenizer.stream_decoder()
    shown = ""
    for id in tokenizer.encode_ordinary(text):
        shown += decoder.push(id)
        assert text.startswith(shown)
    assert shown + decoder.finish() == text
