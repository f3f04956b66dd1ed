"""The rewriting rules: each one's docstring is its equation, read and used as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

from chainrule.ir.value import Value
from chainrule.transform.pattern import Pattern, read_pattern


class Rule:
    """A named equation whose left side is replaced by its right side.

    Attributes:
        why: one sentence for the reader who sees it fire.
        shapes: the letters of the equation with shapes under which it makes sense.
    """

    why: ClassVar[str]
    shapes: ClassVar[Mapping[str, str]]

    @property
    def name(self) -> str:
        """The rule's name, in words."""
        return "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in type(self).__name__).strip()

    @property
    def equation(self) -> str:
        """The rule's equation."""
        return (type(self).__doc__ or "").strip()

    def fits(self, value: Value, uses: Mapping[Value, int]) -> bool:
        """Tell whether the rule may rewrite a value that its left side matches.

        Args:
            value: the value matched.
            uses: how many values use each value of the graph.
        """
        return True

    @cached_property
    def pattern(self) -> Pattern:
        """Both sides as values."""
        return read_pattern(self.equation, self.shapes)


class SigmoidMeetsBinaryCrossEntropy(Rule):
    """((1 − y) / (1 − a) − y / a) ⊙ a ⊙ (1 − a) = a − y"""

    why = "the derivative of the sigmoid, a (1 − a), cancels what the loss divides by"
    shapes: ClassVar = {"a": "(r, c)", "y": "(r, c)"}


class ReluOfPositive(Rule):
    """relu(x) ⊙ 1[x > 0] = relu(x)"""

    why = "where x > 0 fails relu(x) is 0 already"
    shapes: ClassVar = {"x": "(r, c)"}


class IndicatorTwice(Rule):
    """1[x > y] ⊙ 1[x > y] = 1[x > y]"""

    why = "0 and 1 are their own squares"
    shapes: ClassVar = {"x": "(r, c)", "y": "(r, c)"}


class ExponentialOfLogarithm(Rule):
    """exp(log(x)) = x"""

    why = "the logarithm exists only for x > 0, where the two undo each other"
    shapes: ClassVar = {"x": "(r, c)"}


class LogarithmOfExponential(Rule):
    """log(exp(x)) = x"""

    why = "the two undo each other, and x does not overflow"
    shapes: ClassVar = {"x": "(r, c)"}


class TransposeOfProduct(Rule):
    """(a b)ᵀ = bᵀ aᵀ"""

    why = "the transpose of a product is the product of the transposes in reverse"
    shapes: ClassVar = {"a": "(r, s)", "b": "(s, c)"}

    def fits(self, value: Value, uses: Mapping[Value, int]) -> bool:
        """A product that has a name, or is used elsewhere, is computed anyway."""
        (product,) = value.inputs
        return uses[product] == 1 and not product.graph.is_named(product)


class SumOfEqualTerms(Rule):
    """x + x = 2 x"""

    why = "two equal paths count twice"
    shapes: ClassVar = {"x": "(r, c)"}


RULES: tuple[Rule, ...] = (
    SigmoidMeetsBinaryCrossEntropy(),
    ReluOfPositive(),
    IndicatorTwice(),
    ExponentialOfLogarithm(),
    LogarithmOfExponential(),
    TransposeOfProduct(),
    SumOfEqualTerms(),
)
