"""How long a training step takes: chainrule's `Program` and `fit` against NumPy by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import chainrule as cr
from benchmarks.by_hand import Array, Perceptron
from benchmarks.timing import Result, Spread, interleaved
from chainrule.execute.inputs import Bound, bind
from chainrule.execute.program import Program
from chainrule.ir.value import Value
from chainrule.nn.perceptron import multilayer_perceptron
from chainrule.train.loop import Epoch
from chainrule.train.step import Step

_GOAL = 2.0
_RATE, _DECAY = 0.05, 1e-3
_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Case:
    """A network and how long to time it.

    Attributes:
        name: of the network.
        widths: inputs, hidden units, classes.
        batch: examples in a step.
        batches: steps in an epoch.
        repeats: steps in a slice.
        slices: slices, and epochs.
    """

    name: str
    widths: tuple[int, ...]
    batch: int
    batches: int
    repeats: int
    slices: int

    @property
    def title(self) -> str:
        """Name, widths and batch."""
        return f"{self.name} {'-'.join(map(str, self.widths))}, batch {self.batch}"


CASES = (
    Case("digits", (784, 128, 10), batch=128, batches=5, repeats=4, slices=250),
    Case("small", (30, 64, 2), batch=32, batches=40, repeats=40, slices=250),
    Case("wine", (11, 64, 32, 7), batch=32, batches=40, repeats=40, slices=250),
)


@dataclass(frozen=True)
class Setting:
    """One network ready to train both ways."""

    case: Case
    step: Step[cr.Graph]
    X: Array
    y: Array
    start: dict[str, Array]

    @property
    def arrays(self) -> dict[str, Array | float]:
        """What `fit` is given."""
        return {"X": self.X, "y": self.y, "λ": _DECAY, **self.start}

    def by_hand(self) -> Perceptron:
        """Return the reference, at the start."""
        return Perceptron(self.start, _RATE, _DECAY)


def measure(cases: tuple[Case, ...] = CASES) -> list[Result]:
    """Check that both ways agree, then time single steps and whole epochs of each case."""
    results: list[Result] = []
    for case in cases:
        setting = _setting(case)
        apart = disagreement(setting)
        assert apart <= _TOLERANCE, f"{case.title}: parameters differ by {apart:g}"
        note = f"parameters and losses of both ways agree to {apart:.0e} after 3 epochs"
        results.append(_result(f"{case.title}: Program", _steps(setting)))
        results.append(_result(f"{case.title}: fit", _epochs(setting), note))
    return results


def _setting(case: Case) -> Setting:
    generator = np.random.default_rng(7)
    examples = case.batch * case.batches
    graph = multilayer_perceptron(cr.Graph(), case.widths, "classification")
    start = graph.initialize(scheme="he", seed=1)
    X = generator.normal(size=(examples, case.widths[0]))
    y = generator.integers(case.widths[-1], size=examples)
    return Setting(case, graph.step(cr.SGD(_RATE)), X, y, start)


def disagreement(setting: Setting, epochs: int = 3) -> float:
    """Return the greatest difference between parameters and losses of training both ways.

    The batch is a little smaller than the case's, so that the last one of an epoch is partial.
    """
    batch = setting.case.batch - 3
    fitted = cr.fit(setting.step, setting.arrays, epochs=epochs, batch_size=batch, seed=3)
    hand, generator = setting.by_hand(), np.random.default_rng(3)
    losses = [hand.epoch(setting.X, setting.y, batch, generator) for _ in range(epochs)]
    apart = [float(np.abs(fitted.parameters[name] - array).max()) for name, array in hand.parameters.items()]
    return max(*apart, *(abs(a - b) for a, b in zip(losses, fitted.losses, strict=True)))


def _steps(setting: Setting) -> tuple[Spread, Spread]:
    """Time steps on one batch, the updated parameters carried over."""
    case, hand = setting.case, setting.by_hand()
    X, y = setting.X[: case.batch], setting.y[: case.batch]
    chained = _chained(setting, X, y)
    return interleaved(chained, lambda: hand.step(X, y), slices=case.slices, repeats=case.repeats)


def _chained(setting: Setting, X: Array, y: Array) -> Callable[[], float]:
    """Return one step of chainrule's `Program` as a function, which carries the parameters over."""
    given = {**setting.arrays, **setting.step.settings, "X": X, "y": y}
    bound = bind(setting.step.graph, given)
    program, arrays = Program(setting.step.graph), dict[Value, Array](bound.arrays)

    def advance() -> float:
        (loss,), new = program(Bound(arrays, bound.sizes))
        arrays.update(new)
        return float(loss)

    return advance


def _epochs(setting: Setting) -> tuple[Spread, Spread]:
    """Time epochs of `fit` from callback to callback, and between them the epochs by hand; per step."""
    case, hand, generator = setting.case, setting.by_hand(), np.random.default_rng(3)
    ours: list[float] = []
    theirs: list[float] = []
    mark = time.perf_counter()

    def take_turns(epoch: Epoch) -> None:
        nonlocal mark
        end = time.perf_counter()
        ours.append((end - mark) / case.batches)
        hand.epoch(setting.X, setting.y, case.batch, generator)
        mark = time.perf_counter()
        theirs.append((mark - end) / case.batches)

    cr.fit(
        setting.step,
        setting.arrays,
        epochs=case.slices + 1,
        batch_size=case.batch,
        seed=3,
        on_epoch=take_turns,
    )
    return Spread.of(ours[1:]), Spread.of(theirs[1:])


def _result(name: str, times: tuple[Spread, Spread], note: str = "") -> Result:
    ours, theirs = times
    met = max(ours.best / theirs.best, ours.median / theirs.median) <= _GOAL
    return Result(f"step, {name}", ours, theirs, goal=f"≤ {_GOAL:g} × NumPy", met=met, note=note)
