"""The data of a training run: checked once, then cut into batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, ShapeError
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value

Array = NDArray[Any]
_LARGE = 10_000


def _is_finite(array: Array) -> bool:
    if array.size > _LARGE and array.flags.c_contiguous and array.dtype.char in "fd":
        flat = array.ravel()
        # A sum of squares is finite only if all are, and is found without an array of truth values.
        with np.errstate(all="ignore"):
            if np.isfinite(np.dot(flat, flat)):
                return True
    return bool(np.isfinite(array).all())


def check_finite(name: str, array: Array) -> None:
    """Check that data holds no NaN or infinity.

    Raises:
        DataError: the first such element by column and row, and how many there are.
    """
    if array.dtype.kind != "f" or _is_finite(array):
        return
    wrong = ~np.isfinite(array)
    if array.ndim == 0:
        raise DataError(f"{name} is {array[()]}, not a finite number.")
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    column = f", column {at[1]}" if array.ndim > 1 else ""
    raise DataError(
        f"{name} has {array[at]} in row {at[0]}{column} (counted from 0); "
        f"{int(wrong.sum())} of {array.size} elements are not finite.",
        fix="fill or drop missing values first.",
    )


class Batches:
    """Data by leaf, cut along the axis of the examples.

    Args:
        graph: the graph that is trained.
        arrays: checked arrays by leaf.
        batch_size: examples in a step; all of them if None.
        examples: the letter that counts examples.

    Raises:
        DataError: the batch size is not positive, or no data has an axis of examples.
    """

    def __init__(
        self, graph: Graph, arrays: Mapping[Value, Array], batch_size: int | None, examples: str = "m"
    ) -> None:
        data = [leaf for leaf in graph.leaves("data") if leaf in arrays]
        self.axes = {leaf: leaf.shape.index(examples) for leaf in data if examples in leaf.shape}
        for leaf in self.axes:
            if leaf.shape.count(examples) > 1:
                raise ShapeError(
                    f"{graph.names_of(leaf)[0]} has the size {examples} twice, so it cannot be batched."
                )
        whole = isinstance(batch_size, int | np.integer) and not isinstance(batch_size, bool)
        if batch_size is not None and (not whole or batch_size < 1):
            raise DataError(f"a batch size is a whole number, at least one example, not {batch_size!r}.")
        if batch_size is not None and not self.axes:
            raise DataError(
                f"no data has an axis of the size {examples}, so there is nothing to cut into batches.",
                fix="batch_size=None, or name the letter: examples='n'.",
            )
        self.arrays, self.examples = arrays, examples
        self.least = _smallest_batch(graph, examples)
        self.count = min((arrays[leaf].shape[axis] for leaf, axis in self.axes.items()), default=1)
        self.size = self.count if batch_size is None else min(batch_size, self.count)
        if self.size < self.least:
            raise DataError(
                f"batch normalization needs {self.least} examples in a batch, not {self.size}.",
                fix="a larger batch_size.",
            )

    def __len__(self) -> int:
        return len(self._starts())

    def _starts(self) -> range:
        """Return where batches begin; a last one too small for the network is joined to the one before."""
        rest = self.count % self.size
        return range(0, self.count - (rest if 0 < rest < self.least else 0), self.size)

    def skip(self, generator: np.random.Generator, epochs: int) -> None:
        """Draw the orders of epochs that an earlier run has done."""
        for _ in range(epochs if len(self) > 1 else 0):
            generator.permutation(self.count)

    def cuts(self) -> list[tuple[int, int]]:
        """Return where each batch of an epoch begins and ends among the examples in their order."""
        starts = self._starts()
        return list(zip(starts, [*starts[1:], self.count], strict=True))

    def order(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return the examples in a random order; as they are where one batch holds all."""
        return np.arange(self.count) if len(self) == 1 else generator.permutation(self.count)


def _smallest_batch(graph: Graph, examples: str) -> int:
    """Return how many examples the ops of a graph need: two for statistics over a batch."""
    return max(
        (
            value.op.smallest_batch(examples, *(x.shape for x in value.inputs), **value.attributes)
            for value in graph.live()
        ),
        default=1,
    )
