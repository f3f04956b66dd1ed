"""The rule book as a page of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chainrule.rulebook.entry import Entry, Family, families

COMMAND = "python -m chainrule.rulebook docs/rule-book.md"
_OPENING = f"""# The rule book

Every op of chainrule: how it is written, what it computes, and the gradients that its rule sends back. The
equations below are printed by chainrule from the rules themselves, the ones that a network runs.

In each box the first line is the op at work, and `dx` is the gradient ∂J/∂x that it sends back, given the
gradient `dy` of its result. `⊙` is the element-wise product, `1[…]` is 1 where the condition holds and 0
elsewhere, and `t1`, `t2` are values that the printer names because they are used more than once. An op
defined by other ops shows that definition after an empty line.

In a signature (…) stands for any shape, and equal letters for equal sizes; where no shape is given for the
result, the attributes decide on it. Operands in square brackets may be left out, and so may attributes with a
value, their default. An operand without a domain takes any real number. At a kink the derivative jumps, and
the rule gives a subgradient.

In Python `chainrule.rule("relu")` shows one entry. This page is written by
`{COMMAND}`."""


def page() -> str:
    """Return the whole page: an introduction, a table of contents, one section for each family."""
    found = families()
    parts = [_OPENING, "\n".join(map(_contents, found)), *(text for f in found for text in _section(f))]
    return "\n\n".join(parts) + "\n"


def _contents(family: Family) -> str:
    links = " · ".join(f"[{entry.name}](#{entry.name})" for entry in family.entries)
    return f"- **[{family.title}](#{_anchor(family)})**: {links}"


def _anchor(family: Family) -> str:
    """Return what a heading is linked by: small letters and hyphens alone."""
    return re.sub(r"[^\w -]", "", family.title.lower()).replace(" ", "-")


def _section(family: Family) -> Iterator[str]:
    yield f"## {family.title}"
    yield from map(_escaped, family.notes)
    for entry in family.entries:
        yield f"### {entry.name}"
        yield markdown(entry)


def markdown(entry: Entry) -> str:
    """Return an entry without its heading."""
    facts = "\n".join(f"- **{label}** {_escaped(text)}" for label, text in entry.facts)
    box = f"```text\n{entry.equations}\n```"
    return "\n\n".join([*map(_escaped, [entry.title, *entry.notes]), box, facts])


def _escaped(text: str) -> str:
    """Return a text whose signs Markdown leaves alone; code is left as it is."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"(\*|<(?=\w))", r"\\\1", p) for p in pieces)
