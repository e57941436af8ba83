"""Exact, fast byte-pair-encoding tokenizers.

>>> from tokenseam import Tokenizer
>>> tokenizer = Tokenizer.from_pretrained("cl100k_base")  # doctest: +SKIP
>>> tokenizer.encode("hello world")  # doctest: +SKIP
[15339, 1917]

==========================  =================================================
name                        what it is
==========================  =================================================
:class:`Tokenizer`          encodes, decodes, counts; loads and saves
:class:`StreamDecoder`      decodes ids as they come
:class:`Ragged`             a batch: sequences of different lengths
:class:`Spec`               a tokenizer as plain data
:mod:`tokenseam.errors`     every exception
:mod:`tokenseam.io`         documents out of files
==========================  =================================================
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenseam import errors, io
    from tokenseam._core import Spec, StreamDecoder, __version__
    from tokenseam.errors import DecodeError, EncodeError, LoadError, SaveError, TokenseamError
    from tokenseam.ragged import Ragged
    from tokenseam.tokenizer import Encoded, Tokenizer

__all__ = [
    "DecodeError",
    "EncodeError",
    "Encoded",
    "LoadError",
    "Ragged",
    "SaveError",
    "Spec",
    "StreamDecoder",
    "Tokenizer",
    "TokenseamError",
    "__version__",
    "errors",
    "io",
]

# Everything is imported when it is first asked for: this module costs a
# millisecond, and a program that only handles errors loads no engine.
_HOMES = {
    "DecodeError": "errors",
    "EncodeError": "errors",
    "LoadError": "errors",
    "Encoded": "tokenizer",
    "Ragged": "ragged",
    "SaveError": "errors",
    "Spec": "_core",
    "StreamDecoder": "_core",
    "Tokenizer": "tokenizer",
    "TokenseamError": "errors",
    "__version__": "_core",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in __all__:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
