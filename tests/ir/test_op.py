"""A user's op registered from outside prints, parses and differentiates like a built-in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import KindError, NamingError, UnknownNameError
from chainrule.ir import registry
from chainrule.ir.op import Primitive
from chainrule.ir.value import Value


@pytest.fixture(autouse=True)
def _rule_book_as_before() -> Iterator[None]:
    before = dict(registry._OPS)
    yield
    registry._OPS.clear()
    registry._OPS.update(before)


def define_cube() -> None:
    class Cube(Primitive):
        """Third power, y = x³."""

        signature = "... -> ..."

        def forward(self, xp: Any, x: Any) -> Any:
            return x * x * x

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (dy * (3 * x**2),)


def test_an_op_of_ones_own() -> None:
    define_cube()
    g = cr.parse("parameter w : (3)\nA = cube(w)\nJ = sum(A)")
    assert g.gradient("J").text(section="backward", shapes=False).endswith("dw = 3 w²")
    assert cr.parse(g.text()).same_as(g)
    assert g.check_gradients("J", w=np.array([0.5, -1.0, 2.0]))
    assert cr.cube is registry.lookup("cube")


def test_defining_an_op_again_replaces_it() -> None:
    define_cube()
    define_cube()
    assert registry.is_op("cube")


def test_another_class_with_a_name_in_use_is_refused() -> None:
    with pytest.raises(NamingError, match=r"an op named tanh exists already, from chainrule.ops.activation"):

        class Tanh(Primitive):
            """Another one, y = x."""

            signature = "... -> ..."


def test_an_unknown_op_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as caught:
        registry.lookup("sigmod")
    assert caught.value.fix.startswith("Did you mean sigmoid?")


def test_operands_are_counted_and_typed() -> None:
    g = cr.Graph()
    g.X, g.y = cr.data("m", 3), cr.data("m", kind="index")
    with pytest.raises(KindError, match=r"^tanh takes 1 operand, not 2"):
        cr.tanh(g.X, g.X)
    with pytest.raises(KindError, match=r"^tanh needs a real value as operand 1, but y is index"):
        cr.tanh(g.y)
    with pytest.raises(KindError, match=r"^tanh has no attribute axis"):
        cr.tanh(g.X, axis=1)
    with pytest.raises(KindError, match="takes values of a graph and numbers, not ndarray"):
        cr.tanh(np.ones(3))  # type: ignore[arg-type]  # what a user may pass
