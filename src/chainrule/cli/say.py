"""What the command line tells its user."""

from __future__ import annotations

import os
import sys

import typer


def say(text: str, *, color: bool | None = None) -> None:
    """Print a line; where nobody reads any more (`| head`), go on without, for the work is not lost.

    Args:
        text: to be printed.
        color: whether its colors are kept where they cannot be shown; by default they are not.
    """
    try:
        typer.echo(text, color=color)
        sys.stdout.flush()
    except BrokenPipeError:
        forget_output()


def complain(error: object) -> None:
    """Print an error to standard error."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(Text.assemble(("error ", "bold red"), str(error)))


def forget_output() -> None:
    """Send what is still to be printed nowhere, so that the interpreter does not fail at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def counted(count: int, what: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "row"), counted(20, "row")
    ('1 row', '20 rows')
    """
    return f"{count} {what}{'s' * (count != 1)}"
