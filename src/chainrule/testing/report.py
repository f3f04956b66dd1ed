"""What the checks found: one row for each, printable, true in a condition if all hold."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    check: str
    cases: int
    complaints: tuple[Complaint, ...] = ()
    skipped: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.complaints

    def __str__(self) -> str:
        if self.skipped:
            return f"skipped: {self.skipped}"
        if self.ok:
            return "ok"
        others = len(self.complaints) - 1
        more = f"\n… and in {others} more case{'s' * (others > 1)}" if others else ""
        return (
            f"FAILS for {self.complaints[0]}{more}"
            if self.complaints[0].case
            else f"FAILS: {self.complaints[0]}"
        )


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
        left = max(len(row.check) for row in self.rows) + 2
        lines = [f"{self.op}: {self._verdict()}"]
        for row in self.rows:
            first, *rest = str(row).split("\n")
            count = "–" if row.skipped else f"{row.cases} case{'s' * (row.cases != 1)}"
            lines.append(f"  {row.check.ljust(left)}{count.ljust(10)}{first}")
            lines += [" " * (left + 12) + line for line in rest]
        return "\n".join(lines)

    def _verdict(self) -> str:
        count = len(self.failed)
        made = sum(1 for row in self.rows if not row.skipped)
        return f"{count} of {made} checks fail" if count else f"all {made} checks hold"
