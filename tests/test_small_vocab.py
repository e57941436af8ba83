"""The vocabularies in tests/data are what their script makes, and sound."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import support


def test_files_are_what_the_script_makes():
    script = support.DATA / "make_small_vocab.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def sample() -> str:
    own = (support.ROOT / "Cargo.toml").read_text(encoding="utf-8")
    trained_on = (support.DATA / "small_text.txt").read_text(encoding="utf-8")
    return trained_on + own + " \t\n\n  𝒳 unseen 🧶 ＡＢＣ  "


def test_the_forms_of_the_byte_level_vocabulary_agree(tiktoken_encoding, hf_tokenizer):
    text = sample()
    ids = tiktoken_encoding("small").encode_ordinary(text)
    assert hf_tokenizer("small.tokenizer.json").encode(text).ids == ids
    assert tiktoken_encoding("small").decode(ids) == text
    # Merges are used: far fewer tokens than bytes.
    assert len(ids) < 0.6 * len(text.encode())


@pytest.mark.parametrize("name", support.SMALL_JSON)
def test_hugging_face_reads_each_file_and_decodes_its_own_ids(name, hf_tokenizer):
    text = sample()
    tokenizer = hf_tokenizer(name)
    ids = tokenizer.encode(text).ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert len(ids) < 0.6 * len(text.encode())


@pytest.mark.parametrize("name", ["small-llama2.json", "small-mistral.json", "small-gemma.json"])
def test_sentencepiece_style_files_exercise_byte_fallback(name, hf_tokenizer):
    assert "<0xF0>" in hf_tokenizer(name).encode("𝒳").tokens
