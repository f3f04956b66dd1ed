"""Terms that a claim lacks: weight decay, another path to the loss, the path that is always there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chainrule.derivation.coefficients import Finder, Monomial, scaled, terms_of
from chainrule.derivation.context import Context
from chainrule.derivation.edits import Edit
from chainrule.derivation.edits_by_element import summed
from chainrule.derivation.mistakes import mistake
from chainrule.derivation.tree import NOWHERE, name, product
from chainrule.ir.shape import Shape
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression


def named_terms(tree: Expression, context: Context) -> Iterator[Edit]:
    """Add a multiple of a name of the claim's shape, such as λ W1 or dA2."""
    there = {t.text for _, t in terms_of(tree) if isinstance(t, syntax.Name)}
    known = (n for n in context.by_shape.get(context.true_shape, ()) if n != context.name and n not in there)
    yield from _first(tree, map(name, known), context)


def product_terms(tree: Expression, context: Context) -> Iterator[Edit]:
    """Add a multiple of a gradient's product with a forward value, A1ᵀ dZ2, or of its sum, Σₘ dZ2."""
    yield from _first(tree, [*_products(context), *_sums(context)], context)


def _first(tree: Expression, candidates: Iterable[Expression], context: Context) -> Iterator[Edit]:
    """Yield the sum of a claim, otherwise unchanged, and the first term that makes it true."""
    finder, terms = Finder(context), terms_of(tree)
    for candidate in candidates:
        found = finder.of_terms([*(term for _, term in terms), candidate])
        if found is not None and found[-1] is not None and _is_unchanged(terms, found[:-1]):
            yield _with_term(tree, candidate, found[-1], context)
            return


def _is_unchanged(terms: Sequence[tuple[int, Expression]], found: Sequence[Monomial | None]) -> bool:
    pairs = zip(terms, found, strict=True)
    return all(m is not None and m.factor == sign and not m.above and not m.below for (sign, _), m in pairs)


def _with_term(tree: Expression, candidate: Expression, by: Monomial, context: Context) -> Edit:
    term = scaled(candidate, Monomial(abs(by.factor), by.above, by.below))
    changed = syntax.Infix("+" if by.factor > 0 else "-", tree, term, NOWHERE)
    return Edit(changed, 1.2, (mistake("term missing", f"the term {context.write(term)} is missing"),))


def _products(context: Context) -> Iterator[Expression]:
    """Yield the products of a gradient and a forward value that have the claim's shape."""
    arrays = [(name_, shape) for shape, names in context.by_shape.items() if shape for name_ in names]
    gradients = [n for n in arrays if context.is_gradient(n[0]) and n[0] != context.name]
    values = [n for n in arrays if not context.is_gradient(n[0])]
    sign = context.style.matrix
    for gradient in gradients:
        for value in values:
            for left, right in ((gradient, value), (value, gradient)):
                for a, left_shape in _both_ways(*left):
                    for b, right_shape in _both_ways(*right):
                        if _multiplied(left_shape, right_shape) == context.true_shape:
                            yield product((a, b), (sign,))


def _both_ways(name_: str, shape: Shape) -> Iterator[tuple[Expression, Shape]]:
    """Yield a value and its transpose; a vector's is a row, a matrix of one row."""
    yield name(name_), shape
    if len(shape) <= 2:
        yield syntax.Transpose(name(name_), NOWHERE), shape[::-1] if len(shape) == 2 else (1, *shape)


def _multiplied(left: Shape, right: Shape) -> Shape | None:
    """Return the shape of a matrix product, None for one that nobody would write."""
    if len(left) == 1 and len(right) == 2 and right[0] == 1:
        return (left[0], right[1])
    if len(left) != 2 or left[1] != right[0]:
        return None
    return (left[0], *right[1:])


def _sums(context: Context) -> Iterator[Expression]:
    """Yield the sums of gradients over an axis that have the claim's shape."""
    for names in context.by_shape.values():
        for known in names:
            if context.is_gradient(known) and known != context.name:
                trees = (tree for tree, _ in summed(name(known), context))
                yield from (tree for tree in trees if context.shape(tree) == context.true_shape)
