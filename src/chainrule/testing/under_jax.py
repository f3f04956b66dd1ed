"""Checks under JAX, where it is installed: forward is written against an array namespace."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from chainrule.testing.cases import Array
from chainrule.testing.trial import Trial, evaluate, weights
from chainrule.testing.words import at, both, operands_at, worst

_answers: WeakKeyDictionary[Trial, tuple[Array, dict[int, Array]]] = WeakKeyDictionary()


def not_under_jax(trial: Trial) -> str:
    """Say that JAX is not installed, or that a case shows no more than another."""
    if not importlib.util.find_spec("jax"):
        return "JAX is not installed"
    another = trial.op.is_elementwise and len(set(trial.case.shapes)) == 1 and not trial.case.is_typical
    return "another shape is enough" if another else ""


def nothing_under_jax(trial: Trial) -> str:
    """Say why JAX has no gradient to compare."""
    if trial.graph["out"].kind != "real":
        return f"the value is {trial.graph['out'].kind}"
    return not_under_jax(trial) or ("" if trial.real_places else "no operand is real")


def value_agrees_under_jax(trial: Trial) -> Iterator[str]:
    """The same forward under jax.numpy gives the same value."""
    arrays = trial.operands(2)
    found, expected = _by_jax(trial)[0], np.asarray(trial.forward(arrays))
    index = worst(found, expected, rtol=1e-12, atol=1e-14)
    if index is not None:
        a, b = both(found, expected, index)
        where = f"{at(index)}{operands_at(trial, arrays, index)}"
        yield f"forward says {a} under jax.numpy, {b} under NumPy{where}"


def gradient_agrees_under_jax(trial: Trial) -> Iterator[str]:
    """The gradient is JAX's own derivative of forward."""
    arrays = trial.operands(2)
    found = evaluate(trial.backward, trial.inputs(2))
    for i, gradient in _by_jax(trial)[1].items():
        ours = found[f"dx{i}"] if f"dx{i}" in found.graph else np.zeros(gradient.shape)
        index = worst(ours, gradient, rtol=1e-11, atol=1e-13)
        if index is not None:
            a, b = both(ours, gradient, index)
            yield (
                f"the gradient of {trial.names[i]} differs from JAX's{at(index)}: vjp says {a}, JAX says {b}"
                f"{operands_at(trial, arrays, index, dy=weights(trial.graph['out'].shape))}"
            )


def _by_jax(trial: Trial) -> tuple[Array, dict[int, Array]]:
    """Return the value and the gradients of the operands by JAX, compiled at once, once for a trial."""
    known = _answers.get(trial)
    if known is None:
        with _double_precision():
            known = _answers[trial] = _run(trial)
    return known


def _run(trial: Trial) -> tuple[Array, dict[int, Array]]:
    import jax
    import jax.numpy as jnp

    # At a listed member JAX differentiates only the branch taken there.
    real = trial.graph["out"].kind == "real"
    places = [i for i in trial.real_places if real and not trial.op.operand_domain(i).members]

    def value_and_gradients(operands: list[Any], dy: Any) -> tuple[Any, Any]:
        """Return the value and, by JAX, the gradient of each real operand."""

        def forward(*moving: Any) -> Any:
            moved = dict(zip(places, moving, strict=True))
            return trial.forward([moved.get(i, x) for i, x in enumerate(operands)], jnp)

        if not places:
            return forward(), ()
        value, pull = jax.vjp(forward, *(operands[i] for i in places))
        return value, pull(dy)

    operands = [jnp.asarray(x) for x in trial.operands(2)]
    value, gradients = jax.jit(value_and_gradients)(operands, jnp.asarray(weights(trial.graph["out"].shape)))
    return np.asarray(value), dict(zip(places, map(np.asarray, gradients), strict=True))


def _double_precision() -> AbstractContextManager[Any]:
    import jax

    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return importlib.import_module("jax.experimental").enable_x64()
