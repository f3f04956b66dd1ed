"""A graph compiled for this machine: called like the reference program, with the same results."""

from __future__ import annotations

import ctypes
import os
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import NativeFallbackWarning
from chainrule.execute.inputs import Array, Bound
from chainrule.execute.native import walk
from chainrule.execute.native.arrays import BOOL, DOUBLE, INDEX, WORD, DType, Layout, Node, View
from chainrule.execute.native.jit import Compiler
from chainrule.execute.native.kernels.loops import Kernel
from chainrule.execute.native.kernels.machine import Machine
from chainrule.execute.native.kernels.nest import Entry
from chainrule.execute.native.kernels.product import panel_columns
from chainrule.execute.native.loans import Loan, reach_of
from chainrule.execute.native.memory import ALIGNMENT, SLACK
from chainrule.execute.native.plan import Plan, Task, meetings, planned
from chainrule.execute.native.target import Target, host_target
from chainrule.execute.native.threads import Run
from chainrule.execute.native.walk import run_text
from chainrule.execute.reference import bound_attributes
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value

Function: Any = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_SCALARS = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


@cache
def compiler(target: Target) -> Compiler:
    """Return the one compiler for a target."""
    return Compiler(target)


def machine_for(dtype: Any, target: Target | None = None) -> Machine:
    """Return what to write kernels for, from a floating-point type and a target (this machine's if None)."""
    target = target or host_target()
    real = _SCALARS[np.dtype(dtype)]
    return Machine(target, real, Layout(target.lanes(real), panel_columns(target, real)))


class Memory:
    """Bytes that begin at the start of a cache line."""

    def __init__(self, size: int) -> None:
        self._bytes: NDArray[np.uint8] = np.zeros(size + SLACK + ALIGNMENT, np.uint8)
        self._skip = -self._bytes.ctypes.data % ALIGNMENT

    @property
    def address(self) -> int:
        """Where the bytes begin."""
        return self._bytes.ctypes.data + self._skip

    def array(self, shape: tuple[int, ...], dtype: Any, strides: tuple[int, ...], offset: int = 0) -> Array:
        """Return an array on these bytes; strides and offset are bytes."""
        return np.ndarray(shape, dtype, self._bytes, self._skip + offset, strides)


def laid_down(array: Array, dtype: Any) -> Array:
    """Return a copy that kernels for a type can read in place; an array of another type as it is."""
    if array.dtype != dtype or not array.ndim or not array.size:
        return array
    layout = machine_for(dtype).layout
    strides = tuple(step * array.itemsize for step in layout.strides(array.shape))
    copy = Memory(layout.elements(array.shape) * array.itemsize).array(array.shape, array.dtype, strides)
    copy[...] = array
    return copy


