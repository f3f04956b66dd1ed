"""A network with dropout and batch normalization, written in JAX without looking at the ops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import threefry_2x32
from numpy.typing import NDArray

jax.config.update("jax_enable_x64", True)

Arrays = Mapping[str, Any]
EPSILON, RATE, DROPPED, DECAY, ALPHA = 1e-5, 0.1, 0.3, 1e-3, 0.1


def words(seed: int, number: int, step: int, count: int) -> NDArray[np.uint32]:
    """Return the first random word of each element, by JAX's own generator."""
    key = jnp.array([seed, number], jnp.uint32)
    counters = jnp.concatenate([jnp.full(count, step, jnp.uint32), jnp.arange(count, dtype=jnp.uint32)])
    return np.asarray(threefry_2x32(key, counters))[:count]


def mask(seed: int, number: int, step: int, shape: tuple[int, ...], dropped: float) -> NDArray[np.float64]:
    """Return the mask of a dropout: 1 where the word says that an element is kept."""
    kept = words(seed, number, step, int(np.prod(shape))) >= round(dropped * 2**32)
    return kept.astype(float).reshape(shape)


def standardized(x: Any, mean: Any, variance: Any) -> Any:
    return (x - mean) * jax.lax.rsqrt(variance + EPSILON)


def hidden(p: Arrays, X: Any) -> Any:
    return jnp.tanh(jnp.dot(X, p["W1"]) + p["b1"])


def objective(p: Arrays, X: Any, y: Any, kept: Any) -> tuple[Any, tuple[Any, Any]]:
    """Return J in training, and the mean and variance of the batch."""
    D = jnp.where(kept > 0, hidden(p, X) / (1 - DROPPED), 0.0)
    mean, variance = D.mean(axis=0), D.var(axis=0)
    Z = jnp.dot(standardized(D, mean, variance) * p["γ1"] + p["β1"], p["W2"]) + p["b2"]
    L = -jax.nn.log_softmax(Z)[jnp.arange(len(y)), y].mean()
    return L + DECAY / 2 * ((p["W1"] ** 2).sum() + (p["W2"] ** 2).sum()), (mean, variance)


def step(p: dict[str, Any], X: Any, y: Any, kept: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return everything after one step of gradient descent, and the gradients."""
    free = {name: p[name] for name in ("W1", "b1", "γ1", "β1", "W2", "b2")}
    gradients, (mean, variance) = jax.grad(objective, has_aux=True)(free, X, y, kept)
    after = {name: free[name] - ALPHA * gradients[name] for name in free}
    after["mean1"] = (1 - RATE) * p["mean1"] + RATE * mean
    after["variance1"] = (1 - RATE) * p["variance1"] + RATE * variance
    return after, gradients


def probabilities(p: Arrays, X: Any) -> NDArray[np.float64]:
    """Return what is predicted: nothing is dropped, running statistics stand in for the batch's."""
    N = standardized(hidden(p, X), p["mean1"], p["variance1"]) * p["γ1"] + p["β1"]
    return np.asarray(jax.nn.softmax(jnp.dot(N, p["W2"]) + p["b2"]))
