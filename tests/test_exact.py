"""The ids are the owners', on every corpus, random strings and code points."""

from __future__ import annotations

from functools import cache

import pytest
import tokenseam

from tests import strings, support

pytestmark = pytest.mark.exact

#: How much of each corpus an ordinary run takes.
SAMPLE_BYTES = 150_000

FORMS = ("tiktoken", "tokenizer.json")


@cache
def loaded(name: str, form: str) -> tokenseam.Tokenizer:
    """A shared vocabulary, read from one of its two forms."""
    path = support.vocabulary_file(name, form)
    if form == "tokenizer.json":
        return tokenseam.Tokenizer.from_file(path)
    return tokenseam.Tokenizer.from_file(
        path, pattern=support.pattern(name), special_tokens=support.special_tokens(name)
    )


def hf_ids(name: str, texts: list[str]) -> list[list[int]]:
    """Hugging Face's ids, special tokens being plain text."""
    tokenizer = support.hf_tokenizer(name)
    tokenizer.encode_special_tokens = True
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return [encoding.ids for encoding in encodings]


def hf_normalized(name: str, texts: list[str]) -> list[str]:
    """The texts behind Hugging Face's normalizer, which a rank file lacks."""
    normalizer = support.hf_tokenizer(name).normalizer
    return texts if normalizer is None else [normalizer.normalize_str(text) for text in texts]


def check(name: str, texts: list[str], *, tiktoken: bool, hf: bool) -> None:
    """Compares both forms of a vocabulary with its owners, and decodes."""
    json_ids = loaded(name, "tokenizer.json").encode_batch(texts, disallowed_special=())
    normalized = hf_normalized(name, texts) if hf else texts
    rank_ids = loaded(name, "tiktoken").encode_batch(normalized, disallowed_special=())
    if tiktoken:
        expected = support.tiktoken_encoding(name).encode_ordinary_batch(texts)
        strings.assert_same(rank_ids, expected, texts)
        strings.assert_same(json_ids, expected, texts)
    if hf:
        expected = hf_ids(name, texts)
        strings.assert_same(rank_ids, expected, texts)
        strings.assert_same(json_ids, expected, texts)
    assert loaded(name, "tiktoken").decode_batch(rank_ids) == normalized


def owners(name: str) -> dict[str, bool]:
    """Who owns a vocabulary: Hugging Face tokenizers reads all of them."""
    return {"tiktoken": name in support.TIKTOKEN_VOCABULARIES, "hf": True}


def test_corpora(vocabulary, corpus_name):
    texts = support.corpus(corpus_name, None if strings.thorough() else SAMPLE_BYTES)
    for batch in strings.batches(iter(texts), 5_000):
        check(vocabulary, batch, **owners(vocabulary))


def test_random_strings(vocabulary):
    count = support.random_string_count()
    for batch in strings.batches(strings.random_strings(count, vocabulary), 20_000):
        check(vocabulary, batch, **owners(vocabulary))


def test_every_code_point_in_contexts(vocabulary):
    contexts = map(strings.in_context, strings.code_points(strings.thorough()))
    # Several to a text, as each text has a price.
    texts = map("\n".join, strings.batches(contexts, 50))
    for batch in strings.batches(texts, 2_000):
        check(vocabulary, batch, **owners(vocabulary))


def test_random_bytes_come_back(vocabulary):
    texts = list(strings.random_bytes(support.random_string_count(), vocabulary))
    for form in FORMS:
        tokenizer = loaded(vocabulary, form)
        if form == "tokenizer.json" and support.hf_tokenizer(vocabulary).normalizer is not None:
            continue  # its text comes back normalized
        ids = tokenizer.encode_batch(texts, disallowed_special=())
        for text, row in zip(texts, ids, strict=True):
            assert tokenizer.decode_bytes(row) == text


def test_every_pair_of_bytes_comes_back(vocabulary):
    tokenizer = loaded(vocabulary, "tiktoken")
    texts = [bytes((first, second)) for first in range(256) for second in range(256)]
    assert [tokenizer.decode_bytes(row) for row in tokenizer.encode_batch(texts)] == texts


def test_every_token_is_its_own_bytes(vocabulary):
    for form in FORMS:
        tokenizer = loaded(vocabulary, form)
        ranks = support.read_ranks(support.vocabulary_file(vocabulary))
        for token, id in ranks.items():
            assert tokenizer.token_bytes(id) == token
            assert tokenizer.id_of(token) == id