class Leaves:
    """Memory of leaves, for as long as a program lives."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._memory: dict[tuple[Value, tuple[int, ...]], Memory] = {}

    def memory(self, leaf: Value, node: Node) -> Memory:
        """Return where a leaf of this shape lies."""
        key = leaf, node.shape
        if key not in self._memory:
            size = (
                self.machine.layout.elements(node.shape) * numpy_type(node.dtype, self.machine.real).itemsize
            )
            self._memory[key] = Memory(size)
        return self._memory[key]


class Prepared:
    """A plan with its memory and its compiled calls."""

    def __init__(self, plan: Plan, leaves: Leaves) -> None:
        self.plan, self.leaves, self.machine = plan, leaves, plan.machine
        self.arena = Memory(plan.bytes)
        self.failure: BaseException | None = None
        self.sizes: Mapping[str, int] = {}
        self.runs: tuple[Run, Run]
        self.outside: dict[Node, int] = {}
        self.loans: dict[Value, Loan] = {}
        self._own = self._not_for_loan()
        self._kept: list[Any] = []
        self._fill_sizes()
        self.forward = self.table(plan.forward)
        self.update = self.table(plan.update)
        self.outputs = [self.array(view) for view in plan.outputs]

    def table(self, tasks: list[Task]) -> NDArray[np.int64]:
        """Return the calls that make up some tasks, one a row."""
        texts = [text for task in tasks if task.kernel is not None for text in task.kernel.texts]
        found = compiler(self.machine.target).addresses(texts)
        addresses = dict(zip(texts, found, strict=True))
        rows = [self._row(task, addresses) for task in tasks]
        for row, meet in zip(rows, meetings(tasks), strict=True):
            row[walk.MEETS] = meet
        return np.array(rows, np.int64).reshape(-1, walk.ROW)

    def _row(self, task: Task, addresses: Mapping[str, int]) -> list[int]:
        if task.kernel is None:
            assert task.node is not None  # noqa: S101 - a task is one or the other
            function = Function(self._caller(task.node))
            self._kept.append(function)
            return [ctypes.cast(function, ctypes.c_void_p).value or 0, 0, 1, 1, 1]
        entries = (addresses[cell.text] if isinstance(cell, Entry) else cell for cell in task.kernel.cells)
        cells = np.array([self._cell(cell) for cell in entries], np.int64)
        self._kept.append(cells)
        self._note_readers(task.kernel, cells)
        kernel = task.kernel
        grain = max(1, kernel.units) if task.is_alone else kernel.grain
        return [addresses[kernel.text], cells.ctypes.data, kernel.units, grain, 1]

    def _cell(self, cell: Any) -> int:
        if not isinstance(cell, View):
            return int(cell)
        if cell.node.kind == "number":
            return 0
        item = numpy_type(cell.dtype, self.machine.real).itemsize
        if cell.node in self.outside:
            return self.outside[cell.node] + cell.offset * item
        memory, offset = self.home(cell.node)
        return memory.address + offset + cell.offset * item

    def _note_readers(self, kernel: Kernel, cells: NDArray[np.int64]) -> None:
        """Note the cells that say where a leaf is read."""
        for number, cell in enumerate(kernel.cells):
            if isinstance(cell, View) and cell.node.kind == "leaf" and cell.node not in self._own:
                leaf, item = cell.node.detail, numpy_type(cell.dtype, self.machine.real).itemsize
                if leaf not in self.loans:
                    view = self.plan.traced.views[leaf]
                    lasting = leaf.attributes["role"] != "data"
                    self.loans[leaf] = Loan(self.array(view), view, self.machine.layout, lasting=lasting)
                reach = reach_of(cell, self.machine.layout) * item
                self.loans[leaf].reader(cells, number, cell.offset * item, reach)

    def take(self, arrays: Mapping[Value, Array]) -> None:
        """Read the elements of leaves from arrays, or from copies."""
        for leaf, array in arrays.items():
            loan = self.loans.get(leaf)
            if loan is None:
                place = self.leaf(leaf)
                if place is not None:
                    place[...] = array
            elif array is not loan.last:
                loan.take(array)

    def home(self, node: Node) -> tuple[Memory, int]:
        """Return the memory in which a node's array lies, and the byte at which it begins."""
        leaf = node.detail if node.kind == "leaf" else self.plan.homes.get(node)
        if leaf is None:
            return self.arena, self.plan.places[node]
        return self.leaves.memory(leaf, self.plan.traced.views[leaf].node), 0

    def array(self, view: View) -> Array:
        """Return the elements of a view as they lie in memory now."""
        dtype = numpy_type(view.dtype, self.machine.real)
        if view.node.kind == "number":
            return np.full(view.shape, view.node.detail, dtype)
        if view.node.kind == "count":
            return _counted(view).astype(dtype)
        memory, offset = self.home(view.node)
        strides = tuple(step * dtype.itemsize for step in view.strides)
        return memory.array(view.shape, dtype, strides, offset + view.offset * dtype.itemsize)

    def leaf(self, leaf: Value) -> Array | None:
        """Return the array of a leaf; None where nothing needs it."""
        view = self.plan.traced.views.get(leaf)
        return None if view is None else self.array(view)

    def _not_for_loan(self) -> set[Node]:
        """Return the leaves that are changed, given out, or read by what is not a kernel."""
        plan = self.plan
        called = (task.node for task in plan.tasks if task.kernel is None and task.node is not None)
        read = (view.node for node in called for view in node.inputs)
        changed = (plan.traced.views[leaf].node for leaf in plan.changed if leaf in plan.traced.views)
        return {*read, *changed, *(view.node for view in plan.outputs)}

    def _fill_sizes(self) -> None:
        for node, offset in self.plan.places.items():
            if node.kind == "size":
                self.arena.array((), np.float64, (), offset)[...] = node.detail

    def _caller(self, node: Node) -> Callable[..., None]:
        """Return what computes a value by its op's forward rule in Python."""
        value: Value = node.detail
        target = self.plan.machine.layout.view(node)

        def call(*_: Any) -> None:
            try:
                with np.errstate(all="ignore"):
                    inputs = [self._given(x) for x in node.inputs]
                    made = value.op.forward(np, *inputs, **bound_attributes(value, self.sizes))
                    self.array(target)[...] = made
            except BaseException as failure:
                self.failure = failure

        return call

    def _given(self, view: View) -> Array:
        array = np.array(self.array(view))
        wide = view.dtype == DOUBLE and self.machine.real == "float"
        return array.astype(np.float32) if wide else array

    def check(self) -> None:
        """Raise what went wrong in a forward rule in Python."""
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure


