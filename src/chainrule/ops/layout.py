"""Layout: expand, reshape, one_hot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.ir.constant import Constant
from chainrule.ir.form import Hidden
from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size, show_shape, stretches
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value


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
    whole = missing.as_integer()
    if whole is None and (missing.factor != 1 or len(missing.powers) != 1 or missing.powers[0][1] != 1):
        raise MismatchError(
            f"the size −1 in {show_shape(shape)} would be {missing}, not one number or letter"
        )
    size: Size = missing.letters[0] if whole is None else whole
    return tuple(size if s == -1 else s for s in shape)


class OneHot(Primitive):
    """Class numbers as rows of zeros with a single one, y_ij = 1 where j = x_i."""

    signature = "m -> m k"
    attributes = (Attribute("size", "size"),)
    operands = ("index",)

    def infer(self, *shapes: Shape, size: Size) -> Shape:
        if len(shapes[0]) != 1:
            raise MismatchError(f"class numbers need one axis, not {len(shapes[0])}")
        return (shapes[0][0], size)

    def forward(self, xp: Any, x: Any, *, size: int) -> Any:
        return xp.where(x[:, None] == xp.arange(size)[None, :], 1.0, 0.0)

    def index_limit(self, position: int, *shapes: Shape, size: Size) -> Size:
        return size
