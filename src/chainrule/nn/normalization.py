"""Normalization as layers."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.errors import DataError, ShapeError
from chainrule.ir.registry import lookup
from chainrule.ir.shape import show_shape
from chainrule.ir.value import Value
from chainrule.nn.layer import Layer, units_of
from chainrule.nn.scope import Scope


@dataclass(frozen=True, eq=False)
class BatchNorm(Layer):
    """Batch normalization, N = γ ⊙ (A − μ) / √(σ² + ε) + β.

    A and N are (m, h), γ and β (h); μ and σ² are mean and variance of each unit over the batch, with the
    divisor m. A prediction uses the running mean and variance instead, which each step moves toward the
    batch's own: mean ← (1 − rate) mean + rate μ, and so the variance. Training needs at least two
    examples in a batch.

    Args:
        rate: how fast the running statistics follow.
        epsilon: ε.

    Source: S. Ioffe, C. Szegedy, Batch normalization, ICML 2015.
    """

    rate: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise DataError(f"the rate of BatchNorm lies in (0, 1], not {self.rate!r}.")
        _check_epsilon(self.epsilon, "BatchNorm")

    def __repr__(self) -> str:
        return "BatchNorm()"

    def build(self, scope: Scope, x: Value) -> Value:
        """Name N, and move the running statistics with each step."""
        shape = units_of(x, "BatchNorm")
        if len(shape) != 2:
            raise ShapeError(
                f"BatchNorm takes examples in rows, (m, h), not {show_shape(shape)}.",
                fix="put Flatten() before it.",
            )
        units = (shape[-1],)
        gamma, beta = scope.parameter("gamma", units), scope.parameter("beta", units)
        running = scope.state("mean", units), scope.state("variance", units)
        graph, keep = scope.graph, 1 - self.rate
        batch = x.mean(0), lookup("var")(x, axis=0)
        for state, statistic in zip(running, batch, strict=True):
            graph.update(state, keep * state + self.rate * statistic)
        return scope.name("N", lookup("batch_norm")(x, gamma, beta, *running, epsilon=self.epsilon))


@dataclass(frozen=True, eq=False)
class LayerNorm(Layer):
    """Layer normalization, N = γ ⊙ (A − μ) / √(σ² + ε) + β.

    A and N are (m, h), γ and β (h); μ and σ² are each example's over its units. Training and
    prediction are the same.

    Args:
        epsilon: ε.

    Source: J. L. Ba, J. R. Kiros, G. E. Hinton, Layer normalization, 2016.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        _check_epsilon(self.epsilon, "LayerNorm")

    def __repr__(self) -> str:
        return "LayerNorm()"

    def build(self, scope: Scope, x: Value) -> Value:
        units = units_of(x, "LayerNorm")[-1:]
        gamma, beta = scope.parameter("gamma", units), scope.parameter("beta", units)
        return scope.name("N", lookup("layer_norm")(x, gamma, beta, epsilon=self.epsilon))


@dataclass(frozen=True, eq=False)
class RmsNorm(Layer):
    """Root-mean-square normalization, N = γ ⊙ A / √(mean(A²) + ε), the mean over the units of each example.

    A and N are (m, h), γ is (h).

    Args:
        epsilon: ε.

    Source: B. Zhang, R. Sennrich, Root mean square layer normalization, NeurIPS 2019.
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        _check_epsilon(self.epsilon, "RmsNorm")

    def __repr__(self) -> str:
        return "RmsNorm()"

    def build(self, scope: Scope, x: Value) -> Value:
        gamma = scope.parameter("gamma", units_of(x, "RmsNorm")[-1:])
        return scope.name("N", lookup("rms_norm")(x, gamma, epsilon=self.epsilon))


def _check_epsilon(epsilon: float, layer: str) -> None:
    if not epsilon > 0:
        raise DataError(f"epsilon of {layer} is positive, not {epsilon!r}.")
