"""What a check of a user's function found: one finding for each name, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from chainrule.derivation.code.calling import Failure
from chainrule.derivation.verdict import Mistake, Role, Verdict
from chainrule.derivation.wording import clean
from chainrule.errors import UnknownNameError, nearest
from chainrule.ir.names import normalized

SCHEMA = 1
_HEAD = ("name", "verdict", "element", "returned", "true")


@dataclass(frozen=True)
class Element:
    """The element of an array that is farthest from the truth.

    Attributes:
        index: its place.
        found: what the function returned there.
        true: what it should be.
        sizes: the numbers that stood for the size letters.
    """

    index: tuple[int, ...]
    found: float
    true: float
    sizes: dict[str, int]


@dataclass(frozen=True)
class Finding:
    """The verdict on one name.

    Attributes:
        name: of a value or a gradient, as the network calls it.
        role: forward, loss or gradient.
        verdict: right; right only if …; wrong; inherited, where the step is right and an earlier value is
            not; unread, where what was returned is no array of numbers or has no known name.
        is_returned: False for a value inside the function, whose mistake shows in what it returns.
        message: a sentence, or "".
        element: the worst element, None where shapes differ or nothing is wrong.
        inherits: names of wrong values before it.
        mistakes: what is wrong, named.
        computes: what the code computes, as an equation, or "" if no small edit of the rule gives it.
        rule: the true equation, "" for an unread name.
    """

    name: str
    role: Role
    verdict: Verdict
    is_returned: bool = True
    message: str = ""
    element: Element | None = None
    inherits: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    computes: str = ""
    rule: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing is to be mended."""
        return self.verdict is Verdict.RIGHT


