"""Documents that once read back as another graph, or not at all."""

from __future__ import annotations

import copy
import pickle

import pytest

import chainrule as cr

HEAD = "sizes m, k\ndata a : (), b : (), W : (m, k)\nparameter u : (k), U : (m, k)\n"


def reads_back(graph: cr.Graph) -> bool:
    return all(cr.parse(graph.text(ascii=ascii)).same_as(graph) for ascii in (False, True))


@pytest.mark.parametrize(
    "expression",
    [
        "a (1/u)",
        "2 (1/b) u",
        "(2/3) (1/u)",
        "a (a/U)",
        "2 ((1/b) u)",
        "(1/3) (1/b) u",
        "(a u) ⊙ W",
        "(a u) / W",
        "(−u) ⊙ W",
        "(‖u‖²)² U",
        "(‖u‖²)^-1 U",
        "(‖u‖²)^a U",
        "‖0.5 (‖u‖²) u‖² U",
        "a sum(1/U) U",
        "1/0 m U",
        "(W²)²  U".replace("  ", " ⊙ "),
    ],
)
def test_an_expression_its_gradient_and_its_simplified_gradient_read_back(expression: str) -> None:
    graph = cr.parse(HEAD + f"Y = {expression}\nJ = sum(Y)")
    assert reads_back(graph)
    assert reads_back(graph.gradient())
    assert reads_back(graph.gradient().simplify())


def test_a_minus_that_rewriting_uncovers_is_taken_into_the_difference() -> None:
    text = "h = −m W1\nJ = 1/m sum(binary_cross_entropy(sigmoid(h), 1[W > 0]))"
    graph = cr.parse(HEAD.replace("U : (m, k)", "W1 : (m, k)") + text).gradient().simplify()
    assert reads_back(graph)
    assert "−(" not in graph.text(section="backward")


def test_a_number_never_borrows_the_name_of_a_gradient() -> None:
    graph = cr.parse(HEAD + "N = tanh(U)\nO = exp(U)\nJ = half_sum_of_squares(O, W) + sum(N)").gradient()
    assert "dO = O − W" in graph.text(shapes=False)
    chosen = cr.parse(HEAD + "A = where(W > 0, U, W)\nJ = sum(A²)").gradient()
    assert "dU = where(W > 0, dA, 0)" in chosen.text(shapes=False)


def test_a_named_product_keeps_its_name_through_rewriting() -> None:
    graph = cr.parse(
        "sizes n, d\ndata X : (n, d)\nparameter V : (d, d)\nK = X V\nJ = sum(softmax(X V (X V)ᵀ))"
    )
    assert "Kᵀ" in graph.gradient().simplify().text()


def test_a_sum_of_thousands_of_terms_is_read() -> None:
    graph = cr.parse("data x : ()\ny = " + " + ".join(["x"] * 5000))
    assert graph.run(x=1.0)["y"] == 5000
    assert reads_back(graph)


@pytest.mark.parametrize("text", ["y = 2^3^2 x", "y = x²²²^2", "y = x" + "^x" * 1000, "y = x²³^4"])
def test_a_power_of_a_power_needs_brackets(text: str) -> None:
    with pytest.raises(cr.ParseError, match="power of a power"):
        cr.parse("data x : ()\n" + text)


@pytest.mark.parametrize("text", ["y = x" + "²" * 5000, "y = 1e-1000000000 x", "y = X" + "ᵀ" * 1000])
def test_what_goes_on_for_ever_is_refused(text: str) -> None:
    with pytest.raises(cr.ParseError):
        cr.parse("data x : (), X : (2, 2)\n" + text)


@pytest.mark.parametrize("text", [None, b"J = 1", 3])
def test_equations_are_text(text: object) -> None:
    with pytest.raises(cr.KindError, match="equations are text"):
        cr.parse(text)  # type: ignore[arg-type]  # what a user may pass


def test_a_message_shows_a_part_of_a_long_line() -> None:
    with pytest.raises(cr.ParseError) as caught:
        cr.parse("data x : ()\ny = " + "x " * 50_000 + "?")
    assert len(str(caught.value)) < 600


def test_graphs_are_copied_and_pickled_as_documents() -> None:
    graph = cr.parse(HEAD + "J = sum(U ⊙ W)").gradient().simplify()
    for twin in (copy.copy(graph), copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):  # noqa: S301 - our own
        assert twin.same_as(graph)
        twin["Q"] = twin["U"] * 2
        assert "Q" not in graph
    with pytest.raises(cr.KindError, match="copied with its graph"):
        copy.deepcopy(graph["U"])


def test_attributes_follow_operands_by_place() -> None:
    graph = cr.parse(HEAD + "J = sum(U)")
    assert cr.reshape(graph.u, ("k", 1)).shape == ("k", 1)
    assert cr.permute_dims(graph.U, (1, 0)).shape == ("k", "m")
    with pytest.raises(cr.KindError, match="each once"):
        cr.reshape(graph.u, ("k", 1), shape=("k", 1))
    with pytest.raises(cr.ShapeError, match="an axis is named by its number"):
        cr.sum(graph.U, axis="m")


def test_a_repeated_number_with_a_name_multiplies_out_within_a_broadcast() -> None:
    text = "sizes d, k\nparameter W : (d, k)\nv = mean(W, axis=1, keepdims=true)\nJ = sum(v)"
    graph = cr.parse(text).gradient("J")
    assert cr.parse(graph.text()).same_as(graph)
    assert graph.text(only=["dW"], shapes=False) == "dW = expand(1/k, (d, k))"
