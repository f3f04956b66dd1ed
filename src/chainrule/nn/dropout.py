"""Layers that are random in training and change nothing in a prediction."""

from __future__ import annotations

from chainrule.errors import DataError
from chainrule.ir.registry import lookup
from chainrule.ir.value import Value
from chainrule.nn.layer import Layer, units_of
from chainrule.nn.scope import Scope
from chainrule.ops.random import draw


class Randomizing(Layer):
    """A layer that draws a random array like its input.

    Args:
        amount: the op's number: a probability, or a standard deviation.
    """

    op: str
    drawn: str
    stems: tuple[str, str]
    least, below = 0.0, 1.0

    def __init__(self, amount: float) -> None:
        number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not number or not self.least <= amount < self.below:
            ends = f"from {self.least:g}, below {self.below:g}"
            raise DataError(f"{type(self).__name__} needs a number {ends}, not {amount!r}.")
        self.amount = amount

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.amount:g})"

    def build(self, scope: Scope, x: Value) -> Value:
        units_of(x, type(self).__name__)
        settings = {"p": self.amount} if self.drawn == "dropout_mask" else {}
        mask = scope.name(self.stems[0], draw(self.drawn, x, **settings))
        return scope.name(self.stems[1], lookup(self.op)(x, mask, self.amount))


class Dropout(Randomizing):
    """Dropout, D = A ⊙ M / (1 − p): each element is zero with probability p; a prediction leaves A as it is.

    A, M and D are (m, h); M is a random mask of zeros and ones, new in each step.

    Args:
        amount: the probability p of dropping an element, in [0, 1).

    Source: N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014.
    """

    op, drawn, stems = "dropout", "dropout_mask", ("M", "D")


class AlphaDropout(Randomizing):
    """Dropout for selu, which keeps the mean 0 and the variance 1 of its input.

    Args:
        amount: the probability p of dropping an element, in [0, 1).

    Source: G. Klambauer et al., Self-normalizing neural networks, NIPS 2017.
    """

    op, drawn, stems = "alpha_dropout", "dropout_mask", ("M", "D")


class GaussianNoise(Randomizing):
    """Additive noise, D = A + σ G, with G standard normal, new in each step.

    Args:
        amount: the standard deviation σ.
    """

    op, drawn, stems = "gaussian_noise", "normal_noise", ("G", "D")
    below = float("inf")
