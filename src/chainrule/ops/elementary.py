"""Elementary functions of one or two numbers: powers, logarithms, erf, signs, limits, maximum, minimum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.ir.form import Call, Fence
from chainrule.ir.op import Attribute, Domain, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value
from chainrule.ops.error_function import erf, erfc


class Exp(Primitive):
    """Exponential, y = eˣ."""

    signature = "... -> ..."
    form = Call(r"\exp")

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.exp(x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * y,)


class Expm1(Primitive):
    """Exponential less one, y = eˣ − 1, to full precision where x is small."""

    signature = "... -> ..."

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.expm1(x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * lookup("exp")(x),)


class Log(Primitive):
    """Natural logarithm, y = log x; −∞ at 0, NaN below."""

    signature = "... -> ..."
    form = Call(r"\log")
    domain = (Domain(0.0, open=True),)

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.log(x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy / x,)


class Log1p(Primitive):
    """Logarithm of one more, y = log(1 + x), to full precision where x is small; −∞ at −1, NaN below."""

    signature = "... -> ..."
    domain = (Domain(-1.0, open=True),)

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.log1p(x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy / (1 + x),)


class Sqrt(Primitive):
    """Square root, y = √x, with derivative 1 / (2 y), infinite at 0; NaN below."""

    signature = "... -> ..."
    form = Fence(("sqrt(", ")"), ("sqrt(", ")"), (r"\sqrt{", "}"))
    domain = (Domain(0.0),)

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.sqrt(x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy / (2 * y),)


class Square(Primitive):
    """Square, y = x²."""

    signature = "... -> ..."

    def forward(self, xp: Any, x: Any) -> Any:
        return x * x

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (2 * dy * x,)


class Erf(Primitive):
    """Error function, y = 2/√π ∫₀ˣ exp(−t²) dt, with derivative 2/√π exp(−x²).

    Exact to a few units in the last place.
    """

    signature = "... -> ..."
    source = "W. J. Cody, Rational Chebyshev approximations for the error function, 1969"

    def forward(self, xp: Any, x: Any) -> Any:
        return erf(xp, x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (2 / math.sqrt(math.pi) * dy * lookup("exp")(-(x**2)),)


class Erfc(Primitive):
    """Complement of the error function, y = 1 − erf(x), which keeps its precision where erf(x) is near 1."""

    signature = "... -> ..."
    source = "W. J. Cody, Rational Chebyshev approximations for the error function, 1969"

    def forward(self, xp: Any, x: Any) -> Any:
        return erfc(xp, x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (-2 / math.sqrt(math.pi) * dy * lookup("exp")(-(x**2)),)


class Abs(Primitive):
    """Absolute value, y = |x|; the subgradient at 0 is 0."""

    signature = "... -> ..."
    form = Fence(("abs(", ")"), ("abs(", ")"), (r"\left|", r"\right|"))
    kinks = (0.0,)

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.abs(x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * lookup("sign")(x),)


class Sign(Primitive):
    """Sign, y = −1, 0 or 1; constant between jumps, so it has no gradient."""

    signature = "... -> ..."
    form = Call(r"\operatorname{sign}")
    kinks = (0.0,)

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.sign(x)


class Floor(Primitive):
    """Floor, y = ⌊x⌋, the greatest whole number up to x; constant between jumps, so it has no gradient."""

    signature = "... -> ..."
    form = Fence(("floor(", ")"), ("floor(", ")"), (r"\left\lfloor ", r"\right\rfloor"))

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.floor(x)

    def branches(self, xp: Any, x: Any) -> Any:
        return xp.floor(x)


class Clip(Primitive):
    """Limits, y = min(max(x, low), high); the subgradient at both limits is 0."""

    signature = "... -> ..."
    attributes = (Attribute("low", "number"), Attribute("high", "number"))

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        if attributes["low"] >= attributes["high"]:
            raise MismatchError(f"low must be less than high, not {attributes['low']} ≥ {attributes['high']}")
        return attributes

    def forward(self, xp: Any, x: Any, *, low: float, high: float) -> Any:
        return xp.minimum(xp.maximum(x, low), high)

    def branches(self, xp: Any, x: Any, *, low: float, high: float) -> Any:
        return xp.stack([x > low, x > high])

    def vjp(self, dy: Value, y: Value, x: Value, *, low: float, high: float) -> tuple[Value]:
        return (dy * (x > low) * (x < high),)


class Maximum(Primitive):
    """Greater of two, y = max(a, b); where they are equal the first has the whole gradient."""

    signature = "..., ... -> ..."
    broadcasts = True

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return xp.maximum(a, b)

    def branches(self, xp: Any, a: Any, b: Any) -> Any:
        return a > b

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
        return dy * (a >= b), dy * (a < b)


class Minimum(Primitive):
    """Lesser of two, y = min(a, b); where they are equal the first has the whole gradient."""

    signature = "..., ... -> ..."
    broadcasts = True

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return xp.minimum(a, b)

    def branches(self, xp: Any, a: Any, b: Any) -> Any:
        return a > b

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
        return dy * (a <= b), dy * (a > b)
