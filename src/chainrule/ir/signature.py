"""Signature strings such as "n k, k m -> n m": one text for inference, errors, docs and tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from chainrule.ir.shape import Shape, Size


class MismatchError(Exception):
    """Shapes that a signature does not admit; caught by the builder, which knows the names.

    Attributes:
        fix: what to change, or "".
    """

    def __init__(self, why: str, fix: str = "") -> None:
        super().__init__(why)
        self.fix = fix


@dataclass(frozen=True)
class Signature:
    """The axes of an op's operands and result, each named by a letter or `...` for any leading axes."""

    inputs: tuple[tuple[str, ...], ...]
    output: tuple[str, ...]

    def infer(self, shapes: tuple[Shape, ...]) -> Shape:
        """Return the result's shape.

        Raises:
            MismatchError: an operand has another rank, or one letter would stand for two sizes.
        """
        bound: dict[str, tuple[Shape | Size, int]] = {}
        for position, (axes, shape) in enumerate(zip(self.inputs, shapes, strict=True)):
            _bind(axes, shape, position, bound)
        return _fill(self.output, bound)


def _bind(
    axes: tuple[str, ...], shape: Shape, position: int, bound: dict[str, tuple[Shape | Size, int]]
) -> None:
    """Record what each axis letter stands for, or raise MismatchError."""
    leading = len(shape) - (len(axes) - 1) if "..." in axes else 0
    rest = axes[1:] if "..." in axes else axes
    if leading < 0 or len(shape) - leading != len(rest):
        wanted = f"({', '.join(axes)})"
        raise MismatchError(
            f"operand {position + 1} needs the shape {wanted}, {len(rest)} axes, not {len(shape)}"
        )
    pairs: list[tuple[str, Shape | Size]] = list(zip(rest, shape[leading:], strict=True))
    if "..." in axes:
        pairs.insert(0, ("...", shape[:leading]))
    for axis, size in pairs:
        known, first = bound.setdefault(axis, (size, position))
        if known != size:
            raise MismatchError(
                f"{'the shapes' if axis == '...' else 'axis ' + axis} must agree between operands "
                f"{first + 1} and {position + 1}: {_show(known)} ≠ {_show(size)}"
            )


def _show(size: Shape | Size) -> str:
    return f"({', '.join(map(str, size))})" if isinstance(size, tuple) else str(size)


def _fill(axes: tuple[str, ...], bound: dict[str, tuple[Shape | Size, int]]) -> Shape:
    shape: list[Size] = []
    for axis in axes:
        size = bound[axis][0]
        shape.extend(size if isinstance(size, tuple) else (size,))
    return tuple(shape)


@cache
def parse_signature(text: str) -> Signature:
    """Read a signature string.

    >>> parse_signature("n k, k m -> n m").infer((("m", 4), (4, 8)))
    ('m', 8)
    """
    left, right = text.split("->")
    return Signature(tuple(tuple(part.split()) for part in left.split(",")), tuple(right.split()))
