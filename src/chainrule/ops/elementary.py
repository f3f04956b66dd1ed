"""Elementary functions of one or two numbers: exp, log, abs, sign, maximum, minimum."""

from __future__ import annotations

from typing import Any

from chainrule.ir.form import Call, Fence
from chainrule.ir.op import Domain, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.value import Value


class Exp(Primitive):
    """Exponential, y = eˣ."""

    signature = "... -> ..."
    form = Call(r"\exp")

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.exp(x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * y,)


class Log(Primitive):
    """Natural logarithm, y = log x; −∞ at 0, NaN below."""

    signature = "... -> ..."
    form = Call(r"\log")
    domain = (Domain(0.0, open=True),)

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.log(x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy / x,)


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
