"""Activations made of pieces: relu and its leaky, exponential, bounded and learned relatives, maxout."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from chainrule.ir.composite import Composite
from chainrule.ir.op import Attribute, Domain, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value
from chainrule.ops.axes import whole
from chainrule.ops.bounds import bounded

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


class Relu(Primitive):
    """Rectified linear unit, y = max(0, x); the subgradient at 0 is 0."""

    signature = "... -> ..."
    kinks = (0.0,)
    source = "X. Glorot, A. Bordes, Y. Bengio, Deep sparse rectifier neural networks, AISTATS 2011"

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.maximum(x, 0.0)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * (x > 0),)


class LeakyRelu(Primitive):
    """Leaky rectified linear unit, y = x where x > 0, else slope x; the subgradient at 0 is the slope."""

    signature = "... -> ..."
    attributes = (Attribute("slope", "number", 0.01),)
    kinks = (0.0,)
    source = (
        "A. L. Maas, A. Y. Hannun, A. Y. Ng, Rectifier nonlinearities improve neural network acoustic models,"
        " ICML 2013"
    )

    def forward(self, xp: Any, x: Any, *, slope: float) -> Any:
        return xp.where(x > 0, x, slope * x)

    def vjp(self, dy: Value, y: Value, x: Value, *, slope: float) -> tuple[Value]:
        return (dy * lookup("where")(x > 0, 1, slope),)


class Prelu(Primitive):
    """Parametric rectified linear unit, y = x where x > 0, else a x, with a learned slope a.

    The slope is one number, or one for each element along the last axis. The subgradient at 0 is a.
    """

    signature = "..., ... -> ..."
    broadcasts = True
    kinks = (0.0,)
    source = "K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, ICCV 2015"

    def forward(self, xp: Any, x: Any, a: Any) -> Any:
        return xp.maximum(x, 0.0) + a * xp.minimum(x, 0.0)

    def vjp(self, dy: Value, y: Value, x: Value, a: Value) -> tuple[Value, Value]:
        return dy * lookup("where")(x > 0, 1, a), dy * lookup("minimum")(x, 0)


class Elu(Primitive):
    """Exponential linear unit, y = x where x > 0, else α (eˣ − 1); the subgradient at 0 is α."""

    signature = "... -> ..."
    attributes = (Attribute("alpha", "number", 1),)
    kinks = (0.0,)
    source = (
        "D.-A. Clevert, T. Unterthiner, S. Hochreiter, Fast and accurate deep network learning by exponential"
        " linear units, ICLR 2016"
    )

    def forward(self, xp: Any, x: Any, *, alpha: float) -> Any:
        return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0.0)))

    def vjp(self, dy: Value, y: Value, x: Value, *, alpha: float) -> tuple[Value]:
        return (dy * lookup("where")(x > 0, 1, y + alpha),)


class Selu(Primitive):
    """Scaled exponential linear unit, y = λ x where x > 0, else λ α (eˣ − 1).

    λ = 1.0507 and α = 1.6733 keep mean 0 and variance 1 from layer to layer. The subgradient at 0 is λ α.
    """

    signature = "... -> ..."
    kinks = (0.0,)
    source = (
        "G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, Self-normalizing neural networks, NIPS 2017"
    )

    def forward(self, xp: Any, x: Any) -> Any:
        return _SELU_SCALE * xp.where(x > 0, x, _SELU_ALPHA * xp.expm1(xp.minimum(x, 0.0)))

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * lookup("where")(x > 0, _SELU_SCALE, y + _SELU_SCALE * _SELU_ALPHA),)


class Celu(Primitive):
    """Continuously differentiable exponential linear unit, y = x where x > 0, else α (exp(x/α) − 1).

    Its derivative at 0 is 1 from both sides, for any α > 0.
    """

    signature = "... -> ..."
    attributes = (Attribute("alpha", "number", 1),)
    source = "J. T. Barron, Continuously differentiable exponential linear units, 2017"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return bounded(attributes, "alpha", Domain(0.0, open=True))

    def forward(self, xp: Any, x: Any, *, alpha: float) -> Any:
        return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0.0) / alpha))

    def vjp(self, dy: Value, y: Value, x: Value, *, alpha: float) -> tuple[Value]:
        return (dy * lookup("where")(x > 0, 1, y / alpha + 1),)


class Relu6(Primitive):
    """Rectified linear unit up to 6, y = min(max(0, x), 6); the subgradient at 0 and 6 is 0."""

    signature = "... -> ..."
    kinks = (0.0, 6.0)
    source = "A. Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010"

    def forward(self, xp: Any, x: Any) -> Any:
        return _between(xp, x, 0.0, 6.0)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * (x > 0) * (x < 6),)


class Hardtanh(Primitive):
    """Tanh in three straight pieces, y = min(max(−1, x), 1); the subgradient at −1 and 1 is 0."""

    signature = "... -> ..."
    kinks = (-1.0, 1.0)
    source = "R. Collobert, Large scale machine learning, thesis, Université Paris VI, 2004"

    def forward(self, xp: Any, x: Any) -> Any:
        return _between(xp, x, -1.0, 1.0)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * (x > -1) * (x < 1),)


class Hardsigmoid(Primitive):
    """Sigmoid in three straight pieces, y = relu6(x + 3) / 6; the subgradient at −3 and 3 is 0."""

    signature = "... -> ..."
    kinks = (-3.0, 3.0)
    source = "A. Howard et al., Searching for MobileNetV3, ICCV 2019"

    def forward(self, xp: Any, x: Any) -> Any:
        return _gate(xp, x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * (x > -3) * (x < 3) / 6,)


class Hardswish(Primitive):
    """Silu with a gate of straight pieces, y = x relu6(x + 3) / 6.

    The subgradient at −3 is 0 and at 3 it is 1.
    """

    signature = "... -> ..."
    kinks = (-3.0, 3.0)
    source = "A. Howard et al., Searching for MobileNetV3, ICCV 2019"

    def forward(self, xp: Any, x: Any) -> Any:
        """Left of −3 the gate is 0, so that x may stop there; −∞ · 0 would be NaN."""
        return xp.maximum(x, -3.0) * _gate(xp, x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        sloping = Fraction(1, 3) * x + Fraction(1, 2)
        return (dy * (x > -3) * lookup("where")(x < 3, sloping, 1),)


class Maxout(Composite):
    """Maxout, y_j = max(x_pj, …, x_pj+p−1): the greatest of each group of p neighbors on the last axis.

    An axis of k p elements becomes one of k. The gradient goes where `max` sends it.
    """

    signature = "... n -> ... k"
    attributes = (Attribute("pieces", "size", 2),)
    source = "I. J. Goodfellow et al., Maxout networks, ICML 2013"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        if whole(attributes["pieces"], "pieces") < 1:
            raise MismatchError(f"pieces is a whole number from 1, not {attributes['pieces']}")
        return attributes

    def infer(self, *shapes: Shape, pieces: int) -> Shape:
        """Divide the last axis by the number of pieces, where that goes."""
        if not shapes[0]:
            raise MismatchError("a scalar has no axis to divide into pieces")
        width = shapes[0][-1]
        if isinstance(width, str):
            why = f"the last axis has the letter {width} for its size, and only a number can be divided"
            raise MismatchError(why, f"declare a multiple of {pieces} in the place of {width}.")
        if width % pieces:
            raise MismatchError(f"the size {width} of the last axis is not a multiple of {pieces} pieces")
        return (*shapes[0][:-1], width // pieces)

    def branches(self, xp: Any, x: Any, *, pieces: int) -> Any:
        return xp.argmax(xp.reshape(x, (*x.shape[:-1], -1, pieces)), axis=-1)

    def definition(self, x: Value, *, pieces: int) -> Value:
        groups = x.reshape(*self.infer(x.shape, pieces=pieces), pieces)
        return lookup("max")(groups, axis=-1)


def _between(xp: Any, x: Any, low: float, high: float) -> Any:
    return xp.minimum(xp.maximum(x, low), high)


def _gate(xp: Any, x: Any) -> Any:
    return _between(xp, x, -3.0, 3.0) / 6.0 + 0.5
