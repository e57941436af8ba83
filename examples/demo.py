"""Encodes a text, shows its tokens, counts them and decodes them again.

python examples/demo.py [TEXT]
"""

import sys
from pathlib import Path

import tokenseam

VOCABULARY = Path(__file__).parent.parent / "tests" / "data" / "small.tokenizer.json"
TEXT = "In another moment down went Alice after it: the café’s 3 tokenizers 😀!"


def main() -> None:
    text = " ".join(sys.argv[1:]) or TEXT
    tokenizer = tokenseam.Tokenizer.from_file(VOCABULARY)

    ids = tokenizer.encode(text)
    pieces = [tokenizer.token_bytes(id) for id in ids]
    shown = "|".join(piece.decode(errors="backslashreplace") for piece in pieces)

    print(f"vocabulary  {VOCABULARY.name}, {tokenizer.n_vocab} tokens")
    print(f"text        {text}")
    print(f"pre-tokens  {'|'.join(piece.decode() for piece in tokenizer.pretokenize(text))}")
    print(f"tokens      {shown}")
    print(f"ids         {' '.join(map(str, ids))}")
    print(f"count       {tokenizer.count(text)} tokens for {len(text.encode())} bytes")
    decoded = tokenizer.decode(ids)
    print(f"decoded     {decoded}")
    if decoded != text:
        raise SystemExit("the decoded text differs from the text")


if __name__ == "__main__":
    main()
