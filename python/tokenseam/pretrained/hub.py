"""Models' tokenizers from the Hugging Face hub.

A fetched file is kept under its SHA-256, and a small record beside it says
which revision it is, so that processes that fetch different revisions at once
never see each other's halves::

    hub/org--model/<sha256>.json     the file
    hub/org--model/main.record       {"sha256": ..., "commit": ..., ...}
    hub/org--model/main/             a place to put files by hand
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import quote

from tokenseam._core import Spec
from tokenseam.errors import DownloadError, OfflineError, ReadError
from tokenseam.pretrained import cache
from tokenseam.pretrained.fetch import Fetched, MissingFromHost, fetch

__all__ = ["is_name", "load"]

HOST = "https://huggingface.co"
#: The files that hold a whole tokenizer, the most telling first.
FILES = ("tokenizer.json", "tekken.json")

_NAME = re.compile(r"[A-Za-z0-9_][\w.\-]*/[A-Za-z0-9_][\w.\-]*", re.ASCII)
_REVISION = re.compile(r"[\w.][\w.\-/+@]{0,199}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_name(name: str) -> bool:
    """Whether a name is written like a model on the hub."""
    return bool(_NAME.fullmatch(name)) and ".." not in name and len(name) <= 200


def load(name: str, *, download: bool, revision: str | None, cache_dir: Path | None) -> Spec:
    """The tokenizer of a model.

    Raises:
        OfflineError: it is not here and ``download`` is false.
        DownloadError: it cannot be fetched, or a file here is damaged.
    """
    revision = revision or "main"
    if not _REVISION.fullmatch(revision) or ".." in revision:
        raise ValueError(f"revision {revision!r} is not a branch, tag or commit")
    home = cache.directory(cache_dir) / "hub" / name.replace("/", "--")
    damaged: DownloadError | None = None
    try:
        data = _kept(home, revision)
    except DownloadError as error:
        if not download:
            raise
        data, damaged = None, error
    if data is None and damaged is None:
        data = _placed(home, revision) or _hub_copy(name, revision)
    if data is not None:
        return Spec.from_buffer(data).with_name(name)
    if not download or cache.truthy("HF_HUB_OFFLINE"):
        raise _offline(name, revision, home, download)
    url, got = _fetched(name, revision)
    spec = Spec.from_buffer(got.data).with_name(name)
    _record(home, revision, url, got)  # only what proved to be a tokenizer
    return spec


def _kept(home: Path, revision: str) -> bytes | None:
    """What an earlier call fetched, if it is still what it was then."""
    record = _record_path(home, revision)
    try:
        text = cache.read(record)
    except ReadError:
        return None
    try:
        digest = json.loads(text)["sha256"]
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise ValueError("no SHA-256")
    except (ValueError, KeyError, TypeError) as error:
        raise DownloadError(
            f"{record} is damaged; delete it, or fetch again with download=True"
        ) from error
    path = home / f"{digest}.json"
    try:
        data = cache.read(path)
    except ReadError:
        return None
    if cache.sha256(data) != digest:
        raise DownloadError(
            f"{path} is damaged: its SHA-256 is {cache.sha256(data)}; delete it, or fetch it "
            f"again with download=True"
        )
    return data


def _placed(home: Path, revision: str) -> bytes | None:
    """What somebody put here by hand."""
    for file in FILES:
        path = home / quote(revision, safe="") / file
        if path.exists():
            return cache.read(path)
    return None


def _hub_copy(name: str, revision: str) -> bytes | None:
    """The copy of the hub's own client: refs name commits, snapshots of
    commits link to blobs, and a blob's name is its hash."""
    home = _hub_cache() / f"models--{name.replace('/', '--')}"
    if _COMMIT.fullmatch(revision):
        commit = revision
    else:
        try:
            commit = cache.read(home / "refs" / revision).decode().strip()
        except (ReadError, UnicodeDecodeError):
            return None
        if not _COMMIT.fullmatch(commit):
            return None
    for file in FILES:
        path = home / "snapshots" / commit / file
        try:
            data = cache.read(path)
        except ReadError:
            continue
        blob = path.resolve().name
        if _contradicts(data, blob):
            raise DownloadError(
                f"{path} is damaged: its hash is not {blob}; delete it, or fetch it again"
            )
        return data
    return None


def _hub_cache() -> Path:
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Path(named).expanduser()
    home = os.environ.get("HF_HOME")
    return (Path(home).expanduser() if home else cache.xdg_cache() / "huggingface") / "hub"


def _fetched(name: str, revision: str) -> tuple[str, Fetched]:
    token = os.environ.get("HF_TOKEN") or None
    for file in FILES:
        url = _url(name, revision, file)
        try:
            got = fetch(url, token=token)
        except MissingFromHost:
            continue
        _check_etag(url, got)
        return url, got
    raise DownloadError(
        f"the hub has neither {' nor '.join(FILES)} in {name} at revision {revision!r}; looked at "
        f"{_url(name, revision, FILES[0])}"
    )


def _check_etag(url: str, got: Fetched) -> None:
    """The hub's ETag of a file is its SHA-256 or its git hash; that of a plain
    mirror may be anything."""
    etag = _etag(got)
    if "x-repo-commit" in got.headers and _contradicts(got.data, etag):
        raise DownloadError(
            f"{url} did not arrive whole: its hash is not {etag}, as the server says; nothing "
            f"was kept"
        )


def _etag(got: Fetched) -> str:
    value = got.headers.get("x-linked-etag") or got.headers.get("etag") or ""
    return value.removeprefix("W/").strip('"')


def _contradicts(data: bytes, digest: str) -> bool:
    """Whether a digest is one that the hub uses, but not of this data."""
    if re.fullmatch("[0-9a-f]{64}", digest):
        return cache.sha256(data) != digest
    if _COMMIT.fullmatch(digest):
        return cache.git_hash(data) != digest
    return False


def _record(home: Path, revision: str, url: str, got: Fetched) -> None:
    digest = cache.sha256(got.data)
    cache.store(home / f"{digest}.json", got.data)
    facts = {
        "sha256": digest,
        "url": url,
        "etag": _etag(got),
        "commit": got.headers.get("x-repo-commit", ""),
    }
    cache.store(_record_path(home, revision), json.dumps(facts, indent=1).encode())


def _record_path(home: Path, revision: str) -> Path:
    return home / f"{quote(revision, safe='')}.record"


def _url(name: str, revision: str, file: str) -> str:
    host = (os.environ.get("HF_ENDPOINT") or HOST).rstrip("/")
    return f"{host}/{name}/resolve/{quote(revision, safe='')}/{file}"


def _offline(name: str, revision: str, home: Path, download: bool) -> OfflineError:
    how = (
        "HF_HUB_OFFLINE is set: unset it"
        if download
        else "nothing is fetched unless asked: pass download=True (--download on the "
        "command line), set TOKENSEAM_DOWNLOAD=1"
    )
    return OfflineError(
        f"{name!r} is not on this machine, and {how}, or put the file "
        f"{_url(name, revision, FILES[0])} at {home / quote(revision, safe='') / FILES[0]}"
    )
