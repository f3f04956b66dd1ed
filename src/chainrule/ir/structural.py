"""The two ops without operands: a leaf, whose value comes from outside, and a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from chainrule.errors import KindError, ShapeError
from chainrule.ir.form import Literal as LiteralForm
from chainrule.ir.form import Name
from chainrule.ir.op import Op
from chainrule.ir.shape import Kind, Shape, Size

Role: TypeAlias = Literal["data", "parameter", "state", "hyperparameter"]


class Leaf(Op):
    """A value that comes from outside: data, a parameter, a state or a hyperparameter."""

    signature = "-> ..."
    form = Name()


class ConstantOp(Op, name="constant"):
    """A number, which may mention sizes, such as 1/m."""

    signature = "-> "
    form = LiteralForm()
    inline = True

    def forward(self, xp: Any, *arrays: Any, **attributes: Any) -> Any:
        """Return the number; the executor has put the sizes in already."""
        return xp.asarray(attributes["value"])


@dataclass(frozen=True)
class Declaration:
    """What a leaf will be once it is given a name, `g.X = chainrule.data("m", 784)`.

    Attributes:
        role: data, parameter, state or hyperparameter.
        shape: sizes and letters.
        kind: real, index or bool.
        frozen: for a parameter, whether gradients and updates leave it out.
    """

    role: Role
    shape: Shape
    kind: Kind = "real"
    frozen: bool = False

    def __post_init__(self) -> None:
        for size in self.shape:
            _check_size(size)
        if self.role in ("parameter", "hyperparameter") and self.kind != "real":
            raise KindError(f"a {self.role} is real, not {self.kind}.")


def _check_size(size: Size) -> None:
    whole = isinstance(size, int) and not isinstance(size, bool) and size >= 1
    letter = isinstance(size, str) and size.isidentifier()
    if not (whole or letter):
        raise ShapeError(
            f"a size is a whole number from 1 or a letter, not {size!r}.",
            fix='give each axis its own argument: chainrule.data("m", 784).',
        )


def declare(role: Role, shape: tuple[Size, ...], kind: Kind = "real", *, frozen: bool = False) -> Declaration:
    """Return a declaration; sizes of NumPy's integer types become Python's."""
    sizes = tuple(int(s) if hasattr(s, "__index__") and not isinstance(s, bool) else s for s in shape)
    return Declaration(role, sizes, kind, frozen)
