"""Kernels that go along an axis in order: running sums, the place of the greatest, sums by index."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrule.execute.native import mathematics
from chainrule.execute.native.arrays import Layout, Node, View, expanded, without_axis
from chainrule.execute.native.code import COUNT, Register
from chainrule.execute.native.kernels.functions import combine, neutral, scalar_type
from chainrule.execute.native.kernels.loops import Kernel
from chainrule.execute.native.kernels.nest import Access, Loops, Nest


def scan_kernel(node: Node, layout: Layout, real: str) -> Kernel:
    """Return the kernel of a running sum or product along an axis."""
    return _Sequence(node, layout, real, node.detail).scan()


def argmax_kernel(node: Node, layout: Layout, real: str) -> Kernel:
    """Return the kernel of the first place of the greatest element, or of the first NaN, along an axis."""
    return _Sequence(node, layout, real, node.detail).argmax()


class _Sequence:
    """A kernel that goes along one axis, for each place of the others."""

    def __init__(self, node: Node, layout: Layout, real: str, axis: int) -> None:
        self.node, self.real = node, real
        source = node.inputs[0]
        target = layout.view(node)
        if target.ndim < source.ndim:
            steps = target.strides
            target = View(node, source.shape, (*steps[:axis], 0, *steps[axis:]))
        order = [i for i in range(source.ndim) if i != axis] + [axis]
        across = node.kind == "scan" and axis != source.ndim - 1 and source.shape[-1] > 1
        lanes = layout.lanes if across else 0
        sizes = tuple(source.shape[i] for i in order)
        loops = Loops(sizes, tuple(i == axis for i in order), len(order) - 2 if lanes else -1)
        accesses = [Access(v, tuple(v.strides[i] for i in order)) for v in (source, target)]
        self.nest = Nest(loops, accesses, real, lanes)
        self.lanes = lanes

    def scan(self) -> Kernel:
        """Write totals of all elements so far."""
        code, name = self.nest.code, self.node.function
        scalar = scalar_type(self.node.dtype, self.real)
        start = code.constant(f"<{self.lanes} x {scalar}>" if self.lanes else scalar, neutral(name))

        def along(index: Register, totals: tuple[Register, ...]) -> Sequence[Register]:
            self.nest.enter(index)
            total = combine(code, name, totals[0], self.nest.load(0))
            self.nest.store(1, total)
            self.nest.leave()
            return (total,)

        self._around(0, lambda: code.loop(code.whole(0), self.nest.sizes[-1], 1, (start,), along))
        return self._kernel()

    def argmax(self) -> Kernel:
        """Write the place at which an element is greater than all before, or NaN."""
        code, nest = self.nest.code, self.nest
        scalar = scalar_type(self.node.inputs[0].dtype, self.real)
        starts = (code.constant(scalar, float("-inf")), code.whole(0))

        def along(index: Register, best: tuple[Register, ...]) -> Sequence[Register]:
            nest.enter(index)
            x = nest.load(0)
            nest.leave()
            first = code.binary("and", self._is_nan(x), code.compare("ord", best[0], best[0]))
            better = code.binary("or", first, code.compare("ogt", x, best[0]))
            return (code.select(better, x, best[0]), code.select(better, index, best[1]))

        def one() -> None:
            _, place = code.loop(code.whole(0), nest.sizes[-1], 1, starts, along)
            nest.store(1, Register(COUNT, place.name))

        self._around(0, one)
        return self._kernel()

    def _is_nan(self, x: Register) -> Register:
        return mathematics.FUNCTIONS["isnan"](self.nest.code, x)

    def _around(self, level: int, inside: Callable[[], object]) -> None:
        """Write the loops over the other axes; the outermost does the units it is called with."""
        nest, code = self.nest, self.nest.code
        if level == len(nest.loops.sizes) - 1:
            inside()
            return
        step = nest.lanes if level == nest.loops.vector else 1
        begin, end = code.whole(0), nest.sizes[level]

        def body(index: Register, _: tuple[Register, ...]) -> Sequence[Register]:
            nest.enter(index)
            self._around(level + 1, inside)
            nest.leave()
            return ()

        code.loop(begin, end, step, (), body)

    def _kernel(self) -> Kernel:
        return Kernel(self.nest.code.text(), tuple(self.nest.cells), 1)


def scatter_kernel(node: Node, layout: Layout, real: str) -> Kernel:
    """Return the kernel that adds rows to the rows that an index names; the array begins as zeros."""
    rows, index = node.inputs
    count, rest = index.ndim, rows.shape[index.ndim :]
    whole = layout.view(node)
    target = expanded(_with_axes(without_axis(whole, 0), count), rows.shape)
    places = expanded(
        View(
            index.node, (*index.shape, *(1,) * len(rest)), (*index.strides, *(0,) * len(rest)), index.offset
        ),
        rows.shape,
    )
    axes = [i for i, n in enumerate(rows.shape) if n > 1]
    vector = len(axes) - 1 if axes and axes[-1] >= count else -1
    loops = Loops(tuple(rows.shape[i] for i in axes), (True,) * len(axes), vector)
    steps = [tuple(v.strides[i] for i in axes) for v in (rows, places, target)]
    accesses = [
        Access(rows, steps[0]),
        Access(places, steps[1]),
        Access(target, steps[2], False, 1, whole.strides[0]),
    ]
    nest = Nest(loops, accesses, real, layout.lanes)
    _add_rows(nest, 0)
    return Kernel(nest.code.text(), tuple(nest.cells), 1)


def _with_axes(view: View, count: int) -> View:
    return View(view.node, (*(1,) * count, *view.shape), (*(0,) * count, *view.strides), view.offset)


def _add_rows(nest: Nest, level: int) -> None:
    code, loops = nest.code, nest.loops
    if level == len(loops.sizes):
        nest.store(2, code.add(nest.load(2), nest.load(0)))
        return

    def body(index: Register, _: tuple[Register, ...]) -> Sequence[Register]:
        nest.enter(index)
        _add_rows(nest, level + 1)
        nest.leave()
        return ()

    code.loop(code.whole(0), nest.sizes[level], nest.lanes if level == loops.vector else 1, (), body)
