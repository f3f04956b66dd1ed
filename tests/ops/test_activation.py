"""Activations where numbers end and pieces meet, and their gradients as printed."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

import chainrule as cr
from chainrule.errors import ShapeError

jax.config.update("jax_enable_x64", True)
_HUGE = np.array([-np.inf, -1e300, -1e4, 1e4, 1e300, np.inf])
_LIKE_RELU = [0, 0, 0, 1e4, 1e300, np.inf]
_BETWEEN = {
    "sigmoid": (0, 1),
    "tanh": (-1, 1),
    "softsign": (-1, 1),
    "hardsigmoid": (0, 1),
    "hardtanh": (-1, 1),
    "relu6": (0, 6),
    "erf": (-1, 1),
}
_JAX_NAMES = {
    "silu": jax.nn.silu,
    "mish": jax.nn.mish,
    "softplus": jax.nn.softplus,
    "softsign": jax.nn.soft_sign,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: jax.nn.gelu(x, approximate=True),
    "selu": jax.nn.selu,
    "elu": jax.nn.elu,
    "celu": jax.nn.celu,
    "leaky_relu": jax.nn.leaky_relu,
    "relu6": jax.nn.relu6,
    "hardtanh": jax.nn.hard_tanh,
    "hardsigmoid": jax.nn.hard_sigmoid,
    "hardswish": jax.nn.hard_silu,
}


def value(name: str, x: object, **attributes: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        op = cr.lookup(name)
        settings = {attribute.name: attribute.default for attribute in op.attributes}
        return op.forward(np, np.asarray(x, np.float64), **{**settings, **attributes})


@pytest.mark.parametrize("name", ["relu", "silu", "mish", "gelu", "gelu_tanh", "softplus", "hardswish"])
def test_relatives_of_relu_go_to_zero_on_the_left_and_to_x_on_the_right(name: str) -> None:
    assert_array_equal(value(name, _HUGE), _LIKE_RELU)


@pytest.mark.parametrize("name", _BETWEEN)
def test_bounded_activations_reach_their_ends(name: str) -> None:
    low, high = _BETWEEN[name]
    assert_allclose(value(name, _HUGE), [low] * 3 + [high] * 3, rtol=2e-4, atol=1e-300)


def test_exponential_relatives_level_off_on_the_left() -> None:
    assert_array_equal(value("elu", _HUGE, alpha=2), [-2, -2, -2, 1e4, 1e300, np.inf])
    assert_array_equal(value("celu", _HUGE, alpha=2), [-2, -2, -2, 1e4, 1e300, np.inf])
    assert_allclose(value("selu", _HUGE[:3]), -1.7580993408473766, rtol=1e-15)


@pytest.mark.parametrize("name", _JAX_NAMES)
def test_jax_has_the_same_function_over_all_its_pieces(name: str) -> None:
    x = np.linspace(-9, 9, 1801) + 1e-4
    assert_allclose(value(name, x), _JAX_NAMES[name](x), rtol=1e-12, atol=1e-14)
    g = cr.parse(f"sizes m\nparameter x : (m)\nJ = sum({name}(x))")
    expected = jax.grad(lambda x: _JAX_NAMES[name](x).sum())(x)
    assert_allclose(g.gradient("J").run(x=x)["dx"], expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("name", "kink", "subgradient"),
    [
        ("relu", 0, 0),
        ("leaky_relu", 0, 0.01),
        ("elu", 0, 1),
        ("selu", 0, 1.7580993408473766),
        ("celu", 0, 1),
        ("relu6", 0, 0),
        ("relu6", 6, 0),
        ("hardtanh", -1, 0),
        ("hardtanh", 1, 0),
        ("hardsigmoid", -3, 0),
        ("hardsigmoid", 3, 0),
        ("hardswish", -3, 0),
        ("hardswish", 3, 1),
    ],
)
def test_subgradients_at_kinks_are_those_documented(name: str, kink: float, subgradient: float) -> None:
    g = cr.parse(f"parameter x : (1)\nJ = sum({name}(x))")
    assert_allclose(g.gradient("J").run(x=np.array([float(kink)]))["dx"], [subgradient], rtol=1e-15)


def test_the_tail_of_gelu_keeps_its_digits() -> None:
    assert_allclose(value("gelu", [-10.0]), [-10 * 7.619853024160526e-24], rtol=1e-13)
    assert_allclose(value("gelu_tanh", [-5.0]), [-2.2917961972623857e-07], rtol=1e-6)


def test_prelu_learns_one_slope_or_one_a_unit() -> None:
    x = np.array([[1.0, -2.0], [-3.0, -4.0]])
    g = cr.parse("sizes m\nparameter X : (m, 2), a : (2), b : ()\nJ = sum(prelu(X, a)) + sum(prelu(X, b))")
    found = g.gradient("J").run(X=x, a=np.array([0.1, 0.2]), b=0.5)
    assert_array_equal(found["da"], [-3, -6])
    assert found["db"] == -9
    assert_allclose(found["J"], (1 - 0.3 - 0.4 - 0.8) + (1 - 4.5))


def test_maxout_takes_the_greatest_of_neighbors() -> None:
    g = cr.parse("sizes m\nparameter X : (m, 6)\nA = maxout(X, pieces=3)\nJ = sum(A ⊙ A)")
    found = g.gradient("J").run(X=np.array([[1.0, 5, 2, -1, -3, -2]]))
    assert_array_equal(found["A"], [[5, -1]])
    assert_array_equal(found["dX"], [[0, 10, 0, -2, 0, 0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("maxout(V, pieces=4)", "the size 6 of the last axis is not a multiple of 4 pieces"),
        ("maxout(W)", "the last axis has the letter k for its size"),
        ("maxout(V, pieces=0)", "pieces is a whole number from 1, not 0"),
        ("maxout(V, pieces=m)", "pieces is a whole number, not 'm'"),
        ("celu(W, alpha=0)", r"alpha must lie in \(0, ∞\), not be 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(call: str, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        cr.parse(f"sizes m, k\nparameter V : (m, 6), W : (m, k)\nA = {call}")


@pytest.mark.parametrize(
    ("call", "gradient"),
    [
        ("softplus(Z)", "dA ⊙ sigmoid(Z)"),
        ("softsign(Z)", "dA / (1 + abs(Z))²"),
        ("elu(Z)", "dA ⊙ where(Z > 0, 1, A + 1)"),
        ("leaky_relu(Z)", "dA ⊙ where(Z > 0, 1, 0.01)"),
        ("prelu(Z, a)", "dA ⊙ where(Z > 0, 1, a)"),
        ("relu6(Z)", "dA ⊙ 1[Z > 0] ⊙ 1[Z < 6]"),
        ("hardsigmoid(Z)", "1/6 dA ⊙ 1[Z > −3] ⊙ 1[Z < 3]"),
        ("hardswish(Z)", "dA ⊙ 1[Z > −3] ⊙ where(Z < 3, 1/3 Z + 1/2, 1)"),
        ("sqrt(Z)", "dA / (2 A)"),
        ("square(Z)", "2 dA ⊙ Z"),
        ("log1p(Z)", "dA / (1 + Z)"),
        ("log_softmax(Z)", "dA − softmax(Z) ⊙ sum(dA, axis=1, keepdims=true)"),
    ],
)
def test_gradients_read_as_in_a_textbook(call: str, gradient: str) -> None:
    g = cr.parse(
        f"sizes m, k\ndata C : (m, k)\nparameter Z : (m, k), a : (k)\nA = {call}\nJ = sum(C ⊙ A ⊙ A)"
    )
    assert f"dZ = {gradient}" in g.gradient("J").text(shapes=False).replace("  ", " ")


def test_the_derivative_of_gelu_keeps_its_precision_far_left() -> None:
    g = cr.parse("sizes m\ndata x : (m)\nJ = sum(gelu(x))").gradient("J", "x")
    x = np.array([-30.0, -20.0, -10.0, -6.0, -3.0, 0.0, 3.0])
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    assert_allclose(g.run(x=x)["dx"], special.ndtr(x) + x * density, rtol=1e-12)
