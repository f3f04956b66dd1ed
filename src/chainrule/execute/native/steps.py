"""Training steps in machine code: many of them in one call."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.execute.inputs import Array, Bound
from chainrule.execute.native import walk
from chainrule.execute.native.arrays import INDEX, Node, View
from chainrule.execute.native.kernels.calls import take_kernel
from chainrule.execute.native.plan import Task
from chainrule.execute.native.program import Function, NativeProgram, Prepared, compiler
from chainrule.execute.native.threads import Team, Tuning, most_threads
from chainrule.execute.steps import Cut, NotFiniteStepError, Order
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value

_SECONDS = 0.05
_MOST_STEPS = 1_000_000


class NativeSteps:
    """Training steps in machine code.

    Args:
        graph: the training step; its one output is the loss.
        bound: all data, and what parameters and states start from.
        axes: for each leaf that is cut into batches, the axis of the examples.
        examples: the letter that counts them.
        dtype: float32 or float64.
        threads: how many; as many as make steps fastest if None.
    """

    def __init__(
        self,
        graph: Graph,
        bound: Bound,
        axes: Mapping[Value, int],
        examples: str,
        dtype: Any,
        threads: int | None = None,
    ) -> None:
        self.program = NativeProgram(graph, dtype)
        most, fixed = most_threads(threads)
        self.team, self.tuning = Team(), Tuning(most, fixed=fixed)
        self.axes, self.examples, self._sizes = axes, examples, dict(bound.sizes)
        self._data = {leaf: np.ascontiguousarray(bound.arrays[leaf]) for leaf in axes}
        self._others = {leaf: array for leaf, array in bound.arrays.items() if leaf not in axes}
        self._updated = list(graph.updates)
        self._loaded = False
        self._batches: dict[tuple[int, bool], _Batch] = {}
        self.good: dict[Value, Array] = {leaf: self._others[leaf] for leaf in self._updated}
        self._seconds, self._timed = 0.0, False
        target = self.program.machine.target
        (address,) = compiler(target).addresses([walk.epoch_text(target)])
        self._epoch = Function(address)

    def arrays(self) -> dict[Value, Array]:
        """Return every leaf that is no batch of data, as it is now."""
        return {**self._others, **(self._changing() if self._loaded else {})}

    def run(self, order: Order, cuts: Sequence[Cut]) -> Iterator[tuple[Array, Array]]:
        """Run a step on each batch; see `Steps.run`."""
        order = np.ascontiguousarray(order, np.int64)
        done = 0
        while done < len(cuts):
            count = self._alike(cuts, done)
            losses = self._some(order, cuts[done : done + count], done)
            done += count
            yield losses, np.array([end - begin for begin, end in cuts[done - count : done]])

    def _alike(self, cuts: Sequence[Cut], first: int) -> int:
        """Return how many batches from here on have one size and are done in a short time."""
        lasting = _SECONDS if self.tuning.is_settled else _SECONDS / 10
        most = 1 if not self._seconds else max(1, min(_MOST_STEPS, int(lasting / self._seconds)))
        size = cuts[first][1] - cuts[first][0]
        count = 0
        for begin, end in cuts[first : first + most]:
            if end - begin != size:
                break
            count += 1
        return count

    def _some(self, order: Order, cuts: Sequence[Cut], done: int) -> NDArray[np.float64]:
        """Run steps on batches of one size, the last one by itself: what was good before it is kept."""
        batch = self._batch(cuts[0][1] - cuts[0][0], whole=len(order) == cuts[0][1] - cuts[0][0])
        start = time.perf_counter()
        before = self._changing()
        losses = np.empty(len(cuts))
        for first, last in ((0, len(cuts) - 1), (len(cuts) - 1, len(cuts))):
            if first == last:
                continue
            finished = self._call(batch, order[cuts[first][0] :], losses[first:last])
            if finished < last - first:
                self._stop(batch, order, cuts, first + finished, before, done)
            if last < len(cuts):
                self.good = self._changing()
        if len(cuts) == 1:
            self.good = before
        self._seconds = (time.perf_counter() - start) / len(cuts)
        if self._timed:
            self.tuning.note(self._seconds)
        self._timed = True
        return losses

    def _call(self, batch: _Batch, order: Order, losses: NDArray[np.float64]) -> int:
        control = batch.control(order, losses)
        self.team.run(self._epoch, control, self.tuning.count)
        batch.prepared.check()
        return int(control[walk.DONE])

    def _stop(
        self,
        batch: _Batch,
        order: Order,
        cuts: Sequence[Cut],
        number: int,
        before: Mapping[Value, Array],
        done: int,
    ) -> None:
        """Raise, with what was good before: found by going the same way once more, one step less far."""
        now = self._changing()
        if number:
            self._restore(batch, before)
            self._call(batch, order[cuts[0][0] :], np.empty(number - 1))
            self.good = self._changing()
        self._restore(batch, now)
        begin, end = cuts[number]
        chosen = order[begin:end]
        taken = {leaf: array.take(chosen, self.axes[leaf]) for leaf, array in self._data.items()}
        sizes = {**self._sizes, self.examples: end - begin} if self.axes else self._sizes
        raise NotFiniteStepError(done + number, Bound({**self.arrays(), **taken}, sizes), self.good)

    def _restore(self, batch: _Batch, arrays: Mapping[Value, Array]) -> None:
        for leaf, array in arrays.items():
            place = batch.prepared.leaf(leaf)
            if place is not None:
                place[...] = array

    def _changing(self) -> dict[Value, Array]:
        """Return copies of what updates change."""
        batch = next(iter(self._batches.values()))
        return {leaf: self.program.result(batch.prepared, leaf) for leaf in self._updated}

    def _batch(self, count: int, *, whole: bool) -> _Batch:
        key = count, whole
        if key not in self._batches:
            sizes = {**self._sizes, self.examples: count} if self.axes else self._sizes
            prepared = self.program.prepared(sizes)
            self._batches[key] = _Batch(prepared, self._data, self.axes, count, whole=whole)
            if not self._loaded:
                self._restore(self._batches[key], self._others)
                self._loaded = True
        return self._batches[key]


class _Batch:
    """The calls of a step on batches of one size."""

    def __init__(
        self,
        prepared: Prepared,
        data: Mapping[Value, Array],
        axes: Mapping[Value, int],
        count: int,
        *,
        whole: bool,
    ) -> None:
        self.prepared, self.count, self.whole = prepared, count, whole
        self.chosen = np.zeros(count, np.int64)
        if whole:
            for leaf, array in data.items():
                place = prepared.leaf(leaf)
                if place is not None:
                    place[...] = array
            self.forward = prepared.forward
        else:
            gathers = [self._gather(leaf, array, axes[leaf]) for leaf, array in data.items()]
            rows = prepared.table([task for task in gathers if task is not None])
            self.forward = np.concatenate([rows, prepared.forward])
        self.loss = prepared.array(prepared.plan.outputs[0])

    def _gather(self, leaf: Value, array: Array, axis: int) -> Task | None:
        """Return what takes the chosen examples of a leaf's data; None where the step does not need it."""
        view = self.prepared.plan.traced.views.get(leaf)
        if view is None:
            return None
        strides = tuple(step // array.itemsize for step in array.strides)
        source = View(Node("outside", "", (), array.shape, view.dtype), array.shape, strides)
        chosen = Node("outside", "", (), (self.count,), INDEX)
        index = View(chosen, (self.count,), (1 if self.count > 1 else 0,))
        self.prepared.outside |= {source.node: array.ctypes.data, chosen: self.chosen.ctypes.data}
        kernel = take_kernel(source, index, axis, view, self.prepared.machine, guarded=True)
        return Task(kernel)

    def control(self, order: Order, losses: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the arguments of the native function that runs steps."""
        cells = np.zeros(walk.CELLS, np.int64)
        update = self.prepared.update
        cells[walk.FORWARD], cells[walk.FORWARD_CALLS] = self.forward.ctypes.data, len(self.forward)
        cells[walk.UPDATE], cells[walk.UPDATE_CALLS] = update.ctypes.data, len(update)
        cells[walk.ORDER], cells[walk.CHOSEN] = order.ctypes.data, self.chosen.ctypes.data
        cells[walk.BATCH], cells[walk.STEPS] = 0 if self.whole else self.count, len(losses)
        cells[walk.LOSSES], cells[walk.LOSS] = losses.ctypes.data, self.loss.ctypes.data
        return cells
