"""Reductions over axes: sum, mean, var, max, min, prod, logsumexp, argmax, squared_norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from chainrule.ir import form as forms
from chainrule.ir.constant import Constant
from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value
from chainrule.ops.axes import last_or_front_axis, with_axis
from chainrule.ops.cumulative import leave_one_out


class Reduction(Primitive, abstract=True):
    """An op that combines the elements along some or all axes."""

    signature = "... -> ..."
    attributes = (Attribute("axis", "axes", None), Attribute("keepdims", "flag", False))

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        """Write the axes as a sorted tuple counted from the front, None for all of them."""
        return {
            "axis": _settled_axes(attributes["axis"], len(shapes[0])),
            "keepdims": bool(attributes["keepdims"]),
        }

    def infer(self, *shapes: Shape, axis: tuple[int, ...] | None, keepdims: bool) -> Shape:
        reduced = range(len(shapes[0])) if axis is None else axis
        kept: list[tuple[int, Size]] = [(i, 1 if i in reduced else s) for i, s in enumerate(shapes[0])]
        return tuple(size for i, size in kept if keepdims or i not in reduced)

    def fold(self, x: Value, *, axis: tuple[int, ...] | None, keepdims: bool) -> Value | None:
        """Nothing to reduce: x itself."""
        return x if x.ndim == 0 or axis == () else None


def _settled_axes(axes: Any, rank: int) -> tuple[int, ...] | None:
    if axes is None:
        return None
    listed: list[Any] = list(cast("list[Any]", axes)) if isinstance(axes, tuple | list) else [axes]
    if not all(isinstance(axis, int) and not isinstance(axis, bool) for axis in listed):
        raise MismatchError(f"an axis is named by its number, not by {axes!r}")
    beyond = [axis for axis in listed if not -rank <= axis < rank]
    if beyond or len({axis % rank for axis in listed if rank}) != len(listed):
        raise MismatchError(f"axis {axes} does not name distinct axes of the {rank} there are")
    settled = tuple(sorted(axis % rank for axis in listed))
    return None if len(settled) == rank else settled


def spread(dy: Value, shape: Shape, axis: tuple[int, ...] | None, keepdims: bool) -> Value:
    """Return a reduced gradient repeated along the axes that were reduced."""
    only_last_is_left = axis == tuple(range(len(shape) - 1))
    if axis is not None and not keepdims and not only_last_is_left:
        dy = dy.reshape(*(1 if i in axis else size for i, size in enumerate(shape)))
    elif axis is None and keepdims:
        dy = dy.reshape()
    return lookup("expand")(dy, shape=shape)


class Sum(Reduction):
    """Sum over some or all axes, y = Σ x."""

    form = forms.Sum()

    def fold(self, x: Value, *, axis: tuple[int, ...] | None, keepdims: bool) -> Value | None:
        """Nothing to sum: x itself. A minus goes in front of the sum."""
        if x.op.name == "negative" and not x.graph.is_named(x):
            return -lookup("sum")(x.inputs[0], axis=axis, keepdims=keepdims)
        return super().fold(x, axis=axis, keepdims=keepdims)

    def forward(self, xp: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
        return xp.sum(x, axis=axis, keepdims=keepdims)

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: Any, keepdims: bool) -> tuple[Value]:
        return (spread(dy, x.shape, axis, keepdims),)


class Mean(Reduction):
    """Mean over some or all axes, y = 1/n Σ x, n the number of elements combined."""

    def forward(self, xp: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
        return xp.mean(x, axis=axis, keepdims=keepdims)

    def vjp(
        self, dy: Value, y: Value, x: Value, *, axis: tuple[int, ...] | None, keepdims: bool
    ) -> tuple[Value]:
        combined = Constant.count(_combined(x.shape, axis))
        return (spread(dy, x.shape, axis, keepdims) * combined.reciprocal(),)


class Var(Reduction):
    """Biased variance over some or all axes, y = 1/n Σ (x − mean(x))², n the number of elements combined.

    Its gradient is 2/n (x − mean(x)).
    """

    def forward(self, xp: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
        return xp.var(x, axis=axis, keepdims=keepdims)

    def vjp(
        self, dy: Value, y: Value, x: Value, *, axis: tuple[int, ...] | None, keepdims: bool
    ) -> tuple[Value]:
        twice = Constant.of(2) / Constant.count(_combined(x.shape, axis))
        mean = lookup("mean")(x, axis=axis, keepdims=keepdims)
        return (twice * spread(dy, x.shape, axis, keepdims) * (x - spread(mean, x.shape, axis, keepdims)),)

    def fold(self, x: Value, *, axis: tuple[int, ...] | None, keepdims: bool) -> None:
        """Keep the variance of a single number, 0, as it stands."""

    def smallest_batch(
        self, examples: Size, *shapes: Shape, axis: tuple[int, ...] | None, keepdims: bool
    ) -> int:
        """Return 2 where the examples vary: a single one has the variance 0 whatever it is."""
        return 2 if examples in _combined(shapes[0], axis) else 1


def _combined(shape: Shape, axis: tuple[int, ...] | None) -> Shape:
    return shape if axis is None else tuple(shape[i] for i in axis)


class Extreme(Reduction, abstract=True):
    """The greatest or least element; its gradient is shared equally among the elements that equal it."""

    def branches(self, xp: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
        return x == self.forward(xp, x, axis=axis, keepdims=True)

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: Any, keepdims: bool) -> tuple[Value]:
        chosen = lookup("equal")(x, spread(y, x.shape, axis, keepdims))
        ties = lookup("sum")(chosen, axis=axis, keepdims=keepdims)
        return (spread(dy / ties, x.shape, axis, keepdims) * chosen,)


class Max(Extreme):
    """Greatest element over some or all axes, y = max x; elements that tie share the gradient equally."""

    form = forms.Call(r"\max")

    def forward(self, xp: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
        return xp.max(x, axis=axis, keepdims=keepdims)


class Min(Extreme):
    """Least element over some or all axes, y = min x; elements that tie share the gradient equally."""

    form = forms.Call(r"\min")

    def forward(self, xp: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
        return xp.min(x, axis=axis, keepdims=keepdims)


class Prod(Reduction):
    """Product over some or all axes, y = Π x.

    Its gradient multiplies all other elements and never divides, so that zeros do no harm.
    """

    def forward(self, xp: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
        return xp.prod(x, axis=axis, keepdims=keepdims)

    def vjp(
        self, dy: Value, y: Value, x: Value, *, axis: tuple[int, ...] | None, keepdims: bool
    ) -> tuple[Value]:
        axes = tuple(range(x.ndim)) if axis is None else axis
        return (spread(dy, x.shape, axis, keepdims) * leave_one_out(x, axes[::-1]),)


class Logsumexp(Reduction):
    """Logarithm of a sum of exponentials over some or all axes, y = log Σ exp(x); its gradient is a softmax.

    The greatest x is subtracted first, so that nothing overflows.
    """

    def forward(self, xp: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
        top = xp.max(x, axis=axis, keepdims=True)
        top = xp.where(xp.isfinite(top), top, 0.0)
        total = xp.log(xp.sum(xp.exp(x - top), axis=axis, keepdims=keepdims))
        return total + xp.reshape(top, total.shape)

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: Any, keepdims: bool) -> tuple[Value]:
        share = lookup("exp")(x - spread(y, x.shape, axis, keepdims))
        return (spread(dy, x.shape, axis, keepdims) * share,)


class Argmax(Primitive):
    """Place of the greatest element along an axis, y = argmaxₖ x_k, the first where several tie.

    Class numbers, so there is no gradient.
    """

    signature = "... k -> ..."
    attributes = (Attribute("axis", "axis", -1),)
    kind = "index"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return {"axis": last_or_front_axis(attributes["axis"], len(shapes[0]))}

    def infer(self, *shapes: Shape, axis: int) -> Shape:
        return with_axis(shapes[0], axis % len(shapes[0]))

    def forward(self, xp: Any, x: Any, *, axis: int) -> Any:
        return xp.argmax(x, axis=axis)


class SquaredNorm(Primitive):
    """Sum of the squares of all elements, y = ‖x‖²; for a matrix the squared Frobenius norm."""

    signature = "... -> "
    form = forms.Fence(("‖", "‖²"), ("||", "||^2"), (r"\lVert ", r" \rVert^{2}"), forms.Level.POSTFIX)

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.sum(x * x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (2 * dy * x,)


class L1Norm(Primitive):
    """Sum of the absolute values of all elements, y = ‖x‖₁; the subgradient of an element at 0 is 0."""

    signature = "... -> "
    form = forms.Fence(("‖", "‖₁"), ("||", "||_1"), (r"\lVert ", r" \rVert_{1}"), forms.Level.POSTFIX)
    kinks = (0.0,)

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.sum(xp.abs(x))

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * lookup("sign")(x),)
