from __future__ import annotations

import numpy as np
import pytest
from tests.support.networks import numpy_gradients, two_layer, two_layer_arrays

import chainrule as cr


def test_the_step_prints_whole_and_reads_back() -> None:
    step = two_layer().step(cr.SGD(0.5))
    text = str(step)
    for line in ("R1  = X W1", "J   = L + s", "dZ2 = 1/m (A2 − Y)", "W1 ← W1 − α dW1"):
        assert line in text
    assert cr.parse(text).same_as(step.graph)


def test_before_rewriting_has_every_gradient_and_the_same_updates() -> None:
    step = two_layer().step(cr.SGD(0.5))
    assert "dA2" in step.before
    assert "dA2" not in step.graph
    assert step.before.text(section="update") == step.graph.text(section="update")
    assert [firing.name for firing in step.fired] == ["dZ2"]


def test_one_step_is_the_hand_written_one() -> None:
    arrays = two_layer_arrays()
    result = cr.fit(two_layer().step(cr.SGD(0.5)), arrays, epochs=1)
    for name, gradient in numpy_gradients(arrays).items():
        np.testing.assert_allclose(result.parameters[name], arrays[name] - 0.5 * gradient, rtol=1e-12)


def test_a_rate_for_each_parameter_and_for_each_weight() -> None:
    arrays = two_layer_arrays()
    rates = {"W1": np.linspace(0, 1, 20).reshape(5, 4), "b1": 0.1, "W2": 0.0, "b2": np.array([0.1, 0.2, 0.3])}
    step = two_layer().step(cr.SGD(rates))
    assert "W1 ← W1 − α_W1 ⊙ dW1" in str(step)
    assert "W2 ← W2 − α_W2 dW2" in str(step)
    result = cr.fit(step, arrays, epochs=1)
    for name, gradient in numpy_gradients(arrays).items():
        np.testing.assert_allclose(result.parameters[name], arrays[name] - rates[name] * gradient, rtol=1e-12)


def test_frozen_parameters_keep_their_values_and_have_no_gradient() -> None:
    text = two_layer().text().replace("W1 : (d, h)", "W1 : (d, h) frozen")
    step = cr.parse(text).step(cr.SGD(0.5))
    assert "dW1" not in step.before
    arrays = two_layer_arrays()
    result = cr.fit(step, arrays, epochs=3)
    np.testing.assert_array_equal(result.parameters["W1"], arrays["W1"])
    assert not np.array_equal(result.parameters["W2"], arrays["W2"])


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf"), {"W1": -1.0}])
def test_a_rate_must_be_a_number_that_is_not_negative(rate: object) -> None:
    with pytest.raises(cr.DataError, match="finite and not negative"):
        cr.SGD(rate)  # type: ignore[arg-type]  # what a user may pass


def test_rates_by_name_are_checked() -> None:
    with pytest.raises(cr.UnknownNameError, match="Did you mean W2"):
        two_layer().step(cr.SGD({"W1": 1, "b1": 1, "W22": 1, "b2": 1}))
    with pytest.raises(cr.DataError, match="for b2"):
        two_layer().step(cr.SGD({"W1": 1, "b1": 1, "W2": 1}))
    with pytest.raises(cr.ShapeError, match="learning rate of b1"):
        two_layer().step(cr.SGD({"W1": 1, "b1": np.ones((2, 2)), "W2": 1, "b2": 1}))


def test_a_graph_with_updates_gets_no_second_step() -> None:
    graph = two_layer().step(cr.SGD()).graph
    with pytest.raises(cr.GraphError, match="updates already"):
        graph.step(cr.SGD())
