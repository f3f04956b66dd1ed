"""The loop around a training step: epochs, batches, and what to do when a loss is no number."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, NotFiniteError
from chainrule.execute.executor import USUAL, steps_for
from chainrule.execute.inputs import Bound, bind
from chainrule.execute.reference import trace
from chainrule.execute.steps import NotFiniteStepError
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value
from chainrule.nn.initializers import random_generator
from chainrule.notation.text import equation
from chainrule.train.data import Batches, check_finite
from chainrule.train.step import Step

Array = NDArray[Any]


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    Attributes:
        number: from 1.
        of: how many there will be.
        loss: the mean objective.
        parameters: a call returns parameters and states as they are now, by name.
    """

    number: int
    of: int
    loss: float
    parameters: Callable[[], dict[str, Array]] = dict


@dataclass
class Fit:
    """The result of training.

    Attributes:
        parameters: arrays by the names of parameters and states.
        losses: the mean objective of each finished epoch: the mean over its steps, each weighted by
            its number of examples.
        interrupted: whether Ctrl-C ended the training early.
    """

    parameters: dict[str, Array]
    losses: list[float] = field(default_factory=list[float])
    interrupted: bool = False


def fit(
    step: Step[Any],
    arrays: Mapping[str, Any],
    *,
    epochs: int = 10,
    batch_size: int | None = None,
    examples: str = "m",
    seed: int | Sequence[int] = 0,
    done: int = 0,
    dtype: Any = USUAL,
    threads: int | None = None,
    on_epoch: Callable[[Epoch], object] | None = None,
) -> Fit:
    """Run a step on every batch of every epoch.

    Args:
        step: what is run.
        arrays: data, starting parameters and hyperparameters by name; and states, where a run goes on from
            the `parameters` of an earlier one. A state not given starts as the step says.
        epochs: how often each example is seen.
        batch_size: examples in a step: None for full-batch, 1 for single-instance gradient descent.
        examples: the letter that counts examples.
        seed: of the order of the examples, drawn anew each epoch.
        done: the epochs of an earlier run that this one goes on from.
        dtype: floating-point type; single numbers such as a learning rate are float64 always.
        threads: how many; as many as make steps fastest if None. The result does not depend on it.
        on_epoch: called after each epoch, for progress.

    Returns:
        The trained parameters and the loss of each epoch; after Ctrl-C, those reached so far.

    Raises:
        NotFiniteError: a loss is NaN or infinite; it carries the last parameters whose loss was finite.
        DataError: the data is not finite, or leaves the domain of the loss.
        ShapeError: arrays do not fit.
    """
    if not isinstance(step, Step):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
        raise DataError("fit needs a training step.", fix="pass graph.step(chainrule.SGD(0.1)).")
    if not _is_whole(epochs) or epochs < 0:
        raise DataError(f"the number of epochs cannot be {epochs!r}.")
    if not isinstance(arrays, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
        raise DataError("data and parameters are passed by name.", fix='{"X": X, "Y": Y, **start}.')
    generator, graph = random_generator(seed), step.graph
    bound = _bound(step, _completed(step, arrays, dtype, seed), dtype)
    batches = Batches(graph, bound.arrays, batch_size, examples)
    batches.skip(generator, done)
    return _Loop(step, bound, batches, dtype, threads).run(epochs, generator, on_epoch)


def _bound(step: Step[Any], given: Mapping[str, Any], dtype: Any) -> Bound:
    """Return the arrays of a step by leaf; all of them are finite."""
    bind(step.before, given, dtype)  # a loss that rewriting has put in may take more than the one stated
    bound = bind(step.graph, given, dtype)
    for leaf, array in bound.arrays.items():
        check_finite(step.graph.names_of(leaf)[0], array)
    return bound


def _completed(
    step: Step[Any], arrays: Mapping[str, Any], dtype: Any, seed: int | Sequence[int]
) -> dict[str, Any]:
    """Return the arrays given, and what the step knows: settings, starting states, seed of masks."""
    states = _starting_states(step, arrays, dtype)
    return {**step.settings, **states, **_seed_of_masks(step.graph, seed), **arrays}


def _seed_of_masks(graph: Graph, seed: int | Sequence[int]) -> dict[str, int]:
    """Return the seed of random masks where the graph has one: that of the run, if it is a single number."""
    wanted = "seed" in graph and graph["seed"].kind == "index" and isinstance(seed, int | np.integer)
    return {"seed": int(seed)} if wanted and isinstance(seed, int | np.integer) else {}


def _is_whole(number: object) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


def _starting_states(step: Step[Any], arrays: Mapping[str, Any], dtype: Any) -> dict[str, Array]:
    """Return an array for each state that is not given, as far as what is given tells its shape."""
    graph = step.graph
    given = {graph[name]: array for name, array in arrays.items() if name in graph}
    sizes = _sizes(given)
    dtypes = {"real": dtype, "index": np.int64, "bool": np.bool_}
    states: dict[str, Array] = {}
    for leaf in graph.leaves("state"):
        (name, *_) = graph.names_of(leaf)
        shape = [sizes.get(size) if isinstance(size, str) else size for size in leaf.shape]
        known = [size for size in shape if size is not None]
        if leaf not in given and len(known) == len(shape):
            states[name] = np.full(known, step.starts.get(name, 0.0), dtypes[leaf.kind])
    return states


def _sizes(given: Mapping[Value, Any]) -> dict[str, int]:
    """Read letters off arrays that nobody has checked yet."""
    sizes: dict[str, int] = {}
    for leaf, array in given.items():
        with contextlib.suppress(ValueError):  # what is not rectangular, `bind` refuses
            actual = np.shape(array)
            pairs = zip(leaf.shape, actual, strict=True) if len(actual) == leaf.ndim else ()
            sizes.update((size, n) for size, n in pairs if isinstance(size, str) and size not in sizes)
    return sizes


class _Loop:
    """The state of one training run."""

    def __init__(
        self, step: Step[Any], bound: Bound, batches: Batches, dtype: Any, threads: int | None
    ) -> None:
        self.graph: Graph = step.graph
        self.objective, self.batches, self.dtype = step.objective, batches, dtype
        self.bound = bound
        self.steps = steps_for(self.graph, bound, batches.axes, batches.examples, dtype, threads)
        self.cuts = batches.cuts()
        self.done = 0

    def run(
        self, epochs: int, generator: np.random.Generator, on_epoch: Callable[[Epoch], object] | None
    ) -> Fit:
        """Run all epochs; Ctrl-C ends them early and keeps what is learned."""
        losses: list[float] = []
        try:
            for number in range(1, epochs + 1):
                losses.append(self.epoch(generator))
                if on_epoch is not None:
                    on_epoch(Epoch(number, epochs, losses[-1], self.parameters))
        except KeyboardInterrupt:
            return Fit(self.parameters(), losses, interrupted=True)
        except NotFiniteStepError as failure:
            self.stop(self.done + failure.number + 1, failure.bound, failure.good)
        self.check_last()
        return Fit(self.parameters(), losses)

    def epoch(self, generator: np.random.Generator) -> float:
        """Run a step on each batch; parameters change only after its loss is known to be finite."""
        parts = [
            losses * counts for losses, counts in self.steps.run(self.batches.order(generator), self.cuts)
        ]
        self.done += len(self.cuts)
        return float(np.concatenate(parts).sum() / self.batches.count)

    def check_last(self) -> None:
        """See to it that the very last update left finite numbers."""
        arrays = self.steps.arrays()
        changing = {leaf: arrays[leaf] for leaf in self.graph.updates}
        if not all(np.isfinite(array).all() for array in changing.values()):
            self.stop(self.done, Bound({**self.bound.arrays, **arrays}, self.bound.sizes), self.steps.good)

    def stop(self, number: int, bound: Bound, good: Mapping[Value, Array]) -> NoReturn:
        """Raise, naming the first value that was not finite, with its equation."""
        name, shown = self.first_not_finite(bound)
        kept = {self.graph.names_of(leaf)[0]: array for leaf, array in good.items()}
        raise NotFiniteError(
            f"{self.objective} is not finite at step {number}; the first value that is not finite is\n"
            f"       {shown}",
            step=number,
            name=name,
            parameters={**self.parameters(), **kept},
            fix="a smaller learning rate, or data of a smaller scale. The last parameters with a finite "
            "loss are kept.",
        )

    def first_not_finite(self, bound: Bound) -> tuple[str, str]:
        """Return the first value of a step that is not finite: its name and its equation."""
        for value, array in trace(self.graph, bound, self.dtype).values_in_order():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                name = self.graph.describe(value)
                return name, _explained(self.graph, value, name)
        return self.objective, self.objective

    def parameters(self) -> dict[str, Array]:
        """Return parameters and states by name, frozen ones included, as copies."""
        leaves = self.graph.leaves("parameter", "state")
        arrays = self.steps.arrays()
        return {self.graph.names_of(leaf)[0]: np.array(arrays[leaf]) for leaf in leaves if leaf in arrays}


def _explained(graph: Graph, value: Value, name: str) -> str:
    if value.op.name == "leaf":
        return f"{name}, after its update of the step before"
    return equation(graph, value)
