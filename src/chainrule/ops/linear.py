"""Linear algebra: matmul, tensordot, outer, permute_dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from chainrule.ir.build import raw
from chainrule.ir.form import MatrixProduct, OuterProduct, Transpose
from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size, show_shape
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value
from chainrule.ops.axes import front_axis, whole
from chainrule.ops.factors import scaled, split, times


class Matmul(Primitive):
    """Matrix product, Y = A B, with y_im = Σₖ a_ik b_km; a vector is a row before and a column after.

    Leading axes number products of their own; a matrix or vector on the right serves all of them.
    Its gradients are dA = dY Bᵀ and dB = Aᵀ dY, summed over the leading axes that B serves.
    """

    signature = (
        "n k, k m -> n m | n k, k -> n | k, k m -> m | k, k -> "
        "| ... n k, ... k m -> ... n m | ... n k, k m -> ... n m | ... n k, k -> ... n"
    )
    form = MatrixProduct()
    verb = ("multiply", " by ")

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a @ b

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
        """Return dY Bᵀ and Aᵀ dY, which for vectors are outer products or scalings."""
        if a.ndim == 1:
            return (dy * b, dy * a) if b.ndim == 1 else (b @ dy, lookup("outer")(a, dy))
        da = lookup("tensordot")(dy, b, axes=0) if b.ndim == 1 else dy @ _transposed(b)
        if a.ndim == 2 or a.ndim == b.ndim:
            return da, _transposed(a) @ dy
        served = tuple(range(a.ndim - 1))
        return da, lookup("tensordot")(a, dy, axes=(served, served))

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
        inner = right[0] if len(right) == 1 else right[-2]
        if left[-1] == inner:
            return _remedy_of_leading(names, shapes)
        why = f"the inner sizes differ, {left[-1]} ≠ {inner}"
        if len(right) > 1 and left[-1] == right[-1]:
            return why, f"transpose {b}: {_shown_transposed(b, right)} has {right[-1]} rows."
        if len(left) > 1 and left[-2] == inner:
            return why, f"transpose {a}: {_shown_transposed(a, left)} has {left[-2]} columns."
        per = "column" if len(left) > 1 else "element"
        rows = "rows" if len(right) > 1 else "elements"
        return why, f"{b} should have {left[-1]} {rows}, one per {per} of {a}."


def _swapped(rank: int) -> tuple[int, ...]:
    """Return the order of axes that transposes each of many matrices."""
    return (*range(rank - 2), rank - 1, rank - 2)


def _transposed(x: Value) -> Value:
    return lookup("permute_dims")(x, axes=_swapped(x.ndim))


def _shown_transposed(name: str, shape: Sequence[Size]) -> str:
    return f"{name}ᵀ" if len(shape) == 2 else f"permute_dims({name}, {_swapped(len(shape))})"


def _remedy_of_leading(names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
    """Say what to do where the inner sizes agree and the axes before the matrices do not."""
    a, b = names
    leading = [show_shape(shape[:-2]) for shape in shapes]
    if len(shapes[0]) > 2:
        why = f"the leading axes differ, {' ≠ '.join(leading)}"
        return why, f"give {b} the leading axes {leading[0]}, or none where one matrix serves all of {a}."
    matrix = shapes[0] if len(shapes[0]) == 2 else (1, *shapes[0])
    single, repeated = ((1,) * (len(shapes[1]) - 2) + matrix, shapes[1][:-2] + matrix)
    fix = f"repeat {a} for each: expand(reshape({a}, {show_shape(single)}), {show_shape(repeated)})."
    return f"{b} is one matrix for each of {leading[1]}, {a} is not", fix


class Tensordot(Primitive):
    """Contraction of two tensors, y_ij = Σₖ a_ik b_kj, where i, j and k stand for any number of axes.

    `axes` is how many axes at the end of a meet as many at the beginning of b, or which axes of a meet
    which axes of b: axes=2 and axes=((1, 2), (0, 1)) are the same for a of three axes. With axes=0
    nothing meets, y_ij = a_i b_j. It is the product of the chain rule for tensors of any shape: its own
    gradients are contractions of dy with b and of a with dy.
    """

    signature = "n k, k m -> n m | n k p, k n m -> p m | n k p, k p -> n | n, m -> n m"
    attributes = (Attribute("axes", "pairs"),)
    verb = ("contract", " with ")

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        """Write the axes as a number where they are the last of a and the first of b, in their order."""
        a, b = shapes
        pairs = _pairs(attributes["axes"], len(a), len(b))
        if pairs == _pairs(len(pairs), len(a), len(b)):
            return {"axes": len(pairs)}
        return {"axes": (tuple(i for i, _ in pairs), tuple(j for _, j in pairs))}

    def infer(self, *shapes: Shape, axes: Any) -> Shape:
        """Return the axes that do not meet, those of a first."""
        a, b = shapes
        pairs = _pairs(axes, len(a), len(b))
        for i, j in pairs:
            if a[i] != b[j]:
                raise MismatchError(f"axis {i} of the one and axis {j} of the other differ, {a[i]} ≠ {b[j]}")
        free, others = _free(pairs, len(a), len(b))
        return (*(a[i] for i in free), *(b[j] for j in others))

    def forward(self, xp: Any, a: Any, b: Any, *, axes: Any) -> Any:
        return xp.tensordot(a, b, axes=axes)

    def vjp(self, dy: Value, y: Value, a: Value, b: Value, *, axes: Any) -> tuple[Value, Value]:
        """Contract dy with the other operand along its free axes, and put the axes back in their places."""
        pairs = _pairs(axes, a.ndim, b.ndim)
        free, others = _free(pairs, a.ndim, b.ndim)
        front, back = tuple(range(len(free))), tuple(range(len(free), dy.ndim))
        met = [i for _, i in sorted((j, i) for i, j in pairs)]
        da = lookup("tensordot")(dy, b, axes=(back, others))
        db = lookup("tensordot")(a, dy, axes=(free, front))
        return _placed(da, [*free, *met]), _placed(db, [*(j for _, j in pairs), *others])

    def fold(self, a: Value, b: Value, *, axes: Any) -> Value | None:
        """Write it as a product where it is one; take scalar factors out in front."""
        if axes == 0 and () in (a.shape, b.shape):
            return a * b
        if axes == 0 and a.ndim == b.ndim == 1:
            return lookup("outer")(a, b)
        if axes == 1 and b.ndim <= 2:
            return a @ b
        (s, left), (t, right) = split(a), split(b)
        scalar = times(s, t)
        if scalar is None or left is None or right is None:
            return None
        return scaled(scalar, raw("tensordot", left, right, axes=axes))


def _pairs(axes: Any, left: int, right: int) -> list[tuple[int, int]]:
    """Return which axis of an operand of one rank meets which of another, counted from the front."""
    if not isinstance(axes, tuple | list):
        count = whole(axes, "the number of axes that meet")
        if not 0 <= count <= min(left, right):
            raise MismatchError(f"{count} axes cannot meet where there are {left} and {right}")
        axes = (tuple(range(left - count, left)), tuple(range(count)))
    lists: list[Any] = list(cast("list[Any]", axes))
    if len(lists) != 2 or not all(isinstance(one, tuple | list) for one in lists):
        raise MismatchError(f"axes are a number or two lists of axes, not {axes!r}")
    first, second = (
        [front_axis(i, rank) for i in one] for one, rank in zip(lists, (left, right), strict=True)
    )
    if len(first) != len(second) or len(set(first)) != len(first) or len(set(second)) != len(second):
        raise MismatchError(f"axes {tuple(lists)} do not pair distinct axes")
    return sorted(zip(first, second, strict=True))


def _free(pairs: Sequence[tuple[int, int]], left: int, right: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes of either operand that meet none."""
    met, others = {i for i, _ in pairs}, {j for _, j in pairs}
    return tuple(i for i in range(left) if i not in met), tuple(j for j in range(right) if j not in others)


def _placed(x: Value, axes: Sequence[int]) -> Value:
    """Return x with its axes put where they belong, given the place of each."""
    return lookup("permute_dims")(x, axes=tuple(axes.index(place) for place in range(x.ndim)))


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
