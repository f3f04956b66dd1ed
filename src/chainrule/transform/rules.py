"""The rewriting rules: each one's docstring is its equation, read and used as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Literal

from chainrule.ir.form import Hidden
from chainrule.ir.value import Value
from chainrule.transform.pattern import Match, Pattern, read_pattern


class Rule:
    """A named equation whose left side is replaced by its right side.

    Attributes:
        why: one sentence for the reader who sees it fire.
        shapes: the letters of the equation with shapes under which it makes sense.
        given: for some letters, the expression that they must stand for, whatever name it has.
        scales: the letter that both sides are proportional to: it may stand for a multiple of what is
            given, and the result is the same multiple.
        targets: what some letters hold: rows of probabilities of sum 1, or zeros and ones. The first must
            be data of a loss that checks it for that, or class numbers as one_hot.
    """

    why: ClassVar[str]
    shapes: ClassVar[Mapping[str, str]]
    given: ClassVar[Mapping[str, str]] = {}
    scales: ClassVar[str] = ""
    targets: ClassVar[Mapping[str, Literal["distribution", "binary"]]] = {}

    @property
    def name(self) -> str:
        """The rule's name, in words."""
        return "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in type(self).__name__).strip()

    @property
    def equation(self) -> str:
        """The rule's equation."""
        return " ".join((type(self).__doc__ or "").split())

    @property
    def conditions(self) -> str:
        """What some letters of the equation must stand for, in words."""
        return ", ".join(f"{letter} = {text}" for letter, text in self.given.items())

    def fits(self, value: Value, match: Match, uses: Mapping[Value, int]) -> bool:
        """Tell whether the rule may rewrite a value that its left side matches.

        Args:
            value: the value matched.
            match: what the letters stand for.
            uses: how many values use each value of the graph.
        """
        return self.has_distributions(match)

    def has_distributions(self, match: Match) -> bool:
        """Tell whether the letters that must hold rows of sum 1 stand for what is known to."""
        named = {self.pattern.left.graph.names_of(leaf)[0]: found for leaf, found in match.bindings.items()}
        wanted = [named[letter] for letter, holds in self.targets.items() if holds == "distribution"]
        return all(v.op.name == "one_hot" or _is_checked_to_be_a_distribution(v) for v in wanted)

    @cached_property
    def pattern(self) -> Pattern:
        """Both sides as values."""
        return read_pattern(self.equation, self.shapes, self.given, self.scales)


class SigmoidMeetsBinaryCrossEntropy(Rule):
    """((1 − y) / (1 − a) − y / a) ⊙ a ⊙ (1 − a) = a − y"""

    why = "the derivative of the sigmoid, a (1 − a), cancels what the loss divides by"
    shapes: ClassVar = {"a": "(r, c)", "y": "(r, c)"}


class SigmoidCrossEntropyFromLogits(Rule):
    """binary_cross_entropy(sigmoid(z), y) = sigmoid_cross_entropy(z, y)"""

    why = "the same loss, but it does not overflow where the sigmoid rounds to 0 or 1"
    shapes: ClassVar = {"z": "(r, c)", "y": "(r, c)"}
    targets: ClassVar = {"y": "binary"}


class SoftmaxCrossEntropyFromLogits(Rule):
    """cross_entropy(softmax(z), y) = softmax_cross_entropy(z, y)"""

    why = "the same loss, but it does not overflow where a probability rounds to 0; rows of y have the sum 1"
    shapes: ClassVar = {"z": "(r, c)", "y": "(r, c)"}
    targets: ClassVar = {"y": "distribution"}


class SoftmaxCrossEntropyOfClassNumbers(Rule):
    """cross_entropy(softmax(z), y) = softmax_cross_entropy(z, y)"""

    why = "the same loss, but it does not overflow where a probability rounds to 0"
    shapes: ClassVar = {"z": "(r, c)", "y": "(r) index"}


class SoftmaxMeetsCrossEntropy(Rule):
    """a ⊙ (t − sum(t ⊙ a, axis=1, keepdims=true)) = y − a"""

    why = "with t = y / a the sum is that of a row of y, 1, and a cancels what the loss divides by"
    shapes: ClassVar = {"a": "(r, c)", "t": "(r, c)", "y": "(r, c)"}
    given: ClassVar = {"t": "y / a"}
    scales = "t"
    targets: ClassVar = {"y": "distribution"}

    def fits(self, value: Value, match: Match, uses: Mapping[Value, int]) -> bool:
        """What multiplies y / a must not vary along the row that is summed."""
        return self.has_distributions(match) and all(_is_one_number_a_row(factor) for factor in match.rest)


