"""From an expression's syntax tree to a value: names get their values, products their meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

from chainrule.errors import ChainruleError, ParseError, nearest
from chainrule.ir.build import show_arity
from chainrule.ir.constant import Constant
from chainrule.ir.graph import Graph
from chainrule.ir.names import normalized
from chainrule.ir.op import Op
from chainrule.ir.registry import every_op, is_function, lookup
from chainrule.ir.shape import Shape, letters_of, show_shape
from chainrule.ir.value import Value
from chainrule.notation import syntax
from chainrule.notation.quote import two_readings
from chainrule.notation.settings import expected_instead
from chainrule.notation.syntax import Expression, Span

_INFIX = {
    "+": "add",
    "-": "subtract",
    ">": "greater",
    ">=": "greater_equal",
    "<": "less",
    "<=": "less_equal",
    "==": "equal",
    "!=": "not_equal",
}


_EXPECTED_NUMBER = "a number that a float holds"


class UnfitError(ParseError):
    """A product, sum, transpose or derivative that has no one meaning for these shapes."""


class _RowVector:
    """A vector written as a row, vᵀ: it only has a meaning beside another factor."""

    def __init__(self, value: Value) -> None:
        self.value = value


class _Chain:
    """A product being read: number · scalar · rest.

    Numbers and scalars are gathered apart from the rest, as they are in a graph, so that reading
    `λ/2 A B` makes A B and (λ/2) (A B), but not the value λ/2 A, which may have a name of its own.
    """

    def __init__(self, graph: Graph, sign: int) -> None:
        self.graph, self.sign = graph, sign
        self.number = Constant.of(1)
        self.scalar: Value | None = None
        self.rest: Any = None

    @property
    def rank(self) -> int:
        return 0 if self.rest is None else _rank(self.rest)

    def numerator(self) -> Value:
        """Return number · scalar, which a division takes over."""
        number = self.graph.constant(self.number)
        value = number if self.scalar is None else number * self.scalar
        self.number, self.scalar = Constant.of(1), None
        return value

    def value(self) -> Value:
        """Return the whole product."""
        self.number = self.number * Constant.of(self.sign)
        if self.rest is None:
            return self.numerator()
        if self.scalar is None and self.number in (Constant.of(1), Constant.of(-1)):
            return self.rest if self.number == Constant.of(1) else -self.rest
        return self.numerator() * self.rest


def _rank(factor: Any) -> int:
    return 1 if isinstance(factor, _RowVector) else factor.ndim


class Meaning:
    """Gives expressions their values in a graph.

    Attributes:
        graph: where the values go.
        letters: the declared sizes.
        defined_later: names that some line of the document defines.
        place: of the innermost expression that could not be given a value, or None.
    """

    def __init__(self, graph: Graph, lines: list[str], source: str) -> None:
        self.graph, self.lines, self.source = graph, lines, source
        self.letters: set[str] = set()
        self.defined_later: set[str] = set()
        self.place: Span | None = None
        self.rules: Mapping[type, Callable[[Any], Value]] = {
            syntax.Number: self._number,
            syntax.Name: self._name,
            syntax.Call: self._call,
            syntax.Infix: self._infix,
            syntax.Negation: self._negation,
            syntax.Product: self._product,
            syntax.Power: lambda e: lookup("pow")(self.value(e.base), self.value(e.exponent)),
            syntax.Transpose: self._transpose,
            syntax.SumOver: self._sum_over,
            syntax.Fenced: lambda e: lookup(e.op)(self.value(e.operand)),
        }

    def unfit(self, message: str, span: Span, *, expected: str, fix: str = "") -> NoReturn:
        """Raise an UnfitError at a place of the text."""
        self.fail(message, span, expected=expected, fix=fix, error=UnfitError)

    def fail(
        self,
        message: str,
        span: Span,
        *,
        expected: str,
        fix: str = "",
        error: type[ParseError] = ParseError,
    ) -> NoReturn:
        """Raise a ParseError at a place of the text."""
        text = self.lines[span.line - 1] if span.line <= len(self.lines) else ""
        raise error(
            message,
            line=span.line,
            column=span.start + 1,
            found=text[span.start : span.end],
            expected=expected,
            text=text,
            source=self.source,
            fix=fix,
        )

    def check_letters(self, shape: Shape, span: Span) -> None:
        """Check that the letters of a shape are declared sizes."""
        for letter in letters_of(shape):
            if letter not in self.letters:
                known = f"declare it, `sizes {', '.join([*sorted(self.letters), letter])}`."
                place = self._place_of(letter, span)
                self.fail(f"{letter} is not a declared size.", place, expected="a declared size", fix=known)

    def _place_of(self, letter: str, span: Span) -> Span:
        """Return where a letter stands in the text from the beginning of a span."""
        found = re.search(rf"\b{re.escape(letter)}\b", self.lines[span.line - 1][span.start :])
        start = span.start + found.start() if found else span.start
        return Span(span.line, start, start + len(letter)) if found else span

    def known(self, name: str, span: Span) -> Value:
        """Return the value of a name that an earlier line defines."""
        if name in self.graph:
            return self.graph[name]
        if normalized(name) in self.defined_later:
            early = f"{name} is used before the line that defines it."
            self.fail(early, span, expected="a name that an earlier line defines", fix="move that line up.")
        functions = filter(is_function, (op.name for op in every_op()))
        hint = nearest(name, [*self.graph.names, *sorted(self.letters)], functions)
        return self.fail(f"nothing is called {name}.", span, expected="a known name", fix=hint)

    def value(self, expression: Expression) -> Value:
        """Return the value of an expression."""
        value = self._meaning(expression)
        if isinstance(value, _RowVector):
            self.unfit(
                "a transposed vector stands alone.",
                expression.span,
                expected="another factor",
                fix="a row only has a meaning beside a factor: uᵀ v, u vᵀ or uᵀ W.",
            )
        return value

    def _meaning(self, expression: Expression) -> Any:
        """Return a value, or a vector written as a row."""
        try:
            return self.rules[type(expression)](expression)
        except ChainruleError:
            self.place = self.place or expression.span
            raise

    def _number(self, expression: syntax.Number) -> Value:
        text = expression.text
        try:
            number = Constant.of(int(text) if text.isdigit() else float(text))
        except ChainruleError as error:
            self.fail(error.message, expression.span, expected=_EXPECTED_NUMBER)
        if number.factor == 0 and any(digit in "123456789" for digit in text.lower().split("e")[0]):
            self.fail(f"{text} is too small for a float.", expression.span, expected=_EXPECTED_NUMBER)
        return self.graph.constant(number)

    def _name(self, expression: syntax.Name) -> Value:
        name = expression.text
        is_size = name in self.letters and name not in self.graph
        if is_size and normalized(name) not in self.defined_later:
            return self.graph.constant(Constant.letter(name))
        return self.known(name, expression.span)

    def _call(self, expression: syntax.Call) -> Value:
        if expression.function == "size":
            letter = expression.arguments[0]
            assert isinstance(letter, syntax.Name)  # noqa: S101 - the parser read a name
            self.check_letters((letter.text,), letter.span)
            return self.graph.constant(Constant.letter(letter.text))
        op = lookup(expression.function)
        if not op.takes(len(expression.arguments)):
            wrong = f"{op.name} takes {show_arity(op)}, not {len(expression.arguments)}."
            self.fail(wrong, expression.span, expected=show_arity(op))
        operands: list[Any] = [self.value(argument) for argument in expression.arguments]
        settings = self._settings(op, expression)
        if op.optional and len(operands) == op.arity and op.attributes[0].name not in settings:
            operands[-1] = operands[-1].constant or operands[-1]
        return (
            self._derivative(op, operands, settings, expression)
            if expression.derivative
            else op(*operands, **settings)
        )

    def _settings(self, op: Op, expression: syntax.Call) -> dict[str, Any]:
        """Return a call's attributes by name; those given by place follow the op's order."""
        names = [attribute.name for attribute in op.attributes]
        settings: dict[str, Any] = {}
        for place, setting in enumerate(expression.settings):
            name = setting.name or (names[place] if place < len(names) else "")
            if name not in names or name in settings:
                fix = f"its attributes are {', '.join(names)}." if names else "it has no attributes."
                expected = f"one of {', '.join(names)}, once" if names else "a closing bracket"
                self.fail(f"{op.name} has no place for this.", setting.span, expected=expected, fix=fix)
            settings[name] = self._checked_setting(op, name, setting)
        return settings

    def _checked_setting(self, op: Op, name: str, setting: syntax.Setting) -> object:
        """Return an attribute's value if it is of the attribute's type."""
        wanted = next(attribute.type for attribute in op.attributes if attribute.name == name)
        item: Any = setting.item
        if wanted in ("shape", "size"):
            sizes = cast("Shape", item if isinstance(item, tuple) else (item,))
            self.check_letters(sizes, setting.span)
        if expected := expected_instead(wanted, setting.item):
            self.fail(f"{name} of {op.name} is {expected}.", setting.span, expected=expected)
        return setting.item

    def _derivative(
        self, op: Op, operands: list[Value], settings: dict[str, Any], expression: syntax.Call
    ) -> Value:
        """Return f'(x), the derivative of an element-wise function of one operand."""
        x = operands[0]
        part: Value | None = None
        if op.arity == 1 and op.is_elementwise:
            one = lookup("expand")(self.graph.constant(1), shape=x.shape)
            y = op(x, **settings)
            part = op.vjp(one, y, x, **y.attributes)[0] if y.op is op else None
        if part is None:
            self.unfit(
                f"{op.name}' is not defined.",
                expression.span,
                expected="an element-wise function",
                fix="f' needs an element-wise function.",
            )
        return part

    def _infix(self, expression: syntax.Infix) -> Value:
        """Add terms from left to right, in a loop: a sum may have thousands of them."""
        terms: list[syntax.Infix] = []
        first: Expression = expression
        while isinstance(first, syntax.Infix):
            terms.append(first)
            first = first.left
        total = self.value(first)
        for term in reversed(terms):
            total = lookup(_INFIX[term.sign])(total, self.value(term.right))
        return total

    def _transpose(self, expression: syntax.Transpose) -> Any:
        value = self.value(expression.operand)
        if value.ndim == 1:
            return _RowVector(value)
        if value.ndim != 2:
            self.unfit(
                f"ᵀ needs a matrix or vector, not {show_shape(value.shape)}.",
                expression.span,
                expected="a matrix or vector",
                fix="permute_dims(x, (…)) reorders any axes.",
            )
        return value.T

    def _sum_over(self, expression: syntax.SumOver) -> Value:
        value = self.value(expression.operand)
        count = value.shape.count(expression.letter)
        if count != 1:
            self.unfit(
                f"{show_shape(value.shape)} has the size {expression.letter} {count} times, not once.",
                expression.span,
                expected=f"a value with the size {expression.letter} once",
                fix="name the axis by number: sum(x, axis=0).",
            )
        return value.sum(value.shape.index(expression.letter))

    def _negation(self, expression: syntax.Negation) -> Value:
        if isinstance(expression.operand, syntax.Product):
            return self._product(expression.operand, sign=-1)
        return -self.value(expression.operand)

    def _product(self, expression: syntax.Product, sign: int = 1) -> Value:
        """Multiply a chain from left to right; matrix and element-wise products must not meet."""
        chain = _Chain(self.graph, sign)
        met: set[str] = set()
        for place, before in enumerate(("", *expression.signs)):
            item = expression.factors[place]
            factor = self._meaning(item)
            if place:
                met.add(_manner(chain.rank, before, factor))
            if {"matrix", "element"} <= met:
                self._refuse_mixture(expression, place)
            self._join(chain, before, factor, expression, place)
        if isinstance(chain.rest, _RowVector):
            self.unfit(
                "a scalar before a row stands alone.",
                expression.span,
                expected="another factor",
                fix="write u (s vᵀ) as s u vᵀ.",
            )
        return chain.value()

    def _join(self, chain: _Chain, sign: str, factor: Any, expression: syntax.Product, place: int) -> None:
        """Add one factor to a chain: numbers and scalars in front, the rest from left to right."""
        scalar = isinstance(factor, Value) and factor.shape == () and sign != "@"
        number = factor.constant if scalar else None
        if number is not None and (sign != "/" or number.factor != 0):
            chain.number = chain.number / number if sign == "/" else chain.number * number
        elif scalar and sign != "/":
            chain.scalar = factor if chain.scalar is None else chain.scalar * factor
        elif scalar and chain.rest is None:
            chain.scalar = chain.numerator() / factor
        elif chain.rest is None and sign not in ("/", "@"):
            chain.rest = factor
        else:
            total = chain.numerator() if chain.rest is None else chain.rest
            chain.rest = self._multiplied(total, sign, factor, expression, place)

    def _multiplied(self, total: Any, sign: str, factor: Any, chain: syntax.Product, place: int) -> Value:
        """Return one product of a chain."""
        if isinstance(total, _RowVector) or isinstance(factor, _RowVector):
            return self._with_row(total, sign, factor, chain)
        scalar = () in (total.shape, factor.shape)
        if sign == "/":
            return total / factor
        if sign == ".*" or (scalar and sign != "@"):
            return total * factor
        if sign == "*":
            self.unfit(
                "* between two matrices could be either product.",
                chain.factors[place].span,
                expected="a space or ⊙ instead of *",
                fix="write A B for the matrix product, A ⊙ B or A .* B element by element.",
            )
        if total.ndim == factor.ndim == 1:
            self.unfit(
                "two vectors side by side could be several products.",
                chain.factors[place].span,
                expected="⊙ or ᵀ",
                fix="write u ⊙ v, uᵀ v or u vᵀ.",
            )
        return total @ factor

    def _with_row(self, total: Any, sign: str, factor: Any, chain: syntax.Product) -> Value:
        """Return uᵀ v, uᵀ W or u vᵀ."""
        if sign in ("", "@"):
            if isinstance(total, _RowVector) and isinstance(factor, Value) and factor.ndim:
                return total.value @ factor
            if isinstance(factor, _RowVector) and isinstance(total, Value) and total.ndim == 1:
                return lookup("outer")(total, factor.value)
        return self.unfit("this product with a transposed vector has no meaning.", chain.span,
                  expected="uᵀ v, u vᵀ or uᵀ W",
                  fix="uᵀ v is a scalar, u vᵀ a matrix, uᵀ W a vector.")  # fmt: skip

    def _refuse_mixture(self, chain: syntax.Product, place: int) -> NoReturn:
        """Refuse A B ⊙ C, showing both readings."""
        one, other = two_readings(self.lines, chain.factors[: place + 1])
        self.unfit(
            "the matrix product and the element-wise product meet without brackets.",
            chain.factors[place].span,
            expected="brackets",
            fix=f"write {one} or {other}.",
        )


def _manner(rank: int, sign: str, factor: Any) -> str:
    """Tell which product two factors make: of matrices, element by element, or with a scalar."""
    ranks = (rank, _rank(factor))
    if sign == "/":
        return "element" if ranks[1] else "scalar"
    if 0 in ranks:
        return "scalar"
    return "element" if sign == ".*" else "matrix"
