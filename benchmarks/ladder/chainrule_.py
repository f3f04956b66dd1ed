"""chainrule as a contender: the network by its layers, its training steps as `fit` runs them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.ladder.contender import TOLERANCE, Array
from benchmarks.ladder.setting import Setting
from benchmarks.ladder.workloads import EPSILON, MU, RHO1, RHO2, Model, Training
from chainrule.execute.executor import steps_for
from chainrule.execute.inputs import Bound, bind
from chainrule.execute.steps import ReferenceSteps, Steps
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value
from chainrule.train.remembered import remembered_step

_LOSSES = {"binary": "sigmoid_cross_entropy", "classes": "softmax_cross_entropy", "values": "squared_error"}
_TARGETS = {"binary": "Y", "classes": "y", "values": "Y"}


def network(model: Model) -> cr.Network:
    """Return a model as layers."""
    *hidden, outputs = model.widths[1:]
    layers = [layer for units in hidden for layer in _hidden(model, units)]
    return cr.Network([*layers, cr.Dense(outputs)], loss=_LOSSES[model.loss], inputs=model.widths[0])


def _hidden(model: Model, units: int) -> list[cr.Layer]:
    if model.dropout is None:
        return [cr.Dense(units, model.activation)]
    plain = [cr.Dense(units, bias=False), cr.BatchNorm(), cr.Activation(model.activation)]
    return [*plain, cr.Dropout(model.dropout)] if model.dropout else plain


def optimizer(training: Training) -> cr.Optimizer:
    """Return the optimizer of a training."""
    made: Mapping[str, cr.Optimizer] = {
        "SGD": cr.SGD(training.rate),
        "Momentum": cr.Momentum(training.rate, MU),
        "Adam": cr.Adam(training.rate, RHO1, RHO2, EPSILON),
    }
    return made[training.optimizer]


class Chainrule:
    """`Steps.run`: many steps in one native call, as each epoch of `fit` makes it."""

    whole = True
    tolerance = TOLERANCE

    def __init__(self, setting: Setting) -> None:
        self.graph, self.steps = _steps(setting, np.float32)
        self._batch, self._cuts = setting.training.batch, dict[int, list[tuple[int, int]]]()

    def run(self, order: Array) -> float:
        """Run a step on each batch."""
        parts = [losses for losses, _ in self.steps.run(order.ravel(), self._cuts_of(len(order)))]
        return float(np.concatenate(parts).mean())

    def _cuts_of(self, steps: int) -> list[tuple[int, int]]:
        """Return where batches begin and end, which `fit` too finds once for all epochs."""
        if steps not in self._cuts:
            self._cuts[steps] = [(i * self._batch, (i + 1) * self._batch) for i in range(steps)]
        return self._cuts[steps]

    def weights(self) -> dict[str, Array]:
        """Return the parameters by name."""
        return _weights(self.graph, self.steps)

    def is_settled(self) -> bool:
        """Tell whether the number of threads is found."""
        tuning = getattr(self.steps, "tuning", None)
        return tuning is None or tuning.is_settled


def contender(setting: Setting) -> Chainrule:
    """Return chainrule with its native executor, where there is one."""
    return Chainrule(setting)


def reference(setting: Setting, steps: int) -> tuple[dict[str, Array], float]:
    """Return the weights after some steps of the reference executor in float64, and the first loss."""
    graph, made = _steps(setting, np.float64)
    cuts = [(i * setting.training.batch, (i + 1) * setting.training.batch) for i in range(steps)]
    losses = [float(found[0]) for found, _ in made.run(setting.order(steps).ravel(), cuts)]
    return _weights(graph, made), losses[0]


def epochs_of_fit(setting: Setting, epochs: int) -> list[float]:
    """Return seconds a step in each epoch of `Network.fit` but the first two."""
    net = network(setting.model)
    marks: list[float] = []
    net.fit(
        setting.X,
        setting.y,
        optimizer=optimizer(setting.training),
        epochs=epochs + 2,
        batch_size=setting.training.batch,
        on_epoch=lambda _: marks.append(time.perf_counter()),
    )
    seconds: Array = np.diff(marks)[1:]
    return list(seconds / (len(setting.X) // setting.training.batch))


def _steps(setting: Setting, dtype: Any) -> tuple[Graph, Steps]:
    """Return the training step ready to run: in float64 by the reference executor."""
    net = network(setting.model)
    step = remembered_step(net.graph, optimizer(setting.training), net.step)
    graph = step.graph
    states = {
        name: np.full(_numbers(leaf), step.starts.get(name, 0.0), dtype)
        for leaf in graph.leaves("state")
        for name in graph.names_of(leaf)[:1]
    }
    seed = {"seed": 0} if "seed" in graph else {}
    data = {"X": setting.X, _TARGETS[setting.model.loss]: setting.y}
    bound: Bound = bind(graph, {**step.settings, **states, **seed, **setting.start, **data}, dtype)
    axes: dict[Value, int] = {leaf: 0 for leaf in graph.leaves("data") if "m" in leaf.shape}
    if np.dtype(dtype) == np.float64:
        return graph, ReferenceSteps(graph, bound, axes, "m", dtype)
    return graph, steps_for(graph, bound, axes, "m", dtype)


def _numbers(leaf: Value) -> tuple[int, ...]:
    """Return the shape of a leaf whose sizes are all known."""
    return tuple(int(size) for size in leaf.shape)


def _weights(graph: Graph, steps: Steps) -> dict[str, Array]:
    arrays = steps.arrays()
    return {_plain(graph.names_of(leaf)[0]): np.array(arrays[leaf]) for leaf in graph.leaves("parameter")}


def _plain(name: str) -> str:
    return name.replace("γ", "gamma").replace("β", "beta")
