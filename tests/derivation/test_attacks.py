"""Documents that once were judged wrongly, crashed, or were passed over."""

from __future__ import annotations

import pytest

from chainrule.derivation import judge
from chainrule.derivation.check import check
from chainrule.errors import KindError

HEAD = """sizes d, q
data x : (d), y : (q)
parameter W : (q, d), b : (q)
o = W x + b
J = 1/2 sum((o - y)^2)
"""
PROBABILITIES = """sizes m, d, k
data X : (m, d), Y : (m, k)
parameter W : (d, k)
Z = X W
"""


def verdicts(text: str) -> list[str]:
    """Return the verdicts of the claims in words."""
    return [str(claim.verdict) for claim in check(text).claims]


@pytest.mark.parametrize("first", ["o = x W", "o = Q x", "o = W x  : (d)"])
def test_a_line_that_makes_no_sense_may_be_corrected_below(first: str) -> None:
    text = HEAD.replace("o = W x + b", f"{first}\no = W x + b") + "do = o - y\n"
    assert verdicts(text) == ["unread", "right"]


def test_a_claim_may_not_rest_on_itself() -> None:
    assert verdicts(HEAD + "do = do; dW = dW; do = db; db = do\n") == ["wrong"] * 4
    assert verdicts(HEAD + "do = o - y; db = do; do = db; do = do\n") == ["right"] * 4
    assert verdicts(HEAD + "db = do\n") == ["right"]


@pytest.mark.parametrize(
    "line", ["dJdW = do x^T", "dJ_db = o", "dw = do x^T", "DW = do x^T", "dV = o", "d_W = o"]
)
def test_what_seems_to_be_a_gradient_is_not_taken_for_a_name_of_ones_own(line: str) -> None:
    assert verdicts(HEAD + line + "\n") == ["unread"]


def test_names_of_ones_own_may_begin_with_d() -> None:
    text = HEAD.replace("(o - y)^2", "diff^2").replace("J =", "diff = o - y\nJ =")
    assert verdicts(text + "dist = o + y\ndo = diff\n") == ["right"]


@pytest.mark.parametrize(
    "softmax",
    [
        "P = softmax(Z)",
        "E = exp(Z)\nP = E / sum(E, axis=1, keepdims=true)",
    ],
)
@pytest.mark.parametrize("loss", ["-1/m sum(Y .* log(P))", "1/m sum(Y .* (log(Y) - log(P)))"])
def test_softmax_may_be_written_out(softmax: str, loss: str) -> None:
    assert verdicts(f"{PROBABILITIES}{softmax}\nJ = {loss}\ndZ = 1/m (P - Y)\n") == ["right"]


@pytest.mark.parametrize(
    "loss",
    [
        "1/m sum(Y .* log(A) + (1-Y) .* log(1-A))",
        "-1/m sum(Y .* log(A) - (1-Y) .* log(1-A))",
        "-1/m sum(Y .* log(A) + (1-Y) .* log(A))",
        "-1/m sum(Y .* log(A) + (1-Y) .* (1 - log(A)))",
        "1/m sum(Y .* log(A) + (1-Y) .* log(1-A)) + sum(W^2)",
    ],
)
def test_a_loss_that_is_nearly_the_cross_entropy_is_wrong(loss: str) -> None:
    (claim,) = check(f"{PROBABILITIES}A = sigmoid(Z)\nJ = {loss}\n").claims
    assert (str(claim.verdict), claim.mistakes[0].kind) == ("wrong", "loss")


def test_a_likelihood_may_be_maximized() -> None:
    text = f"We maximize it:\n{PROBABILITIES}A = sigmoid(Z)\nJ = sum(Y .* log(A) + (1-Y) .* log(1-A))\n"
    assert verdicts(text + "dZ = Y - A\n") == ["right"]


