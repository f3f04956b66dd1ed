"""Learning rates by layer and parameter, and what numbers and names an optimizer refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from tests.support.networks import numpy_gradients, two_layer, two_layer_arrays

MANY = "parameter W1 : (2), γ1 : (2), W12 : (2), V : (2)\nJ = ‖W1‖² + ‖γ1‖² + ‖W12‖² + ‖V‖²"


def test_rates_by_layer_by_name_and_for_the_others() -> None:
    arrays = two_layer_arrays()
    step = two_layer().step(cr.SGD({1: 0.5, "b2": 0.25, "others": 0.125}))
    assert step.settings == {"α_1": 0.5, "α_others": 0.125, "α_b2": 0.25}
    found = cr.fit(step, arrays, epochs=1, dtype=np.float64).parameters
    for name, gradient in numpy_gradients(arrays).items():
        rate = {"W1": 0.5, "b1": 0.5, "W2": 0.125, "b2": 0.25}[name]
        np.testing.assert_allclose(found[name], arrays[name] - rate * gradient, rtol=1e-12)


def test_a_layer_is_the_whole_number_a_name_ends_in() -> None:
    step = cr.parse(MANY).step(cr.SGD({1: 0.1, 12: 0.2, "V": 0.3}))
    assert step.graph.text(section="update", shapes=False).splitlines() == [
        "W1  ← W1 − α_1 dW1",
        "γ1  ← γ1 − α_1 dγ1",
        "W12 ← W12 − α_12 dW12",
        "V   ← V − α_V dV",
    ]


def test_a_name_counts_before_its_layer_and_may_be_spelled_out() -> None:
    for name in ("gamma1", "γ1"):
        step = cr.parse(MANY).step(cr.SGD({1: 0.1, np.int64(12): 0.2, name: 0.4, "others": 0.3}))
        assert step.settings == {"α_1": 0.1, "α_12": 0.2, "α_gamma1": 0.4, "α_others": 0.3}
        assert step.graph.text(ascii=True).isascii()


def test_an_array_of_rates_goes_with_moments() -> None:
    arrays = two_layer_arrays()
    rates = np.linspace(0, 1, 20).reshape(5, 4)
    step = two_layer().step(cr.AdamW({"W1": rates, "others": 0.1}))
    assert "− α_W1 ⊙ (uW1_new / c1 / (sqrt(vW1_new / c2) + ε)) − λ_decay α_W1 ⊙ W1" in str(step)
    found = cr.fit(step, arrays, epochs=1, dtype=np.float64).parameters["W1"]
    direction = np.sign(numpy_gradients(arrays)["W1"])
    np.testing.assert_allclose(found, arrays["W1"] - rates * (direction + 0.01 * arrays["W1"]), atol=1e-5)


def test_a_rate_passed_to_fit_takes_the_place_of_the_optimizers() -> None:
    arrays, step = two_layer_arrays(), two_layer().step(cr.Adam(0.1))
    still = cr.fit(step, {**arrays, "alpha": 0.0}, epochs=2, dtype=np.float64).parameters
    np.testing.assert_array_equal(still["W1"], arrays["W1"])


@pytest.mark.parametrize(
    ("rate", "error", "expected"),
    [
        (
            {3: 0.1, "others": 0.1},
            cr.UnknownNameError,
            "layer 3, which no step updates.*Known: 1, 2",
        ),
        ({"W3": 0.1, "others": 0.1}, cr.UnknownNameError, "given for W3.*Did you mean W"),
        ({"other": 0.1}, cr.UnknownNameError, "given for other,.*Did you mean others"),
        ({1: 0.1}, cr.DataError, "for W2, b2.*others"),
        ({}, cr.DataError, "for W1, b1, W2, b2"),
        ({"W1": np.ones(3), "others": 1}, cr.ShapeError, r"learning rate of W1 has the shape \(3\)"),
    ],
)
def test_every_parameter_has_one_rate(rate: Any, error: type[Exception], expected: str) -> None:
    with pytest.raises(error, match=f"(?s){expected}"):
        two_layer().step(cr.Adam(rate))


def test_a_frozen_layer_has_no_rate() -> None:
    text = two_layer().text().replace("W1 : (d, h), b1 : (h)", "W1 : (d, h) frozen, b1 : (h) frozen")
    with pytest.raises(cr.UnknownNameError, match="layer 1, which no step updates"):
        cr.parse(text).step(cr.Adam({1: 0.1, 2: 0.1}))


@pytest.mark.parametrize("optimizer", [cr.SGD, cr.Momentum, cr.Nesterov, cr.AdaGrad, cr.RMSProp, cr.Adam])
@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (-0.1, "the learning rate must be finite and not negative, not -0.1"),
        ("fast", "must be finite and not negative, not 'fast'"),
        (True, "not True"),
        (np.ones(3), "one learning rate is a number"),
        ({"W1": float("nan")}, "the learning rate of W1 must be finite"),
        ({2: -1}, "the learning rate of layer 2 must be finite"),
        ({2: np.ones(3)}, "of layer 2 is an array"),
        ({"others": np.ones(3)}, "of others is an array"),
        ({1.5: 0.1}, r"given by 1\.5"),
        ({True: 0.1}, "given by True"),
    ],
)
def test_rates_are_checked_at_once(optimizer: Any, rate: Any, expected: str) -> None:
    with pytest.raises(cr.DataError, match=expected):
        optimizer(rate)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda: cr.Momentum(mu=1.0),
            "mu of Momentum must be at least 0 and below 1, not 1.0.*is 0.9",
        ),
        (lambda: cr.Nesterov(mu=-0.1), "mu of Nesterov must be at least 0"),
        (lambda: cr.RMSProp(rho=1.5), "rho of RMSProp must be at least 0 and below 1"),
        (
            lambda: cr.RMSProp(epsilon=0),
            "epsilon of RMSProp must be finite and above 0, not 0.*is 1e-08",
        ),
        (lambda: cr.AdaGrad(epsilon=-1e-8), "epsilon of AdaGrad"),
        (lambda: cr.AdaGrad(start=-1), "start of AdaGrad must be finite and not negative"),
        (lambda: cr.Adam(rho1=1), "rho1 of Adam"),
        (lambda: cr.Adam(rho2="0.9"), "rho2 of Adam must be at least 0 and below 1, not '0.9'"),  # type: ignore[arg-type]  # what a user may pass
        (lambda: cr.Adam(epsilon=float("nan")), "epsilon of Adam"),
        (lambda: cr.Adam(rho1=True), "rho1 of Adam"),
        (lambda: cr.AdamW(weight_decay=-0.1), "weight_decay of AdamW must be .*default is 0.01"),
        (lambda: cr.SGD(weight_decay=float("inf")), "weight_decay of SGD must be"),
        (lambda: cr.Optimizer(0.1, kappa=float("inf")), "kappa of Optimizer must be finite"),
    ],
)
def test_numbers_out_of_range_are_named(make: Any, expected: str) -> None:
    with pytest.raises(cr.DataError, match=f"(?s){expected}"):
        make()


@pytest.mark.parametrize("taken", ["α", "ρ1", "uW1", "uW1_new", "c1", "λ_decay"])
def test_a_name_that_the_network_uses_is_named(taken: str) -> None:
    graph = cr.parse(f"parameter W1 : (2, 2)\nscalar {taken}\nJ = {taken} ‖W1‖²")
    with pytest.raises(cr.NamingError, match=f"AdamW needs the name {taken}"):
        graph.step(cr.AdamW())


def test_step_is_the_count_of_steps_and_nothing_else() -> None:
    graph = cr.parse("parameter W1 : (2)\nstate step : (2)\nJ = ‖W1 − step‖²")
    with pytest.raises(cr.NamingError, match="step is the number of steps done"):
        graph.step(cr.Adam())
    assert "step ←" not in str(graph.step(cr.SGD()))
