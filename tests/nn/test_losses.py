"""Every loss of the table trains, and every way to combine examples agrees with plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special
from tests.support.oracles import ORACLES

import chainrule as cr
from chainrule.nn.losses import KINDS

DRAW = np.random.default_rng(0)
M, D, K = 24, 4, 3
X = DRAW.normal(size=(M, D))
SIGNAL = X @ DRAW.normal(size=(D, K))
CLASSES = SIGNAL.argmax(axis=1)
BITS = (SIGNAL > 0).astype(float)
TARGETS: dict[str, Any] = {
    "softmax_cross_entropy": CLASSES, "cross_entropy": CLASSES, "sigmoid_cross_entropy": BITS,
    "binary_cross_entropy": BITS, "focal": BITS, "hinge": 2 * BITS - 1,
    "kullback_leibler": special.softmax(SIGNAL, axis=1), "poisson": np.exp(SIGNAL / 4).round(),
}  # fmt: skip
LAST = {"cross_entropy": "softmax", "kullback_leibler": "softmax", "binary_cross_entropy": "sigmoid",
        "poisson": "softplus"}  # fmt: skip
each_loss = pytest.mark.parametrize("name", KINDS)


def network(loss: Any, last: str | None = None, **options: Any) -> cr.Network:
    return cr.Network([cr.Dense(6, "tanh"), cr.Dense(K, last)], loss=loss, inputs=D, **options)


@each_loss
def test_a_loss_trains(name: str) -> None:
    net, y = network(name, LAST.get(name)), TARGETS.get(name, SIGNAL)
    history = net.fit(X, y, optimizer=cr.Adam(0.03), epochs=60, batch_size=8)
    assert history.losses[-1] < (0.95 if name == "poisson" else 0.6) * history.losses[0]
    if KINDS[name].task != "values":
        assert net.evaluate(X, y)["accuracy"] > 0.85
        assert ((net.predict_proba(X) >= 0) & (net.predict_proba(X) <= 1)).all()


@each_loss
def test_gradients_of_the_whole_network_agree_with_differences(name: str) -> None:
    layers = [cr.Dense(5, "tanh"), cr.Dropout(0.3), cr.BatchNorm(), cr.Dense(K, LAST.get(name))]
    net = cr.Network(layers, loss=name, inputs=D, weight_decay=0.1, l1=0.01)
    y, target = TARGETS.get(name, SIGNAL), net.blueprint.heads[""].target
    check = net.graph.check_gradients(X=X, **{target: y}, λ=0.1, λ_l1=0.01, **net.initialize())
    assert check.ok, str(check)
    assert {row.name for row in check.rows} == {"W1", "b1", "γ1", "β1", "W2", "b2"}


def losses_of(name: str, P: Any, y: Any, **settings: Any) -> Any:
    """Return the losses of examples or elements by the oracle of the op."""
    defaults = {
        "softmax_cross_entropy": {"label_smoothing": 0.0}, "focal": {"gamma": 2}, "huber": {"delta": 1},
        "quantile_error": {"quantile": 0.5},
    }  # fmt: skip
    return ORACLES[KINDS[name].op](P, y, **{**defaults.get(name, {}), **settings})


def computed(loss: cr.Loss, y: Any, last: str | None = None, **arrays: Any) -> tuple[float, Any]:
    """Return L, and the last value before the loss."""
    net = network(loss, last)
    found = net.graph.run(X=X, **{net.blueprint.heads[""].target: y}, **net.blueprint.settings, **arrays,
                          **net.initialize())  # fmt: skip
    return float(found["L"]), found["A2" if last else "Z2"]


@each_loss
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_sum_and_mean_over_the_examples_with_and_without_weights(
    name: str, reduction: Any, weighted: bool
) -> None:
    y, weights = TARGETS.get(name, SIGNAL), DRAW.uniform(0, 3, M)
    loss = cr.Loss(name, reduction=reduction, sample_weights=weighted)
    L, P = computed(loss, y, LAST.get(name), **({"w": weights} if weighted else {}))
    of_examples = losses_of(name, P, y)
    if of_examples.ndim == 2:
        of_examples = of_examples.sum(axis=1) / (K if KINDS[name].over == "elements" else 1)
    if reduction == "sum" and KINDS[name].over == "elements":
        of_examples = K * of_examples
    of_examples = of_examples * (weights if weighted else 1)
    assert_allclose(L, of_examples.sum() / (1 if reduction == "sum" else M), rtol=1e-12)


def test_class_weights_of_class_numbers_of_rows_and_of_binary_outputs() -> None:
    c = np.array([1.0, 0.5, 4.0])
    L, Z = computed(cr.Loss("softmax_cross_entropy", class_weights=c), CLASSES)
    of_examples = special.logsumexp(Z, axis=1) - Z[np.arange(M), CLASSES]
    assert_allclose(L, (c[CLASSES] * of_examples).mean(), rtol=1e-12)

    rows = TARGETS["kullback_leibler"]
    L, Z = computed(cr.Loss("softmax_cross_entropy", rows=True, class_weights=c), rows)
    of_examples = -(rows * special.log_softmax(Z, axis=1)).sum(axis=1)
    assert_allclose(L, (rows @ c * of_examples).mean(), rtol=1e-12)

    L, Z = computed(cr.Loss("sigmoid_cross_entropy", class_weights=[0.5, 3]), BITS)
    of_elements = np.logaddexp(0, Z) - BITS * Z
    assert_allclose(L, (np.where(BITS == 1, 3, 0.5) * of_elements).sum() / M, rtol=1e-12)


def test_weights_of_examples_and_of_classes_multiply() -> None:
    c, w = np.array([1.0, 2.0, 3.0]), DRAW.uniform(0, 3, M)
    loss = cr.Loss("softmax_cross_entropy", class_weights=c, sample_weights=True)
    L, Z = computed(loss, CLASSES, w=w)
    of_examples = special.logsumexp(Z, axis=1) - Z[np.arange(M), CLASSES]
    assert_allclose(L, (w * c[CLASSES] * of_examples).mean(), rtol=1e-12)


@pytest.mark.parametrize("rows", [False, True])
def test_label_smoothing_mixes_the_target_with_the_uniform_one(rows: bool) -> None:
    target = np.eye(K)[CLASSES]
    L, Z = computed(
        cr.Loss("softmax_cross_entropy", rows=rows, label_smoothing=0.2), target if rows else CLASSES
    )
    smooth = 0.8 * target + 0.2 / K
    assert_allclose(L, -(smooth * special.log_softmax(Z, axis=1)).sum() / M, rtol=1e-12)


def test_settings_go_to_the_op() -> None:
    L, Z = computed(cr.Loss("huber", delta=0.1), SIGNAL)
    r = np.abs(Z - SIGNAL)
    assert_allclose(L, np.where(r <= 0.1, r**2 / 2, 0.1 * (r - 0.05)).mean(), rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_loss_function_of_ones_own_for_elements_examples_or_all(weighted: bool) -> None:
    w = DRAW.uniform(size=M)
    given = {"w": w} if weighted else {}
    factor = w if weighted else np.ones(M)
    own = cr.Loss(lambda P, Y: cr.abs(P - Y) ** 3, sample_weights=weighted)
    L, Z = computed(own, SIGNAL, **given)
    assert_allclose(L, (factor[:, None] * np.abs(Z - SIGNAL) ** 3).mean(), rtol=1e-12)
    own = cr.Loss(lambda P, Y: (cr.abs(P - Y) ** 3).sum(1), sample_weights=weighted)
    L, Z = computed(own, SIGNAL, **given)
    assert_allclose(L, (factor * (np.abs(Z - SIGNAL) ** 3).sum(axis=1)).mean(), rtol=1e-12)
    if not weighted:
        net = network(lambda P, Y: cr.mean((P - Y) ** 4))
        assert net.fit(X, SIGNAL, epochs=30, optimizer=cr.Adam(0.02)).losses[-1] < net.history.losses[0] / 2


def test_a_loss_op_of_ones_own(own_ops: None) -> None:
    class CubedError(cr.Composite):
        """Cubed distance, |a − y|³."""

        signature = "..., ... -> ..."

        def definition(self, a: Any, y: Any) -> Any:
            return abs(a - y) ** 3

    L, Z = computed(cr.Loss(cr.cubed_error), SIGNAL)
    assert_allclose(L, (np.abs(Z - SIGNAL) ** 3).mean(), rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "kind", "message", "fix"),
    [
        (lambda: cr.Loss("hubre"), cr.UnknownNameError, "there is no loss hubre.", "Did you mean huber?"),
        (lambda: cr.Loss("huber", reduction="average"), cr.DataError,  # type: ignore[arg-type]  # wrong
         "losses are combined by 'mean' or 'sum', not 'average'.", ""),
        (lambda: cr.Loss("huber", class_weights=[1, -1]), cr.DataError,
         "class weights are finite and not negative, other than [1.0, -1.0].", ""),
        (lambda: network(cr.Loss("huber", class_weights=[1, 1, 1])), cr.DataError,
         "class_weights has 3 numbers, but huber knows no classes.", ""),
        (lambda: network(cr.Loss("softmax_cross_entropy", class_weights=[1, 1])), cr.DataError,
         "class_weights has 2 numbers, but softmax_cross_entropy needs 3 of them.", ""),
        (lambda: network(cr.Loss("huber", gamma=2)), cr.KindError, "huber has no attribute gamma.",
         "Known: delta."),
        (lambda: network(7), cr.KindError,
         "a loss is a name, a cr.Loss or a function of output and target, not 7.", ""),
        (lambda: network(lambda P, Y: 1.0), cr.KindError,
         "the loss returned float, not a value of the graph.", ""),
        (lambda: network(cr.Loss(lambda P, Y: cr.mean(P - Y), sample_weights=True)), cr.ShapeError,
         "this loss is one number, so its examples cannot be weighted.", ""),
    ],
)  # fmt: skip
def test_mistakes_are_named(make: Any, kind: Any, message: str, fix: str) -> None:
    with pytest.raises(kind) as caught:
        make()
    assert caught.value.message == message
    assert caught.value.fix.startswith(fix)


def test_class_weights_by_class_number() -> None:
    weighted = cr.Loss("softmax_cross_entropy", class_weights={2: 3, 0: 1, 1: 2})
    assert weighted.class_weights == [1.0, 2.0, 3.0]
    with pytest.raises(cr.DataError, match="class_weights has nothing for class 1"):
        cr.Loss("softmax_cross_entropy", class_weights={0: 1, 2: 3})
    with pytest.raises(cr.DataError, match="class weights are numbers, not 'balanced'"):
        cr.Loss("softmax_cross_entropy", class_weights="balanced")  # type: ignore[arg-type]  # as elsewhere


@pytest.mark.parametrize(
    ("last", "loss", "message"),
    [
        (cr.Dense(3, "sigmoid"), "cross_entropy", "ends in sigmoid, does not suit cross_entropy"),
        (cr.Dense(1, "softmax"), "cross_entropy", "needs a number for each of several classes"),
        (cr.Dense(1), "softmax_cross_entropy", "needs a number for each of several classes"),
        (cr.Dense(2), "poisson", "ends in add, does not suit poisson"),
    ],
)
def test_outputs_that_a_loss_cannot_take_are_refused_at_building(
    last: cr.Layer, loss: str, message: str
) -> None:
    with pytest.raises(cr.ChainruleError, match=message):
        cr.Network([last], loss=loss)
