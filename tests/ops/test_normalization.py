"""Batch normalization and dropout against a network written in JAX, to the rounding of float64."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule as cr
from chainrule.train.data import Batches
from tests.support import jax_layers as reference

M, D, H, K = 12, 5, 7, 3


def network() -> cr.Network:
    return cr.Network(
        [cr.Dense(H, "tanh"), cr.Dropout(reference.DROPPED), cr.BatchNorm(reference.RATE), cr.Dense(K)],
        loss="softmax_cross_entropy", weight_decay=reference.DECAY, inputs=D, seed=11, dtype=np.float64,
    )  # fmt: skip


def examples(m: int = M) -> tuple[Any, Any]:
    draw = np.random.default_rng(4)
    return draw.normal(size=(m, D)), draw.integers(0, K, m)


def started(net: cr.Network) -> dict[str, Any]:
    """Return arrays in which γ, β and the running statistics are none that would cancel."""
    net.initialize()
    draw = np.random.default_rng(8)
    net.arrays |= {"γ1": draw.uniform(0.5, 2, H), "β1": draw.normal(size=H), "b1": draw.normal(size=H)}
    net.arrays |= {"mean1": draw.normal(size=H), "variance1": draw.uniform(0.5, 2, H)}
    return dict(net.arrays)


def test_forward_and_all_gradients() -> None:
    net, (X, y) = network(), examples()
    arrays = {**started(net), "step": 3.0}
    found = net.graph.gradient().run(X=X, y=y, seed=11, λ=reference.DECAY, **arrays)
    kept = reference.mask(11, 1, 3, (M, H), reference.DROPPED)
    J, _ = reference.objective(arrays, X, y, kept)
    assert_allclose(found["J"], J, rtol=1e-14)
    _, gradients = reference.step(arrays, X, y, kept)
    assert set(gradients) == {"W1", "b1", "γ1", "β1", "W2", "b2"}
    for name, gradient in gradients.items():
        assert_allclose(found[f"d{name}"], gradient, rtol=1e-11, atol=1e-14)


def test_parameters_and_running_statistics_after_several_steps_and_the_prediction() -> None:
    net, (X, y) = network(), examples()
    expected = started(net)
    net.fit(X, y, optimizer=cr.SGD(reference.ALPHA), epochs=5, batch_size=None)
    for step in range(5):
        kept = reference.mask(11, 1, step, (M, H), reference.DROPPED)
        expected, _ = reference.step(expected, X, y, kept)
    for name, array in expected.items():
        assert_allclose(net.arrays[name], array, rtol=1e-11, atol=1e-14)
    assert net.arrays["step"] == 5
    assert_allclose(net.predict_proba(X), reference.probabilities(expected, X), rtol=1e-11)


def test_the_step_that_runs_has_the_three_terms_and_the_same_numbers() -> None:
    net, (X, y) = network(), examples()
    arrays, step = started(net), net.step(cr.SGD(reference.ALPHA))
    found = step.graph.run(X=X, y=y, seed=11, λ=reference.DECAY, α=reference.ALPHA, **arrays)
    _, gradients = reference.step(arrays, X, y, reference.mask(11, 1, 0, (M, H), reference.DROPPED))
    for name, gradient in gradients.items():
        assert_allclose(found[f"d{name}"], gradient, rtol=1e-11, atol=1e-14)
    assert "dXhat1 − mean(dXhat1, axis=0) − Xhat1" in step.graph.text()


def batch_sizes(m: int, size: int) -> list[int]:
    net = network()
    bound = {net.graph["X"]: np.zeros((m, D)), net.graph["y"]: np.zeros(m, int)}
    return [end - start for start, end in Batches(net.graph, bound, size).cuts()]


def test_a_last_batch_of_one_example_is_joined_to_the_one_before() -> None:
    assert batch_sizes(9, 4) == [4, 5]
    assert batch_sizes(10, 4) == [4, 4, 2]
    assert batch_sizes(3, 2) == [3]
    X, y = examples(9)
    net = network()
    net.fit(X, y, epochs=1, batch_size=4)
    assert net.arrays["step"] == 2


@pytest.mark.parametrize(("m", "size"), [(9, 1), (1, 8)])
def test_one_example_has_no_variance(m: int, size: int) -> None:
    X, y = examples(m)
    with pytest.raises(cr.DataError, match="batch normalization needs 2 examples in a batch, not 1"):
        network().fit(X, y, batch_size=size)


def norm(kind: str, x: Any, gamma: Any, beta: Any) -> Any:
    if kind == "LayerNorm":
        x = x - x.mean(-1, keepdims=True)
    return gamma * x / jnp.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) + beta


@pytest.mark.parametrize("kind", ["LayerNorm", "RmsNorm"])
@pytest.mark.parametrize("shape", [(4,), (3, 4)], ids=str)
def test_norms_over_units_and_their_gradients(kind: str, shape: tuple[int, ...]) -> None:
    g = cr.Graph()
    g.X = cr.data("m", *shape)
    g.A = getattr(cr, kind)()(g.X)
    g.T = cr.data("m", *shape)
    g.J = cr.sum(g.A * g.T)
    draw = np.random.default_rng(0)
    X, T = draw.normal(size=(2, 6, *shape)) + 0.5
    gamma, beta = draw.uniform(0.5, 2, 4), draw.normal(size=4) * (kind == "LayerNorm")
    parameters = {"γ0": gamma, "β0": beta} if kind == "LayerNorm" else {"γ0": gamma}
    found = g.gradient(wrt=["X", *parameters]).run(X=X, T=T, **parameters)
    assert_allclose(found["A"], norm(kind, X, gamma, beta), rtol=1e-13, atol=1e-15)
    dX, dgamma, dbeta = jax.grad(lambda *a: (norm(kind, *a) * T).sum(), (0, 1, 2))(X, gamma, beta)
    assert_allclose(found["dX"], dX, rtol=1e-10, atol=1e-13)
    assert_allclose(found["dγ0"], dgamma, rtol=1e-12)
    if kind == "LayerNorm":
        assert_allclose(found["dβ0"], dbeta, rtol=1e-12)


@pytest.mark.parametrize("kind", [cr.BatchNorm, cr.LayerNorm, cr.RmsNorm])
@pytest.mark.parametrize("epsilon", [0, -1e-5, float("nan")])
def test_epsilon_is_positive(kind: Any, epsilon: float) -> None:
    with pytest.raises(cr.DataError, match=f"epsilon of {kind.__name__} is positive"):
        kind(epsilon=epsilon)


def test_a_unit_that_never_changes_stays_finite() -> None:
    g = cr.Graph()
    g.X = cr.data("m", 2)
    g.N = cr.BatchNorm()(g.X)
    found = g.run(X=np.full((4, 2), 3.0), **g.initialize())
    assert_allclose(found["N"], 0, atol=1e-12)