def test_functions_of_a_logarithm_are_taken_between_0_and_1() -> None:
    text = f"function f(z)\n{PROBABILITIES}A = f(Z)\nJ = -1/m sum(Y .* log(A) + (1-Y) .* log(1-A))\n"
    report = check(text + "dZ = dA .* f'(Z)\ndZ = 1/m (A - Y)\n")
    assert [str(claim.verdict) for claim in report.claims] == ["right", "right only if"]
    assert report.claims[1].message == "right only if f is sigmoid."


def test_a_condition_names_what_matters_alone() -> None:
    text = """sizes n, k, d
data x : (d), y : (k)
parameter W : (n, d), V : (k, n)
function f(z), g(z), l(a, y)
u = W x
v = f(u)
w = V v
a = g(w)
L = l(a, y)
du = dv .* (1 - v^2)
du = dv .* v .* (1 - v)
da = a - y
"""
    assert [claim.message for claim in check(text).claims] == [
        "right only if f is tanh.",
        "right only if f is sigmoid.",
        "right only if l is half the sum of squares.",
    ]


def test_a_given_line_with_two_readings_is_ambiguous() -> None:
    assert verdicts(HEAD.replace("1/2 sum", "1/2d sum") + "db = do\n") == ["ambiguous", "right"]


@pytest.mark.parametrize("star", ["W^T do * x", "W^T * do * x", "W^T do .* x", "(W^T do) * (x * x) / x"])
def test_a_star_beside_a_matrix_product_is_read_by_its_shapes(star: str) -> None:
    text = HEAD.replace("o = W x + b", "u = x .* x\no = W u + b").replace("J =", "J = ")
    assert verdicts(f"{text}dx = 2 ({star})\n") == ["right"]


def test_quotients_are_gradients_on_both_sides() -> None:
    assert verdicts(HEAD + "dJ/dW = dJ/do x^T\n") == ["right"]
    assert verdicts(HEAD + "dJ/dW = dJ/do do/dW\n") == ["unread"]


def test_no_correction_uses_what_follows_from_the_claim() -> None:
    (claim,) = check(HEAD + "do = do x^T\n").claims
    assert not any("db" in s.equation or s.equation == "do = do" for s in claim.suggestions)


def test_an_update_may_be_written_as_an_equation() -> None:
    assert verdicts(HEAD + "W := W - 0.1 dW\nW = W + 0.1 dW\n") == ["wrong"]


def test_a_stated_shape_is_checked() -> None:
    assert verdicts(HEAD + "do = o - y : (q)\ndo = o - y : (d, d)\n") == ["right", "wrong"]


def test_a_row_is_not_right_for_an_output_of_size_1() -> None:
    assert verdicts(HEAD + "dW = x do^T\n") == ["wrong"]


def test_a_value_that_vanishes_is_not_judged() -> None:
    text = "sizes n\ndata w : (n)\nparameter v : (n)\nJ = (1/99 wᵀ v)^999\ndv = 0 v\n"
    assert verdicts(text) == ["unread"]


def test_many_wrong_lines_take_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "_MOST_TRIALS", 200)
    report = check(HEAD + "do = x + 1/2 y + o^3\n" * 9)
    assert {str(claim.verdict) for claim in report.claims} == {"wrong"}
    assert "no further corrections" in report.claims[-1].fix


@pytest.mark.parametrize("document", [None, 3, b"dW = X", []])
def test_what_is_neither_path_nor_text_is_refused(document: object) -> None:
    with pytest.raises(KindError, match="a derivation is a path or text"):
        check(document)  # type: ignore[arg-type]  # what a user may pass


@pytest.mark.parametrize("line", [",", "a,", ", , ,", "a = 1, ,", "= 1", "a", "a =", "= ,"])
def test_scraps_of_equations_are_refused_or_left_alone(line: str) -> None:
    for text in (HEAD + line + "\n", f"```\n{HEAD}{line}\n```\n"):
        assert check(text + "db = do\n")["db"]
