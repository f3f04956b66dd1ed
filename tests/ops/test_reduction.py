"""Extremes that tie, products with zeros, sums of exponentials too great to hold."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import chainrule as cr

jax.config.update("jax_enable_x64", True)


@pytest.mark.parametrize("name", ["max", "min"])
def test_elements_that_tie_share_the_gradient(name: str) -> None:
    g = cr.parse(f"parameter x : (2, 3)\ny = {name}(x, axis=1)\nJ = sum(y)")
    x = np.array([[2.0, 2.0, 2.0], [1.0, 5.0, 1.0]])
    found = g.gradient("J").run(x=x)["dx"]
    assert_array_equal(found, jax.grad(lambda x: getattr(jnp, name)(x, axis=1).sum())(x))
    assert_allclose(found.sum(axis=1), 1.0)


@pytest.mark.parametrize("x", [[3.0, 0.0, 2.0, 5.0], [0.0, 3.0, 0.0, 2.0], [0.0, 0.0, 0.0, 1.0]])
def test_first_and_second_derivatives_of_a_product_with_zeros(x: list[float]) -> None:
    g = cr.parse("parameter x : (4), c : (4)\nJ = prod(x)").gradient("J", ["x"])
    g["S"] = cr.sum(g["c"] * g["dx"])
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    trace = g.gradient("S", ["x"]).run(x=np.array(x), c=weights)
    gradient = [np.prod(x[:i] + x[i + 1 :]) for i in range(4)]
    pairs = [[0.0 if i == j else np.prod([x[k] for k in range(4) if k not in (i, j)]) for j in range(4)]
             for i in range(4)]  # fmt: skip
    assert_array_equal(trace["dx"], gradient)
    assert_array_equal(trace["d²x"], np.array(pairs) @ weights)


def test_a_product_over_several_axes_with_a_zero() -> None:
    g = cr.parse("parameter X : (2, 3)\nJ = prod(X)").gradient("J")
    found = g.run(X=np.array([[1.0, 2.0, 0.0], [3.0, 4.0, 5.0]]))["dX"]
    assert_array_equal(found, [[0, 0, 120], [0, 0, 0]])


def test_logsumexp_holds_what_exp_does_not() -> None:
    g = cr.parse("parameter x : (3)\nJ = logsumexp(x)").gradient("J")
    trace = g.run(x=np.array([1000.0, 1000.0, -1000.0]))
    assert_allclose(trace["J"], 1000 + np.log(2))
    assert_allclose(trace["dx"], [0.5, 0.5, 0.0])


def test_a_variance_over_the_examples_needs_two() -> None:
    g = cr.parse("sizes m\ndata X : (m, 3)")
    for axis, least in ((0, 2), (None, 2), (1, 1)):
        value = cr.var(g["X"], axis=axis)
        assert value.op.smallest_batch("m", ("m", 3), **value.attributes) == least


def test_the_variance_of_one_number_is_zero() -> None:
    g = cr.parse("parameter x : ()\nJ = var(x)").gradient("J")
    trace = g.run(x=3.0)
    assert (trace["J"], trace["dx"]) == (0, 0)


def test_gradients_read_as_they_are_derived() -> None:
    g = cr.parse("sizes m, k\nparameter Z : (m, k)\ns = max(Z)\nv = var(Z)\nq = logsumexp(Z)\nJ = s + v + q")
    assert g.gradient("J").text(section="backward", shapes=False).splitlines()[4:] == [
        "t1 = 1[Z == s]",
        "dZ = 1/sum(t1) t1 + 2/(m k) (Z − mean(Z)) + exp(Z − q)",
    ]
