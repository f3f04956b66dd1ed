"""Layout: expand, reshape, flatten, expand_dims, squeeze, one_hot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.ir.constant import Constant
from chainrule.ir.form import Hidden
from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size, show_shape, stretches
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value
from chainrule.ops.axes import front_axis, size_of, with_axis


class Expand(Primitive):
    """Broadcasting made explicit, such as y_ij = x_j: the elements of x repeated until they fill the shape.

    A scalar goes to any shape, a vector along the last axis, an axis of size 1 to any size.
    The gradient is summed over what was repeated.
    """

    signature = "... -> ..."
    attributes = (Attribute("shape", "shape"),)
    keeps_kind = True
    form = Hidden()
    inline = True

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return {"shape": tuple(attributes["shape"])}

    def infer(self, *shapes: Shape, shape: Shape) -> Shape:
        if not stretches(shapes[0], shape):
            raise MismatchError(f"it cannot be repeated to fill {show_shape(shape)}")
        return shape

    def forward(self, xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
        return xp.broadcast_to(x, shape)

    def vjp(self, dy: Value, y: Value, x: Value, *, shape: Shape) -> tuple[Value]:
        if x.ndim < len(shape):
            leading = dy.sum(tuple(range(len(shape) - x.ndim)))
            repeated = x.shape == (1,) and shape[-1] != 1
            return (leading.sum(0, keepdims=True) if repeated else leading,)
        axes = tuple(i for i, (a, b) in enumerate(zip(x.shape, shape, strict=True)) if a != b)
        return (dy.sum(axes, keepdims=True),)

    def fold(self, x: Value, *, shape: Shape) -> Value | None:
        if x.shape == shape:
            return x
        inner = x.inputs[0] if x.op is self and not x.graph.is_named(x) else None
        if inner is not None and stretches(inner.shape, shape):
            return lookup("expand")(inner, shape=shape)
        return None


class Reshape(Primitive):
    """The same elements, in the same order (last axis fastest), in another shape, y[i k + j] = x[i, j]."""

    signature = "... -> ..."
    attributes = (Attribute("shape", "shape"),)
    keeps_kind = True

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        shape: tuple[Size, ...] = tuple(attributes["shape"])
        if shape.count(-1) == 1:
            shape = _with_missing_size(shapes[0], shape)
        return {"shape": shape}

    def infer(self, *shapes: Shape, shape: Shape) -> Shape:
        before, after = Constant.count(shapes[0]), Constant.count(shape)
        if before != after:
            raise MismatchError(f"{show_shape(shape)} holds {after} elements, not {before}")
        return shape

    def forward(self, xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
        return xp.reshape(x, shape)

    def vjp(self, dy: Value, y: Value, x: Value, *, shape: Shape) -> tuple[Value]:
        return (dy.reshape(*x.shape),)

    def fold(self, x: Value, *, shape: Shape) -> Value | None:
        """Reshape once where there were two; a repeated scalar fills the new shape at once."""
        if x.shape == shape:
            return x
        if x.graph.is_named(x):
            return None
        if x.op is self:
            return x.inputs[0].reshape(*shape)
        repeats_a_scalar = x.op.name == "expand" and x.inputs[0].shape == ()
        return lookup("expand")(x.inputs[0], shape=shape) if repeats_a_scalar else None


def _with_missing_size(old: Shape, shape: tuple[Size, ...]) -> Shape:
    """Put in the size that −1 stands for: a whole number or a single letter."""
    known = Constant.count(tuple(size for size in shape if size != -1))
    if known.factor == 0:
        raise MismatchError(f"{show_shape(shape)} has an axis of size 0")
    missing = Constant.count(old) / known
    size = size_of(missing)
    if size is None:
        raise MismatchError(
            f"the size −1 in {show_shape(shape)} would be {missing}, not one number or letter"
        )
    return tuple(size if s == -1 else s for s in shape)


class Flatten(Primitive):
    """All axes but the first made into one, Y = reshape(X, (m, −1)): an image per example becomes a row."""

    signature = "m ... -> m n"
    keeps_kind = True

    def infer(self, *shapes: Shape) -> Shape:
        """Multiply all sizes after the first, which must be numbers or a single letter."""
        if not shapes[0]:
            raise MismatchError("there is no first axis to keep")
        count = Constant.count(shapes[0][1:])
        size = size_of(count)
        if size is None:
            raise MismatchError(
                f"its rows would have {count} elements, not one number or letter",
                "declare these sizes as numbers.",
            )
        return (shapes[0][0], size)

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.reshape(x, (x.shape[0], math.prod(x.shape[1:])))

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy.reshape(*x.shape),)

    def fold(self, x: Value) -> Value | None:
        """Rows are flat."""
        return x if x.ndim == 2 else None


class ExpandDims(Primitive):
    """A new axis of size 1, y_i1j = x_ij with axis=1; a negative axis counts from the end of the result."""

    signature = "... -> ..."
    attributes = (Attribute("axis", "axis"),)
    keeps_kind = True

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return {"axis": front_axis(attributes["axis"], len(shapes[0]) + 1)}

    def infer(self, *shapes: Shape, axis: int) -> Shape:
        return (*shapes[0][:axis], 1, *shapes[0][axis:])

    def forward(self, xp: Any, x: Any, *, axis: int) -> Any:
        return xp.expand_dims(x, axis=axis)

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: int) -> tuple[Value]:
        return (lookup("squeeze")(dy, axis=axis),)

    def fold(self, x: Value, *, axis: int) -> Value | None:
        """Put back the axis that a squeeze took away."""
        return _undone(x, "squeeze", axis)


class Squeeze(Primitive):
    """An axis of size 1 left out, y_ij = x_i1j with axis=1."""

    signature = "... 1 -> ... | 1 k -> k"
    attributes = (Attribute("axis", "axis"),)
    keeps_kind = True

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return {"axis": front_axis(attributes["axis"], len(shapes[0]))}

    def infer(self, *shapes: Shape, axis: int) -> Shape:
        if shapes[0][axis] != 1:
            raise MismatchError(
                f"axis {axis} has the size {shapes[0][axis]}, not 1",
                "reduce it, sum or mean, or choose one element, slice.",
            )
        return with_axis(shapes[0], axis)

    def forward(self, xp: Any, x: Any, *, axis: int) -> Any:
        return xp.squeeze(x, axis=axis)

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: int) -> tuple[Value]:
        return (lookup("expand_dims")(dy, axis=axis),)

    def fold(self, x: Value, *, axis: int) -> Value | None:
        """Take away the axis that expand_dims put in."""
        return _undone(x, "expand_dims", axis)


def _undone(x: Value, op_name: str, axis: int) -> Value | None:
    """Return what x was made of where it has no name and was made by the inverse along this axis."""
    undoes = x.op.name == op_name and x.attributes["axis"] == axis and not x.graph.is_named(x)
    return x.inputs[0] if undoes else None


class OneHot(Primitive):
    """Class numbers as rows of zeros with a single one, y_ij = 1 where j = x_i."""

    signature = "... -> ... k"
    attributes = (Attribute("size", "size"),)
    operands = ("index",)

    def infer(self, *shapes: Shape, size: Size) -> Shape:
        return (*shapes[0], size)

    def forward(self, xp: Any, x: Any, *, size: int) -> Any:
        return xp.where(x[..., None] == xp.arange(size), 1.0, 0.0)

    def index_limit(self, position: int, *shapes: Shape, size: Size) -> Size:
        return size
