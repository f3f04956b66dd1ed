"""Shapes: tuples of sizes, a size being an integer or a letter such as "m"."""

from __future__ import annotations

from typing import Literal, TypeAlias

Size: TypeAlias = "int | str"
Shape: TypeAlias = "tuple[Size, ...]"
Kind: TypeAlias = Literal["real", "index", "bool"]


def show_shape(shape: Shape) -> str:
    """Return a shape as chainrule prints it.

    >>> show_shape(("m", 784)), show_shape(("h",)), show_shape(())
    ('(m, 784)', '(h)', '()')
    """
    return f"({', '.join(map(str, shape))})"


def letters_of(shape: Shape) -> list[str]:
    """Return the letters of a shape in order, each once.

    >>> letters_of(("m", 784, "k", "m"))
    ['m', 'k']
    """
    return list(dict.fromkeys(size for size in shape if isinstance(size, str)))


def stretches(small: Shape, big: Shape) -> bool:
    """Tell whether broadcasting may take `small` to `big`.

    A scalar goes to anything, rank 1 along the last axis, a literal size 1 along its own axis.
    Letters are equal only to themselves, so (m) never meets (m, 1).

    >>> stretches(("h",), ("m", "h")), stretches(("n", 1), ("n", "m")), stretches(("m",), ("m", 1))
    (True, True, False)
    """
    if len(small) < len(big):
        return small in ((), (1,), big[-1:])
    return len(small) == len(big) and all(a in (b, 1) for a, b in zip(small, big, strict=True))


def broadcast_shape(first: Shape, second: Shape) -> Shape | None:
    """Return the shape of an element-wise result, or None where the two do not fit.

    Only one side is ever stretched.

    >>> broadcast_shape(("m", "h"), ("h",))
    ('m', 'h')
    >>> broadcast_shape(("m",), ("m", 1)) is None
    True
    """
    if stretches(first, second):
        return second
    return first if stretches(second, first) else None
