"""Arrays as programs see them: nodes that make them, and views that say where each element lies."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

Shape = tuple[int, ...]
_UNEVEN = 256


@dataclass(frozen=True)
class DType:
    """The type of an array's elements.

    Attributes:
        name: real is the precision of the computation, double that of its scalars; word has 32 bits.
        kind: NumPy's letter for it.
    """

    name: str
    kind: str

    def __repr__(self) -> str:
        return self.name


REAL, DOUBLE = DType("real", "f"), DType("double", "f")
INDEX, WORD, BOOL = DType("index", "i"), DType("word", "u"), DType("bool", "b")


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """What makes an array; equal only to itself.

    Attributes:
        kind: leaf, number, size, count, map, reduce, product, assemble, take, scatter, scan, argmax or call.
        function: which one of its kind, such as the name of a map's function.
        inputs: views of the arrays it is made of.
        shape: of the array, as stored.
        dtype: of its elements.
        detail: what else its kind needs.
    """

    kind: str
    function: str
    inputs: tuple[View, ...]
    shape: Shape
    dtype: DType
    detail: Any = None

    def __repr__(self) -> str:
        return f"{self.kind} {self.function} {self.shape} {self.dtype}"


@dataclass(frozen=True)
class View:
    """Elements of a node's array: element i, j, … lies at offset + i·stride₀ + j·stride₁ + …

    The array of a `count` node holds 0, 1, 2, … without end and is never stored.
    """

    node: Node
    shape: Shape
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self.node.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def is_single(self) -> bool:
        """Whether all elements lie at one place."""
        return all(stride == 0 for size, stride in zip(self.shape, self.strides, strict=True) if size > 1)


@dataclass(frozen=True)
class Layout:
    """How arrays lie in memory: row by row, rows padded to whole vectors.

    Long rows whose length is a large power of two get a vector more: else their elements of one column would
    all fall on the same few places of a cache.

    Attributes:
        lanes: elements in a vector.
        panel: columns of a matrix that is laid down in panels.
    """

    lanes: int
    panel: int = 32

    def strides(self, shape: Shape) -> tuple[int, ...]:
        """Return the step from one element to the next along each axis; 0 along an axis of size 1.

        >>> Layout(16).strides((3, 10)), Layout(16).strides((3, 1)), Layout(16).strides((1, 10))
        ((16, 1), (1, 0), (0, 1))
        """
        steps: list[int] = []
        step, padded = 1, False
        for size in reversed(shape):
            steps.append(0 if size == 1 else step)
            if size > 1:
                step *= size if padded else self.row(size)
                padded = True
        return tuple(reversed(steps))

    def padded(self, count: int) -> int:
        """Return a count made up to whole vectors."""
        return -(-count // self.lanes) * self.lanes

    def row(self, count: int) -> int:
        """Return how many elements a row of several takes."""
        padded = self.padded(count)
        return padded + self.lanes if padded % _UNEVEN == 0 else padded

    def elements(self, shape: Shape) -> int:
        """Return how many elements a stored array takes, padding included."""
        axes = [size for size in shape if size > 1]
        return math.prod(axes[:-1]) * self.row(axes[-1]) if axes else 1

    def view(self, node: Node) -> View:
        """Return the whole of a node's array."""
        return View(node, node.shape, self.strides(node.shape))


def expanded(view: View, shape: Shape) -> View:
    """Return a view broadcast to a shape, by NumPy's rule."""
    extra = len(shape) - view.ndim
    old = (1,) * extra + view.shape
    steps = (0,) * extra + view.strides
    strides = [0 if n == 1 and m != 1 else step for n, m, step in zip(old, shape, steps, strict=True)]
    return View(view.node, shape, tuple(strides), view.offset)


def permuted(view: View, axes: Sequence[int]) -> View:
    """Return a view with its axes in another order."""
    shape, strides = (tuple(of[axis] for axis in axes) for of in (view.shape, view.strides))
    return View(view.node, shape, strides, view.offset)


def sliced(view: View, axis: int, part: slice) -> View:
    """Return every step-th element along an axis, by Python's rule for slices."""
    start, stop, step = part.indices(view.shape[axis])
    size = len(range(start, stop, step))
    shape, strides = list(view.shape), list(view.strides)
    offset = view.offset + start * strides[axis]
    shape[axis], strides[axis] = size, strides[axis] * step
    return View(view.node, tuple(shape), tuple(strides), offset)


def without_axis(view: View, axis: int, at: int = 0) -> View:
    """Return the part at one place of an axis, which is left out."""
    offset = view.offset + at * view.strides[axis]
    shape, strides = (of[:axis] + of[axis + 1 :] for of in (view.shape, view.strides))
    return View(view.node, shape, strides, offset)


def with_axis(view: View, axis: int) -> View:
    """Return a view with a new axis of size 1."""
    shape = (*view.shape[:axis], 1, *view.shape[axis:])
    return View(view.node, shape, (*view.strides[:axis], 0, *view.strides[axis:]), view.offset)


def reshaped(view: View, shape: Shape) -> View | None:
    """Return the elements in the same order in another shape; None where no strides say so."""
    runs = _runs(view)
    strides: list[int] = []
    size, step = 1, 0
    for wanted in reversed(shape):
        if wanted == 1:
            strides.append(0)
            continue
        if size == 1:
            if not runs:
                return None
            size, step = runs.pop()
        if size % wanted:
            return None
        strides.append(step)
        size, step = size // wanted, step * wanted
    return View(view.node, shape, tuple(reversed(strides)), view.offset) if size == 1 and not runs else None


def _runs(view: View) -> list[tuple[int, int]]:
    """Return (elements, step) of the axes, neighbors that make one even run put together."""
    runs: list[tuple[int, int]] = []
    for size, stride in zip(view.shape, view.strides, strict=True):
        if size == 1:
            continue
        if runs and runs[-1][1] == size * stride:
            runs[-1] = (runs[-1][0] * size, stride)
        else:
            runs.append((size, stride))
    return runs


class Nodes:
    """All nodes of a program, structurally equal ones shared.

    Attributes:
        layout: how they are stored.
        order: nodes in the order in which they were made, inputs before users.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.order: list[Node] = []
        self._known: dict[Hashable, Node] = {}

    def make(
        self,
        kind: str,
        function: str,
        inputs: tuple[View, ...],
        shape: Shape,
        dtype: DType,
        detail: Hashable = None,
    ) -> View:
        """Return the array of a new node, or of a known one that is equal."""
        key = (kind, function, inputs, shape, dtype, detail)
        node = self._known.get(key)
        if node is None:
            node = Node(kind, function, inputs, shape, dtype, detail)
            self._known[key] = node
            self.order.append(node)
        return self.layout.view(node)

    def known(
        self, kind: str, function: str, inputs: tuple[View, ...], shape: Shape, dtype: DType
    ) -> View | None:
        """Return the array of a node that was made before, None where there is none."""
        node = self._known.get((kind, function, inputs, shape, dtype, None))
        return None if node is None else self.layout.view(node)
