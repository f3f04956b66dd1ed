"""What the checks found: one row for each, printable, true in a condition if all hold."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

_WIDTH = 100


@dataclass(frozen=True)
class Complaint:
    """Something wrong with a rule.

    Attributes:
        case: the operands with their shapes, and the attributes.
        text: what is wrong, in words.
    """

    case: str
    text: str

    def __str__(self) -> str:
        return f"{self.case}: {self.text}" if self.case else self.text


@dataclass(frozen=True)
class Row:
    """One check.

    Attributes:
        check: what was checked.
        cases: how many cases were looked at.
        complaints: what is wrong, at most one for each case.
        skipped: why no case was looked at, or "".
        waits_for: the check that must hold first, or "".
    """

    check: str
    cases: int
    complaints: tuple[Complaint, ...] = ()
    skipped: str = ""
    waits_for: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.complaints

    def lines(self) -> list[str]:
        """Return what was found, the verdict first."""
        if self.skipped:
            return [f"skipped: {self.skipped}"]
        if self.ok:
            return ["ok"]
        first, *others = self.complaints
        more = f", and in {len(others)} more case{'s' * (len(others) > 1)}" if others else ""
        verdict = f"FAILS for {first.case}{more}" if first.case else "FAILS"
        return [verdict, *_wrapped(first.text)]


def _wrapped(text: str) -> list[str]:
    """Return a text in lines of which none parts a name from its number."""
    kept = re.sub(r" (=|say|says) ", "\u00a0\\1\u00a0", text)
    return [line.replace("\u00a0", " ") for line in textwrap.wrap(kept, _WIDTH)]


@dataclass(frozen=True, repr=False)
class Report:
    """The checks of one op, one row each; true in a condition if all hold.

    Attributes:
        op: the op's name.
        rows: the checks in order.
    """

    op: str
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(row.ok for row in self.rows)

    @property
    def failed(self) -> dict[str, str]:
        """The first complaint of every check that fails, by the check's name."""
        return {row.check: str(row.complaints[0]) for row in self.rows if not row.ok}

    def raise_if_failed(self) -> None:
        """Raise AssertionError with the whole report if a check fails."""
        if not self.ok:
            raise AssertionError(str(self))

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        failed = "; ".join(f"{check}: {text}" for check, text in self.failed.items())
        return f"<{self.op}: {failed or 'all checks hold'}>"

    def __str__(self) -> str:
        width = max(len(row.check) for row in self.rows) + 2
        lines = [f"{self.op}: {self._verdict()}"]
        for row in self.rows:
            if row.waits_for:
                continue
            first, *rest = row.lines()
            count = "" if row.skipped else f"{row.cases} case{'s' * (row.cases != 1)}"
            lines.append(f"  {row.check.ljust(width)}{count.ljust(10)}{first}")
            lines += [f"      {line}" for line in rest]
        return "\n".join([*lines, *self._waiting()])

    def _verdict(self) -> str:
        count = len(self.failed)
        made = sum(1 for row in self.rows if not row.skipped)
        return f"{count} of {made} checks fail" if count else f"all {made} checks hold"

    def _waiting(self) -> Iterator[str]:
        """Yield what could not be checked because something else failed first."""
        for cause in dict.fromkeys(row.waits_for for row in self.rows if row.waits_for):
            waiting = ", ".join(row.check for row in self.rows if row.waits_for == cause)
            yield from textwrap.wrap(
                f"not before {cause} holds: {waiting}",
                _WIDTH,
                initial_indent="  ",
                subsequent_indent="      ",
            )
