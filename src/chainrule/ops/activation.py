"""Smooth activations: identity, sigmoid, tanh and softmax, and those that weigh x by a gate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.ir.form import Call
from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape
from chainrule.ir.value import Value
from chainrule.ops.axes import last_or_front_axis
from chainrule.ops.error_function import erfc
from chainrule.ops.factors import split

_GATE_IS_SHUT = -1000.0
_CUBIC = 0.044715


class Identity(Primitive):
    """The activation that changes nothing, y = x."""

    signature = "... -> ..."

    def forward(self, xp: Any, x: Any) -> Any:
        return x

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy,)


class Sigmoid(Primitive):
    """Logistic function, y = 1 / (1 + e⁻ˣ), with derivative y (1 − y).

    Computed from e^(−|x|), which never overflows.
    """

    signature = "... -> ..."
    form = Call(r"\sigma")

    def forward(self, xp: Any, x: Any) -> Any:
        return logistic(xp, x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * y * (1 - y),)


class Tanh(Primitive):
    """Hyperbolic tangent, y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), with derivative 1 − y²."""

    signature = "... -> ..."
    form = Call(r"\tanh")

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.tanh(x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * (1 - y**2),)


class Softplus(Primitive):
    """Softplus, y = log(1 + eˣ), a smooth relu; its derivative is sigmoid(x).

    Computed from e^(−|x|), which never overflows.
    """

    signature = "... -> ..."
    source = "C. Dugas et al., Incorporating second-order functional knowledge, NIPS 2000"

    def forward(self, xp: Any, x: Any) -> Any:
        return softplus(xp, x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * lookup("sigmoid")(x),)


class Softsign(Primitive):
    """Softsign, y = x / (1 + |x|), with derivative 1 / (1 + |x|)²."""

    signature = "... -> ..."
    source = "D. L. Elliott, A better activation function for artificial neural networks, 1993"

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.where(xp.isinf(x), xp.sign(x), x / (1.0 + xp.abs(x)))

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy / (1 + abs(x)) ** 2,)


class Silu(Primitive):
    """Sigmoid linear unit, also called swish, y = x σ(x), with derivative σ(x) + y (1 − σ(x))."""

    signature = "... -> ..."
    source = (
        "S. Elfwing, E. Uchibe, K. Doya, Sigmoid-weighted linear units for neural network function"
        " approximation in reinforcement learning, 2018"
    )

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.maximum(x, _GATE_IS_SHUT) * logistic(xp, x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        gate = lookup("sigmoid")(x)
        return (dy * (gate + y * (1 - gate)),)


class Mish(Primitive):
    """Mish, y = x t with t = tanh(softplus(x)) and derivative t + x (1 − t²) σ(x)."""

    signature = "... -> ..."
    source = "D. Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020"

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.maximum(x, _GATE_IS_SHUT) * xp.tanh(softplus(xp, x))

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        gate = lookup("tanh")(lookup("softplus")(x))
        return (dy * (gate + x * (1 - gate**2) * lookup("sigmoid")(x)),)


class Gelu(Primitive):
    """Gaussian error linear unit, y = x Φ(x) with the normal distribution's Φ(x) = ½ (1 + erf(x/√2)).

    Its derivative is Φ(x) + x φ(x), where φ(x) = exp(−x²/2) / √(2π). Φ(x) is computed as ½ erfc(−x/√2),
    which does not cancel left of 0.
    """

    signature = "... -> ..."
    source = "D. Hendrycks, K. Gimpel, Gaussian error linear units, 2016"

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.maximum(x, _GATE_IS_SHUT) * (0.5 * erfc(xp, -math.sqrt(0.5) * x))

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        distribution = lookup("erfc")(-math.sqrt(0.5) * x) / 2
        density = 1 / math.sqrt(2 * math.pi) * lookup("exp")(-(x**2) / 2)
        return (dy * (distribution + x * density),)


class GeluTanh(Primitive):
    """Gelu by the hyperbolic tangent, y = ½ x (1 + t), t = tanh(u), u = √(2/π) (x + 0.044715 x³).

    Its derivative is ½ (1 + t) + ½ x (1 − t²) u′, where u′ = √(2/π) (1 + 0.134145 x²). It differs from gelu
    by less than 0.0005.
    """

    signature = "... -> ..."
    source = "D. Hendrycks, K. Gimpel, Gaussian error linear units, 2016"

    def forward(self, xp: Any, x: Any) -> Any:
        """As ½ (1 + tanh u) = σ(2u), the tail left of 0 does not cancel."""
        inner = math.sqrt(2 / math.pi) * (x + _CUBIC * x**3)
        return xp.maximum(x, _GATE_IS_SHUT) * logistic(xp, 2.0 * inner)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        scale = math.sqrt(2 / math.pi)
        gate = lookup("tanh")(scale * (x + _CUBIC * x**3))
        slope = scale / 2 * (1 + 3 * _CUBIC * x**2)
        return (dy * ((1 + gate) / 2 + x * (1 - gate**2) * slope),)


class AlongAxis(Primitive, abstract=True):
    """An activation that combines the elements along one axis."""

    signature = "... -> ..."
    attributes = (Attribute("axis", "axis", -1),)

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        """Write the last axis as −1, any other counted from the front."""
        return {"axis": last_or_front_axis(attributes["axis"], len(shapes[0]))}


class Softmax(AlongAxis):
    """Softmax along an axis, y_j = exp(x_j) / Σₖ exp(x_k).

    Its derivative is not element-wise: dx = y ⊙ (dy − Σ (dy ⊙ y)), the sum along the same axis.
    The greatest x is subtracted first, so that nothing overflows.
    """

    source = "J. S. Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990"

    def forward(self, xp: Any, x: Any, *, axis: int) -> Any:
        powers = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
        return powers / xp.sum(powers, axis=axis, keepdims=True)

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: int) -> tuple[Value]:
        scalar, rest = split(dy)
        t = dy if scalar is None or rest is None else rest
        dx = y * (t - (t * y).sum(axis, keepdims=True))
        return (dx if t is dy or scalar is None else scalar * dx,)


class LogSoftmax(AlongAxis):
    """Logarithm of the softmax along an axis, y_j = x_j − log Σₖ exp(x_k).

    Its derivative is dx = dy − softmax(x) ⊙ Σ dy, the sum along the same axis. The greatest x is
    subtracted first, so that nothing overflows.
    """

    source = "J. S. Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990"

    def forward(self, xp: Any, x: Any, *, axis: int) -> Any:
        shifted = x - xp.max(x, axis=axis, keepdims=True)
        return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: int) -> tuple[Value]:
        return (dy - lookup("softmax")(x, axis=axis) * dy.sum(axis, keepdims=True),)


def logistic(xp: Any, x: Any) -> Any:
    """Return 1 / (1 + e⁻ˣ)."""
    small = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1.0, small) / (1.0 + small)


def softplus(xp: Any, x: Any) -> Any:
    """Return log(1 + eˣ)."""
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))
