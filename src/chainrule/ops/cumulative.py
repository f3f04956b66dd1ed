"""Sums and products along an axis that leave elements out: cumulative_sum, prod_of_others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size
from chainrule.ir.value import Value
from chainrule.ops.axes import last_or_front_axis, with_axis


class CumulativeSum(Primitive):
    """Running sum along an axis, y_i = Σ x_j over j ≤ i, or over j ≥ i with reverse=true.

    The gradient is the running sum the other way.
    """

    signature = "... -> ..."
    attributes = (Attribute("axis", "axis", -1), Attribute("reverse", "flag", False))

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        axis = last_or_front_axis(attributes["axis"], len(shapes[0]))
        return {"axis": axis, "reverse": bool(attributes["reverse"])}

    def infer(self, *shapes: Shape, axis: int, reverse: bool) -> Shape:
        return shapes[0]

    def forward(self, xp: Any, x: Any, *, axis: int, reverse: bool) -> Any:
        if reverse:
            return xp.flip(xp.cumsum(xp.flip(x, axis=axis), axis=axis), axis=axis)
        return xp.cumsum(x, axis=axis)

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: int, reverse: bool) -> tuple[Value]:
        return (lookup("cumulative_sum")(dy, axis=axis, reverse=not reverse),)


class ProdOfOthers(Primitive):
    """Product of all other elements along an axis, y_i = Π x_j over j ≠ i: the derivative of their product.

    No division, so zeros do no harm: the products before and after each element are multiplied, in O(n).
    Its own gradient, a second derivative of the product, sets one element after another to 1 and takes
    O(n²) for an axis of size n.
    """

    signature = "... -> ..."
    attributes = (Attribute("axis", "axis", -1),)

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return {"axis": last_or_front_axis(attributes["axis"], len(shapes[0]))}

    def infer(self, *shapes: Shape, axis: int) -> Shape:
        return shapes[0]

    def forward(self, xp: Any, x: Any, *, axis: int) -> Any:
        rows = xp.moveaxis(x, axis, -1)
        one = xp.ones_like(rows[..., :1])
        before = xp.cumprod(xp.concat([one, rows[..., :-1]], axis=-1), axis=-1)
        after = xp.cumprod(xp.concat([one, rows[..., :0:-1]], axis=-1), axis=-1)
        return xp.moveaxis(before * after[..., ::-1], -1, axis)

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: int) -> tuple[Value]:
        """Return Σᵢ dy_i Π x_k over k ≠ i, j: with row i of x's copies the one whose x_i is 1."""
        where, expand = lookup("where"), lookup("expand")
        axis = axis % x.ndim
        size = x.shape[axis]
        full = (size, *x.shape)
        itself = _is_diagonal(x, axis)
        others = where(itself, 1, expand(x.reshape(1, *x.shape), shape=full))
        pairs = lookup("prod_of_others")(others, axis=axis + 1)
        front = lookup("permute_dims")(dy, axes=(axis, *(i for i in range(x.ndim) if i != axis)))
        column = front.reshape(size, *with_axis(x.shape, axis, 1))
        return (where(itself, 0, expand(column, shape=full) * pairs).sum(0),)


def _is_diagonal(x: Value, axis: int) -> Value:
    """Return the condition i = j for i along a new first axis and j along x's axis."""
    size: Size = x.shape[axis]
    ones = lookup("expand")(x.graph.constant(1), shape=(size,))
    places = lookup("cumulative_sum")(ones)
    sides = ((size, *(1,) * x.ndim), (1,) * (axis + 1) + (size,) + (1,) * (x.ndim - axis - 1))
    first, second = (lookup("expand")(places.reshape(*side), shape=(size, *x.shape)) for side in sides)
    return lookup("equal")(first, second)


def leave_one_out(x: Value, axes: Sequence[int]) -> Value:
    """Return for each element the product of all others along some axes."""
    axis, *rest = axes
    along = lookup("prod_of_others")(x, axis=axis)
    if not rest:
        return along
    rows = lookup("prod")(x, axis=axis, keepdims=True)
    return along * lookup("expand")(leave_one_out(rows, rest), shape=x.shape)
