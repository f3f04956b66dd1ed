"""Simpler ways to the same elements, bit for bit."""

from __future__ import annotations

from chainrule.execute.native.arrays import BOOL, DType, Node, Nodes, View, expanded


def simplified(nodes: Nodes, function: str, operands: tuple[View, ...], dtype: DType) -> View | None:
    """Return the array that a function of elements comes to, where there is a simpler way; else None."""
    rule = _RULES.get(function)
    return None if rule is None else rule(nodes, operands, dtype)


def _product(nodes: Nodes, operands: tuple[View, ...], dtype: DType) -> View | None:
    """1 · x is x."""
    for one, x in (operands, operands[::-1]):
        if _is_number(one, 1.0):
            same = x.dtype == dtype
            return x if same else nodes.make("map", "convert", (x,), x.shape, dtype)
    return None


def _greater(nodes: Nodes, operands: tuple[View, ...], dtype: DType) -> View | None:
    """x > 0 is max(x, 0) > 0: where the maximum is kept anyway, x need not be."""
    x, zero = operands
    if not _is_number(zero, 0.0):
        return None
    kept = nodes.known("map", "maximum", operands, x.shape, x.dtype)
    return None if kept is None else nodes.make("map", "greater", (kept, zero), x.shape, BOOL)


def _converted(nodes: Nodes, operands: tuple[View, ...], dtype: DType) -> View | None:
    """A number of another type is written down as such."""
    (x,) = operands
    if x.node.kind != "number":
        return None
    plain = float(x.node.detail) if dtype.kind == "f" else int(x.node.detail)
    return expanded(nodes.make("number", repr(plain), (), (), dtype, plain), x.shape)


def _is_number(view: View, number: float) -> bool:
    node: Node = view.node
    return node.kind == "number" and node.detail == number


_RULES = {"convert": _converted, "multiply": _product, "greater": _greater}
