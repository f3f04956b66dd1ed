"""Training steps in machine code: many of them in one call."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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

_SECONDS, _COPYING = 0.05, 200
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
        self._past = _Past({leaf: self._others[leaf] for leaf in self._updated}, 0.0)
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
        """Run steps on batches of one size."""
        batch = self._batch(cuts[0][1] - cuts[0][0], whole=len(order) == cuts[0][1] - cuts[0][0])
        losses, start, last = np.empty(len(cuts)), time.perf_counter(), len(cuts) - 1
        if self._past.is_long():
            self._go(batch, order, cuts[:last], losses[:last], done)
            present = self._present()
            self._go(batch, order, cuts[last:], losses[last:], done + last)
            self._past = present.followed_by(self._past.calls[-1])
        else:
            self._go(batch, order, cuts, losses, done)
        self._seconds = (time.perf_counter() - start) / len(cuts)
        if self._timed:
            self.tuning.note(self._seconds)
        self._timed = True
        return losses

    def _go(
        self, batch: _Batch, order: Order, cuts: Sequence[Cut], losses: NDArray[np.float64], done: int
    ) -> None:
        if cuts:
            start, chosen = time.perf_counter(), order[cuts[0][0] :]
            finished = self._call(batch, chosen, losses)
            self._past.note(_Calls(batch, chosen, finished), time.perf_counter() - start)
            if finished < len(cuts):
                self._stop(order, cuts[finished], done + finished)

    def _call(self, batch: _Batch, order: Order, losses: NDArray[np.float64]) -> int:
        control = batch.control(order, losses)
        self.team.run(self._epoch, control, self.tuning.count)
        batch.prepared.check()
        return int(control[walk.DONE])

    @property
    def good(self) -> dict[Value, Array]:
        """What updates change, as it was before the last step: found by going there once more."""
        left = sum(calls.steps for calls in self._past.calls) - 1
        if left <= 0:
            return self._past.arrays
        now = self._changing()
        self._restore(self._past.arrays)
        for calls in self._past.calls:
            steps = min(calls.steps, left)
            if steps:
                self._call(calls.batch, calls.order, np.empty(steps))
            left -= steps
        good = self._changing()
        self._restore(now)
        return good

    def _present(self) -> _Past:
        start = time.perf_counter()
        arrays = self._changing()
        return _Past(arrays, time.perf_counter() - start)

    def _stop(self, order: Order, cut: Cut, number: int) -> None:
        begin, end = cut
        chosen = order[begin:end]
        taken = {leaf: array.take(chosen, self.axes[leaf]) for leaf, array in self._data.items()}
        sizes = {**self._sizes, self.examples: end - begin} if self.axes else self._sizes
        raise NotFiniteStepError(number, Bound({**self.arrays(), **taken}, sizes), self.good)

    def _restore(self, arrays: Mapping[Value, Array]) -> None:
        batch = next(iter(self._batches.values()))
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
                self._restore(self._others)
                self._loaded = True
        return self._batches[key]


@dataclass(frozen=True)
class _Calls:
    """Some steps on batches of one size.

    Attributes:
        batch: the calls of one.
        order: the examples, from those of the first step on.
        steps: how many were finished.
    """

    batch: _Batch
    order: Order
    steps: int


class _Past:
    """Where a training was a short time ago, and the steps since.

    Args:
        arrays: what updates change, as it was.
        seconds: how long it took to copy that.
    """

    def __init__(self, arrays: dict[Value, Array], seconds: float) -> None:
        self.arrays, self.calls, self._seconds, self._worked = arrays, list[_Calls](), seconds, 0.0

    def note(self, calls: _Calls, seconds: float) -> None:
        """Take down some steps, and how long they took."""
        self.calls.append(calls)
        self._worked += seconds

    def is_long(self) -> bool:
        """Tell whether copying takes little time compared with the steps since."""
        return self._worked > _COPYING * self._seconds

    def followed_by(self, calls: _Calls) -> _Past:
        """Return this, with some steps after it."""
        self.calls.append(calls)
        return self


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
