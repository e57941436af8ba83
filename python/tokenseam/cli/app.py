"""The commands, put together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from tokenseam.cli.code import count, decode, encode
from tokenseam.cli.common import EXIT_INTERRUPTED, EXIT_USAGE, fail
from tokenseam.cli.files import convert, info, verify
from tokenseam.cli.show import show

EPILOG = (
    "Exit codes: 0 done, 1 verify found a difference, 2 wrong command line, 3 a vocabulary, "
    "input or output file is at fault, 130 interrupted, 141 the reader of the output went away."
)

app = typer.Typer(
    name="tokenseam",
    help="Exact, fast byte-pair-encoding tokenizers.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (encode, decode, count, show, info, convert, verify):
    app.command(epilog=EPILOG)(command)


def _version(asked: bool) -> None:
    if asked:
        from tokenseam import __version__

        print(f"tokenseam {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Exact, fast byte-pair-encoding tokenizers."""


# typer brings its own copy of click from some version on, so the base of the
# errors of the command line is not to be had by a name.
_UsageError: Any = typer.BadParameter.__mro__[1]


def run(arguments: Sequence[str] | None) -> int:
    """Runs the command line and returns its exit code."""
    given = None if arguments is None else list(arguments)
    try:
        code = app(args=given, prog_name="tokenseam", standalone_mode=False)
    except _UsageError as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "tokenseam"
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()
            return EXIT_USAGE
        message = error.format_message().rstrip(".")
        return fail(f"{message}. See '{path} --help'.", EXIT_USAGE)
    except typer.Abort:
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        sys.stderr.flush()
    return code if isinstance(code, int) else 0
