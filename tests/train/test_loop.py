from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.support.networks import two_layer, two_layer_arrays

import chainrule as cr

COLUMNS = """
sizes m, n0
data X : (n0, m), Y : (1, m)
parameter W : (1, n0), b : (1, 1)
Z = W X + b
J = mean_squared_error(Z, Y)
"""


def logistic(m: int = 200) -> tuple[cr.Graph, dict[str, Any]]:
    draw = np.random.default_rng(3)
    X = draw.normal(size=(m, 2))
    graph = cr.parse(
        "sizes m\ndata X : (m, 2), Y : (m, 1)\nparameter W : (2, 1), b : (1)\n"
        "A = sigmoid(X W + b)\nJ = 1/m sum(binary_cross_entropy(A, Y))"
    )
    Y = (X[:, :1] > X[:, 1:]).astype(float)
    return graph, {"X": X, "Y": Y, "W": np.zeros((2, 1)), "b": np.zeros(1)}


@pytest.mark.parametrize("batch_size", [None, 32, 7, 1, 10_000])
def test_full_batch_mini_batch_and_single_instance_all_learn(batch_size: int | None) -> None:
    graph, arrays = logistic()
    result = cr.fit(graph.step(cr.SGD(0.2)), arrays, epochs=30, batch_size=batch_size, dtype=np.float64)
    assert len(result.losses) == 30
    assert result.losses[-1] < 0.6
    assert result.losses[-1] == min(result.losses) < result.losses[0] < 0.7


def test_mini_batches_are_the_loop_one_would_write() -> None:
    graph, arrays = logistic(m=10)
    result = cr.fit(graph.step(cr.SGD(0.3)), arrays, epochs=2, batch_size=4, seed=5, dtype=np.float64)
    W, b, draw = np.zeros((2, 1)), np.zeros(1), np.random.default_rng(5)
    for _ in range(2):
        order = draw.permutation(10)
        for start in (0, 4, 8):
            rows = order[start : start + 4]
            X, Y = arrays["X"][rows], arrays["Y"][rows]
            dZ = (1 / (1 + np.exp(-(X @ W + b))) - Y) / len(rows)
            W, b = W - 0.3 * X.T @ dZ, b - 0.3 * dZ.sum(0)
    np.testing.assert_allclose(result.parameters["W"], W, rtol=1e-12)
    np.testing.assert_allclose(result.parameters["b"], b, rtol=1e-12)


def test_the_loss_of_an_epoch_weighs_a_partial_batch_by_its_examples() -> None:
    graph, arrays = logistic(m=10)
    result = cr.fit(graph.step(cr.SGD(0.0)), arrays, epochs=1, batch_size=4, dtype=np.float64)
    np.testing.assert_allclose(result.losses, [np.log(2)], rtol=1e-12)


def test_examples_in_columns_are_cut_along_their_axis() -> None:
    draw = np.random.default_rng(0)
    X = draw.normal(size=(3, 50))
    Y = np.array([[1.0, -2.0, 0.5]]) @ X + 0.25
    arrays = {"X": X, "Y": Y, "W": np.zeros((1, 3)), "b": np.zeros((1, 1))}
    result = cr.fit(cr.parse(COLUMNS).step(cr.SGD(0.1)), arrays, epochs=60, batch_size=8, dtype=np.float64)
    np.testing.assert_allclose(result.parameters["W"], [[1.0, -2.0, 0.5]], atol=1e-6)
    np.testing.assert_allclose(result.parameters["b"], [[0.25]], atol=1e-6)


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    graph, arrays = logistic()
    step = graph.step(cr.SGD(0.2))
    first, second, other = (
        cr.fit(step, arrays, epochs=2, batch_size=8, seed=s, dtype=np.float64).losses for s in (1, 1, 2)
    )
    assert first == second != other


def test_what_the_user_passed_is_left_as_it_was() -> None:
    graph, arrays = logistic()
    before = {name: array.copy() for name, array in arrays.items()}
    cr.fit(graph.step(cr.SGD(0.2)), arrays, epochs=2, batch_size=8, dtype=np.float64)
    for name, array in before.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_float32_trains_in_float32() -> None:
    graph, arrays = logistic()
    result = cr.fit(graph.step(cr.SGD(0.2)), arrays, epochs=2, batch_size=8, dtype=np.float32)
    assert result.parameters["W"].dtype == np.float32
    precise = cr.fit(graph.step(cr.SGD(0.2)), arrays, epochs=2, batch_size=8, dtype=np.float64)
    np.testing.assert_allclose(result.parameters["W"], precise.parameters["W"], rtol=1e-4)


def test_progress_is_told_after_each_epoch() -> None:
    graph, arrays = logistic()
    seen: list[tuple[int, int, float]] = []
    result = cr.fit(
        graph.step(cr.SGD(0.2)),
        arrays,
        epochs=3,
        on_epoch=lambda e: seen.append((e.number, e.of, e.loss)),
        dtype=np.float64,
    )
    assert seen == [(i + 1, 3, loss) for i, loss in enumerate(result.losses)]


def test_ctrl_c_keeps_what_is_learned() -> None:
    graph, arrays = logistic()

    def stop(epoch: Any) -> None:
        if epoch.number == 2:
            raise KeyboardInterrupt

    step = graph.step(cr.SGD(0.2))
    result = cr.fit(step, arrays, epochs=50, on_epoch=stop, dtype=np.float64)
    assert result.interrupted
    assert len(result.losses) == 2
    np.testing.assert_array_equal(
        result.parameters["W"], cr.fit(step, arrays, epochs=2, dtype=np.float64).parameters["W"]
    )


