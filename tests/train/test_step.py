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
    assert [firing.name for firing in step.fired] == ["", "dZ2"]


def test_one_step_is_the_hand_written_one() -> None:
    arrays = two_layer_arrays()
    result = cr.fit(two_layer().step(cr.SGD(0.5)), arrays, epochs=1, dtype=np.float64)
    for name, gradient in numpy_gradients(arrays).items():
        np.testing.assert_allclose(result.parameters[name], arrays[name] - 0.5 * gradient, rtol=1e-12)


def test_a_rate_for_each_parameter_and_for_each_weight() -> None:
    arrays = two_layer_arrays()
    rates = {"W1": np.linspace(0, 1, 20).reshape(5, 4), "b1": 0.1, "W2": 0.0, "b2": np.array([0.1, 0.2, 0.3])}
    step = two_layer().step(cr.SGD(rates))
    assert "W1 ← W1 − α_W1 ⊙ dW1" in str(step)
    assert "W2 ← W2 − α_W2 dW2" in str(step)
    result = cr.fit(step, arrays, epochs=1, dtype=np.float64)
    for name, gradient in numpy_gradients(arrays).items():
        np.testing.assert_allclose(result.parameters[name], arrays[name] - rates[name] * gradient, rtol=1e-12)


def test_frozen_parameters_keep_their_values_and_have_no_gradient() -> None:
    text = two_layer().text().replace("W1 : (d, h)", "W1 : (d, h) frozen")
    step = cr.parse(text).step(cr.SGD(0.5))
    assert "dW1" not in step.before
    arrays = two_layer_arrays()
    result = cr.fit(step, arrays, epochs=3, dtype=np.float64)
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


def test_states_keep_their_own_updates() -> None:
    text = "sizes m\ndata X : (m, 2)\nparameter W : (2)\nstate mean1 : ()\nZ = X W\nJ = mean(Z²)\n"
    step = cr.parse(text + "mean1 ← 0.9 mean1 + 0.1 mean(Z)").step(cr.SGD(0.0))
    assert step.graph.text(section="update", shapes=False).splitlines() == [
        "mean1 ← 0.9 mean1 + 0.1 mean(Z)",
        "W     ← W − α dW",
    ]
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    arrays = {"X": X, "W": np.ones(2)}
    assert cr.fit(step, arrays, epochs=2, dtype=np.float64).parameters["mean1"] == pytest.approx(0.95)
    assert cr.fit(step, {**arrays, "mean1": 10.0}, epochs=1, dtype=np.float64).parameters[
        "mean1"
    ] == pytest.approx(9.5)


def test_a_step_that_is_counted_is_counted_once() -> None:
    text = "parameter W : (2)\nstate step : ()\nJ = (step + 1) ‖W‖²"
    for optimizer in (cr.SGD(0.01), cr.Adam()):
        step = cr.parse(text).step(optimizer)
        assert str(step).count("step ← step + 1") == 1
        assert cr.fit(step, {"W": np.ones(2)}, epochs=5, dtype=np.float64).parameters["step"] == 5
    own = cr.parse(text + "\nstep ← step + 2").step(cr.Adam())
    assert cr.fit(own, {"W": np.ones(2)}, epochs=5, dtype=np.float64).parameters["step"] == 10


def test_the_step_says_what_the_optimizers_states_start_from() -> None:
    step = two_layer().step(cr.AdaGrad(start=0.5))
    assert step.starts == {"vW1": 0.5, "vb1": 0.5, "vW2": 0.5, "vb2": 0.5}
    start = cr.fit(step, two_layer_arrays(), epochs=0, dtype=np.float32).parameters
    np.testing.assert_array_equal(start["vW1"], np.full((5, 4), 0.5, np.float32))
    assert two_layer().step(cr.Adam()).starts["step"] == 0
    assert two_layer().step(cr.SGD()).starts == {}


def test_what_is_missing_is_still_named() -> None:
    arrays = two_layer_arrays()
    step = two_layer().step(cr.Momentum())
    with pytest.raises(cr.DataError, match=r"no value was given for b2 \(k\)\."):
        cr.fit(step, {name: array for name, array in arrays.items() if name != "b2"}, dtype=np.float64)
    with pytest.raises(cr.ShapeError, match=r"W1 \(5, h\) was given the shape \(4, 4\), for d = 5 in X\."):
        cr.fit(step, {**arrays, "W1": np.ones((4, 4))}, dtype=np.float64)
    with pytest.raises(cr.DataError, match="W1 is not a rectangular array"):
        cr.fit(step, {**arrays, "W1": [[1.0], [1.0, 2.0]]}, dtype=np.float64)
