"""A judgement in words: rows of a label and a text, the same on a terminal, in a file and in a copy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chainrule.derivation.verdict import Judgement, Verdict

RowKind: TypeAlias = Literal["reading", "verdict", "place", "fix", "correction"]
_CONDITION = re.compile(r"^(?:right )?only if\s*")
_CONTROL = (
    {code: 0x2400 + code for code in range(32)} | {127: 0x2421} | dict.fromkeys(range(128, 160), 0xFFFD)
)
_DIRECTION = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)


@dataclass(frozen=True)
class Row:
    """One thing to say about an equation.

    Attributes:
        kind: what it is about.
        label: in at most 9 letters; "" where a row goes on with the one before.
        text: "" for a verdict that needs no words.
    """

    kind: RowKind
    label: str
    text: str


def clean(text: str) -> str:
    """Return text on one line in which nothing can steer a terminal.

    >>> clean("a = b\\tc \\x1b[31m")
    'a = b c ␛[31m'
    """
    return " ".join(text.split()).translate(_CONTROL | _DIRECTION)


def rows(judgement: Judgement, judgements: Iterable[Judgement] = ()) -> list[Row]:
    """Return what there is to say about an equation: how it was read, the verdict, what to write instead.

    Args:
        judgement: one of them.
        judgements: of the whole document, to say on which lines wrong values stand.
    """
    found = [
        *_readings(judgement),
        *_verdict(judgement),
        *_places(judgement, judgements),
        *([Row("fix", "fix", judgement.fix)] if judgement.fix else []),
        *_corrections(judgement),
    ]
    return [Row(row.kind, row.label, clean(row.text)) for row in found]


def _readings(judgement: Judgement) -> Iterator[Row]:
    for place, reading in enumerate(judgement.readings):
        yield Row("reading", "or as" if place else "read as", reading.text)
        yield Row("reading", "shapes", reading.shapes)


def _verdict(judgement: Judgement) -> Iterator[Row]:
    label = "right" if judgement.verdict is Verdict.CONDITIONAL else judgement.verdict.value
    texts = [*_said(judgement), *(mistake.text for mistake in judgement.mistakes)]
    nothing = f"its value is not that of {judgement.name}" if judgement.verdict is Verdict.WRONG else ""
    for place, text in enumerate(texts or [nothing]):
        yield Row("verdict", "" if place else label, text)


def _said(judgement: Judgement) -> list[str]:
    if judgement.verdict is Verdict.CONDITIONAL:
        return [f"only if {_CONDITION.sub('', judgement.message)}"]
    message = judgement.message.removeprefix(f"line {judgement.line}, ")
    return [message] if message else []


def _places(judgement: Judgement, judgements: Iterable[Judgement]) -> Iterator[Row]:
    """Say on which lines the wrong values stand that an equation uses."""
    wrong = [
        j for j in judgements if j.name in judgement.inherits and not j.holds and j.line < judgement.line
    ]
    if wrong:
        yield Row("place", "see", ", ".join(dict.fromkeys(f"{j.name} on line {j.line}" for j in wrong)))


def _corrections(judgement: Judgement) -> Iterator[Row]:
    for place, suggestion in enumerate(judgement.suggestions):
        yield Row("correction", "or" if place else "write", suggestion.equation)


def counted_lines(judgements: Sequence[Judgement]) -> str:
    """Return how many claims there are of each verdict, with the lines of those that do not hold."""
    if not judgements:
        return "no equation was found"
    lines: dict[Verdict, list[int]] = {}
    for claim in (j for j in judgements if j.is_claim):
        lines.setdefault(claim.verdict, []).append(claim.line)
    if not lines:
        return "nothing is claimed: every equation defines the network"
    count = sum(map(len, lines.values()))
    parts = [_counted(verdict, lines[verdict]) for verdict in Verdict if verdict in lines]
    return f"{count} claim{'s' * (count != 1)}: {', '.join(parts)}"


def _counted(verdict: Verdict, lines: list[int]) -> str:
    if verdict is Verdict.RIGHT:
        return f"{len(lines)} right"
    different = list(dict.fromkeys(lines))
    places = ", ".join(map(str, different))
    label = "right under a condition" if verdict is Verdict.CONDITIONAL else verdict.value
    return f"{len(lines)} {label} (line{'s' * (len(different) != 1)} {places})"