class SoftmaxMeetsLogarithm(SoftmaxMeetsCrossEntropy):
    """a ⊙ (t − sum(t ⊙ a, axis=1, keepdims=true)) = y − a ⊙ sum(y, axis=1, keepdims=true)"""

    why = "with t = y / a the sum is that of a row of y, and a cancels what the logarithm divides by"
    targets: ClassVar = {}


class BatchNormalizationBackward(Rule):
    """1/r p + 2/r q ⊙ (x − u) + g / d = (g − mean(g, axis=0) − h ⊙ mean(g ⊙ h, axis=0)) / d"""

    why = "three paths lead back to x, by its mean u, by its deviation d, and straight on to h = (x − u) / d"
    shapes: ClassVar = {
        "x": "(r, c)", "g": "(r, c)", "h": "(r, c)",
        "u": "(c)", "d": "(c)", "p": "(c)", "q": "(c)", "e": "(c)",
    }  # fmt: skip
    given: ClassVar = {
        "p": "−sum(g / d, axis=0)",
        "q": "e / (2 d)",
        "e": "−sum(g ⊙ h / d, axis=0)",
        "h": "(x − u) / d",
        "u": "mean(x, axis=0)",
    }


class LayerNormalizationBackward(Rule):
    """
    1/c p + 2/c q ⊙ (x − u) + g / d
    = (g − mean(g, axis=1, keepdims=true) − h ⊙ mean(g ⊙ h, axis=1, keepdims=true)) / d
    """

    why = "three paths lead back to x, by its mean u, by its deviation d, and straight on to h = (x − u) / d"
    shapes: ClassVar = {
        "x": "(r, c)", "g": "(r, c)", "h": "(r, c)",
        "u": "(r, 1)", "d": "(r, 1)", "p": "(r, 1)", "q": "(r, 1)", "e": "(r, 1)",
    }  # fmt: skip
    given: ClassVar = {
        "p": "−sum(g / d, axis=1, keepdims=true)",
        "q": "e / (2 d)",
        "e": "−sum(g ⊙ h / d, axis=1, keepdims=true)",
        "h": "(x − u) / d",
        "u": "mean(x, axis=1, keepdims=true)",
    }


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

    def fits(self, value: Value, match: Match, uses: Mapping[Value, int]) -> bool:
        """A product that has a name, or is used elsewhere, is computed anyway."""
        (product,) = value.inputs
        return uses[product] == 1 and not product.graph.is_named(product)


class SumOfEqualTerms(Rule):
    """x + x = 2 x"""

    why = "two equal paths count twice"
    shapes: ClassVar = {"x": "(r, c)"}


def _is_checked_to_be_a_distribution(value: Value) -> bool:
    """Tell whether a value is data whose rows a loss of the graph wants to have the sum 1."""
    if value.attributes.get("role") != "data":
        return False
    return any(
        x is value and user.op.operand_domain(place).of_sum_1
        for user in value.graph.live()
        for place, x in enumerate(user.inputs)
    )


def _is_one_number_a_row(factor: Value) -> bool:
    """Tell whether a factor is the same along the last axis."""
    repeated = factor.inputs[0] if isinstance(factor.op.form, Hidden) else None
    return factor.scalar is not None or (repeated is not None and repeated.shape[-1:] == (1,))


RULES: tuple[Rule, ...] = (
    SigmoidMeetsBinaryCrossEntropy(),
    SigmoidCrossEntropyFromLogits(),
    SoftmaxMeetsCrossEntropy(),
    SoftmaxMeetsLogarithm(),
    SoftmaxCrossEntropyFromLogits(),
    SoftmaxCrossEntropyOfClassNumbers(),
    BatchNormalizationBackward(),
    LayerNormalizationBackward(),
    ReluOfPositive(),
    IndicatorTwice(),
    ExponentialOfLogarithm(),
    LogarithmOfExponential(),
    TransposeOfProduct(),
    SumOfEqualTerms(),
)
