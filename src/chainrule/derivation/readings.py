"""The ways in which a right side may be read, when its signs leave that open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import TypeGuard

from chainrule.derivation.tree import NOWHERE, at, put, rewritten, subtrees
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression

_MOST = 64
_MOST_STARS = 3
_WITH_MATRIX, _WITH_HADAMARD = ("", "@", "/"), (".*", "/")


@dataclass(frozen=True)
class Way:
    """One way to read an expression; customary if a reader of books would choose it."""

    tree: Expression
    is_customary: bool


@dataclass(frozen=True)
class _Choice:
    """One way to read a chain of factors."""

    read: Callable[[syntax.Product], Expression]
    is_customary: bool = True


def other_strokes(tree: Expression) -> list[Way]:
    """Return the readings in which 1/2m is 1/(2m), not m/2."""
    under_one = _Choice(lambda node: _under_one_stroke(node))
    return _combined(tree, lambda node: [under_one] if _has_tight_stroke(node) else [])


def other_products(tree: Expression) -> list[Way]:
    """Return the readings that differ in what `*` means, or in which product comes first.

    Custom multiplies matrices before it multiplies element by element.
    """
    return _combined(tree, _other_products)


def usual(tree: Expression) -> Expression:
    """Return a tree in which chains of both products are read as custom has it, whether or not they fit."""
    return rewritten(tree, lambda node: _grouped(node, _WITH_MATRIX) if _is_mixed(node) else None)


def _combined(tree: Expression, others: Callable[[syntax.Product], list[_Choice]]) -> list[Way]:
    """Return every combination of readings of the chains of factors in a tree, but the tree itself."""
    nodes = [(path, node) for path, node in subtrees(tree) if isinstance(node, syntax.Product)]
    options = [(path, [None, *others(node)]) for path, node in reversed(nodes)]
    options = [(path, choices) for path, choices in options if len(choices) > 1]
    found: list[Way] = []
    for chosen in islice(product(*(choices for _, choices in options)), 1, _MOST):
        changed, customary = tree, True
        for (path, _), choice in zip(options, chosen, strict=True):
            node = at(changed, path)
            if choice is not None and isinstance(node, syntax.Product):
                changed, customary = put(changed, path, choice.read(node)), customary and choice.is_customary
        found.append(Way(changed, customary))
    return found


def _other_products(node: syntax.Product) -> list[_Choice]:
    """Return the further readings of one chain of factors."""
    starred = list(_starred(node.signs.count("*"))) if "*" in node.signs else []
    found = [_Choice(star) for star in starred]
    for star in starred or [lambda chain: chain]:
        if _is_mixed(star(node)):
            found.append(_Choice(lambda chain, star=star: _grouped(star(chain), _WITH_MATRIX)))
            found.append(_Choice(lambda chain, star=star: _left_to_right(star(chain)), is_customary=False))
            found.append(
                _Choice(lambda chain, star=star: _grouped(star(chain), _WITH_HADAMARD), is_customary=False)
            )
    return found


def _starred(count: int) -> Iterator[Callable[[syntax.Product], syntax.Product]]:
    """Yield what reads the stars of a chain as element-wise and matrix products, in every combination."""
    for meant in product((".*", ""), repeat=count) if count <= _MOST_STARS else ():
        yield lambda node, meant=meant: _with_stars(node, meant)


def _with_stars(node: syntax.Product, meant: tuple[str, ...]) -> syntax.Product:
    stars = iter(meant)
    signs = tuple(next(stars) if sign == "*" else sign for sign in node.signs)
    return syntax.Product(node.factors, signs, node.span)


def _is_mixed(node: Expression) -> TypeGuard[syntax.Product]:
    """Tell whether a node is a chain with a matrix product and an element-wise one or a quotient."""
    signs = node.signs if isinstance(node, syntax.Product) else ()
    return any(s in ("", "@") for s in signs) and any(s in _WITH_HADAMARD for s in signs)


def _grouped(node: syntax.Product, inner: tuple[str, ...]) -> Expression:
    """Return a chain in which runs with the inner signs are factors of their own."""
    groups: list[tuple[list[Expression], list[str]]] = [([node.factors[0]], [])]
    outer: list[str] = []
    for sign, factor in zip(node.signs, node.factors[1:], strict=True):
        if sign in inner:
            groups[-1][0].append(factor)
            groups[-1][1].append(sign)
        else:
            outer.append(sign)
            groups.append(([factor], []))
    factors = tuple(_product(factors, signs) for factors, signs in groups)
    return _product(list(factors), outer)


def _product(factors: list[Expression], signs: list[str]) -> Expression:
    return syntax.Product(tuple(factors), tuple(signs), NOWHERE) if signs else factors[0]


def _left_to_right(node: syntax.Product) -> Expression:
    left = node.factors[0]
    for sign, factor in zip(node.signs, node.factors[1:], strict=True):
        left = syntax.Product((left, factor), (sign,), NOWHERE)
    return left


def _has_tight_stroke(node: syntax.Product) -> bool:
    return any(_is_tight(node, place) for place in range(1, len(node.signs)))


def _is_tight(node: syntax.Product, place: int) -> bool:
    """Tell whether a number after a stroke is followed by a name without a space, as in 1/2m."""
    before, after = node.factors[place], node.factors[place + 1]
    touches = before.span.line == after.span.line and before.span.end == after.span.start > 0
    kinds = isinstance(before, syntax.Number) and isinstance(after, syntax.Name)
    return node.signs[place - 1] == "/" and node.signs[place] == "" and touches and kinds


def _under_one_stroke(node: syntax.Product) -> Expression:
    factors, signs = [node.factors[0]], list[str]()
    for place, (sign, factor) in enumerate(zip(node.signs, node.factors[1:], strict=True)):
        if place and _is_tight(node, place):
            factors[-1] = syntax.Product((factors[-1], factor), ("",), NOWHERE)
        else:
            factors.append(factor)
            signs.append(sign)
    return _product(factors, signs)
