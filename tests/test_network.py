"""The public Network: what fit takes and refuses, how it goes on, what it reports."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import chainrule as cr
from tests.support.networks import EXAMPLES
from tests.support.oracles import ORACLES

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(40, 5))
y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
NUMBERS = X @ DRAW.normal(size=5)


def classifier(*more: Any, loss: Any = "softmax_cross_entropy", **options: Any) -> cr.Network:
    options = {"dtype": np.float64, **options}
    return cr.Network([cr.Dense(8, "relu"), *more, cr.Dense(3)], loss=loss, **options)


def regressor() -> cr.Network:
    return cr.Network([cr.Dense(6, "tanh"), cr.Dense(1)], loss="mean_squared_error", dtype=np.float64)


def test_a_classifier_from_beginning_to_end() -> None:
    net = classifier(cr.Dropout(0.1), cr.BatchNorm(), weight_decay=1e-4)
    history = net.fit(X, y, optimizer=cr.Adam(0.02), epochs=40, batch_size=8, validation=(X, y))
    assert len(history) == len(history.validation_losses) == len(history.accuracies) == 40
    assert history.losses[-1] < history.losses[0] / 2
    P = net.predict_proba(X)
    assert_allclose(P.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(net.predict(X), P.argmax(axis=1))
    measured = net.evaluate(X, y)
    assert measured == {"loss": history.validation_losses[-1], "accuracy": history.accuracies[-1]}
    assert_allclose(measured["loss"], -np.log(P[np.arange(40), y]).mean(), rtol=1e-12)
    assert measured["accuracy"] == np.mean(net.predict(X) == y) > 0.9
    assert "40" in str(history).splitlines()[-1]


def test_a_value_by_its_name() -> None:
    net = classifier(cr.Dropout(0.5))
    p = net.initialize({"d": 5})
    A1 = np.maximum(X @ p["W1"] + p["b1"], 0)
    assert_allclose(net.activations(X, "A1"), A1, rtol=1e-12)
    both = net.activations(X, "D1", "W1")
    assert_array_equal(both["D1"], net.activations(X, "A1"))
    assert_array_equal(both["W1"], p["W1"])
    with pytest.raises(cr.UnknownNameError, match=r"nothing is called A3[\s\S]*A1"):
        net.activations(X, "A3")
    with pytest.raises(cr.UnknownNameError, match="no value is asked for"):
        net.activations(X)
    with pytest.raises(cr.DataError, match=r"L depends on the target y[\s\S]*evaluate"):
        net.activations(X, "L")


def test_the_summary_by_hand() -> None:
    net = cr.Network(
        [cr.Dense(16, "relu"), cr.Dropout(0.2), cr.BatchNorm(), cr.Dense(3)],
        loss="softmax_cross_entropy", weight_decay=1e-4, inputs=4, dtype=np.float64
    )  # fmt: skip
    lines = [" ".join(line.split()) for line in net.summary(batch_size=10).splitlines()]
    assert lines[2:] == [
        "1 Dense(16, relu) A1 (m, 16) 80 1.28 kB: Z1",  # 4·16 + 16; 10·16·8 B
        "2 Dropout(0.2) D1 (m, 16) 1.28 kB: M1",
        "3 BatchNorm() N1 (m, 16) 32 2.69 kB: std1, Xhat1, N1",  # 2·16; (16 + 2·160)·8 B
        "4 Dense(3) Z2 (m, 3) 51",  # 16·3 + 3
        "loss 240 B: P",  # 10·3·8 B
        "all 163 5.49 kB",
        "(a batch of 10 examples, float64)",
    ]
    assert "2.74 kB" in net.summary(batch_size=10, dtype=np.float32).splitlines()[-2]
    assert "16 d + 16" in classifier(inputs=None).summary().replace("8 d + 8", "16 d + 16")


def test_an_interrupted_fit_leaves_a_usable_network() -> None:
    def stop(epoch: Any) -> None:
        if epoch.number == 3:
            raise KeyboardInterrupt

    net, whole = classifier(cr.Dropout(0.3)), classifier(cr.Dropout(0.3))
    history = net.fit(X, y, epochs=50, validation=0.2, on_epoch=stop)
    assert history.interrupted
    assert len(history) == len(history.validation_losses) == 3
    whole.fit(X, y, epochs=3, validation=0.2)
    assert_array_equal(net.predict_proba(X), whole.predict_proba(X))
    assert not net.fit(X, y, epochs=1).interrupted
    assert len(net.history) == 4


@pytest.mark.parametrize(
    "optimizer", [cr.SGD(0.1), cr.Momentum(0.05), cr.Adam(0.01), cr.RMSProp(0.01)], ids=repr
)
def test_three_epochs_and_four_are_seven(optimizer: cr.Optimizer) -> None:
    once, twice = (classifier(cr.Dropout(0.2), cr.BatchNorm(), weight_decay=1e-3) for _ in range(2))
    once.fit(X, y, optimizer=optimizer, epochs=7, batch_size=8)
    twice.fit(X, y, optimizer=optimizer, epochs=3, batch_size=8)
    twice.fit(X, y, optimizer=optimizer, epochs=4, batch_size=8)
    assert once.history == twice.history
    assert set(once.arrays) == set(twice.arrays)
    for name, array in once.arrays.items():
        assert_array_equal(twice.arrays[name], array)


def test_another_optimizer_starts_with_states_of_its_own() -> None:
    net = classifier()
    net.fit(X, y, optimizer=cr.Adam(0.01), epochs=2)
    parameters = net.parameters
    net.fit(X, y, optimizer=cr.Momentum(0.05), epochs=1, batch_size=None)
    fresh = classifier(inputs=5)
    fresh.arrays = dict(parameters)
    fresh.fit(X, y, optimizer=cr.Momentum(0.05), epochs=1, batch_size=None)
    for name in parameters:
        assert_allclose(net.arrays[name], fresh.arrays[name], rtol=1e-12)
    assert "uW1" not in net.arrays


def test_no_epochs_only_starts() -> None:
    net = classifier()
    assert net.fit(X, y, epochs=0).losses == []
    assert_array_equal(net.parameters["W1"], classifier(inputs=5).initialize()["W1"])
    assert net.predict(X).shape == (40,)


def test_the_last_good_parameters_are_kept() -> None:
    net = regressor()
    net.fit(X, NUMBERS, epochs=2)
    before = net.parameters
    with pytest.raises(cr.NotFiniteError):
        net.fit(X, NUMBERS, optimizer=cr.SGD(1e200), epochs=5, batch_size=None)
    assert all(np.isfinite(array).all() for array in net.arrays.values())
    for name, array in before.items():  # the loss was finite at these alone
        assert_array_equal(net.parameters[name], array)
    assert len(net.history) == 3
    net.fit(X, NUMBERS, epochs=1)


def test_a_failed_call_leaves_the_network_as_it_was() -> None:
    net = classifier()
    for bad in ((X[:, :3], y + 5), (X, y[:-1])):
        with pytest.raises(cr.ChainruleError):
            net.fit(*bad)
    assert net.arrays == {}
    net.fit(X, y, epochs=1)
    before = dict(net.arrays)

    def fail(epoch: Any) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        net.fit(X, y, epochs=1, on_epoch=fail)
    assert len(net.history) == 1
    assert net.arrays.keys() == before.keys()
    for name, array in before.items():
        assert_array_equal(net.arrays[name], array)


@pytest.mark.parametrize("batch_size", [None, 1, 7, 1000])
def test_batches_of_any_size(batch_size: int | None) -> None:
    history = classifier().fit(X, y, optimizer=cr.SGD(0.1), epochs=15, batch_size=batch_size)
    assert history.losses[-1] < history.losses[0]


def test_a_vector_of_targets_for_one_output_gives_vectors_back() -> None:
    net = regressor()
    net.fit(X, NUMBERS, epochs=1)
    assert net.predict(X).shape == (40,)
    net.evaluate(X, NUMBERS[:, None])
    assert net.predict(X).shape == (40,), "looking at data does not change what predictions look like"
    net.fit(X, NUMBERS[:, None], epochs=1, validation=(X, NUMBERS))
    assert net.predict(X).shape == (40, 1)
    binary = cr.Network([cr.Dense(1)], loss="sigmoid_cross_entropy", dtype=np.float64)
    binary.fit(X, X[:, 0] > 0, epochs=60, optimizer=cr.Adam(0.1))
    assert_array_equal(binary.predict(X), (X[:, 0] > 0).astype(int))
    with pytest.raises(cr.DataError, match="which have no probabilities"):
        net.predict_proba(X)


def test_a_share_is_held_out_and_never_trained_on() -> None:
    net = classifier()
    rows = X.copy()
    history = net.fit(rows, y, epochs=3, validation=0.25, batch_size=None)
    order = np.random.default_rng([0, 40]).permutation(40)
    aside, others = np.sort(order[:10]), np.sort(order[10:])
    again = classifier()
    told = again.fit(X[others], y[others], epochs=3, validation=(X[aside], y[aside]), batch_size=None)
    assert history == told
    assert_array_equal(net.predict_proba(X), again.predict_proba(X))


def test_epochs_without_validation_are_gaps() -> None:
    net = classifier()
    net.fit(X, y, epochs=2)
    history = net.fit(X, y, epochs=1, validation=[X, y])
    assert np.isnan(history.validation_losses[:2]).all()
    assert history.validation_losses[2] == net.evaluate(X, y)["loss"]
    assert len(history.accuracies) == 3


def test_sample_weights() -> None:
    loss = cr.Loss("softmax_cross_entropy", sample_weights=True)
    kept = np.arange(40) < 25
    net, part = classifier(loss=loss), classifier(loss=cr.Loss("softmax_cross_entropy", reduction="sum"))
    net.fit(X, y, epochs=4, batch_size=None, optimizer=cr.SGD(0.4), sample_weight=kept, validation=0.0)
    part.fit(X[kept], y[kept], epochs=4, batch_size=None, optimizer=cr.SGD(0.01))
    assert_allclose(net.predict_proba(X), part.predict_proba(X), rtol=1e-9)
    plain = net.evaluate(X, y)["loss"]
    assert net.evaluate(X, y, sample_weight=2 * np.ones(40))["loss"] == pytest.approx(2 * plain)
    with pytest.raises(cr.DataError, match="the loss asks for sample weights"):
        net.fit(X, y)
    with pytest.raises(cr.DataError, match="no place for them"):
        classifier().fit(X, y, sample_weight=kept)
    with pytest.raises(cr.ShapeError, match="w has 3"):
        net.fit(X, y, sample_weight=np.ones(3))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, lambda a: a.tolist(), np.float32])
def test_tables_and_lists(frame: Any) -> None:
    net = classifier()
    net.fit(frame(X), pd.Series(y) if frame is pd.DataFrame else y.tolist(), epochs=1)
    again = classifier()
    again.fit(X, y.astype(float), epochs=1)
    assert_allclose(
        net.predict_proba(frame(X)), again.predict_proba(X), rtol=1e-5 if frame is np.float32 else 1e-12
    )


def test_the_seed_decides() -> None:
    def probabilities(seed: int) -> Any:
        net = classifier(cr.Dropout(0.5), seed=seed)
        net.fit(X, y, epochs=2, batch_size=8)
        return net.predict_proba(X)

    assert_array_equal(probabilities(3), probabilities(3))
    assert not np.allclose(probabilities(3), probabilities(4))


def changed(array: Any, place: Any, value: Any) -> Any:
    new = np.array(array, float)
    new[place] = value
    return new


REFUSED: list[tuple[Any, dict[str, Any], type[cr.ChainruleError], str, str]] = [
    ((X, np.array(list("ab" * 20))), {}, cr.DataError, "y holds text or objects, not numbers.",
     "numpy.unique"),
    ((pd.DataFrame({"a": list("ab" * 20)}), y), {}, cr.DataError, "X holds text or objects, not numbers.",
     "encode"),
    ((changed(X, (3, 1), np.nan), y), {}, cr.DataError, "X has nan in row 3, column 1", "fill or drop"),
    ((X, changed(y, 4, np.inf)), {}, cr.DataError, "y has inf in row 4", "fill or drop"),
    ((X, y), {"validation": (changed(X, (0, 0), np.nan), y)}, cr.DataError, "X has nan in row 0", ""),
    ((X, y[:-1]), {}, cr.ShapeError, "the numbers of examples differ: X has 40, y has 39.", "one target"),
    ((X, y + 0.5), {}, cr.KindError, "y holds class numbers, but the array holds float64.", ""),
    ((X, y + 1), {}, cr.DataError, "y must lie in 0 … 2", ""),
    ((X, y[:, None]), {}, cr.ShapeError, "y (m) takes class numbers, not rows (40, 1).", "y.reshape(-1)"),
    ((X, np.eye(3)[y]), {}, cr.ShapeError, "y (m) takes class numbers, not rows (40, 3).",
     "y.argmax(axis=1)"),
    ((X[:, 0], y), {}, cr.ShapeError, "X (m, d) was given the shape (40).", "X.reshape(-1, 1)"),
    ((X[None], y), {}, cr.ShapeError, "X (m, d) was given the shape (1, 40, 5).", ""),
    (([[1, 2], [3]], y), {}, cr.DataError, "X is not a rectangular array.", ""),
    ((X[:0], y[:0]), {}, cr.ShapeError, "arrays do not fit the graph: X was given no elements", ""),
    (({"x": X}, y), {}, cr.UnknownNameError, "there is no input x.", "Known: X."),
    ((X, y), {"validation": 1.0}, cr.DataError, "validation is a share of the examples in [0, 1)", ""),
    ((X, y), {"validation": 0.001}, cr.DataError, "a share of 0.001 of 40 examples leaves nothing", ""),
    ((X, y), {"validation": "some"}, cr.DataError, "validation is a share of the examples", ""),
    ((X, y), {"validation": (X,)}, cr.DataError, "validation is (X, y) or a share", ""),
    ((X, y), {"epochs": -1}, cr.DataError, "the number of epochs cannot be -1.", ""),
    ((X, y), {"batch_size": 0}, cr.DataError, "a batch size is a whole number", ""),
    ((X, y), {"optimizer": "adam"}, cr.KindError, "an optimizer is an object such as cr.Adam(0.001)",
     "Did you mean Adam?"),
    ((X, y), {"optimizer": cr.Adam}, cr.KindError, "the optimizer is the class Adam.", "with brackets"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "options", "kind", "message", "fix"), REFUSED)
def test_what_fit_refuses(data: Any, options: Any, kind: Any, message: str, fix: str) -> None:
    with pytest.raises(kind) as caught:
        classifier().fit(*data, **options)
    assert caught.value.message.startswith(message)
    assert fix in caught.value.fix


def test_nothing_is_predicted_before_there_are_parameters_nor_of_what_does_not_fit(tmp_path: Any) -> None:
    net = classifier()
    for ask in (
        net.predict,
        net.predict_proba,
        lambda x: net.evaluate(x, y),
        lambda x: net.save(tmp_path / "n"),
    ):
        with pytest.raises(cr.DataError, match="the network has no parameters yet"):
            ask(X)
    net.fit(X, y, epochs=1)
    with pytest.raises(cr.DataError, match="X has nan"):
        net.predict(changed(X, (0, 0), np.nan))
    assert net.initialize()["W1"].shape == (5, 8)


def test_a_network_from_an_equation_file() -> None:
    net = cr.Network.from_graph(
        cr.read(EXAMPLES / "two_layer.eqn"), settings={"lambda": 1e-4}, sizes={"h": 6}, dtype=np.float64
    )
    Y = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(float)
    history = net.fit(X, Y, optimizer=cr.Adam(0.05), epochs=60, validation=0.2)
    assert history.losses[-1] < history.losses[0] / 3
    assert net.parameters["W1"].shape == (5, 6)
    assert_array_equal(net.predict(X), (net.activations(X, "A2") > 0.5).astype(int))
    assert net.evaluate(X, Y)["accuracy"] > 0.9


def test_examples_in_columns_from_an_equation_file() -> None:
    net = cr.Network.from_graph(cr.read(EXAMPLES / "columns.eqn"), sizes={"n1": 4}, dtype=np.float64)
    Y = (X[:, :1] > X[:, 1:2]).astype(float).T
    net.fit(X.T, Y, optimizer=cr.Adam(0.1), epochs=40, batch_size=8, validation=0.25)
    assert net.parameters["W1"].shape == (4, 5)
    assert net.evaluate(X.T, Y)["accuracy"] > 0.9
    assert net.predict(X.T).shape == (1, 40)
    with pytest.raises(cr.ShapeError, match="X has 39, Y has 40"):
        net.fit(X.T[:, 1:], Y)


def test_equations_with_another_letter_for_the_examples_and_a_softmax_of_their_own() -> None:
    text = """
    sizes n
    data X : (n, 5), y : (n) index
    parameter W : (5, 3), b : (3)
    Z = X W + b
    J = mean(softmax_cross_entropy(Z, y))
    """
    net = cr.Network.from_graph(cr.parse(text), initializer="zeros", dtype=np.float64)
    history = net.fit(X, y, optimizer=cr.Adam(0.1), epochs=20, batch_size=8)
    assert history.losses[-1] < history.losses[0]
    assert_allclose(net.predict_proba(X), ORACLES["softmax"](net.activations(X, "Z"), axis=1), rtol=1e-12)
    assert net.evaluate(X, y)["accuracy"] > 0.8


@pytest.mark.parametrize(
    "loss", ["mean_squared_error(X W, Y)", "half_sum_of_squares(X W, Y)", "mean(huber(X W, Y))"]
)
def test_what_the_loss_compares_is_predicted(loss: str) -> None:
    graph = cr.parse(f"sizes m\ndata X : (m, 5), Y : (m, 1)\nparameter W : (5, 1)\nJ = {loss}")
    net = cr.Network.from_graph(graph, initializer="ones", dtype=np.float64)
    net.initialize()
    assert_allclose(net.predict(X), X.sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("P = X W", {}, "there is no objective J"),
        ("P = X W\nJ = mean(P)", {}, "a network needs one target; data that P does not depend on: none"),
        ("J = mean((X W)²)", {}, "it is not plain what this network predicts"),
        ("P = X W\nJ = λ mean((P − Y)²)", {}, "λ has no number"),
        ("P = X W\nJ = mean((P − Y)²)", {"settings": {"μ": 1}}, "there is no hyperparameter μ"),
        ("P = X W\nJ = mean((P − Y)²)", {"initializer": "hee"}, "there is no initializer hee"),
        ("P = X W\nJ = mean((P − Y)²)", {"initializer": {"V": "he"}}, "there is no parameter V"),
    ],
)
def test_a_graph_that_is_no_network(text: str, options: Any, message: str) -> None:
    leaves = "data X : (m, 5)" + ", Y : (m, 1)" * ("Y" in text) + "\nscalar λ" * ("λ" in text)
    graph = cr.parse(f"sizes m\n{leaves}\nparameter W : (5, 1)\n{text}")
    with pytest.raises(cr.ChainruleError, match=message):
        cr.Network.from_graph(graph, **options)


def through_bytes(net: cr.Network) -> cr.Network:
    return pickle.loads(pickle.dumps(net))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("copied", [through_bytes, copy.deepcopy], ids=["pickle", "copy"])
def test_a_copy_predicts_and_trains_alike(copied: Any) -> None:
    net = classifier(cr.Dropout(0.2), cr.BatchNorm())
    net.fit(X, y, epochs=2)
    net.predict(X)
    twin = copied(net)
    assert_array_equal(twin.predict_proba(X), net.predict_proba(X))
    assert net.fit(X, y, epochs=1).losses == twin.fit(X, y, epochs=1).losses


def test_a_prediction_has_no_masks() -> None:
    net = classifier(cr.Dropout(0.2))
    net.fit(X, y, epochs=1)
    with pytest.raises(cr.DataError, match="M1 is drawn in training"):
        net.activations(X, "M1")


def test_another_number_of_columns_is_refused_in_words() -> None:
    net = classifier()
    net.fit(X, y, epochs=1)
    for call in (lambda: net.predict(X[:, :4]), lambda: net.fit(X[:, :4], y)):
        with pytest.raises(cr.ShapeError, match=r"X \(m, d\) has d = 4, but the network's d is 5"):
            call()
