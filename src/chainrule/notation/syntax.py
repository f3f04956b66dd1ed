"""What an equation says before its names mean anything: the syntax tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from chainrule.ir.shape import Shape


@dataclass(frozen=True)
class Span:
    """Where a piece of text stands: line from 1, columns from 0."""

    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Number:
    """A number as written."""

    text: str
    span: Span


@dataclass(frozen=True)
class Name:
    """A name: of a value, else of a size."""

    text: str
    span: Span


@dataclass(frozen=True)
class Setting:
    """An attribute of a call, by name or, with the name "", by place."""

    name: str
    item: object
    span: Span


@dataclass(frozen=True)
class Call:
    """A function applied to expressions; `derivative` for f'(x)."""

    function: str
    arguments: tuple[Expression, ...]
    settings: tuple[Setting, ...]
    derivative: bool
    span: Span


@dataclass(frozen=True)
class Infix:
    """A sum, difference or comparison."""

    sign: str
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True)
class Negation:
    """A minus before a product."""

    operand: Expression
    span: Span


@dataclass(frozen=True)
class Product:
    """A chain of factors, read left to right.

    Attributes:
        factors: the factors.
        signs: the sign before each factor after the first: "" for juxtaposition, ".*", "/", "@", "*".
    """

    factors: tuple[Expression, ...]
    signs: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class Power:
    """A base with an exponent."""

    base: Expression
    exponent: Expression
    span: Span


@dataclass(frozen=True)
class Transpose:
    """A transposed matrix, or a vector written as a row."""

    operand: Expression
    span: Span


@dataclass(frozen=True)
class SumOver:
    """A sum over the axis that has a letter."""

    letter: str
    operand: Expression
    span: Span


@dataclass(frozen=True)
class Fenced:
    """An operand between signs: squared norm or indicator, by the op's name."""

    op: str
    operand: Expression
    span: Span


Expression: TypeAlias = (
    Number | Name | Call | Infix | Negation | Product | Power | Transpose | SumOver | Fenced
)


@dataclass(frozen=True)
class Declared:
    """One declared leaf: name, shape (a function's: its arguments), kind, and whether it is frozen."""

    name: str
    shape: Shape
    kind: str
    frozen: bool
    span: Span


@dataclass(frozen=True)
class Declaration:
    """A line that declares leaves of one role, or with plain names sizes or outputs."""

    keyword: str
    items: tuple[Declared, ...]
    span: Span


@dataclass(frozen=True)
class Equation:
    """A line that defines a name, or with `is_update` changes a leaf; the shape if it is stated."""

    name: str
    right: Expression
    shape: Shape | None
    is_update: bool
    span: Span


Statement: TypeAlias = "Declaration | Equation"
