"""Which shapes stretch to which."""

from __future__ import annotations

import pytest

from chainrule.ir.shape import Shape, broadcast_shape, stretches

STRETCH: list[tuple[Shape, Shape, bool]] = [
    ((), ("m", 3), True),
    ((), (), True),
    (("h",), ("m", "h"), True),
    (("m",), ("m", "h"), False),
    ((1,), ("m", "h"), True),
    (("n", 1), ("n", "m"), True),
    ((1, "m"), ("n", "m"), True),
    ((1, 1), ("n", "m"), True),
    (("n", "m"), ("n", 1), False),
    (("m",), ("m", 1), False),
    (("m", "k"), (2, "m", "k"), False),
    ((2, "m"), (2, "m", "k"), False),
    ((3,), ("m", 3), True),
    ((3,), ("m", 4), False),
    ((2,), (3, 4, 2), True),
]


@pytest.mark.parametrize(("small", "big", "expected"), STRETCH)
def test_stretching(small: Shape, big: Shape, expected: bool) -> None:
    assert stretches(small, big) is expected


def test_only_one_side_is_ever_stretched() -> None:
    assert broadcast_shape(("m", 1), (1, "k")) is None
    assert broadcast_shape((3, 1), (3,)) is None
    assert broadcast_shape((3, 2), (2,)) == broadcast_shape((2,), (3, 2)) == (3, 2)
