"""Parts of a product as they stand in the text, for messages that suggest brackets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from chainrule.notation.syntax import Expression


def two_readings(lines: Sequence[str], factors: Sequence[Expression]) -> tuple[str, str]:
    """Return a product with brackets around all factors but the last, and around the last two.

    A product over several lines comes out on one; one that stands nowhere in the text, in general terms.
    """
    places = [(factor.span.line, factor.span.start) for factor in factors]
    if places != sorted(places) or len(set(places)) < len(places):
        return "(A B) ⊙ C", "A (B ⊙ C)"
    first = factors[0].span.line
    parts = [line.partition("#")[0] for line in lines[first - 1 : factors[-1].span.line]]
    text = " ".join(parts)
    offsets = list(accumulate((len(part) + 1 for part in parts), initial=0))
    bounds: list[tuple[int, int]] = []
    for factor in factors:
        offset = offsets[factor.span.line - first]
        bounds.append(_with_brackets(text, offset + factor.span.start, offset + factor.span.end))
    (start, _), (middle, joint), (_, end) = bounds[0], bounds[-2], bounds[-1]
    parts = (text[start:joint], text[joint:end], text[start:middle], text[middle:end])
    before, last, kept, pair = (" ".join(part.split()) for part in parts)
    return f"({before}) {last}", f"{kept} ({pair})"


def _with_brackets(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the bounds of a factor with the brackets around it alone."""
    while True:
        before, after = text[:start].rstrip(), text[end:].lstrip()
        if not (before.endswith("(") and after.startswith(")")):
            return start, end
        start, end = len(before) - 1, len(text) - len(after) + 1