def test_a_loss_that_is_no_number_stops_with_step_value_equation_and_the_last_good_parameters() -> None:
    arrays = {**two_layer_arrays(), "λ": 1e-3}
    step = two_layer().step(cr.SGD(1e200))
    with pytest.raises(cr.NotFiniteError) as caught:
        cr.fit(step, arrays, epochs=30, dtype=np.float64)
    error = caught.value
    assert error.step == 2
    assert f"{error.name} = " in str(error)
    assert "step 2" in str(error)
    for name in ("W1", "b1", "W2", "b2"):
        np.testing.assert_array_equal(error.parameters[name], arrays[name])


def test_an_update_that_overflows_at_the_very_end_is_noticed() -> None:
    arrays = two_layer_arrays()
    with pytest.raises(cr.NotFiniteError) as caught:
        cr.fit(
            two_layer().step(cr.SGD(1e308)), {**arrays, "X": arrays["X"] * 1e10}, epochs=1, dtype=np.float64
        )
    assert np.isfinite(caught.value.parameters["W1"]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_data_that_is_not_finite_is_named_by_row_and_column(bad: float) -> None:
    graph, arrays = logistic()
    arrays["X"][17, 1] = bad
    with pytest.raises(cr.DataError, match=r"X has -?(nan|inf) in row 17, column 1 .* 1 of 400"):
        cr.fit(graph.step(cr.SGD()), arrays, dtype=np.float64)


def test_targets_of_a_binary_loss_are_0_or_1() -> None:
    graph, arrays = logistic()
    arrays["Y"][3, 0] = 2
    with pytest.raises(cr.DataError, match=r"Y must lie in \{0, 1\}.*Y\[3, 0\] = 2"):
        cr.fit(graph.step(cr.SGD()), arrays, dtype=np.float64)


@pytest.mark.parametrize("batch_size", [0, -1, True, 1.5, "8"])
def test_a_batch_has_at_least_one_example(batch_size: int) -> None:
    graph, arrays = logistic()
    with pytest.raises(cr.DataError, match="at least one example"):
        cr.fit(graph.step(cr.SGD()), arrays, batch_size=batch_size, dtype=np.float64)


def test_a_graph_without_examples_cannot_be_cut() -> None:
    graph = cr.parse("data x : (3)\nparameter W : (2, 3)\nJ = ‖W x‖²")
    step = graph.step(cr.SGD(0.01))
    arrays = {"x": np.ones(3), "W": np.ones((2, 3))}
    with pytest.raises(cr.DataError, match="nothing to cut"):
        cr.fit(step, arrays, batch_size=2, dtype=np.float64)
    assert cr.fit(step, arrays, epochs=5, dtype=np.float64).losses[-1] < 18


def test_no_epochs_gives_the_parameters_back() -> None:
    graph, arrays = logistic()
    assert cr.fit(graph.step(cr.SGD()), arrays, epochs=0, dtype=np.float64).losses == []
    with pytest.raises(cr.DataError, match="epochs"):
        cr.fit(graph.step(cr.SGD()), arrays, epochs=-1, dtype=np.float64)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"epochs": 1.5}, "number of epochs"),
        ({"epochs": "3"}, "number of epochs"),
        ({"seed": -1}, "a seed is a whole number"),
        ({"seed": "a"}, "a seed is a whole number"),
    ],
)
def test_options_of_the_wrong_type_are_named(options: dict[str, Any], expected: str) -> None:
    graph, arrays = logistic()
    with pytest.raises(cr.DataError, match=expected):
        cr.fit(graph.step(cr.SGD()), arrays, **options)


def test_what_is_no_step_or_no_data_is_named() -> None:
    graph, arrays = logistic()
    with pytest.raises(cr.DataError, match="needs a training step"):
        cr.fit(graph, arrays, dtype=np.float64)  # type: ignore[arg-type]  # what a user may pass
    with pytest.raises(cr.DataError, match="passed by name"):
        cr.fit(graph.step(cr.SGD()), [1], dtype=np.float64)  # type: ignore[arg-type]  # what a user may pass


def test_a_hyperparameter_that_is_not_finite_is_named() -> None:
    arrays = {**two_layer_arrays(), "λ": float("nan")}
    with pytest.raises(cr.DataError, match="λ is nan, not a finite number"):
        cr.fit(two_layer().step(cr.SGD()), arrays, dtype=np.float64)


def test_the_seed_of_a_run_is_that_of_its_masks_unless_another_is_given() -> None:
    text = "sizes m\ndata X : (m, 3), Y : (m, 1)\nparameter W1 : (3, 1)\nD1 = dropout(X, 0.5)\n"
    step = cr.parse(text + "J = mean_squared_error(D1 W1, Y)").step(cr.SGD())
    draw = np.random.default_rng(0)
    arrays = {"X": draw.normal(size=(8, 3)), "Y": draw.normal(size=(8, 1)), "W1": np.ones((3, 1))}
    assert (
        cr.fit(step, arrays, epochs=2, seed=3, dtype=np.float64).losses
        == cr.fit(step, {**arrays, "seed": 3}, epochs=2, dtype=np.float64).losses
    )
    assert (
        cr.fit(step, arrays, epochs=2, seed=3, dtype=np.float64).losses
        != cr.fit(step, arrays, epochs=2, seed=4, dtype=np.float64).losses
    )


@pytest.mark.parametrize("dtype", [int, complex, "flot32"])
def test_a_type_that_is_no_floating_point_is_refused(dtype: Any) -> None:
    graph = cr.parse("sizes m\ndata x : (m)\nJ = sum(x)")
    with pytest.raises(cr.DataError, match="numbers are computed in a floating-point type"):
        graph.run(dtype=dtype, x=[1.0])
