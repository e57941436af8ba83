"""What there is to say about a vocabulary."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from tokenseam.errors import UnknownTokenError

if TYPE_CHECKING:
    from tokenseam.tokenizer import Tokenizer

#: Upper ends of the histogram's classes of token lengths, in bytes.
LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)


def facts(tokenizer: Tokenizer) -> dict[str, Any]:
    """The facts, in the order in which they are shown; JSON values only."""
    apart = {*tokenizer.special_tokens.values(), *tokenizer.added_tokens.values()}
    lengths: Counter[int] = Counter()
    longest = b""
    holes: list[tuple[int, int]] = []
    single = 0
    for id in range(tokenizer.n_vocab):
        try:
            token = tokenizer.token_bytes(id)
        except UnknownTokenError:
            if holes and holes[-1][1] == id - 1:
                holes[-1] = (holes[-1][0], id)
            else:
                holes.append((id, id))
            continue
        if id in apart:
            continue
        lengths[len(token)] += 1
        single += len(token) == 1
        longest = max(longest, token, key=len)
    outline = json.loads(tokenizer.spec.outline())
    return {
        "name": tokenizer.name or None,
        "ids": tokenizer.n_vocab,
        "tokens": tokenizer.n_tokens,
        "ordinary_tokens": lengths.total(),
        "special_tokens": tokenizer.special_tokens,
        "added_tokens": {
            text: id
            for text, id in tokenizer.added_tokens.items()
            if text not in tokenizer.special_tokens
        },
        "holes": sum(last - first + 1 for first, last in holes),
        "hole_ranges": [f"{first}-{last}" for first, last in holes[:10]],
        "single_bytes": single,
        "longest_token": {"bytes": len(longest), "text": longest.decode("utf-8", "replace")},
        "lengths": _histogram(lengths),
        "pattern_family": tokenizer.pattern_family,
        "pattern": tokenizer.spec.pattern,
        **outline,
        "content_hash": tokenizer.spec.content_hash.hex(),
    }


def _histogram(lengths: Counter[int]) -> dict[str, int]:
    """How many tokens have a length in each class."""
    classes = {}
    low = 1
    for high in (*LENGTHS, max([*lengths, LENGTHS[-1] + 1])):
        number = sum(lengths[length] for length in range(low, high + 1))
        if number:
            classes[f"{low}-{high}" if high > low else str(high)] = number
        low = high + 1
    return classes
