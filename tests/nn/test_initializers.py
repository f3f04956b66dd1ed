from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
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


DRAWN = [
    ("he", 2 / 300, None), ("he_uniform", 2 / 300, 3),
    ("glorot", 2 / 700, 3), ("glorot_normal", 2 / 700, None),
    ("lecun", 1 / 300, None), ("lecun_uniform", 1 / 300, 3), ("normal", 0.05**2, None),
    ("uniform", 0.05**2 / 3, 3), (("normal", 0.2), 0.04, None), (("uniform", 0.3), 0.03, 3),
]  # fmt: skip


def weights_of(initializer: Any, units: int = 400, columns: int = 300, seed: int = 0) -> Any:
    layers = [cr.Dense(units, initializer=initializer)]
    net = cr.Network(layers, loss="huber", inputs=columns, seed=seed, dtype=np.float64)
    return net.initialize()["W1"]


@pytest.mark.parametrize(("initializer", "variance", "limit"), DRAWN, ids=str)
def test_a_layers_weights_have_the_stated_distribution(
    initializer: Any, variance: float, limit: float | None
) -> None:
    W = weights_of(initializer)
    assert np.var(W) == pytest.approx(variance, rel=0.02)
    assert abs(np.mean(W)) < 4 * np.sqrt(variance / W.size)
    if limit is None:
        assert stats.kstest(W.ravel() / np.sqrt(variance), "norm").pvalue > 0.001
    else:
        assert 0.999 * np.sqrt(limit * variance) < np.abs(W).max() <= np.sqrt(limit * variance)


@pytest.mark.parametrize(
    ("initializer", "number"), [("zeros", 0), ("ones", 1), (0.25, 0.25), (("constant", -2), -2)], ids=str
)
def test_a_number_fills(initializer: Any, number: float) -> None:
    assert (weights_of(initializer, 3, 2) == number).all()


@pytest.mark.parametrize(("units", "columns"), [(20, 30), (30, 20), (20, 20)])
def test_orthogonal_rows_or_columns(units: int, columns: int) -> None:
    W = weights_of("orthogonal", units, columns)
    product = W @ W.T if columns <= units else W.T @ W
    np.testing.assert_allclose(product, np.eye(min(units, columns)), atol=1e-12)
    assert not np.array_equal(W, weights_of("orthogonal", units, columns, seed=1))


def test_a_function_gets_generator_shape_and_fans() -> None:
    def draw(generator: np.random.Generator, shape: Any, fan_in: int, fan_out: int) -> Any:
        assert (shape, fan_in, fan_out) == ((300, 400), 300, 400)
        return generator.exponential(size=shape)

    assert weights_of(draw).min() > 0
    with pytest.raises(cr.DataError, match=r"the initializer of W1 made an array \(3,\), not \(300, 400\)"):
        weights_of(lambda *_: np.ones(3))


def test_the_activation_decides_where_nothing_is_said() -> None:
    net = cr.Network(
        [cr.Dense(400, "relu"), cr.Dense(300, "selu"), cr.Dense(400, "tanh"), cr.Dense(300)],
        loss="huber", inputs=300,
    )  # fmt: skip
    variances = [np.var(net.initialize()[f"W{i}"]) for i in (1, 2, 3, 4)]
    assert variances == pytest.approx([2 / 300, 1 / 400, 2 / 700, 2 / 700], rel=0.03)


def test_what_layers_say_counts_unless_a_parameter_is_named() -> None:
    g = cr.Graph()
    g.X = cr.data("m", 3)
    cr.Activation("prelu")(cr.Dense(4, initializer="ones")(g.X))
    assert (g.initialize()["a1"] == 0.25).all()
    assert (g.initialize(scheme="zeros")["W1"] == 1).all()
    assert (g.initialize(scheme={"W1": 3.0})["W1"] == 3).all()


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("constant", "which constant"),
        (("normal", -1), "not \\('normal', -1\\)"),
        (("normal", "wide"), "an initializer is"),
        (("orthogonal", 2), "an initializer is"),
        (float("nan"), "an initializer is"),
        ([1, 2], "an initializer is"),
    ],
)
def test_what_is_no_initializer_is_refused(chosen: Any, message: str) -> None:
    with pytest.raises(cr.DataError, match=message):
        cr.Dense(3, initializer=chosen)
