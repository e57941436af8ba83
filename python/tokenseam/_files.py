"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["write_atomic"]


def write_atomic(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all: to a temporary name, then renamed.

    Any number of processes may write the same file at once.

    Raises:
        OSError: as the operating system says.
    """
    partial = path.with_name(f".{path.name}.{os.urandom(8).hex()}.partial")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _replace(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except PermissionError:
        # On Windows a file that another process is reading cannot be
        # replaced; in a cache it is the same file.
        if sys.platform != "win32" or not target.exists():
            raise
        if target.read_bytes() != source.read_bytes():
            raise
        source.unlink()


def _sync_directory(path: Path) -> None:
    """Makes a rename last through a power cut, where that can be asked for."""
    if sys.platform == "win32":
        return
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
