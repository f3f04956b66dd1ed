"""Axes and whole numbers among an op's attributes, checked and counted from the front."""

from __future__ import annotations

from typing import Any

from chainrule.ir.constant import Constant
from chainrule.ir.shape import Shape, Size
from chainrule.ir.signature import MismatchError


def whole(number: Any, name: str) -> int:
    """Return an attribute that is a whole number, or raise MismatchError."""
    if not isinstance(number, int) or isinstance(number, bool):
        raise MismatchError(f"{name} is a whole number, not {number!r}")
    return number


def front_axis(axis: Any, rank: int) -> int:
    """Return an axis counted from the front, or raise MismatchError."""
    if not -rank <= whole(axis, "axis") < rank:
        raise MismatchError(f"axis {axis} is none of the {rank} there are")
    return axis % rank


def last_or_front_axis(axis: Any, rank: int) -> int:
    """Return −1 for the last axis, where that is an op's default, any other counted from the front."""
    axis = front_axis(axis, rank)
    return -1 if axis == rank - 1 else axis


def with_axis(shape: Shape, axis: int, *sizes: Size) -> Shape:
    """Return a shape with other sizes, or none, in the place of an axis counted from the front."""
    return (*shape[:axis], *sizes, *shape[axis + 1 :])


def number_along(shape: Shape, axis: int, why: str = "letters cannot be added", instead: str = "") -> int:
    """Return the size of an axis where the result's is made of it, or raise MismatchError for a letter."""
    size = shape[axis]
    if isinstance(size, str):
        fix = f"declare axis {axis % len(shape)} with a number in the place of {size}{instead}."
        raise MismatchError(f"axis {axis % len(shape)} has the size {size}, and {why}", fix)
    return size


def size_of(count: Constant) -> Size | None:
    """Return a number of elements as a size: a whole number or a single letter, else None."""
    number = count.as_integer()
    if number is not None:
        return number
    is_letter = count.factor == 1 and len(count.powers) == 1 and count.powers[0][1] == 1
    return count.letters[0] if is_letter else None
