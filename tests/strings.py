"""Texts that look for differences: random strings that mix all classes of
characters, hypothesis strategies, every code point, and the comparison."""

from __future__ import annotations

import random
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests import support

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import tokenseam

#: From how many random strings on a run also takes whole corpora and every
#: code point rather than a sample.
THOROUGH = 100_000

#: White space of every kind, line ends doubled because patterns look at them.
SPACES = (
    *("   \t\n\n\r\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2009\u200a"),
    *("\u2028\u2029\u202f\u205f\u3000\u180e\u200b\ufeff"),
    "\r\n",
    "  ",
    " \n",
    "\n\n",
)

#: What patterns treat apart, whole or in part; U+017F and U+212A are letters
#: that only a case-insensitive match takes for ``s`` and ``k``.
PIECES = (
    *("'s", "'S", "'t", "'T", "'re", "'RE", "'rE", "'ve", "'VE", "'m", "'M", "'ll", "'LL", "'lL"),
    *(
        "'d",
        "'D",
        "'\u017f",
        "'\u212a",
        "\u2019s",
        "'",
        "''s",
        "'st",
        "'r",
        "'l",
        "'v",
        "'Ll\u0301",
    ),
    *("<|endoftext|>", "<|im_start|>", "<|endofprompt|>", "<|fim_prefix|>", "<think>", "<s>"),
    *("</s>", "<|", "|>", "<|endoftext", "[INST]", "<0x0A>", "<unk>", "\u2581", "\u0120", "\u010a"),
    *("the", " the", "The", "THE", "hello", " world", "camelCase", "HTMLParser", "iPhone", "McD"),
    *("0", "12", "123", "1234", "3.14", "1,000,000", "0x1F", "\u0663\u0664", "\u2167", "\u00bd"),
    *("://", "/\n", "...\n", "!!!", "?!\r\n", "->", "==", "/*", "*/", "//", "#", "$", "^^", "___"),
    *(
        "e\u0301",
        "\u0301",
        "n\u0303\u0323",
        "\u0915\u094d\u0937",
        "\u0e01\u0e33",
        "\u1100\u1161\u11a8",
    ),
    *(
        "\uac01",
        "\u4e2d\u6587",
        "\u3042\u3044",
        "\u30ab\u30bf",
        "\u9fa5",
        "\u9fa6",
        "\u3007",
        "\u3021",
    ),
    *(
        "\U0001f600",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467",
        "\U0001f1e9\U0001f1ea",
        "\u2764\ufe0f",
    ),
    *(
        "\u01c5",
        "\u02b0",
        "\u00aa",
        "\u0130",
        "\u0131",
        "\u00df",
        "\u1e9e",
        "\ufb03",
        "\u2126",
        "\uf900",
    ),
    *(
        "\u0600",
        "\u200d",
        "\u200c",
        "\u00ad",
        "\ue000",
        "\ufffe",
        "\uffff",
        "\U0010ffff",
        "\x00",
        "\x7f",
    ),
)


@cache
def _classes() -> tuple[tuple[str, ...], ...]:
    """Characters by general category, each of the 30 a class of its own."""
    classes = defaultdict(list)
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        # Private and unassigned ones are many and all alike.
        if category != "Cs" and (category not in ("Co", "Cn") or code % 251 == 0):
            classes[category].append(chr(code))
    return tuple(tuple(characters) for _, characters in sorted(classes.items()))


