"""Whole networks and their training steps: machine code agrees with the reference executor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings

import chainrule as cr
from chainrule.execute.examples import example_inputs, example_sizes
from chainrule.execute.native.target import executable_targets
from chainrule.notation.text import to_text
from chainrule.transform.lower import lower
from tests.support.agreement import disagreements, giving_out_all
from tests.support.random_graphs import SIZES, arrays_for, graphs
from tests.test_random_graphs import differentiated

ROOT = Path(__file__).parents[3]
EQUATIONS = sorted([*(ROOT / "tests" / "golden").glob("*.eqn"), *(ROOT / "examples").glob("*.eqn")])
DTYPES = [np.float32, np.float64]
OPTIMIZERS = [
    cr.SGD(0.1),
    cr.SGD(0.1, weight_decay=0.01),
    cr.Momentum(0.1),
    cr.Nesterov(0.1),
    cr.Adam(0.01),
    cr.AdamW(0.01),
    cr.AdaGrad(0.1),
    cr.RMSProp(0.01),
]
HIDDEN = [
    [cr.Dense(5, activation=name)]
    for name in ("relu", "tanh", "sigmoid", "gelu", "silu", "elu", "softplus", "leaky_relu", "mish", "selu")
] + [
    [cr.Dense(17), cr.BatchNorm(), cr.Activation("relu"), cr.Dropout(0.3)],
    [cr.Dense(8), cr.LayerNorm(), cr.Activation("tanh")],
    [cr.Dense(6), cr.Residual(cr.Dense(6, activation="tanh"))],
    [cr.Dense(33, activation="relu"), cr.Dense(16, activation="relu")],
]


def step_inputs(step: Any, sizes: Mapping[str, int], seed: int = 0) -> dict[str, Any]:
    """Return arrays for every leaf of a step: its own settings, a count of steps and a seed among them."""
    given = {**example_inputs(step.graph, sizes, seed), **step.settings}
    given.update({name: np.float64(3.0) for name in ("step",) if name in step.graph})
    given.update({name: np.int64(11) for name in ("seed",) if name in step.graph})
    return given


def assert_agrees(
    graph: cr.Graph,
    given: Mapping[str, Any],
    sizes: Mapping[str, int],
    dtype: Any,
    target: Any = None,
    least: float = 0.0,
) -> None:
    complaints = list(disagreements(graph, given, sizes, dtype, target, least))
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("path", EQUATIONS, ids=lambda path: path.stem)
def test_golden_networks_and_examples(path: Path, dtype: Any) -> None:
    graph = cr.read(path)
    sizes = example_sizes(graph)
    assert_agrees(giving_out_all(graph), example_inputs(graph, sizes), sizes, dtype)
    if "J" in graph and not graph.updates and graph.leaves("parameter"):
        step = graph.step(cr.Adam(0.01))
        assert_agrees(step.graph, step_inputs(step, sizes), sizes, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (7, 5, 16, 3), (33, 17, 64, 2), (64, 30, 31, 1)], ids=str)
def test_a_step_of_every_optimizer(optimizer: cr.Optimizer, sizes: tuple[int, ...], dtype: Any) -> None:
    step = cr.read(ROOT / "examples" / "two_layer.eqn").step(optimizer)
    bound = dict(zip("mdhk", sizes, strict=True))
    assert_agrees(step.graph, step_inputs(step, bound), bound, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", HIDDEN, ids=repr)
def test_a_step_of_networks_of_layers(hidden: list[Any], dtype: Any) -> None:
    network = cr.Network([*hidden, cr.Dense(3)], loss="softmax_cross_entropy", weight_decay=1e-3)
    step = network.graph.step(cr.Momentum(0.01))
    sizes = example_sizes(step.graph) | {"m": 19}
    # The gradient of a bias before batch normalization is 0 but for rounding.
    assert_agrees(step.graph, step_inputs(step, sizes), sizes, dtype, least=1e-3)


@pytest.mark.parametrize("target", executable_targets(), ids=lambda target: target.name)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_target_this_machine_can_run(target: Any, dtype: Any) -> None:
    network = cr.Network(
        [cr.Dense(20), cr.BatchNorm(), cr.Activation("tanh"), cr.Dropout(0.3), cr.Dense(3)],
        loss="softmax_cross_entropy",
    )
    step = network.graph.step(cr.Momentum(0.01))
    sizes = example_sizes(step.graph) | {"m": 37}
    assert_agrees(step.graph, step_inputs(step, sizes), sizes, dtype, target, least=1e-3)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(graphs(tame=True, most=5))
def test_random_graphs(graph: cr.Graph) -> None:
    note(to_text(graph))
    backward = differentiated(graph)
    assume(backward is not None)
    assert backward is not None
    arrays = arrays_for(backward, 5)
    for dtype in DTYPES:
        assert_agrees(giving_out_all(lower(backward)), arrays, SIZES, dtype, least=1.0)
