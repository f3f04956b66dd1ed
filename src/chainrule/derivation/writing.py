"""Syntax trees as text: in a document's own signs, or with every bracket, or as shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from chainrule.derivation.tree import product
from chainrule.ir.names import normalized
from chainrule.notation import syntax
from chainrule.notation.dialect import SUPERSCRIPTS, lowered
from chainrule.notation.syntax import Expression

_SUM, _TERM, _PRODUCT, _FACTOR, _ATOM = range(5)


@dataclass(frozen=True)
class Style:
    """The signs with which a document is written.

    Attributes:
        transpose: ᵀ or ^T.
        hadamard: ⊙, .* or, where shapes make it plain, *.
        minus: − or -.
        matrix: what stands between two matrices, a space or @.
        ascii: whether sums and norms are written in ASCII.
        sigma: whether sums are written Σₘ, not sum(…, axis=0).
        names: how each name is spelled, by its normalized form.
    """

    transpose: str = "ᵀ"
    hadamard: str = "⊙"
    minus: str = "−"
    matrix: str = ""
    ascii: bool = False
    sigma: bool = True
    names: tuple[tuple[str, str], ...] = ()

    def of_line(self, text: str) -> Style:
        """Return the style of one line: its own signs, the document's for those that it has not."""
        return replace(
            self,
            transpose="^T" if "^T" in text else "ᵀ" if "ᵀ" in text else self.transpose,
            hadamard=".*" if ".*" in text else "⊙" if "⊙" in text else self.hadamard,
            minus="−" if "−" in text else "-" if "-" in text.replace("<-", "") else self.minus,
            matrix="@" if "@" in text else self.matrix,
        )

    def spelled(self, name: str) -> str:
        """Return a name as the document spells it."""
        return dict(self.names).get(normalized(name), name)


def style_of(text: str, names: tuple[tuple[str, str], ...] = ()) -> Style:
    """Return the style of a text, which is Unicode unless ASCII signs are seen alone."""
    plain = text.isascii()
    return Style(
        transpose="^T" if ("^T" in text or plain) and "ᵀ" not in text else "ᵀ",
        hadamard=".*" if (".*" in text or plain) and "⊙" not in text else "⊙",
        minus="-" if ("-" in text.replace("<-", "") or plain) and "−" not in text else "−",
        matrix="@" if "@" in text else "",
        ascii=plain,
        sigma="axis" not in text or "Σ" in text or "sum_" in text,
        names=names,
    )


def write(tree: Expression, style: Style = Style()) -> str:
    """Return a tree as text in a style, with brackets only where they are needed."""
    return _Writer(style).at(tree, _SUM)


def bracketed(tree: Expression, style: Style, is_scalar: Callable[[Expression], bool]) -> str:
    """Return a tree as text with every operation in brackets but the last, and @ for the matrix product."""
    return _Bracketed(style, is_scalar).at(tree, _SUM)


def as_shapes(
    tree: Expression,
    style: Style,
    is_scalar: Callable[[Expression], bool],
    shape: Callable[[Expression], str],
) -> str:
    """Return a tree, bracketed, with a shape in the place of every symbol and function."""
    return _Shapes(style, is_scalar, shape).at(tree, _SUM)


