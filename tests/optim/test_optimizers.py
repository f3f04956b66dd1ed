"""Each optimizer against its formulas in NumPy and, where JAX has one of the same form, against JAX's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from jax.example_libraries import optimizers as of_jax
from numpy.testing import assert_allclose, assert_array_equal

import chainrule as cr
from chainrule.ir.value import Value
from chainrule.optim.optimizer import Parameter
from tests.support.networks import numpy_gradients, two_layer, two_layer_arrays

jax.config.update("jax_enable_x64", True)
Array = Any
Rule = Callable[[Array, Array, dict[str, Array], int], Array]
NAMES = ("W1", "b1", "W2", "b2")
STEPS = 10


def sgd(theta: Array, g: Array, kept: dict[str, Array], k: int) -> Array:
    return theta - 0.5 * g


def momentum(theta: Array, g: Array, kept: dict[str, Array], k: int) -> Array:
    kept["v"] = 0.8 * kept.get("v", 0) + g
    return theta - 0.5 * kept["v"]


def nesterov(theta: Array, g: Array, kept: dict[str, Array], k: int) -> Array:
    kept["v"] = 0.8 * kept.get("v", 0) + g
    return theta - 0.5 * (g + 0.8 * kept["v"])


def adagrad(theta: Array, g: Array, kept: dict[str, Array], k: int) -> Array:
    kept["v"] = kept.get("v", 0.25) + g * g
    return theta - 0.5 * g / (np.sqrt(kept["v"]) + 1e-3)


def rmsprop(theta: Array, g: Array, kept: dict[str, Array], k: int) -> Array:
    kept["v"] = 0.9 * kept.get("v", 0) + 0.1 * g * g
    return theta - 0.05 * g / (np.sqrt(kept["v"]) + 1e-3)


def adam(theta: Array, g: Array, kept: dict[str, Array], k: int) -> Array:
    kept["m"] = 0.8 * kept.get("m", 0) + 0.2 * g
    kept["v"] = 0.99 * kept.get("v", 0) + 0.01 * g * g
    m_hat, v_hat = kept["m"] / (1 - 0.8**k), kept["v"] / (1 - 0.99**k)
    return theta - 0.05 * m_hat / (np.sqrt(v_hat) + 1e-3)


def decayed(rule: Rule, rate: float, decay: float) -> Rule:
    """Return a rule with decoupled decay of matrices."""

    def with_decay(theta: Array, g: Array, kept: dict[str, Array], k: int) -> Array:
        lost = rate * decay * theta if theta.ndim == 2 else 0.0
        return rule(theta, g, kept, k) - lost

    return with_decay


CASES: dict[str, tuple[cr.Optimizer, Rule]] = {
    "sgd": (cr.SGD(0.5), sgd),
    "sgd_decay": (cr.SGD(0.5, weight_decay=0.2), decayed(sgd, 0.5, 0.2)),
    "momentum": (cr.Momentum(0.5, mu=0.8), momentum),
    "momentum_decay": (cr.Momentum(0.5, mu=0.8, weight_decay=0.2), decayed(momentum, 0.5, 0.2)),
    "nesterov": (cr.Nesterov(0.5, mu=0.8), nesterov),
    "nesterov_decay": (cr.Nesterov(0.5, mu=0.8, weight_decay=0.2), decayed(nesterov, 0.5, 0.2)),
    "adagrad": (cr.AdaGrad(0.5, epsilon=1e-3, start=0.25), adagrad),
    "adagrad_decay": (
        cr.AdaGrad(0.5, epsilon=1e-3, start=0.25, weight_decay=0.2),
        decayed(adagrad, 0.5, 0.2),
    ),
    "rmsprop": (cr.RMSProp(0.05, rho=0.9, epsilon=1e-3), rmsprop),
    "rmsprop_decay": (
        cr.RMSProp(0.05, rho=0.9, epsilon=1e-3, weight_decay=0.2),
        decayed(rmsprop, 0.05, 0.2),
    ),
    "adam": (cr.Adam(0.05, rho1=0.8, rho2=0.99, epsilon=1e-3), adam),
    "adamw": (
        cr.AdamW(0.05, rho1=0.8, rho2=0.99, epsilon=1e-3, weight_decay=0.2),
        decayed(adam, 0.05, 0.2),
    ),
}
each_case = pytest.mark.parametrize(("optimizer", "rule"), CASES.values(), ids=CASES)


def expected(rule: Rule, arrays: dict[str, Any]) -> dict[str, Array]:
    now = dict(arrays)
    kept: dict[str, dict[str, Array]] = {name: {} for name in NAMES}
    for k in range(1, STEPS + 1):
        gradients = numpy_gradients(now)
        now |= {name: rule(now[name], gradients[name], kept[name], k) for name in NAMES}
    return {name: now[name] for name in NAMES}


@each_case
def test_ten_steps_are_those_of_the_formula(optimizer: cr.Optimizer, rule: Rule) -> None:
    arrays = two_layer_arrays()
    found = cr.fit(two_layer().step(optimizer), arrays, epochs=STEPS, dtype=np.float64).parameters
    for name, array in expected(rule, arrays).items():
        assert_allclose(found[name], array, rtol=1e-10, err_msg=name)


@pytest.mark.parametrize(
    ("optimizer", "other"),
    [
        (cr.SGD(0.1), of_jax.sgd(0.1)),
        (cr.Momentum(), of_jax.momentum(0.1, 0.9)),
        (cr.Nesterov(), of_jax.nesterov(0.1, 0.9)),
        (cr.Adam(), of_jax.adam(0.001, 0.9, 0.999, 1e-8)),
        (cr.RMSProp(epsilon=1e-14), of_jax.rmsprop(0.001, 0.9, 1e-28)),
    ],
    ids=["sgd", "momentum", "nesterov", "adam", "rmsprop"],
)
def test_the_defaults_agree_with_jax(optimizer: cr.Optimizer, other: of_jax.Optimizer) -> None:
    arrays = two_layer_arrays()
    found = cr.fit(two_layer().step(optimizer), arrays, epochs=STEPS, dtype=np.float64).parameters
    state = other.init_fn({name: arrays[name] for name in NAMES})
    for i in range(STEPS):
        now = {name: np.asarray(array) for name, array in other.params_fn(state).items()}
        state = other.update_fn(i, numpy_gradients({**arrays, **now}), state)
    for name, array in other.params_fn(state).items():
        assert_allclose(found[name], array, rtol=1e-9, err_msg=name)


@each_case
def test_a_run_cut_in_two_is_the_whole_run_to_the_bit(optimizer: cr.Optimizer, rule: Rule) -> None:
    arrays, step = two_layer_arrays(), two_layer().step(optimizer)
    whole = cr.fit(step, arrays, epochs=7, dtype=np.float64)
    first = cr.fit(step, arrays, epochs=3, dtype=np.float64)
    second = cr.fit(step, {**arrays, **first.parameters}, epochs=4, dtype=np.float64)
    assert first.losses + second.losses == whole.losses
    for name, array in whole.parameters.items():
        assert_array_equal(second.parameters[name], array)


def test_the_result_holds_the_states_in_the_type_of_the_run() -> None:
    step = two_layer().step(cr.Adam())
    found = cr.fit(step, two_layer_arrays(), epochs=3, dtype=np.float32).parameters
    assert set(found) == {*NAMES, "step", *(f"{letter}{name}" for letter in "uv" for name in NAMES)}
    assert found["step"] == 3
    for array in found.values():
        assert array.dtype == (np.float32 if array.ndim else np.float64)


def test_decoupled_decay_is_the_objectives_own_only_for_plain_gradient_descent() -> None:
    arrays = two_layer_arrays()

    def trained(optimizer: cr.Optimizer, decay: float) -> Array:
        return cr.fit(
            two_layer().step(optimizer), {**arrays, "λ": decay}, epochs=STEPS, dtype=np.float64
        ).parameters["W1"]

    assert_allclose(trained(cr.SGD(weight_decay=0.3), 0.0), trained(cr.SGD(), 0.3), rtol=1e-12)
    for decoupled, plain in [(cr.Momentum(weight_decay=0.3), cr.Momentum()), (cr.AdamW(), cr.Adam())]:
        decay = decoupled.weight_decay
        difference = trained(decoupled, 0.0) - trained(plain, decay)
        assert abs(difference).max() > 1e-6


def test_biases_do_not_decay_where_they_are_columns() -> None:
    graph = cr.parse(
        "sizes m\ndata X : (3, m), Y : (1, m)\nparameter W : (1, 3), b : (1, 1)\n"
        "Z = W X + b\nJ = mean_squared_error(Z, Y)"
    )
    text = graph.step(cr.SGD(weight_decay=0.1)).graph.text(section="update", shapes=False)
    assert text == "W ← W − α dW − α λ_decay W\nb ← b − α db"


def test_nothing_to_decay_declares_no_decay() -> None:
    graph = cr.parse("data x : (3)\nparameter w : (3)\nJ = sum(w ⊙ x)")
    assert "λ_decay" not in graph.step(cr.AdamW()).graph


class SignMomentum(cr.Optimizer):
    """Steps of one length against the sign of the mean gradient."""

    def __init__(self, rate: float = 0.001, rho: float = 0.9) -> None:
        super().__init__(rate, rho=rho)

    def update(self, p: Parameter) -> Value:
        (rho,) = p.numbers("rho")
        u = p.state("u", start=0.5)
        u = p.becomes(u, rho * u + (1 - rho) * p.gradient)
        return p.value - p.rate * cr.sign(u)


def test_an_optimizer_of_ones_own_is_a_few_lines() -> None:
    def rule(theta: Array, g: Array, kept: dict[str, Array], k: int) -> Array:
        kept["u"] = 0.7 * kept.get("u", 0.5) + 0.3 * g
        return theta - 0.01 * np.sign(kept["u"])

    arrays, optimizer = two_layer_arrays(), SignMomentum(0.01, rho=0.7)
    step = two_layer().step(optimizer)
    found = cr.fit(step, arrays, epochs=STEPS, dtype=np.float64).parameters
    for name, array in expected(rule, arrays).items():
        assert_allclose(found[name], array, rtol=1e-12)
    assert "uW1_new = ρ uW1 + (1 − ρ) dW1 " in str(step)
    assert "W1  ← W1 − α sign(uW1_new) " in str(step)
    assert cr.parse(str(step)).same_as(step.graph)
    assert repr(optimizer) == "SignMomentum(rate=0.01, rho=0.7)"


def test_an_optimizer_without_an_equation_says_so() -> None:
    with pytest.raises(NotImplementedError):
        two_layer().step(cr.Optimizer(0.1))
