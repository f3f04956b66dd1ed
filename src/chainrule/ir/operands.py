"""What an op calls its operands: the parameters of its forward rule, or of its definition."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

from chainrule.ir.composite import Composite

if TYPE_CHECKING:
    from chainrule.ir.op import Op

_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def operand_names(op: Op, count: int | None = None) -> tuple[str, ...]:
    """Return the names of an op's operands, as its rule writes them; numbered where it takes any number.

    >>> from chainrule.ir.registry import lookup
    >>> operand_names(lookup("softmax_cross_entropy")), operand_names(lookup("batch_norm"))[:2]
    (('z', 'y'), ('x', 'gamma'))
    """
    count = op.arity if count is None else count
    named = _parameters(op)
    if len(named) >= count:
        return named[:count]
    return tuple(f"x{i + 1}" for i in range(count)) if count > 1 else ("x",)


def _parameters(op: Op) -> tuple[str, ...]:
    """Return the named parameters by place, without the array namespace."""
    if isinstance(op, Composite) and type(op).forward is Composite.forward:
        return _by_place(op.definition)
    return _by_place(op.forward)[1:]


def _by_place(rule: Callable[..., object]) -> tuple[str, ...]:
    parameters = inspect.signature(rule).parameters.values()
    return tuple(p.name for p in parameters if p.kind in _BY_PLACE)
