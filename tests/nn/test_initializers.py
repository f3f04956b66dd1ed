from __future__ import annotations

import numpy as np
import pytest
from tests.support.networks import two_layer

import chainrule as cr

SIZES = {"d": 300, "h": 400, "k": 50}


@pytest.mark.parametrize(
    ("scheme", "variance"),
    [("he", 2 / 300), ("he_uniform", 2 / 300), ("glorot", 2 / 700), ("glorot_normal", 2 / 700)],
)
def test_the_variance_is_the_papers(scheme: str, variance: float) -> None:
    W1 = two_layer().initialize(SIZES, scheme)["W1"]
    assert W1.shape == (300, 400)
    assert np.var(W1) == pytest.approx(variance, rel=0.02)
    assert np.mean(W1) == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("scheme", ["he_uniform", "glorot"])
def test_a_uniform_draw_stays_within_its_limit(scheme: str) -> None:
    W1 = two_layer().initialize(SIZES, scheme)["W1"]
    assert np.abs(W1).max() <= np.sqrt(3 * {"he_uniform": 2 / 300, "glorot": 2 / 700}[scheme])


def test_biases_start_at_zero() -> None:
    parameters = two_layer().initialize(SIZES, "he")
    assert not parameters["b1"].any()
    columns = cr.parse("sizes m\ndata X : (30, m)\nparameter W : (20, 30), b : (20, 1)\nJ = ‖W X + b‖²")
    assert not columns.initialize()["b"].any()


def test_fan_in_is_counted_where_the_matrix_stands() -> None:
    columns = cr.parse("sizes m\ndata X : (50, m)\nparameter W : (800, 50)\nJ = ‖W X‖²")
    assert np.var(columns.initialize(scheme="he")["W"]) == pytest.approx(2 / 50, rel=0.05)


def test_a_column_in_a_product_is_drawn() -> None:
    graph = cr.parse("sizes m\ndata X : (m, 50)\nparameter W : (50, 1)\nJ = ‖X W‖²")
    assert graph.initialize()["W"].all()


def test_the_seed_decides_and_each_parameter_has_its_own_stream() -> None:
    graph = two_layer()
    first, second = (graph.initialize(SIZES, "he", seed=1) for _ in range(2))
    np.testing.assert_array_equal(first["W2"], second["W2"])
    assert not np.array_equal(first["W2"], graph.initialize(SIZES, "he", seed=2)["W2"])
    other = graph.initialize(SIZES, {"W1": "glorot", "W2": "he"}, seed=1)
    np.testing.assert_array_equal(other["W2"], first["W2"])


def test_mistakes_are_named() -> None:
    with pytest.raises(cr.UnknownNameError, match="Did you mean he"):
        two_layer().initialize(SIZES, "hee")
    with pytest.raises(cr.UnknownNameError, match="no parameter W3"):
        two_layer().initialize(SIZES, {"W3": "he"})
    with pytest.raises(cr.NamingError, match="needs the size of h"):
        two_layer().initialize({"d": 3, "k": 2})
