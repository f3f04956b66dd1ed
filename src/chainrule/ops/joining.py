"""Several operands put together: concat, stack."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size, show_shape
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value
from chainrule.ops.axes import front_axis, last_or_front_axis, number_along, with_axis


class Concat(Primitive):
    """Operands joined along an axis, Y = [A, B, …], the last axis unless another is named.

    All other axes agree; the sizes along the joined one are numbers, since letters cannot be added.
    """

    signature = "... n, ... k -> ... l | n k, m k -> l k"
    attributes = (Attribute("axis", "axis", -1),)
    variadic = True
    keeps_kind = True
    verb = ("join", " and ")

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return {"axis": last_or_front_axis(attributes["axis"], len(shapes[0]))}

    def infer(self, *shapes: Shape, axis: int) -> Shape:
        """Add the sizes along the joined axis; all others must agree."""
        axis = axis % len(shapes[0])
        if len({len(shape) for shape in shapes}) > 1:
            raise MismatchError("they differ in their number of axes", "expand_dims(x, axis) adds one.")
        if len({with_axis(shape, axis) for shape in shapes}) > 1:
            raise _disagreement(shapes, axis)
        if len(shapes) == 1:
            return shapes[0]
        return with_axis(shapes[0], axis, sum(number_along(shape, axis) for shape in shapes))

    def forward(self, xp: Any, *arrays: Any, axis: int) -> Any:
        return xp.concat(arrays, axis=axis)

    def vjp(self, dy: Value, y: Value, *inputs: Value, axis: int) -> tuple[Value, ...]:
        ends = list(accumulate(number_along(x.shape, axis) for x in inputs))
        bounds = zip([0, *ends], ends, strict=False)
        return tuple(lookup("slice")(dy, axis=axis, start=start, stop=end) for start, end in bounds)

    def fold(self, *inputs: Value, axis: int) -> Value | None:
        """One operand is the whole."""
        return inputs[0] if len(inputs) == 1 else None


def _disagreement(shapes: Sequence[Shape], axis: int) -> MismatchError:
    """Say which axes differ though they are not joined, and whether joining there would do."""
    differing = [i for i, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1]
    sizes = [" ≠ ".join(dict.fromkeys(str(shape[i]) for shape in shapes)) for i in differing if i != axis]
    why = f"they are joined along axis {axis}, and the other sizes differ, {' and '.join(sizes)}"
    return MismatchError(why, f"join them where they differ, axis={differing[0]}." * (len(differing) == 1))


class Stack(Primitive):
    """Operands of one shape along a new axis, y_i = xᵢ, the first axis unless another is named."""

    signature = "..., ... -> k ..."
    attributes = (Attribute("axis", "axis", 0),)
    variadic = True
    keeps_kind = True
    verb = ("stack", " and ")

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return {"axis": front_axis(attributes["axis"], len(shapes[0]) + 1)}

    def infer(self, *shapes: Shape, axis: int) -> Shape:
        if len(set(shapes)) > 1:
            shown = " or ".join(dict.fromkeys(map(show_shape, shapes)))
            raise MismatchError("their shapes differ", f"give all of them one shape, {shown}.")
        count: Size = len(shapes)
        return (*shapes[0][:axis], count, *shapes[0][axis:])

    def forward(self, xp: Any, *arrays: Any, axis: int) -> Any:
        return xp.stack(arrays, axis=axis)

    def vjp(self, dy: Value, y: Value, *inputs: Value, axis: int) -> tuple[Value, ...]:
        cut, squeeze = lookup("slice"), lookup("squeeze")
        layers = (cut(dy, axis=axis, start=i, stop=i + 1) for i in range(len(inputs)))
        return tuple(squeeze(layer, axis=axis) for layer in layers)