@dataclass(frozen=True)
class FunctionReport:
    """The verdicts on what a function returns, in the order of the chain rule.

    It is true if the function runs, everything it returns is right, and no parameter's gradient is
    missing. Printed, it is a table with the worst elements, then what is wrong.

    Attributes:
        function: its name.
        findings: one for each name.
        missing: gradients of parameters that it does not return.
        failure: the exception that it raised, or None.
        notes: further sentences, about arrays changed in place or results that change from call to call.
        is_square: whether it was judged where all sizes are equal, because it fails where they differ.
    """

    function: str
    findings: tuple[Finding, ...]
    missing: tuple[str, ...] = ()
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    is_square: bool = False

    @property
    def ok(self) -> bool:
        """Whether the function ran, and all that is needed is there and right."""
        complete = bool(self.findings) and not self.missing and self.failure is None
        return complete and all(finding.holds for finding in self.findings)

    @property
    def counts(self) -> dict[Verdict, int]:
        """The number of findings with each verdict, also where it is 0."""
        found = [finding.verdict for finding in self.findings]
        return {verdict: found.count(verdict) for verdict in Verdict if verdict is not Verdict.GIVEN}

    @property
    def summary(self) -> str:
        """One line: how many names there are of each verdict, and what is missing."""
        parts = [f"{count} {verdict.value}" for verdict, count in self.counts.items() if count]
        parts += [f"{len(self.missing)} missing ({', '.join(self.missing)})"] if self.missing else []
        parts += ["it raises an exception"] if self.failure else []
        return f"{self.function}: {', '.join(parts) or 'nothing was returned'}"

    def __bool__(self) -> bool:
        return self.ok

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, name: str) -> Finding:
        """Return the finding on a name, such as "dW1".

        Raises:
            UnknownNameError: there is none.
        """
        wanted = normalized(name)
        for finding in self.findings:
            if finding.name == wanted:
                return finding
        raise UnknownNameError(
            f"there is no finding on {name}.", fix=nearest(name, [finding.name for finding in self.findings])
        )

    def __str__(self) -> str:
        blocks = [self._failed(), self._table(), *map(_block, self.findings), self._rest()]
        return "\n\n".join(block for block in blocks if block)

    def _failed(self) -> str:
        if self.failure is None:
            return ""
        failure = self.failure
        sizes = ", ".join(f"{letter} = {size}" for letter, size in failure.sizes.items())
        shapes = ", ".join(f"{name} {_shown(shape)}" for name, shape in failure.shapes.items())
        rows = [
            f"{failure.kind}: {clean(failure.message)}",
            f"  in      {clean(failure.line)}          {failure.place}" if failure.place else "",
            f"  shapes  {shapes}" if shapes else "",
            f"  sizes   {sizes}" if sizes else "",
            "  Where all sizes are equal it runs, and gives:" if self.is_square else "",
        ]
        return "\n".join(row for row in rows if row)

    def _table(self) -> str:
        body = [_cells(finding) for finding in self.findings if finding.is_returned]
        if not body:
            return ""
        widths = [max(len(row[i]) for row in [_HEAD, *body]) for i in range(len(_HEAD))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in [_HEAD, *body]
        )

    def _rest(self) -> str:
        return "\n".join([*(f"note: {clean(note)}" for note in self.notes), clean(self.summary)])

    def to_dict(self) -> dict[str, Any]:
        """Return what `to_json` writes, as a dictionary."""
        return {
            "schema": SCHEMA,
            "function": self.function,
            "ok": self.ok,
            "counts": {verdict.value: number for verdict, number in self.counts.items()},
            "missing": list(self.missing),
            "failure": None if self.failure is None else asdict(self.failure),
            "is_square": self.is_square,
            "notes": list(self.notes),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def to_json(self) -> str:
        """Return the report as JSON; numbers that JSON has not are null.

        schema, function, ok, counts   as in the report of a document
        missing    gradients of parameters that are not returned
        failure    null, or {kind, message, place, line, shapes, sizes}
        is_square  whether all sizes were equal
        notes      sentences
        findings   [{name, role, verdict, is_returned, message, element, inherits, mistakes, computes, rule}]
        """
        return json.dumps(_plain(self.to_dict()), ensure_ascii=False, indent=2, allow_nan=False)


def _plain(item: Any) -> Any:
    """Return nested data without NaN and infinity."""
    if isinstance(item, dict):
        return {key: _plain(part) for key, part in item.items()}  # pyright: ignore[reportUnknownVariableType]  # any data
    if isinstance(item, list | tuple):
        return [_plain(part) for part in item]  # pyright: ignore[reportUnknownVariableType]  # any data
    if isinstance(item, float) and (item != item or item in (float("inf"), float("-inf"))):
        return None
    return item


def _cells(finding: Finding) -> tuple[str, ...]:
    element = finding.element
    numbers = ("", "", "")
    if element is not None:
        place = f"[{', '.join(map(str, element.index))}]"
        numbers = (place, f"{element.found:.9g}", f"{element.true:.9g}")
    return (clean(finding.name), finding.verdict.value, *numbers)


def _block(finding: Finding) -> str:
    """Return what there is to say about a name that is not right."""
    if finding.holds:
        return ""
    said = [*([finding.message] if finding.message else []), *(m.text for m in finding.mistakes)]
    within = "" if finding.is_returned else " (inside the function)"
    verdict = (
        "" if finding.verdict is Verdict.CONDITIONAL and said else finding.verdict.value + ": " * bool(said)
    )
    rows = [f"{finding.name}{within}  {verdict}{'; '.join(said)}".rstrip()]
    rows += [f"  code  {finding.computes}"] if finding.computes else []
    rows += [f"  rule  {finding.rule}"] if finding.rule and finding.verdict is not Verdict.INHERITED else []
    return "\n".join(map(_kept, rows))


def _kept(row: str) -> str:
    """Return a row that cannot steer a terminal, with its margin."""
    margin = row[: len(row) - len(row.lstrip())]
    return margin + "  ".join(clean(part) for part in row.strip().split("  "))


def _shown(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
