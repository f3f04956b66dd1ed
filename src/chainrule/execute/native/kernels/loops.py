"""Kernels that compute elements in loops: functions of elements, and what puts elements together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from chainrule.execute.native.arrays import Layout, Node, Shape, View
from chainrule.execute.native.code import Register
from chainrule.execute.native.kernels.functions import (
    COMPARED,
    combine,
    compute,
    converted,
    folded,
    neutral,
    scalar_type,
)
from chainrule.execute.native.kernels.nest import Access, Cell, Entry, Loops, Nest

Source: TypeAlias = "Node | View"


@dataclass(frozen=True)
class Kernel:
    """A kernel and what it is called with.

    Attributes:
        text: the module, in LLVM's words.
        cells: its arguments; a view stands for the address of its first element.
        units: how many parts its work has.
        grain: by how many they are best handed out.
        work: about how many operations on numbers it takes.
    """

    text: str
    cells: tuple[Cell, ...]
    units: int
    grain: int = 1
    work: int = 0

    @property
    def texts(self) -> list[str]:
        """Its module, and those of the functions it calls."""
        return [self.text, *(cell.text for cell in self.cells if isinstance(cell, Entry))]


@dataclass(frozen=True)
class Store:
    """Elements to be kept.

    Attributes:
        source: a map of the same kernel, or the view that is copied.
        view: where they go.
        guarded: whether what follows a row must be left alone.
    """

    source: Source
    view: View
    guarded: bool = False


@dataclass
class Work:
    """What one kernel computes.

    Attributes:
        shape: the elements that the loops run over.
        maps: functions of elements, inputs before users.
        stores: which of them are kept, and where.
        reductions: nodes that put elements together, each over `reduced`.
        reduced: axes of the shape.
        indexed: for a view that is read at places named by an index: the index, and the stride of a step.
    """

    shape: Shape
    maps: list[Node] = field(default_factory=list[Node])
    stores: list[Store] = field(default_factory=list[Store])
    reductions: list[Node] = field(default_factory=list[Node])
    reduced: tuple[int, ...] = ()
    indexed: Mapping[View, tuple[View, int]] = field(default_factory=dict[View, tuple[View, int]])
    guarded: frozenset[View] = frozenset()


class LoopKernel:
    """One kernel being written.

    Args:
        work: what it computes.
        layout: how arrays are stored.
        real: float or double.
    """

    def __init__(self, work: Work, layout: Layout, real: str) -> None:
        self.work, self.layout, self.real = work, layout, real
        self._own = set(work.maps)
        self._loads = self._views_read()
        self._numbers = {view: i for i, view in enumerate(self._loads)}
        targets = [store.view for store in work.stores]
        results = [layout.view(node) for node in work.reductions]
        self._first_store = len(self._loads)
        self._first_result = self._first_store + len(targets)
        views = [*self._loads, *targets, *results]
        guarded = [view in work.guarded for view in self._loads]
        guarded += [store.guarded for store in work.stores] + [False] * len(results)
        self._loops, strides = self._plan(views)
        self._accesses = [self._access(*each) for each in zip(views, strides, guarded, strict=True)]
        self._values: dict[tuple[Source, str], Register] = {}

    def write(self) -> Kernel:
        """Return the kernel."""
        self._open(Nest(self._loops, self._accesses, self.real, self.layout.lanes))
        self._run(0, ())
        loops = self.nest.loops
        units = 1
        if loops.sizes and not loops.reduced[0]:
            units = -(-loops.sizes[0] // self._step(0))
        each = len(self.work.maps) + len(self.work.stores) + len(self.work.reductions)
        return Kernel(self.code.text(), tuple(self.nest.cells), units, 1, math.prod(loops.sizes) * each)

    def _open(self, nest: Nest) -> None:
        self.nest, self.code = nest, nest.code
        self._levels = self._levels_of_maps()

    def _views_read(self) -> list[View]:
        """Return the views that are loaded, each once; those that place another one are among them."""
        read: dict[View, None] = {}
        sources: list[Source] = [x for node in self.work.maps for x in node.inputs]
        sources += [store.source for store in self.work.stores]
        sources += [node.inputs[0] for node in self.work.reductions]
        for source in sources:
            if isinstance(source, View) and not self._is_own(source):
                read[source] = None
                if source in self.work.indexed:
                    read[self.work.indexed[source][0]] = None
        return list(read)

    def _is_own(self, view: View) -> bool:
        return view.node in self._own and view == self.layout.view(view.node)

    def _access(self, view: View, strides: tuple[int, ...], guarded: bool) -> Access:
        if view not in self.work.indexed:
            return Access(view, strides, guarded)
        index, step = self.work.indexed[view]
        return Access(view, strides, guarded, self._numbers[index], step)

    def _plan(self, views: Sequence[View]) -> tuple[Loops, list[tuple[int, ...]]]:
        """Return the loops: axes of size 1 left out, those kept before those reduced, neighbors merged."""
        shape, reduced = self.work.shape, self.work.reduced
        axes = [axis for axis, size in enumerate(shape) if size > 1]
        last = axes[-1] if axes else -1
        order = sorted(axes, key=lambda axis: (axis in reduced, axis))
        sizes = [shape[axis] for axis in order]
        strides = [[view.strides[axis] for axis in order] for view in views]
        flags = [axis in reduced for axis in order]
        vector = order.index(last) if axes and self._takes_vectors(views, last) else -1
        if vector >= 0 and not any(flags) and self._may_run_over(views, last):
            sizes[vector] = self.layout.row(sizes[vector])
        return _merged(sizes, flags, vector, strides)

    def _takes_vectors(self, views: Sequence[View], last: int) -> bool:
        """An index that varies from lane to lane would place each lane apart."""
        return all(index.strides[last] == 0 for index, _ in self.work.indexed.values())

    def _may_run_over(self, views: Sequence[View], last: int) -> bool:
        """Tell whether rows may be computed with their padding, so that they follow on one another."""
        guarded = bool(self.work.guarded) or any(store.guarded for store in self.work.stores)
        return not guarded and all(view.strides[last] in (0, 1) for view in views)

    def _levels_of_maps(self) -> dict[Node, int]:
        levels = self._given()
        for node in self.work.maps:
            levels[node] = max((self._level(x, levels) for x in node.inputs), default=0)
        return levels

    def _given(self) -> dict[Node, int]:
        """Return the levels of what is computed elsewhere, but at hand."""
        return {}

    def _level(self, source: Source, levels: Mapping[Node, int]) -> int:
        """Return how many loops must be open before a source is known."""
        if isinstance(source, View):
            if not self._is_own(source):
                return self.nest.depth(self._numbers[source])
            source = source.node
        return levels[source]

    def _step(self, level: int) -> int:
        return self.layout.lanes if level == self.nest.loops.vector else 1

    def _run(self, level: int, totals: tuple[Register, ...]) -> tuple[Register, ...]:
        """Write everything inside the loops that are open; return what reductions have come to."""
        nest, loops = self.nest, self.nest.loops
        self._define(level)
        if level == len(loops.sizes):
            self._keep()
            return self._added(totals)
        starts = loops.reduced[level] and (level == 0 or not loops.reduced[level - 1])
        carried = self._starts() if starts else totals

        def body(index: Register, inside: tuple[Register, ...]) -> tuple[Register, ...]:
            nest.enter(index)
            new = self._run(level + 1, inside)
            nest.leave()
            return new

        begin, end = self._range(level)
        done = self.code.loop(begin, end, self._step(level), carried, body)
        if starts:
            self._finish(done)
        return () if starts else done

    def _range(self, level: int) -> tuple[Register, Register]:
        """Return where a loop begins and ends; the outermost does the units that are asked for."""
        code, size = self.code, self.nest.sizes[level]
        if level or self.nest.loops.reduced[0]:
            return code.whole(0), size
        step = code.whole(self._step(0))
        begin, end = (code.multiply(edge, step) for edge in code.arguments[1:])
        return begin, code.intrinsic("smin", end, size)

    def _define(self, level: int) -> None:
        """Load and compute what is known from this level on."""
        for number, view in enumerate(self._loads):
            if self.nest.depth(number) == level and not self._only_places(view):
                self._load(number, view)
        for node in self.work.maps:
            if self._levels[node] == level:
                operands = [self._value(x, _wanted(node, i, self.real)) for i, x in enumerate(node.inputs)]
                self._values[node, ""] = compute(self.code, node, operands, self.real)

    def _only_places(self, view: View) -> bool:
        return any(index == view for index, _ in self.work.indexed.values())

    def _load(self, number: int, view: View) -> None:
        """Load a view in each of the types it is used in; one number is converted before it is spread."""
        for ty in sorted(self._types_wanted(view)):
            if self.nest.is_vector(number) or view.node.kind in ("count", "number"):
                loaded = self.nest.load(number)
                self._values[view, ty] = converted(self.code, loaded, ty) if ty else loaded
            else:
                single = self.nest.load_single(number)
                narrow = converted(self.code, single, ty) if ty else single
                self._values[view, ty] = self.nest.spread(narrow)

    def _types_wanted(self, view: View) -> set[str]:
        types = {
            _wanted(node, i, self.real)
            for node in self.work.maps
            for i, x in enumerate(node.inputs)
            if x == view
        }
        types |= {_stored_type(s.view, self.real) for s in self.work.stores if s.source == view}
        return types | {"" for node in self.work.reductions if node.inputs[0] == view}

    def _value(self, source: Source, ty: str) -> Register:
        if isinstance(source, View) and not self._is_own(source):
            return self._values[source, ty]
        node = source.node if isinstance(source, View) else source
        return self._values[node, ""]

    def _keep(self) -> None:
        for i, store in enumerate(self.work.stores):
            ty = _stored_type(store.view, self.real)
            value = converted(self.code, self._value(store.source, ty), ty)
            self.nest.store(self._first_store + i, value)

    def _starts(self) -> tuple[Register, ...]:
        """Return what reductions start from."""
        code, lanes = self.code, self.nest.lanes
        starts: list[Register] = []
        for node in self.work.reductions:
            scalar = scalar_type(node.dtype, self.real)
            starts.append(code.constant(f"<{lanes} x {scalar}>" if lanes else scalar, neutral(node.function)))
        return tuple(starts)

    def _added(self, totals: tuple[Register, ...]) -> tuple[Register, ...]:
        """Write one step of each reduction; lanes beyond a row do not count."""
        code, loops = self.code, self.nest.loops
        new: list[Register] = []
        for node, total in zip(self.work.reductions, totals, strict=True):
            scalar = scalar_type(node.dtype, self.real)
            x = converted(code, self._value(node.inputs[0], ""), scalar)
            if loops.vector >= 0 and loops.reduced[loops.vector]:
                x = code.select(self.nest.remaining(), x, code.constant(x.type, neutral(node.function)))
            new.append(combine(code, node.function, total, x))
        return tuple(new)

    def _finish(self, totals: tuple[Register, ...]) -> None:
        """Store what reductions have come to."""
        loops = self.nest.loops
        across = loops.vector >= 0 and loops.reduced[loops.vector]
        for i, (node, total) in enumerate(zip(self.work.reductions, totals, strict=True)):
            result = folded(self.code, node.function, total) if across else total
            self.nest.store(self._first_result + i, result)


def _wanted(node: Node, place: int, real: str) -> str:
    """Return the type in which a map takes an operand; "" for the operand's own."""
    if node.function in COMPARED or node.function in ("convert", "isnan", "isinf", "isfinite"):
        return ""
    return "i1" if node.function == "where" and place == 0 else scalar_type(node.dtype, real)


def _stored_type(view: View, real: str) -> str:
    return scalar_type(view.dtype, real)


def _merged(
    sizes: list[int], flags: list[bool], vector: int, strides: list[list[int]]
) -> tuple[Loops, list[tuple[int, ...]]]:
    """Make one loop of neighbors over which every array runs on evenly."""
    level = len(sizes) - 1
    while level > 0:
        even = all(steps[level - 1] == steps[level] * sizes[level] for steps in strides)
        if even and flags[level - 1] == flags[level]:
            sizes[level - 1 : level + 1] = [sizes[level - 1] * sizes[level]]
            del flags[level]
            for steps in strides:
                del steps[level - 1]
            vector -= 1 if vector >= level else 0
        level -= 1
    return Loops(tuple(sizes), tuple(flags), vector), [tuple(steps) for steps in strides]
