"""Vocabularies by name, against a real HTTP server on this machine."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from tokenseam import Tokenizer, errors
from tokenseam.pretrained import cache, fetch, names, openai

from tests import support

TEXT = "In another moment down went Alice after it. 1234 日本 🧶\n"
HUB_FILE = (support.DATA / "small.tokenizer.json").read_bytes()
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Server:
    """What is served: a path's answer is bytes, a status, or a function."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, Any] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.asked: Counter[str] = Counter()
        self.tokens: dict[str, str | None] = {}


def handler(server: Server) -> Callable[..., http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.asked[self.path] += 1
            server.tokens[self.path] = self.headers.get("Authorization")
            answer = server.files.get(self.path, 404)
            if callable(answer):
                answer(self)
                return
            headers = dict(server.headers.get(self.path, {}))
            body = b"" if isinstance(answer, int) else answer
            self.send_response(answer if isinstance(answer, int) else 200)
            headers.setdefault("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(Server(""))) as httpd:
        served = Server(f"http://127.0.0.1:{httpd.server_address[1]}")
        httpd.RequestHandlerClass = handler(served)
        httpd.daemon_threads = True
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        httpd.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def own_machine(tmp_path, monkeypatch):
    """No cache but ours, no wish to fetch, and no wait before a retry."""
    for variable in list(os.environ):
        ours = ("TOKENSEAM_", "HF_", "HUGGING", "TIKTOKEN_", "DATA_GYM_", "XDG_")
        kept = ("TOKENSEAM_SHARED", "TOKENSEAM_REQUIRE_SHARED")
        if variable.lower().endswith("_proxy") or (
            variable.startswith(ours) and variable not in kept
        ):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("TOKENSEAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(fetch, "PAUSES", (0.01, 0.01))


@pytest.fixture
def published(server, monkeypatch):
    """The host of the published encodings, with the real gpt2 ranks."""
    monkeypatch.setenv("TOKENSEAM_OPENAI_ENDPOINT", server.url)
    data = support.vocabulary_file("gpt2").read_bytes()
    server.files["/encodings/r50k_base.tiktoken"] = data
    return server


@pytest.fixture
def hub(server, monkeypatch):
    """The hub, with one model."""
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    path = "/org/model/resolve/main/tokenizer.json"
    server.files[path] = HUB_FILE
    server.headers[path] = {"ETag": f'"{cache.git_hash(HUB_FILE)}"', "X-Repo-Commit": COMMIT}
    return server


def downloads() -> Path:
    return Path(os.environ["TOKENSEAM_CACHE"])


def same_ids(tokenizer: Tokenizer, encoding: Any) -> None:
    assert tokenizer.encode(TEXT) == encoding.encode(TEXT)


# --- published encodings ---------------------------------------------------


def test_facts_are_those_of_tiktoken(monkeypatch):
    openai_public: Any = importlib.import_module("tiktoken_ext.openai_public")

    seen: dict[str, Any] = {}

    def ranks(url: str, expected_hash: str) -> dict[bytes, int]:
        seen.update(url=url, sha256=expected_hash)
        return {}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", ranks)
    assert list(openai.ENCODINGS) == list(names.NAMES)
    assert set(openai.ENCODINGS) == set(openai_public.ENCODING_CONSTRUCTORS)
    for name, encoding in openai.ENCODINGS.items():
        if name == "gpt2":
            continue  # in an older form; its ids are compared below
        theirs = openai_public.ENCODING_CONSTRUCTORS[name]()
        assert seen["url"] == f"{openai.HOST}/encodings/{encoding.file}.tiktoken"
        assert seen["sha256"] == encoding.sha256
        special = theirs["special_tokens"]
        if name == "o200k_harmony":  # which has two names for one id
            assert len(special) == len(set(special.values())) + 1
            del special["<|reserved_200018|>"]
        assert special == encoding.special_tokens
        assert theirs["pat_str"] == encoding.pattern
    gpt2 = openai.ENCODINGS["gpt2"]
    assert gpt2.pattern == openai_public.r50k_pat_str
    assert gpt2.special_tokens == {"<|endoftext|>": 50256}


def test_every_encoding_of_a_file_that_is_here_loads(tmp_path):
    for name, encoding in openai.ENCODINGS.items():
        if encoding.file == "p50k_base":
            continue  # whose ranks are not among the shared ones
        file = {"r50k_base": "gpt2"}.get(encoding.file, encoding.file)
        kept = tmp_path / "cache" / "openai" / f"{encoding.file}.tiktoken"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(support.vocabulary_file(file).read_bytes())
        ours = Tokenizer.from_pretrained(name)
        theirs = tiktoken.Encoding(
            name,
            pat_str=encoding.pattern,
            mergeable_ranks=support.read_ranks(kept),
            special_tokens=encoding.special_tokens,
        )
        text = TEXT + "".join(encoding.special_tokens)
        expected = theirs.encode(text, allowed_special="all")
        assert ours.encode(text, allowed_special="all") == expected
        assert ours.decode(expected) == text
        assert Tokenizer.from_tiktoken(theirs) == ours


def test_shared_files_are_the_published_ones():
    for name in support.TIKTOKEN_VOCABULARIES:
        data = support.vocabulary_file(name).read_bytes()
        assert cache.sha256(data) == openai.ENCODINGS[name].sha256


def test_nothing_is_fetched_unless_asked_and_the_error_says_what_to_put_where(published):
    with pytest.raises(errors.OfflineError) as caught:
        Tokenizer.from_pretrained("gpt2")
    kept = downloads() / "openai" / "r50k_base.tiktoken"
    for part in (str(kept), published.url, "download=True", openai.ENCODINGS["gpt2"].sha256):
        assert part in str(caught.value)
    assert not published.asked
    # What it says works.
    kept.parent.mkdir(parents=True)
    kept.write_bytes(published.files["/encodings/r50k_base.tiktoken"])
    same_ids(Tokenizer.from_pretrained("gpt2"), support.tiktoken_encoding("gpt2"))
    assert not published.asked


def test_is_fetched_once_and_kept(published):
    tokenizer = Tokenizer.from_pretrained("gpt2", download=True)
    same_ids(tokenizer, support.tiktoken_encoding("gpt2"))
    assert tokenizer.name == "gpt2"
    assert tokenizer.special_tokens == {"<|endoftext|>": 50256}
    again = Tokenizer.from_pretrained("r50k_base", download=True)
    assert again.name == "r50k_base"
    assert published.asked.total() == 1
    kept = list(downloads().rglob("*"))
    assert [path.name for path in kept if path.is_file()] == ["r50k_base.tiktoken"]
    # Anybody may read what anybody could have written.
    assert kept[-1].stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_environment_can_ask(published, monkeypatch):
    monkeypatch.setenv("TOKENSEAM_DOWNLOAD", "1")
    with pytest.raises(errors.OfflineError):
        Tokenizer.from_pretrained("gpt2", download=False)
    Tokenizer.from_pretrained("gpt2")
    assert published.asked.total() == 1


def test_a_directory_can_be_given(published, tmp_path):
    Tokenizer.from_pretrained("gpt2", download=True, cache_dir=tmp_path / "other")
    assert (tmp_path / "other" / "openai" / "r50k_base.tiktoken").exists()
    assert not downloads().exists()


def test_another_file_is_refused_and_not_kept(published):
    published.files["/encodings/r50k_base.tiktoken"] = b"IQ== 0\n"
    with pytest.raises(errors.DownloadError, match="is not the published file"):
        Tokenizer.from_pretrained("gpt2", download=True)
    assert not downloads().exists()


def test_a_damaged_file_is_noticed_and_fetched_again_only_when_asked(published):
    Tokenizer.from_pretrained("gpt2", download=True)
    kept = downloads() / "openai" / "r50k_base.tiktoken"
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1])
    with pytest.raises(errors.DownloadError, match=r"r50k_base\.tiktoken is damaged"):
        Tokenizer.from_pretrained("gpt2")
    Tokenizer.from_pretrained("gpt2", download=True)
    assert kept.read_bytes() == whole


@pytest.mark.parametrize("variable", ["TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR", None])
def test_copies_of_tiktoken_are_found(published, tmp_path, monkeypatch, variable):
    directory = tmp_path / ("copies" if variable else "data-gym-cache")
    directory.mkdir()
    if variable:
        monkeypatch.setenv(variable, str(directory))
    url = f"{openai.HOST}/encodings/r50k_base.tiktoken"
    copy = directory / hashlib.sha1(url.encode()).hexdigest()
    copy.write_bytes(published.files["/encodings/r50k_base.tiktoken"])
    same_ids(Tokenizer.from_pretrained("gpt2"), support.tiktoken_encoding("gpt2"))
    copy.write_bytes(b"damaged")
    with pytest.raises(errors.OfflineError):
        Tokenizer.from_pretrained("gpt2")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    with pytest.raises(errors.OfflineError):
        Tokenizer.from_pretrained("gpt2")


def test_gpt2_in_its_older_form_gives_the_same_ranks():
    spelling = {byte: character for character, byte in openai.byte_of_character().items()}
    ranks = support.read_ranks(support.vocabulary_file("gpt2"))
    older = {"".join(spelling[byte] for byte in token): rank for token, rank in ranks.items()}
    older["<|endoftext|>"] = 50256
    data = openai.ranks_from_gpt2_json(json.dumps(older).encode())
    assert cache.sha256(data) == openai.ENCODINGS["gpt2"].sha256
    assert {base64.b64decode(line.split()[0]) for line in data.splitlines()} == set(ranks)


# --- the hub ---------------------------------------------------------------


def test_models_are_fetched_once_and_checked_at_each_load(hub, hf_tokenizer):
    with pytest.raises(errors.OfflineError) as caught:
        Tokenizer.from_pretrained("org/model")
    where = downloads() / "hub" / "org--model" / "main" / "tokenizer.json"
    assert str(where) in str(caught.value)
    assert f"{hub.url}/org/model/resolve/main/tokenizer.json" in str(caught.value)
    tokenizer = Tokenizer.from_pretrained("org/model", download=True)
    assert tokenizer.name == "org/model"
    expected = hf_tokenizer("small.tokenizer.json").encode(TEXT).ids
    assert tokenizer.encode(TEXT) == expected
    assert Tokenizer.from_pretrained("org/model") == tokenizer
    assert hub.asked.total() == 1
    record = json.loads((where.parent.parent / "main.record").read_text())
    assert record["commit"] == COMMIT
    kept = where.parent.parent / f"{record['sha256']}.json"
    kept.write_bytes(HUB_FILE.replace(b"1", b"2", 1))
    with pytest.raises(errors.DownloadError, match="is damaged"):
        Tokenizer.from_pretrained("org/model")
    assert Tokenizer.from_pretrained("org/model", download=True) == tokenizer
    assert kept.read_bytes() == HUB_FILE
    (where.parent.parent / "main.record").write_text("{")
    with pytest.raises(errors.DownloadError, match=r"main\.record is damaged"):
        Tokenizer.from_pretrained("org/model")


def test_a_file_put_there_by_hand_is_used(hub):
    where = downloads() / "hub" / "org--model" / "main" / "tokenizer.json"
    where.parent.mkdir(parents=True)
    where.write_bytes(HUB_FILE)
    assert Tokenizer.from_pretrained("org/model", download=True).name == "org/model"
    assert not hub.asked


def test_revisions_are_kept_apart(hub):
    other = (support.DATA / "small-llama3.json").read_bytes()
    hub.files["/org/model/resolve/refs%2Fpr%2F1/tokenizer.json"] = other
    one = Tokenizer.from_pretrained("org/model", download=True)
    two = Tokenizer.from_pretrained("org/model", download=True, revision="refs/pr/1")
    assert one != two
    assert Tokenizer.from_pretrained("org/model", revision="refs/pr/1") == two
    assert Tokenizer.from_pretrained("org/model") == one
    for wrong in ("../main", "a b", "", "/etc", "x" * 300):
        if wrong:
            with pytest.raises(ValueError, match="revision"):
                Tokenizer.from_pretrained("org/model", revision=wrong)
    with pytest.raises(ValueError, match="revision goes with names on the hub"):
        Tokenizer.from_pretrained("gpt2", revision="main")


def test_the_token_stays_with_the_hub(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    elsewhere = hub.url.replace("127.0.0.1", "localhost")
    path = "/org/model/resolve/main/tokenizer.json"

    def redirect(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"{elsewhere}/storage")
        handler.send_header("X-Linked-ETag", f'"{cache.sha256(HUB_FILE)}"')
        handler.send_header("X-Repo-Commit", COMMIT)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    hub.files[path] = redirect
    hub.files["/storage"] = HUB_FILE
    hub.headers["/storage"] = {"ETag": '"another"'}
    Tokenizer.from_pretrained("org/model", download=True)
    assert hub.tokens[path] == "Bearer secret"
    assert hub.tokens["/storage"] is None
    record = json.loads((downloads() / "hub" / "org--model" / "main.record").read_text())
    assert (record["etag"], record["commit"]) == (cache.sha256(HUB_FILE), COMMIT)
    with pytest.raises(errors.DownloadError, match="not sent over plain HTTP"):
        fetch.fetch("http://example.invalid/", token="secret")


@pytest.mark.parametrize("digest", [cache.git_hash, cache.sha256])
def test_a_file_that_is_not_what_the_hub_says_is_refused(hub, digest):
    path = "/org/model/resolve/main/tokenizer.json"
    hub.headers[path]["ETag"] = f'W/"{digest(b"another file")}"'
    with pytest.raises(errors.DownloadError, match="did not arrive whole"):
        Tokenizer.from_pretrained("org/model", download=True)
    assert not downloads().exists()
    hub.headers[path]["ETag"] = f'W/"{digest(HUB_FILE)}"'
    Tokenizer.from_pretrained("org/model", download=True)


def test_what_is_no_tokenizer_is_not_kept(hub):
    path = "/org/model/resolve/main/tokenizer.json"
    hub.files[path] = b"<html>please log in to this network</html>"
    hub.headers[path] = {}
    with pytest.raises(errors.LoadError):
        Tokenizer.from_pretrained("org/model", download=True)
    assert not downloads().exists()


def test_models_without_a_tokenizer_json(hub):
    for status, message in ((404, "neither tokenizer.json nor tekken.json"), (401, "set HF_TOKEN")):
        hub.files["/org/model/resolve/main/tokenizer.json"] = status
        with pytest.raises(errors.DownloadError, match=message):
            Tokenizer.from_pretrained("org/model", download=True)
    assert hub.asked["/org/model/resolve/main/tekken.json"] == 1


def test_the_hub_is_not_asked_when_it_is_off(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(errors.OfflineError, match="HF_HUB_OFFLINE is set"):
        Tokenizer.from_pretrained("org/model", download=True)
    assert not hub.asked


@pytest.mark.parametrize("variable", ["HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"])
def test_copies_of_the_hubs_client_are_found(tmp_path, monkeypatch, variable):
    root = tmp_path / "elsewhere"
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setenv(variable, str(root))
    below = {"HF_HOME": "hub", "HF_HUB_CACHE": ".", "XDG_CACHE_HOME": "huggingface/hub"}
    home = root / below[variable] / "models--org--model"
    blob = home / "blobs" / cache.git_hash(HUB_FILE)
    link = home / "snapshots" / COMMIT / "tokenizer.json"
    for path in (blob, link, home / "refs" / "main"):
        path.parent.mkdir(parents=True)
    blob.write_bytes(HUB_FILE)
    link.symlink_to(blob)
    (home / "refs" / "main").write_text(COMMIT)
    for revision in (None, "main", COMMIT):
        assert Tokenizer.from_pretrained("org/model", revision=revision).name == "org/model"
    with pytest.raises(errors.OfflineError):
        Tokenizer.from_pretrained("org/model", revision="v2")
    blob.write_bytes(HUB_FILE[:-1])
    with pytest.raises(errors.DownloadError, match="is damaged"):
        Tokenizer.from_pretrained("org/model")


# --- the network -----------------------------------------------------------


def test_what_may_pass_is_tried_again(server):
    failures = iter([503, 429])

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        status = next(failures, 200)
        handler.send_response(status)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    server.files["/x"] = answer
    assert fetch.fetch(f"{server.url}/x").data == b"ok"
    assert server.asked["/x"] == 3
    server.files["/y"] = 500
    with pytest.raises(errors.DownloadError, match="the server answered 500"):
        fetch.fetch(f"{server.url}/y")
    assert server.asked["/y"] == 3
    with pytest.raises(fetch.MissingFromHost):
        fetch.fetch(f"{server.url}/z")
    assert server.asked["/z"] == 1


def test_connections_that_break_or_stall_are_an_error(server, monkeypatch):
    def cut(handler: http.server.BaseHTTPRequestHandler, *, headers: dict[str, str]) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(b"5\r\nhello\r\n")
        handler.close_connection = True

    server.files["/short"] = functools.partial(cut, headers={"Content-Length": "1000"})
    with pytest.raises(errors.DownloadError, match="the connection broke, 990 bytes before"):
        fetch.fetch(f"{server.url}/short")
    server.files["/chunks"] = functools.partial(cut, headers={"Transfer-Encoding": "chunked"})
    with pytest.raises(errors.DownloadError):
        fetch.fetch(f"{server.url}/chunks")

    stop = threading.Event()
    server.files["/stall"] = lambda handler: stop.wait(10)
    monkeypatch.setattr(fetch, "TIMEOUT", 0.1)
    with pytest.raises(errors.DownloadError, match=r"no answer|timed out"):
        fetch.fetch(f"{server.url}/stall")
    stop.set()

    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        while not stop.is_set():
            handler.wfile.write(b".")
            stop.wait(0.02)

    stop.clear()
    server.files["/drip"] = drip
    monkeypatch.setattr(fetch, "DEADLINE", 0.3)
    with pytest.raises(errors.DownloadError, match="it took more than"):
        fetch.fetch(f"{server.url}/drip")
    stop.set()


def test_sizes_have_a_limit(server, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_BYTES", 1000)
    server.files["/declared"] = b""
    server.headers["/declared"] = {"Content-Length": "4000000000"}
    with pytest.raises(errors.DownloadError, match="more than"):
        fetch.fetch(f"{server.url}/declared")

    def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        try:
            while True:
                handler.wfile.write(b"." * 100)
        except OSError:
            pass

    server.files["/endless"] = endless
    with pytest.raises(errors.DownloadError, match="more than"):
        fetch.fetch(f"{server.url}/endless")


def test_what_is_no_address_is_refused(server, monkeypatch):
    for url in ("file:///etc/passwd", "ftp://host/x", "http://", "nothing"):
        with pytest.raises(errors.DownloadError, match="not an http or https URL"):
            fetch.fetch(url)

    def redirect(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "file:///etc/passwd")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.files["/x"] = redirect
    with pytest.raises(errors.DownloadError):
        fetch.fetch(f"{server.url}/x")
    with pytest.raises(errors.DownloadError, match=r"cannot fetch http://127\.0\.0\.1:1/"):
        fetch.fetch("http://127.0.0.1:1/")


def test_many_processes_may_fetch_the_same_at_once(published, tmp_path):
    code = (
        "from tokenseam import Tokenizer\n"
        "print(Tokenizer.from_pretrained('gpt2', download=True).count('hello world'))"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [run.communicate()[0] for run in runs] == ["2\n"] * 4
    assert all(run.returncode == 0 for run in runs)
    kept = [path.name for path in (downloads() / "openai").iterdir()]
    assert kept == ["r50k_base.tiktoken"]


def test_a_cache_that_cannot_be_written_is_an_error(published, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("TOKENSEAM_CACHE", str(blocked))
    with pytest.raises(errors.DownloadError, match=r"cannot write .*TOKENSEAM_CACHE"):
        Tokenizer.from_pretrained("gpt2", download=True)


# --- paths -----------------------------------------------------------------


def test_paths_to_files_and_directories(tmp_path, monkeypatch):
    path = support.DATA / "small.tokenizer.json"
    expected = Tokenizer.from_file(path)
    assert Tokenizer.from_pretrained(path) == expected
    assert Tokenizer.from_pretrained(str(path)) == expected
    model = tmp_path / "org" / "model"
    model.mkdir(parents=True)
    with pytest.raises(errors.MissingFileError, match=r"has none of tokenizer\.json"):
        Tokenizer.from_pretrained(model)
    (model / "tokenizer.model").write_bytes(b"")
    with pytest.raises(errors.FormatError, match=r"tokenizer\.model, which tokenseam does not"):
        Tokenizer.from_pretrained(model)
    (model / "tokenizer.json").write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert Tokenizer.from_pretrained("org/model").name == "model"


@pytest.mark.parametrize(
    "name", ["no-such-thing", "a/b/c", "../x/y", "", "org/..", "org/mo del", "gpt-2", "./gpt2"]
)
def test_what_is_no_name_is_an_error_that_lists_the_names(name):
    with pytest.raises(errors.MissingFileError, match="cl100k_base"):
        Tokenizer.from_pretrained(name, download=True)
