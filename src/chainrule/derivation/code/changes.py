"""Small changes of a true rule: what code may compute in its place, and what is wrong with it then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from chainrule.derivation.claim import Fit, fit
from chainrule.derivation.coefficients import Monomial, linear_sums, scaled, sum_of, terms_of
from chainrule.derivation.context import Context
from chainrule.derivation.edits import STRUCTURE, Edit
from chainrule.derivation.edits_by_element import BY_ELEMENT
from chainrule.derivation.mistakes import inverse, mistake
from chainrule.derivation.tree import (
    NOWHERE,
    Path,
    is_same,
    name,
    names_in,
    number,
    product,
    put,
    rewritten,
    subtrees,
)
from chainrule.derivation.verdict import Mistake
from chainrule.derivation.writing import write
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression

_WELL_KNOWN = ("relu", "tanh", "sigmoid", "softplus", "silu", "gelu")


@dataclass(frozen=True)
class Change:
    """A true rule changed into what code may compute.

    Attributes:
        tree: the changed right side.
        cost: how large the change is.
        mistakes: what the code has wrong if it computes this, in general words unless `is_named`.
        is_named: whether the mistakes need no better words.
    """

    tree: Expression
    cost: float
    mistakes: tuple[Mistake, ...]
    is_named: bool = False

    def then(self, more: Change) -> Change:
        """Return this change and one more."""
        return Change(more.tree, self.cost + more.cost, (*self.mistakes, *more.mistakes))


def meaningful(tree: Expression, context: Context) -> Iterator[tuple[Change, Fit]]:
    """Yield the changes of a tree that have a meaning."""
    edits = (edit for kind in (*STRUCTURE, *BY_ELEMENT) for edit in kind(tree, context))
    inverted = (Change(e.tree, e.cost, _inverted(e, tree, context)) for e in edits)
    own = (change for kind in _OWN for change in kind(tree, context))
    for change in chain(inverted, own):
        found = fit(change.tree, context.scenes)
        if found is not None:
            yield change, found


def _inverted(edit: Edit, tree: Expression, context: Context) -> tuple[Mistake, ...]:
    """Return what code has wrong if an edit of the true rule leads to it."""
    lost = set(names_in(tree)) - set(names_in(edit.tree))
    if lost & context.masks:
        return (mistake("mask missing"),)
    return tuple(inverse(m.kind) for m in edit.mistakes)


def _without_a_term(tree: Expression, context: Context) -> Iterator[Change]:
    """Leave out one term of a sum."""
    for path, node in linear_sums(tree):
        terms = terms_of(node)
        for place, (_, term) in enumerate(terms):
            rest = [*terms[:place], *terms[place + 1 :]]
            text = f"the term {context.write(term)} is missing"
            yield Change(put(tree, path, sum_of(rest)), 1.0, (mistake("term missing", text),))


def _by_element(tree: Expression, context: Context) -> Iterator[Change]:
    """Multiply two matrices element by element, each of them transposed or not."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Product) or len(node.factors) != 2 or node.signs[0] not in ("", "@"):
            continue
        left, right = node.factors
        text = f"the matrix product belongs between {context.write(left)} and {context.write(right)}"
        for pair in ((_flipped(left), right), (left, _flipped(right)), (_flipped(left), _flipped(right))):
            changed = put(tree, path, product(pair, (".*",)))
            yield Change(changed, 1.5, (mistake("⊙ for a product", text),))


def _other_functions(tree: Expression, context: Context) -> Iterator[Change]:
    """Put another well-known function in the place of an activation, or its derivative for that one's."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Call) or len(node.arguments) != 1:
            continue
        made = next((made for made, call in context.activations if made and _is_applied(call, node)), "")
        if not made:
            continue
        kind = "f' of another function" if node.derivative else "another function"
        text = f"{context.write(node)} is meant"
        for other in _instead(node, name(made)):
            yield Change(put(tree, path, other), 1.2, (mistake(kind, text),))


def _is_applied(call: syntax.Call, node: syntax.Call) -> bool:
    return call.function == node.function and is_same(call.arguments[0], node.arguments[0])


def _instead(node: syntax.Call, made: Expression) -> Iterator[Expression]:
    """Yield other functions of the same argument, derivatives also as they are made of the output."""
    for function in _WELL_KNOWN:
        if function != node.function:
            yield syntax.Call(function, node.arguments, (), node.derivative, NOWHERE)
    if node.derivative:
        rest = syntax.Infix("-", number("1"), made, NOWHERE)
        square = syntax.Power(made, number("2"), NOWHERE)
        yield syntax.Infix("-", number("1"), square, NOWHERE)
        yield product((made, rest), (".*",))
    else:
        yield node.arguments[0]


def _flipped(tree: Expression) -> Expression:
    return tree.operand if isinstance(tree, syntax.Transpose) else syntax.Transpose(tree, NOWHERE)


def of_factor(tree: Expression, by: Monomial, context: Context) -> Mistake:
    """Return the mistake of code that multiplies a true rule, or a term of one, by a monomial."""
    if by.factor < 0:
        return mistake("sign")
    unscaled = _starts_with_number(tree) and not _starts_with_number(scaled(tree, by))
    if unscaled and context.masks and context.is_gradient(context.name):
        return mistake("1/(1−p) missing")
    shown = write(scaled(name("truth"), by))
    return mistake("factor", f"{context.write(tree)} is multiplied by {shown.removesuffix(' truth')}")


def _starts_with_number(tree: Expression) -> bool:
    return isinstance(tree, syntax.Product) and isinstance(tree.factors[0], syntax.Number)


def with_coefficients(
    tree: Expression,
    path: Path,
    terms: list[tuple[int, Expression]],
    found: list[Monomial | None],
    context: Context,
) -> Iterator[Change]:
    """Yield a tree in which each term of a sum has the coefficient that the code gives it."""
    kept: list[tuple[int, Expression]] = []
    mistakes: list[Mistake] = []
    for (sign, term), monomial in zip(terms, found, strict=True):
        if monomial is None:
            mistakes.append(mistake("term missing", f"the term {context.write(term)} is missing"))
            continue
        by = Monomial(monomial.factor * sign, monomial.above, monomial.below)
        mistakes += [] if by.is_1 else [of_factor(term, by, context)]
        size = Monomial(abs(monomial.factor), monomial.above, monomial.below)
        kept.append((-1 if monomial.factor < 0 else 1, scaled(term, size)))
    if kept and mistakes:
        yield Change(put(tree, path, sum_of(kept)), float(len(mistakes)), tuple(mistakes))


_OWN: tuple[Callable[[Expression, Context], Iterator[Change]], ...] = (
    _without_a_term, _by_element, _other_functions,
)  # fmt: skip


def after_step(tree: Expression, used: str, rate: str) -> Expression:
    """Return a tree with W − rate dW in the place of W."""
    step = syntax.Product((syntax.Number(rate, NOWHERE), name(f"d{used}")), ("",), NOWHERE)
    moved = syntax.Infix("-", name(used), step, NOWHERE)
    return rewritten(
        tree, lambda node: moved if isinstance(node, syntax.Name) and node.text == used else None
    )
