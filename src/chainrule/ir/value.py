"""A value: one op applied to earlier values of the same graph."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from chainrule.errors import KindError
from chainrule.ir.constant import Constant
from chainrule.ir.form import Hidden
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Kind, Shape, letters_of, show_shape

if TYPE_CHECKING:
    from chainrule.ir.graph import Graph
    from chainrule.ir.op import Op

Number: TypeAlias = "int | float | Fraction | Constant"
Operand: TypeAlias = "Value | int | float | Fraction | Constant"


class Value:
    """One op applied to earlier values; immutable, without a name, equal only to itself.

    Attributes:
        op: the rule that makes it.
        inputs: the values it is made of, all earlier in the same graph.
        attributes: the op's settings, such as an axis.
        shape: sizes and letters.
        kind: real, index or bool.
        graph: where it belongs.
        order: its place in the graph; inputs have smaller ones.
    """

    __slots__ = ("attributes", "graph", "inputs", "kind", "op", "order", "shape")
    __array_ufunc__ = None

    def __init__(
        self,
        op: Op,
        inputs: tuple[Value, ...],
        attributes: Mapping[str, Hashable],
        shape: Shape,
        kind: Kind,
        graph: Graph,
        order: int,
    ) -> None:
        self.op, self.inputs, self.attributes = op, inputs, attributes
        self.shape, self.graph, self.order = shape, graph, order
        self.kind: Kind = kind

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def constant(self) -> Constant | None:
        """The number this value is, if it is a constant."""
        number = self.attributes.get("value")
        return number if isinstance(number, Constant) else None

    @property
    def letters(self) -> list[str]:
        """The size letters that its shape, or the number it is, mentions."""
        return [*(self.constant.letters if self.constant is not None else ()), *letters_of(self.shape)]

    @property
    def scalar(self) -> Value | None:
        """The scalar this value is, or repeats in every element; None if it is no such value."""
        if self.shape == ():
            return self
        repeated = self.inputs[0] if isinstance(self.op.form, Hidden) else None
        return repeated if repeated is not None and repeated.shape == () else None

    @property
    def repeated_constant(self) -> Constant | None:
        """The number this value is, or repeats in every element, or None."""
        return None if self.scalar is None else self.scalar.constant

    @property
    def T(self) -> Value:  # noqa: N802 - the array API's own name
        """The transpose: (n, m) becomes (m, n)."""
        return lookup("permute_dims")(self, axes=tuple(reversed(range(self.ndim))))

    def sum(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Value:
        """Return the sum over some or all axes; see `chainrule.sum`."""
        return lookup("sum")(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Value:
        """Return the mean over some or all axes; see `chainrule.mean`."""
        return lookup("mean")(self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: int | str) -> Value:
        """Return the same elements, in the same order, in another shape."""
        return lookup("reshape")(self, shape=shape)

    def __repr__(self) -> str:
        names = self.graph.names_of(self)
        return f"<{' = '.join(names) or self.op.name} : {show_shape(self.shape)} {self.kind}>"

    def __reduce__(self) -> NoReturn:
        raise KindError("a value is copied with its graph, not by itself.", fix="copy or pickle the graph.")

    def __bool__(self) -> bool:
        raise KindError(
            "a value of a graph is neither true nor false before the graph runs.",
            fix="chainrule.where(condition, a, b) chooses element by element.",
        )

    __iter__ = None

    def __add__(self, other: Operand) -> Value:
        return lookup("add")(self, other)

    def __radd__(self, other: Operand) -> Value:
        return lookup("add")(other, self)

    def __sub__(self, other: Operand) -> Value:
        return lookup("subtract")(self, other)

    def __rsub__(self, other: Operand) -> Value:
        return lookup("subtract")(other, self)

    def __mul__(self, other: Operand) -> Value:
        return lookup("multiply")(self, other)

    def __rmul__(self, other: Operand) -> Value:
        return lookup("multiply")(other, self)

    def __truediv__(self, other: Operand) -> Value:
        return lookup("divide")(self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return lookup("divide")(other, self)

    def __pow__(self, other: Operand) -> Value:
        return lookup("pow")(self, other)

    def __rpow__(self, other: Operand) -> Value:
        return lookup("pow")(other, self)

    def __matmul__(self, other: Operand) -> Value:
        return lookup("matmul")(self, other)

    def __rmatmul__(self, other: Operand) -> Value:
        return lookup("matmul")(other, self)

    def __pos__(self) -> Value:
        return self

    def __neg__(self) -> Value:
        return lookup("negative")(self)

    def __abs__(self) -> Value:
        return lookup("abs")(self)

    def __gt__(self, other: Operand) -> Value:
        return lookup("greater")(self, other)

    def __ge__(self, other: Operand) -> Value:
        return lookup("greater_equal")(self, other)

    def __lt__(self, other: Operand) -> Value:
        return lookup("less")(self, other)

    def __le__(self, other: Operand) -> Value:
        return lookup("less_equal")(self, other)


def is_number(operand: Any) -> bool:
    """Tell whether an operand is a plain number, NumPy's own scalars included."""
    if isinstance(operand, bool):
        return False
    return isinstance(operand, int | float | Fraction | Constant) or (
        getattr(operand, "shape", None) == () and hasattr(operand, "item")
    )
