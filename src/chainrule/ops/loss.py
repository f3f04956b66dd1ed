"""Losses: how far a prediction is from its target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.ir.constant import Constant
from chainrule.ir.op import Domain, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size
from chainrule.ir.value import Value


class BinaryCrossEntropy(Primitive):
    """Cross-entropy of a probability a and a target y in {0, 1}, −y log a − (1 − y) log(1 − a).

    One loss per element; sum or average them yourself, `1/m sum(...)`. Infinite where the
    prediction is certain and wrong.
    """

    signature = "..., ... -> ..."
    domain = (Domain(0.0, 1.0, open=True), Domain(members=(0.0, 1.0)))

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        """Leave out a term whose factor is 0, so that a certain, right prediction costs 0."""
        hit = xp.where(y == 0, 0.0, -y * xp.log(xp.where(y == 0, 1.0, a)))
        miss = xp.where(y == 1, 0.0, -(1 - y) * xp.log(xp.where(y == 1, 1.0, 1 - a)))
        return hit + miss

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        log = lookup("log")
        return dy * ((1 - y) / (1 - a) - y / a), dy * (log(1 - a) - log(a))

    def remedy(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
        return _same_shape(names, shapes)


class SoftmaxCrossEntropy(Primitive):
    """Cross-entropy of the softmax of logits z with class numbers y, log Σₖ exp(z_ik) − z_i,yᵢ.

    One loss per example. The gradient is dz = dL ⊙ (softmax(z) − one_hot(y)). The greatest logit
    is subtracted first, so that nothing overflows.
    """

    signature = "m k, m -> m"
    operands = ("real", "index")

    def forward(self, xp: Any, z: Any, y: Any) -> Any:
        shifted = z - xp.max(z, axis=-1, keepdims=True)
        chosen = shifted[xp.arange(len(y)), y]
        return xp.log(xp.sum(xp.exp(shifted), axis=-1)) - chosen

    def vjp(self, dy: Value, loss: Value, z: Value, y: Value) -> tuple[Value, None]:
        rows, classes = z.shape
        off = lookup("softmax")(z) - lookup("one_hot")(y, size=classes)
        return dy.reshape(rows, 1) * off, None

    def index_limit(self, position: int, *shapes: Shape, **attributes: Any) -> Size | None:
        return shapes[0][1] if position == 1 else None

    def remedy(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
        (z, y), (logits, target) = names, shapes
        if len(logits) == 2 and len(target) == 1 and logits[0] == target[0]:
            return "", ""
        why = "it takes a row of logits and one class number per example"
        return why, f"{z} has the shape (m, k) and {y} the shape (m), declared as `{y} : (m) index`."


class HalfSumOfSquares(Primitive):
    """Half the sum of squared differences over all elements, ½ ‖a − y‖²; its gradient is a − y."""

    signature = "..., ... -> "

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        return 0.5 * xp.sum((a - y) ** 2)

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        return dy * (a - y), dy * (y - a)

    def remedy(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
        return _same_shape(names, shapes)


class MeanSquaredError(Primitive):
    """Mean squared difference over all n elements, 1/n Σ (a − y)²; its gradient is 2/n (a − y).

    With m examples of k outputs n = m k.
    """

    signature = "..., ... -> "

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        return xp.mean((a - y) ** 2)

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        scale = dy * (Constant.of(2) / Constant.count(a.shape))
        return scale * (a - y), scale * (y - a)

    def remedy(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
        return _same_shape(names, shapes)


def _same_shape(names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
    """Say what to do about (m) against (m, 1), which must not become (m, m)."""
    (a, y), (prediction, target) = names, shapes
    why = "prediction and target must have one shape"
    if len(prediction) == len(target) + 1:
        return why, f"reshape {y} to ({', '.join(map(str, prediction))})."
    return why, f"give {y} the shape of {a}, ({', '.join(map(str, prediction))})."
