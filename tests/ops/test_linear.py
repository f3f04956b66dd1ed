"""Products of tensors and systems of equations: how gradients read, what is refused, what has no answer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule as cr
from chainrule.errors import ShapeError
from tests.support.errors import raises_exactly


def backward(text: str, *names: str) -> str:
    """Return the equations of the gradients of these names."""
    return cr.parse(text).gradient("J", names).text(section="backward", shapes=False)


def test_gradients_of_a_matrix_that_serves_every_example() -> None:
    text = backward("sizes m\ndata X : (m, 4, 3), C : (m, 4, 2)\nparameter W : (3, 2)\n"
                    "Z = X W\nJ = sum(C ⊙ Z)", "W", "X")  # fmt: skip
    assert text.splitlines()[1:] == ["dZ = C", "dX = dZ Wᵀ", "dW = tensordot(X, dZ, ((0, 1), (0, 1)))"]


def test_gradients_of_one_matrix_for_each_example() -> None:
    text = backward("sizes m\ndata X : (m, 4, 3), V : (m, 3, 2)\nZ = X V\nJ = ‖Z‖²", "X", "V")
    assert "dX = dZ permute_dims(V, (0, 2, 1))" in text
    assert "dV = permute_dims(X, (0, 2, 1)) dZ" in text


def test_gradients_of_a_contraction_are_contractions() -> None:
    text = backward("parameter A : (3, 4, 5), B : (4, 5, 2)\nZ = tensordot(A, B, 2)\nJ = ‖Z‖²", "A", "B")
    assert "dA = tensordot(dZ, B, ((1), (2)))" in text
    assert "dB = tensordot(A, dZ, ((0), (0)))" in text


def test_a_contraction_that_is_a_product_is_written_as_one() -> None:
    g = cr.parse("data A : (2, 3), B : (3, 4), u : (3), v : (4), s : ()")
    assert cr.tensordot(g["A"], g["B"], axes=1) is g["A"] @ g["B"]
    assert cr.tensordot(g["A"], g["B"], axes=((-1,), (0,))) is g["A"] @ g["B"]
    assert cr.tensordot(g["u"], g["v"], axes=0) is cr.outer(g["u"], g["v"])
    assert cr.tensordot(g["s"], g["v"], axes=0) is g["s"] * g["v"]


def test_one_contraction_has_one_spelling() -> None:
    g = cr.parse("data A : (2, 3, 4), B : (3, 4, 5)")
    both = cr.tensordot(g["A"], g["B"], axes=2)
    assert both.attributes["axes"] == 2
    assert cr.tensordot(g["A"], g["B"], axes=((2, 1), (1, 0))) is both
    assert cr.tensordot(2 * g["A"], g["B"], 2) is 2 * both


@pytest.mark.parametrize(
    ("left", "right", "why", "fix"),
    [
        ("T (m, 2, 3)", "U (k, 3, 4)", "the leading axes differ, (m) ≠ (k).",
         "give U the leading axes (m), or none where one matrix serves all of T."),
        ("A (m, 3)", "U (k, 3, 4)", "U is one matrix for each of (k), A is not.",
         "repeat A for each: expand(reshape(A, (1, m, 3)), (k, m, 3))."),
        ("T (m, 2, 3)", "U (m, 4, 3)", "the inner sizes differ, 3 ≠ 4.",
         "transpose U: permute_dims(U, (0, 2, 1)) has 3 rows."),
        ("T (m, 3, 2)", "B (3, 4)", "the inner sizes differ, 2 ≠ 3.",
         "transpose T: permute_dims(T, (0, 2, 1)) has 3 columns."),
        ("T (m, 2, 3)", "v (4)", "the inner sizes differ, 3 ≠ 4.",
         "v should have 3 elements, one per column of T."),
    ],
)  # fmt: skip
def test_products_that_do_not_fit(left: str, right: str, why: str, fix: str) -> None:
    g = cr.parse(f"sizes m, k\ndata {left.replace(' ', ' : ', 1)}, {right.replace(' ', ' : ', 1)}")
    with raises_exactly(ShapeError, f"cannot multiply {left} by {right}: {why}", fix):
        _ = g[left[0]] @ g[right[0]]


def test_the_repair_that_an_error_offers_works() -> None:
    g = cr.parse("sizes m, k\ndata A : (m, 3), U : (k, 3, 4)\nZ = expand(reshape(A, (1, m, 3)), (k, m, 3)) U")
    assert g["Z"].shape == ("k", "m", 4)


def test_contractions_that_do_not_fit() -> None:
    g = cr.parse("data A : (2, 3), B : (4, 5)")
    with pytest.raises(ShapeError, match=r"^cannot contract A \(2, 3\) with B \(4, 5\): .* differ, 3 ≠ 4"):
        cr.tensordot(g["A"], g["B"], axes=((1,), (0,)))
    with pytest.raises(ShapeError, match="3 axes cannot meet where there are 2 and 2"):
        cr.tensordot(g["A"], g["B"], axes=3)
    with pytest.raises(ShapeError, match="do not pair distinct axes"):
        cr.tensordot(g["A"], g["B"], axes=((1, 1), (0, 1)))


def test_equations_without_an_answer_give_nan() -> None:
    g = cr.parse("data A : (2, 2), b : (2)\nx = solve(A, b)\nL = cholesky(A)")
    trace = g.run(A=np.zeros((2, 2)), b=np.ones(2))
    assert np.isnan(trace["x"]).all()
    assert np.isnan(trace["L"]).all()


def test_a_gaussian_fit_by_hand() -> None:
    """log det A = 2 Σ log L_ii, whose gradient is A⁻¹."""
    g = cr.parse("data E : (3, 3)\nparameter A : (3, 3)\nL = cholesky(A)\nd = sum(E ⊙ L, axis=1)\n"
                 "J = 2 sum(log(d))")  # fmt: skip
    A = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 5.0]])
    trace = g.gradient("J").run(A=A, E=np.eye(3))
    assert_allclose(trace["J"], np.linalg.slogdet(A)[1], rtol=1e-14)
    assert_allclose(trace["dA"], np.linalg.inv(A), rtol=1e-13)
