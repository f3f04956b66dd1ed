"""Checks under JAX, where it is installed: forward is written against an array namespace."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from chainrule.testing.trial import Trial, evaluate
from chainrule.testing.words import at, both, operands_at, worst


def jax_is_missing(trial: Trial) -> str:
    """Say that JAX is not installed."""
    return "" if importlib.util.find_spec("jax") else "JAX is not installed"


def nothing_under_jax(trial: Trial) -> str:
    """Say why JAX has no gradient to compare."""
    if trial.graph["out"].kind != "real":
        return f"the value is {trial.graph['out'].kind}"
    return jax_is_missing(trial) or ("" if trial.real_places else "no operand is real")


def value_agrees_under_jax(trial: Trial) -> Iterator[str]:
    """The same forward under jax.numpy gives the same value."""
    import jax.numpy as jnp

    arrays = trial.operands(2)
    expected = np.asarray(trial.forward(arrays))
    with _double_precision():
        found = np.asarray(trial.forward([jnp.asarray(x) for x in arrays], jnp))
    index = worst(found, expected, rtol=1e-12, atol=1e-14)
    if index is not None:
        a, b = both(found, expected, index)
        where = f"{at(index)}{operands_at(trial, arrays, index)}"
        yield f"forward says {a} under jax.numpy, {b} under NumPy{where}"


def gradient_agrees_under_jax(trial: Trial) -> Iterator[str]:
    """The gradient is JAX's own derivative of forward."""
    arrays = trial.operands(4)
    given = trial.inputs(4)
    # At a listed member JAX differentiates only the branch taken there.
    places = [i for i in trial.real_places if not trial.op.operand_domain(i).members]
    expected = _pulled_back(trial, arrays, places, given["C"])
    found = evaluate(trial.backward, given)
    for i, gradient in zip(places, expected, strict=True):
        ours = found[f"dx{i}"] if f"dx{i}" in found.graph else np.zeros(gradient.shape)
        index = worst(ours, gradient, rtol=1e-11, atol=1e-13)
        if index is not None:
            a, b = both(ours, gradient, index)
            yield (
                f"the gradient of {trial.names[i]} differs from JAX's{at(index)}: vjp says {a}, JAX says {b}"
                f"{operands_at(trial, arrays, index)}"
            )


def _pulled_back(trial: Trial, arrays: list[Any], places: list[int], dy: Any) -> list[Any]:
    """Return JAX's gradients of the operands at some places."""
    import jax
    import jax.numpy as jnp

    def forward(*moving: Any) -> Any:
        operands = [jnp.asarray(x) for x in arrays]
        for place, x in zip(places, moving, strict=True):
            operands[place] = x
        return trial.forward(operands, jnp)

    with _double_precision():
        _, pull = jax.vjp(forward, *(jnp.asarray(arrays[i]) for i in places))
        return [np.asarray(gradient) for gradient in pull(jnp.asarray(dy))]


def _double_precision() -> AbstractContextManager[Any]:
    import jax

    return jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64()
