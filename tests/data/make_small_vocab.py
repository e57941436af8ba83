"""Makes the small vocabularies that the tests, the demo and the docs use.

    python tests/data/make_small_vocab.py [--check]

Trains on ``small_text.txt`` beside this file (public-domain texts and samples
written for this project) and writes next to it

=============================  ==============================================
``small.tokenizer.json``       byte-level BPE in GPT-2's form
``small.tiktoken``             the same vocabulary as a rank file
``small-gpt2/``                the same as ``vocab.json`` and ``merges.txt``
``small-llama3.json``          the same with Llama 3's pattern, ``ignore_merges``
                               and a template
``small-tekken.json``          the same as Mistral's ``tekken.json``
``small-llama2.json``          SentencePiece-style: ``Prepend``, ``Replace``
``small-gemma.json``           SentencePiece-style: ``Replace``, no prefix
``small-mistral.json``         SentencePiece-style: ``Metaspace``
=============================  ==============================================

Only the standard library is used and ties are broken by order, so the files
come out the same everywhere; ``--check`` compares instead of writing.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BYTE_LEVEL_TOKENS = 1000
SENTENCEPIECE_MERGES = 600

LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

Pair = tuple[str, str]
Json = dict[str, Any]


def train(words: Counter[tuple[str, ...]], merges: int) -> list[Pair]:
    """The first `merges` merges of BPE on words given as symbols.

    The most frequent pair merges; of equally frequent ones the smallest.
    """
    learned: list[Pair] = []
    pairs: Counter[Pair] = Counter()
    for symbols, count in words.items():
        for pair in pairwise(symbols):
            pairs[pair] += count
    while len(learned) < merges:
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if pairs[best] < 2:
            raise SystemExit(f"the text is too small for {merges} merges")
        learned.append(best)
        for symbols in [symbols for symbols in words if best in pairwise(symbols)]:
            count = words.pop(symbols)
            merged = apply(best, symbols)
            words[merged] += count
            for pair in pairwise(symbols):
                pairs[pair] -= count
            for pair in pairwise(merged):
                pairs[pair] += count
    return learned


def apply(pair: Pair, symbols: tuple[str, ...]) -> tuple[str, ...]:
    """The symbols with each occurrence of `pair` joined, leftmost first."""
    out: list[str] = []
    i = 0
    while i < len(symbols):
        if symbols[i : i + 2] == pair:
            out.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return tuple(out)


def byte_characters() -> list[str]:
    """GPT-2's printable character of each byte."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    characters = []
    shifted = 0x100
    for byte in range(256):
        if byte in printable:
            characters.append(chr(byte))
        else:
            characters.append(chr(shifted))
            shifted += 1
    return characters


def added(id: int, content: str, *, special: bool = True, normalized: bool = False) -> Json:
    """An entry of ``added_tokens``."""
    return {
        "id": id,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": normalized,
        "special": special,
    }


def tokenizer_json(model: Json, added_tokens: list[Json], **steps: Json | None) -> str:
    """A whole ``tokenizer.json``."""
    return dump(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added_tokens,
            "normalizer": steps.get("normalizer"),
            "pre_tokenizer": steps.get("pre_tokenizer"),
            "post_processor": steps.get("post_processor"),
            "decoder": steps.get("decoder"),
            "model": model,
        }
    )


def dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def bpe(vocab: dict[str, int], merges: list[Pair], *, as_pairs: bool, **options: Any) -> Json:
    """The ``model`` of a ``tokenizer.json``."""
    model: Json = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
    }
    model |= options
    model["vocab"] = vocab
    model["merges"] = [list(pair) if as_pairs else " ".join(pair) for pair in merges]
    return model


def template(bos: str, id: int) -> Json:
    """A post-processor that puts `bos` in front of each sequence."""
    token = {"SpecialToken": {"id": bos, "type_id": 0}}
    single = [token, {"Sequence": {"id": "A", "type_id": 0}}]
    second = {"SpecialToken": {"id": bos, "type_id": 1}}
    pair = [*single, second, {"Sequence": {"id": "B", "type_id": 1}}]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": pair,
        "special_tokens": {bos: {"id": bos, "ids": [id], "tokens": [bos]}},
    }


def byte_level(text: str) -> dict[str, str]:
    """The files of the byte-level vocabulary."""
    characters = byte_characters()
    words: Counter[tuple[str, ...]] = Counter()
    for word in re.findall(r" ?[^\W\d_]+| ?\d+| ?[^\s\w]+| ?_+|\s+", text):
        words[tuple(characters[byte] for byte in word.encode())] += 1
    merges = train(words, BYTE_LEVEL_TOKENS - 256)
    # GPT-2's order: the printable bytes first.
    tokens = sorted(characters) + [left + right for left, right in merges]
    vocab = {token: id for id, token in enumerate(tokens)}
    byte_of = {character: byte for byte, character in enumerate(characters)}
    raw = [bytes(byte_of[character] for character in token) for token in tokens]
    lines = [f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in enumerate(raw)]

    end = BYTE_LEVEL_TOKENS
    whole_level: Json = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": True,
    }
    cut_level = whole_level | {"trim_offsets": False, "use_regex": False}
    split: Json = {
        "type": "Split",
        "pattern": {"Regex": LLAMA3_PATTERN},
        "behavior": "Isolated",
        "invert": False,
    }
    return {
        "small.tokenizer.json": tokenizer_json(
            bpe(vocab | {"<|endoftext|>": end}, merges, as_pairs=False),
            [added(end, "<|endoftext|>")],
            pre_tokenizer=whole_level,
            post_processor=whole_level,
            decoder=whole_level,
        ),
        "small.tiktoken": "".join(lines),
        "small-gpt2/vocab.json": dump(vocab | {"<|endoftext|>": end}),
        "small-gpt2/merges.txt": "#version: 0.2\n"
        + "".join(f"{left} {right}\n" for left, right in merges),
        "small-llama3.json": tokenizer_json(
            bpe(vocab, merges, as_pairs=True, ignore_merges=True),
            [
                added(end, "<|begin_of_text|>"),
                added(end + 1, "<|end_of_text|>"),
                added(end + 2, "<|eot_id|>"),
            ],
            pre_tokenizer={"type": "Sequence", "pretokenizers": [split, cut_level]},
            post_processor={
                "type": "Sequence",
                "processors": [whole_level, template("<|begin_of_text|>", end)],
            },
            decoder=whole_level,
        ),
        "small-tekken.json": tekken(raw),
    }