def test_special_tokens_allowed(vocabulary):
    specials = list(support.special_tokens(vocabulary))
    texts = []
    for at, text in enumerate(strings.random_strings(500, "special tokens")):
        special = specials[at % len(specials)]
        texts += [text + special + text[:5], special + special + text, f" {special} \n{special}"]
    for form in FORMS:
        tokenizer = loaded(vocabulary, form)
        if form == "tiktoken":
            texts = hf_normalized(vocabulary, texts)
        found = tokenizer.encode_batch(texts, allowed_special="all")
        if vocabulary in support.TIKTOKEN_VOCABULARIES:
            owner = support.tiktoken_encoding(vocabulary)
            expected = owner.encode_batch(texts, allowed_special="all")
            strings.assert_same(found, expected, texts)
        hf = support.hf_tokenizer(vocabulary)
        hf.encode_special_tokens = False
        encodings = hf.encode_batch_fast(texts, add_special_tokens=False)
        # Where a vocabulary has holes it numbers special tokens anew.
        numbers = support.special_tokens(vocabulary)
        own = {hf.token_to_id(text): id for text, id in numbers.items()}
        expected = [[own.get(id, id) for id in encoding.ids] for encoding in encodings]
        strings.assert_same(found, expected, texts)


def test_one_text_at_a_time_gives_the_same(vocabulary, random_string_count):
    """Each way in is code of its own up to the core."""
    tokenizer = loaded(vocabulary, "tokenizer.json")
    texts = list(strings.random_strings(min(random_string_count, 2_000), "ways in"))
    batch = tokenizer.encode_batch(texts, disallowed_special=()).tolist()
    assert [tokenizer.encode(text, disallowed_special=()) for text in texts] == batch
    assert [tokenizer.encode_ordinary(text) for text in texts] == batch
    assert [tokenizer.encode_ordinary(text.encode()) for text in texts] == batch
    assert [
        tokenizer.encode_to_numpy(text, disallowed_special=()).tolist() for text in texts
    ] == batch
    assert [tokenizer.count(text, disallowed_special=()) for text in texts] == [*map(len, batch)]
    assert tokenizer.count_batch(texts, disallowed_special=()).tolist() == [*map(len, batch)]
    with_offsets = [tokenizer.encode_with_offsets(text, disallowed_special=()) for text in texts]
    assert [encoded.ids.tolist() for encoded in with_offsets] == batch


def test_byte_offsets_cut_the_text_into_the_tokens(vocabulary):
    tokenizer = loaded(vocabulary, "tokenizer.json")
    for text in strings.random_strings(2_000, "offsets"):
        # A normalizer's offsets are about another text than its tokens.
        if vocabulary == "qwen3" and text != strings.unicodedata.normalize("NFC", text):
            continue
        ids, byte_offsets, _ = tokenizer.encode_with_offsets(text, disallowed_special=())
        parts = strings.slices(text.encode(), byte_offsets)
        assert parts == [tokenizer.token_bytes(id) for id in ids.tolist()]
        assert b"".join(parts) == text.encode()


def test_character_offsets_are_those_of_hugging_face(vocabulary):
    tokenizer = loaded(vocabulary, "tokenizer.json")
    texts = list(strings.random_strings(2_000, "character offsets"))
    hf = support.hf_tokenizer(vocabulary)
    hf.encode_special_tokens = True
    if hf.post_processor is not None and 'trim_offsets":true' in hf.to_str().replace(" ", ""):
        pytest.skip("its file asks for offsets without white space")
    encodings = hf.encode_batch(texts, add_special_tokens=False)
    for text, encoding in zip(texts, encodings, strict=True):
        encoded = tokenizer.encode_with_offsets(text, disallowed_special=())
        assert [tuple(pair) for pair in encoded.char_offsets.tolist()] == encoding.offsets, text


def test_pretokens_concatenate_to_the_text(vocabulary):
    tokenizer = loaded(vocabulary, "tiktoken")
    for text in strings.random_strings(2_000, "pretokens"):
        pieces = tokenizer.pretokenize(text)
        assert b"".join(pieces) == text.encode()
        assert all(pieces)
