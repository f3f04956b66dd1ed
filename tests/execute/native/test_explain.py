"""What a reader is told about kernels, phases and memory, against counts by hand."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.execute.native.target import VARIABLE
from chainrule.notation.text import equations, updates
from tests.support.command import chainrule
from tests.support.networks import EXAMPLES, two_layer

SIZES = {"m": 32, "d": 64, "h": 96, "k": 16}


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "plain")


def steps() -> list[cr.Graph]:
    layers = [cr.Dense(12, "tanh"), cr.Dropout(0.2), cr.BatchNorm(), cr.Dense(3)]
    net = cr.Network(layers, loss="softmax_cross_entropy", inputs=7, weight_decay=0.1)
    return [two_layer().step(cr.SGD()).graph, net.step(cr.Adam()).graph, net.step(cr.Momentum()).graph]


def test_products_are_counted() -> None:
    explained = cr.explain_native(two_layer().step(cr.SGD()).graph, SIZES)
    work = sorted(kernel.multiply_adds for kernel in explained.kernels if kernel.multiply_adds)
    m, d, h, k = SIZES.values()
    assert work == sorted([m * d * h, m * h * k, m * h * k, m * h * k, m * d * h])


def test_bytes_are_those_of_the_arrays() -> None:
    explained = cr.explain_native(two_layer().step(cr.SGD()).graph, SIZES)
    first = explained.kernels[0]
    m, d, h, _ = SIZES.values()
    assert first.reads == {"X": 4 * m * d, "W1": 4 * d * h, "b1": 4 * h}
    assert first.writes == {"A1": 4 * m * h}
    double = cr.explain_native(two_layer().step(cr.SGD()).graph, SIZES, np.float64).kernels[0]
    assert double.reads == {name: 2 * size for name, size in first.reads.items()}


@pytest.mark.parametrize("graph", steps(), ids=["sgd", "adam", "momentum"])
def test_every_equation_of_a_step_is_finished_once(graph: cr.Graph) -> None:
    explained = cr.explain_native(graph, {**SIZES, "m": 5} if "h" in graph.letters else {"m": 5})
    told = Counter(line.text for kernel in explained.kernels for line in kernel.lines)
    stated = [*equations(graph, shapes=False).splitlines(), *updates(graph, shapes=False).splitlines()]
    wanted = Counter(" ".join(line.split()) for line in stated)
    assert not told - wanted
    # The gradient of J by itself is a number, and no kernel's work.
    assert set(wanted - told) <= {"dJ = 1", "dL = dJ", "ds = dJ"}


@pytest.mark.parametrize("graph", steps(), ids=["sgd", "adam", "momentum"])
def test_rooms_in_use_at_the_same_time_do_not_overlap(graph: cr.Graph) -> None:
    explained = cr.explain_native(graph, {**SIZES, "m": 5} if "h" in graph.letters else {"m": 5})
    rooms = explained.rooms
    for i, one in enumerate(rooms):
        assert one.place + one.size <= explained.arena
        for other in rooms[:i]:
            together = one.first <= other.last and other.first <= one.last
            apart = one.place + one.size <= other.place or other.place + other.size <= one.place
            assert apart or not together, (one, other)


def test_phases_go_up_by_one() -> None:
    for graph in steps():
        explained = cr.explain_native(graph, {**SIZES, "m": 5} if "h" in graph.letters else {"m": 5})
        phases = [kernel.phase for kernel in explained.kernels]
        assert phases[0] == 1
        assert all(b - a in (0, 1) for a, b in itertools.pairwise(phases))


def test_updates_take_the_place_of_what_they_change() -> None:
    places = {
        line.text: line.place
        for kernel in cr.explain_native(two_layer().step(cr.Momentum()).graph, SIZES).kernels
        for line in kernel.lines
    }
    assert places["W1 ← W1 − α vW1_new"] == "in place of W1"
    assert places["vW1 ← vW1_new"] == "in place of vW1"
    assert places["dW1 = Xᵀ dR1 + λ W1"] == "in registers"


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"m": 3}, "nothing says how large d, h, k is"),
        ({**SIZES, "d": 0}, "the size of d is a positive whole number, not 0"),
        ({**SIZES, "d": 2.5}, r"the size of d is a positive whole number, not 2\.5"),
    ],
)
def test_wrong_sizes(sizes: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.DataError, match=message):
        cr.explain_native(two_layer(), sizes)


def test_the_command() -> None:
    file = str(EXAMPLES / "two_layer.eqn")
    shown = chainrule("explain", file, "--native", "--sizes", "m=32,d=64").stdout
    assert shown.startswith(
        "machine code for plain in float32, with m = 32, d = 64, h = 32, k = 32\n\nphase 1\n"
    )
    assert "        Z1 = R1 + b1    in registers\n" in shown
    assert "arena, " in shown
    assert max(map(len, shown.splitlines())) <= 110
    assert "in float64" in chainrule("explain", file, "--native", "--dtype", "float64").stdout
    for wrong in (("--dtype", "int8"), ("--sizes", "q=3"), ("--sizes", "m=0")):
        result = chainrule("explain", file, "--native", *wrong)
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
