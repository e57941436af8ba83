"""The command ``tokenseam``, run as a process."""

from __future__ import annotations

import gzip
import html.parser
import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenseam import Tokenizer

from tests import support

SMALL = str(support.DATA / "small.tokenizer.json")
TEXT = "In another moment down went Alice after it.\n\tNaïve 日本語 🧶 1234\n"


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOKENSEAM_")}
    return kept | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}


def run(
    *arguments: str | Path, given: str | bytes = b"", code: int = 0, **more: Any
) -> subprocess.CompletedProcess[bytes]:
    """Runs a command, whose exit code must be `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "tokenseam", *map(str, arguments)],
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        check=False,
        env=environment() | more.pop("env", {}),
        **more,
    )
    assert done.returncode == code, done.stderr.decode()
    return done


def out(*arguments: str | Path, **more: Any) -> str:
    return run(*arguments, **more).stdout.decode()


def fault(*arguments: str | Path, code: int, **more: Any) -> str:
    """The error of a command: one line, on the standard error alone."""
    done = run(*arguments, code=code, **more)
    message = done.stderr.decode()
    assert message.startswith("tokenseam: error: ")
    assert message.count("\n") == 1
    assert message.endswith("\n")
    return message


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def jsonl_file(tmp_path):
    path = tmp_path / "documents.jsonl.gz"
    rows = [{"text": f"document {n}", "body": f"another {n} of these"} for n in range(5)]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return path


# --- count -----------------------------------------------------------------


@pytest.mark.parametrize("name", support.SMALL_JSON)
def test_count_prints_the_number_that_hugging_face_prints(name, text_file, hf_tokenizer):
    expected = len(hf_tokenizer(name).encode(TEXT).ids)
    assert out("count", text_file, "--tokenizer", support.DATA / name) == f"{expected}\n"
    assert out("count", "-t", support.DATA / name, given=TEXT) == f"{expected}\n"
    assert out("count", "-t", support.DATA / name, "--text", TEXT) == f"{expected}\n"


@pytest.mark.parametrize("name", support.VOCABULARIES)
def test_count_with_real_vocabularies(name, hf_tokenizer, vocabulary_file):
    readme = support.ROOT / "README.md"
    expected = len(hf_tokenizer(name).encode(readme.read_text(encoding="utf-8")).ids)
    path = vocabulary_file(name, "tokenizer.json")
    assert out("count", readme, "--tokenizer", path) == f"{expected}\n"


def test_count_of_several_files(text_file, jsonl_file, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    tokenizer = Tokenizer.from_file(SMALL)
    one = tokenizer.count(TEXT)
    many = sum(tokenizer.count(f"document {n}") for n in range(5))
    lines = out("count", "-t", SMALL, text_file, jsonl_file, empty).splitlines()
    assert lines == [
        f"{one}\t{text_file}",
        f"{many}\t{jsonl_file}",
        f"0\t{empty}",
        f"{one + many}\ttotal",
    ]
    facts = json.loads(out("count", "--json", "-t", SMALL, text_file, jsonl_file))
    assert facts == {
        "tokens": one + many,
        "documents": 6,
        "files": {str(text_file): one, str(jsonl_file): many},
    }
    other = sum(tokenizer.count(f"another {n} of these") for n in range(5))
    assert out("count", "-t", SMALL, jsonl_file, "--jsonl-field", "body") == f"{other}\n"
    each = out("count", "-t", SMALL, jsonl_file, "--per-document").splitlines()
    assert each[1] == f"{tokenizer.count('document 1')}\t{jsonl_file}:2"
    assert len(each) == 5


def test_count_takes_rank_files(text_file, tiktoken_encoding):
    ranks = support.DATA / "small.tiktoken"
    expected = len(tiktoken_encoding("small").encode_ordinary(TEXT))
    for pattern in ("gpt2", support.GPT2_PATTERN):
        assert out("count", text_file, "-t", ranks, "--pattern", pattern) == f"{expected}\n"


# --- encode and decode -------------------------------------------------------


def test_encode_and_decode_give_the_text_back_byte_for_byte(tmp_path):
    data = TEXT.encode() + b"\xff\xfe\r\n\x00 <|endoftext|> end without a line end"
    path = tmp_path / "raw.txt"
    path.write_bytes(data)
    for format in ("ids", "json"):
        ids = run("encode", path, "-t", SMALL, "--format", format).stdout
        assert ids.count(b"\n") == 1
        assert run("decode", "-t", SMALL, given=ids).stdout == data


def test_formats_of_ids(jsonl_file, tmp_path):
    tokenizer = Tokenizer.from_file(SMALL)
    rows = [tokenizer.encode(f"document {n}") for n in range(5)]
    given = ("encode", jsonl_file, "-t", SMALL)
    assert [list(map(int, line.split())) for line in out(*given).splitlines()] == rows
    lines = out(*given, "--format", "json").splitlines()
    assert [json.loads(line) for line in lines] == rows
    flat, whole = tmp_path / "ids.npy", tmp_path / "ids.npz"
    run(*given, "--format", "npy", "-o", flat)
    run(*given, "--format", "npz", "--output", whole)
    assert np.load(flat).dtype == np.uint32
    assert np.load(flat).tolist() == [id for row in rows for id in row]
    with np.load(whole) as arrays:
        assert arrays["offsets"].tolist() == np.cumsum([0, *map(len, rows)]).tolist()
    assert run(*given, "--format", "npy").stdout == flat.read_bytes()
    texts = [f"document {n}" for n in range(5)]
    assert out("decode", "-t", SMALL, whole, "--format", "lines").splitlines() == texts
    assert out("decode", "-t", SMALL, flat) == "".join(texts)
    lines = out("decode", "-t", SMALL, whole, "--format", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == [{"text": text} for text in texts]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "documents.jsonl.gz", "ids.npy", "ids.npz",
    ]  # fmt: skip


def test_template_tokens_can_be_left_out(hf_tokenizer):
    name = "small-llama2.json"
    path = support.DATA / name
    for flag, added in (("--add-special-tokens", True), ("--no-add-special-tokens", False)):
        expected = hf_tokenizer(name).encode("hello world", add_special_tokens=added).ids
        ids = out("encode", "-t", path, "--text", "hello world", flag)
        assert ids.split() == [str(id) for id in expected]
    ids = out("encode", "-t", path, "--text", "hello world")
    assert out("decode", "-t", path, "--skip-special-tokens", given=ids) == "hello world"


def test_special_tokens_are_plain_text_unless_allowed():
    special = json.loads(Path(SMALL).read_text(encoding="utf-8"))["added_tokens"][0]
    text = f"a{special['content']}b"
    plain = out("encode", "-t", SMALL, "--text", text).split()
    assert str(special["id"]) not in plain
    for allowed in ("all", special["content"]):
        ids = out("encode", "-t", SMALL, "--text", text, "--allowed-special", allowed).split()
        assert str(special["id"]) in ids
    message = fault("encode", "-t", SMALL, "--text", "a", "--allowed-special", "<x>", code=3)
    assert "<x>" in message


def test_lines_and_parquet_and_threads(text_file, tmp_path):
    tokenizer = Tokenizer.from_file(SMALL)
    rows = [tokenizer.encode(line) for line in TEXT.splitlines()]
    given = ("encode", text_file, "-t", SMALL, "--format", "json", "--input-format", "lines")
    for threads in ("1", "4"):
        lines = out(*given, "--threads", threads).splitlines()
        assert [json.loads(line) for line in lines] == rows
    pq = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"body": TEXT.splitlines()}), path)
    shown = out("encode", path, "-t", SMALL, "--parquet-column", "body", "--format", "json")
    assert [json.loads(line) for line in shown.splitlines()] == rows


# --- show --------------------------------------------------------------------


def test_show_marks_boundaries_with_and_without_colour():
    tokenizer = Tokenizer.from_file(SMALL)
    pieces = [tokenizer.token_bytes(id).decode() for id in tokenizer.encode("hello world")]
    assert out("show", "-t", SMALL, "--text", "hello world") == "|".join(pieces) + "\n"
    coloured = out("show", "-t", SMALL, "--text", "hello world", "--color", "always")
    assert coloured.count("\x1b[") >= 2 * len(pieces)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == "hello world\n"
    ids = out("show", "-t", SMALL, "--text", "hello", "--ids")
    assert [int(id) for id in re.findall(r"\d+", ids)] == tokenizer.encode("hello")


def test_show_lets_no_control_character_through():
    text = "a\x1b]0;title\x07b\x9bc\u202ed\u2028e\r\x00"
    for color in ("never", "always"):
        shown = out("show", "-t", SMALL, "--color", color, given=text)
        bare = re.sub(r"\x1b\[[0-9;]*m", "", shown)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", bare)
        assert "\\x1b" in bare


def test_show_html_is_whole_offline_and_escaped(tmp_path):
    text = "<script>alert(\"1\")</script> & 'quoted' 日本語🧶\n\x1b end"
    path = tmp_path / "<i>.txt"
    path.write_text(text, encoding="utf-8")
    page = tmp_path / "page.html"
    assert out("show", "-t", SMALL, path, "--html", page) == ""
    found = Page()
    source = page.read_text(encoding="utf-8")
    found.feed(source)
    assert "<script" not in source
    assert "<i>" not in source
    assert found.tags <= {
        "html", "meta", "title", "style", "h1", "h2", "pre", "span", "p",
    }  # fmt: skip
    assert not re.search(r"""(src|href)\s*=|url\(|@import""", source)
    tokenizer = Tokenizer.from_file(SMALL)
    encoded = tokenizer.encode_with_offsets(text)
    assert len(found.details) == len(encoded.ids)
    for detail, id, (start, end) in zip(
        found.details, encoded.ids, encoded.byte_offsets, strict=True
    ):
        assert detail.startswith(f"id {id} · ")
        assert f"bytes {start}–{end}" in detail
        assert text.encode()[start:end].hex(" ") in detail
    assert "⟨" in source  # tokens within a character
    limited = run("show", "-t", SMALL, path, "--limit", "3")
    assert limited.stdout.count(b"|") == 2
    assert b"the first 3 of" in limited.stderr


class Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.details: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.details += [value or "" for name, value in attrs if name == "data-d"]


# --- info, convert, verify -----------------------------------------------------


def test_info_tells_the_facts():
    facts = json.loads(out("info", SMALL, "--json"))
    file = json.loads(Path(SMALL).read_text(encoding="utf-8"))
    ordinary = len(file["model"]["vocab"])
    special = {token["content"]: token["id"] for token in file["added_tokens"] if token["special"]}
    assert facts["special_tokens"] == special
    assert facts["tokens"] == len(set(file["model"]["vocab"]) | set(special))
    assert sum(facts["lengths"].values()) == facts["ordinary_tokens"] <= ordinary
    assert facts["single_bytes"] == 256
    assert facts["holes"] == facts["ids"] - facts["tokens"]
    assert facts["listed_merges"] == len(file["model"]["merges"])
    shown = out("info", SMALL)
    for word in ("special tokens", "longest token", "pattern family", "normalizers"):
        assert word in shown


def test_convert_and_back(tmp_path, text_file):
    ranks, again = tmp_path / "small.tiktoken", tmp_path / "again.json"
    run("convert", SMALL, ranks)
    run("convert", ranks, again)
    for path in (ranks, again):
        assert out("encode", "-t", path, text_file) == out("encode", "-t", SMALL, text_file)
    assert support.read_ranks(ranks)
    tokenizers = pytest.importorskip("tokenizers")
    owner = tokenizers.Tokenizer.from_file(str(again))
    assert owner.encode(TEXT).ids == Tokenizer.from_file(SMALL).encode(TEXT)


@pytest.mark.parametrize("source", ["small-gpt2", "small-tekken.json", "small-llama3.json"])
def test_convert_from_other_forms(tmp_path, text_file, source):
    target = tmp_path / "out.json"
    run("convert", support.DATA / source, target)
    expected = Tokenizer.from_pretrained(support.DATA / source).encode(TEXT)
    assert Tokenizer.from_file(target).encode(TEXT) == expected


def test_convert_that_cannot_be_is_an_error(tmp_path):
    target = tmp_path / "out.tiktoken"
    message = fault("convert", support.DATA / "small-llama2.json", target, code=3)
    assert "cannot express" in message
    assert not list(tmp_path.iterdir())
    message = fault("convert", SMALL, tmp_path / "absent" / "out.json", code=3)
    assert "cannot write" in message


@pytest.mark.parametrize("name", support.SMALL_JSON)
def test_verify_against_hugging_face(name, text_file, jsonl_file):
    path = support.DATA / name
    shown = out("verify", "-t", path, "--against", "hf", text_file, jsonl_file)
    assert re.fullmatch(r"6 documents, \d+ tokens: the same as hf\n", shown)


def test_verify_against_tiktoken(text_file):
    ranks = support.DATA / "small.tiktoken"
    shown = out("verify", "-t", ranks, "--pattern", "gpt2", "--against", "tiktoken", text_file)
    assert "the same as tiktoken" in shown


def test_verify_shows_the_first_difference(text_file, tmp_path):
    code = (
        "import sys, tokenizers\n"
        "from tokenseam.cli import files, main\n"
        "real = files._hf\n"
        "def broken(engine, name):\n"
        "    encode = real(engine, name)\n"
        "    return lambda text: encode(text)[:9] + [7] + encode(text)[9:]\n"
        "files._hf = broken\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", "-t", SMALL, "--against", "hf", str(text_file)],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 1
    tokenizer = Tokenizer.from_file(SMALL)
    ids = tokenizer.encode(TEXT)
    offset = len(tokenizer.decode_bytes(ids[:9]))
    lines = done.stdout.splitlines()
    assert lines[0] == f"{text_file}: differs at token 9, byte {offset} of the text"
    assert lines[2].startswith(f"  tokenseam  {ids[9]}:")
    assert lines[3].startswith("  hf         7:")


# --- faults --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["count"], 2, "--tokenizer"),
        (["count", "--bad"], 2, "--bad"),
        (["nothing"], 2, "nothing"),
        (["count", "-t", SMALL, "--threads", "0"], 2, "threads"),
        (["count", "-t", SMALL, "--text", "a", "b.txt"], 2, "--text"),
        (["count", "-t", "cl100k_base", "--pattern", "x"], 2, "--pattern"),
        (["count", "-t", SMALL, "--special-tokens", "{"], 2, "not JSON"),
        (["count", "-t", SMALL, "--special-tokens", '{"a": "b"}'], 2, "object like"),
        (["count", "-t", SMALL, "--special-tokens", "absent.json"], 2, "absent.json"),
        (["count", "-t", SMALL, "absent.txt"], 3, "cannot read absent.txt"),
        (["count", "-t", "absent.json"], 3, "absent.json"),
        (["count", "-t", "absent/model", "--offline"], 3, "absent/model"),
        (["encode", "-t", SMALL, "--text", "a", "-o", "no/such/place"], 3, "cannot write"),
        (["decode", "-t", SMALL, "absent.npy"], 3, "absent.npy"),
        (["info", "absent.json"], 3, "absent.json"),
    ],
)
def test_faults_are_one_line_and_an_exit_code(arguments, code, message, tmp_path):
    env = {"TOKENSEAM_CACHE": str(tmp_path), "HF_HOME": str(tmp_path)}
    assert message in fault(*arguments, code=code, cwd=tmp_path, env=env | pythonpath())


def pythonpath() -> dict[str, str]:
    """The module search path, for another working directory."""
    return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_faults_in_documents_name_the_place(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "fine"}\n{"text": "\\ud800"}\n')
    assert f"{path}:2: the text has a lone surrogate" in fault("count", "-t", SMALL, path, code=3)
    path.write_text('{"text": "fine"}\n{"body": 1}\n')
    assert f"{path}:2: no field 'text'" in fault("encode", "-t", SMALL, path, code=3)
    for given, message in (
        ("1 2\n3 x\n", "standard input:2: not ids"),
        ("1 2\n[3, true]\n", "standard input:2: not ids"),
        ("1 4000000000\n", "standard input:1: id 4000000000"),
        ("1 -1\n", "standard input:1: id -1"),
        (f"{10**30}\n", "standard input:1: id 1000000"),
    ):
        assert message in fault("decode", "-t", SMALL, given=given, code=3)


def test_broken_vocabularies_are_one_line(tmp_path):
    path = tmp_path / "broken.json"
    path.write_bytes(Path(SMALL).read_bytes()[:1000])
    fault("count", "-t", path, "--text", "a", code=3)


def test_without_arguments_there_is_help():
    done = run(code=2)
    assert b"Usage" in done.stdout + done.stderr
    assert "Exit codes" in out("--help")
    for command in ("encode", "decode", "count", "show", "info", "convert", "verify"):
        assert "Usage" in out(command, "--help")
    assert re.fullmatch(r"tokenseam \d+\.\d+\S*\n", out("--version"))


def test_the_shell_can_complete():
    asked = {"_TOKENSEAM_COMPLETE": "complete_bash", "COMP_WORDS": "tokenseam ", "COMP_CWORD": "1"}
    assert "encode" in run(env=asked).stdout.decode().split()
    asked |= {"COMP_WORDS": "tokenseam info o200k", "COMP_CWORD": "2"}
    assert run(env=asked).stdout.decode().split() == ["o200k_base", "o200k_harmony"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of POSIX")
class TestProcess:
    def start(self, *arguments: str | Path, **more: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tokenseam", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            **more,
        )

    def test_a_reader_that_goes_away_is_no_error(self, tmp_path):
        path = tmp_path / "long.txt"
        path.write_text("hello world\n" * 200_000)
        with self.start("encode", "-t", SMALL, path) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(10)
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait() == 141

    def test_interrupting_is_no_traceback(self):
        # Where the tests run in the background, SIGINT may be ignored.
        heeded = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
        with self.start("count", "-t", SMALL, stdin=subprocess.PIPE, preexec_fn=heeded) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            process.stdin.write(b"some text")
            process.stdin.flush()
            time.sleep(5)
            process.send_signal(signal.SIGINT)
            assert process.stderr.read() == b""
            assert process.wait() == 130


def test_output_is_there_whole_or_not_at_all(tmp_path):
    documents, target = tmp_path / "a.jsonl", tmp_path / "ids.txt"
    documents.write_text('{"text": "fine"}\n' * 10_000 + "broken\n")
    target.write_text("as before")
    fault("encode", "-t", SMALL, documents, "-o", target, code=3)
    assert target.read_text() == "as before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "ids.txt"]


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys\n"
        "import tokenseam\n"
        "loaded = {'numpy', 'typer', 'rich', 'pyarrow', 'tokenseam._core'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
        "tokenseam.Tokenizer\n"
        "loaded = {'typer', 'rich', 'pyarrow', 'urllib.request'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_typer_there_is_a_hint(tmp_path):
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError('no', name='typer')")
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    message = run("count", code=2, env={"PYTHONPATH": path}).stderr.decode()
    assert "pip install 'tokenseam[cli]'" in message
    assert message.count("\n") == 1
