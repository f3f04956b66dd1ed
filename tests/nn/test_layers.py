"""What each layer builds, that it trains and has right gradients, and what is said of wrong ones."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from tests.support.errors import raises_exactly

import chainrule as cr

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(30, 4))
Y = DRAW.normal(size=(30, 2))


def network(*layers: Any, loss: Any = "mean_squared_error", **options: Any) -> cr.Network:
    return cr.Network([*layers, cr.Dense(2)], loss=loss, **{"inputs": 4, "dtype": np.float64, **options})


def equations(net: cr.Network, *names: str) -> list[str]:
    text = net.graph.text(section="forward", shapes=False, only=names or None)
    return [" ".join(line.split()) for line in text.splitlines()]


def shapes(net: cr.Network) -> dict[str, tuple[Any, ...]]:
    return {net.graph.names_of(leaf)[0]: leaf.shape for leaf in net.graph.leaves("parameter")}


LAYERS: list[tuple[Callable[[], Any], list[str]]] = [
    (lambda: cr.Dense(3, "relu"), ["R1 = X W1", "Z1 = R1 + b1", "A1 = relu(Z1)"]),
    (lambda: cr.Dense(3, "tanh", bias=False), ["Z1 = X W1", "A1 = tanh(Z1)"]),
    (lambda: cr.Dense(3, "prelu"), ["R1 = X W1", "Z1 = R1 + b1", "A1 = prelu(Z1, a1)"]),
    (lambda: cr.Dense(3, lambda z: cr.tanh(z) * z), ["R1 = X W1", "Z1 = R1 + b1", "A1 = tanh(Z1) ⊙ Z1"]),
    (lambda: cr.Activation("leaky_relu", slope=0.2), ["A0 = leaky_relu(X, slope=0.2)"]),
    (lambda: cr.Activation("softmax"), ["A0 = softmax(X)"]),
    (lambda: cr.Activation("maxout", pieces=4), ["A0 = maxout(X, pieces=4)"]),
    (lambda: cr.Dropout(0.3),
     ["M0 = dropout_mask(seed, step, (m, 4), p=0.3, id=1)", "D0 = dropout(X, M0, p=0.3)"]),
    (lambda: cr.AlphaDropout(0.3),
     ["M0 = dropout_mask(seed, step, (m, 4), p=0.3, id=1)", "D0 = alpha_dropout(X, M0, p=0.3)"]),
    (lambda: cr.GaussianNoise(0.1),
     ["G0 = normal_noise(seed, step, (m, 4), id=1)", "D0 = gaussian_noise(X, G0, stddev=0.1)"]),
    (lambda: cr.BatchNorm(), ["N0 = batch_norm(X, γ0, β0, mean0, variance0)"]),
    (lambda: cr.LayerNorm(), ["N0 = layer_norm(X, γ0, β0)"]),
    (lambda: cr.RmsNorm(), ["N0 = rms_norm(X, γ0)"]),
    (lambda: cr.Residual(cr.Dense(4, "tanh")), ["R1 = X W1", "Z1 = R1 + b1", "A1 = tanh(Z1)", "H1 = X + A1"]),
    (lambda: cr.Concat([], cr.Dense(3)), ["R1 = X W1", "Z1 = R1 + b1", "C1 = concat(X, Z1)"]),
    (lambda: cr.Flatten(), []),
    (lambda: cr.ActivityPenalty(l1=0.1), []),
]  # fmt: skip
each_layer = pytest.mark.parametrize(("make", "expected"), LAYERS, ids=[f"{make()!r}" for make, _ in LAYERS])


@each_layer
def test_a_layer_builds_trains_and_has_right_gradients(make: Any, expected: list[str]) -> None:
    net = network(make())
    assert equations(net)[: len(expected)] == expected
    check = net.graph.check_gradients(X=X, Y=Y, **net.initialize(), seed=1)
    assert check.ok, str(check)
    history = net.fit(X, Y, optimizer=cr.Adam(0.02), epochs=20, batch_size=10)
    assert history.losses[-1] < history.losses[0]
    assert net.predict(X).shape == Y.shape
    assert len(net.summary().splitlines()) >= 5


def test_dense_is_the_affine_map_and_its_activation() -> None:
    net = network(cr.Dense(3, "tanh"))
    p = net.initialize()
    p["b1"] += [0.5, -1, 2]
    expected = np.tanh(np.einsum("md,dh->mh", X, p["W1"]) + p["b1"]) @ p["W2"] + p["b2"]
    assert_allclose(net.predict(X), expected, rtol=1e-12)
    assert shapes(net) == {"W1": (4, 3), "b1": (3,), "W2": (3, 2), "b2": (2,)}
    assert shapes(network(cr.Dense(3, bias=False))) == {"W1": (4, 3), "W2": (3, 2), "b2": (2,)}


def test_more_axes_flatten_and_layers_over_the_last_one() -> None:
    images = DRAW.normal(size=(12, 3, 4))
    net = network(cr.Dense(5, "tanh"), cr.LayerNorm(), cr.Flatten(), inputs=(3, 4))
    assert shapes(net)["W2"] == (15, 2)
    p = net.initialize()
    assert_array_equal(net.activations(images, "F1"), net.activations(images, "N1").reshape(12, 15))
    assert_allclose(net.activations(images, "Z1"), images @ p["W1"] + p["b1"])
    assert net.fit(images, Y[:12], epochs=5).losses[-1] < net.history.losses[0]


def test_residual_and_concat_compute_what_they_say() -> None:
    net = network(
        cr.Residual(cr.Dense(4, "tanh"), cr.Dense(4)), cr.Concat([], [cr.Dense(3), cr.Activation("relu")])
    )
    p = net.initialize()
    H = X + (np.tanh(X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"])
    C = np.hstack([H, np.maximum(H @ p["W3"] + p["b3"], 0)])
    assert_allclose(net.activations(X, "C3"), C, rtol=1e-12)
    assert_allclose(net.predict(X), C @ p["W4"] + p["b4"], rtol=1e-12)


def test_a_layer_that_stands_twice_has_one_set_of_parameters() -> None:
    same, scale = cr.Dense(4, "prelu"), cr.RmsNorm()
    block = cr.Residual(cr.Dense(4, "tanh"), cr.LayerNorm(), scale)
    net = network(same, scale, block, same, block, scale)
    assert list(shapes(net)) == ["W1", "b1", "a1", "γ1", "W2", "b2", "γ2", "β2", "W5", "b5"]
    p = net.initialize()
    A = X @ p["W1"] + p["b1"]
    A = np.where(A > 0, A, p["a1"] * A)
    assert_allclose(net.activations(X, "A1"), A, rtol=1e-12)
    check = net.graph.check_gradients(X=X, Y=Y, **p)
    assert check.ok, str(check)


def test_batch_norm_twice_shares_its_scale_but_not_its_statistics() -> None:
    norm = cr.BatchNorm()
    net = network(cr.Dense(4), norm, cr.Dense(4), norm)
    assert [name for name in shapes(net) if name[0] in "γβ"] == ["γ1", "β1"]
    net.fit(X, Y, epochs=2)
    assert not np.array_equal(net.arrays["mean1"], net.arrays["mean2"])


def test_tied_weights_are_transposed_or_as_they_are() -> None:
    encoder = cr.Dense(3, "tanh")
    net = cr.Network(
        [encoder, cr.Dense(4, tied=encoder)],
        loss="mean_squared_error",
        inputs=4,
        weight_decay=0.1,
        dtype=np.float64,
    )
    assert list(shapes(net)) == ["W1", "b1", "b2"]
    assert equations(net, "R2", "s") == ["R2 = A1 W1ᵀ", "s = λ/2 ‖W1‖²"]
    check = net.graph.check_gradients(X=X, Y=X, λ=0.1, **net.initialize())
    assert check.ok, str(check)
    first = cr.Dense(3)
    net = network(first, cr.Dense(4), cr.Dense(3, tied=first))
    assert equations(net, "R3") == ["R3 = Z2 W1"]


def test_frozen_layers_stay_and_are_not_penalized() -> None:
    net = network(cr.Dense(3, "tanh", frozen=True), cr.Dense(3), weight_decay=0.1)
    before = net.initialize()
    net.fit(X, Y, epochs=2)
    for name in ("W1", "b1"):
        assert_array_equal(net.arrays[name], before[name])
    assert not np.array_equal(net.arrays["W2"], before["W2"])
    assert equations(net, "s") == ["s = λ/2 (‖W2‖² + ‖W3‖²)"]
    assert "dW1" not in net.step(cr.SGD()).graph


def test_penalties_on_weights_and_activations() -> None:
    net = network(cr.Dense(3, "tanh"), cr.ActivityPenalty(l1=0.2, l2=0.4), weight_decay=0.1, l1=0.03)
    p = net.initialize()
    found = net.graph.run(X=X, Y=Y, **p, **net.blueprint.settings)
    A = np.tanh(X @ p["W1"] + p["b1"])
    of_weights = sum(0.05 * (p[W] ** 2).sum() + 0.03 * np.abs(p[W]).sum() for W in ("W1", "W2"))
    s = of_weights + 0.2 * np.abs(A).sum() / 30 + 0.2 * (A**2).sum() / 30
    assert_allclose(found["s"], s, rtol=1e-12)
    assert_allclose(found["J"], ((found["Z2"] - Y) ** 2).mean() + s, rtol=1e-12)
    lasso = network(l1=0.5)
    assert equations(lasso, "s") == ["s = λ_l1 ‖W1‖₁"]
    lasso.fit(X, Y, epochs=150, optimizer=cr.Adam(0.01))
    assert abs(lasso.parameters["W1"]).max() < 0.03


def test_inputs_with_categories_and_several_outputs() -> None:
    city = DRAW.integers(0, 5, (30, 2))
    price, kind = X[:, :1] + city[:, :1], (X[:, 0] > 0).astype(int)
    net = cr.Network(
        [
            cr.Inputs(X=[cr.LayerNorm()], city=[cr.Embedding(5, 3), cr.Flatten()]),
            cr.Dense(16, "tanh"),
            cr.Outputs(price=[cr.Dense(8, "relu"), cr.Dense(1)], kind=cr.Dense(2)),
        ],
        loss={"price": "huber", "kind": cr.Loss("softmax_cross_entropy")},
        inputs={"X": 4, "city": 2},
        weight_decay=1e-3,
        dtype=np.float64,
    )
    history = net.fit({"X": X, "city": city}, {"price": price[:, 0], "kind": kind}, epochs=60,
                      optimizer=cr.Adam(0.02), validation=0.2)  # fmt: skip
    assert history.losses[-1] < history.losses[0] / 2
    assert len(history.accuracies) == 60
    found = net.predict({"X": X, "city": city})
    assert found["price"].shape == found["kind"].shape == (30,)
    assert list(net.predict_proba({"X": X, "city": city})) == ["kind"]
    p = net.parameters
    assert_allclose(net.activations({"X": X, "city": city}, "C0")[:, 4:], p["E1"][city].reshape(30, 6))
    check = net.graph.check_gradients(X=X, city=city, Y_price=price, y_kind=kind, λ=1e-3, **p)
    assert check.ok, str(check)
    with pytest.raises(cr.DataError, match="the inputs X, city"):
        net.predict(X)
    with pytest.raises(cr.UnknownNameError, match="there is no output prize"):
        net.fit({"X": X, "city": city}, {"prize": price, "kind": kind})
    with pytest.raises(cr.DataError, match="city must lie in 0 … 4"):
        net.predict({"X": X, "city": city + 1})


def test_one_column_of_categories_is_an_input_of_its_own() -> None:
    net = cr.Network([cr.Embedding(3, 2), cr.Dense(1)], loss="mean_squared_error", dtype=np.float64)
    categories = np.array([0, 1, 2] * 10)
    net.fit(categories, categories**2.0, epochs=300, optimizer=cr.Adam(0.05))
    assert_allclose(net.predict(np.arange(3)), [0, 1, 4], atol=0.1)


def test_a_layer_is_applied_to_a_value() -> None:
    g = cr.Graph()
    g.X, g.Y = cr.data("m", 4), cr.data("m", 1)
    hidden = cr.Dense(8, "relu", initializer="orthogonal")(g.X)
    g.P = cr.Dense(1, initializer=0.5)(hidden)
    g.J = cr.mean_squared_error(g.P, g.Y)
    assert list(g.names) == ["X", "Y", "W1", "b1", "R1", "Z1", "A1", "W2", "b2", "R2", "Z2", "P", "J"]
    parameters = g.initialize()
    assert_allclose(parameters["W1"] @ parameters["W1"].T, np.eye(4), atol=1e-12)
    assert (parameters["W2"] == 0.5).all()
    net = cr.Network.from_graph(g, dtype=np.float64)
    assert_array_equal(net.initialize()["W1"], parameters["W1"])
    assert net.fit(X, Y[:, 0], epochs=10).losses[-1] < net.history.losses[0]


class Scale(cr.Layer):
    """y = c ⊙ x with a learned c."""

    def build(self, scope: Any, x: Any) -> Any:
        return scope.name("S", scope.parameter("c", (x.shape[-1],), 2.0) * x)


def test_a_layer_of_ones_own() -> None:
    scale = Scale()
    net = network(scale, cr.Dense(4), scale)
    assert shapes(net)["c0"] == (4,)
    assert [name for name in net.graph.names if name[0] in "cS"] == ["c0", "S0", "S1"]
    assert_array_equal(net.initialize()["c0"], np.full(4, 2.0))
    assert_array_equal(net.activations(X, "S0"), 2 * X)
    assert net.fit(X, Y, epochs=5).losses[-1] < net.history.losses[0]


def test_an_activation_of_ones_own(own_ops: None) -> None:
    class Sinc(cr.Composite):
        """Sine over its argument, y = tanh(x) / (1 + x²)."""

        signature = "... -> ..."

        def definition(self, x: Any) -> Any:
            return cr.tanh(x) / (1 + x**2)

    net = network(cr.Dense(3, "sinc"))
    p = net.initialize()
    Z = X @ p["W1"] + p["b1"]
    assert_allclose(net.activations(X, "A1"), np.tanh(Z) / (1 + Z**2), rtol=1e-12)
    assert net.graph.check_gradients(X=X, Y=Y, **p).ok


def test_a_graph_and_what_its_layers_share_are_freed_together() -> None:
    net = network(cr.Dense(3))
    graph = weakref.ref(net.graph)
    del net
    gc.collect()
    assert graph() is None


def test_a_network_of_every_kind_of_layer_is_as_good_as_scikit_learns() -> None:
    digits, classes = load_digits(return_X_y=True)
    data = train_test_split(digits / 16, classes, test_size=0.25, random_state=0, stratify=classes)
    train, held_out, y_train, y_held_out = data
    rows = np.digitize(train[:, 10], [0.25, 0.5, 0.75]), np.digitize(held_out[:, 10], [0.25, 0.5, 0.75])
    net = cr.Network(
        [
            cr.Inputs(X=[cr.GaussianNoise(0.15), cr.Flatten()], row=cr.Embedding(4, 2)),
            cr.Dense(64, "relu"), cr.BatchNorm(), cr.Dropout(0.2),
            cr.Residual(cr.Dense(64, "silu"), cr.LayerNorm(), cr.Dense(64, bias=False)),
            cr.Concat([], [cr.RmsNorm(), cr.Dense(32), cr.Activation("selu"), cr.AlphaDropout(0.1)]),
            cr.ActivityPenalty(l2=1e-4),
            cr.Dense(10),
        ],
        loss="softmax_cross_entropy", weight_decay=1e-4, inputs={"X": 64}, seed=1, dtype=np.float64
    )  # fmt: skip
    net.fit({"X": train, "row": rows[0]}, y_train, optimizer=cr.Adam(0.002), epochs=40, batch_size=64)
    accuracy = net.evaluate({"X": held_out, "row": rows[1]}, y_held_out)["accuracy"]
    peer = MLPClassifier((64,), learning_rate_init=0.003, batch_size=64, max_iter=300, random_state=0)
    assert accuracy >= peer.fit(train, y_train).score(held_out, y_held_out)
    assert accuracy > 0.97


def build(*layers: Any, loss: Any = "mean_squared_error", **options: Any) -> cr.Network:
    return cr.Network(list(layers), loss=loss, **options)


def on_a_vector() -> None:
    g = cr.Graph()
    g.x = cr.data("m")
    cr.Dense(3)(g.x)


def on_class_numbers() -> None:
    g = cr.Graph()
    g.c = cr.data("m", 3, kind="index")
    cr.Dense(3)(g.c)


def apart() -> None:
    dense = cr.Dense(8)
    build(cr.Dense(4), cr.Dense(8, tied=dense))


def misfit() -> None:
    dense = cr.Dense(8)
    build(dense, cr.Dense(5, tied=dense), inputs=4)


class Empty(cr.Layer):
    def build(self, scope: Any, x: Any) -> Any:
        return None


MISTAKES: list[tuple[Any, type[cr.ChainruleError], str, str]] = [
    (on_a_vector, cr.ShapeError, "Dense needs examples in rows, (m, d), but receives (m).",
     "make a column of a vector: reshape(x, (m, 1))."),
    (on_class_numbers, cr.KindError, "Dense needs real numbers; c (m, 3) holds class numbers.",
     "put Embedding(categories, units) before it."),
    (lambda: build(cr.Dense(3), cr.BatchNorm(), inputs=(5, 4)), cr.ShapeError,
     "layer 2, BatchNorm(): BatchNorm takes examples in rows, (m, h), not (m, 5, 3).",
     "put Flatten() before it."),
    (lambda: build(cr.Dense(3, "softmax"), loss="softmax_cross_entropy"), cr.GraphError,
     "the last layer ends in softmax, and softmax_cross_entropy applies softmax itself.",
     "leave the activation out, or use loss='cross_entropy'."),
    (lambda: build(cr.Dense(3), loss="cross_entropy"), cr.GraphError,
     "cross_entropy takes probabilities, but Z1 (m, 3) may lie outside 0 … 1.",
     "Dense(3, 'softmax') makes some, or use loss='softmax_cross_entropy'."),
    (lambda: build(cr.Dense(1, "tanh"), loss="binary_cross_entropy"), cr.GraphError,
     "binary_cross_entropy takes probabilities, but A1 (m, 1) may lie outside 0 … 1.",
     "Dense(1, 'sigmoid') makes some, or use loss='sigmoid_cross_entropy'."),
    (lambda: build(cr.Dense(4), cr.Residual(cr.Dense(3), cr.Dense(5))), cr.ShapeError,
     "layer 2, Residual(Dense(3), Dense(5)): the block makes (m, 5) of (m, 4), which cannot be added.",
     "end the block with Dense(4)."),
    (lambda: build(cr.Dense(4), cr.Embedding(5, 2)), cr.KindError,
     "layer 2, Embedding(5, 2): Embedding looks up class numbers; Z1 (m, 4) is real.",
     "it comes first: cr.Inputs(c=[cr.Embedding(12, 4)])."),
    (lambda: build(cr.Embedding(5, 2), cr.Flatten(), cr.Concat(cr.Dense(2), cr.Residual(cr.Dense(3)))),
     cr.ShapeError,
     "layer 3, Concat(Dense(2), Residual(Dense(3))): layer 1 in branch 2 of Concat, Residual(Dense(3)): "
     "the block makes (m, 3) of (m, 2), which cannot be added.", "end the block with Dense(2)."),
    (apart, cr.ShapeError,
     "layer 2, Dense(8, tied): the layer it is tied to, Dense(8), has no W before it in the network.", ""),
    (misfit, cr.ShapeError,
     "layer 2, Dense(5, tied): it needs W (8, 5), but W1 of Dense(8) is (4, 8).",
     "W1ᵀ takes 8 inputs to 4 units."),
    (lambda: build(layer := cr.Dense(4), cr.Dense(3), layer, inputs=2), cr.ShapeError,
     "layer 3, Dense(4): this layer stands in two places: "
     "W1 (2, 4) of the first would have to be (3, 4) here.",
     "make a second layer, or inputs of the same width."),
    (lambda: build(cr.Dense(3), cr.BatchNorm), cr.KindError, "layer 2 of Network is the class BatchNorm.",
     "write it with brackets: BatchNorm(…)."),
    (lambda: build(cr.Dense(3), "relu"), cr.KindError, "layer 2 of Network is 'relu', which is no layer.",
     "such as Dense(10, 'relu')."),
    (lambda: build(cr.Outputs(a=cr.Dense(1)), cr.Dense(3)), cr.ChainruleError,
     "layer 1, Outputs(a): Outputs comes last in a network.", ""),
    (lambda: build(cr.Dense(1), cr.Inputs(a=[])), cr.ChainruleError,
     "layer 2, Inputs(a): Inputs comes first in a network.", ""),
    (lambda: build(cr.Residual(cr.Inputs(a=[])), cr.Dense(3)), cr.ChainruleError,
     "layer 1, Residual(Inputs(a)): layer 1 of Residual, Inputs(a): "
     "Inputs comes first in a network, not inside another layer.", ""),
    (lambda: build(cr.Inputs(a=[], b=cr.Embedding(5, 2)), cr.Dense(3)), cr.ShapeError,
     "layer 1, Inputs(a, b): joined inputs need a number of columns, which a has not.",
     "say it: cr.Network(…, inputs={'a': 4})."),
    (lambda: build(cr.Inputs(a=[], b=cr.Embedding(5, 2)), cr.Dense(3), inputs={"a": 4, "b": 3}),
     cr.ShapeError,
     "layer 1, Inputs(a, b): inputs that are joined need one number of axes: a (m, 4), b (m, 3, 2).",
     "end the longer one with cr.Flatten()."),
    (lambda: build(cr.Flatten(), cr.Dense(2), inputs=(3, "k")), cr.ShapeError,
     "layer 1, Flatten(): Flatten needs numbers for the axes of an example, not (m, 3, k).",
     "say them: cr.Network(…, inputs=(28, 28))."),
    (lambda: build(cr.Dense(2), cr.Outputs(a=cr.Dense(1)), loss="huber"), cr.DataError,
     "the outputs are a, so the loss needs one entry for each.", "loss={'a': 'mean_squared_error', …}."),
    (lambda: build(Empty()), cr.KindError,
     "layer 1, Empty(): its build returned NoneType, not a value of the graph.", ""),
    (lambda: build(), cr.DataError, "a network needs at least one layer.",
     "cr.Network([cr.Dense(10)], loss=…)."),
    (lambda: cr.Dense(0), cr.DataError, "Dense needs a whole number of units, at least 1, not 0.", ""),
    (lambda: cr.Dense(3, 7), cr.KindError,  # type: ignore[arg-type]  # wrong
     "an activation is a name or a function from Value to Value, not 7.", "'relu'."),
    (lambda: cr.ActivityPenalty(), cr.DataError,
     "ActivityPenalty needs a positive l1 or l2, and none negative.", ""),
    (lambda: build(cr.Dense(1), weight_decay=-1), cr.DataError,
     "weight_decay is a finite number from 0, not -1.", ""),
    (lambda: build(cr.Dense(1), seed=2**32), cr.DataError,
     "a seed is a whole number from 0, below 2³², not 4294967296.", ""),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "message", "fix"), MISTAKES)
def test_mistakes_are_named_when_the_network_is_built(make: Any, kind: Any, message: str, fix: str) -> None:
    with raises_exactly(kind, message, fix):
        make()


@pytest.mark.parametrize(
    ("make", "wrong", "right"),
    [
        (lambda: cr.Dense(3, "rellu"), "there is no activation rellu.", "Did you mean relu?"),
        (lambda: cr.Activation("sigmod"), "there is no activation sigmod.", "Did you mean sigmoid?"),
        (lambda: cr.Dense(3, "matmul"), "there is no activation matmul.", ""),
        (lambda: build(cr.Dense(3), loss="hubber"), "there is no loss hubber.", "Did you mean huber?"),
        (lambda: cr.Dense(3, initializer="glorott"), "there is no initializer glorott.",
         "Did you mean glorot"),
        (lambda: cr.Embedding(3, 2, initializer="hee"), "there is no initializer hee.", "Did you mean he?"),
        (lambda: build(cr.Inputs(price=[]), cr.Dense(1), inputs={"prize": 3}), "there is no input prize.",
         "Did you mean price?"),
    ],
)  # fmt: skip
def test_the_nearest_spelling_is_offered(make: Any, wrong: str, right: str) -> None:
    with pytest.raises(cr.UnknownNameError) as caught:
        make()
    assert caught.value.message == wrong
    assert right in caught.value.fix


def test_whole_numbers_of_numpy_are_widths() -> None:
    units = np.array([0, 2, 1]).max() + 1
    assert repr(cr.Dense(units)) == "Dense(3)"
    assert repr(cr.Embedding(units, np.int32(2))) == "Embedding(3, 2)"
    net = build(cr.Dense(units), cr.Dropout(np.float64(0.2)), inputs=4)
    assert cr.parse(net.graph.text()).same_as(net.graph)