class _Writer:
    """Writes a node for a place that asks for a level of binding."""

    def __init__(self, style: Style) -> None:
        self.style = style

    def at(self, node: Expression, level: int) -> str:
        """Return a node's text, in brackets if it binds more loosely than the place."""
        text, own = self.text(node)
        return f"({text})" if own < level else text

    def text(self, node: Expression) -> tuple[str, int]:
        """Return a node's text without brackets, and how tightly it binds."""
        return getattr(self, f"_{type(node).__name__.lower()}")(node)

    def _number(self, node: syntax.Number) -> tuple[str, int]:
        return node.text, _ATOM

    def _name(self, node: syntax.Name) -> tuple[str, int]:
        return self.style.spelled(node.text), _ATOM

    def _call(self, node: syntax.Call) -> tuple[str, int]:
        settings = [f"{s.name}={_setting(s.item)}" if s.name else _setting(s.item) for s in node.settings]
        inside = ", ".join([*(self.at(part, _SUM) for part in node.arguments), *settings])
        return f"{self.style.spelled(node.function)}{chr(39) * node.derivative}({inside})", _ATOM

    def _infix(self, node: syntax.Infix) -> tuple[str, int]:
        sign = self.style.minus if node.sign == "-" else node.sign
        additive = node.sign in "+-"
        left = self.at(node.left, _SUM if additive else _TERM)
        return f"{left} {sign} {self.at(node.right, _PRODUCT if additive else _TERM)}", _SUM

    def _negation(self, node: syntax.Negation) -> tuple[str, int]:
        return f"{self.style.minus}{self.at(node.operand, _PRODUCT)}", _TERM

    def _product(self, node: syntax.Product) -> tuple[str, int]:
        *before, last = node.factors
        bare_sum = isinstance(last, syntax.SumOver)
        parts = [
            *(self.at(factor, _FACTOR) for factor in before),
            self.at(last, _PRODUCT if bare_sum else _FACTOR),
        ]
        text = parts[0]
        for sign, part in zip(node.signs, parts[1:], strict=True):
            text += self._between(sign) + part
        return text, _PRODUCT

    def _between(self, sign: str) -> str:
        signs = {
            "": " ",
            ".*": f" {self.style.hadamard} ",
            "/": "/",
        }
        return signs.get(sign, f" {sign} ")

    def _power(self, node: syntax.Power) -> tuple[str, int]:
        base = self.at(node.base, _ATOM)
        exponent = node.exponent
        if isinstance(exponent, syntax.Number) and exponent.text.isdigit() and not self.style.ascii:
            return base + "".join(SUPERSCRIPTS[d] for d in exponent.text), _FACTOR
        return f"{base}^{self.at(exponent, _ATOM)}", _FACTOR

    def _transpose(self, node: syntax.Transpose) -> tuple[str, int]:
        return self.at(node.operand, _ATOM) + self.style.transpose, _FACTOR

    def _sumover(self, node: syntax.SumOver) -> tuple[str, int]:
        sign = f"sum_{node.letter}" if self.style.ascii else f"Σ{lowered(node.letter)}"
        return f"{sign} {self.at(node.operand, _PRODUCT)}", _PRODUCT

    def _fenced(self, node: syntax.Fenced) -> tuple[str, int]:
        bar = "||" if self.style.ascii else "‖"
        inside = self.at(node.operand, _SUM)
        fences = {
            "indicator": f"1[{inside}]",
            "squared_norm": f"{bar}{inside}{bar}{'^2' if self.style.ascii else '²'}",
            "l1_norm": f"{bar}{inside}{bar}{'_1' if self.style.ascii else '₁'}",
        }
        return fences[node.op], _FACTOR


class _Bracketed(_Writer):
    """Every operation within another stands in brackets; the matrix product is written @."""

    def __init__(self, style: Style, is_scalar: Callable[[Expression], bool]) -> None:
        super().__init__(style)
        self.is_scalar = is_scalar

    def at(self, node: Expression, level: int) -> str:
        """Return a node's text, in brackets if it is an operation within another."""
        text, own = self.text(node)
        return f"({text})" if own < _FACTOR and level > _SUM else text

    def _infix(self, node: syntax.Infix) -> tuple[str, int]:
        sign = self.style.minus if node.sign == "-" else node.sign
        return f"{self.at(node.left, _FACTOR)} {sign} {self.at(node.right, _FACTOR)}", _SUM

    def _product(self, node: syntax.Product) -> tuple[str, int]:
        *before, last = node.factors
        left = product(tuple(before), node.signs[:-1])
        sign = node.signs[-1]
        scalar = self.is_scalar(left) or self.is_scalar(last)
        between = {"": " " if scalar else " @ ", ".*": f" {self.style.hadamard} ", "/": " / "}.get(
            sign, f" {sign} "
        )
        return f"{self.at(left, _FACTOR)}{between}{self.at(last, _FACTOR)}", _PRODUCT


class _Shapes(_Bracketed):
    """A bracketed tree whose leaves are shapes."""

    def __init__(
        self, style: Style, is_scalar: Callable[[Expression], bool], shape: Callable[[Expression], str]
    ) -> None:
        super().__init__(style, is_scalar)
        self.shape = shape

    def text(self, node: Expression) -> tuple[str, int]:
        """Return a symbol's shape, or the text of an operation on shapes."""
        inner = isinstance(node, syntax.Infix | syntax.Negation | syntax.Product | syntax.SumOver)
        if inner or (isinstance(node, syntax.Fenced) and node.op != "indicator"):
            return super().text(node)
        return (node.text if isinstance(node, syntax.Number) else self.shape(node)), _ATOM


def _setting(item: Any) -> str:
    if isinstance(item, tuple):
        return f"({', '.join(map(_setting, cast('tuple[Any, ...]', item)))})"
    return str(item).lower() if isinstance(item, bool) or item is None else str(item)
