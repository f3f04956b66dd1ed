"""Losses of numbers: how far a prediction is from its target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.ir.constant import Constant
from chainrule.ir.op import REALS, Attribute, Domain, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape
from chainrule.ir.value import Value
from chainrule.ops.bounds import bounded


class PairLoss(Primitive, abstract=True):
    """A loss of a prediction and a target of one shape; sum or average them yourself, `1/m sum(...)`."""

    signature = "..., ... -> ..."

    def remedy(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
        """Say what to do about (m) against (m, 1), which must not become (m, m)."""
        (a, y), (prediction, target) = names, shapes
        if prediction == target:
            return "", ""
        why, shape = "prediction and target must have one shape", ", ".join(map(str, prediction))
        if len(prediction) == len(target) + 1:
            return why, f"reshape {y} to ({shape})."
        return why, f"give {y} the shape of {a}, ({shape})."


class AbsoluteError(PairLoss):
    """Absolute difference, |a − y|; the subgradient where a = y is 0."""

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        return xp.abs(a - y)

    def branches(self, xp: Any, a: Any, y: Any) -> Any:
        return a > y

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        return _toward(dy * lookup("sign")(a - y))


class SquaredError(PairLoss):
    """Squared difference, (a − y)²; its gradient is 2 (a − y)."""

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        return (a - y) ** 2

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        return 2 * dy * (a - y), 2 * dy * (y - a)


class Huber(PairLoss):
    """Huber's loss of r = a − y, ½ r² where |r| ≤ δ, else δ (|r| − δ/2).

    Its gradient is r, limited to −δ … δ.
    """

    attributes = (Attribute("delta", "number", 1),)
    source = "P. J. Huber, Robust estimation of a location parameter, 1964"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return bounded(attributes, "delta", Domain(0.0, open=True))

    def forward(self, xp: Any, a: Any, y: Any, *, delta: float) -> Any:
        distance = xp.abs(a - y)
        near = xp.minimum(distance, delta)
        return near * (distance - 0.5 * near)

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value, *, delta: float) -> tuple[Value, Value]:
        return _toward(dy * lookup("clip")(a - y, low=-delta, high=delta))


class LogCosh(PairLoss):
    """Logarithm of the hyperbolic cosine, log cosh(a − y); its gradient is tanh(a − y).

    Like ½ r² near 0 and |r| − log 2 far away, computed so that neither overflows nor cancels.
    """

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        distance = xp.abs(a - y)
        near = 0.5 * xp.log1p(xp.sinh(xp.minimum(distance, 1.0)) ** 2)
        return xp.where(distance < 1.0, near, distance + xp.log1p(xp.exp(-2.0 * distance)) - math.log(2.0))

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        return _toward(dy * lookup("tanh")(a - y))


class QuantileError(PairLoss):
    """Pinball loss, max(q (y − a), (1 − q) (a − y)), least where a is the q-th quantile of y.

    Its gradient is 1 − q where a > y, else −q.
    """

    attributes = (Attribute("quantile", "number", 0.5),)
    source = "R. Koenker, G. Bassett, Regression quantiles, Econometrica 46, 1978"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return bounded(attributes, "quantile", Domain(0.0, 1.0, open=True))

    def forward(self, xp: Any, a: Any, y: Any, *, quantile: float) -> Any:
        return xp.maximum(quantile * (y - a), (1.0 - quantile) * (a - y))

    def branches(self, xp: Any, a: Any, y: Any, *, quantile: float) -> Any:
        return a > y

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value, *, quantile: float) -> tuple[Value, Value]:
        return _toward(dy * ((a > y) - quantile))


class Poisson(PairLoss):
    """Poisson loss of a rate a > 0 and a count y, a − y log a; its gradient is 1 − y / a.

    It leaves out log y!, which does not depend on the prediction.
    """

    domain = (Domain(0.0, open=True), Domain(0.0))

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        return a - weighted(xp, y, xp.log(a))

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        return dy * (1 - y / a), -(dy * lookup("log")(a))


class Hinge(PairLoss):
    """Hinge loss of a score a and a target y in {−1, 1}, max(0, 1 − a y).

    The subgradient where a y = 1 is 0.
    """

    domain = (REALS, Domain(members=(-1.0, 1.0)))
    source = "C. Cortes, V. Vapnik, Support-vector networks, 1995"

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        return xp.maximum(1.0 - a * y, 0.0)

    def branches(self, xp: Any, a: Any, y: Any) -> Any:
        return a * y > 1.0

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        outside = dy * (a * y < 1)
        return -(outside * y), -(outside * a)


class CosineDistance(PairLoss):
    """Distance of directions along the last axis, 1 − a·y / (‖a‖ ‖y‖).

    One loss per example; NaN for a row of zeros. With c = 1 − loss the gradient is
    da = dL ⊙ (c a/‖a‖ − y/‖y‖) / ‖a‖, and the same for y.
    """

    signature = "... k, ... k -> ..."

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        return 1.0 - xp.sum(_direction(xp, a) * _direction(xp, y), axis=-1)

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        (length, direction), (other_length, other) = _polar(a), _polar(y)
        cosine, scale = 1 - column(loss), column(dy)
        return (
            scale * (cosine * direction - other) / length,
            scale * (cosine * other - direction) / other_length,
        )


class HalfSumOfSquares(PairLoss):
    """Half the sum of squared differences over all elements, ½ ‖a − y‖²; its gradient is a − y."""

    signature = "..., ... -> "

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        return 0.5 * xp.sum((a - y) ** 2)

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        return dy * (a - y), dy * (y - a)


class MeanSquaredError(PairLoss):
    """Mean squared difference over all n elements, 1/n Σ (a − y)²; its gradient is 2/n (a − y).

    With m examples of k outputs n = m k.
    """

    signature = "..., ... -> "

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        return xp.mean((a - y) ** 2)

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        scale = dy * (Constant.of(2) / Constant.count(a.shape))
        return scale * (a - y), scale * (y - a)


def column(x: Value) -> Value:
    """Return one number an example with an axis of size 1 after it, to go with the rows of examples."""
    return x.reshape(*x.shape, 1) if x.ndim else x


def weighted(xp: Any, weight: Any, x: Any) -> Any:
    """Return weight · x, and 0 where the weight is 0, even if x is infinite there."""
    return xp.where(weight == 0, 0.0, weight * xp.where(weight == 0, 0.0, x))


def _toward(gradient: Value) -> tuple[Value, Value]:
    """Return the gradients of a and of y for a loss of a − y."""
    return gradient, -gradient


def _polar(x: Value) -> tuple[Value, Value]:
    """Return the length of each row and its direction."""
    length = lookup("sqrt")((x**2).sum(-1, keepdims=True))
    return length, x / length


def _direction(xp: Any, x: Any) -> Any:
    """Return rows of length 1; each is scaled by its greatest element first, so that no square overflows."""
    scaled = x / xp.max(xp.abs(x), axis=-1, keepdims=True)
    return scaled / xp.sqrt(xp.sum(scaled * scaled, axis=-1, keepdims=True))
