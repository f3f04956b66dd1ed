"""JAX as a contender: a whole epoch in one `lax.scan`, its buffers donated."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.ladder.contender import TOLERANCE, Array
from benchmarks.ladder.setting import Setting
from benchmarks.ladder.workloads import (
    EPSILON,
    KEEP,
    MU,
    RHO1,
    RHO2,
    VARIANCE_EPSILON,
    Model,
    Training,
)

jax: Any = importlib.import_module("jax")
jnp: Any = jax.numpy
_tree = jax.tree_util.tree_map
_FEW_INPUTS, _UNROLL = 64, 4


class Jax:
    """A compiled epoch; with few inputs, steps unrolled by four and batches gathered beforehand."""

    whole = True
    tolerance = TOLERANCE

    def __init__(self, setting: Setting) -> None:
        self.model = setting.model
        self.X, self.y = jnp.array(setting.X), jnp.array(setting.y)
        parameters = {name: jnp.array(array) for name, array in setting.start.items()}
        running = {name: jnp.full(shape, start) for name, shape, start in _running(self.model)}
        key = jax.random.key(0, impl="unsafe_rbg")
        self.carried = (parameters, _states(setting.training, parameters), running, jnp.float32(0), key)
        self._epoch = _epoch(setting.model, setting.training)

    def run(self, order: Array) -> float:
        """Run a step on each batch."""
        self.carried, losses = self._epoch(self.carried, self.X, self.y, order)
        return float(losses.mean())

    def weights(self) -> dict[str, Array]:
        """Return the parameters by name."""
        return {name: np.array(array) for name, array in self.carried[0].items()}

    def is_settled(self) -> bool:
        """It is compiled once it has run."""
        return True


def contender(setting: Setting) -> Jax:
    """Return JAX."""
    return Jax(setting)


@functools.cache
def _epoch(model: Model, training: Training) -> Callable[..., Any]:
    """Return the function of one epoch, compiled once for all who ask."""
    value_and_gradient = jax.value_and_grad(functools.partial(_loss, model), has_aux=True)
    few = model.widths[0] <= _FEW_INPUTS

    def step(carried: Any, x: Any, y: Any) -> Any:
        parameters, states, running, count, key = carried
        key, own = jax.random.split(key) if model.dropout else (key, key)
        (loss, running), gradient = value_and_gradient(parameters, running, x, y, own)
        parameters, states = _updated(training, parameters, states, gradient, count + 1)
        return (parameters, states, running, count + 1, key), loss

    def epoch(carried: Any, X: Any, y: Any, order: Any) -> Any:
        if few:
            return jax.lax.scan(lambda c, xy: step(c, *xy), carried, (X[order], y[order]), unroll=_UNROLL)
        return jax.lax.scan(lambda c, rows: step(c, X[rows], y[rows]), carried, order)

    return jax.jit(epoch, donate_argnums=0)


def _loss(model: Model, parameters: Any, running: Any, x: Any, y: Any, key: Any) -> Any:
    """Return the mean loss and the new running statistics."""
    last, new = len(model.layers), dict(running)
    for number in range(1, last + 1):
        x = x @ parameters[f"W{number}"]
        if number < last and model.dropout is not None:
            x = _normalized(x, parameters, new, number)
        else:
            x = x + parameters[f"b{number}"]
        if number < last:
            x = jnp.tanh(x) if model.activation == "tanh" else jax.nn.relu(x)
        if number < last and model.dropout:
            keep = 1 - model.dropout
            mask = jax.random.bernoulli(jax.random.fold_in(key, number), keep, x.shape)
            x = jnp.where(mask, x / keep, 0)
    return _losses(model.loss, x, y), new


def _losses(kind: str, z: Any, y: Any) -> Any:
    if kind == "binary":
        return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))
    if kind == "values":
        return jnp.mean((z - y) ** 2)
    return jnp.mean(jax.nn.logsumexp(z, 1) - z[jnp.arange(z.shape[0]), y])


def _normalized(x: Any, parameters: Any, running: dict[str, Any], number: int) -> Any:
    """Return γ ⊙ x̂ + β, and note the running statistics."""
    mean, variance = x.mean(0), x.var(0)
    for name, statistic in ((f"mean{number}", mean), (f"variance{number}", variance)):
        running[name] = KEEP * running[name] + (1 - KEEP) * statistic
    scale = parameters[f"gamma{number}"] * jax.lax.rsqrt(variance + VARIANCE_EPSILON)
    return (x - mean) * scale + parameters[f"beta{number}"]


def _running(model: Model) -> list[tuple[str, int, float]]:
    if not model.normalized:
        return []
    hidden = list(enumerate(model.widths[1:-1], start=1))
    return [(f"{name}{i}", n, start) for i, n in hidden for name, start in (("mean", 0.0), ("variance", 1.0))]


def _states(training: Training, parameters: Any) -> Any:
    kinds = {"SGD": 0, "Momentum": 1, "Adam": 2}
    return tuple(_tree(jnp.zeros_like, parameters) for _ in range(kinds[training.optimizer]))


def _updated(training: Training, parameters: Any, states: Any, gradient: Any, count: Any) -> Any:
    """Return new parameters and states."""
    rate = training.rate
    if training.optimizer == "SGD":
        return _tree(lambda p, d: p - rate * d, parameters, gradient), states
    if training.optimizer == "Momentum":
        velocity = _tree(lambda v, d: MU * v + d, states[0], gradient)
        return _tree(lambda p, v: p - rate * v, parameters, velocity), (velocity,)
    first = _tree(lambda u, d: RHO1 * u + (1 - RHO1) * d, states[0], gradient)
    second = _tree(lambda v, d: RHO2 * v + (1 - RHO2) * d * d, states[1], gradient)
    c1, c2 = 1 - RHO1**count, 1 - RHO2**count
    moved = _tree(
        lambda p, u, v: p - rate * (u / c1) / (jnp.sqrt(v / c2) + EPSILON), parameters, first, second
    )
    return moved, (first, second)
