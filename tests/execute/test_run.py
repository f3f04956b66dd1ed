"""What run() takes and refuses; everything wrong is said at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, DataError, KindError, NamingError, ShapeError, UnknownNameError
from chainrule.execute.inputs import bind
from chainrule.execute.program import Program
from chainrule.ir.constant import Constant
from tests.support.errors import raises_exactly

TEXT = """
sizes m, k
data X : (m, 3), T : (m, 1), y : (m) index
parameter W : (3, k), w : (3, 1)
L = mean(softmax_cross_entropy(X W, y))
M = mean(binary_cross_entropy(sigmoid(X w), T))
J = L + M
"""
GOOD: dict[str, Any] = {
    "X": np.ones((4, 3)), "T": np.zeros((4, 1)), "y": np.zeros(4, int), "W": np.ones((3, 2)),
    "w": np.ones((3, 1)),
}  # fmt: skip

REFUSED: list[tuple[dict[str, Any], type[ChainruleError], str, str]] = [
    (
        {"X": None, "w": None}, DataError,
        "no value was given for X (m, 3), w (3, 1).", "pass X=… as well.",
    ),
    (
        {"Q": 1.0}, UnknownNameError,
        "Q is not data or a parameter of this graph.", "Known: X, T, y, W, w.",
    ),
    (
        {"J": 1.0}, UnknownNameError,
        "J is not data or a parameter of this graph.", "Known: X, T, y, W, w.",
    ),
    (
        {"X": np.ones((4, 2)), "T": np.ones(4), "w": np.ones((2, 1))}, ShapeError,
        "arrays do not fit the graph: X (m, 3) was given the shape (4, 2); "
        "T (m, 1) was given the shape (4); w (3, 1) was given the shape (2, 1).",
        "T.reshape(-1, 1) makes a column of it.",
    ),
    (
        {"T": np.zeros((5, 1))}, ShapeError,
        "arrays do not fit the graph: T (4, 1) was given the shape (5, 1), for m = 4 in X.", "",
    ),
    (
        {"y": np.zeros(4)}, KindError,
        "y holds class numbers, but the array holds float64.", "y.astype(int).",
    ),
    (
        {"X": [["a"] * 3] * 4}, DataError,
        "X holds text, not real numbers.", "turn X into real numbers first.",
    ),
    (
        {"X": [[1, 2, 3], [4, 5]]}, DataError,
        "X is not a rectangular array.", "rows must have one length.",
    ),
    (
        {"y": np.array([0, 1, 2, 0])}, DataError,
        "y must lie in 0 … 1 for softmax_cross_entropy, but y[2] = 2.",
        "it numbers one of 2, counted from 0.",
    ),
    (
        {"y": np.array([0, -1, 1, 0])}, DataError,
        "y must lie in 0 … 1 for softmax_cross_entropy, but y[1] = -1.",
        "it numbers one of 2, counted from 0.",
    ),
    (
        {"T": np.array([[0.0], [1.0], [0.5], [2.0]])}, DataError,
        "T must lie in {0, 1} for binary_cross_entropy, but T[2, 0] = 0.5 (2 of 4 elements lie outside).",
        "encode the two classes as 0 and 1, or use a loss for real targets.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "message", "fix"), REFUSED)
def test_arrays_that_are_refused(
    change: dict[str, Any], kind: type[ChainruleError], message: str, fix: str
) -> None:
    arrays = {name: array for name, array in {**GOOD, **change}.items() if array is not None}
    with raises_exactly(kind, message, fix):
        cr.parse(TEXT).run(**arrays)


def test_the_arrays_that_are_not_changed_are_good() -> None:
    trace = cr.parse(TEXT).run(**GOOD)
    assert trace.sizes == {"m": 4, "k": 2}
    assert trace["L"] == pytest.approx(np.log(2))


def test_a_letter_that_nothing_binds() -> None:
    g = cr.Graph()
    g.w = cr.parameter(3)
    g.J = cr.sum(g.w) * Constant.letter("m").reciprocal()
    with raises_exactly(NamingError, "nothing given says how large m is.", "pass the data that has it."):
        g.run(w=np.ones(3))


def test_a_leaf_that_nothing_uses_may_be_left_out() -> None:
    g = cr.Graph()
    g.w, g.v = cr.parameter(2), cr.parameter(2)
    g.J = cr.sum(g.w)
    assert g.run(w=[1.0, 2.0])["J"] == 3


def test_names_in_their_other_spelling() -> None:
    g = cr.Graph()
    g["λ"] = cr.scalar()
    g.J = 2 * g.λ
    assert g.run(**{"lambda": 3})["J"] == g.run(λ=3)["J"] == 6


def test_a_trace_holds_every_named_value() -> None:
    trace = cr.parse(TEXT).run(**GOOD)
    assert set(trace) == {"X", "T", "y", "W", "w", "L", "M", "J"}
    with pytest.raises(UnknownNameError, match="nothing is called Z"):
        trace["Z"]


def test_a_column_and_a_row_of_biases() -> None:
    g = cr.Graph()
    g.X, g.b, g.c = cr.data("n", "m"), cr.parameter("m"), cr.parameter("n", 1)
    g.Z = g.X + g.b + g.c
    trace = g.run(X=np.zeros((2, 3)), b=[1, 2, 3], c=[[10], [20]])
    assert trace["Z"].tolist() == [[11, 12, 13], [21, 22, 23]]


def test_a_program_agrees_with_a_trace_and_keeps_outputs_only() -> None:
    graph = cr.parse(TEXT).gradient("J")
    program = Program(graph)
    for rows in (4, 2):
        arrays = {name: array if name in "Ww" else array[:rows] for name, array in GOOD.items()}
        outputs, new = program(bind(graph, arrays))
        trace = graph.run(**arrays)
        assert new == {}
        for value, array in zip(graph.outputs, outputs, strict=True):
            np.testing.assert_array_equal(array, trace[value])


def test_a_program_returns_new_values_of_updated_leaves() -> None:
    graph = cr.parse("parameter W : (2)\nscalar α\ndW = 2 W\nW ← W − α dW")
    _, new = Program(graph)(bind(graph, {"W": [1.0, 2.0], "α": 0.25}))
    assert new[graph["W"]].tolist() == [0.5, 1.0]
