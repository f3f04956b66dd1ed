"""What the parser reads, what it refuses, and how it says so."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ParseError, ShapeError
from tests.support.errors import raises_text

HEAD = "sizes m, k\ndata X : (m, k), Y : (m, k)\nparameter W : (k, k), b : (k)\nscalar λ\n"


def read(line: str) -> cr.Graph:
    return cr.parse(HEAD + line)


def printed(line: str) -> str:
    return read(line).text(section="forward", shapes=False)


SAME = [
    ("Z = X * λ", "Z = λ X"),
    ("Z = X W + b", "Z = X W + b"),
    ("Z = X @ W", "Z = X W"),
    ("Z = X .* Y", "Z = X ⊙ Y"),
    ("Z = X^T Y", "Z = Xᵀ Y"),
    ("Z = lambda/2 ||W||^2", "Z = λ/2 ‖W‖²"),
    ("Z = 1/m sum(X)", "Z = 1/m sum(X)"),
    ("Z = 2/(m k) (X - Y)", "Z = 2/(m k) (X − Y)"),
    ("Z = 1[X > 0]", "Z = 1[X > 0]"),
    ("Z = sum_m X", "Z = Σₘ X"),
    ("Z = Σₘ X ⊙ Y", "Z = Σₘ (X ⊙ Y)"),
    ("Z = X ** 2", "Z = X²"),
    ("Z = bᵀ b", "Z = bᵀ b"),
    ("Z = 2 bᵀ b", "Z = 2 bᵀ b"),
    ("Z = b bᵀ", "Z = b bᵀ"),
    ("Z = bᵀ W", "Z = b W"),
    ("Z = X λ W", "Z = λ X W"),
    ("Z = X W / 2", "Z = 1/2 X W"),
    ("Z = −λ/2 X", "Z = (−λ/2) X"),
    ("Z = --X", "Z = identity(X)"),
    ("Z = X − −Y", "Z = X + Y"),
    ("Z = softmax(X, axis=0)", "Z = softmax(X, axis=0)"),
    ("Z = softmax(X, 1)", "Z = softmax(X)"),
    ("Z = sum(X, axis=1)", "Z = Σₖ X"),
]


@pytest.mark.parametrize(("line", "expected"), [pair for pair in SAME if "--X" not in pair[0]])
def test_what_is_read_prints_in_one_way(line: str, expected: str) -> None:
    assert printed(line) == expected
    assert read(expected).same_as(read(line))


def test_a_derivative_is_read_as_the_rule_writes_it() -> None:
    graph = read("Z = relu'(X)\nV = tanh′(X)")
    assert graph.text(section="forward", shapes=False) == "Z = 1[X > 0]\nV = 1 − tanh(X)²"


def test_invisible_broadcasting_is_put_back() -> None:
    graph = read("Z = X + b")
    assert [value.op.name for value in graph.Z.inputs] == ["leaf", "expand"]
    assert graph.Z.inputs[1].shape == ("m", "k")


def test_a_chain_makes_no_value_that_has_another_name() -> None:
    """λ/2 A B is (λ/2) (A B), even where λ/2 A or −A has a name."""
    text = "P = λ/2 X\nN = −X\nZ = λ/2 X W\nU = 2 X\nV = −2 X\nQ = −Y W"
    assert printed(text) == text


def test_a_value_called_t_is_no_transpose() -> None:
    g = cr.Graph()
    g.T, g.W = cr.scalar(), cr.parameter(2, 2)
    g.Z = g.W**g.T
    assert g.text(section="forward", shapes=False) == "Z = W^(T)"
    assert cr.parse(g.text()).same_as(g)


def test_values_may_have_the_names_of_sizes_and_keywords() -> None:
    text = "sizes m\ndata X : (m, 3)\nm = sum(X)\ndata = m + size(m)\noutputs = data + 1"
    graph = cr.parse(text)
    assert graph.run(X=np.ones((4, 3)))["outputs"] == 12 + 4 + 1
    assert cr.parse(graph.text()).same_as(graph)


def test_comments_blank_lines_and_open_brackets() -> None:
    graph = cr.parse("# a comment\n\nparameter w : (3)  # three\nJ = sum(w +\n        tanh(w))\n")
    assert graph.text(section="forward", shapes=False) == "J = sum(w + tanh(w))"


def test_declarations_keep_role_kind_and_frozen() -> None:
    text = (
        "sizes      m\ndata       y : (m) index, c : (m) bool\nparameter  W : (2) frozen\n"
        "state      s : (2)\nhyperparameter  r : (2)\nJ = sum(W + s + r)\n"
    )
    graph = cr.parse(text)
    assert (graph.y.kind, graph.c.kind) == ("index", "bool")
    assert [leaf.attributes["role"] for leaf in graph.leaves()] == [
        "data", "data", "parameter", "state", "hyperparameter",
    ]  # fmt: skip
    assert graph.W.attributes["frozen"]
    assert cr.parse(graph.text()).same_as(graph)


def test_updates_read_and_print() -> None:
    text = "parameter W : (2)\nscalar α\ndW = 2 W\nW ← W − α dW"
    graph = cr.parse(text)
    assert graph.text(section="update", shapes=False) == "W ← W − α dW"
    assert graph.text(section="update", shapes=False, ascii=True) == "W <- W - alpha dW"
    assert cr.parse(text.replace("←", "<-")).same_as(graph)


def test_outputs_are_stated_where_they_are_not_plain() -> None:
    graph = cr.parse("parameter W : (2)\noutputs A, J\nA = tanh(W)\nJ = sum(A)")
    assert graph.outputs == (graph.A, graph.J)
    assert "outputs    A, J\n" in graph.text()


ERRORS = [
    (
        "Z = X W ⊙ Y",
        "the matrix product and the element-wise product meet without brackets.\n"
        "  in   line 5, column 11\n       Z = X W ⊙ Y\n                 ^\n"
        "  fix  write (X W) ⊙ Y or X (W ⊙ Y).",
    ),
    (
        "Z = X ⊙ Y W",
        "the matrix product and the element-wise product meet without brackets.\n"
        "  in   line 5, column 11\n       Z = X ⊙ Y W\n                 ^\n"
        "  fix  write (X ⊙ Y) W or X ⊙ (Y W).",
    ),
    (
        "Z = X * Y",
        "* between two matrices could be either product.\n"
        "  in   line 5, column 9\n       Z = X * Y\n               ^\n"
        "  fix  write A B for the matrix product, A ⊙ B or A .* B element by element.",
    ),
    (
        "Z = b b",
        "two vectors side by side could be several products.\n"
        "  in   line 5, column 7\n       Z = b b\n             ^\n"
        "  fix  write u ⊙ v, uᵀ v or u vᵀ.",
    ),
    (
        "Z = X & Y",
        "cannot read '&' here.\n  in   line 5, column 7\n       Z = X & Y\n             ^\n"
        "  fix  expected a name, a number, a bracket or an operator.",
    ),
    (
        "Z = $X$",
        "cannot read '$' here.\n  in   line 5, column 5\n       Z = $X$\n           ^\n"
        "  fix  LaTeX is printed, not read: write W1ᵀ, A ⊙ B, Σₘ Z in plain text.",
    ),
    (
        "Z = (X + Y",
        "found the end of the line where ) or an operator should stand.\n"
        "  in   line 5, column 11\n       Z = (X + Y\n                 ^",
    ),
    (
        "Z = X +",
        "found the end of the line where a name, a number, a function or a bracket should stand.\n"
        "  in   line 5, column 8\n       Z = X +\n              ^",
    ),
    (
        "Z = rel(X)",
        "nothing is called rel.\n  in   line 5, column 5\n       Z = rel(X)\n           ^\n"
        "  fix  Did you mean relu? Known: X, Y, W, b, λ, k, m.",
    ),
    (
        "Z = relu X",
        "found X where ( and what relu is applied to should stand.\n"
        "  in   line 5, column 10\n       Z = relu X\n                ^",
    ),
    (
        "Z = V + 1\nV = X",
        "V is used before the line that defines it.\n"
        "  in   line 5, column 5\n       Z = V + 1\n           ^\n  fix  move that line up.",
    ),
    (
        "data Q : (m, z)",
        "z is not a declared size.\n  in   line 5, column 14\n       data Q : (m, z)\n                    ^\n"
        "  fix  declare it, `sizes k, m, z`.",
    ),
    (
        "Z = X W : (k, m)",
        "Z: the line says (k, m), but the right side is (m, k).\n"
        "  in   line 5, column 1\n       Z = X W : (k, m)\n       ^",
    ),
    (
        "Z = relu(X, Y)",
        "relu takes 1 operand, not 2.\n  in   line 5, column 5\n       Z = relu(X, Y)\n           ^",
    ),
    (
        "Z = Σₖ (Xᵀ X)",
        "(k, k) has the size k 2 times, not once.\n"
        "  in   line 5, column 5\n       Z = Σₖ (Xᵀ X)\n           ^\n"
        "  fix  name the axis by number: sum(x, axis=0).",
    ),
    (
        "Z = X bᵀ",
        "this product with a transposed vector has no meaning.\n"
        "  in   line 5, column 5\n       Z = X bᵀ\n           ^\n"
        "  fix  uᵀ v is a scalar, u vᵀ a matrix, uᵀ W a vector.",
    ),
    (
        "Z = bᵀ",
        "a transposed vector stands alone.\n  in   line 5, column 5\n       Z = bᵀ\n           ^\n"
        "  fix  a row only has a meaning beside a factor: uᵀ v, u vᵀ or uᵀ W.",
    ),
]


@pytest.mark.parametrize(("line", "text"), ERRORS, ids=[line for line, _ in ERRORS])
def test_errors_word_for_word(line: str, text: str) -> None:
    with raises_text(ParseError, text):
        read(line)


def test_an_error_has_its_line_column_and_what_was_found() -> None:
    with pytest.raises(ParseError) as caught:
        cr.parse("parameter w : (3)\n\n# note\nJ = sum(w) + q", source="net.eqn")
    error = caught.value
    assert (error.line, error.column, error.found, error.expected) == (4, 14, "q", "a known name")
    assert "net.eqn, line 4, column 14" in str(error)


def test_shapes_that_do_not_fit_are_reported_with_the_line() -> None:
    with raises_text(
        ShapeError,
        "cannot multiply X (m, k) by Y (m, k): the inner sizes differ, k ≠ m.\n"
        "  in   Z = X Y          line 5, column 5\n"
        "  fix  transpose Y: Yᵀ has k rows.",
    ):
        read("Z = X Y")


def test_a_name_is_defined_once() -> None:
    for line in ("X = Y", "X = X"):
        with pytest.raises(ParseError, match=r"^X is defined already"):
            read(line)


def test_brackets_nested_beyond_reason_are_refused() -> None:
    with pytest.raises(ParseError, match="brackets are nested more than 60 deep"):
        read("Z = " + "(" * 100 + "X" + ")" * 100)
