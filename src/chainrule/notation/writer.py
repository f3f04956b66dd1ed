"""Expressions as Unicode or ASCII text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias, cast

from chainrule.ir import form as forms
from chainrule.ir.constant import Constant
from chainrule.ir.form import Level
from chainrule.ir.names import ascii_name
from chainrule.ir.op import Op
from chainrule.ir.shape import Shape, show_shape, stretches
from chainrule.ir.value import Value
from chainrule.notation.dialect import PLAIN, Dialect, Sign, lowered, raised
from chainrule.notation.lines import Lines

Script: TypeAlias = Literal["text", "ascii", "latex"]
Piece: TypeAlias = "tuple[str, Level]"


class Writer:
    """Writes the right-hand side of each line of a plan, with no more brackets than needed."""

    script: Script = "text"

    def __init__(self, lines: Lines, dialect: Dialect = PLAIN) -> None:
        self.lines, self.dialect = lines, dialect
        self._taken = set(lines.graph.names)
        self._letters = lines.graph.letters
        self._equation = ""
        self._open_fences: list[str] = []
        self._rules: Mapping[type, Callable[[Value], Piece]] = {
            forms.Call: self._call,
            forms.Infix: self._infix,
            forms.Prefix: self._prefix,
            forms.Fence: self._fence,
            forms.Fraction: self._fraction,
            forms.Product: self._product,
            forms.MatrixProduct: self._matrix_product,
            forms.OuterProduct: self._outer_product,
            forms.Power: self._power,
            forms.Transpose: self._transpose,
            forms.Sum: self._sum,
            forms.Hidden: self._call,
        }

    def right_side(self, name: str, value: Value) -> str:
        """Return what stands right of the equals sign in the equation `name = value`."""
        self._equation = name
        number = value.constant
        return self.number(number)[0] if number is not None else self._rules[type(value.op.form)](value)[0]

    def expression(self, value: Value, equation: str = "") -> str:
        """Return a value as used in an equation: its name, or written out."""
        self._equation = equation
        return self._write(value)[0]

    def sign(self, sign: Sign | forms.Infix | forms.Prefix) -> str:
        """Return a sign in this script."""
        return {"text": sign.text, "ascii": sign.ascii, "latex": sign.latex}[self.script]

    def name(self, name: str) -> str:
        """Return a name as printed."""
        return name

    def bracketed(self, text: str) -> str:
        """Return a text in brackets."""
        return f"({text})"

    def _write(self, value: Value) -> Piece:
        number = value.constant
        if number is not None:
            return self.number(number)
        spelling = self.lines.spelling(value, self._equation)
        if spelling is not None:
            return self.name(spelling), Level.ATOM
        return self._rules[type(value.op.form)](value)

    def _at(self, value: Value, least: Level) -> str:
        """Return a value's text, in brackets if it binds more loosely than `least`."""
        text, level = self._write(value)
        return text if level >= least else self.bracketed(text)

    def number(self, number: Constant) -> Piece:
        """Return a constant as text with its level."""
        above, below = number.halves(self._letters)
        minus = above[0].startswith("-")
        above = [above[0].removeprefix("-"), *above[1:]]
        text = self._quotient([self._number_part(p) for p in above], [self._number_part(p) for p in below])
        if minus:
            return self._minus() + text, Level.NEGATION
        single = len(above) == 1 and not below
        if not single:
            return text, Level.PRODUCT
        return text, Level.POSTFIX if "^" in above[0] else Level.ATOM

    def _number_part(self, part: str) -> str:
        letter, _, power = part.partition("^")
        if letter[0].isdigit():
            return part
        text = f"size({letter})" if letter in self._taken else self.size(letter)
        return text + (self.superscript(int(power)) if power else "")

    def size(self, letter: str) -> str:
        """Return a size letter as printed."""
        return letter

    def _quotient(self, above: Sequence[str], below: Sequence[str]) -> str:
        if not below:
            return " ".join(above)
        divisor = below[0] if len(below) == 1 else self.bracketed(" ".join(below))
        return f"{' '.join(above)}/{divisor}"

    def superscript(self, number: int) -> str:
        """Return a whole exponent."""
        return raised(number) if self.script == "text" else f"^{number}"

    def _minus(self) -> str:
        return "−" if self.script == "text" else "-"

    def _operands(self, value: Value) -> list[Value]:
        """Return the operands as written: broadcasting is left out where the reader puts it back."""
        if not value.op.broadcasts:
            return list(value.inputs)
        numbers_stay = isinstance(value.op.form, forms.Infix | forms.Fraction)
        hidden = [self._hidden(x, numbers_stay) for x in value.inputs]
        if all(x is not None for x in hidden):
            hidden[-1] = None
        return [x if inner is None else inner for x, inner in zip(value.inputs, hidden, strict=True)]

    def _hidden(self, value: Value, numbers_stay: bool) -> Value | None:
        """Return what a broadcast repeats if it has no name, or None.

        A number in a sum or fraction stays a number, the 1 of 1 − A², though a gradient that is 1
        everywhere is the same value and has a name.
        """
        if not isinstance(value.op.form, forms.Hidden):
            return None
        inner = value.inputs[0]
        is_number = numbers_stay and inner.constant is not None
        if self.lines.spelling(value, self._equation) and not is_number:
            return None
        return inner if stretches(inner.shape, value.shape) else None

    def _call(self, value: Value) -> Piece:
        written = [self._at(x, Level.COMPARISON) for x in self._operands(value)]
        return self.call(value.op, [*written, *self._settings(value)]), Level.ATOM

    def call(self, op: Op, arguments: Sequence[str]) -> str:
        """Return a function call."""
        return f"{op.name}({', '.join(arguments)})"

    def _settings(self, value: Value) -> list[str]:
        """Return the attributes that are not the default; required ones stand by place."""
        settings: list[str] = []
        for attribute in value.op.attributes:
            setting = value.attributes[attribute.name]
            if attribute.type == "axes" and isinstance(setting, tuple):
                axes = cast("tuple[int, ...]", setting)
                setting = axes[0] if len(axes) == 1 else axes
            if attribute.default == "required" and attribute.type != "number":
                settings.append(self.literal(setting))
            elif setting != attribute.default:
                settings.append(self.setting(attribute.name, self.literal(setting)))
        return settings

    def setting(self, name: str, text: str) -> str:
        """Return an attribute given by name."""
        return f"{name}={text}"

    def literal(self, item: object) -> str:
        """Return an attribute's value as text: a number, a letter, a flag, or a tuple of these."""
        if isinstance(item, tuple):
            members = cast("tuple[object, ...]", item)
            return f"({', '.join(map(self.literal, members))})"
        return str(item).lower() if isinstance(item, bool) else str(item)

    def _infix(self, value: Value) -> Piece:
        form = value.op.form
        assert isinstance(form, forms.Infix)  # noqa: S101 - the table of rules says so
        left, right = self._operands(value)
        tighter = Level.REDUCTION if form.level == Level.SUM else Level.SUM
        loosest = Level.SUM
        return f"{self._at(left, loosest)} {self.sign(form)} {self._at(right, tighter)}", form.level

    def _prefix(self, value: Value) -> Piece:
        form = value.op.form
        assert isinstance(form, forms.Prefix)  # noqa: S101 - the table of rules says so
        return self.sign(form) + self._at(value.inputs[0], Level.REDUCTION), form.level

    def _fence(self, value: Value) -> Piece:
        form = value.op.form
        assert isinstance(form, forms.Fence)  # noqa: S101 - the table of rules says so
        left, right = {"text": form.text, "ascii": form.ascii, "latex": form.latex}[self.script]
        nested = left in self._open_fences and right.startswith(left)
        self._open_fences.append(left)
        text = left + self._at(value.inputs[0], Level.COMPARISON) + right
        self._open_fences.pop()
        return (self.bracketed(text), Level.ATOM) if nested else (text, form.level)

    def _fraction(self, value: Value) -> Piece:
        above, below = self._operands(value)
        left = self._grouped(above, forms.MatrixProduct, forms.OuterProduct)
        slash = "/" if value.shape == () else " / "
        return f"{left}{slash}{self._at(below, Level.POSTFIX)}", Level.PRODUCT

    def _grouped(self, value: Value, *apart: type) -> str:
        """Return a left factor; the forms in `apart` are put in brackets, though they bind as tightly."""
        text, level = self._write(value)
        loose = level < Level.PRODUCT or (
            level == Level.PRODUCT and type(self._scaled_by(value).op.form) in apart
        )
        return self.bracketed(text) if loose else text

    def _scaled_by(self, value: Value) -> Value:
        """Return the last factor of a scalar product, bᵀ b of 2 bᵀ b; else the value itself."""
        while value.shape == () and isinstance(value.op.form, forms.Product) and not self._is_named(value):
            value = value.inputs[1]
        return value

    def _product(self, value: Value) -> Piece:
        left, right = self._operands(value)
        if left.shape != () and right.shape != ():
            apart = (forms.MatrixProduct, forms.OuterProduct, forms.Fraction)
            sign = self.sign(self.dialect.hadamard)
            return f"{self._grouped(left, *apart)} {sign} {self._at(right, Level.POSTFIX)}", Level.PRODUCT
        if left.constant is not None:
            return self._scaled(left.constant, right)
        tail, level = self._tail(right, Level.POSTFIX if value.shape == () else Level.REDUCTION)
        return f"{self._grouped(left, forms.MatrixProduct)} {tail}", level

    def _tail(self, value: Value, least: Level) -> Piece:
        """Return the last factor of a product; a sum sign there needs no brackets."""
        text, level = self._write(value)
        if level < least or (level == Level.PRODUCT and self._starts_with_a_scalar(value)):
            return self.bracketed(text), Level.PRODUCT
        return text, min(level, Level.PRODUCT)

    def _starts_with_a_scalar(self, value: Value) -> bool:
        """Tell whether a quotient's first numerator would join the scalar before it, as in 2 (1/b)."""
        first, product = value, False
        while isinstance(first.op.form, forms.Fraction | forms.Product):
            if first is not value and self._is_named(first):
                return False
            is_quotient = isinstance(first.op.form, forms.Fraction)
            product = product or not is_quotient
            first = self._operands(first)[0]
            joins = first.constant is not None if product else first.shape == ()
            if is_quotient and joins:
                return True
        return False

    def _scaled(self, number: Constant, rest: Value) -> Piece:
        """Return number · rest; where the rest begins with a leaf, as in λ/2 ‖W‖², it joins the fraction."""
        above, below = number.halves(self._letters)
        minus = above[0].startswith("-")
        above = [above[0].removeprefix("-"), *above[1:]]
        level = Level.NEGATION if minus else Level.PRODUCT
        leader, others = self._leader(rest)
        if leader is None or not below:
            front = self.number(Constant(abs(number.factor), number.powers))[0]
            tail, tail_level = self._tail(rest, Level.REDUCTION)
            return (self._minus() if minus else "") + f"{front} {tail}", min(level, tail_level)
        top = [p for p in above if p != "1"] + [leader]
        parts = [self._number_part(p) for p in top[:-1]] + [top[-1]]
        text = self._quotient(parts, [self._number_part(p) for p in below])
        return (self._minus() if minus else "") + " ".join([text, *others]), level

    def _leader(self, value: Value) -> tuple[str | None, list[str]]:
        """Split a scalar product into the text of a leading leaf, if there is one, and its other factors."""
        if value.op.name == "leaf" and value.shape == ():
            return self._write(value)[0], []
        if isinstance(value.op.form, forms.Product) and value.shape == () and not self._is_named(value):
            leader, others = self._leader(value.inputs[0])
            return leader, [*others, self._at(value.inputs[1], Level.POSTFIX)]
        return None, []

    def _is_named(self, value: Value) -> bool:
        return self.lines.spelling(value, self._equation) is not None

    def _matrix_product(self, value: Value) -> Piece:
        left, right = value.inputs
        after = self._at(right, Level.POSTFIX)
        if left.ndim == right.ndim == 1:
            return f"{self._at(left, Level.ATOM)}{self.sign(self.dialect.transpose)} {after}", Level.PRODUCT
        apart = (forms.Product, forms.Fraction)
        return f"{self._grouped(left, *apart)} {after}", Level.PRODUCT

    def _outer_product(self, value: Value) -> Piece:
        left, right = value.inputs
        row = self._at(right, Level.ATOM) + self.sign(self.dialect.transpose)
        return f"{self._grouped(left, forms.Product, forms.Fraction)} {row}", Level.PRODUCT

    def _power(self, value: Value) -> Piece:
        base, exponent = self._operands(value)
        if value.shape not in (base.shape, exponent.shape):
            base = value.inputs[0]
        whole = None if exponent.constant is None else exponent.constant.as_integer()
        raised_to = self.exponent(exponent) if whole is None else self.superscript(whole)
        return self._at(base, Level.ATOM) + raised_to, Level.POSTFIX

    def exponent(self, value: Value) -> str:
        """Return an exponent that is not a whole number; a value called T is no transpose."""
        raised_to = "^" + self._at(value, Level.ATOM)
        return f"^({raised_to[1:]})" if raised_to == self.dialect.transpose.ascii else raised_to

    def _transpose(self, value: Value) -> Piece:
        if value.attributes["axes"] != (1, 0):
            return self._call(value)
        return self._at(value.inputs[0], Level.ATOM) + self.sign(self.dialect.transpose), Level.POSTFIX

    def _sum(self, value: Value) -> Piece:
        (x,) = value.inputs
        axes = value.attributes["axis"]
        letter = _letter_of_axis(x.shape, axes if isinstance(axes, tuple) else ())  # pyright: ignore[reportUnknownArgumentType]  # a tuple of axes
        # LaTeX is read by people, who see from the shape whether the axis is kept; text is parsed.
        kept = value.attributes["keepdims"] and self.script != "latex"
        if letter is None or kept:
            return self._call(value)
        return self.sigma(letter) + self._at(x, Level.POSTFIX), Level.REDUCTION

    def sigma(self, letter: str) -> str:
        """Return the sum sign for an axis, with the space after it."""
        return f"{self.sign(self.dialect.sigma)}{letter if self.script == 'ascii' else lowered(letter)} "

    def shape(self, value: Value) -> str:
        """Return a value's shape, with its kind where it is not real."""
        return show_shape(value.shape) + ("" if value.kind == "real" else f" {value.kind}")


class AsciiWriter(Writer):
    """Writes expressions with the signs of an English keyboard."""

    script: Script = "ascii"

    def name(self, name: str) -> str:
        """Return a name with Greek letters spelled out."""
        return ascii_name(name)


def _letter_of_axis(shape: Shape, axes: tuple[int, ...]) -> str | None:
    """Return the letter of the one axis summed over, if the shape has it once."""
    if len(axes) != 1:
        return None
    size = shape[axes[0]]
    return size if isinstance(size, str) and shape.count(size) == 1 else None
