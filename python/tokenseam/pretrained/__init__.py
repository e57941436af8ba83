"""Vocabularies by name: found on this machine, or fetched when asked for.

Three kinds of names are understood:

* a published tiktoken encoding (:data:`ENCODINGS`);
* ``org/model``: the ``tokenizer.json`` of a model on the Hugging Face hub;
* a path to a file or a directory.

Nothing is ever fetched unless the caller says so. What was fetched is checked
against its hash, when it arrives and each time it is loaded.

================================  ============================================
environment variable              meaning
================================  ============================================
``TOKENSEAM_CACHE``               the directory for what was fetched
``TOKENSEAM_DOWNLOAD``            ``1``: fetch what is missing
``TOKENSEAM_OPENAI_ENDPOINT``     a mirror of the published encodings' host
``TIKTOKEN_CACHE_DIR``,           where tiktoken's copies are looked for
``DATA_GYM_CACHE_DIR``
``HF_ENDPOINT``                   a mirror of the hub
``HF_TOKEN``                      sent to the hub, and to nobody else
``HF_HUB_OFFLINE``                ``1``: never ask the hub
``HF_HUB_CACHE``, ``HF_HOME``     where the hub's own copies are looked for
================================  ============================================
"""

from __future__ import annotations

import os
from pathlib import Path

from tokenseam._core import Spec
from tokenseam.errors import FormatError, MissingFileError
from tokenseam.pretrained import hub, openai
from tokenseam.pretrained.cache import truthy
from tokenseam.pretrained.openai import ENCODINGS

__all__ = ["ENCODINGS", "load"]


def load(
    name: str | os.PathLike[str],
    *,
    download: bool | None = None,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> Spec:
    """The :class:`~tokenseam.Spec` of a name; see
    :meth:`tokenseam.Tokenizer.from_pretrained`."""
    if download is None:
        download = truthy("TOKENSEAM_DOWNLOAD")
    directory = Path(cache_dir) if cache_dir is not None else None
    given = os.fspath(name)
    if isinstance(name, str) and name in ENCODINGS:
        if revision is not None:
            raise ValueError(f"revision goes with names on the hub; {name!r} has only one")
        return openai.load(name, download=download, cache_dir=directory)
    if given:  # an empty path would be the current directory
        path = Path(given).expanduser()
        if path.is_dir():
            return _from_directory(path)
        if path.exists():
            return Spec.from_file(path)
    if isinstance(name, str) and hub.is_name(name):
        return hub.load(name, download=download, revision=revision, cache_dir=directory)
    raise MissingFileError(
        f"{given!r} is not a file or directory, not an encoding's name ({', '.join(ENCODINGS)}), "
        f"and not a model on the Hugging Face hub, which is written org/model"
    )


def _from_directory(path: Path) -> Spec:
    """The tokenizer of a directory as model repositories have it."""
    for name in ("tokenizer.json", "tekken.json"):
        if (path / name).exists():
            return Spec.from_file(path / name).with_name(path.resolve().name)
    if (path / "vocab.json").exists() and (path / "merges.txt").exists():
        return Spec.from_file(path).with_name(path.resolve().name)
    known = "tokenizer.json, tekken.json, or vocab.json with merges.txt"
    if (path / "tokenizer.model").exists():
        raise FormatError(
            f"{path} has only a tokenizer.model, which tokenseam does not read; save the model's "
            f"fast tokenizer there to get a tokenizer.json"
        )
    raise MissingFileError(f"{path} has none of {known}")
