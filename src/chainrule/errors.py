"""Every error chainrule raises, each also the built-in that fits.

ChainruleError
├── ShapeError          (ValueError)       sizes that do not fit together
├── KindError           (TypeError)        real, index or bool where another is expected
├── NamingError         (ValueError)       a name that clashes, is reserved or is not a name
├── UnknownNameError    (KeyError, AttributeError)   a name nobody has given, with the nearest one
├── GraphError          (ValueError)       values of different graphs, or a graph that breaks its own rules
├── ParseError          (ValueError)       equation text that cannot be read, with line and column
├── DataError           (ValueError)       arrays and tables: missing, not finite, outside a domain
├── NotFiniteError      (ArithmeticError)  training met NaN or infinity
├── ModelFileError      (ValueError)       a saved model that cannot be read
├── MissingExtraError   (ImportError)      an optional dependency is not installed
└── NativeUnavailableError (ImportError)   machine code cannot be made or run here
"""

from __future__ import annotations

import difflib
import inspect
import linecache
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_PACKAGE = str(Path(__file__).parent)
_EXCERPT = 120
_settings = {"callers": True}


class ChainruleError(Exception):
    """What all errors of chainrule share: a message, the place it happened and how to mend it.

    Attributes:
        message: what is wrong, with names, shapes and numbers.
        where: the line of the user's code or document, or "" if none is known.
        fix: what to change, or "".
    """

    def __init__(self, message: str, *, fix: str = "", where: str | None = None) -> None:
        self.message = message
        self.fix = fix
        self.where = _callers_line() if where is None else where
        super().__init__(message)

    def __str__(self) -> str:
        lines = [self.message]
        if self.where:
            lines.append(f"  in   {self.where}")
        if self.fix:
            lines.append(f"  fix  {self.fix}")
        return "\n".join(lines)


class ShapeError(ChainruleError, ValueError):
    """Sizes that do not fit together."""


class KindError(ChainruleError, TypeError):
    """A value of one kind (real, index, bool) stands where another is expected."""


class NamingError(ChainruleError, ValueError):
    """A name that clashes with another, is reserved, or is not a name at all."""


class UnknownNameError(ChainruleError, KeyError, AttributeError):
    """A name that nobody has given; the message offers the nearest one."""


class GraphError(ChainruleError, ValueError):
    """Values of two graphs mixed, or a graph that breaks its own typing rules."""


class ParseError(ChainruleError, ValueError):
    """Equation text that cannot be read.

    Attributes:
        line: line number, from 1.
        column: column of the first character that does not fit, from 1.
        found: what was read there.
        expected: what would have fitted.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int,
        column: int,
        found: str = "",
        expected: str = "",
        text: str = "",
        fix: str = "",
        source: str = "",
    ) -> None:
        self.line, self.column, self.found, self.expected = line, column, found, expected
        place = f"{source}, line {line}, column {column}" if source else f"line {line}, column {column}"
        start = max(0, column - 1 - _EXCERPT // 2)
        shown = text[start : start + _EXCERPT]
        where = f"{place}\n       {shown}\n       {' ' * (column - 1 - start)}^" if text else place
        super().__init__(message, fix=fix, where=where)


class DataError(ChainruleError, ValueError):
    """Arrays or tables that a graph cannot take: missing, not finite, outside a domain."""


class NotFiniteError(ChainruleError, ArithmeticError):
    """Training met a loss that is not finite.

    Attributes:
        step: the step, from 1, at which it happened.
        name: the first value that was not finite.
        parameters: the last parameters whose loss was finite.
    """

    def __init__(
        self, message: str, *, step: int, name: str, parameters: Mapping[str, Any], fix: str = ""
    ) -> None:
        self.step, self.name, self.parameters = step, name, parameters
        super().__init__(message, fix=fix, where="")


class ModelFileError(ChainruleError, ValueError):
    """A saved model that is damaged, foreign, or from a version this one cannot read."""


class MissingExtraError(ChainruleError, ImportError):
    """An optional dependency is not installed; the message says how to get it."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}, which is not installed.",
            fix=f'python -m pip install "chainrule[{extra}]"',
            where="",
        )


class NativeUnavailableError(ChainruleError, ImportError):
    """Machine code cannot be made or run here; the reference executor still can do the work."""


class NativeFallbackWarning(UserWarning):
    """An op of a user's own is run by NumPy, as its forward rule has no native form."""


def nearest(name: str, known: Iterable[str], also: Iterable[str] = ()) -> str:
    """Return a hint: the name spelled most like `name`, and the list of known names.

    Args:
        name: what was written.
        known: what would have been understood; listed.
        also: further names that may have been meant; not listed.

    >>> nearest("W11", ["W1", "b1"])
    'Did you mean W1? Known: W1, b1.'
    """
    names = list(known)
    close = difflib.get_close_matches(name, [*names, *also], n=1, cutoff=0.5)
    if not names and not close:
        return "Nothing has a name yet."
    shown = ", ".join(names[:12]) + (f", … {len(names) - 12} more" if len(names) > 12 else "")
    guess = f"Did you mean {close[0]}? " if close else ""
    return f"{guess}Known: {shown}." if names else guess.rstrip()


def hide_callers() -> None:
    """Leave out lines of code from messages; for the command line, whose user wrote none."""
    _settings["callers"] = False


def _callers_line() -> str:
    """Return the user's line that led here: the innermost frame outside this package."""
    if not _settings["callers"]:
        return ""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return ""
    file, number = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, number).strip()
    return f"{text}          {Path(file).name}:{number}" if text else ""
