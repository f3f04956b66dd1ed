"""The backward pass: paths, names, what is wanted and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule as cr
from chainrule.errors import GraphError, NamingError, ShapeError, UnknownNameError
from tests.support.errors import raises_exactly


def two_layers() -> cr.Graph:
    g = cr.Graph()
    g.X, g.W1, g.W2 = cr.data("m", 3), cr.parameter(3, 4), cr.parameter(4, 2)
    g.A1 = cr.tanh(g.X @ g.W1)
    g.Z2 = g.A1 @ g.W2
    g.J = cr.mean(g.Z2 * g.Z2)
    return g


def drawn(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    return {name: generator.normal(size=shape) for name, shape in shapes.items()}


def test_frozen_parameters_are_left_out() -> None:
    g = cr.Graph()
    g.X, g.W1, g.W2 = cr.data("m", 3), cr.parameter(3, 3, frozen=True), cr.parameter(3, 1)
    g.A1 = cr.tanh(g.X @ g.W1)
    g.J = cr.mean(g.A1 @ g.W2)
    backward = g.gradient("J")
    assert list(backward.gradients) == ["dJ", "dW2"]
    assert "dW1" in g.gradient("J", wrt=["W1"])


def test_gradients_of_data_and_intermediates() -> None:
    g = two_layers()
    backward = g.gradient("J", wrt=["X", "A1"])
    assert backward["dX"].shape == ("m", 3)
    assert backward["dA1"].shape == ("m", 4)
    assert "dW1" not in backward
    arrays = drawn(X=(5, 3), W1=(3, 4), W2=(4, 2))
    trace = backward.run(**arrays)
    expected = 2 / 10 * trace["Z2"] @ arrays["W2"].T
    assert_allclose(trace["dA1"], expected, rtol=1e-12)
    assert_allclose(trace["dX"], (expected * (1 - trace["A1"] ** 2)) @ arrays["W1"].T, rtol=1e-12)


def test_parts_of_several_paths_are_added_in_the_order_of_use() -> None:
    g = cr.Graph()
    g.w, g.u, g.v = cr.parameter(3), cr.parameter(3), cr.parameter(3)
    g.A = cr.tanh(g.w)
    g.J = cr.sum(g.A * g.u) + cr.sum(g.A * g.v) + cr.sum(cr.exp(g.A))
    backward = g.gradient("J", wrt=["A"])
    assert backward.text(section="backward", shapes=False) == "dJ = 1\ndA = u + v + t1"


def test_a_value_used_twice_by_one_op_counts_twice() -> None:
    g = cr.Graph()
    g.w = cr.parameter(3)
    g.J = cr.sum(g.w * g.w)
    w = np.array([1.0, -2.0, 3.0])
    assert_allclose(g.gradient("J").run(w=w)["dw"], 2 * w)


def test_the_gradient_of_what_does_not_matter_is_zero() -> None:
    g = two_layers()
    g.V = cr.parameter(2, 2)
    trace = g.gradient("J").run(**drawn(X=(5, 3), W1=(3, 4), W2=(4, 2), V=(2, 2)))
    assert trace["dV"].shape == (2, 2)
    assert not trace["dV"].any()


def test_every_intermediate_on_the_way_has_a_named_gradient() -> None:
    backward = two_layers().gradient("J")
    assert dict(backward.gradients) == {
        "dJ": "J", "dZ2": "Z2", "dA1": "A1", "dW2": "W2", "dW1": "W1",
    }  # fmt: skip


def test_the_given_graph_is_untouched() -> None:
    g = two_layers()
    before = g.text()
    g.gradient("J")
    assert g.text() == before


def test_a_second_differentiation_takes_the_next_prefix() -> None:
    g = cr.Graph()
    g.w = cr.parameter(3)
    g.J = cr.sum(g.w**3)
    backward = g.gradient("J")
    backward.q = cr.sum(backward.dw)
    second = backward.gradient("q")
    assert second.gradients["d²w"] == "w"
    w = np.array([1.0, -2.0, 0.5])
    assert_allclose(second.run(w=w)["d²w"], 6 * w)
    assert cr.parse(second.text()).same_as(second)
    assert "gw" in g.gradient("J", prefix="g")


def test_what_cannot_be_differentiated_is_refused() -> None:
    g = two_layers()
    g.y = cr.data("m", kind="index")
    with raises_exactly(UnknownNameError, "there is no objective called L.", "Known: J."):
        g.gradient("L")
    with raises_exactly(
        ShapeError, "the gradient needs a real scalar, but Z2 is real (m, 2).",
        "reduce it first: sum(Z2) or mean(Z2).",
    ):  # fmt: skip
        g.gradient("Z2")
    with pytest.raises(GraphError, match="y is index; only real values have gradients"):
        g.gradient("J", wrt="y")
    with pytest.raises(UnknownNameError, match="nothing is called W3"):
        g.gradient("J", wrt=["W3"])
    with pytest.raises(NamingError, match="dJ exists already"):
        g.gradient("J").gradient("J", prefix="d")


def test_a_graph_without_free_parameters_has_nothing_to_differentiate() -> None:
    g = cr.Graph()
    g.X, g.W = cr.data("m", 3), cr.parameter(3, frozen=True)
    g.J = cr.mean(g.X @ g.W)
    with pytest.raises(GraphError, match="there is no parameter to differentiate with respect to"):
        g.gradient("J")


def test_where_keeps_nan_of_the_branch_not_taken_out_of_the_gradient() -> None:
    g = cr.Graph()
    g.w = cr.parameter(2)
    g.J = cr.sum(cr.where(g.w > 0, cr.log(g.w), g.w))
    trace = g.gradient("J").run(w=[2.0, 1.0])
    assert_allclose(trace["dw"], [0.5, 1.0])
