"""Joining, cutting and choosing: letters among the sizes, numbers in any spelling, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import chainrule as cr
from chainrule.errors import DataError, KindError, ParseError, ShapeError
from tests.support.errors import raises_exactly

TEXT = (
    "sizes m, k\ndata A : (m, 3), B : (m, k), C : (m, 4), E : (10, 2), v : (3), T : (m, 2, 3), y : (m) index"
)


def test_any_number_of_operands() -> None:
    g = cr.parse("sizes m\nparameter A : (m, 3), B : (m, 2), C : (m, 4)\nZ = concat(A, B, C)\nJ = ‖Z‖²")
    lines = g.gradient("J").text(section="backward", shapes=False).splitlines()
    assert lines[2:] == ["dA = slice(dZ, 1, 0, 3)", "dB = slice(dZ, 1, 3, 5)", "dC = slice(dZ, 1, 5, 9)"]
    assert cr.concat(g["A"]) is g["A"]
    assert cr.stack(g["A"], g["A"], g["A"], axis=-1).shape == ("m", 3, 3)


def test_gradients_of_choosing_add_up() -> None:
    g = cr.parse("sizes m\ndata y : (m) index\nparameter E : (4, 2)\ne = take(E, y)\nJ = sum(e)")
    backward = g.gradient("J")
    assert "dE = scatter_add(de, y, 4)" in backward.text()
    assert_array_equal(backward.run(y=[1, 1, 3], E=np.ones((4, 2)))["dE"][:, 0], [0, 2, 0, 1])
    with pytest.raises(DataError, match="y must lie in 0 … 3"):
        g.run(y=[4], E=np.ones((4, 2)))


def test_places_count_from_either_end() -> None:
    g = cr.parse(TEXT)
    last = cr.slice(g["A"], 1, -2, None)
    assert last is cr.slice(g["A"], axis=-1, start=1, stop=3)
    assert cr.slice(g["A"], 1, 0, 100) is g["A"]
    assert cr.slice(g["A"], 0, 0, None) is g["A"]
    assert cr.pad(g["A"], 0, 0, 0) is g["A"]


def test_what_undoes_itself_is_left_out() -> None:
    g = cr.parse(TEXT)
    assert cr.squeeze(cr.expand_dims(g["A"], 1), 1) is g["A"]
    assert cr.flatten(g["A"]) is g["A"]
    assert cr.flatten(g["T"]).shape == ("m", 6)
    assert cr.flatten(cr.expand_dims(g["B"], 1)).shape == ("m", "k")


REFUSALS: list[tuple[Callable[[cr.Graph], Any], str, str]] = [
    (lambda g: cr.concat(g["A"], g["B"]),
     "cannot join A (m, 3) and B (m, k): axis 1 has the size k, and letters cannot be added.",
     "declare axis 1 with a number in the place of k."),
    (lambda g: cr.concat(g["A"], g["C"], axis=0),
     "cannot join A (m, 3) and C (m, 4): they are joined along axis 0, and the other sizes differ, 3 ≠ 4.",
     "join them where they differ, axis=1."),
    (lambda g: cr.concat(g["A"], g["v"]),
     "cannot join A (m, 3) and v (3): they differ in their number of axes.",
     "expand_dims(x, axis) adds one."),
    (lambda g: cr.stack(g["A"], g["C"]),
     "cannot stack A (m, 3) and C (m, 4): their shapes differ.",
     "give all of them one shape, (m, 3) or (m, 4)."),
    (lambda g: cr.slice(g["A"], 0, 0, 2),
     "cannot apply slice to A (m, 3): axis 0 has the size m, and a part of a letter has no name.",
     "declare axis 0 with a number in the place of m, or choose rows by number, take(x, indices)."),
    (lambda g: cr.slice(g["A"], 1, 3, 3),
     "cannot apply slice to A (m, 3): nothing lies there, from 3 up to 3, on axis 1 of size 3.",
     "stop is the place after the last one taken."),
    (lambda g: cr.pad(g["A"], 1, -1, 0),
     "cannot apply pad to A (m, 3): there are no -1 zeros.",
     "slice takes elements away."),
    (lambda g: cr.squeeze(g["A"], 1),
     "cannot apply squeeze to A (m, 3): axis 1 has the size 3, not 1.",
     "reduce it, sum or mean, or choose one element, slice."),
    (lambda g: cr.flatten(cr.stack(g["B"], g["B"], axis=1)),
     "cannot apply flatten to stack(B, B) (m, 2, k): its rows would have 2 k elements, "
     "not one number or letter.",
     "declare these sizes as numbers."),
]  # fmt: skip


@pytest.mark.parametrize(("build", "message", "fix"), REFUSALS, ids=[message for _, message, _ in REFUSALS])
def test_what_does_not_fit(build: Callable[[cr.Graph], Any], message: str, fix: str) -> None:
    g = cr.parse(TEXT)
    with raises_exactly(ShapeError, message, fix):
        build(g)


def test_numbers_and_classes_are_not_joined() -> None:
    g = cr.parse(TEXT)
    with pytest.raises(KindError, match=r"concat needs operands of one kind, not v \(real\) and y \(index\)"):
        cr.concat(g["v"], g["y"])


@pytest.mark.parametrize(
    ("equation", "wanted"),
    [
        ("slice(A, 1, 0.5, 2)", "start of slice is a whole number, or none."),
        ("tril(A, k=true)", "k of tril is a whole number."),
        ("tensordot(A, A, (1, 0))", "axes of tensordot is how many axes meet, or which ones, such as"),
        ("reshape(A, ((3), (2)))", "shape of reshape is a shape in brackets"),
    ],
)
def test_attributes_of_another_type_are_refused(equation: str, wanted: str) -> None:
    with pytest.raises(ParseError) as caught:
        cr.parse(f"{TEXT}\nZ = {equation}")
    assert caught.value.message.startswith(wanted)
