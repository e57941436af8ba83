"""Kinds of ``tokenizer.json`` against Hugging Face tokenizers: SentencePiece-
style ones, published pre-tokenizers, normalizers, flags of added tokens."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pytest
import tokenizers
import tokenseam
from hypothesis import given

from tests import strings, support

Json = dict[str, Any]

#: How many random strings each variant is compared on.
COUNT = 1_000

ORDINARY: dict[str, Any] = {"disallowed_special": ()}
SPECIAL: dict[str, Any] = {"allowed_special": "all"}


@cache
def own(name: str) -> tokenseam.Tokenizer:
    return tokenseam.Tokenizer.from_file(support.DATA / name)


def both(file: Json) -> tuple[tokenseam.Tokenizer, tokenizers.Tokenizer]:
    """The two libraries' tokenizers of one file."""
    text = json.dumps(file)
    spec = tokenseam.Spec.from_buffer(text.encode())
    return tokenseam.Tokenizer.from_spec(spec), tokenizers.Tokenizer.from_str(text)


def compare(tokenizer: tokenseam.Tokenizer, hf: tokenizers.Tokenizer, texts: Iterable[str]) -> None:
    """Ids with special tokens as text and as tokens, with and without the
    template, and what they decode to."""
    for found in compare_ids(tokenizer, hf, list(texts)):
        rows = found.tolist()
        expected = hf.decode_batch(rows, skip_special_tokens=False)
        assert tokenizer.decode_batch(rows) == expected


def compare_ids(
    tokenizer: tokenseam.Tokenizer, hf: tokenizers.Tokenizer, texts: list[str]
) -> list[tokenseam.Ragged]:
    results = []
    for plain in (True, False):
        hf.encode_special_tokens = plain
        for template in (False, True):
            options = ORDINARY if plain else SPECIAL
            found = tokenizer.encode_batch(texts, add_special_tokens=template, **options)
            encodings = hf.encode_batch(texts, add_special_tokens=template)
            strings.assert_same(found, [encoding.ids for encoding in encodings], texts)
        results.append(found)
    return results


def small(name: str = "small.tokenizer.json") -> Json:
    return dict(json.loads((support.DATA / name).read_text(encoding="utf-8")))


def test_random_strings(small_json):
    count = support.random_string_count()
    for batch in strings.batches(strings.random_strings(count, small_json), 20_000):
        compare(own(small_json), support.hf_tokenizer(small_json), batch)


def test_corpora(small_json, corpus_name):
    texts = support.corpus(corpus_name, None if strings.thorough() else 50_000)
    for batch in strings.batches(iter(texts), 5_000):
        compare(own(small_json), support.hf_tokenizer(small_json), batch)


def test_code_points(small_json):
    characters = [*map(chr, range(0x3100)), "\ufffd", "\ufffe", "\U0001f600", "\U0010ffff"]
    if strings.thorough():
        characters = list(strings.code_points(True))
    contexts = map(strings.in_context, characters)
    for batch in strings.batches(contexts, 10_000):
        compare(own(small_json), support.hf_tokenizer(small_json), batch)


def test_hypothesis(small_json):
    tokenizer, hf = own(small_json), support.hf_tokenizer(small_json)

    @given(text=strings.TEXT)
    def same(text: str) -> None:
        compare(tokenizer, hf, [text])

    same()


def test_random_ids_decode_alike(small_json):
    tokenizer, hf = own(small_json), support.hf_tokenizer(small_json)
    generator = random.Random(5)
    size = hf.get_vocab_size()
    rows = [
        [generator.randrange(size) for _ in range(generator.randrange(12))] for _ in range(2_000)
    ]
    # Runs of byte tokens, most of which are not UTF-8, and special tokens.
    rows += [
        [generator.randrange(270) for _ in range(generator.randrange(12))] for _ in range(2_000)
    ]
    assert tokenizer.decode_batch(rows) == hf.decode_batch(rows, skip_special_tokens=False)


