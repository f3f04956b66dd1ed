"""Linear algebra: matmul, outer, permute_dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.ir.build import raw
from chainrule.ir.form import MatrixProduct, OuterProduct, Transpose
from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value
from chainrule.ops.factors import scaled, split, times


class Matmul(Primitive):
    """Matrix product, Y = A B, with y_im = Σₖ a_ik b_km; a vector is a row before and a column after.

    Its gradients are dA = dY Bᵀ and dB = Aᵀ dY.
    """

    signature = "n k, k m -> n m | n k, k -> n | k, k m -> m | k, k -> "
    form = MatrixProduct()
    verb = ("multiply", " by ")

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a @ b

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
        """Return dY Bᵀ and Aᵀ dY, which for vectors are outer products or scalings."""
        outer = lookup("outer")
        ranks = (a.ndim, b.ndim)
        if ranks == (2, 2):
            return dy @ b.T, a.T @ dy
        if ranks == (2, 1):
            return outer(dy, b), a.T @ dy
        if ranks == (1, 2):
            return b @ dy, outer(a, dy)
        return dy * b, dy * a

    def fold(self, a: Value, b: Value) -> Value | None:
        """Take scalar factors out in front of the product."""
        (s, left), (t, right) = split(a), split(b)
        scalar = times(s, t)
        if scalar is None or left is None or right is None:
            return None
        return scaled(scalar, raw("matmul", left, right))

    def remedy(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
        """Say which inner sizes differ, and whether a transpose would mend it."""
        a, b = names
        left, right = (list(shape) for shape in shapes)
        if not left or not right:
            return "the matrix product needs vectors or matrices", f"a scalar multiplies with *: {a} * {b}."
        if len(left) > 2 or len(right) > 2:
            return "the matrix product takes vectors and matrices", "reshape to two axes first."
        if left[-1] == right[0]:
            return "", ""
        why = f"the inner sizes differ, {left[-1]} ≠ {right[0]}"
        if len(right) == 2 and left[-1] == right[1]:
            return why, f"transpose {b}: {b}ᵀ has {right[1]} rows."
        if len(left) == 2 and left[0] == right[0]:
            return why, f"transpose {a}: {a}ᵀ has {left[0]} columns."
        per = "column" if len(left) == 2 else "element"
        rows = "rows" if len(right) == 2 else "elements"
        return why, f"{b} should have {left[-1]} {rows}, one per {per} of {a}."


class Outer(Primitive):
    """Outer product of a column and a row, Y = u vᵀ, with y_ij = u_i v_j."""

    signature = "n, m -> n m"
    form = OuterProduct()

    def forward(self, xp: Any, u: Any, v: Any) -> Any:
        return u[:, None] * v[None, :]

    def vjp(self, dy: Value, y: Value, u: Value, v: Value) -> tuple[Value, Value]:
        return dy @ v, u @ dy

    def fold(self, u: Value, v: Value) -> Value | None:
        (s, left), (t, right) = split(u), split(v)
        scalar = times(s, t)
        if scalar is None or left is None or right is None:
            return None
        return scaled(scalar, raw("outer", left, right))


class PermuteDims(Primitive):
    """Reordering of axes; for a matrix the transpose, Y = Xᵀ."""

    signature = "... -> ..."
    attributes = (Attribute("axes", "order"),)
    keeps_kind = True
    form = Transpose()
    inline = True

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        axes, rank = attributes["axes"], len(shapes[0])
        if sorted(axis % rank if rank else axis for axis in axes) != list(range(rank)):
            raise MismatchError(f"axes {tuple(axes)} do not name each of its {rank} axes once")
        return {"axes": tuple(axis % rank for axis in axes)}

    def infer(self, *shapes: Shape, axes: tuple[int, ...]) -> Shape:
        return tuple(shapes[0][axis] for axis in axes)

    def forward(self, xp: Any, x: Any, *, axes: tuple[int, ...]) -> Any:
        return xp.permute_dims(x, axes)

    def vjp(self, dy: Value, y: Value, x: Value, *, axes: tuple[int, ...]) -> tuple[Value]:
        back = tuple(axes.index(axis) for axis in range(len(axes)))
        return (lookup("permute_dims")(dy, axes=back),)

    def fold(self, x: Value, *, axes: tuple[int, ...]) -> Value | None:
        """Undo what undoes itself: Xᵀᵀ is X."""
        if axes == tuple(range(len(axes))):
            return x
        if x.op is self and not x.graph.is_named(x):
            inner: Any = x.attributes["axes"]
            return lookup("permute_dims")(x.inputs[0], axes=tuple(inner[axis] for axis in axes))
        return None
