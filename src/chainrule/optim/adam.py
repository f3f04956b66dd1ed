"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chainrule.ir.registry import lookup
from chainrule.ir.value import Value
from chainrule.optim.optimizer import (
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    Optimizer,
    Parameter,
    Range,
    step_count,
)
from chainrule.optim.rates import Rate


class Adam(Optimizer):
    """Adam, V ← V − α (u/c1) / (√(v/c2) + ε), with running means u of dV and v of dV².

    u ← ρ1 u + (1 − ρ1) dV and v ← ρ2 v + (1 − ρ2) dV² start at 0; in step k they are divided by
    c1 = 1 − ρ1ᵏ and c2 = 1 − ρ2ᵏ, which makes up for it. The first step is α long in every direction.

    Args:
        rate: the learning rate α; see `Optimizer` for one by layer, parameter or weight.
        rho1: what is kept of the running mean of gradients (β1 in the paper), 0 ≤ ρ1 < 1.
        rho2: what is kept of the running mean of their squares (β2 in the paper), 0 ≤ ρ2 < 1.
        epsilon: ε > 0, outside the root, which keeps a weight without gradients from 0/0.

    It has no weight decay: λ/2 ‖V‖² in the objective is L2 regularization, whose gradient enters u
    and v; for the decoupled kind take `AdamW`.

    Raises:
        DataError: a number is not finite or out of range.

    Source: D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1.
    """

    ranges: ClassVar[Mapping[str, Range]] = {"rho1": FRACTION, "rho2": FRACTION, "epsilon": POSITIVE}

    def __init__(
        self, rate: Rate = 0.001, rho1: float = 0.9, rho2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        super().__init__(rate, rho1=rho1, rho2=rho2, epsilon=epsilon)

    def update(self, p: Parameter) -> Value:
        """Return V − α (u/c1) / (√(v/c2) + ε)."""
        rho1, rho2, epsilon = p.numbers("rho1", "rho2", "epsilon")
        k = step_count(p.graph) + 1
        c1, c2 = p.shared("c1", 1 - rho1**k), p.shared("c2", 1 - rho2**k)
        u, v = p.state("u"), p.state("v")
        u = p.becomes(u, rho1 * u + (1 - rho1) * p.gradient)
        v = p.becomes(v, rho2 * v + (1 - rho2) * p.gradient**2)
        return p.value - p.rate * ((u / c1) / (lookup("sqrt")(v / c2) + epsilon))


class AdamW(Adam):
    """Adam with decoupled weight decay, V ← V − α (u/c1) / (√(v/c2) + ε) − α λ_decay V.

    Weights of two or more axes decay, biases do not. The decay is scaled by the learning rate, but
    not divided by √v as the gradient of λ/2 ‖V‖² in the objective would be.

    Args:
        rate: the learning rate α; see `Optimizer` for one by layer, parameter or weight.
        rho1: what is kept of the running mean of gradients (β1 in the papers), 0 ≤ ρ1 < 1.
        rho2: what is kept of the running mean of their squares (β2 in the papers), 0 ≤ ρ2 < 1.
        epsilon: ε > 0, outside the root, which keeps a weight without gradients from 0/0.
        weight_decay: λ_decay.

    Raises:
        DataError: a number is not finite or out of range.

    Source: I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2,
    with its η and α in one.
    """

    def __init__(
        self,
        rate: Rate = 0.001,
        rho1: float = 0.9,
        rho2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(rate, rho1, rho2, epsilon)
        self.weight_decay = self.checked("weight_decay", weight_decay, NOT_NEGATIVE)
