"""Encodes a text, shows its tokens, counts them and decodes them again: first
from Python, then with the command line.

python examples/demo.py [TEXT]
"""

import shlex
import subprocess
import sys
from pathlib import Path

import tokenseam

ROOT = Path(__file__).parent.parent
VOCABULARY = Path("tests", "data", "small.tokenizer.json")
TEXT = "In another moment down went Alice after it: the café’s 3 tokenizers 😀!"


def command(*words: str) -> None:
    """Runs the command line as a shell would, from the repository's root."""
    print(f"\n$ python -m tokenseam {shlex.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "tokenseam", *words], cwd=ROOT, check=True)


def main() -> None:
    text = " ".join(sys.argv[1:]) or TEXT
    tokenizer = tokenseam.Tokenizer.from_file(ROOT / VOCABULARY)

    ids = tokenizer.encode(text, disallowed_special=())
    pieces = [tokenizer.token_bytes(id) for id in ids]
    shown = "|".join(piece.decode(errors="backslashreplace") for piece in pieces)

    print(f"vocabulary  {VOCABULARY.name}, {tokenizer.n_vocab} tokens")
    print(f"text        {text}")
    print(f"pre-tokens  {'|'.join(piece.decode() for piece in tokenizer.pretokenize(text))}")
    print(f"tokens      {shown}")
    print(f"ids         {' '.join(map(str, ids))}")
    print(f"count       {tokenizer.count(text, disallowed_special=())} tokens")
    decoded = tokenizer.decode(ids)
    print(f"decoded     {decoded}")
    if decoded != text:
        raise SystemExit("the decoded text differs from the text")

    command("show", "--tokenizer", str(VOCABULARY), "--text", text)
    command("count", "--tokenizer", str(VOCABULARY), "README.md")


if __name__ == "__main__":
    main()
