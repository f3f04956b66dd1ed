"""One op's entry, for a terminal or a notebook."""

from __future__ import annotations

import textwrap

from chainrule.ir.op import Op
from chainrule.ir.registry import lookup
from chainrule.rulebook.entry import Entry, entry_of
from chainrule.rulebook.page import markdown

_WIDTH = 100


class Rule:
    """An op's entry in the rule book; printed, and shown in a notebook, as such."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def __str__(self) -> str:
        paragraphs = [textwrap.fill(text, _WIDTH) for text in (self.entry.title, *self.entry.notes)]
        box = textwrap.indent(self.entry.equations, "    ")
        return "\n\n".join([self.entry.name, *paragraphs, box, self._facts()])

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return f"**{self.entry.name}**\n\n{markdown(self.entry)}"

    def _facts(self) -> str:
        width = max(len(label) for label, _ in self.entry.facts) + 2
        indent = " " * width
        return "\n".join(
            textwrap.fill(
                text.replace("`", ""), _WIDTH, initial_indent=label.ljust(width), subsequent_indent=indent
            )
            for label, text in self.entry.facts
        )


def rule(op: Op | type[Op] | str) -> Rule:
    """Return an op's entry in the rule book: its equation, its gradients, signature, domain, kinks, source.

    Args:
        op: the op, its class or its name; one's own ops have entries too.

    Raises:
        UnknownNameError: no op has the name.

    Example:
        >>> rule("relu")
        relu
        <BLANKLINE>
        Rectified linear unit, y = max(0, x); the subgradient at 0 is 0.
        <BLANKLINE>
            y  = relu(x)
            dx = dy ⊙ 1[x > 0]
        <BLANKLINE>
        Signature  x (…) → y (…)
        LaTeX      y = \\operatorname{relu}\\left(x\\right)
        Kinks      0
        Source     X. Glorot, A. Bordes, Y. Bengio, Deep sparse rectifier neural networks, AISTATS 2011
    """
    if isinstance(op, Op):
        return Rule(entry_of(op))
    return Rule(entry_of(lookup(op if isinstance(op, str) else op.name)))
