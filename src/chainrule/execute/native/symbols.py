"""Arrays whose operators write a program down instead of computing: what a forward rule is run on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import numpy as np

from chainrule.execute.native.arrays import (
    BOOL,
    DOUBLE,
    INDEX,
    REAL,
    WORD,
    DType,
    Nodes,
    Shape,
    View,
    expanded,
    permuted,
    reshaped,
    sliced,
    with_axis,
    without_axis,
)
from chainrule.execute.native.simplify import simplified

Number: TypeAlias = "int | float | np.number[Any]"
COMPARISONS = frozenset(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"))
TESTS = frozenset(("isnan", "isinf", "isfinite"))
_ORDER = {BOOL: 0, WORD: 1, INDEX: 2, REAL: 3, DOUBLE: 4}
FLOAT_FUNCTIONS = frozenset(
    ("divide", "exp", "expm1", "log", "log1p", "tanh", "sinh", "cosh", "sqrt", "sin", "cos", "power")
)


class UntraceableError(Exception):
    """A forward rule does something that has no native form."""


class Symbol:
    """An array of a program being written down; it has NumPy's operators and no numbers.

    Attributes:
        nodes: the program.
        view: where the elements lie.
    """

    __array_ufunc__ = None

    def __init__(self, nodes: Nodes, view: View) -> None:
        self.nodes, self.view = nodes, view

    @property
    def shape(self) -> Shape:
        """The size of each axis."""
        return self.view.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.view.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self.view.dtype

    @property
    def T(self) -> Symbol:  # noqa: N802 - NumPy's own name
        """The array with its axes in reverse order."""
        return self.of(permuted(self.view, tuple(reversed(range(self.ndim)))))

    def of(self, view: View) -> Symbol:
        """Return another array of the same program."""
        return Symbol(self.nodes, view)

    def astype(self, dtype: DType) -> Symbol:
        """Return the elements as another type."""
        if self.dtype in (REAL, DOUBLE) and dtype in (REAL, DOUBLE) and self.shape == ():
            dtype = DOUBLE
        return self if dtype == self.dtype else apply(self.nodes, "convert", (self,), dtype)

    def reshape(self, *shape: Any) -> Symbol:
        """Return the elements, in the same order, in another shape."""
        return reshape(self, shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape)

    def __getitem__(self, key: Any) -> Symbol:
        parts = key if isinstance(key, tuple) else (key,)
        taken = sum(1 for part in parts if part is not None and part is not Ellipsis)
        if Ellipsis in parts:
            at = parts.index(Ellipsis)
            parts = parts[:at] + (slice(None),) * (self.ndim - taken) + parts[at + 1 :]
        view, axis = self.view, 0
        for part in parts:
            view, axis = _taken(view, axis, part)
        return self.of(view)

    def __bool__(self) -> bool:
        raise UntraceableError("the truth of an array is not known before it is computed")

    def __add__(self, other: Any) -> Symbol:
        return apply(self.nodes, "add", (self, other))

    def __radd__(self, other: Any) -> Symbol:
        return apply(self.nodes, "add", (other, self))

    def __sub__(self, other: Any) -> Symbol:
        return apply(self.nodes, "subtract", (self, other))

    def __rsub__(self, other: Any) -> Symbol:
        return apply(self.nodes, "subtract", (other, self))

    def __mul__(self, other: Any) -> Symbol:
        return apply(self.nodes, "multiply", (self, other))

    def __rmul__(self, other: Any) -> Symbol:
        return apply(self.nodes, "multiply", (other, self))

    def __truediv__(self, other: Any) -> Symbol:
        return apply(self.nodes, "divide", (self, other))

    def __rtruediv__(self, other: Any) -> Symbol:
        return apply(self.nodes, "divide", (other, self))

    def __pow__(self, other: Any) -> Symbol:
        return apply(self.nodes, "power", (self, other))

    def __rpow__(self, other: Any) -> Symbol:
        return apply(self.nodes, "power", (other, self))

    def __matmul__(self, other: Symbol) -> Symbol:
        return matmul(self, other)

    def __neg__(self) -> Symbol:
        return apply(self.nodes, "negative", (self,))

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return apply(self.nodes, "abs", (self,))

    def __xor__(self, other: Any) -> Symbol:
        return apply(self.nodes, "bitwise_xor", (self, other))

    def __or__(self, other: Any) -> Symbol:
        return apply(self.nodes, "bitwise_or", (self, other))

    def __and__(self, other: Any) -> Symbol:
        return apply(self.nodes, "bitwise_and", (self, other))

    def __invert__(self) -> Symbol:
        return apply(self.nodes, "bitwise_not", (self,))

    def __lshift__(self, other: Any) -> Symbol:
        return apply(self.nodes, "shift_left", (self, other))

    def __rshift__(self, other: Any) -> Symbol:
        return apply(self.nodes, "shift_right", (self, other))

    def __lt__(self, other: Any) -> Symbol:
        return apply(self.nodes, "less", (self, other))

    def __le__(self, other: Any) -> Symbol:
        return apply(self.nodes, "less_equal", (self, other))

    def __gt__(self, other: Any) -> Symbol:
        return apply(self.nodes, "greater", (self, other))

    def __ge__(self, other: Any) -> Symbol:
        return apply(self.nodes, "greater_equal", (self, other))

    def __eq__(self, other: object) -> Symbol:  # type: ignore[override]  # element by element, as NumPy's
        return apply(self.nodes, "equal", (self, other))

    def __ne__(self, other: object) -> Symbol:  # type: ignore[override]  # element by element, as NumPy's
        return apply(self.nodes, "not_equal", (self, other))

    __hash__ = None  # type: ignore[assignment]  # equal element by element, so not to be hashed
    __iter__ = None


def apply(nodes: Nodes, function: str, operands: Sequence[Any], dtype: DType | None = None) -> Symbol:
    """Return a function of arrays and numbers, element by element, broadcast to one shape."""
    arrays = [x.view for x in operands if isinstance(x, Symbol)]
    shape = np.broadcast_shapes(*(view.shape for view in arrays))
    made = dtype or result_dtype(function, operands, shape)
    views = tuple(expanded(_operand(nodes, x, operands, made), shape) for x in operands)
    return Symbol(
        nodes, simplified(nodes, function, views, made) or nodes.make("map", function, views, shape, made)
    )


def _operand(nodes: Nodes, x: Any, operands: Sequence[Any], made: DType) -> View:
    if isinstance(x, Symbol):
        return x.view
    if not isinstance(x, int | float | np.number):
        raise UntraceableError(f"{type(x).__name__} among arrays")
    others = [other.dtype for other in operands if isinstance(other, Symbol)]
    common = max(others, key=lambda dtype: _ORDER[dtype])
    floating = isinstance(x, float | np.floating)
    return number(nodes, x, made if made.kind == "f" else REAL if floating and common.kind != "f" else common)


def result_dtype(function: str, operands: Sequence[Any], shape: Shape) -> DType:
    """Return the type of a function's result: double for scalars, else the widest of the operands."""
    if function in COMPARISONS or function in TESTS:
        return BOOL
    members = operands[1:] if function == "where" else operands
    floats = any(isinstance(x, float | np.floating) for x in members) or function in FLOAT_FUNCTIONS
    arrays = [x.view for x in members if isinstance(x, Symbol)]
    if floats or any(view.dtype.kind == "f" for view in arrays):
        wide = any(view.dtype == DOUBLE and view.shape != () for view in arrays)
        return DOUBLE if wide or shape == () else REAL
    kinds = [view.dtype for view in arrays] or [INDEX]
    return max(kinds, key=lambda dtype: _ORDER[dtype])


