"""RMSProp: gradients divided by their recent root mean square."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chainrule.ir.registry import lookup
from chainrule.ir.value import Value
from chainrule.optim.optimizer import FRACTION, POSITIVE, Optimizer, Parameter, Range
from chainrule.optim.rates import Rate


class RMSProp(Optimizer):
    """RMSProp, v ← ρ v + (1 − ρ) dV²; V ← V − α dV / (√v + ε), with the new v.

    The mean v starts at 0 and is not corrected for it, so the first step is α / √(1 − ρ) long in every
    direction, about 3 α with the default.

    Args:
        rate: the learning rate α; see `Optimizer` for one by layer, parameter or weight.
        rho: what is kept of the running mean of squares, 0 ≤ ρ < 1.
        epsilon: ε > 0, outside the root, which keeps a weight without gradients from 0/0.
        weight_decay: λ_decay of the decoupled decay of weights, not biases: α λ_decay V is subtracted
            as well. λ/2 ‖V‖² in the objective is another thing: its gradient is divided by √v too.

    Raises:
        DataError: a number is not finite or out of range.

    Source: T. Tieleman, G. Hinton, Lecture 6.5, Neural networks for machine learning, 2012.
    """

    ranges: ClassVar[Mapping[str, Range]] = {"rho": FRACTION, "epsilon": POSITIVE}

    def __init__(
        self, rate: Rate = 0.001, rho: float = 0.9, epsilon: float = 1e-8, weight_decay: float = 0.0
    ) -> None:
        super().__init__(rate, rho=rho, epsilon=epsilon, weight_decay=weight_decay)

    def update(self, p: Parameter) -> Value:
        """Return V − α dV / (√v + ε)."""
        rho, epsilon = p.numbers("rho", "epsilon")
        v = p.state("v")
        v = p.becomes(v, rho * v + (1 - rho) * p.gradient**2)
        return p.value - p.rate * (p.gradient / (lookup("sqrt")(v) + epsilon))
