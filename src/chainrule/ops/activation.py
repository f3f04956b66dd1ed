"""Activations: identity, relu, sigmoid, tanh, softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.ir.form import Call
from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.shape import Shape
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value


class Identity(Primitive):
    """The activation that changes nothing, y = x."""

    signature = "... -> ..."

    def forward(self, xp: Any, x: Any) -> Any:
        return x

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy,)


class Relu(Primitive):
    """Rectified linear unit, y = max(0, x); the subgradient at 0 is 0."""

    signature = "... -> ..."
    kinks = (0.0,)
    source = "X. Glorot, A. Bordes, Y. Bengio, Deep sparse rectifier neural networks, AISTATS 2011"

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.maximum(x, 0.0)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * (x > 0),)


class Sigmoid(Primitive):
    """Logistic function, y = 1 / (1 + e⁻ˣ), with derivative y (1 − y).

    Computed from e^(−|x|), which never overflows.
    """

    signature = "... -> ..."
    form = Call(r"\sigma")

    def forward(self, xp: Any, x: Any) -> Any:
        small = xp.exp(-xp.abs(x))
        return xp.where(x >= 0, 1.0, small) / (1.0 + small)

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


class Softmax(Primitive):
    """Softmax along an axis, y_j = exp(x_j) / Σₖ exp(x_k).

    Its derivative is not element-wise: dx = y ⊙ (dy − Σ (dy ⊙ y)), the sum along the same axis.
    The greatest x is subtracted first, so that nothing overflows.
    """

    signature = "... -> ..."
    attributes = (Attribute("axis", "axis", -1),)
    source = "J. S. Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        """Write the last axis as −1, any other counted from the front."""
        axis, rank = attributes["axis"], len(shapes[0])
        if not -rank <= axis < rank:
            raise MismatchError(f"axis {axis} is none of the {rank} there are")
        return {"axis": -1 if axis % rank == rank - 1 else axis % rank}

    def infer(self, *shapes: Shape, axis: int) -> Shape:
        return shapes[0]

    def forward(self, xp: Any, x: Any, *, axis: int) -> Any:
        powers = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
        return powers / xp.sum(powers, axis=axis, keepdims=True)

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: int) -> tuple[Value]:
        return (y * (dy - (dy * y).sum(axis, keepdims=True)),)
