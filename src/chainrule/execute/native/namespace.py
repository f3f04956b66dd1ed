"""The array namespace that forward rules are written against, for programs being written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

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
    expanded,
    permuted,
    sliced,
    with_axis,
    without_axis,
)
from chainrule.execute.native.symbols import (
    COMPARISONS,
    FLOAT_FUNCTIONS,
    TESTS,
    Symbol,
    UntraceableError,
    apply,
    assemble,
    in_memory,
    matmul,
    number,
    reshape,
)

_MAPS = (
    COMPARISONS
    | TESTS
    | FLOAT_FUNCTIONS
    | {"sign", "floor", "ceil", "abs", "maximum", "minimum", "subtract", "multiply", "negative"}
)


class Namespace:
    """NumPy's functions on symbols: those of them that forward rules use."""

    float64, float32, int64, uint32, bool = DOUBLE, REAL, INDEX, WORD, BOOL
    nan, inf, pi, newaxis = math.nan, math.inf, math.pi, None

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        if name not in _MAPS:
            raise UntraceableError(f"xp.{name}")
        return partial(self._map, name)

    def _map(self, name: str, *operands: Any) -> Symbol:
        if not any(isinstance(x, Symbol) for x in operands):
            raise UntraceableError(f"xp.{name} of numbers alone")
        return apply(self._nodes, name, operands)

    def where(self, condition: Symbol, a: Any, b: Any) -> Symbol:
        return apply(self._nodes, "where", (condition, a, b))

    def square(self, x: Symbol) -> Symbol:
        return x * x

    def clip(self, x: Symbol, low: Any, high: Any) -> Symbol:
        return self._map("minimum", self._map("maximum", x, low), high)

    def asarray(self, item: Any, dtype: DType | None = None) -> Symbol:
        if isinstance(item, Symbol):
            return item if dtype is None else item.astype(dtype)
        array = np.asarray(item)
        if array.size != 1:
            raise UntraceableError("an array of several numbers")
        default = {"f": DOUBLE, "i": INDEX, "u": INDEX, "b": BOOL}[array.dtype.kind]
        view = number(self._nodes, array.item(), dtype or default)
        return Symbol(self._nodes, expanded(view, array.shape))

    def arange(self, stop: int, dtype: DType = INDEX) -> Symbol:
        counts = self._nodes.make("count", "", (), (), dtype)
        axis = expanded(counts, (stop,))
        return Symbol(self._nodes, type(counts)(axis.node, (stop,), (1 if stop > 1 else 0,)))

    def zeros(self, shape: Shape, dtype: DType = REAL) -> Symbol:
        return self._full(shape, 0, dtype)

    def ones_like(self, x: Symbol) -> Symbol:
        return self._full(x.shape, 1, x.dtype)

    def zeros_like(self, x: Symbol) -> Symbol:
        return self._full(x.shape, 0, x.dtype)

    def full_like(self, x: Symbol, value: float) -> Symbol:
        return self._full(x.shape, value, x.dtype)

    def _full(self, shape: Shape, value: float, dtype: DType) -> Symbol:
        return Symbol(self._nodes, expanded(number(self._nodes, value, dtype), shape))

    def broadcast_to(self, x: Symbol, shape: Shape) -> Symbol:
        return x.of(expanded(x.view, tuple(shape)))

    def reshape(self, x: Symbol, shape: Sequence[int]) -> Symbol:
        return reshape(x, shape)

    def permute_dims(self, x: Symbol, axes: Sequence[int]) -> Symbol:
        return x.of(permuted(x.view, axes))

    def moveaxis(self, x: Symbol, source: Any, destination: Any) -> Symbol:
        places = np.moveaxis(np.zeros((1,) * x.ndim), source, destination)  # checks the arguments
        assert places.ndim == x.ndim  # noqa: S101 - a move keeps all axes
        sources, targets = ([axis % x.ndim for axis in np.atleast_1d(axes)] for axes in (source, destination))
        order = [axis for axis in range(x.ndim) if axis not in sources]
        for target, origin in sorted(zip(targets, sources, strict=True)):
            order.insert(target, origin)
        return x.of(permuted(x.view, order))

    def flip(self, x: Symbol, axis: int) -> Symbol:
        return x.of(sliced(x.view, axis, slice(None, None, -1)))

    def expand_dims(self, x: Symbol, axis: int) -> Symbol:
        return x.of(with_axis(x.view, axis % (x.ndim + 1)))

    def squeeze(self, x: Symbol, axis: int) -> Symbol:
        return x.of(without_axis(x.view, axis % x.ndim))

    def concat(self, arrays: Sequence[Symbol], axis: int) -> Symbol:
        axis = axis % arrays[0].ndim
        shape = list(arrays[0].shape)
        shape[axis] = sum(x.shape[axis] for x in arrays)
        return self._joined(arrays, tuple(shape), axis)

    def stack(self, arrays: Sequence[Symbol], axis: int = 0) -> Symbol:
        axis = axis % (arrays[0].ndim + 1)
        return self.concat([self.expand_dims(x, axis) for x in arrays], axis)

    def pad(self, x: Symbol, widths: Sequence[tuple[int, int]]) -> Symbol:
        for axis, (before, after) in enumerate(widths):
            parts = [self._band(x, axis, before), x, self._band(x, axis, after)]
            kept = [part for part in parts if part.shape[axis]]
            x = self.concat(kept, axis) if len(kept) > 1 else x
        return x

    def _band(self, x: Symbol, axis: int, width: int) -> Symbol:
        return self.zeros((*x.shape[:axis], width, *x.shape[axis + 1 :]), x.dtype)

    def _joined(self, arrays: Sequence[Symbol], shape: Shape, axis: int) -> Symbol:
        strides = self._nodes.layout.strides(shape)
        dtype = max((x.dtype for x in arrays), key=lambda dtype: dtype.kind == "f")
        parts: list[tuple[Any, tuple[int, ...], int]] = []
        begin = 0
        for x in (some for some in arrays if some.size):
            parts.append((x.astype(dtype).view, strides, begin * strides[axis]))
            begin += x.shape[axis]
        return assemble(self._nodes, shape, dtype, parts)

    def sum(self, x: Symbol, axis: Any = None, *, keepdims: bool = False) -> Symbol:
        return self._reduce("sum", x, axis, keepdims)

    def prod(self, x: Symbol, axis: Any = None, *, keepdims: bool = False) -> Symbol:
        return self._reduce("prod", x, axis, keepdims)

    def max(self, x: Symbol, axis: Any = None, *, keepdims: bool = False) -> Symbol:
        return self._reduce("max", x, axis, keepdims)

    def min(self, x: Symbol, axis: Any = None, *, keepdims: bool = False) -> Symbol:
        return self._reduce("min", x, axis, keepdims)

    def mean(self, x: Symbol, axis: Any = None, *, keepdims: bool = False) -> Symbol:
        total = self.sum(x, axis, keepdims=keepdims)
        return total / self._count(x, total)

    def var(self, x: Symbol, axis: Any = None, *, keepdims: bool = False) -> Symbol:
        return self.mean(self.square(x - self.mean(x, axis, keepdims=True)), axis, keepdims=keepdims)

    def vecdot(self, a: Symbol, b: Symbol) -> Symbol:
        return self.sum(a * b, -1)

    def _count(self, x: Symbol, total: Symbol) -> Symbol:
        """Return how many elements were put together in each of a reduction's results."""
        count = x.size // total.size
        return Symbol(self._nodes, self._nodes.make("size", str(count), (), (), DOUBLE, float(count)))

    def _reduce(self, name: str, x: Symbol, axis: Any, keepdims: bool) -> Symbol:
        axes = tuple(range(x.ndim)) if axis is None else tuple(int(a) % x.ndim for a in np.atleast_1d(axis))
        shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        if all(x.shape[i] == 1 for i in axes):
            kept = x
        else:
            dtype = DOUBLE if all(n == 1 for n in shape) and not keepdims else x.dtype
            made = self._nodes.make("reduce", name, (x.view,), shape, dtype, axes)
            kept = x.of(made)
        if keepdims:
            return kept
        left = reshape(kept, tuple(n for i, n in enumerate(x.shape) if i not in axes))
        return left.astype(DOUBLE) if left.shape == () else left

    def cumsum(self, x: Symbol, axis: int) -> Symbol:
        return x.of(
            self._nodes.make(
                "scan", "sum", (in_memory(self._nodes, x.view),), x.shape, x.dtype, axis % x.ndim
            )
        )

    def cumprod(self, x: Symbol, axis: int) -> Symbol:
        return x.of(
            self._nodes.make(
                "scan", "prod", (in_memory(self._nodes, x.view),), x.shape, x.dtype, axis % x.ndim
            )
        )

    def argmax(self, x: Symbol, axis: int) -> Symbol:
        axis = axis % x.ndim
        shape = x.shape[:axis] + x.shape[axis + 1 :]
        return x.of(self._nodes.make("argmax", "", (in_memory(self._nodes, x.view),), shape, INDEX, axis))

    def tril(self, x: Symbol, k: int = 0) -> Symbol:
        row, column = self.arange(x.shape[-2])[:, None], self.arange(x.shape[-1])
        return self.where(column - row <= k, x, 0.0)

    def matmul(self, a: Symbol, b: Symbol) -> Symbol:
        return matmul(a, b)

    def tensordot(self, a: Symbol, b: Symbol, axes: Any) -> Symbol:
        """Return the sum of products over pairs of axes; the other axes stay, a's before b's."""
        pairs = (range(a.ndim - axes, a.ndim), range(axes)) if isinstance(axes, int) else axes
        ours, theirs = (
            tuple(int(axis) % x.ndim for axis in np.atleast_1d(some))
            for x, some in zip((a, b), pairs, strict=True)
        )
        kept_a = [i for i in range(a.ndim) if i not in ours]
        kept_b = [i for i in range(b.ndim) if i not in theirs]
        depth = math.prod(a.shape[i] for i in ours)
        left = reshape(self.permute_dims(a, (*kept_a, *ours)), (-1, depth))
        right = reshape(self.permute_dims(b, (*theirs, *kept_b)), (depth, -1))
        shape = (*(a.shape[i] for i in kept_a), *(b.shape[i] for i in kept_b))
        made = reshape(matmul(left, right), shape)
        return made.astype(DOUBLE) if shape == () else made

    def take(self, x: Symbol, indices: Symbol, axis: int) -> Symbol:
        axis = axis % x.ndim
        shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
        return x.of(
            self._nodes.make(
                "take",
                "",
                (in_memory(self._nodes, x.view), in_memory(self._nodes, indices.view)),
                shape,
                x.dtype,
                axis,
            )
        )

    def take_along_axis(self, x: Symbol, indices: Symbol, axis: int) -> Symbol:
        """Return the chosen elements of an axis as sums over where the axis' count is the index."""
        axis = axis % x.ndim
        if indices.shape[axis] != 1:
            raise UntraceableError("take_along_axis of several indices")
        counts = self.arange(x.shape[axis])[(slice(None), *(None,) * (x.ndim - axis - 1))]
        return self.sum(self.where(counts == indices, x, 0.0), axis, keepdims=True)

    @property
    def add(self) -> _Add:
        return _Add(self._nodes)


class _Add:
    """NumPy's `add`: a function, and in place at indices as `add.at`."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def __call__(self, a: Any, b: Any) -> Symbol:
        return apply(self._nodes, "add", (a, b))

    def at(self, total: Symbol, indices: Symbol, rows: Symbol) -> None:
        """Add each of the rows to the row of zeros that its index names; `total` becomes the result."""
        if total.view.node.kind != "number":
            raise UntraceableError("add.at to what is not zeros")
        solid = tuple(in_memory(self._nodes, x.view) for x in (rows, indices))
        made = self._nodes.make("scatter", "", solid, total.shape, rows.dtype)
        total.view = made