def tekken(tokens: list[bytes]) -> str:
    """The ``tekken.json`` of byte-level tokens in the order of their ids."""
    # There the 256 bytes come first, in the order of their values.
    ordered = [bytes([byte]) for byte in range(256)] + tokens[256:]
    specials = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]

    def text(token: bytes) -> str | None:
        try:
            return token.decode()
        except UnicodeDecodeError:
            return None

    return dump(
        {
            "config": {
                "pattern": TEKKEN_PATTERN,
                "num_vocab_tokens": len(ordered),
                "default_vocab_size": len(ordered) + 10,
                "default_num_special_tokens": 10,
                "version": "v7",
            },
            "vocab": [
                {
                    "rank": rank,
                    "token_bytes": base64.b64encode(token).decode(),
                    "token_str": text(token),
                }
                for rank, token in enumerate(ordered)
            ],
            "special_tokens": [
                {"rank": rank, "token_str": special, "is_control": True}
                for rank, special in enumerate(specials)
            ],
        }
    )


def sentencepiece(text: str) -> dict[str, str]:
    """The files of the SentencePiece-style vocabularies."""
    words: Counter[tuple[str, ...]] = Counter()
    for line in text.splitlines():
        for word in ("▁" + line.replace(" ", "▁")).split("▁")[1:]:
            words["▁", *word] += 1
    merges = train(words, SENTENCEPIECE_MERGES)
    # Rare characters are left out, so that byte fallback has work to do.
    counts = Counter(text.replace("\n", ""))
    characters = ["▁", *sorted(c for c, n in counts.items() if n > 1 and c != " ")]
    covered = {"▁", *characters}
    merges = [pair for pair in merges if set("".join(pair)) <= covered]
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]

    def vocabulary(specials: list[str], extra: list[str]) -> dict[str, int]:
        pieces = [*specials, *fallback, *extra]
        pieces += [left + right for left, right in merges]
        pieces += characters
        return {piece: id for id, piece in enumerate(dict.fromkeys(pieces))}

    space_out: Json = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
    space_in: Json = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    strip: Json = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    join: list[Json] = [space_out, {"type": "ByteFallback"}, {"type": "Fuse"}]
    specials = ["<unk>", "<s>", "</s>"]
    options: Json = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}

    llama = vocabulary(specials, [])
    special_entries = [added(id, token) for id, token in enumerate(specials)]
    llama2 = tokenizer_json(
        bpe(llama, merges, as_pairs=False, **options),
        special_entries,
        normalizer={
            "type": "Sequence",
            "normalizers": [{"type": "Prepend", "prepend": "▁"}, space_in],
        },
        post_processor=template("<s>", 1),
        decoder={"type": "Sequence", "decoders": [*join, strip]},
    )
    mistral = tokenizer_json(
        bpe(llama, merges, as_pairs=True, **options),
        special_entries,
        pre_tokenizer={
            "type": "Metaspace",
            "replacement": "▁",
            "prepend_scheme": "first",
            "split": False,
        },
        post_processor=template("<s>", 1),
        decoder={"type": "Sequence", "decoders": [*join, strip]},
    )

    # Gemma has tokens for runs of spaces and of line ends, and its merges
    # build them.
    runs: list[Pair] = []
    for unit, longest in (("▁", 8), ("\n", 4)):
        runs += [(unit * left, unit) for left in range(1, longest)]
        runs += [(unit, unit * right) for right in range(2, longest)]
    gemma_specials = ["<pad>", "<eos>", "<bos>", "<unk>"]
    extra = ["\n", *dict.fromkeys(left + right for left, right in runs)]
    gemma = tokenizer_json(
        bpe(vocabulary(gemma_specials, extra), runs + merges, as_pairs=True, **options),
        [added(id, token) for id, token in enumerate(gemma_specials)],
        normalizer=space_in,
        pre_tokenizer={
            "type": "Split",
            "pattern": {"String": " "},
            "behavior": "MergedWithPrevious",
            "invert": False,
        },
        post_processor=template("<bos>", 2),
        decoder={"type": "Sequence", "decoders": join},
    )
    return {"small-llama2.json": llama2, "small-mistral.json": mistral, "small-gemma.json": gemma}


def files() -> dict[str, str]:
    """Every file's content by its name."""
    text = (HERE / "small_text.txt").read_text(encoding="utf-8")
    return byte_level(text) | sentencepiece(text)


def main() -> None:
    check = sys.argv[1:] == ["--check"]
    for name, content in files().items():
        path = HERE / name
        if check:
            if path.read_bytes() != content.encode():
                raise SystemExit(f"{name} is not what this script makes; run it without --check")
        else:
            path.parent.mkdir(exist_ok=True)
            scratch = path.with_name(path.name + ".tmp")
            scratch.write_bytes(content.encode())
            scratch.replace(path)
            print(f"{name}: {len(content.encode())} bytes")


if __name__ == "__main__":
    main()