ASCII = tuple(map(chr, range(128)))
LETTERS = tuple("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
BMP = tuple(chr(code) for code in range(0x3000) if not 0xD800 <= code < 0xE000)


def random_string(random: random.Random) -> str:
    """Some pieces, each out of one class or a run of one character; most
    strings are short."""
    parts: list[str] = []
    for _ in range(random.choice((1, 2, 3, 4, 5, 6, 8, 12, 20))):
        kind = random.random()
        if kind < 0.25:
            parts.append(random.choice(PIECES))
        elif kind < 0.45:
            parts.append(random.choice(SPACES))
        elif kind < 0.55:
            parts += random.choices(LETTERS, k=random.randint(1, 12))
        elif kind < 0.63:
            parts += random.choices(ASCII, k=random.randint(1, 6))
        elif kind < 0.83:
            parts += random.choices(random.choice(_classes()), k=random.randint(1, 4))
        elif kind < 0.90:
            parts += random.choices(BMP, k=random.randint(1, 4))
        elif kind < 0.98:
            source = random.choice((SPACES, ASCII, PIECES, random.choice(_classes())))
            parts.append(random.choice(source) * random.choice((2, 3, 4, 5, 7, 16, 33)))
        else:
            source = random.choice((SPACES, ASCII, random.choice(_classes())))
            parts.append(random.choice(source) * random.choice((100, 257, 1000)))
    return "".join(parts)


def random_strings(count: int, seed: int | str = 0) -> Iterator[str]:
    """The same strings for the same seed."""
    generator = random.Random(seed)
    for _ in range(count):
        yield random_string(generator)


def random_bytes(count: int, seed: int | str = 0) -> Iterator[bytes]:
    """Bytes of all kinds: random ones, UTF-8 that is cut off, spliced or has
    bytes changed."""
    generator = random.Random(seed)
    for text in random_strings(count, f"text of {seed}"):
        data = bytearray(text[:60].encode())
        kind = generator.randrange(4)
        if kind == 0:
            data = bytearray(generator.randbytes(generator.randint(0, 40)))
        elif kind == 1 and data:
            for _ in range(generator.randint(1, 4)):
                data[generator.randrange(len(data))] = generator.randrange(256)
        elif kind == 2:
            start = generator.randint(0, len(data))
            del data[start : start + generator.randint(1, 3)]
        else:
            at = generator.randint(0, len(data))
            data[at:at] = generator.choice(
                (b"\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe4\xb8", b"\x80")
            )
        yield bytes(data)


def code_points(thorough: bool) -> Iterator[str]:
    """Every code point that is a character; without `thorough` all assigned
    ones but of the many alike (ideographs and syllables) only some."""
    for code in range(0x110000):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cs":
            continue
        many = category in ("Co", "Cn") or (category == "Lo" and code > 0x3400)
        if thorough or not many or code % 61 == 0 or code & 0xFFFF > 0xFFF0:
            yield character


def in_context(character: str) -> str:
    """A character next to those of the classes that patterns tell apart."""
    c = character
    return f"{c} {c}a{c}B{c}1{c}.{c}\n{c}{c} {c}'s  {c}'{c}中{c}\u0301{c}\r"


def batches(texts: Iterator[str], size: int) -> Iterator[list[str]]:
    """`texts` in lists of `size`, the last one shorter."""
    while batch := list(islice(texts, size)):
        yield batch


def thorough() -> bool:
    """Whether this run takes whole corpora and every code point."""
    return support.random_string_count() >= THOROUGH


def assert_same(
    found: tokenseam.Ragged, expected: Sequence[Sequence[int]], texts: Sequence[str]
) -> None:
    """That ids are the same, with a message short enough to read."""
    assert len(found) == len(expected) == len(texts)
    for ids, other, text in zip(found.tolist(), expected, texts, strict=True):
        if ids != list(other):
            at = next(
                (at for at, pair in enumerate(zip(ids, other, strict=False)) if pair[0] != pair[1]),
                min(len(ids), len(other)),
            )
            around = slice(max(0, at - 3), at + 6)
            shown = ascii(text) if len(text) <= 300 else f"{text[:300]!a}... ({len(text)})"
            raise AssertionError(
                f"ids differ from number {at} on: {ids[around]}, not {list(other)[around]}, "
                f"in {shown}"
            )


def slices(text: bytes, offsets: npt.NDArray[np.int64]) -> list[bytes]:
    """The parts of a text that byte offsets name."""
    return [text[start:end] for start, end in offsets.tolist()]


#: Text as hypothesis makes it: characters of any class, and what patterns
#: treat apart. Lone surrogates are not text.
TEXT = st.lists(
    st.one_of(
        st.text(max_size=6),
        st.sampled_from(PIECES),
        st.sampled_from(SPACES),
        st.tuples(st.sampled_from(SPACES + ASCII), st.integers(2, 40)).map(lambda p: p[0] * p[1]),
        st.text(st.sampled_from(ASCII), max_size=12),
    ),
    max_size=12,
).map("".join)
