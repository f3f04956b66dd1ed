"""The check agrees with right rules, finds wrong ones and leaves kinks out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError
from chainrule.ir import registry
from chainrule.ir.op import Primitive
from chainrule.ir.value import Value


@pytest.fixture
def wrong_square() -> Iterator[None]:
    """An op whose vjp forgets the factor 2, gone after the test."""
    before = dict(registry._OPS)

    class WrongSquare(Primitive):
        """Square, y = x², with a wrong derivative."""

        signature = "... -> ..."

        def forward(self, xp: Any, x: Any) -> Any:
            return x * x

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (dy * x,)

    yield
    registry._OPS.clear()
    registry._OPS.update(before)


def test_a_network_agrees() -> None:
    graph = cr.parse(
        "sizes m\ndata X : (m, 3), y : (m) index\nparameter W : (3, 4), b : (4)\n"
        "Z = tanh(X W + b)\nJ = mean(softmax_cross_entropy(Z, y))"
    )
    generator = np.random.default_rng(0)
    arrays = {
        "X": generator.normal(size=(5, 3)), "y": generator.integers(0, 4, 5),
        "W": generator.normal(size=(3, 4)), "b": generator.normal(size=4),
    }  # fmt: skip
    check = graph.check_gradients("J", **arrays)
    assert check
    assert {row.name: (row.checked, row.skipped) for row in check.rows} == {"W": (12, 0), "b": (4, 0)}
    assert graph.check_gradients("J", wrt="X", **arrays).rows[0].name == "X"
    assert {row.checked for row in graph.check_gradients("J", most=7, **arrays).rows} == {7, 4}
    assert "agrees" in str(check)


@pytest.mark.usefixtures("wrong_square")
def test_a_wrong_derivative_is_found_at_its_element() -> None:
    g = cr.Graph()
    g.w = cr.parameter(3)
    g.J = cr.sum(cr.wrong_square(g.w))
    check = g.check_gradients("J", w=np.array([0.0, 3.0, 1.0]))
    assert not check
    (row,) = check.rows
    assert (row.name, row.ok) == ("w", False)
    assert row.numeric == pytest.approx(2 * row.analytic)
    assert row.index in ((1,), (2,))
    assert "DIFFERS" in str(check)


def test_elements_at_a_kink_are_left_out() -> None:
    g = cr.Graph()
    g.w = cr.parameter(4)
    g.J = cr.sum(cr.relu(g.w))
    check = g.check_gradients("J", w=np.array([0.0, 1.0, -1.0, 1e-9]))
    assert check
    assert (check.rows[0].checked, check.rows[0].skipped) == (2, 2)


def test_a_check_of_nothing_but_kinks_does_not_pass() -> None:
    g = cr.Graph()
    g.w = cr.parameter(2)
    g.J = cr.sum(abs(g.w))
    check = g.check_gradients("J", w=np.zeros(2))
    assert not check
    assert check.rows[0].checked == 0


@pytest.mark.parametrize("build", [lambda w, v: cr.maximum(w, v), lambda w, v: cr.minimum(w, v)])
def test_equal_operands_of_maximum_and_minimum_are_a_kink(build: Any) -> None:
    g = cr.Graph()
    g.w, g.v = cr.parameter(2), cr.data(2)
    g.J = cr.sum(build(g.w, g.v))
    check = g.check_gradients("J", w=np.array([1.0, 2.0]), v=np.array([1.0, 5.0]))
    assert check
    assert (check.rows[0].checked, check.rows[0].skipped) == (1, 1)


def test_a_computed_value_cannot_be_moved() -> None:
    g = cr.Graph()
    g.w = cr.parameter(2)
    g.A = cr.tanh(g.w)
    g.J = cr.sum(g.A)
    with pytest.raises(DataError, match="A is computed, so it cannot be moved by itself"):
        g.check_gradients("J", wrt="A", w=np.ones(2))


def test_the_check_does_not_change_the_arrays() -> None:
    g = cr.Graph()
    g.w = cr.parameter(3)
    g.J = cr.sum(cr.exp(g.w))
    w = np.array([1.0, 2.0, 3.0])
    assert g.check_gradients("J", w=w)
    assert w.tolist() == [1, 2, 3]
