"""Losses of probabilities: cross-entropies, from probabilities and from logits, focal loss, divergence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.ir.constant import Constant
from chainrule.ir.op import REALS, Attribute, Domain, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Kind, Shape, Size
from chainrule.ir.value import Value
from chainrule.ops.activation import logistic, softplus
from chainrule.ops.bounds import bounded
from chainrule.ops.loss import PairLoss, column, weighted

_PROBABILITY = Domain(0.0, 1.0)
_DISTRIBUTION = Domain(0.0, 1.0, of_sum_1=True)


class BinaryCrossEntropy(PairLoss):
    """Cross-entropy of a probability a and a target y in {0, 1}, −y log a − (1 − y) log(1 − a).

    One loss per element; sum or average them yourself, `1/m sum(...)`. Infinite where the
    prediction is certain and wrong.
    """

    domain = (Domain(0.0, 1.0, open=True), Domain(members=(0.0, 1.0)))

    def forward(self, xp: Any, a: Any, y: Any) -> Any:
        """Leave out a term whose factor is 0, so that a certain, right prediction costs 0."""
        hit = xp.where(y == 0, 0.0, -y * xp.log(xp.where(y == 0, 1.0, a)))
        miss = xp.where(y == 1, 0.0, -(1 - y) * xp.log(xp.where(y == 1, 1.0, 1 - a)))
        return hit + miss

    def vjp(self, dy: Value, loss: Value, a: Value, y: Value) -> tuple[Value, Value]:
        log = lookup("log")
        return dy * ((1 - y) / (1 - a) - y / a), dy * (log(1 - a) - log(a))


class SigmoidCrossEntropy(PairLoss):
    """Cross-entropy of sigmoid(z) and a target y in [0, 1], log(1 + eᶻ) − y z.

    One loss per element. The gradient is dz = dL ⊙ (sigmoid(z) − y). Computed from e^(−|z|), which never
    overflows.
    """

    domain = (REALS, _PROBABILITY)

    def forward(self, xp: Any, z: Any, y: Any) -> Any:
        return xp.maximum(z, 0.0) - z * y + xp.log1p(xp.exp(-xp.abs(z)))

    def vjp(self, dy: Value, loss: Value, z: Value, y: Value) -> tuple[Value, Value]:
        return dy * (lookup("sigmoid")(z) - y), -(dy * z)


class Focal(PairLoss):
    """Focal loss of a logit z and a target y in {0, 1}, −(1 − p)^γ log p, p the probability of y.

    One loss per element. With t = (1 − 2 y) z and q = sigmoid(t) = 1 − p it is q^γ softplus(t), which
    neither overflows nor cancels; its gradient is (1 − 2 y) q^γ (q + γ p softplus(t)). With γ = 0 it is
    the cross-entropy.
    """

    domain = (REALS, Domain(members=(0.0, 1.0)))
    attributes = (Attribute("gamma", "number", 2),)
    source = (
        "T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, Focal loss for dense object detection, ICCV 2017"
    )

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return bounded(attributes, "gamma", Domain(0.0))

    def forward(self, xp: Any, z: Any, y: Any, *, gamma: float) -> Any:
        against = (1.0 - 2.0 * y) * z
        return logistic(xp, against) ** gamma * softplus(xp, against)

    def vjp(self, dy: Value, loss: Value, z: Value, y: Value, *, gamma: float) -> tuple[Value, Value]:
        against = (1 - 2 * y) * z
        wrong = lookup("sigmoid")(against)
        slope = wrong**gamma * (wrong + gamma * (1 - wrong) * lookup("softplus")(against))
        return dy * (1 - 2 * y) * slope, -2 * dy * z * slope


class ClassLoss(Primitive, abstract=True):
    """A loss of k numbers an example and its class: a class number, or a row of probabilities."""

    signature = "... k, ... -> ... | ... k, ... k -> ..."

    def operand_kind(self, position: int, *shapes: Shape) -> Kind:
        by_number = len(shapes) < 2 or len(shapes[1]) < len(shapes[0])
        return "index" if position == 1 and by_number else "real"

    def index_limit(self, position: int, *shapes: Shape, **attributes: Any) -> Size | None:
        by_number = self.operand_kind(position, *shapes) == "index"
        return shapes[0][-1] if by_number and shapes[0] else None

    def remedy(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
        (z, y), (logits, target) = names, shapes
        if logits and target in (logits, logits[:-1]):
            return "", ""
        why = "it takes k numbers per example, and one class number or k probabilities"
        by_number = f"{z} has the shape (m, k) and {y} the shape (m), declared as `{y} : (m) index`"
        return why, f"{by_number}, or the shape (m, k)."


class SoftmaxCrossEntropy(ClassLoss):
    """Cross-entropy of the softmax of logits z with class numbers y, log Σₖ exp(z_ik) − z_i,yᵢ.

    One loss per example. With rows of probabilities y, each of sum 1, it is log Σₖ exp(z_ik) − Σₖ y_ik z_ik.
    The gradient is dz = dL ⊙ (softmax(z) − one_hot(y)), or softmax(z) − y. Label smoothing by ε takes
    (1 − ε) y + ε/k for the targets. The greatest logit is subtracted first, so that nothing overflows.
    """

    domain = (REALS, _DISTRIBUTION)
    attributes = (Attribute("label_smoothing", "number", 0),)
    source = "C. Szegedy et al., Rethinking the inception architecture for computer vision, CVPR 2016"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return bounded(attributes, "label_smoothing", _PROBABILITY)

    def forward(self, xp: Any, z: Any, y: Any, *, label_smoothing: float) -> Any:
        """Subtract the greatest logit first; rows whose sum is not quite 1 are made good for it."""
        greatest = xp.max(z, axis=-1, keepdims=True)
        shifted = z - greatest
        chosen = _chosen(xp, shifted, y)
        if y.ndim == z.ndim:  # where a row of y is not exactly of sum 1 the shift does not cancel
            chosen = chosen + greatest[..., 0] * (xp.sum(y, axis=-1) - 1.0)
        if label_smoothing:
            chosen = (1.0 - label_smoothing) * chosen + label_smoothing * xp.mean(shifted, axis=-1)
        return xp.log(xp.sum(xp.exp(shifted), axis=-1)) - chosen

    def vjp(
        self, dy: Value, loss: Value, z: Value, y: Value, *, label_smoothing: float
    ) -> tuple[Value, Value | None]:
        off = lookup("softmax")(z) - _smoothed(_target(y, z), label_smoothing)
        by_row = None if y.kind == "index" else (label_smoothing - 1) * column(dy) * z
        return column(dy) * off, by_row


class CrossEntropy(ClassLoss):
    """Cross-entropy of probabilities p with class numbers y, −log p_i,yᵢ, or with rows y, −Σₖ y_ik log p_ik.

    One loss per example; 0 log 0 is 0. Infinite where what happens has probability 0, and the gradient
    −y/p is NaN where p = y = 0: from logits `softmax_cross_entropy` is safer.
    """

    domain = (_PROBABILITY, _DISTRIBUTION)

    def forward(self, xp: Any, p: Any, y: Any) -> Any:
        return -_chosen(xp, xp.log(p), y)

    def vjp(self, dy: Value, loss: Value, p: Value, y: Value) -> tuple[Value, Value | None]:
        by_row = None if y.kind == "index" else -(column(dy) * lookup("log")(p))
        return -(column(dy) * (_target(y, p) / p)), by_row


class KullbackLeibler(PairLoss):
    """Relative entropy of rows of probabilities y against predicted ones p, Σₖ y_ik log(y_ik / p_ik).

    One loss per example; 0 log 0 is 0, though the gradient −y/p is NaN there. It is the cross-entropy less
    the entropy of y.
    """

    signature = "... k, ... k -> ..."
    domain = (_PROBABILITY, _DISTRIBUTION)
    source = "S. Kullback, R. A. Leibler, On information and sufficiency, 1951"

    def forward(self, xp: Any, p: Any, y: Any) -> Any:
        return xp.sum(weighted(xp, y, xp.log(y) - xp.log(p)), axis=-1)

    def vjp(self, dy: Value, loss: Value, p: Value, y: Value) -> tuple[Value, Value]:
        scale = column(dy)
        return -(scale * (y / p)), scale * (lookup("log")(y / p) + 1)


def _chosen(xp: Any, x: Any, y: Any) -> Any:
    """Return x at each example's class, or the mean of x by each example's row of probabilities."""
    if y.ndim == x.ndim:
        return xp.sum(weighted(xp, y, x), axis=-1)
    return xp.take_along_axis(x, y[..., None], axis=-1)[..., 0]


def _target(y: Value, like: Value) -> Value:
    """Return a row of probabilities for each example."""
    return lookup("one_hot")(y, size=like.shape[-1]) if y.kind == "index" else y


def _smoothed(target: Value, by: float) -> Value:
    """Return (1 − ε) target + ε/k."""
    return (1 - by) * target + by * Constant.count(target.shape[-1:]).reciprocal() if by else target
