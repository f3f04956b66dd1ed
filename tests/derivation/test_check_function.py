from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.derivation.code.check import check_function
from chainrule.derivation.verdict import Verdict
from chainrule.errors import DataError, KindError, UnknownNameError

EXAMPLES = Path(__file__).parents[2] / "examples"
ROWS = EXAMPLES / "two_layer.eqn"
COLUMNS = EXAMPLES / "columns.eqn"
SOFTMAX = """
sizes      m, d, h, k
data       X : (m, d), Y : (m, k)
parameter  W1 : (d, h), b1 : (h), W2 : (h, k), b2 : (k)

Z1 = X W1 + b1
A1 = tanh(Z1)
Z2 = A1 W2 + b2
P  = softmax(Z2)
J  = 1/m sum(cross_entropy(P, Y))
"""
NUMPY = """
import numpy as np

def backward(X, Y, W1, b1, W2, b2, lambda_):
    m = len(X)
    Z1 = X @ W1 + b1
    A1 = np.maximum(Z1, 0)
    Z2 = A1 @ W2 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    dZ2 = (A2 - Y) / m
    dW2 = A1.T @ dZ2 + lambda_ * W2
    db2 = dZ2.sum(axis=0)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (Z1 > 0)
    dW1 = X.T @ dZ1 + lambda_ * W1
    db1 = dZ1.sum(axis=0)
    return RETURNED
"""
EVERYTHING = "Z1 A1 A2 dZ2 dW2 db2 dA1 dZ1 dW1 db1"
PARAMETERS = "dW2 db2 dW1 db1"
Function = Callable[..., Any]
RIGHT, WRONG, INHERITED, CONDITIONAL = (
    Verdict.RIGHT, Verdict.WRONG, Verdict.INHERITED, Verdict.CONDITIONAL,
)  # fmt: skip


