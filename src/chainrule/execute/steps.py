"""A training step run over batches: what every executor offers, and how the reference executor does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.execute.inputs import Array, Bound
from chainrule.execute.program import Program
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value

Order = NDArray[np.int64]
Cut = tuple[int, int]


class NotFiniteStepError(Exception):
    """A step's loss is NaN or infinite; its updates were not made.

    Attributes:
        number: steps finished before, since `run` was called.
        bound: what the step was run on.
        good: what updates change, as it was when a loss was finite last.
    """

    def __init__(self, number: int, bound: Bound, good: Mapping[Value, Array]) -> None:
        super().__init__(number)
        self.number, self.bound, self.good = number, bound, good


class Steps(Protocol):
    """A training step with its data and its parameters, ready to run over batches."""

    @property
    def good(self) -> Mapping[Value, Array]:
        """What updates change, as it was before the last step: when the loss was known to be finite."""
        ...

    def run(self, order: Order, cuts: Sequence[Cut]) -> Iterator[tuple[Array, Array]]:
        """Run a step on each batch; yield losses (s), and numbers of examples (s), after some steps each.

        Args:
            order: the examples by their place in the data, batch after batch.
            cuts: where each batch begins and ends in it.

        Raises:
            NotFiniteStepError: a loss is not finite.
        """
        ...

    def arrays(self) -> dict[Value, Array]:
        """Return every leaf that is no batch of data, as it is now."""
        ...


class ReferenceSteps:
    """Training steps by NumPy, value by value.

    Args:
        graph: the training step; its one output is the loss.
        bound: all data, and what parameters and states start from.
        axes: for each leaf that is cut into batches, the axis of the examples.
        examples: the letter that counts them.
        dtype: floating-point type.
    """

    def __init__(
        self, graph: Graph, bound: Bound, axes: Mapping[Value, int], examples: str, dtype: Any
    ) -> None:
        self.program = Program(graph, dtype)
        self.axes, self.examples = axes, examples
        self._data = {leaf: bound.arrays[leaf] for leaf in axes}
        self._sizes = dict(bound.sizes)
        self._arrays = {leaf: array for leaf, array in bound.arrays.items() if leaf not in axes}
        self.good = self._changing()

    def arrays(self) -> dict[Value, Array]:
        """Return every leaf that is no batch of data, as it is now."""
        return self._arrays

    def run(self, order: Order, cuts: Sequence[Cut]) -> Iterator[tuple[Array, Array]]:
        """Run a step on each batch; see `Steps.run`."""
        for number, (begin, end) in enumerate(cuts):
            bound = Bound({**self._arrays, **self._batch(order, begin, end)}, self._sizes)
            (loss,), new = self.program(bound)
            if not np.isfinite(loss):
                raise NotFiniteStepError(number, bound, self.good)
            self.good = self._changing()
            self._arrays.update(new)
            yield np.array([loss], np.float64), np.array([end - begin])

    def _batch(self, order: Order, begin: int, end: int) -> Mapping[Value, Array]:
        if self.axes:
            self._sizes[self.examples] = end - begin
        if len(order) == end - begin and not begin:  # the whole data, in whatever order
            return self._data
        chosen = order[begin:end]
        return {leaf: self._data[leaf].take(chosen, axis) for leaf, axis in self.axes.items()}

    def _changing(self) -> dict[Value, Array]:
        return {leaf: self._arrays[leaf] for leaf in self.program.graph.updates}
