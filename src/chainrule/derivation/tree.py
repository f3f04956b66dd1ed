"""Walking over syntax trees, and making changed copies of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from chainrule.ir.names import normalized
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression, Span

Path: TypeAlias = tuple[int, ...]

NOWHERE = Span(1, 0, 0)
_PARTS: Mapping[Any, tuple[str, ...]] = {
    syntax.Infix: ("left", "right"),
    syntax.Negation: ("operand",),
    syntax.Power: ("base", "exponent"),
    syntax.Transpose: ("operand",),
    syntax.SumOver: ("operand",),
    syntax.Fenced: ("operand",),
}
_LISTS: Mapping[Any, str] = {syntax.Call: "arguments", syntax.Product: "factors"}


def children(node: Expression) -> tuple[Expression, ...]:
    """Return the parts of a node, from left to right."""
    field = _LISTS.get(type(node))
    if field:
        return getattr(node, field)
    return tuple(getattr(node, part) for part in _PARTS.get(type(node), ()))


def with_children(node: Any, parts: tuple[Expression, ...]) -> Expression:
    """Return a node with other parts."""
    field = _LISTS.get(type(node))
    if field:
        return replace(node, **{field: parts})
    fields: dict[str, Any] = dict(zip(_PARTS.get(type(node), ()), parts, strict=True))
    return replace(node, **fields)


def subtrees(tree: Expression) -> Iterator[tuple[Path, Expression]]:
    """Yield every node with the path to it, a node before its parts."""
    waiting: list[tuple[Path, Expression]] = [((), tree)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        waiting.extend(((*path, i), part) for i, part in reversed(list(enumerate(children(node)))))


def at(tree: Expression, path: Path) -> Expression:
    """Return the node at a path."""
    for place in path:
        tree = children(tree)[place]
    return tree


def put(tree: Expression, path: Path, new: Expression) -> Expression:
    """Return a tree with another node at a path."""
    if not path:
        return new
    parts = list(children(tree))
    parts[path[0]] = put(parts[path[0]], path[1:], new)
    return with_children(tree, tuple(parts))


def rewritten(tree: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """Return a tree in which `change` has replaced nodes, parts first; None leaves a node as it is."""
    parts = tuple(rewritten(part, change) for part in children(tree))
    node = with_children(tree, parts) if parts else tree
    new = change(node)
    return node if new is None else new


def names_in(tree: Expression) -> list[str]:
    """Return the names that a tree mentions, each once, in order."""
    found = (node.text for _, node in subtrees(tree) if isinstance(node, syntax.Name))
    return list(dict.fromkeys(normalized(name) for name in found))


def name(text: str) -> syntax.Name:
    """Return a name as a node."""
    return syntax.Name(text, NOWHERE)


def number(text: str) -> syntax.Number:
    """Return a number as a node."""
    return syntax.Number(text, NOWHERE)


def product(factors: tuple[Expression, ...], signs: tuple[str, ...]) -> Expression:
    """Return a product, or its only factor."""
    return syntax.Product(factors, signs, NOWHERE) if signs else factors[0]


def is_same(first: Expression, second: Expression) -> bool:
    """Tell whether two trees say the same, wherever they stand."""
    return _bare(first) == _bare(second)


def _bare(tree: Expression) -> Any:
    values = tuple(
        item if isinstance(item, str | bool) else ()
        for key, item in vars(tree).items()
        if key not in ("span", "settings")
    )
    settings = tuple((s.name, s.item) for s in getattr(tree, "settings", ()))
    signs = getattr(tree, "signs", ())
    return type(tree).__name__, values, settings, signs, tuple(_bare(part) for part in children(tree))