def homework(folder: Path, returned: str, *changes: tuple[str, str]) -> Function:
    """Return the function of NUMPY with lines changed, from a file as a student has one."""
    text = NUMPY.replace("RETURNED", f"{{{', '.join(f'{n!r}: {n}' for n in returned.split())}}}")
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    file = folder / "homework.py"
    file.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("homework", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.backward


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def in_columns(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    A2 = sigmoid(W2 @ A1 + b2)
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T @ dZ2 * (1 - A1**2)
    cache = {"Z1": Z1, "A1": A1, "A2": A2, "W1": W1}
    sums = {"db1": dZ1.sum(axis=1, keepdims=True), "db2": dZ2.sum(axis=1, keepdims=True)}
    return cache, {"dZ1": dZ1, "dW1": dZ1 @ X.T, "dW2": dZ2 @ A1.T, **sums}


def with_softmax(X: Any, Y: Any, params: Any) -> Any:
    m = len(X)
    A1 = np.tanh(X @ params["W1"] + params["b1"])
    Z2 = A1 @ params["W2"] + params["b2"]
    P = np.exp(Z2 - Z2.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    dZ2 = (P * Y.sum(axis=1, keepdims=True) - Y) / m
    dZ1 = dZ2 @ params["W2"].T * (1 - A1 * A1)
    return {"P": P, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": A1.T @ dZ2, "db2": dZ2.sum(0)}


BATCH_NORM = cr.Network(
    [cr.Dense(6, "relu"), cr.BatchNorm(), cr.Dense(3)],
    loss="softmax_cross_entropy",
    inputs=4,
    weight_decay=0.1,
)
PARAMETERS_OF_BATCH_NORM = ("W1", "b1", "gamma1", "beta1", "W2", "b2")


def with_batch_norm(X: Any, y: Any, params: Any, lam: float, mistake: str = "") -> Any:
    W1, b1, gamma1, beta1, W2, b2 = (params[name] for name in PARAMETERS_OF_BATCH_NORM)
    m = len(X)
    Z1 = X @ W1 + b1
    A1 = np.maximum(Z1, 0)
    std1 = np.sqrt(A1.var(axis=0) + 1e-5)
    Xhat1 = (A1 - A1.mean(axis=0)) / std1
    N1 = gamma1 * Xhat1 + beta1
    Z2 = N1 @ W2 + b2
    P = np.exp(Z2)
    P /= P.sum(axis=1, keepdims=True)
    dZ2 = P.copy()
    dZ2[np.arange(m), y] -= 1
    dZ2 /= m
    dN1 = dZ2 @ W2.T
    dXhat1 = dN1 * gamma1
    dA1 = (dXhat1 - dXhat1.mean(axis=0) - Xhat1 * (dXhat1 * Xhat1).mean(axis=0)) / std1
    if mistake == "statistics are constants":
        dA1 = dXhat1 / std1
    dZ1 = dA1 * (Z1 > 0)
    if mistake == "transpose":
        dZ1 @ W1
    return {
        "P": P, "dZ2": dZ2, "dW2": N1.T @ dZ2 + lam * W2, "db2": dZ2.sum(0), "dgamma1": (dN1 * Xhat1).sum(0),
        "dbeta1": dN1.sum(0), "dW1": X.T @ dZ1 + lam * W1, "db1": dZ1.sum(0),
    }  # fmt: skip


DROPOUT = cr.Network(
    [cr.Dense(6, "tanh"), cr.Dropout(0.2), cr.Dense(6, "tanh"), cr.Dense(1, "sigmoid")],
    loss="binary_cross_entropy",
    inputs=5,
)


def with_dropout(X: Any, Y: Any, params: Any, M1: Any, mistake: str = "") -> Any:
    A1 = np.tanh(X @ params["W1"] + params["b1"])
    D1 = A1 * M1 / 0.8
    A2 = np.tanh(D1 @ params["W2"] + params["b2"])
    A3 = sigmoid(A2 @ params["W3"] + params["b3"])
    dZ3 = (A3 - Y) / len(X)
    dA2 = dZ3 @ params["W3"].T
    dZ2 = dA2 * (1 - (A1 if mistake == "layer" else A2) ** 2)
    dD1 = dZ2 @ (params["W2"] if mistake == "square" else params["W2"].T)
    dA1 = dD1 * (1 if mistake == "mask" else M1) / (1 if mistake == "scaling" else 0.8)
    dZ1 = dA1 * (1 - A1**2)
    gradients = {"dZ1": dZ1, "dA1": dA1, "dD1": dD1, "dZ2": dZ2, "dA2": dA2}
    gradients |= {"dW3": A2.T @ dZ3, "db3": dZ3.sum(0), "dW2": D1.T @ dZ2, "db2": dZ2.sum(0)}
    return {**gradients, "dW1": X.T @ dZ1, "db1": dZ1.sum(0)}


def mistaken(function: Function, mistake: str) -> Function:
    """Return a function with a default of its own, which `check_function` leaves alone."""
    if function is with_batch_norm:
        return lambda X, y, params, lam: with_batch_norm(X, y, params, lam, mistake)
    return lambda X, Y, params, M1: with_dropout(X, Y, params, M1, mistake)


@pytest.mark.parametrize("returned", [EVERYTHING, PARAMETERS])
def test_a_right_function_passes(tmp_path: Path, returned: str) -> None:
    report = check_function(homework(tmp_path, returned), ROWS)
    assert report.ok and report
    assert len(report) == len(returned.split())
    assert not report.notes


@pytest.mark.parametrize(
    ("function", "network"),
    [
        (in_columns, COLUMNS),
        (with_softmax, SOFTMAX),
        (with_batch_norm, BATCH_NORM),
        (with_dropout, DROPOUT),
    ],
)
def test_right_functions_of_other_networks_pass(function: Function, network: Any) -> None:
    report = check_function(function, network)
    assert report.ok, str(report)


MISTAKES = [
    ("dA1 = dZ2 @ W2.T", "dA1 = (W2 @ dZ2.T).T * 2", "dA1", "factor"),
    ("dZ2 = (A2 - Y) / m", "dZ2 = A2 - Y", "dZ2", "factor"),
    ("dZ2 = (A2 - Y) / m", "dZ2 = (A2 - Y) / m / m", "dZ2", "factor"),
    ("dZ2 = (A2 - Y) / m", "dZ2 = (Y - A2) / m", "dZ2", "sign"),
    ("dZ2 = (A2 - Y) / m", "dZ2 = (A2 - Y) * A2 * (1 - A2) / m", "dZ2", "f' extra"),
    ("dW2 = A1.T @ dZ2 + lambda_ * W2", "dW2 = A1.T @ dZ2", "dW2", "term missing"),
    ("dW1 = X.T @ dZ1 + lambda_ * W1", "dW1 = X.T @ dZ1 + 2 * lambda_ * W1", "dW1", "factor"),
    ("dW1 = X.T @ dZ1 + lambda_ * W1", "dW1 = X.T @ dZ1 - lambda_ * W1", "dW1", "sign"),
    ("dW1 = X.T @ dZ1 + lambda_ * W1", "dW1 = X.T @ dZ1 / m + lambda_ * W1", "dW1", "factor"),
    ("dW1 = X.T @ dZ1 + lambda_ * W1", "dW1 = X.T @ dA1 + lambda_ * W1", "dW1", "f' missing"),
    ("db1 = dZ1.sum(axis=0)", "db1 = dZ1", "db1", "sum over the examples missing"),
    ("db1 = dZ1.sum(axis=0)", "db1 = dZ1.mean(axis=0)", "db1", "factor"),
    ("db1 = dZ1.sum(axis=0)", "db1 = dZ1.sum(axis=1)", "db1", "sum over another axis"),
    ("db1 = dZ1.sum(axis=0)", "db1 = dZ1.sum()", "db1", "sum over another axis"),
    ("db2 = dZ2.sum(axis=0)", "db2 = -dZ2.sum(axis=0)", "db2", "sign"),
    ("dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1", "dZ1", "f' missing"),
    ("dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 * A1", "dZ1", "f for f'"),
    ("dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 * (1 - A1**2)", "dZ1", "f' of another function"),
    ("dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 / np.cosh(Z1) ** 2", "dZ1", "f' of another function"),
    ("    dA1 = dZ2", "    W2 = W2 - 0.1 * dW2\n    dA1 = dZ2", "dA1", "updated too early"),
    ("Z1 = X @ W1 + b1", "Z1 = X @ W1", "Z1", "term missing"),
    ("A2 = 1 / (1 + np.exp(-Z2))", "A2 = np.tanh(Z2)", "A2", "another function"),
]  # fmt: skip
FIRST_TO_LAST = {
    "Z1": {"A1", "A2", "dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1"},
    "A2": {"dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1"},
    "dZ2": {"dW2", "db2", "dA1", "dZ1", "dW1", "db1"},
    "dA1": {"dZ1", "dW1", "db1"},
    "dZ1": {"dW1", "db1"},
}


@pytest.mark.parametrize(("old", "new", "name", "kind"), MISTAKES)
def test_a_mistake_is_named_where_it_is_made(
    tmp_path: Path, old: str, new: str, name: str, kind: str
) -> None:
    report = check_function(homework(tmp_path, EVERYTHING, (old, new)), ROWS)
    assert not report.ok
    assert {f.name for f in report if f.verdict is WRONG} == {name}
    assert kind in [mistake.kind for mistake in report[name].mistakes], str(report)
    inherited = {f.name for f in report if f.verdict is INHERITED}
    assert inherited == FIRST_TO_LAST.get(name, set())


@pytest.mark.parametrize(
    ("old", "new", "name", "kind"), [row for row in MISTAKES[1:] if row[2] in FIRST_TO_LAST]
)
def test_a_mistake_inside_is_named_from_the_gradients_alone(
    tmp_path: Path, old: str, new: str, name: str, kind: str
) -> None:
    report = check_function(homework(tmp_path, PARAMETERS, (old, new)), ROWS)
    (found,) = [finding for finding in report if finding.verdict is WRONG]
    assert (found.name, found.is_returned, found.mistakes[0].kind) == (name, False, kind), str(report)
    inherited = {f.name for f in report if f.verdict is INHERITED}
    assert inherited == FIRST_TO_LAST[name] & set(PARAMETERS.split())


FAILING = [
    ("dA1 = dZ2 @ W2.T", "dA1 = dZ2 @ W2", "dA1", "transpose missing"),
    ("dA1 = dZ2 @ W2.T", "dA1 = W2.T @ dZ2", "dA1", "order of factors"),
    ("dA1 = dZ2 @ W2.T", "dA1 = dZ2 * W2.T", "dA1", "⊙ for a product"),
    ("dW1 = X.T @ dZ1 + lambda_ * W1", "dW1 = X @ dZ1 + lambda_ * W1", "dW1", "transpose missing"),
    ("dW1 = X.T @ dZ1 + lambda_ * W1", "dW1 = X * dZ1 + lambda_ * W1", "dW1", "⊙ for a product"),
    ("dW2 = A1.T @ dZ2 + lambda_ * W2", "dW2 = dZ2.T @ A1 + lambda_ * W2", "dW2", "order of factors"),
    ("dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 * (Z2 > 0)", "dZ1", "f' of another layer"),
    ("dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 @ (Z1 > 0)", "dZ1", "product for ⊙"),
]


@pytest.mark.parametrize(("old", "new", "name", "kind"), FAILING)
def test_a_function_that_fails_is_judged_where_all_sizes_are_equal(
    tmp_path: Path, old: str, new: str, name: str, kind: str
) -> None:
    report = check_function(homework(tmp_path, EVERYTHING, (old, new)), ROWS)
    assert report.is_square and not report.ok
    assert report.failure is not None
    assert report.failure.line == new
    (found,) = [finding for finding in report if finding.verdict is WRONG]
    assert found.name == name
    assert kind in [mistake.kind for mistake in found.mistakes], str(report)


def test_an_exception_is_reported_with_its_line_and_shapes(tmp_path: Path) -> None:
    report = check_function(homework(tmp_path, EVERYTHING, ("dA1 = dZ2 @ W2.T", "dA1 = dZ2 @ W2")), ROWS)
    failure = report.failure
    assert failure is not None
    assert (failure.kind, failure.place) == ("ValueError", "homework.py:13")
    sizes = failure.sizes
    assert failure.shapes == {"W2": (sizes["h"], sizes["k"]), "dZ2": (sizes["m"], sizes["k"])}
    assert len(set(sizes.values())) == 4
    assert "homework.py:13" in str(report) and "Where all sizes are equal it runs" in str(report)


def test_a_function_that_always_fails_has_no_findings(tmp_path: Path) -> None:
    report = check_function(homework(tmp_path, EVERYTHING, ("m = len(X)", "m = len(X) / 0")), ROWS)
    assert report.failure is not None and report.failure.kind == "ZeroDivisionError"
    assert not report.ok and not report.is_square and len(report) == 0


def test_a_networks_own_sizes_are_made_equal_too() -> None:
    report = check_function(mistaken(with_batch_norm, "transpose"), BATCH_NORM)
    assert report.failure is not None and report.is_square
    assert all(finding.verdict is RIGHT for finding in report)


@pytest.mark.parametrize(
    ("function", "network", "mistake", "name", "kind"),
    [
        (with_dropout, DROPOUT, "mask", "dA1", "mask missing"),
        (with_dropout, DROPOUT, "scaling", "dA1", "1/(1−p) missing"),
        (with_dropout, DROPOUT, "layer", "dZ2", "f' of another layer"),
        (with_dropout, DROPOUT, "square", "dD1", "transpose missing"),
        (with_batch_norm, BATCH_NORM, "statistics are constants", "dA1", "term missing"),
    ],
)
def test_mistakes_in_networks_of_layers(
    function: Function, network: Any, mistake: str, name: str, kind: str
) -> None:
    report = check_function(mistaken(function, mistake), network)
    (found,) = [finding for finding in report if finding.verdict is WRONG]
    assert (found.name, found.mistakes[0].kind) == (name, kind), str(report)
    assert report.failure is None


def test_a_missing_transpose_names_the_matrix_and_shows_both_equations(tmp_path: Path) -> None:
    report = check_function(homework(tmp_path, EVERYTHING, ("dA1 = dZ2 @ W2.T", "dA1 = dZ2 @ W2")), ROWS)
    found = report["dA1"]
    assert found.mistakes[0].text == "the transpose of W2 is missing"
    assert (found.computes, found.rule) == ("dA1 = dZ2 W2", "dA1 = dZ2 W2ᵀ")


def test_the_worst_element_is_that_of_the_arrays(tmp_path: Path) -> None:
    report = check_function(homework(tmp_path, EVERYTHING, ("db2 = dZ2", "db2 = -dZ2")), ROWS)
    element = report["db2"].element
    assert element is not None
    assert element.found == pytest.approx(-element.true, rel=1e-12)
    assert f"{element.true:.9g}" in str(report)


def test_an_axis_of_size_1_is_a_condition(tmp_path: Path) -> None:
    change = ("db1 = dZ1.sum(axis=0)", "db1 = dZ1.sum(axis=0, keepdims=True)")
    found = check_function(homework(tmp_path, EVERYTHING, change), ROWS)["db1"]
    assert found.verdict is CONDITIONAL
    assert found.message == "right only if (1, h) is read as (h)"


def test_a_small_constant_is_a_condition(tmp_path: Path) -> None:
    change = ("dA1 = dZ2 @ W2.T", "dA1 = dZ2 @ W2.T * (1 + 1e-6)")
    found = check_function(homework(tmp_path, EVERYTHING, change), ROWS)["dA1"]
    assert found.verdict is CONDITIONAL and "six digits" in found.message


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_results_in_lower_precision_are_compared_as_such(tmp_path: Path, dtype: str) -> None:
    line = "db1 = dZ1.sum(axis=0)"
    rounded = homework(tmp_path, EVERYTHING, (line, f"{line}.astype('{dtype}')"))
    assert check_function(rounded, ROWS)["db1"].verdict is RIGHT
    wrong = homework(tmp_path, EVERYTHING, (line, f"db1 = (1.5 * dZ1.sum(axis=0)).astype('{dtype}')"))
    assert check_function(wrong, ROWS)["db1"].verdict is WRONG
    hidden = homework(tmp_path, EVERYTHING, (line, f"{line}.astype('float16').astype(float)"))
    assert check_function(hidden, ROWS)["db1"].verdict is WRONG


def test_arrays_changed_in_place_cannot_spoil_the_truth(tmp_path: Path) -> None:
    change = ("    dA1 = dZ2", "    W2 -= 0.1 * dW2\n    dA1 = dZ2")
    function = homework(tmp_path, EVERYTHING, change)
    report = check_function(function, ROWS)
    assert report.notes == ("W2 is changed in place: the caller's own array would be lost",)
    assert report["dA1"].verdict is WRONG
    assert [mistake.kind for mistake in report["dA1"].mistakes] == ["updated too early"]
    assert report["dW2"].verdict is RIGHT
    assert str(check_function(function, ROWS)) == str(report)


def test_a_change_in_place_before_use_is_seen_in_a_cache_too() -> None:
    def backward(cache: Any, dZ2: Any, params: Any) -> Any:
        cache["A1"] *= 3
        return {"dW2": cache["A1"].T @ dZ2, "db2": dZ2.sum(0)}

    report = check_function(backward, ROWS.read_text().replace("J  = L + s", "J  = L"))
    assert report.notes == ("A1 is changed in place: the caller's own array would be lost",)
    assert report["dW2"].mistakes[0].text == "A1 is changed in place before it is used for dW2"


def test_random_results_are_noted() -> None:
    generator = np.random.default_rng(0)
    report = check_function(lambda Z1: {"dZ1": generator.random(Z1.shape)}, ROWS)
    assert report.notes == (
        "two calls with the same arrays differ: it draws random numbers or keeps a state",
    )
    assert (report["dZ1"].verdict, report["dZ1"].mistakes) == (WRONG, ())


def test_gradients_of_parameters_are_required(tmp_path: Path) -> None:
    report = check_function(homework(tmp_path, "dW1 db1 dW2"), ROWS)
    assert report.missing == ("db2",) and not report.ok
    assert all(finding.holds for finding in report)
    assert "1 missing (db2)" in report.summary


def test_a_backward_pass_alone_gets_what_it_names() -> None:
    def backward(dZ2: Any, cache: Any, m: int, *rest: Any, alpha: float = 0.1, **values: Any) -> Any:
        assert m == len(dZ2) and not rest and alpha == 0.1
        assert "dZ2" not in cache and "Z1" in cache and "lambda_" in cache
        assert cache["lambda"] == cache["λ"] == values["λ"] == values["lambda"]
        assert cache.get("Z9") is None
        dZ1 = dZ2 @ cache["W2"].T * (values["Z1"] > 0)
        weights = {
            "dW2": cache["A1"].T @ dZ2 + cache["λ"] * cache["W2"],
            "dW1": cache["X"].T @ dZ1 + cache["λ"] * cache["W1"],
        }
        return {"weights": weights, "biases": {"db1": list(dZ1.sum(0)), "db2": dZ2.sum(0)}}

    assert check_function(backward, ROWS).ok


def test_what_is_given_is_not_suspected() -> None:
    report = check_function(lambda dZ1, X: {"db1": dZ1.sum(0), "dW1": X.T @ dZ1}, ROWS)
    assert (report["db1"].verdict, report["dW1"].verdict) == (RIGHT, WRONG)
    assert report["dW1"].mistakes[0].kind == "term missing"


@pytest.mark.parametrize(
    ("returned", "name", "words"),
    [
        ({"dW1": None}, "dW1", "NoneType"),
        ({"dW1": "text"}, "dW1", "str"),
        ({"dW1": [[1], [1, 2]]}, "dW1", "list"),
        ({"dW1": np.array([None])}, "dW1", "object"),
        ({"dW1": np.ones(3) * 1j}, "dW1", "complex"),
        ({"dW3": 1.0}, "dW3", "Did you mean dW2?"),
        ({"grad": 1.0}, "grad", "nothing called grad"),
        ({"W1": np.ones(3)}, "W1", "not the W1 that was given"),
    ],
)
def test_what_cannot_be_read_is_unread_with_a_reason(returned: Any, name: str, words: str) -> None:
    report = check_function(lambda X: returned, ROWS)
    assert report[name].verdict is Verdict.UNREAD and not report.ok
    assert words in report[name].message


def test_a_gradient_under_its_parameters_name_is_told_to_be_one() -> None:
    report = check_function(lambda dW1, X: {"W1": dW1, "X": X}, ROWS)
    assert report["W1"].message == "it is the gradient dW1, so call it dW1"
    assert len(report) == 1


def test_numbers_that_are_not_finite_are_wrong_and_what_follows_inherits(tmp_path: Path) -> None:
    change = ("dA1 = dZ2 @ W2.T", "dA1 = dZ2 @ W2.T * np.nan")
    report = check_function(homework(tmp_path, EVERYTHING, change), ROWS)
    assert report["dA1"].verdict is WRONG and "not finite" in report["dA1"].message
    assert {f.name for f in report if f.verdict is INHERITED} == {"dZ1", "dW1", "db1"}
    assert json.loads(report.to_json())["ok"] is False


def test_a_name_that_comes_only_sometimes_is_unread() -> None:
    report = check_function(lambda X, m: {"dX": X} if m == 7 else {}, ROWS)
    assert report["dX"].message == "it is returned for some inputs, but not for others"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda X, Q: {}, "the parameter Q"),
        (lambda X: None, "returns None"),
        (lambda X: X, "returns an array"),
        (lambda X: (1.0, {"dW1": X}), "float among 2 values"),
        (lambda X: {1: X}, "the key 1"),
        (lambda X: ({"dW1": X}, {"dW1": -X}), "returns dW1 twice"),
    ],
)
def test_what_has_no_names_is_refused(function: Function, words: str) -> None:
    with pytest.raises(DataError, match=words):
        check_function(function, ROWS)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(KindError, match="a function is expected, not dict"):
        check_function({}, ROWS)  # type: ignore[arg-type]


def test_abstract_functions_are_refused() -> None:
    text = ROWS.read_text().replace("scalar     λ", "scalar     λ\nfunction φ(z)").replace("relu", "φ")
    with pytest.raises(DataError, match="φ can be any function"):
        check_function(lambda X: {}, text)


def test_without_hints_there_are_verdicts_alone(tmp_path: Path) -> None:
    function = homework(tmp_path, PARAMETERS, ("dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1"))
    report = check_function(function, ROWS, hints=False)
    assert {f.name for f in report if f.verdict is WRONG} == {"dW1", "db1"}
    assert not any(f.mistakes or f.computes for f in report)


def test_a_report_is_looked_up_by_name_and_written_as_json(tmp_path: Path) -> None:
    report = check_function(homework(tmp_path, EVERYTHING, ("db2 = dZ2", "db2 = -dZ2")), ROWS)
    with pytest.raises(UnknownNameError, match="dW9"):
        report["dW9"]
    data = json.loads(report.to_json())
    (found,) = [f for f in data["findings"] if f["name"] == "db2"]
    assert (data["schema"], data["ok"], data["counts"]["wrong"]) == (1, False, 1)
    assert (found["verdict"], found["mistakes"][0]["kind"]) == ("wrong", "sign")
    assert report.summary == "backward: 9 right, 1 wrong"


def test_nothing_said_can_steer_a_terminal() -> None:
    report = check_function(lambda X: {"dW1\x1b[31m": X}, ROWS)
    assert "\x1b" not in str(report)
