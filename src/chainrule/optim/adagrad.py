"""AdaGrad: each weight's rate falls with the gradients it has seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chainrule.ir.registry import lookup
from chainrule.ir.value import Value
from chainrule.optim.optimizer import NOT_NEGATIVE, POSITIVE, Optimizer, Parameter, Range
from chainrule.optim.rates import Rate


class AdaGrad(Optimizer):
    """AdaGrad, v ← v + dV²; V ← V − α dV / (√v + ε), with the new v.

    The sum of squares v only grows, so the steps of a weight with a steady gradient shrink like 1/√k.

    Args:
        rate: the learning rate α; see `Optimizer` for one by layer, parameter or weight.
        epsilon: ε > 0, outside the root, which keeps a weight without gradients from 0/0.
        start: what v starts from; above 0 it makes the first steps smaller.
        weight_decay: λ_decay of the decoupled decay of weights, not biases: α λ_decay V is subtracted
            as well. λ/2 ‖V‖² in the objective is another thing: its gradient is divided by √v too.

    Raises:
        DataError: a number is not finite or out of range.

    Source: J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods for online learning and
    stochastic optimization, JMLR 2011.
    """

    ranges: ClassVar[Mapping[str, Range]] = {"epsilon": POSITIVE}

    def __init__(
        self, rate: Rate = 0.01, epsilon: float = 1e-10, start: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        super().__init__(rate, epsilon=epsilon, weight_decay=weight_decay)
        self.start = self.checked("start", start, NOT_NEGATIVE)

    def update(self, p: Parameter) -> Value:
        """Return V − α dV / (√v + ε)."""
        (epsilon,) = p.numbers("epsilon")
        v = p.state("v", self.start)
        v = p.becomes(v, v + p.gradient**2)
        return p.value - p.rate * (p.gradient / (lookup("sqrt")(v) + epsilon))
