"""How deep a syntax tree is, found without recursion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule.notation import syntax
from chainrule.notation.syntax import Expression

_PARTS: Mapping[type, Callable[[Any], tuple[Expression, ...]]] = {
    syntax.Call: lambda node: node.arguments,
    syntax.Product: lambda node: node.factors,
    syntax.Infix: lambda node: (node.left, node.right),
    syntax.Power: lambda node: (node.base, node.exponent),
    syntax.Negation: lambda node: (node.operand,),
    syntax.Transpose: lambda node: (node.operand,),
    syntax.SumOver: lambda node: (node.operand,),
    syntax.Fenced: lambda node: (node.operand,),
}


def beyond(tree: Expression, most: int) -> Expression | None:
    """Return a node that stands more than `most` below the root, or None.

    The terms of a sum are all one below it: it is a long line, not a deep one.
    """
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > most:
            return node
        for part in _PARTS.get(type(node), _none)(node):
            goes_on = isinstance(part, syntax.Infix) and isinstance(node, syntax.Infix) and part is node.left
            waiting.append((part, depth if goes_on else depth + 1))
    return None


def _none(node: Any) -> tuple[Expression, ...]:
    return ()
