"""Ten thousand values in a row: no walk of a graph is recursive."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import chainrule as cr
from chainrule.ir.value import Value
from chainrule.notation.latex import latex_rows

DEPTH = 10_000


def named(g: cr.Graph, x: Value, i: int) -> Value:
    g[f"A{i}"] = cr.tanh(x)
    return g[f"A{i}"]


def unnamed(g: cr.Graph, x: Value, i: int) -> Value:
    return cr.tanh(x)


def residual(g: cr.Graph, x: Value, i: int) -> Value:
    return cr.relu(x) + x


def branching(g: cr.Graph, x: Value, i: int) -> Value:
    """Every value is used twice; every hundredth has a name."""
    y = cr.tanh(x) * x
    if i % 100 == 0:
        g[f"B{i}"] = y
    return y


def chain(link: Callable[[cr.Graph, Value, int], Value], ops: int) -> cr.Graph:
    g = cr.Graph()
    g.X, g.W = cr.data("m", 2), cr.parameter(2)
    value = g.X * g.W
    for i in range(DEPTH // ops):
        value = link(g, value, i)
    g.J = cr.mean(value)
    return g


@pytest.mark.parametrize(("link", "ops"), [(named, 1), (unnamed, 1), (residual, 2), (branching, 2)])
def test_a_long_chain_goes_through_everything(
    link: Callable[[cr.Graph, Value, int], Value], ops: int
) -> None:
    graph = chain(link, ops)
    assert len(graph.document()) >= DEPTH
    graph.verify()
    arrays = {"X": np.full((3, 2), 0.01), "W": np.array([-0.01, -0.02])}

    backward = graph.gradient("J")
    backward.verify()
    text = backward.text()
    again = cr.parse(text)
    assert again.same_as(backward)
    assert again.text() == text

    after = backward.simplify()
    after.verify()
    assert len(latex_rows(after)) > 1
    before, simpler = backward.run(**arrays), after.run(**arrays)
    np.testing.assert_allclose(simpler["dW"], before["dW"], rtol=1e-12)
    assert np.isfinite(before["dW"]).all()


def test_a_value_used_ten_thousand_times_has_one_gradient() -> None:
    g = cr.Graph()
    g.w = cr.parameter()
    total = g.w
    for i in range(DEPTH):
        total = total + g.w * (i + 2)
    g.J = total
    backward = g.gradient("J")
    assert cr.parse(backward.text()).same_as(backward)
    assert backward.simplify().run(w=1.0)["dw"] == 1 + sum(range(2, DEPTH + 2))
