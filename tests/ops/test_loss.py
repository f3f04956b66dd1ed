"""Losses: targets of both kinds, numbers without end, and gradients as printed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special
from sklearn import metrics

import chainrule as cr
from chainrule.errors import DataError, ShapeError

_RNG = np.random.default_rng(7)
_LOGITS = _RNG.normal(size=(5, 3)) * 3
_CLASSES = np.array([0, 2, 1, 1, 0])
_ROWS = _RNG.dirichlet([1, 1, 1], 5)


def losses(call: str, **arrays: Any) -> Any:
    """Return the loss of every example of A (m, 3) and y (m) or Y (m, 3)."""
    g = cr.parse(f"sizes m\nparameter A : (m, 3)\ndata Y : (m, 3), y : (m) index\nl = {call}\nJ = sum(l)")
    given = {"A": _LOGITS, "Y": _ROWS, "y": _CLASSES, **arrays}
    return g.run(**{name: given[name] for name in ("A", "Y", "y")})["l"]


@pytest.mark.parametrize("smoothing", [0, 0.1, 1])
def test_rows_and_class_numbers_have_the_cross_entropy_of_smoothed_targets(smoothing: float) -> None:
    surprise = -special.log_softmax(_LOGITS, axis=1)
    targets = {"y": np.eye(3)[_CLASSES], "Y": _ROWS}
    for name, rows in targets.items():
        smoothed = (1 - smoothing) * rows + smoothing / 3
        found = losses(f"softmax_cross_entropy(A, {name}, label_smoothing={smoothing})")
        assert_allclose(found, (smoothed * surprise).sum(axis=1), rtol=1e-13)


def test_a_row_with_a_single_one_is_a_class_number() -> None:
    probabilities = special.softmax(_LOGITS, axis=1)
    rows = np.eye(3)[_CLASSES]
    for op, a in (("cross_entropy", probabilities), ("softmax_cross_entropy", _LOGITS)):
        assert_allclose(losses(f"{op}(A, Y)", A=a, Y=rows), losses(f"{op}(A, y)", A=a), rtol=1e-13)
    assert_allclose(
        losses("cross_entropy(A, y)", A=probabilities).mean(), metrics.log_loss(_CLASSES, probabilities)
    )


def test_a_single_example_has_a_scalar_loss() -> None:
    g = cr.parse("parameter z : (3)\ndata y : () index\nJ = softmax_cross_entropy(z, y)").gradient("J")
    found = g.run(z=np.array([1.0, 2.0, 3.0]), y=1)
    assert_allclose(found["J"], np.log(np.exp([1, 2, 3]).sum()) - 2)
    assert_allclose(found["dz"], special.softmax([1, 2, 3]) - [0, 1, 0])


def test_what_cannot_happen_and_does_not_costs_nothing() -> None:
    a, y = np.array([[0, 0.25, 0.75]]), np.array([[0, 0.5, 0.5]])
    expected = -0.5 * np.log(0.25) - 0.5 * np.log(0.75)
    assert_allclose(losses("cross_entropy(A, Y)", A=a, Y=y, y=[1]), [expected])
    assert_allclose(losses("kullback_leibler(A, Y)", A=a, Y=y, y=[1]), [expected + np.log(0.5)])
    assert losses("cross_entropy(A, y)", A=a, Y=y, y=[0]) == np.inf


def test_losses_of_logits_stay_right_where_exponentials_overflow() -> None:
    z = np.array([1e300, -1e300, 1e300, -1e300])
    y = np.array([1.0, 0.0, 0.0, 1.0])
    for call in ("sigmoid_cross_entropy(z, y)", "focal(z, y)", "focal(z, y, gamma=0)"):
        g = cr.parse(f"sizes m\nparameter z : (m)\ndata y : (m)\nl = {call}\nJ = sum(l)").gradient("J")
        found = g.run(z=z, y=y)
        assert_array_equal(found["l"], [0, 0, 1e300, 1e300])
        assert np.isfinite(found["dz"]).all()
    found = losses("softmax_cross_entropy(A, Y)", A=np.array([[1e300, -1e300, 0]]), Y=np.eye(3)[:1], y=[0])
    assert_array_equal(found, [0])


def test_focal_loss_without_focus_is_the_cross_entropy() -> None:
    g = cr.parse("sizes m\ndata z : (m), y : (m)\nd = focal(z, y, gamma=0) − sigmoid_cross_entropy(z, y)")
    assert_allclose(g.run(z=np.linspace(-30, 30, 61), y=np.arange(61) % 2)["d"], 0, atol=1e-14)


def test_log_cosh_neither_cancels_nor_overflows() -> None:
    g = cr.parse("sizes m\ndata a : (m), y : (m)\nl = log_cosh(a, y)")
    a = np.array([1e-9, 1e-3, 0.999999999, 1.0, 1000.0, 1e300])
    expected = [
        5e-19,
        4.999999166666889e-07,
        np.log(np.cosh(0.999999999)),
        np.log(np.cosh(1)),
        1000 - np.log(2),
        1e300,
    ]
    assert_allclose(g.run(a=a, y=np.zeros(6))["l"], expected, rtol=1e-12)


def test_huber_is_quadratic_within_delta_and_straight_beyond() -> None:
    g = cr.parse("sizes m\nparameter a : (m)\ndata y : (m)\nl = huber(a, y, delta=2)\nJ = sum(l)").gradient(
        "J"
    )
    found = g.run(a=np.array([0.5, 2.0, -10.0, 1e300]), y=np.zeros(4))
    assert_array_equal(found["l"], [0.125, 2, 18, 2e300])
    assert_array_equal(found["da"], [0.5, 2, -2, 2])


def test_pinball_loss_agrees_with_scikit_learn() -> None:
    a, y = _LOGITS[:, 0], _LOGITS[:, 1]
    g = cr.parse("sizes m\ndata a : (m), y : (m)\nl = mean(quantile_error(a, y, quantile=0.8))")
    assert_allclose(g.run(a=a, y=y)["l"], metrics.mean_pinball_loss(y, a, alpha=0.8))


def test_hinge_loss_agrees_with_scikit_learn_and_names_its_targets() -> None:
    g = cr.parse("sizes m\nparameter a : (m)\ndata y : (m)\nJ = mean(hinge(a, y))")
    y = np.array([1.0, -1.0, 1.0, -1.0, 1.0])
    assert_allclose(g.run(a=_LOGITS[:, 0], y=y)["J"], metrics.hinge_loss(y, _LOGITS[:, 0]))
    with pytest.raises(DataError) as caught:
        g.run(a=_LOGITS[:, 0], y=(y + 1) / 2)
    assert "must lie in {-1, 1}" in str(caught.value)
    assert "encode the two classes as -1 and 1" in str(caught.value)


def test_cosine_distance_depends_on_directions_alone() -> None:
    big, small = np.full((1, 3), 1e300), np.full((1, 3), -1e-300)
    assert_allclose(losses("cosine_distance(A, Y)", A=big, Y=small, y=[0]), [2], rtol=1e-15)
    assert_allclose(
        losses("cosine_distance(A, Y)", A=np.eye(3), Y=np.eye(3)[[0, 2, 1]], y=[0] * 3), [0, 1, 1]
    )


def test_norms_of_one_and_two_have_signs_of_their_own() -> None:
    g = cr.parse("parameter W : (2, 3)\nJ = ‖W‖₁ + 1/2 ‖W‖²").gradient("J")
    found = g.run(W=np.array([[1.0, -2.0, 0.0], [0.5, 0.0, -3.0]]))
    assert found["J"] == 6.5 + (1 + 4 + 0.25 + 9) / 2
    assert_array_equal(found["dW"], [[2, -3, 0], [1.5, 0, -4]])
    assert "||W||_1" in g.text(ascii=True)
    assert r"\lVert W \rVert_{1}" in g.latex()


@pytest.mark.parametrize(
    ("call", "gradient"),
    [
        ("sigmoid_cross_entropy(A, Y)", "1/m (sigmoid(A) − Y)"),
        ("softmax_cross_entropy(A, Y)", "1/m (softmax(A) − Y)"),
        ("softmax_cross_entropy(A, y)", "1/m (softmax(A) − one_hot(y, k))"),
        (
            "softmax_cross_entropy(A, y, label_smoothing=0.1)",
            "1/m (softmax(A) − (0.9 one_hot(y, k) + 0.1/k))",
        ),
        ("cross_entropy(A, Y)", "−1/m Y / A"),
        ("kullback_leibler(A, Y)", "−1/m Y / A"),
        ("squared_error(A, Y)", "2/m (A − Y)"),
        ("absolute_error(A, Y)", "1/m sign(A − Y)"),
        ("huber(A, Y)", "1/m clip(A − Y, low=-1, high=1)"),
        ("log_cosh(A, Y)", "1/m tanh(A − Y)"),
        ("quantile_error(A, Y, quantile=0.9)", "1/m (1[A > Y] − 0.9)"),
        ("poisson(A, Y)", "1/m (1 − Y / A)"),
        ("hinge(A, Y)", "−1/m 1[A ⊙ Y < 1] ⊙ Y"),
    ],
)
def test_gradients_read_as_in_a_textbook(call: str, gradient: str) -> None:
    g = cr.parse(f"sizes m, k\nparameter A : (m, k)\ndata Y : (m, k), y : (m) index\nJ = 1/m sum({call})")
    assert f"dA = {gradient}" in g.gradient("J").text(shapes=False)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("huber(c, y)", r"prediction and target must have one shape.*\s.*\s.*reshape y to \(m, 1\)"),
        ("softmax_cross_entropy(A, c)", "one class number or k probabilities"),
        ("huber(c, c, delta=0)", r"delta must lie in \(0, ∞\), not be 0"),
        ("quantile_error(c, c, quantile=1)", r"quantile must lie in \(0, 1\), not be 1"),
        ("focal(c, c, gamma=-1)", "gamma must lie in"),
        ("softmax_cross_entropy(A, A, label_smoothing=2)", r"label_smoothing must lie in \[0, 1\], not be 2"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_remedy(call: str, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        cr.parse(f"sizes m, k\nparameter A : (m, k), c : (m, 1), y : (m)\nJ = sum({call})")