def number(nodes: Nodes, value: Number, dtype: DType) -> View:
    """Return a number that is written into the code."""
    plain = float(value) if dtype.kind == "f" else int(value)
    return nodes.make("number", repr(plain), (), (), dtype, plain)


def reshape(x: Symbol, shape: Sequence[int]) -> Symbol:
    """Return the elements, in the same order, in another shape; at most one size may be −1."""
    known = int(np.prod([n for n in shape if n != -1]))
    wanted = tuple(int(n) if n != -1 else x.size // max(known, 1) for n in shape)
    if int(np.prod(wanted)) != x.size:
        raise UntraceableError(f"{x.shape} has not the number of elements of {wanted}")
    moved = reshaped(x.view, wanted) or _recounted(x.nodes, x.view, wanted)
    if moved is None:
        flat = assemble(x.nodes, (x.size,), x.dtype, [(x.view, _row_major(x.shape), 0)])
        moved = reshaped(flat.view, wanted)
    assert moved is not None  # noqa: S101 - a run of elements takes any shape
    return x.of(moved)


def _recounted(nodes: Nodes, view: View, shape: Shape) -> View | None:
    """Return a map of nothing but counts and single numbers in another shape: it is computed there."""
    node = view.node
    if node.kind != "map" or view != nodes.layout.view(node):
        return None
    inputs: list[View] = []
    for x in node.inputs:
        if x.is_single:
            single = View(x.node, (1,) * len(shape), (0,) * len(shape), x.offset)
            inputs.append(expanded(single, shape))
            continue
        moved = reshaped(x, shape) if x.node.kind == "count" else _recounted(nodes, x, shape)
        if moved is None:
            return None
        inputs.append(moved)
    return nodes.make("map", node.function, tuple(inputs), shape, node.dtype)


def assemble(
    nodes: Nodes, shape: Shape, dtype: DType, parts: Sequence[tuple[View, tuple[int, ...], int]]
) -> Symbol:
    """Return an array put together of parts, each with the strides and the offset where it goes."""
    views = tuple(view for view, _, _ in parts)
    places = tuple((strides, offset) for _, strides, offset in parts)
    return Symbol(nodes, nodes.make("assemble", "", views, shape, dtype, places))


def _row_major(shape: Shape) -> tuple[int, ...]:
    steps = np.cumprod((1, *reversed(shape[1:])))[::-1] if shape else ()
    return tuple(0 if n == 1 else int(step) for n, step in zip(shape, steps, strict=True))


def _taken(view: View, axis: int, part: Any) -> tuple[View, int]:
    """Return what one part of an index leaves of a view, and the axis that the next part is for."""
    if part is None:
        return with_axis(view, axis), axis + 1
    if isinstance(part, slice):
        return sliced(view, axis, cast("slice[Any, Any, Any]", part)), axis + 1
    if isinstance(part, int):
        return without_axis(view, axis, part % view.shape[axis]), axis
    raise UntraceableError(f"an index of {type(part).__name__}")


def matmul(a: Symbol, b: Symbol) -> Symbol:
    """Return the product over a's last axis and b's last but one; vectors are a row left, a column right."""
    left = a[None, :] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    # A sum of one term is a product of elements, which other functions of elements can be joined to.
    made = left * right if left.shape[-1] == 1 else _product(left, right)
    made = made[..., 0] if b.ndim == 1 else made
    if a.ndim == 1:
        made = made[..., 0, :] if b.ndim > 1 else made[..., 0]
    return made.astype(DOUBLE) if made.shape == () else made


def _product(left: Symbol, right: Symbol) -> Symbol:
    if left.shape[:-1] == (1,) and right.ndim == 2 and right.shape[1] > 1 and right.view.strides[0] == 1:
        # One row times a transposed matrix is that matrix times a column, with no need to lay it down anew.
        return _product(right.T, left.T).T
    before = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    shape = (*before, left.shape[-2], right.shape[-1])
    views = _operands(left.nodes, left.view, right.view, before)
    return left.of(left.nodes.make("product", "", views, shape, REAL))


def _operands(nodes: Nodes, left: View, right: View, before: Shape) -> tuple[View, View]:
    """Return the operands as a product reads them: a transposed matrix on the right in panels."""
    left = expanded(in_memory(nodes, left), (*before, *left.shape[-2:]))
    depth, columns = right.shape[-2:]
    if not before and depth > 1 and columns > 1 and right.strides[-2] == 1 and right.node.kind != "count":
        width = nodes.layout.panel
        panels = -(-columns // width), nodes.layout.padded(depth) * width
        return left, nodes.make("packed", "", (right,), panels, REAL, columns)
    right = _in_rows(nodes, right)
    return left, expanded(right, (*before, *right.shape[-2:]))


def _in_rows(nodes: Nodes, view: View) -> View:
    """Return a view of memory in which the elements of a row follow on one another."""
    gaps = view.shape[-1] > 1 and view.strides[-1] != 1
    return copied(nodes, view) if gaps else in_memory(nodes, view)


def in_memory(nodes: Nodes, view: View) -> View:
    """Return a view of memory: of a copy where the elements are numbers that are never stored."""
    return copied(nodes, view) if view.node.kind in ("number", "count") else view


def copied(nodes: Nodes, view: View) -> View:
    """Return the same elements, laid down anew."""
    return nodes.make("map", "convert", (view,), view.shape, view.dtype)
