"""How an op is written: small records that printers and the parser read.

Levels order what binds tighter; an operand of a lower level than its place asks for goes in brackets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias


class Level(IntEnum):
    """How tightly a piece of writing binds, from a comparison (loosest) to an atom."""

    COMPARISON = 0
    SUM = 1
    NEGATION = 2
    REDUCTION = 3
    PRODUCT = 4
    POSTFIX = 5
    ATOM = 6


@dataclass(frozen=True)
class Call:
    """A function call, `tanh(x)`; `latex` is the command before the bracket, "" for upright letters."""

    latex: str = ""


@dataclass(frozen=True)
class Infix:
    """A sign between two operands, read left to right."""

    text: str
    ascii: str
    latex: str
    level: Level


@dataclass(frozen=True)
class Prefix:
    """A sign before its operand."""

    text: str
    ascii: str
    latex: str
    level: Level


@dataclass(frozen=True)
class Fence:
    """Signs around an operand, such as ‖x‖² or 1[x > 0]; the level is that of the closing sign."""

    text: tuple[str, str]
    ascii: tuple[str, str]
    latex: tuple[str, str]
    level: Level = Level.ATOM


@dataclass(frozen=True)
class Fraction:
    """A quotient: `a / b` on a line, a fraction bar in LaTeX."""


@dataclass(frozen=True)
class Product:
    """A product: juxtaposition where one side is a scalar, ⊙ otherwise."""


@dataclass(frozen=True)
class MatrixProduct:
    """The matrix product: juxtaposition."""


@dataclass(frozen=True)
class OuterProduct:
    """The product of a column and a row, u vᵀ."""


@dataclass(frozen=True)
class Power:
    """A base with a raised exponent."""


@dataclass(frozen=True)
class Transpose:
    """ᵀ on a matrix; a call with its axes otherwise."""


@dataclass(frozen=True)
class Sum:
    """Σₘ where the axis has a letter of its own, a call otherwise."""


@dataclass(frozen=True)
class Hidden:
    """Broadcasting: written only where the reader would not put it back."""


@dataclass(frozen=True)
class Literal:
    """A constant, written as its number."""


@dataclass(frozen=True)
class Name:
    """A leaf, always written by its name."""


Form: TypeAlias = (
    Call
    | Infix
    | Prefix
    | Fence
    | Fraction
    | Product
    | MatrixProduct
    | OuterProduct
    | Power
    | Transpose
    | Sum
    | Hidden
    | Literal
    | Name
)
