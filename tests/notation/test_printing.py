"""Which values get lines, brackets and names; text, ASCII and LaTeX."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule.errors import UnknownNameError
from tests.support.mathtext import assert_renders

NETWORK = """
sizes      m, d, k
data       X : (m, d), Y : (m, k)
parameter  W : (d, k), b : (k)
scalar     λ
Z = X W + b
A = sigmoid(Z)
J = 1/m sum(binary_cross_entropy(A, Y)) + λ/2 ‖W‖²
"""


def test_a_residual_connection_whose_gradient_has_two_names_stays_one_value() -> None:
    g = cr.Graph()
    g.X, g.W = cr.data("m", 3), cr.parameter(3, 3)
    g.R = g.X @ g.W
    g.A = g.R + g.X
    g.J = cr.half_sum_of_squares(g.A, cr.tanh(g.X))
    backward = g.gradient("J", ["W"])
    assert backward["dR"] is backward["dA"]
    assert backward.text(section="backward", shapes=False) == ("dJ = 1\ndA = A − t1\ndR = dA\ndW = Xᵀ dR")
    again = cr.parse(backward.text())
    assert again.same_as(backward)
    assert again["dR"] is again["dA"]


def test_a_value_used_twice_gets_a_line_and_a_value_used_once_none() -> None:
    g = cr.Graph()
    g.w = cr.parameter(3)
    shared = cr.tanh(g.w)
    g.J = cr.sum(shared * cr.exp(shared))
    assert g.text(section="forward", shapes=False) == "t1 = tanh(w)\nJ  = sum(t1 ⊙ exp(t1))"


BRACKETS = [
    ("(X + Y) ⊙ X", "Z = (X + Y) ⊙ X"),
    ("X − (Y − X)", "Z = X − (Y − X)"),
    ("X − Y − X", "Z = X − Y − X"),
    ("X / (Y / X)", "Z = X / (Y / X)"),
    ("X / Y / X", "Z = X / Y / X"),
    ("(X Xᵀ) X", "Z = X Xᵀ X"),
    ("X (Xᵀ X)", "Z = X (Xᵀ X)"),
    ("(X ⊙ Y) Xᵀ", "Z = (X ⊙ Y) Xᵀ"),
    ("X ⊙ (Y Yᵀ X)", "Z = X ⊙ (Y Yᵀ X)"),
    ("(X + Y)²", "Z = (X + Y)²"),
    ("X^(1/2)", "Z = X^0.5"),
    ("−(X ⊙ Y)", "Z = −X ⊙ Y"),
    ("(−X)²", "Z = (−X)²"),
    ("X + (Y + X)", "Z = X + (Y + X)"),
]


@pytest.mark.parametrize(("right", "expected"), [pair for pair in BRACKETS if "1/2" not in pair[0]])
def test_brackets_stand_only_where_needed(right: str, expected: str) -> None:
    graph = cr.parse(f"sizes m, d\ndata X : (m, d), Y : (m, d)\nZ = {right}")
    assert graph.text(section="forward", shapes=False) == expected
    assert cr.parse(graph.text()).same_as(graph)


def test_ascii_uses_ascii_alone() -> None:
    backward = cr.parse(NETWORK).gradient("J")
    for graph in (backward, backward.simplify()):
        text = graph.text(ascii=True)
        assert text.isascii()
        assert cr.parse(text).same_as(graph)


def test_only_some_equations() -> None:
    graph = cr.parse(NETWORK)
    assert graph.text(only=["A"], shapes=False) == "A = sigmoid(Z)"


def test_an_unknown_section_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="there is no section backwards"):
        cr.parse(NETWORK).text(section="backwards")


def test_an_alias_of_a_leaf_is_not_used_before_its_line() -> None:
    graph = cr.parse("data C : (3)\nparameter w : (3)\nA = exp(w)\nJ = sum(C ⊙ A)").gradient("J")
    assert cr.parse(graph.text()).same_as(graph)


def test_a_value_needed_early_is_not_listed_twice() -> None:
    g = cr.Graph()
    g.w = cr.parameter(3)
    inner = cr.tanh(g.w)
    g.J = cr.sum(inner)
    g.A = inner
    assert g.text(section="forward", shapes=False) == "A = tanh(w)\nJ = sum(A)"


def test_latex_of_a_whole_graph() -> None:
    backward = cr.parse(NETWORK).gradient("J").simplify()
    assert_renders(backward)
    latex = backward.latex()
    assert latex.startswith("\\begin{aligned}\n")
    assert latex.endswith("\n\\end{aligned}")
    assert r"\frac{1}{m} \left(A - Y\right)" in latex
    assert latex.count("{") == latex.count("}")


def test_a_repeated_number_multiplies_out_even_under_a_name() -> None:
    """dv is 1 everywhere, and so may be many a gradient: 1 · x is x, and no line borrows the name."""
    graph = cr.parse("parameter W : (3, 2)\nscalar λ\nv = tanh(W)^tanh(λ)\nJ = sum(v)").gradient("J")
    assert "dW = tanh(λ) t1^(tanh(λ) − 1) ⊙ " in graph.text(section="backward", shapes=False)
    assert cr.parse(graph.text()).same_as(graph)
