"""Printed passes of a handful of networks, held word for word; and one example worked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule as cr
from chainrule.ir.constant import Constant

GOLDEN = Path(__file__).parent / "golden"
ALL = ["W1", "b1", "W2", "b2"]
NETWORKS = [("two_layer", ALL), ("rows", [*ALL, "X"]), ("columns", ALL), ("single", ["W1", "W2"]),
            ("single_columns", ["W1", "W2"])]  # fmt: skip
networks = pytest.mark.parametrize(("name", "wrt"), NETWORKS, ids=[name for name, _ in NETWORKS])


def squeezed(text: str) -> list[str]:
    """Return lines without the spaces that align them."""
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def golden(name: str) -> list[str]:
    return squeezed((GOLDEN / name).read_text(encoding="utf-8"))


def two_layer_by_operators() -> cr.Graph:
    g = cr.Graph()
    g.X, g.Y = cr.data("m", "d"), cr.data("m", "k")
    g.W1, g.b1 = cr.parameter("d", "h"), cr.parameter("h")
    g.W2, g.b2 = cr.parameter("h", "k"), cr.parameter("k")
    g.λ = cr.scalar()
    g.R1 = g.X @ g.W1
    g.Z1 = g.R1 + g.b1
    g.A1 = cr.relu(g.Z1)
    g.R2 = g.A1 @ g.W2
    g.Z2 = g.R2 + g.b2
    g.A2 = cr.sigmoid(g.Z2)
    g.L = cr.sum(cr.binary_cross_entropy(g.A2, g.Y)) * Constant.letter("m").reciprocal()
    g.s = g.λ / 2 * (cr.squared_norm(g.W1) + cr.squared_norm(g.W2))
    g.J = g.L + g.s
    return g


@networks
def test_the_pass_before_rewriting(name: str, wrt: list[str]) -> None:
    backward = cr.read(GOLDEN / f"{name}.eqn").gradient("J", wrt)
    assert squeezed(backward.text(section="backward")) == golden(f"{name}.before.txt")


@networks
def test_the_pass_after_rewriting(name: str, wrt: list[str]) -> None:
    after = cr.read(GOLDEN / f"{name}.eqn").gradient("J", wrt).simplify()
    assert squeezed(after.text(section="backward")) == golden(f"{name}.after.txt")


@networks
def test_the_forward_pass_prints_as_it_is_written(name: str, wrt: list[str]) -> None:
    text = (GOLDEN / f"{name}.eqn").read_text(encoding="utf-8")
    equations = [line for line in squeezed(text) if " = " in line and not line.startswith("#")]
    assert squeezed(cr.parse(text).text(section="forward", shapes=False)) == equations


@networks
def test_every_printed_pass_reads_back(name: str, wrt: list[str]) -> None:
    backward = cr.read(GOLDEN / f"{name}.eqn").gradient("J", wrt)
    for graph in (backward, backward.simplify()):
        assert cr.parse(graph.text()).same_as(graph)
        assert cr.parse(graph.text(ascii=True)).same_as(graph)


@networks
def test_the_gradients_agree_with_central_differences(name: str, wrt: list[str]) -> None:
    graph = cr.read(GOLDEN / f"{name}.eqn")
    sizes = {"m": 5, "d": 3, "h": 4, "k": 2, "n0": 3, "n1": 4, "n2": 2, "q": 2}
    generator = np.random.default_rng(7)
    arrays: dict[str, Any] = {
        graph.names_of(leaf)[0]: generator.normal(
            size=tuple(sizes[str(s)] if s != 1 else 1 for s in leaf.shape)
        )
        for leaf in graph.leaves()
    }
    if "Y" in arrays:
        arrays["Y"] = (arrays["Y"] > 0).astype(float)
    check = graph.check_gradients("J", wrt, **arrays)
    assert check, str(check)
    assert {row.name for row in check.rows} == set(wrt)


def test_operators_build_the_graph_that_text_describes() -> None:
    from_text = cr.read(GOLDEN / "two_layer.eqn")
    by_operators = two_layer_by_operators()
    assert by_operators.same_as(from_text)
    assert by_operators.gradient("J").same_as(from_text.gradient("J"))
    printed = by_operators.gradient("J").text(section="backward")
    assert squeezed(printed) == golden("two_layer.before.txt")


def test_rewriting_the_golden_network_fires_two_rules() -> None:
    after = cr.read(GOLDEN / "two_layer.eqn").gradient("J").simplify()
    assert "dA2" not in after
    assert [(f.name, f.before, f.after) for f in after.fired] == [
        ("", "binary_cross_entropy(A2, Y)", "sigmoid_cross_entropy(Z2, Y)"),
        ("dZ2", "dA2 ⊙ A2 ⊙ (1 − A2)", "1/m (A2 − Y)"),
    ]


def test_example_worked_by_hand() -> None:
    """Two inputs, two hidden units, one output, one example; every number is in a comment."""
    g = cr.parse(
        """
        sizes      m
        data       X : (m, 2), Y : (m, 1)
        parameter  W1 : (2, 2), b1 : (2), W2 : (2, 1), b2 : (1)
        scalar     λ
        Z1 = X W1 + b1
        A1 = relu(Z1)
        Z2 = A1 W2 + b2
        A2 = sigmoid(Z2)
        L  = 1/m sum(binary_cross_entropy(A2, Y))
        s  = λ/2 (‖W1‖² + ‖W2‖²)
        J  = L + s
        """
    )
    trace = g.gradient("J").run(
        X=[[1.0, 2.0]], Y=[[1.0]],
        W1=[[0.5, -1.0], [0.25, -0.5]], b1=[0.0, 1.0],
        W2=[[2.0], [3.0]], b2=[-2.0], λ=0.1,
    )  # fmt: skip
    expected = {
        # Z1 = [1·0.5 + 2·0.25 + 0, 1·(−1) + 2·(−0.5) + 1] = [1, −1]
        "Z1": [[1.0, -1.0]],
        # A1 = [max(0, 1), max(0, −1)] = [1, 0]
        "A1": [[1.0, 0.0]],
        # Z2 = 1·2 + 0·3 − 2 = 0
        "Z2": [[0.0]],
        # A2 = 1 / (1 + e⁰) = 1/2
        "A2": [[0.5]],
        # L = −1·log(1/2) − 0·log(1/2) = log 2
        "L": 0.6931471805599453,
        # s = 0.1/2 · (0.25 + 1 + 0.0625 + 0.25 + 4 + 9) = 0.05 · 14.5625 = 0.728125
        "s": 0.728125,
        # J = 0.6931471805599453 + 0.728125
        "J": 1.4212721805599453,
        # dA2 = (1 − 1)/(1 − 1/2) − 1/(1/2) = −2
        "dA2": [[-2.0]],
        # dZ2 = −2 · 1/2 · (1 − 1/2) = −1/2, which is A2 − Y
        "dZ2": [[-0.5]],
        "db2": [-0.5],
        # dW2 = A1ᵀ dZ2 + 0.1 W2 = [1·(−1/2) + 0.2, 0·(−1/2) + 0.3] = [−0.3, 0.3]
        "dW2": [[-0.3], [0.3]],
        # dA1 = dZ2 W2ᵀ = [−1/2·2, −1/2·3] = [−1, −1.5]
        "dA1": [[-1.0, -1.5]],
        # dZ1 = dA1 ⊙ [1 > 0, −1 > 0] = [−1, 0]
        "dZ1": [[-1.0, 0.0]],
        "db1": [-1.0, 0.0],
        # dW1 = Xᵀ dZ1 + 0.1 W1 = [[−1 + 0.05, 0 − 0.1], [−2 + 0.025, 0 − 0.05]]
        "dW1": [[-0.95, -0.1], [-1.975, -0.05]],
    }
    for name, number in expected.items():
        assert_allclose(trace[name], number, rtol=1e-15, atol=1e-15, err_msg=name)


def test_the_notes_own_gradient_is_that_of_half_the_sum_of_squares() -> None:
    """Note 000 writes dA2 = A2 − y for "MSE"; that belongs to half_sum_of_squares."""
    text = (GOLDEN / "rows.eqn").read_text(encoding="utf-8")
    half = cr.parse(text.replace("mean_squared_error", "half_sum_of_squares")).gradient("J")
    assert "dA2 = A2 − Y : (m, k)" in squeezed(half.text(section="backward"))