class NativeProgram:
    """A graph compiled for this machine, ready to run many times; outputs and updates only.

    Args:
        graph: any graph.
        dtype: float32 or float64.
        target: the processor; this machine's if None.
    """

    def __init__(self, graph: Graph, dtype: Any = np.float32, target: Target | None = None) -> None:
        self.graph, self.dtype = graph, np.dtype(dtype)
        self.machine = machine_for(dtype, target)
        self.leaves = Leaves(self.machine)
        self._prepared: dict[tuple[tuple[str, int], ...], Prepared] = {}
        self._lock = threading.RLock()
        _programs.add(self)
        (address,) = compiler(self.machine.target).addresses([run_text(self.machine.target)])
        self._run = Function(address)

    def __call__(self, bound: Bound) -> tuple[list[Array], dict[Value, Array]]:
        """Return the outputs, and the new value of each leaf that has an update."""
        with self._lock:
            prepared = self.prepared(bound.sizes)
            prepared.take(bound.arrays)
            forward, update = prepared.runs
            forward()
            outputs = [self._given_out(array) for array in prepared.outputs]
            update()
            prepared.check()
            return outputs, {leaf: self.result(prepared, leaf) for leaf in self.graph.updates}

    def renew_lock(self) -> None:
        """Let a child process run a program that another thread of its parent was running at the fork."""
        self._lock = threading.RLock()

    def prepared(self, sizes: Mapping[str, int]) -> Prepared:
        """Return what runs for these sizes."""
        key = tuple(sizes.items())
        if key not in self._prepared:
            made = Prepared(planned(self.graph, sizes, self.machine), self.leaves)
            _tell(made.plan)
            made.sizes = dict(sizes)
            made.runs = (
                Run(self._run, made.forward, _work(made.plan.forward)),
                Run(self._run, made.update, _work(made.plan.update)),
            )
            self._prepared[key] = made
        return self._prepared[key]

    def result(self, prepared: Prepared, leaf: Value) -> Array:
        """Return a copy of a leaf's array as it is now."""
        return self._given_out(prepared.array(prepared.plan.traced.views[leaf]))

    def _given_out(self, array: Array) -> Array:
        return array.astype(self.dtype) if array.dtype.kind == "f" and array.ndim else array.copy()


_programs: weakref.WeakSet[NativeProgram] = weakref.WeakSet()


def _renew_locks() -> None:
    for program in _programs:
        program.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


def _work(tasks: Sequence[Task]) -> int:
    return sum(task.kernel.work for task in tasks if task.kernel is not None)


_told: set[str] = set()


def _tell(plan: Plan) -> None:
    """Say once of each op from outside this package that its forward rule is run by NumPy, value by value."""
    names = {value.op.name for value in plan.traced.called if not value.op.is_built_in} - _told
    _told.update(names)
    for name in sorted(names):
        warnings.warn(
            f"{name} has no native form and is run by NumPy, more slowly: its forward rule does what array "
            "namespaces cannot say (see docs/your-own.md).",
            NativeFallbackWarning,
            stacklevel=2,
        )


def numpy_type(dtype: DType, real: str) -> np.dtype[Any]:
    """Return NumPy's type of the elements as they are stored."""
    own = {DOUBLE: np.float64, INDEX: np.int64, WORD: np.uint32, BOOL: np.bool_}
    return np.dtype(own.get(dtype, np.float32 if real == "float" else np.float64))


def _counted(view: View) -> NDArray[np.int64]:
    total = np.full(view.shape, view.offset, np.int64)
    for axis, step in enumerate(view.strides):
        shape = [1] * view.ndim
        shape[axis] = -1
        total = total + step * np.arange(view.shape[axis]).reshape(shape)
    return total
