"""Reductions over axes: sum, mean, squared_norm."""

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
    if axis is not None and not keepdims:
        dy = dy.reshape(*(1 if i in axis else size for i, size in enumerate(shape)))
    elif axis is None and keepdims:
        dy = dy.reshape()
    return lookup("expand")(dy, shape=shape)


class Sum(Reduction):
    """Sum over some or all axes, y = Σ x."""

    form = forms.Sum()

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
        combined: Shape = x.shape if axis is None else tuple(x.shape[i] for i in axis)
        return (spread(dy, x.shape, axis, keepdims) * Constant.count(combined).reciprocal(),)


class SquaredNorm(Primitive):
    """Sum of the squares of all elements, y = ‖x‖²; for a matrix the squared Frobenius norm."""

    signature = "... -> "
    form = forms.Fence(("‖", "‖²"), ("||", "||^2"), (r"\lVert ", r" \rVert^{2}"), forms.Level.POSTFIX)

    def forward(self, xp: Any, x: Any) -> Any:
        elements = xp.reshape(x, (-1,))
        return xp.vecdot(elements, elements)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (2 * dy * x,)
