"""Comparisons, which make conditions, and what conditions are for: indicator and where."""

from __future__ import annotations

from typing import Any

from chainrule.ir.form import Fence, Infix, Level
from chainrule.ir.op import Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.value import Value


class Comparison(Primitive, abstract=True):
    """A condition on two numbers; it has no gradient."""

    signature = "..., ... -> ..."
    kind = "bool"
    broadcasts = True
    verb = ("compare", " with ")

    def branches(self, xp: Any, *arrays: Any, **attributes: Any) -> Any:
        return self.forward(xp, *arrays)


class Greater(Comparison):
    """Condition, y = (a > b)."""

    form = Infix(">", ">", ">", Level.COMPARISON)

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a > b


class GreaterEqual(Comparison):
    """Condition, y = (a ≥ b)."""

    form = Infix("≥", ">=", r"\geq", Level.COMPARISON)

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a >= b


class Less(Comparison):
    """Condition, y = (a < b)."""

    form = Infix("<", "<", "<", Level.COMPARISON)

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a < b


class LessEqual(Comparison):
    """Condition, y = (a ≤ b)."""

    form = Infix("≤", "<=", r"\leq", Level.COMPARISON)

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a <= b


class Equal(Comparison):
    """Condition, y = (a == b)."""

    form = Infix("==", "==", "=", Level.COMPARISON)

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a == b


class NotEqual(Comparison):
    """Condition, y = (a ≠ b)."""

    form = Infix("≠", "!=", r"\neq", Level.COMPARISON)

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a != b


class Indicator(Primitive):
    """Iverson bracket, y = 1 where the condition holds, else 0.

    It is constant between jumps and has no gradient.
    """

    signature = "... -> ..."
    operands = ("bool",)
    form = Fence(("1[", "]"), ("1[", "]"), (r"\mathbf{1}\left[", r"\right]"))
    source = "K. E. Iverson, A Programming Language, 1962"

    def forward(self, xp: Any, condition: Any) -> Any:
        return condition * 1.0


class Where(Primitive):
    """Choice, y = a where the condition holds, else b."""

    signature = "..., ..., ... -> ..."
    operands = ("bool", "real", "real")
    broadcasts = True
    verb = ("choose by", " between ")

    def forward(self, xp: Any, condition: Any, a: Any, b: Any) -> Any:
        return xp.where(condition, a, b)

    def vjp(self, dy: Value, y: Value, condition: Value, a: Value, b: Value) -> tuple[None, Value, Value]:
        """Route the gradient by `where` itself, so that NaN in the branch not taken stays out."""
        zero = dy.graph.constant(0)
        where = lookup("where")
        return None, where(condition, dy, zero), where(condition, zero, dy)
