"""Where fetched files are kept, and how they are written and checked."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from tokenseam._files import write_atomic
from tokenseam.errors import DownloadError, MissingFileError, ReadError

__all__ = ["directory", "git_hash", "read", "sha256", "store", "truthy"]

#: The largest file that is read or fetched; the largest real ones have 40 MB.
MAX_BYTES = 1 << 28


def directory(given: Path | None = None) -> Path:
    """The cache directory: as given, ``TOKENSEAM_CACHE``, or the platform's."""
    if given is not None:
        return given.expanduser()
    named = os.environ.get("TOKENSEAM_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tokenseam"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local or Path.home() / "AppData" / "Local") / "tokenseam" / "cache"
    return xdg_cache() / "tokenseam"


def xdg_cache() -> Path:
    """Where programs keep caches on Linux."""
    named = os.environ.get("XDG_CACHE_HOME")
    return Path(named).expanduser() if named else Path.home() / ".cache"


def truthy(variable: str) -> bool:
    """Whether an environment variable is set to 1, true, yes or on."""
    return os.environ.get(variable, "").strip().lower() in ("1", "true", "yes", "on")


def sha256(data: bytes) -> str:
    """The SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def git_hash(data: bytes) -> str:
    """The SHA-1 by which git, and so the hub, names a small file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def read(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        ReadError: it cannot be read, or has more than :data:`MAX_BYTES`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise MissingFileError(f"{path} does not exist") from None
    except OSError as error:
        raise ReadError(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise ReadError(f"{path} has more than {MAX_BYTES >> 20} MiB, which no vocabulary has")
    return data


def store(path: Path, data: bytes) -> None:
    """:func:`~tokenseam._files.write_atomic` for the cache, whose failures are a
    :class:`DownloadError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
    except OSError as error:
        raise DownloadError(
            f"cannot write {path}: {error.strerror or error}; set TOKENSEAM_CACHE to a directory "
            f"that can be written"
        ) from error
