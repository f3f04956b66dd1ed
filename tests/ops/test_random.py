"""Random masks: the generator against published vectors and JAX, the masks against their promise."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

import chainrule as cr
from chainrule.ops.random import threefry
from tests.support.jax_layers import mask, words

jax.config.update("jax_enable_x64", True)

# Random123's kat_vectors for threefry2x32 with 20 rounds: counter, key, result.
KNOWN = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


def pair(numbers: tuple[int, int], xp: Any = np) -> tuple[Any, Any]:
    return xp.asarray([numbers[0]], dtype=xp.uint32), xp.asarray([numbers[1]], dtype=xp.uint32)


@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_published_vectors(counter: Any, key: Any, expected: Any, xp: Any) -> None:
    first, second = threefry(xp, pair(key, xp), pair(counter, xp))
    assert (int(first[0]), int(second[0])) == expected


def drawn(
    shape: tuple[int, int],
    p: float = 0.3,
    *,
    seed: int = 5,
    step: int = 0,
    number: int = 1,
    dtype: Any = float,
) -> Any:
    g = cr.Graph()
    g.seed, g["step"] = cr.data(kind="index"), cr.state()
    g.M = cr.dropout_mask(g.seed, g["step"], shape=shape, p=p, id=number)
    return g.run(seed=seed, step=step, dtype=dtype)["M"]


@pytest.mark.parametrize(("seed", "step", "number"), [(5, 0, 1), (2**32 - 1, 7, 2), (0, 100_000, 3)])
def test_a_mask_is_made_of_jaxs_words(seed: int, step: int, number: int) -> None:
    expected = mask(seed, number, step, (31, 7), 0.3)
    assert_array_equal(drawn((31, 7), seed=seed, step=step, number=number), expected)
    assert 0 < expected.sum() < expected.size


def test_an_element_is_kept_from_its_threshold_on() -> None:
    word = int(words(5, 1, 0, 6)[4])
    assert drawn((2, 3), word / 2**32)[1, 1] == 1
    assert drawn((2, 3), (word + 1) / 2**32)[1, 1] == 0


def test_noise_is_made_of_both_words() -> None:
    g = cr.Graph()
    g.seed, g["step"] = cr.data(kind="index"), cr.state()
    g.N = cr.normal_noise(g.seed, g["step"], shape=(200, 50), id=1)
    noise = g.run(seed=3, step=2)["N"].ravel()
    u = 1 - words(3, 1, 2, 10_000) / 2**32
    np.testing.assert_array_less(np.abs(noise), np.sqrt(-2 * np.log(u)) + 1e-12)
    assert stats.kstest(noise, "norm").pvalue > 0.01
    assert len(np.unique(noise)) == noise.size


def test_bits_do_not_depend_on_the_floating_point_type() -> None:
    for step in (0, 3, 2**24 - 1):
        single = drawn((40, 9), step=step, dtype=np.float32)
        assert single.dtype == np.float32
        assert_array_equal(single, drawn((40, 9), step=step))


@pytest.mark.parametrize("p", [0.0, 0.05, 0.5, 0.9])
def test_the_share_that_is_kept(p: float) -> None:
    M = drawn((1000, 100), p)
    assert set(np.unique(M)) <= {0.0, 1.0}
    deviation = np.sqrt(p * (1 - p) / M.size)
    assert abs(M.mean() - (1 - p)) <= 4 * deviation
    assert abs(np.corrcoef(M[:-1].ravel(), M[1:].ravel())[0, 1]) < 0.02 if p else M.all()


def test_a_probability_just_below_1_drops_nearly_all() -> None:
    assert drawn((100, 100), 1 - 1e-12).sum() == 0


def test_seed_number_and_step_decide() -> None:
    first = drawn((20, 20))
    assert_array_equal(first, drawn((20, 20)))
    for other in ({"seed": 6}, {"step": 1}, {"number": 2}):
        assert 0.3 < np.mean(drawn((20, 20), **other) == first) < 0.8  # two independent masks agree by 0.58


def test_a_smaller_batch_has_the_first_rows_of_the_mask() -> None:
    assert_array_equal(drawn((5, 8)), drawn((20, 8))[:5])


def test_every_dropout_of_a_network_has_a_mask_of_its_own() -> None:
    drop = cr.Dropout(0.5)
    net = cr.Network([cr.Dense(6), drop, cr.Dense(6), drop, cr.Dense(1)], loss="huber", inputs=2)
    masks = [value.attributes["id"] for value in net.graph.document() if value.op.name == "dropout_mask"]
    assert masks == [1, 2]


def test_dropout_keeps_the_mean_and_alpha_dropout_the_variance_as_well() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(4000, 25))
    g = cr.Graph()
    g.X = cr.data("m", 25)
    g.D, g.A, g.G = cr.dropout(g.X, p=0.4), cr.alpha_dropout(g.X, p=0.4), cr.gaussian_noise(g.X, stddev=0.5)
    found = g.run(X=x + 1, seed=0, step=0)
    assert found["D"].mean() == pytest.approx(1, abs=0.02)
    assert found["G"].var() == pytest.approx(1.25, rel=0.02)
    found = g.run(X=x, seed=0, step=0)
    assert found["A"].mean() == pytest.approx(0, abs=0.02)
    assert found["A"].var() == pytest.approx(1, rel=0.02)
    prediction = g.for_prediction(["D", "A", "G"]).run(X=x)
    for name in "DAG":
        assert_array_equal(prediction[name], x)


def test_the_gradient_passes_through_the_same_mask() -> None:
    g = cr.Graph()
    g.X, g.W = cr.data(6, 4), cr.parameter(4, 3)
    g.J = cr.sum(cr.dropout(g.X @ g.W, p=0.5) ** 2)
    draw = np.random.default_rng(1)
    arrays = {"X": draw.normal(size=(6, 4)), "W": draw.normal(size=(4, 3))}
    kept = mask(2, 1, 0, (6, 3), 0.5)
    found = g.gradient().run(**arrays, seed=2, step=0)["dW"]
    np.testing.assert_allclose(found, arrays["X"].T @ (8 * kept * (arrays["X"] @ arrays["W"])), rtol=1e-12)


@pytest.mark.parametrize("p", [-0.1, 1, 1.5])
def test_a_probability_of_1_is_refused(p: float) -> None:
    g = cr.Graph()
    g.X = cr.data("m", 3)
    with pytest.raises(cr.ShapeError, match=r"lies in \[0, 1\)"):
        cr.dropout(g.X, p=p)
    with pytest.raises(cr.DataError, match="Dropout needs a number from 0, below 1"):
        cr.Dropout(p)
