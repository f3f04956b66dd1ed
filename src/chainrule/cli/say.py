"""What the command line tells its user."""

from __future__ import annotations

import os
import sys

import typer


def say(text: str) -> None:
    """Print a line; where nobody reads any more (`| head`), go on without, for the work is not lost."""
    try:
        typer.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        forget_output()


def forget_output() -> None:
    """Send what is still to be printed nowhere, so that the interpreter does not fail at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def counted(count: int, what: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "row"), counted(20, "row")
    ('1 row', '20 rows')
    """
    return f"{count} {what}{'s' * (count != 1)}"
