"""Parts of an array by place: slice, pad, take, scatter_add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size, show_shape
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value
from chainrule.ops.axes import front_axis, number_along, whole, with_axis


class Slice(Primitive):
    """Part of an axis, y_i = x_(start + i) for start ≤ start + i < stop, as x[start:stop] in Python.

    Negative places count from the end and `none` is the end itself; where the axis has a letter for its
    size only the whole of it can be named. The gradient is dy with zeros around it.
    """

    signature = "... -> ..."
    attributes = (Attribute("axis", "axis"), Attribute("start", "bound"), Attribute("stop", "bound"))
    keeps_kind = True

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        """Count both ends from the front."""
        shape = shapes[0]
        axis = front_axis(attributes["axis"], len(shape))
        ends = [attributes[name] for name in ("start", "stop")]
        start, stop = (end if end is None else whole(end, "an end of a slice") for end in ends)
        if isinstance(shape[axis], str) and start in (None, 0) and stop is None:
            return {"axis": axis, "start": 0, "stop": None}
        instead = ", or choose rows by number, take(x, indices)"
        size = number_along(shape, axis, "a part of a letter has no name", instead)
        start, stop, _ = slice(start, stop).indices(size)
        if start >= stop:
            where = f"from {start} up to {stop}, on axis {axis} of size {size}"
            raise MismatchError(f"nothing lies there, {where}", "stop is the place after the last one taken.")
        return {"axis": axis, "start": start, "stop": stop}

    def infer(self, *shapes: Shape, axis: int, start: int, stop: int | None) -> Shape:
        return shapes[0] if stop is None else with_axis(shapes[0], axis, stop - start)

    def forward(self, xp: Any, x: Any, *, axis: int, start: int, stop: int | None) -> Any:
        return x[(slice(None),) * axis + (slice(start, stop),)]

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: int, start: int, stop: int) -> tuple[Value]:
        after = number_along(x.shape, axis) - stop
        return (lookup("pad")(dy, axis=axis, before=start, after=after),)

    def fold(self, x: Value, *, axis: int, start: int, stop: int | None) -> Value | None:
        """The whole axis is x itself."""
        return x if start == 0 and stop in (None, x.shape[axis]) else None


class Pad(Primitive):
    """Zeros before and after along an axis, y_i = x_(i − before) where that exists, else 0."""

    signature = "... -> ..."
    attributes = (Attribute("axis", "axis"), Attribute("before", "whole"), Attribute("after", "whole"))

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        axis = front_axis(attributes["axis"], len(shapes[0]))
        before, after = (whole(attributes[name], name) for name in ("before", "after"))
        if before < 0 or after < 0:
            raise MismatchError(f"there are no {min(before, after)} zeros", "slice takes elements away.")
        return {"axis": axis, "before": before, "after": after}

    def infer(self, *shapes: Shape, axis: int, before: int, after: int) -> Shape:
        if before == after == 0:
            return shapes[0]
        return with_axis(shapes[0], axis, before + number_along(shapes[0], axis) + after)

    def forward(self, xp: Any, x: Any, *, axis: int, before: int, after: int) -> Any:
        return xp.pad(x, [(before, after) if i == axis else (0, 0) for i in range(x.ndim)])

    def vjp(self, dy: Value, y: Value, x: Value, *, axis: int, before: int, after: int) -> tuple[Value]:
        stop = before + number_along(x.shape, axis)
        return (lookup("slice")(dy, axis=axis, start=before, stop=stop),)

    def fold(self, x: Value, *, axis: int, before: int, after: int) -> Value | None:
        """No zeros: x itself."""
        return x if before == after == 0 else None


class Take(Primitive):
    """Rows by number, y_i = x_(indices i), or what lies at these places of another axis.

    The indices may have any shape, which takes the place of the axis. The gradient adds up the rows of
    dy that came from the same place.
    """

    signature = "n k, m -> m k | n k, ... -> ... k | n, m k -> m k"
    attributes = (Attribute("axis", "axis", 0),)
    operands = ("real", "index")
    verb = ("take from", " at ")

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return {"axis": front_axis(attributes["axis"], len(shapes[0]))}

    def infer(self, *shapes: Shape, axis: int) -> Shape:
        return with_axis(shapes[0], axis, *shapes[1])

    def forward(self, xp: Any, x: Any, indices: Any, *, axis: int) -> Any:
        return xp.take(x, indices, axis=axis)

    def vjp(self, dy: Value, y: Value, x: Value, indices: Value, *, axis: int) -> tuple[Value, None]:
        return lookup("scatter_add")(dy, indices, size=x.shape[axis], axis=axis), None

    def index_limit(self, position: int, *shapes: Shape, axis: int) -> Size | None:
        return shapes[0][axis] if position == 1 else None


class ScatterAdd(Primitive):
    """Rows added up at places, y_j = Σ a_i over the i with indices i = j, in an array of `size` zero rows.

    The axes of the indices are those of a from `axis` on; one axis of the given size takes their place.
    """

    signature = "n k, n -> m k | n k p, n k -> m p | n, n -> m"
    attributes = (Attribute("size", "size"), Attribute("axis", "axis", 0))
    operands = ("real", "index")
    verb = ("add up", " at ")

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        """Count the axis from the front of the result."""
        rank = len(shapes[0]) - len(shapes[1]) + 1
        if rank < 1:
            raise MismatchError("every axis of the indices must be one of what is added up")
        return {"size": attributes["size"], "axis": front_axis(attributes["axis"], rank)}

    def infer(self, *shapes: Shape, size: Size, axis: int) -> Shape:
        """Put the size given in the place of the axes that the indices name."""
        a, indices = shapes
        end = axis + len(indices)
        if a[axis:end] != indices:
            raise MismatchError(
                f"the sizes from axis {axis} on, {show_shape(a[axis:end])}, are not those of the indices"
            )
        return (*a[:axis], size, *a[end:])

    def forward(self, xp: Any, a: Any, indices: Any, *, size: int, axis: int) -> Any:
        """Add row after row to zeros, in the way the array library has for it."""
        count = indices.ndim
        rows = xp.moveaxis(a, tuple(range(axis, axis + count)), tuple(range(count)))
        total = xp.zeros((size, *rows.shape[count:]), dtype=rows.dtype)
        if hasattr(total, "at"):  # JAX, whose arrays never change
            return xp.moveaxis(total.at[indices].add(rows), 0, axis)
        xp.add.at(total, indices, rows)
        return xp.moveaxis(total, 0, axis)

    def vjp(
        self, dy: Value, y: Value, a: Value, indices: Value, *, size: Size, axis: int
    ) -> tuple[Value, None]:
        return lookup("take")(dy, indices, axis=axis), None

    def index_limit(self, position: int, *shapes: Shape, size: Size, axis: int) -> Size | None:
        return size if position == 1 else None
