"""A check: a question put to one case of an op, answered by complaints."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import chainrule.errors
from chainrule.testing.trial import Trial

_PACKAGE = str(Path(chainrule.errors.__file__).parent)


def always(trial: Trial) -> str:
    """Return no reason to skip a check."""
    return ""


@dataclass(frozen=True)
class Check:
    """One row of the table that every op goes through.

    Attributes:
        name: what is checked.
        complaints: yields what is wrong with the rule, in plain words.
        skip: the reason why a case has nothing to check, or "".
        after: the checks without which this one would say nothing.
        scope: whether it looks at every case, leaves out those that only spell attributes another way,
            or looks at the op as a whole.
    """

    name: str
    complaints: Callable[[Trial], Iterator[str]]
    skip: Callable[[Trial], str] = always
    after: tuple[str, ...] = ()
    scope: Literal["every case", "case", "op"] = "case"

    def chosen(self, trials: Sequence[Trial]) -> Sequence[Trial]:
        """Return the trials of one op that it looks at."""
        if self.scope == "op":
            return trials[:1]
        return [trial for trial in trials if self.scope == "every case" or not trial.case.again]

    def ask(self, trial: Trial) -> tuple[str, str]:
        """Return why there is nothing to check, and the first complaint; an exception is one."""
        try:
            reason = self.skip(trial)
            return reason, "" if reason else next(self.complaints(trial), "")
        except Exception as error:  # whatever an op's rule raises is reported
            return "", raised(error)


def raised(error: Exception) -> str:
    """Return what was raised, and the line that did it, the author's own where one was on the way."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if not f.filename.startswith(_PACKAGE) and "site-packages" not in f.filename]
    frame = (theirs or frames)[-1]
    message = str(error).split("\n")[0]
    return f"{type(error).__name__} in {frame.name}, {Path(frame.filename).name}:{frame.lineno}: {message}"
