"""Matrices taken apart and undone: solve, cholesky, tril."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.ir.op import Attribute, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Value
from chainrule.ops.axes import whole


class Solve(Primitive):
    """Solution of linear equations, Y = A⁻¹ B, so that A Y = B; B is a vector or has a column per system.

    Its gradients are dB = A⁻ᵀ dY and dA = −dB Yᵀ. A is factored, never inverted; where it is singular
    every element of Y is NaN.
    """

    signature = "n n, n m -> n m | n n, n -> n"
    verb = ("solve", " Y = ")
    source = "M. B. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008"

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        try:
            return xp.linalg.solve(a, b)
        except ValueError:  # NumPy's LinAlgError; the shapes fit
            return xp.full_like(b, xp.nan)

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
        db = lookup("solve")(a.T, dy)
        return -(lookup("outer")(db, y) if y.ndim == 1 else db @ y.T), db

    def remedy(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
        (a, b), left = names, shapes[0]
        if len(left) != 2 or left[0] != left[1]:
            return "the equations need a square matrix", f"{a} has one row and one column per unknown."
        why = f"the right side has not {left[0]} rows, one per equation"
        return why, f"{b} has the shape ({left[0]}) or ({left[0]}, k)."


class Cholesky(Primitive):
    """Lower triangular factor of a symmetric positive definite matrix, A = L Lᵀ.

    Only the symmetric part ½ (A + Aᵀ) counts, so that the gradient is symmetric:
    dA = ½ (S + Sᵀ) with S = L⁻ᵀ Φ(Lᵀ dL) L⁻¹, Φ taking the lower triangle and half the diagonal.
    Where A is not positive definite every element of L is NaN.
    """

    signature = "n n -> n n"
    source = "I. Murray, Differentiation of the Cholesky decomposition, arXiv:1602.07527, 2016"

    def forward(self, xp: Any, a: Any) -> Any:
        try:
            return xp.linalg.cholesky((a + a.T) / 2)
        except ValueError:  # NumPy's LinAlgError; the shape fits
            return xp.full_like(a, xp.nan)

    def vjp(self, dy: Value, y: Value, a: Value) -> tuple[Value]:
        solve, tril = lookup("solve"), lookup("tril")
        pulled = y.T @ dy
        twice = tril(pulled) + tril(pulled, k=-1)
        doubled = solve(y.T, solve(y.T, twice).T)
        return ((doubled + doubled.T) / 4,)

    def remedy(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
        return "only a square matrix has such a factor", f"AᵀA and covariances are square; {names[0]} is not."


class Tril(Primitive):
    """Lower triangle, y_ij = x_ij where j ≤ i + k and 0 elsewhere; leading axes number the matrices."""

    signature = "... n m -> ... n m"
    attributes = (Attribute("k", "whole", 0),)

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return {"k": whole(attributes["k"], "k")}

    def infer(self, *shapes: Shape, k: int) -> Shape:
        if len(shapes[0]) < 2:
            raise MismatchError(f"a triangle needs two axes, not {len(shapes[0])}")
        return shapes[0]

    def forward(self, xp: Any, x: Any, *, k: int) -> Any:
        return xp.tril(x, k)

    def vjp(self, dy: Value, y: Value, x: Value, *, k: int) -> tuple[Value]:
        return (lookup("tril")(dy, k=k),)
