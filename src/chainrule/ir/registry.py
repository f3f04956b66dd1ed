"""The rule book's index: every op by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainrule.errors import NamingError, UnknownNameError, nearest
from chainrule.ir.form import Literal, Name

if TYPE_CHECKING:
    from chainrule.ir.op import Op

_OPS: dict[str, Op] = {}


def register(op: Op) -> None:
    """Enter an op under its name; defining the same class again replaces it, as in a notebook.

    Raises:
        NamingError: another class has the name.
    """
    known = _OPS.get(op.name)
    if known is not None and _origin(known) != _origin(op):
        raise NamingError(f"an op named {op.name} exists already, from {'.'.join(_origin(known))}.")
    _OPS[op.name] = op


def _origin(op: Op) -> tuple[str, str]:
    return type(op).__module__, type(op).__qualname__


def lookup(name: str) -> Op:
    """Return the op of this name.

    Raises:
        UnknownNameError: no op has it.
    """
    op = _OPS.get(name)
    if op is None:
        raise UnknownNameError(f"there is no op named {name}.", fix=nearest(name, sorted(_OPS)))
    return op


def is_op(name: str) -> bool:
    """Tell whether an op has this name."""
    return name in _OPS


def is_function(name: str) -> bool:
    """Tell whether equations may call an op of this name: all but leaves and constants."""
    return name in _OPS and not isinstance(_OPS[name].form, Name | Literal)


def every_op() -> Iterator[Op]:
    """Yield all ops in the order in which they were defined."""
    yield from list(_OPS.values())
