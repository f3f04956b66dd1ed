"""A network asked again and again: whatever changes between two calls is seen."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import chainrule as cr

DRAW = np.random.default_rng(5)
X = DRAW.normal(size=(70, 12))
y = (X[:, 0] > 0).astype(int)


def trained(width: int = 10, **options: Any) -> cr.Network:
    net = cr.Network([cr.Dense(width, "tanh"), cr.Dense(2)], loss="softmax_cross_entropy", **options)
    net.fit(X, y, epochs=1)
    return net


def by_hand(net: cr.Network, rows: Any) -> Any:
    p = {name: array.astype(float) for name, array in net.parameters.items()}
    Z = np.tanh(rows @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
    P = np.exp(Z - Z.max(axis=1, keepdims=True))
    return P / P.sum(axis=1, keepdims=True)


def halve(net: cr.Network) -> None:
    net.arrays["W1"][...] /= 2


def change_what_was_taken_before(net: cr.Network) -> None:
    W = net.parameters["W2"]
    net.predict(X)
    W[:, 0] += 1


def replace(net: cr.Network) -> None:
    net.arrays["W1"] = np.asfortranarray(net.arrays["W1"] * 3)


def replace_and_change(net: cr.Network) -> None:
    own = np.ones_like(net.arrays["b1"])
    net.arrays["b1"] = own
    net.predict(X)
    own -= 3


def go_on(net: cr.Network) -> None:
    net.fit(X, y, epochs=2)


@pytest.mark.parametrize("width", [10, 16, 256])
@pytest.mark.parametrize("change", [halve, change_what_was_taken_before, replace, replace_and_change, go_on])
def test_changed_parameters_are_seen(change: Callable[[cr.Network], None], width: int) -> None:
    net = trained(width)
    before = net.predict_proba(X)
    assert_allclose(before, by_hand(net, X), atol=1e-6)
    change(net)
    after = net.predict_proba(X)
    assert not np.allclose(before, after, atol=1e-3)
    assert_allclose(after, by_hand(net, X), atol=2e-6)


@pytest.mark.parametrize(
    "given",
    [
        X[:1], X[::3], X.astype(np.float32), X.astype(np.float32)[:, ::-1][:, ::-1],
        np.asfortranarray(X.astype(np.float32)), X.tolist(),
        X.astype(np.float32)[3:4],
    ],
    ids=["row", "strides", "float32", "reversed twice", "Fortran", "lists", "one"],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_in_any_form(given: Any, dtype: Any) -> None:
    net = trained(dtype=dtype)
    for rows in (X, given, X):
        found = net.predict_proba(rows)
        assert found.dtype == dtype
        assert_allclose(found, by_hand(net, np.asarray(rows, float)), atol=1e-6)


def test_rows_changed_in_place_are_seen_and_results_stay() -> None:
    net, rows = trained(16), np.ascontiguousarray(np.tile(X.astype(np.float32), 4)[:, :12])
    first = net.predict_proba(rows)
    kept = first.copy()
    rows *= -1
    assert_allclose(net.predict_proba(rows), by_hand(net, rows), atol=1e-6)
    assert_array_equal(first, kept)


def test_a_wrong_width_is_refused_after_right_ones() -> None:
    net = trained()
    net.predict(X)
    with pytest.raises(cr.ShapeError, match=r"the network's d is 12"):
        net.predict(X[:, :5])
    with pytest.raises(cr.DataError, match="row 3, column 2"):
        net.predict(np.where((np.arange(70)[:, None] == 3) & (np.arange(12) == 2), np.nan, X))


def test_class_numbers_are_looked_at_each_time() -> None:
    net = cr.Network([cr.Embedding(5, 3), cr.Dense(2)], loss="softmax_cross_entropy")
    net.fit(np.array([0, 1, 2, 4]), np.array([0, 1, 1, 0]), epochs=1)
    net.predict(np.array([0, 1]))
    with pytest.raises(cr.DataError):
        net.predict(np.array([0, 5]))


def test_a_copy_goes_its_own_way() -> None:
    net = trained()
    before = net.predict_proba(X)
    other = copy.deepcopy(net)
    halve(other)
    other.fit(X, y, epochs=1)
    assert_array_equal(net.predict_proba(X), before)
    assert not np.allclose(other.predict_proba(X), before, atol=1e-4)


@pytest.mark.parametrize("ask", [lambda net, rows: net.predict(rows), lambda net, rows: net.fit(rows, y)])
def test_masked_elements_are_refused(ask: Callable[[cr.Network, Any], Any]) -> None:
    with pytest.raises(cr.DataError, match="X has masked elements"):
        ask(trained(), np.ma.masked_less(X, -1))
