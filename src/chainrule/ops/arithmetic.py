"""Arithmetic, element by element: add, subtract, multiply, divide, negative, pow."""

from __future__ import annotations

from typing import Any

from chainrule.ir.build import raw
from chainrule.ir.constant import Constant
from chainrule.ir.form import Fraction, Infix, Level, Power, Prefix, Product
from chainrule.ir.op import REALS, Domain, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.value import Value
from chainrule.ops.factors import is_negated, scaled, split, times


def _added(first: Value, second: Value, sign: int) -> Value | None:
    """Return the sum of two constants of the same letters, else None."""
    a, b = first.constant, second.constant
    if a is None or b is None or a.powers != b.powers:
        return None
    total = Constant.of(a.factor + sign * b.factor)
    return first.graph.constant(Constant(total.factor, a.powers if total.factor else ()))


class Add(Primitive):
    """Sum, y = a + b."""

    signature = "..., ... -> ..."
    form = Infix("+", "+", "+", Level.SUM)
    broadcasts = True
    verb = ("add", " and ")

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a + b

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
        return dy, dy

    def fold(self, a: Value, b: Value) -> Value | None:
        if is_negated(b):
            return lookup("subtract")(a, -b)
        return _added(a, b, 1)


class Subtract(Primitive):
    """Difference, y = a − b."""

    signature = "..., ... -> ..."
    form = Infix("−", "-", "-", Level.SUM)
    broadcasts = True
    verb = ("subtract", " and ")

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a - b

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
        return dy, -dy

    def fold(self, a: Value, b: Value) -> Value | None:
        if is_negated(b):
            return lookup("add")(a, -b)
        return _added(a, b, -1)


class Multiply(Primitive):
    """Element-wise (Hadamard) product, y = a ⊙ b; with a scalar, y = a b."""

    signature = "..., ... -> ..."
    form = Product()
    broadcasts = True
    verb = ("multiply element by element", " and ")

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a * b

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
        return dy * b, dy * a

    def fold(self, a: Value, b: Value) -> Value | None:
        """Gather the scalar factors in front; constants multiply out, 1 · x is x."""
        if a.constant is not None and b.constant is not None:
            return a.graph.constant(a.constant * b.constant)
        (s, left), (t, right) = split(a), split(b)
        scalar = times(s, t)
        if left is None or right is None:
            rest = right if left is None else left
            if rest is None:
                return lookup("expand")(scalar, shape=a.shape) if scalar is not None else None
            return scaled(scalar, rest)
        return scaled(scalar, raw("multiply", left, right))


class Divide(Primitive):
    """Quotient, y = a / b."""

    signature = "..., ... -> ..."
    form = Fraction()
    broadcasts = True
    domain = (REALS, Domain(without=(0.0,)))
    verb = ("divide", " by ")

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a / b

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
        return dy / b, -(dy * y / b)

    def fold(self, a: Value, b: Value) -> Value | None:
        """Division by a constant is a product; a scalar of the numerator goes in front."""
        divisor = b.repeated_constant
        if divisor is not None:
            return None if divisor.factor == 0 else a * divisor.reciprocal()
        scalar, rest = split(a)
        if scalar is None or rest is None:
            return None
        return scaled(scalar, raw("divide", rest, b))


class Negative(Primitive):
    """Change of sign, y = −x."""

    signature = "... -> ..."
    form = Prefix("−", "-", "-", Level.NEGATION)

    def forward(self, xp: Any, x: Any) -> Any:
        return -x

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (-dy,)

    def fold(self, x: Value) -> Value | None:
        if x.constant is not None:
            return x.graph.constant(-x.constant)
        scalar, rest = split(x)
        if scalar is None:
            return _opposite(x)
        return lookup("expand")(-scalar, shape=x.shape) if rest is None else scaled(-scalar, rest)


def _opposite(x: Value) -> Value | None:
    """Return −(a − b) as b − a and −(−a + b) as a − b, where x is such an unnamed sum."""
    if x.graph.is_named(x) or x.op.name not in ("add", "subtract"):
        return None
    a, b = x.inputs
    if x.op.name == "subtract":
        return b - a
    return -a - b if is_negated(a) else None


class Pow(Primitive):
    """Power, y = aᵇ; the exponent is a scalar or has the shape of the base.

    The gradient of the exponent is y log a, for a > 0. A whole exponent admits any base.
    """

    signature = "..., -> ... | ..., ... -> ..."
    form = Power()
    broadcasts = True
    domain = (Domain(0.0, open=True), REALS)
    verb = ("raise", " to the power ")

    def align(self, inputs: tuple[Value, ...]) -> tuple[Value, ...]:
        return inputs if inputs[1].shape == () else super().align(inputs)

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a**b

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value | None]:
        base = dy * (b * a ** (b - 1))
        if b.constant is not None:
            return base, None
        exponent = dy * (y * lookup("log")(a))
        return base, exponent if b.shape == a.shape else exponent.sum()

    def fold(self, a: Value, b: Value) -> Value | None:
        if b.constant is None:
            return None
        if b.constant.is_number(1):
            return a
        result = None if a.constant is None else a.constant.power(b.constant)
        return None if result is None else a.graph.constant(result)
