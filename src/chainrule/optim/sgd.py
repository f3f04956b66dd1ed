"""Gradient descent: plain, with momentum, with Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chainrule.ir.value import Value
from chainrule.optim.optimizer import FRACTION, Optimizer, Parameter, Range
from chainrule.optim.rates import Rate


class SGD(Optimizer):
    """Gradient descent, V ← V − α dV for every parameter V.

    Full-batch, mini-batch or single-instance: that is a matter of how much data each step sees.

    Args:
        rate: the learning rate α; see `Optimizer` for one by layer, parameter or weight.
        weight_decay: λ_decay of the decoupled decay V ← V − α dV − α λ_decay V of weights, not
            biases. Here, and here alone, that is the same as λ/2 ‖V‖² in the objective.

    Raises:
        DataError: a number is not finite or out of range.

    Source: H. Robbins, S. Monro, A stochastic approximation method, 1951.
    """

    def __init__(self, rate: Rate = 0.1, weight_decay: float = 0.0) -> None:
        super().__init__(rate, weight_decay=weight_decay)

    def update(self, p: Parameter) -> Value:
        """Return V − α dV."""
        return p.value - p.rate * p.gradient


class Momentum(Optimizer):
    """Gradient descent with momentum, v ← μ v + dV; V ← V − α v, with the new v.

    The velocity v starts at 0. It is a sum of gradients without a rate and without a factor 1 − μ
    (as in `torch.optim.SGD`): a constant gradient is followed at the rate α / (1 − μ) in the long run,
    and a change of α acts on all of v at once. In Polyak's own form α stands inside, v ← μ v − α dV.

    Args:
        rate: the learning rate α; see `Optimizer` for one by layer, parameter or weight.
        mu: what is kept of the velocity, 0 ≤ μ < 1.
        weight_decay: λ_decay of the decoupled decay V ← V − α v − α λ_decay V of weights, not biases.
            λ/2 ‖V‖² in the objective is another thing: its gradient enters v.

    Raises:
        DataError: a number is not finite or out of range.

    Source: B. T. Polyak, Some methods of speeding up the convergence of iteration methods, 1964.
    """

    ranges: ClassVar[Mapping[str, Range]] = {"mu": FRACTION}

    def __init__(self, rate: Rate = 0.1, mu: float = 0.9, weight_decay: float = 0.0) -> None:
        super().__init__(rate, mu=mu, weight_decay=weight_decay)

    def update(self, p: Parameter) -> Value:
        """Return V − α v."""
        return p.value - p.rate * self._velocity(p)

    def _velocity(self, p: Parameter) -> Value:
        (mu,) = p.numbers("mu")
        v = p.state("v")
        return p.becomes(v, mu * v + p.gradient)


class Nesterov(Momentum):
    """Nesterov's accelerated gradient, v ← μ v + dV; V ← V − α (dV + μ v), with the new v.

    This is the form of `torch.optim.SGD(nesterov=True)`. The V it keeps is the point looked ahead to,
    where the gradient is taken; in Sutskever's notation, θ + μ v.

    Args:
        rate: the learning rate α; see `Optimizer` for one by layer, parameter or weight.
        mu: what is kept of the velocity, 0 ≤ μ < 1.
        weight_decay: λ_decay of the decoupled decay of weights, not biases: α λ_decay V is subtracted
            as well. λ/2 ‖V‖² in the objective is another thing: its gradient enters v.

    Raises:
        DataError: a number is not finite or out of range.

    Source: Y. Nesterov, A method of solving a convex programming problem with convergence rate
    O(1/k²), 1983; I. Sutskever, J. Martens, G. Dahl, G. Hinton, On the importance of initialization
    and momentum in deep learning, ICML 2013.
    """

    def update(self, p: Parameter) -> Value:
        """Return V − α (dV + μ v)."""
        (mu,) = p.numbers("mu")
        return p.value - p.rate * (p.gradient + mu * self._velocity(p))
