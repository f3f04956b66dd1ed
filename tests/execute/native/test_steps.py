"""Training in machine code: the same batches, losses, errors and parameters as the reference executor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

import chainrule as cr
from chainrule.execute.inputs import bind
from chainrule.execute.native import steps as native_steps
from chainrule.execute.native.program import NativeProgram
from chainrule.execute.native.steps import NativeSteps
from chainrule.execute.native.threads import Tuning, most_threads, usable_processors
from tests.support.networks import two_layer, two_layer_arrays

Array = NDArray[Any]
SETTINGS = [(8, 3), (1, 2), (None, 3), (100, 3), (7, 0), (29, 2)]


def trained(monkeypatch: pytest.MonkeyPatch, executor: str, run: Callable[[], cr.Fit]) -> cr.Fit:
    monkeypatch.setenv("CHAINRULE_EXECUTOR", executor)
    return run()


def both(monkeypatch: pytest.MonkeyPatch, run: Callable[[], cr.Fit]) -> tuple[cr.Fit, cr.Fit]:
    return trained(monkeypatch, "native", run), trained(monkeypatch, "reference", run)


@pytest.mark.parametrize(("batch_size", "epochs"), SETTINGS)
@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Adam(0.01)], ids=repr)
def test_fit_is_what_the_reference_does(
    monkeypatch: pytest.MonkeyPatch, optimizer: cr.Optimizer, batch_size: int | None, epochs: int
) -> None:
    step, arrays = two_layer().step(optimizer), two_layer_arrays(m=30)

    def run() -> cr.Fit:
        return cr.fit(step, arrays, epochs=epochs, batch_size=batch_size, seed=4, dtype=np.float64)

    ours, theirs = both(monkeypatch, run)
    assert len(ours.losses) == epochs
    assert_allclose(ours.losses, theirs.losses, rtol=1e-11)
    for name, array in theirs.parameters.items():
        assert_allclose(ours.parameters[name], array, rtol=1e-9, atol=1e-12, err_msg=name)


def distance(parameters: Mapping[str, Array], exact: Mapping[str, Array]) -> float:
    names = [name for name in exact if exact[name].ndim]
    total = sum(np.linalg.norm(parameters[n].astype(float) - exact[n]) ** 2 for n in names)
    return float(np.sqrt(total / sum(np.linalg.norm(exact[n]) ** 2 for n in names)))


@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Momentum(0.05), cr.Adam(0.01)], ids=repr)
def test_fifty_steps_stay_as_near_to_float64_as_numpys(
    monkeypatch: pytest.MonkeyPatch, optimizer: cr.Optimizer
) -> None:
    step, arrays = two_layer().step(optimizer), two_layer_arrays(m=40, d=20, h=33)

    def run(dtype: Any) -> Callable[[], cr.Fit]:
        return lambda: cr.fit(step, arrays, epochs=10, batch_size=8, dtype=dtype)

    ours, theirs = both(monkeypatch, run(np.float32))
    exact = trained(monkeypatch, "reference", run(np.float64)).parameters
    assert distance(ours.parameters, exact) <= 4 * distance(theirs.parameters, exact) + 1e-6


def test_examples_in_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = cr.parse(
        "sizes d, h, m\ndata X : (d, m), Y : (1, m)\nparameter W : (h, d), v : (1, h)\n"
        "A = tanh(W X)\nJ = 1/m sum(squared_error(v A, Y))"
    )
    draw = np.random.default_rng(0)
    given = {
        name: draw.normal(size=shape)
        for name, shape in zip(("X", "Y", "W", "v"), ((3, 50), (1, 50), (4, 3), (1, 4)), strict=True)
    }
    ours, theirs = both(
        monkeypatch, lambda: cr.fit(graph.step(cr.SGD(0.1)), given, epochs=2, batch_size=16, dtype=np.float64)
    )
    for name in ("W", "v"):
        assert_allclose(ours.parameters[name], theirs.parameters[name], rtol=1e-10)


@pytest.mark.parametrize(("rate", "epochs"), [(1e3, 400), (3e4, 100)])
@pytest.mark.parametrize("batch_size", [4, None])
def test_a_loss_that_is_not_finite_stops_at_the_same_step(
    monkeypatch: pytest.MonkeyPatch, rate: float, epochs: int, batch_size: int | None
) -> None:
    graph = cr.parse(
        "sizes m, d\ndata X : (m, d), Y : (m, 1)\nparameter W : (d, 1)\nJ = 1/m sum(squared_error(X W, Y))"
    )
    draw = np.random.default_rng(0)
    given = {"X": draw.normal(size=(24, 3)), "Y": draw.normal(size=(24, 1)), "W": np.ones((3, 1))}
    errors: list[cr.NotFiniteError] = []
    for executor in ("native", "reference"):
        monkeypatch.setenv("CHAINRULE_EXECUTOR", executor)
        with pytest.raises(cr.NotFiniteError) as caught:
            cr.fit(graph.step(cr.SGD(rate)), given, epochs=epochs, batch_size=batch_size, dtype=np.float64)
        errors.append(caught.value)
    ours, theirs = errors
    assert (ours.step, ours.name) == (theirs.step, theirs.name)
    assert np.isfinite(ours.parameters["W"]).all()
    assert_allclose(ours.parameters["W"], theirs.parameters["W"], rtol=1e-9)


class Clipped(cr.Optimizer):
    """Gradient descent by gradients at most 1 long together, V ← V − α dV / max(‖dV₁, dV₂, …‖, 1)."""

    def update(self, p: Any) -> cr.Value:
        names = (p.graph.names_of(leaf)[0] for leaf in p.graph.leaves("parameter"))
        first, *others = [cr.squared_norm(p.graph[f"d{name}"]) for name in names]
        length = p.shared("length", cr.sqrt(sum(others, start=first)))
        return p.value - p.rate * p.gradient / cr.maximum(length, 1)


def network_steps(threads: int, optimizer: cr.Optimizer | None = None) -> NativeSteps:
    """Return steps of a network with all that sums over examples: batch norm, dropout, biases, penalties."""
    network = cr.Network(
        [
            cr.Dense(130, activation="relu"),
            cr.BatchNorm(),
            cr.Dropout(0.2),
            cr.Dense(70),
            cr.Activation("tanh"),
            cr.Dense(10),
        ],
        loss="softmax_cross_entropy",
        weight_decay=1e-3,
    )
    step = network.graph.step(optimizer or cr.Adam(0.01))
    draw = np.random.default_rng(1)
    given: dict[str, Any] = {"X": draw.normal(size=(200, 90)), **step.settings, "λ": 1e-3, "seed": 5}
    for leaf in step.graph.leaves():
        (name, *_) = step.graph.names_of(leaf)
        shape = tuple({"d": 90, "m": 200}.get(n, n) if isinstance(n, str) else n for n in leaf.shape)
        if leaf.kind == "index" and leaf.shape:
            given[name] = draw.integers(0, 10, shape)
        elif name not in given:
            given[name] = (
                draw.normal(size=shape) * 0.1 if leaf.attributes["role"] == "parameter" else np.zeros(shape)
            )
    bound = bind(step.graph, given, np.float32)
    axes = {leaf: leaf.shape.index("m") for leaf in step.graph.leaves("data") if "m" in leaf.shape}
    return NativeSteps(step.graph, bound, axes, "m", np.float32, threads)


@pytest.mark.parametrize("optimizer", [cr.Adam(0.01), Clipped(0.1)], ids=["Adam", "clipped"])
def test_weights_are_the_same_bits_for_any_number_of_threads(optimizer: cr.Optimizer) -> None:
    cuts = [(i, min(i + 64, 200)) for i in range(0, 200, 64)]
    results: list[dict[str, Array]] = []
    for threads in (1, 2, 3, 5):
        steps = network_steps(threads, optimizer)
        for _ in range(3):
            losses = np.concatenate([part for part, _ in steps.run(np.arange(200), cuts)])
        graph = steps.program.graph
        results.append(
            {graph.names_of(leaf)[0]: a for leaf, a in steps.arrays().items()} | {"losses": losses}
        )
    for other in results[1:]:
        for name, array in results[0].items():
            assert np.array_equal(array, other[name]), name


def test_predictions_from_several_threads_at_once() -> None:
    network = cr.Network([cr.Dense(40, activation="relu"), cr.Dense(3)], loss="softmax_cross_entropy")
    draw = np.random.default_rng(2)
    X, y = draw.normal(size=(120, 7)), draw.integers(0, 3, 120)
    network.fit(X, y, epochs=2)
    expected = network.predict_proba(X)
    wrong: list[str] = []

    def predict(first: int) -> None:
        for count in range(1, 20):
            made = network.predict_proba(X[first : first + count])
            if not np.allclose(made, expected[first : first + count], atol=1e-6):
                wrong.append(f"{first} {count}")

    workers = [threading.Thread(target=predict, args=(5 * i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINRULE_THREADS", raising=False)
    assert most_threads() == (usable_processors(), False)
    assert most_threads(3) == (3, True)
    monkeypatch.setenv("CHAINRULE_THREADS", "2")
    assert most_threads() == (2, True)
    monkeypatch.setenv("CHAINRULE_THREADS", "many")
    with pytest.raises(cr.DataError, match="CHAINRULE_THREADS is many"):
        most_threads()
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(cr.DataError, match="threads is a positive whole number"):
            most_threads(wrong)  # type: ignore[arg-type]  # what a user may pass


def test_threads_are_added_as_long_as_that_helps() -> None:
    times = {1: 100e-6, 2: 60e-6, 4: 70e-6, 8: 10e-6}
    tuning = Tuning(8)
    while not tuning.is_settled:
        tuning.note(times[tuning.count])
    assert tuning.count == 2
    short = Tuning(8)
    short.note(5e-6)
    assert (short.is_settled, short.count) == (True, 1)


class Halves(cr.Primitive):
    """Half of each element, y = x / 2, by a rule that looks at numbers."""

    signature = "... -> ..."

    def forward(self, xp: Any, x: Any) -> Any:
        return np.array([float(v) / 2 for v in np.asarray(x).ravel()]).reshape(np.shape(x))

    def vjp(self, dy: cr.Value, y: cr.Value, x: cr.Value) -> tuple[cr.Value]:
        return (dy / 2,)


class Refuses(cr.Primitive):
    """No value at all, y = x."""

    signature = "... -> ..."

    def forward(self, xp: Any, x: Any) -> Any:
        if not isinstance(x, np.ndarray):
            raise TypeError("arrays alone")
        raise ZeroDivisionError("on purpose")


def native(graph: cr.Graph, **arrays: Any) -> Any:
    return NativeProgram(graph, np.float64)(bind(graph, arrays, np.float64))


def test_a_rule_that_arrays_cannot_follow_is_run_by_numpy_and_said_once() -> None:
    graph = cr.parse("sizes m\ndata x : (m)\ny = exp(halves(x)) + 1")
    graph.set_outputs([graph["y"]])
    with pytest.warns(cr.NativeFallbackWarning, match="halves has no native form"):
        (y,), _ = native(graph, x=[0.0, 2.0, 4.0])
    assert_allclose(y, np.exp([0.0, 1.0, 2.0]) + 1)
    native(graph, x=[1.0])


@pytest.mark.filterwarnings("ignore::chainrule.NativeFallbackWarning")
def test_what_a_rule_raises_in_between_is_raised_here() -> None:
    graph = cr.parse("sizes m\ndata x : (m)\ny = refuses(x) + 1")
    graph.set_outputs([graph["y"]])
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        native(graph, x=[1.0])


def test_another_executor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_EXECUTOR", "nativ")
    with pytest.raises(cr.UnknownNameError, match="CHAINRULE_EXECUTOR is nativ"):
        cr.fit(two_layer().step(cr.SGD(0.1)), two_layer_arrays())


@pytest.mark.parametrize("copying", [0, 50, 1e9], ids=["often", "usually", "never again"])
@pytest.mark.parametrize("several", [False, True], ids=["one by one", "several in a call"])
def test_what_was_good_before_the_last_step_is_found_again(
    monkeypatch: pytest.MonkeyPatch, copying: float, several: bool
) -> None:
    monkeypatch.setattr(native_steps, "_COPYING", copying)
    order, cuts = np.arange(200), [(i, i + 20) for i in range(0, 200, 20)]
    steps, alone = network_steps(2), network_steps(1)
    steps._seconds = 1e-5 if several else 1.0
    for _ in range(3):
        for first in (0, 5):
            some = cuts[first : first + 5]
            for cut in some:
                before = changing(alone)
                list(alone.run(order, [cut]))
            list(steps.run(order, some))
            assert alike(list(steps.good.values()), before)
            assert alike(changing(steps), changing(alone))


def changing(steps: NativeSteps) -> list[Array]:
    arrays = steps.arrays()
    return [arrays[leaf] for leaf in steps.program.graph.updates]


def alike(a: list[Array], b: list[Array]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
