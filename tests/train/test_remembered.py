"""A network that trains again is given the step it had; nothing that differs is taken to be the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.execute.executor import program_for
from chainrule.execute.inputs import bind
from chainrule.execute.native import plan
from chainrule.ir.registry import lookup
from chainrule.train.remembered import remembered_step
from chainrule.train.step import Step

DRAW = np.random.default_rng(3)
X, y = DRAW.normal(size=(40, 6)), DRAW.integers(0, 3, 40)


def network(width: int = 5, **options: Any) -> cr.Network:
    return cr.Network([cr.Dense(width, "tanh"), cr.Dense(3)], loss="softmax_cross_entropy", **options)


def step_of(net: cr.Network, optimizer: cr.Optimizer) -> Step[cr.Graph]:
    return remembered_step(net.graph, optimizer, net.step)


def test_the_same_equations_with_a_like_optimizer_have_one_step() -> None:
    assert step_of(network(), cr.Adam()) is step_of(network(seed=7), cr.Adam(0.001))


@pytest.mark.parametrize(
    ("net", "optimizer"),
    [
        (network(6), cr.Adam()),
        (network(weight_decay=1e-3), cr.Adam()),
        (network(), cr.Adam(0.01)),
        (network(), cr.Adam(epsilon=1e-7)),
        (network(), cr.AdamW(0.001, weight_decay=0.0)),
        (network(), cr.Adam({"others": 0.001})),
        (network(), cr.SGD(0.001)),
    ],
    ids=["width", "penalty", "rate", "number", "kind", "rates", "other kind"],
)
def test_what_differs_has_a_step_of_its_own(net: cr.Network, optimizer: cr.Optimizer) -> None:
    assert step_of(net, optimizer) is not step_of(network(), cr.Adam())


def test_an_optimizer_of_ones_own_is_asked_each_time() -> None:
    class Scaled(cr.Optimizer):
        factor = 1.0

        def update(self, p: Any) -> cr.Value:
            return p.value - self.factor * p.rate * p.gradient

    first = step_of(network(), Scaled(0.1))
    Scaled.factor = 2.0
    assert str(step_of(network(), Scaled(0.1))) != str(first)


class Sagging(cr.Primitive):
    """y = x + x²/9, to test with."""

    signature = "... -> ..."

    def forward(self, xp: Any, x: Any) -> Any:
        return x + x * x / 9

    def vjp(self, dy: cr.Value, y: cr.Value, x: cr.Value) -> tuple[cr.Value]:
        return (dy * (1 + 2 * x / 9),)


def test_an_op_of_ones_own_is_asked_each_time() -> None:
    net = cr.Network([cr.Dense(4, lookup("sagging")), cr.Dense(3)], loss="softmax_cross_entropy")
    assert step_of(net, cr.SGD(0.1)) is not step_of(net, cr.SGD(0.1))


def test_a_network_with_a_step_of_its_own_is_asked_each_time() -> None:
    class Renamed(cr.Network):
        def step(self, optimizer: cr.Optimizer) -> Step[cr.Graph]:
            made = super().step(optimizer)
            made.graph.name("also", made.graph["J"])
            return made

    layers = [cr.Dense(5, "tanh"), cr.Dense(3)]
    own = step_of(Renamed(layers, loss="softmax_cross_entropy"), cr.Adam())
    assert "also" in own.graph
    assert "also" not in step_of(network(), cr.Adam()).graph


def test_only_some_are_remembered() -> None:
    first = step_of(network(), cr.SGD(0.5))
    for number in range(8):
        step_of(network(), cr.SGD(1.5 + number))
    assert step_of(network(), cr.SGD(0.5)) is not first


def test_a_remembered_step_trains_to_the_same_bits() -> None:
    found: list[dict[str, Any]] = []
    for seed in (1, 2, 1):
        net = network(seed=seed)
        for _ in range(2):
            net.fit(X, y, epochs=2, batch_size=16)
        found.append(dict(net.arrays))
    assert all(np.array_equal(found[0][name], found[2][name]) for name in found[0])
    assert any(not np.array_equal(found[0][name], found[1][name]) for name in found[0])


def test_a_graph_that_has_changed_is_planned_anew() -> None:
    graph = cr.parse("sizes m\ndata x : (m)\na = 2 x\nb = x²")
    for name, wanted in (("a", 6), ("b", 9), ("a", 6)):
        graph.set_outputs([graph[name]])
        outputs, _ = program_for(graph)(bind(graph, {"x": [3.0]}, np.float32))
        assert outputs == [[wanted]]


def test_a_plan_is_made_once_for_a_graph_and_its_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_EXECUTOR", "native")
    net = network()
    net.fit(X, y, epochs=1, batch_size=40)
    before = plan._planned.cache_info()
    net.fit(X, y, epochs=1, batch_size=40)
    after = plan._planned.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 0)
