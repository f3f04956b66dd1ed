"""Values are interned, names stand beside them, leaves stay apart."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule.errors import GraphError, KindError, NamingError, ShapeError, UnknownNameError
from chainrule.ir.constant import Constant
from chainrule.ir.verify import verify
from tests.support.errors import raises_exactly


def small() -> cr.Graph:
    g = cr.Graph()
    g.X, g.W, g.b = cr.data("m", 3), cr.parameter(3, 2), cr.parameter(2)
    return g


def test_two_equal_parameters_stay_two() -> None:
    g = cr.Graph()
    g.W1, g.W2 = cr.parameter(3, 3), cr.parameter(3, 3)
    g.s = cr.squared_norm(g.W1) + cr.squared_norm(g.W2)
    assert g["W1"] is not g["W2"]
    backward = g.gradient("s")
    assert backward.text(section="backward", shapes=False) == "ds  = 1\ndW2 = 2 W2\ndW1 = 2 W1"


def test_equal_expressions_are_one_value() -> None:
    g = small()
    assert g.X @ g.W + g.b is g.X @ g.W + g.b
    assert cr.relu(g.W) is not cr.tanh(g.W)


def test_naming_a_value_twice_does_not_copy_it() -> None:
    g = small()
    g.R = g.X @ g.W
    g.Z = g.R
    assert g.R is g.Z
    assert list(g.names_of(g.R)) == ["R", "Z"]
    assert g.text(section="forward") == "R = X W : (m, 2)\nZ = R   : (m, 2)"


def test_a_size_is_never_a_value() -> None:
    g = cr.Graph()
    g.X = cr.data("m", "d")
    g.m = cr.sum(g.X)
    g.J = g.m * Constant.letter("m").reciprocal()
    assert g.text(section="forward", shapes=False) == "m = sum(X)\nJ = 1/size(m) m"
    assert cr.parse(g.text()).same_as(g)


@pytest.mark.parametrize(
    ("factor", "printed"),
    [
        (Constant.of(2) / Constant.count(("m", "k")), "2/(m k)"),
        (Constant.letter("m"), "m"),
        (-Constant.letter("m").reciprocal(), "−1/m"),
        (Constant.of(1) / (Constant.of(3) * Constant.count(("m", "m"))), "1/(3 m²)"),
        (Constant.count(("k", "k")) / Constant.letter("m"), "k²/m"),
    ],
)
def test_constants_with_letters_print_and_read_back(factor: Constant, printed: str) -> None:
    g = cr.Graph()
    g.X = cr.data("m", "k")
    g.Z = g.X * factor
    assert g.text(section="forward", shapes=False) == f"Z = {printed} X"
    assert cr.parse(g.text()).same_as(g)
    assert cr.parse(g.text(ascii=True)).same_as(g)


def test_constants_multiply_out_and_cancel() -> None:
    g = small()
    m = Constant.letter("m")
    assert g.X * m * m.reciprocal() is g.X
    assert 2 * (g.X / 2) is g.X
    negated = -g.X
    assert -negated is g.X
    assert g.W.T.T is g.W
    assert 1 * g.X is g.X


def test_zero_times_a_value_is_kept() -> None:
    g = small()
    assert (0 * g.X).op.name == "multiply"


def test_a_constants_value_needs_its_letters() -> None:
    assert (Constant.of(2) / Constant.count(("m", "k"))).value({"m": 4, "k": 2}) == 0.25
    with raises_exactly(NamingError, "the constant 1/m needs the size of m."):
        Constant.letter("m").reciprocal().value({})


def test_a_scalar_and_a_row_and_a_column_stretch() -> None:
    g = cr.Graph()
    g.Z, g.b, g.c, g.s = cr.data("n", "m"), cr.parameter("m"), cr.parameter("n", 1), cr.scalar()
    for other in (g.b, g.c, g.s, 2):
        assert (g.Z + other).shape == ("n", "m")
        assert (other + g.Z).shape == ("n", "m")


def test_a_condition_stretches_and_stays_a_condition() -> None:
    g = cr.Graph()
    g.c, g.a = cr.data("k"), cr.parameter("m", "k")
    g.Z = cr.where(g.c > 0, g.a, 0)
    verify(g)
    assert cr.parse(g.text()).same_as(g)
    trace = g.run(c=[1.0, -1.0], a=[[2.0, 3.0], [4.0, 5.0]])
    assert trace["Z"].tolist() == [[2, 0], [4, 0]]


@pytest.mark.parametrize("build", [lambda a, y: a + y, lambda a, y: a * y, lambda a, y: a > y])
def test_a_vector_never_meets_a_column(build: object) -> None:
    g = cr.Graph()
    g.a, g.y = cr.data("m"), cr.data("m", 1)
    with pytest.raises(ShapeError, match=r"a \(m\) .* y \(m, 1\)"):
        build(g.a, g.y)  # type: ignore[operator]  # what a user may write


def test_a_vector_against_a_column_in_a_loss() -> None:
    g = cr.Graph()
    g.A, g.y = cr.data("m", 1), cr.data("m")
    with raises_exactly(
        ShapeError,
        "cannot apply mean_squared_error to A (m, 1) and y (m): prediction and target must have one shape.",
        "reshape y to (m, 1).",
    ):
        cr.mean_squared_error(g.A, g.y)


def test_letters_never_unify() -> None:
    g = cr.Graph()
    g.a, g.b, g.c = cr.data("m"), cr.data("k"), cr.data(3)
    for other in (g.b, g.c):
        with pytest.raises(ShapeError):
            g.a + other


def test_inner_sizes_that_differ() -> None:
    g = cr.Graph()
    g.A1, g.W2 = cr.data("m", 8), cr.parameter(5, 3)
    with raises_exactly(
        ShapeError,
        "cannot multiply A1 (m, 8) by W2 (5, 3): the inner sizes differ, 8 ≠ 5.",
        "W2 should have 8 rows, one per column of A1.",
    ):
        g.A1 @ g.W2


def test_an_error_says_where_it_happened() -> None:
    g = cr.Graph()
    g.A1, g.W2 = cr.data("m", 8), cr.parameter(5, 3)
    with pytest.raises(ShapeError) as caught:
        g.A1 @ g.W2
    place = str(caught.value).splitlines()[1]
    assert place.startswith("  in   g.A1 @ g.W2          test_graph.py:")


NAMING = [
    ("X", "X is declared already.", "each leaf needs a name of its own."),
    (
        "2x",
        "'2x' cannot be a name.",
        "a name starts with a letter and goes on with letters and digits, like Z1 or λ; "
        "sum_ is kept for sums over an axis.",
    ),
    ("relu", "relu is a function, not a name.", "call the value relu1, for example."),
    (
        "t1",
        "t1 is kept for the printer, which calls unnamed values t1, t2, …",
        "call it T1, for example.",
    ),
]


@pytest.mark.parametrize(("name", "message", "fix"), NAMING)
def test_names_that_are_refused(name: str, message: str, fix: str) -> None:
    g = small()
    with raises_exactly(NamingError, message, fix):
        g[name] = cr.data("m", 3)


def test_a_name_of_a_method_is_refused_but_stands_in_brackets() -> None:
    g = small()
    with raises_exactly(NamingError, "run is a method of Graph.", 'write g["run"] instead of g.run.'):
        g.run = cr.data("m", 3)  # type: ignore[method-assign, assignment]  # what a user may write
    g["run"] = cr.data("m", 3)
    assert g["run"].shape == ("m", 3)


def test_a_name_denotes_one_value() -> None:
    g = small()
    g.Z = g.X + 1
    with raises_exactly(
        NamingError,
        "Z already denotes add(X, 1).",
        "an equation defines its name once; call this one Z_new, for example, "
        "or change a parameter with update().",
    ):
        g.Z = g.X + 2


def test_an_unknown_name_offers_the_nearest() -> None:
    g = small()
    with raises_exactly(UnknownNameError, "nothing is called W1.", "Did you mean W? Known: X, W, b."):
        g.W1  # noqa: B018 - reading it is the mistake


def test_greek_letters_have_one_spelling() -> None:
    g = cr.Graph()
    g["lambda"] = cr.scalar()
    assert g.λ is g["lambda"]
    g.Sigma1 = g.λ + 1
    assert cr.parse(g.text()).same_as(g)


def test_two_graphs_do_not_mix() -> None:
    with pytest.raises(GraphError, match="belong to different graphs"):
        small().X + small().X


def test_a_value_is_neither_true_nor_false() -> None:
    g = small()
    with pytest.raises(KindError, match="neither true nor false"):
        bool(g.X > 0)


def test_an_update_keeps_the_shape() -> None:
    g = small()
    with raises_exactly(ShapeError, "W (3, 2) cannot become b (2): an update keeps the shape."):
        g.update(g.W, g.b)
    with pytest.raises(GraphError, match="X is not a parameter or state"):
        g.update(g.X, g.X)


def test_equality_respects_names_given_and_forgets_names_made() -> None:
    text = "parameter W : (3, 3)\nt1 = tanh(W)\nJ = sum(t1 + relu(t1))\n"
    first, second = cr.parse(text), cr.parse(text.replace("t1", "t7"))
    assert first.same_as(second)
    assert not first.same_as(cr.parse(text.replace("t1", "A")))
    assert not first.same_as(cr.parse(text.replace("relu", "abs")))
    assert not first.same_as(cr.parse(text.replace("W", "V")))


def test_letters_of_constants_are_declared() -> None:
    g = cr.Graph()
    g.w = cr.parameter(3)
    g.J = cr.sum(g.w) * Constant.letter("m").reciprocal()
    assert g.letters == ["m"]
    assert cr.parse(g.text()).same_as(g)


class TestVerify:
    def test_a_sound_graph_passes(self) -> None:
        verify(small())

    def test_a_wrong_shape_is_found(self) -> None:
        g = small()
        g.Q = g.intern((g.X + 1).op, (g.X, g.X), {}, ("m", 7), "real")
        with pytest.raises(GraphError, match="Q is"):
            verify(g)

    def test_a_gradient_of_another_shape_is_found(self) -> None:
        g = small()
        g.dW = g.X @ g.W
        g.record_gradient("dW", "W")
        with raises_exactly(GraphError, "dW has not the shape of W."):
            verify(g)
