"""The command ``tokenseam``.

Needs typer and rich: ``pip install 'tokenseam[cli]'``. Exit codes:

====  =======================================================================
code  meaning
====  =======================================================================
0     done
1     ``verify`` found a difference
2     the command line is wrong
3     a vocabulary, an input or an output file is at fault
130   interrupted
141   whoever read the output went away
====  =======================================================================
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Args:
        arguments: the words after ``tokenseam``; those of the process by
            default.
    """
    try:
        from tokenseam.cli.app import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("typer", "rich"):
            raise
        print(
            f"tokenseam: the command line needs the package {error.name}: "
            f"pip install 'tokenseam[cli]'",
            file=sys.stderr,
        )
        return 2
    return run(arguments)
