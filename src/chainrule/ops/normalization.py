"""Normalization: batch_norm over the examples, layer_norm and rms_norm over the units of each example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from chainrule.ir.composite import Composite
from chainrule.ir.op import REALS, Attribute, Domain
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value

_RATE = 0.1
_EPSILON = (Attribute("epsilon", "number", 1e-5),)


class Normalization(Composite, abstract=True):
    """A scaling to mean 0 and variance 1, or to mean square 1, with learned γ and β after it."""

    attributes = _EPSILON
    opens = True

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        if attributes["epsilon"] <= 0:
            raise MismatchError(f"epsilon is positive, not {attributes['epsilon']}")
        return attributes


def standardized(x: Value, mu: Value, var: Value, epsilon: float) -> dict[str, Value]:
    """Return mean, variance, deviation √(σ² + ε) and x̂ by name."""
    std = lookup("sqrt")(var + epsilon)
    return {"mu": mu, "var": var, "std": std, "Xhat": (x - mu) / std}


class BatchNorm(Normalization):
    """Batch normalization, y = γ ⊙ x̂ + β with x̂ = (x − μ) / √(σ² + ε).

    μ and σ² are each column's over the batch, with the divisor m. The gradient has three terms,
    dx = (dx̂ − mean(dx̂) − x̂ ⊙ mean(dx̂ ⊙ x̂)) / √(σ² + ε), means over the batch, with dx̂ = dy ⊙ γ.
    The last two operands, running mean and variance, stand in for μ and σ² in a prediction.
    A batch needs at least two examples.
    """

    signature = "m k, k, k, k, k -> m k"
    domain = (REALS, REALS, REALS, REALS, Domain(0.0))
    starts: ClassVar = {1: 1.0, 4: 1.0}
    source = "S. Ioffe, C. Szegedy, Batch normalization, ICML 2015"

    def definition(
        self,
        x: Value,
        gamma: Value,
        beta: Value,
        running_mean: Value,
        running_variance: Value,
        *,
        epsilon: float,
    ) -> Mapping[str, Value]:
        """Return μ, σ², √(σ² + ε), x̂ and N, over the batch."""
        parts = standardized(x, x.mean(0), lookup("var")(x, axis=0), epsilon)
        return {**parts, "N": gamma * parts["Xhat"] + beta}

    def predict(
        self,
        x: Value,
        gamma: Value,
        beta: Value,
        running_mean: Value,
        running_variance: Value,
        *,
        epsilon: float,
    ) -> Value:
        """Let the running statistics stand in for those of the batch."""
        return gamma * standardized(x, running_mean, running_variance, epsilon)["Xhat"] + beta

    def vjp(self, *arguments: Any, **attributes: Any) -> tuple[Value | None, ...]:
        dy, _, x, gamma, *others = arguments
        parts = self.parts([x, gamma, *others], attributes)
        standard, scale = parts["Xhat"], parts["std"]
        inner = dy * gamma
        dx = (inner - inner.mean(0) - standard * (inner * standard).mean(0)) / scale
        return dx, (dy * standard).sum(0), dy.sum(0), None, None

    def state_updates(self, *inputs: Any, **attributes: Any) -> Mapping[Value, Value]:
        x, _, _, running_mean, running_variance = inputs
        batch = {running_mean: x.mean(0), running_variance: lookup("var")(x, axis=0)}
        return {state: (1 - _RATE) * state + _RATE * now for state, now in batch.items()}

    def smallest_batch(self, examples: Size, *shapes: Any, **attributes: Any) -> int:
        return 2 if shapes[0][0] == examples else 1


class LayerNorm(Normalization):
    """Layer normalization, y = γ ⊙ x̂ + β with x̂ = (x − μ) / √(σ² + ε).

    μ and σ² are each example's over its units. The gradient has the three terms of batch normalization,
    with means over the units. Training and prediction are the same.
    """

    signature = "... k, k, k -> ... k"
    starts: ClassVar = {1: 1.0}
    source = "J. L. Ba, J. R. Kiros, G. E. Hinton, Layer normalization, 2016"

    def definition(self, x: Value, gamma: Value, beta: Value, *, epsilon: float) -> Mapping[str, Value]:
        mu, var = x.mean(-1, keepdims=True), lookup("var")(x, axis=-1, keepdims=True)
        parts = standardized(x, mu, var, epsilon)
        return {**parts, "N": gamma * parts["Xhat"] + beta}

    def vjp(self, *arguments: Any, **attributes: Any) -> tuple[Value, ...]:
        """Return the three terms of dx, with means over the units, and the gradients of γ and β."""
        dy, _, x, gamma, beta = arguments
        parts = self.parts([x, gamma, beta], attributes)
        standard, scale = parts["Xhat"], parts["std"]
        inner = dy * gamma
        centered = inner - inner.mean(-1, keepdims=True)
        dx = (centered - standard * (inner * standard).mean(-1, keepdims=True)) / scale
        leading = tuple(range(x.ndim - 1))
        return dx, (dy * standard).sum(leading), dy.sum(leading)


class RmsNorm(Normalization):
    """Root-mean-square normalization, y = γ ⊙ x / √(mean(x²) + ε).

    The mean is each example's over its units. Training and prediction are the same.
    """

    signature = "... k, k -> ... k"
    starts: ClassVar = {1: 1.0}
    source = "B. Zhang, R. Sennrich, Root mean square layer normalization, NeurIPS 2019"

    def definition(self, x: Value, gamma: Value, *, epsilon: float) -> Mapping[str, Value]:
        rms = lookup("sqrt")((x**2).mean(-1, keepdims=True) + epsilon)
        return {"rms": rms, "Xhat": x / rms, "N": gamma * (x / rms)}