def test_ignored_merges():
    """Tokens that merging does not build are still taken as a whole."""
    file = small("small-llama3.json")
    file["model"]["merges"] = file["model"]["merges"][::3]
    vocab = file["model"]["vocab"]
    reachable = {left + right for left, right in file["model"]["merges"]}
    # Merges may only name tokens; what they no longer build stays a token.
    assert len(reachable) < len(vocab) - 256
    words = [token.replace("\u0120", " ") for token in vocab if token.isascii()]
    for ignore_merges in (True, False):
        file["model"]["ignore_merges"] = ignore_merges
        compare(*both(file), [*words, *strings.random_strings(COUNT, "ignored merges")])


def split(pattern: str, behavior: str = "Isolated", *, invert: bool = False) -> Json:
    return {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": behavior,
        "invert": invert,
    }


LEVEL: Json = {
    "type": "ByteLevel",
    "add_prefix_space": False,
    "trim_offsets": False,
    "use_regex": False,
}
GPT2_LEVEL = LEVEL | {"use_regex": True}

#: Pre-tokenizers as models publish them, and steps that none of them has.
PRE_TOKENIZERS: dict[str, list[Json]] = {
    "deepseek-v3": [
        split(r"\p{N}{1,3}"),
        split("[一-龥\u3040-ゟ゠-ヿ]+"),
        split(
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?"
            "[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
        ),
        LEVEL,
    ],
    "kimi-k2": [
        split(
            r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*"
            r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"
            r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
            r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        ),
        LEVEL,
    ],
    "qwen3.5": [
        split(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|"
            r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        ),
        LEVEL,
    ],
    "starcoder": [{"type": "Digits", "individual_digits": True}, GPT2_LEVEL],
    "tekken": [
        split(
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
            r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        ),
        LEVEL,
    ],
    "minicpm5": [
        split(r"\p{N}{1,3}"),
        split(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+|"
            r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        ),
        LEVEL,
    ],
    "bloom": [split(" ?[^(\\s|[.,!?…。，、।۔،])]+"), LEVEL],
    "gpt-4 in Ruby's syntax": [
        split(
            r"(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+|"
            r" ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
        ),
        LEVEL,
    ],
    "prefix space": [GPT2_LEVEL | {"add_prefix_space": True}],
    "digits in runs": [{"type": "Digits", "individual_digits": False}, GPT2_LEVEL],
    "no cuts": [LEVEL],
    "literal": [
        {"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated", "invert": False},
        LEVEL,
    ],
    "words": [split(r"\w+"), LEVEL],
    "white space": [split(r"\s+"), LEVEL],
    "lines": [split(r"^.*$"), LEVEL],
    "back-reference": [split(r"(\w)\1"), LEVEL],
    "look-behind": [split(r"(?<=[a-z])(?=[A-Z])|\s+"), LEVEL],
    "a class in a class": [split(r"[a-z&&[^aeiou]]+|[[A-Z]&&[^X]]+|[\d\s]"), LEVEL],
} | {
    f"{behavior}{' inverted' if invert else ''}": [
        split(r"\p{P}|\d+", behavior, invert=invert),
        GPT2_LEVEL,
    ]
    for behavior in ("Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
    for invert in (False, True)
}


@pytest.mark.parametrize("name", PRE_TOKENIZERS)
def test_pre_tokenizers(name):
    file = small()
    file["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": PRE_TOKENIZERS[name]}
    compare(*both(file), strings.random_strings(COUNT, name))


METASPACE: Json = {"type": "Metaspace", "replacement": "▁", "split": True}


@pytest.mark.parametrize("scheme", ["always", "first", "never"])
@pytest.mark.parametrize("cut", [True, False])
def test_metaspace(scheme, cut):
    file = small("small-mistral.json")
    step = METASPACE | {"prepend_scheme": scheme, "split": cut}
    file["pre_tokenizer"] = step
    compare(*both(file), strings.random_strings(COUNT, f"{scheme} {cut}"))
    file["decoder"] = step
    compare(*both(file), strings.random_strings(COUNT, f"{scheme} {cut} decoder"))


def sequence(*normalizers: Json) -> Json:
    return {"type": "Sequence", "normalizers": list(normalizers)}


def kind(name: str, **fields: Any) -> Json:
    return {"type": name} | fields


def replace(pattern: Json, content: str) -> Json:
    return kind("Replace", pattern=pattern, content=content)


NORMALIZERS: dict[str, Json] = {
    **{name: kind(name) for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents")},
    "strip": kind("Strip", strip_left=True, strip_right=True),
    "strip left": kind("Strip", strip_left=True, strip_right=False),
    "prepend": kind("Prepend", prepend="> "),
    "replace": replace({"String": "  "}, " "),
    "delete": replace({"String": "a"}, ""),
    "replace by pattern": replace({"Regex": r"\s+"}, "_"),
    "NFD, then no accents, in lower case": sequence(
        kind("NFD"), kind("StripAccents"), kind("Lowercase")
    ),
    "lower case, then NFKC": sequence(kind("Lowercase"), kind("NFKC")),
    "NFKD, then NFC": sequence(kind("NFKD"), kind("NFC")),
    "replace, then prepend": sequence(
        replace({"String": " "}, "\u2581"), kind("Prepend", prepend="\u2581"), kind("NFKC")
    ),
    "strip, then replace": sequence(
        kind("Strip", strip_left=False, strip_right=True),
        replace({"Regex": r"\n{2,}"}, "\n"),
        sequence(kind("NFC")),
    ),
}


@pytest.mark.parametrize("name", NORMALIZERS)
@pytest.mark.parametrize("vocabulary", ["small.tokenizer.json", "small-gemma.json"])
def test_normalizers(name, vocabulary):
    file = small(vocabulary)
    file["normalizer"] = NORMALIZERS[name]
    # Words that are found in the normalized text, where HF looks for them.
    tokenizer, hf = both(file)
    compare(tokenizer, hf, strings.random_strings(COUNT, name))
    characters = [chr(code) for code in (*range(0xD800), *range(0xE000, 0x20000, 7))]
    texts = ["".join(batch) for batch in strings.batches(iter(characters), 20)]
    compare(tokenizer, hf, texts)


def test_a_pattern_that_matches_nothing_is_refused_by_name():
    file = small() | {"normalizer": replace({"Regex": "x*"}, "-")}
    with pytest.raises(tokenseam.errors.UnsupportedError, match="empty string"):
        both(file)


def flags(**given: bool) -> Json:
    names = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return dict.fromkeys(names, False) | given


ADDED = {
    "plain": flags(),
    "special": flags(special=True),
    "lstrip": flags(lstrip=True),
    "rstrip": flags(rstrip=True),
    "both sides": flags(lstrip=True, rstrip=True, special=True),
    "single_word": flags(single_word=True),
    "single_word and strips": flags(single_word=True, lstrip=True, rstrip=True),
    "normalized": flags(normalized=True),
    "normalized and strips": flags(normalized=True, lstrip=True, rstrip=True),
    "normalized single_word": flags(normalized=True, single_word=True),
    "normalized special": flags(normalized=True, special=True, lstrip=True),
}


def with_added(name: str, contents: Iterable[tuple[str, Json]]) -> Json:
    file = small(name)
    first = 1 + max(*file["model"]["vocab"].values(), *(a["id"] for a in file["added_tokens"]))
    for id, (content, options) in enumerate(contents, first):
        file["added_tokens"].append({"id": id, "content": content} | options)
    return file


def texts_with(contents: list[str], seed: str) -> list[str]:
    generator = random.Random(seed)
    around = [
        "",
        " ",
        "  ",
        "\n",
        "\t ",
        "a",
        "A",
        "1",
        "_",
        ".",
        "-",
        "e\u0301",
        "\u3000",
        "中",
        "'s",
    ]
    texts = []
    for _ in range(3 * COUNT):
        parts = []
        for _ in range(generator.randint(1, 6)):
            parts.append(generator.choice(contents))
            parts += generator.choices(around, k=generator.randrange(3))
        texts.append("".join(parts))
    return texts


@pytest.mark.parametrize(
    "name", ["small.tokenizer.json", "small-llama2.json", "small-mistral.json"]
)
@pytest.mark.parametrize("which", ADDED)
def test_added_tokens(which, name):
    """Ids only: Hugging Face decodes an added token of a byte-level file as if
    it were spelled in that file's alphabet, which loses the accent of `Éa`."""
    contents = ["<tool>", "word", "<too", "l>wo", "Éa", "wordy"]
    tokenizer, hf = both(with_added(name, [(content, ADDED[which]) for content in contents]))
    compare_ids(tokenizer, hf, texts_with([*contents, "<tool", "WORD", "e\u0301a"], which))


@pytest.mark.parametrize("normalizer", ["NFC", "NFKD", "Lowercase", "strip", "prepend", "replace"])
def test_added_tokens_behind_normalizers(normalizer):
    kinds = [ADDED[name] for name in ("normalized", "plain", "normalized and strips", "lstrip")]
    contents = ["Word", "éßé", "ＡB", "x  y", "<T>", "İx", "ﬁ", "word"]
    entries = [(content, kinds[at % len(kinds)]) for at, content in enumerate(contents)]
    file = with_added("small.tokenizer.json", entries)
    file["normalizer"] = NORMALIZERS[normalizer]
    tokenizer, hf = both(file)
    compare_ids(
        tokenizer, hf, texts_with([*contents, "e\u0301", "AB", "X  Y", "fi", "WORD"], normalizer)
    )


def test_character_offsets(small_json):
    """They agree where a file does not ask for offsets without white space,
    and nothing is put in front, which has an empty range here."""
    file = small(small_json)
    _trim_nothing(file)
    if small_json == "small-llama2.json":
        file["normalizer"]["normalizers"] = file["normalizer"]["normalizers"][1:]
    if small_json == "small-mistral.json":
        file["pre_tokenizer"]["prepend_scheme"] = "never"
    tokenizer, hf = both(file)
    for text in strings.random_strings(COUNT, small_json):
        encoding = hf.encode(text)
        encoded = tokenizer.encode_with_offsets(text, add_special_tokens=True, **SPECIAL)
        assert [*map(tuple, encoded.char_offsets.tolist())] == encoding.offsets, text


@pytest.mark.parametrize("name", ["Lowercase", "delete", "strip"])
def test_character_offsets_behind_normalizers(name):
    """Where one character comes of several, they differ: here its range has
    all of them, there the first or the last."""
    file = small()
    _trim_nothing(file)
    file["normalizer"] = NORMALIZERS[name]
    tokenizer, hf = both(file)
    for text in strings.random_strings(COUNT, name):
        encoding = hf.encode(text)
        encoded = tokenizer.encode_with_offsets(text, **SPECIAL)
        assert [*map(tuple, encoded.char_offsets.tolist())] == encoding.offsets, text


def _trim_nothing(part: Any) -> None:
    """Sets ``trim_offsets`` of all components to false."""
    for value in part.values() if isinstance(part, dict) else part:
        if isinstance(value, dict | list):
            _trim_nothing(value)
    if isinstance(part, dict) and "trim_offsets" in part:
        part["trim_offsets"] = False


def tekken_as_tiktoken() -> Callable[[str], list[int]]:
    """The small tekken vocabulary as its owner builds it: tiktoken's encoder,
    with ids moved up by the number of special tokens."""
    import base64

    import tiktoken

    file = small("small-tekken.json")
    config = file["config"]
    special = config["default_num_special_tokens"]
    encoding = tiktoken.Encoding(
        "tekken",
        pat_str=config["pattern"],
        mergeable_ranks={
            base64.b64decode(token["token_bytes"]): token["rank"]
            for token in file["vocab"][: config["default_vocab_size"] - special]
        },
        special_tokens={},
    )
    return lambda text: [id + special for id in encoding.encode_ordinary(text)]


def test_tekken():
    tokenizer, owner = own("small-tekken.json"), tekken_as_tiktoken()
    texts = list(strings.random_strings(support.random_string_count(), "tekken"))
    found = tokenizer.encode_batch(texts, disallowed_special=())
    strings.assert_same(found, [owner(text) for text in texts], texts)
    assert tokenizer.decode_batch(found) == texts
