"""Wrong coefficients, found by measuring: by what a claim, or a term of it, must be multiplied to be true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from chainrule.derivation.claim import Fit, Scene, fit
from chainrule.derivation.context import Context
from chainrule.derivation.edits import Edit
from chainrule.derivation.linear import System, settled
from chainrule.derivation.mistakes import mistake
from chainrule.derivation.tree import NOWHERE, Path, is_same, name, number, product, put
from chainrule.derivation.verdict import Mistake
from chainrule.derivation.world import Draw
from chainrule.execute.inputs import Array
from chainrule.ir.value import Value
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression

_NUMBERS = tuple(Fraction(a, b) for a, b in ((1, 1), (2, 1), (1, 2), (4, 1), (1, 4), (3, 1), (1, 3)))
_CLOSE = 1e-6
_NUMBER_NAME = re.compile(r"[^\W\d_A-ZΑ-Ω]|[dhkmnpq]\d+")
_MOST_TERMS = 8


@dataclass(frozen=True)
class Monomial:
    """A number times symbols and divided by symbols; each symbol is a tree that is a scalar."""

    factor: Fraction
    above: tuple[Expression, ...] = ()
    below: tuple[Expression, ...] = ()

    @property
    def is_1(self) -> bool:
        """Whether nothing is to be multiplied."""
        return self.factor == 1 and not self.above and not self.below


def coefficients(tree: Expression, context: Context) -> Iterator[Edit]:
    """Multiply the whole, or the terms of one sum, by what makes the claim true at every draw."""
    finder = Finder(context)
    whole = finder.of_terms([tree])
    if whole is not None:
        yield from _as_edit(tree, (), [tree], whole, context)
        return
    for path, node in linear_sums(tree):
        terms = terms_of(node)
        found = finder.of_terms([put(tree, path, term) for _, term in terms])
        if found is not None:
            yield from _sum_edit(tree, path, terms, found, context)
            return


class Finder:
    """Solves for coefficients, and names the numbers that it finds."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.draws = [(scene, draw) for scene in context.scenes for draw in scene.world.draws]
        self.symbols = _symbols(context)

    def of_terms(self, terms: Sequence[Expression]) -> list[Monomial | None] | None:
        """Return the coefficient of each term, None for a term that is not to be there; or None."""
        if len(terms) > _MOST_TERMS:
            return None
        fitted = [fit(term, self.context.scenes) for term in terms]
        if any(f is None for f in fitted):
            return None
        solved = settled(self._systems([f for f in fitted if f is not None]))
        return None if solved is None else self.named(*solved)

    def _systems(self, fitted: list[Fit]) -> Iterator[System | None]:
        for scene, draw in self.draws:
            values = [f.values[self.context.scenes.index(scene)] for f in fitted]
            yield _system(values, scene, draw, self.context.name)

    def named(self, numbers: Array, draws: Sequence[int]) -> list[Monomial | None] | None:
        """Return the monomials that have these values, a row a draw."""
        found: list[Monomial | None] = []
        for column in numbers.T:
            if np.all(np.abs(column) < _CLOSE):
                found.append(None)
                continue
            monomial = self.monomial(column, draws)
            if monomial is None:
                return None
            found.append(monomial)
        return found

    def monomial(self, column: Array, draws: Sequence[int] = ()) -> Monomial | None:
        """Return the monomial that has these values, one a draw, or None; all draws if none are given."""
        for above, below, values in self.symbols:
            ratio = column / (values[list(draws)] if draws else values)
            if np.ptp(ratio) > _CLOSE * abs(ratio[0]):
                continue
            for factor in _NUMBERS:
                for sign in (1, -1):
                    if abs(ratio[0] - sign * float(factor)) <= _CLOSE * float(factor):
                        return Monomial(sign * factor, above, below)
        return None


def _system(values: Sequence[Value], scene: Scene, draw: Draw, target: str) -> System | None:
    """Return the terms as columns beside the truth at one draw, or None if they do not fit."""
    true = draw.true[target]
    columns: list[Array] = []
    for value in values:
        array = scene.world.true(value, draw)
        try:
            columns.append(np.broadcast_to(array, true.shape).ravel())
        except ValueError:
            return None
    return np.array(columns, dtype=float).T, true.ravel()


def _symbols(context: Context) -> list[tuple[tuple[Expression, ...], tuple[Expression, ...], Array]]:
    """Return the products and quotients of at most two scalars, with their values at every draw."""
    draws = [draw for scene in context.scenes for draw in scene.world.draws]
    bases: list[tuple[Expression, Array]] = [
        (name(letter), np.array([float(draw.sizes[letter]) for draw in draws]))
        for letter in context.world.letters
    ]
    for scalar in context.scalars:
        values = np.array([float(draw.true[scalar]) for draw in draws])
        rest = syntax.Infix("-", number("1"), name(scalar), NOWHERE)
        bases += [(name(scalar), values), (rest, 1 - values)]
    found: list[tuple[tuple[Expression, ...], tuple[Expression, ...], Array]] = [
        ((), (), np.ones(len(draws)))
    ]
    for tree, values in bases:
        found += [((tree,), (), values), ((), (tree,), 1 / values)]
    for (first, a), (second, b) in combinations(bases, 2):
        found += [((), (first, second), 1 / (a * b)), ((first,), (second,), a / b)]
        found += [((second,), (first,), b / a), ((first, second), (), a * b)]
    return found


def linear_sums(tree: Expression) -> Iterator[tuple[Path, syntax.Infix]]:
    """Yield the sums in which the whole expression is linear, outermost first."""
    waiting: list[tuple[Path, Expression]] = [((), tree)]
    while waiting:
        path, node = waiting.pop(0)
        if isinstance(node, syntax.Infix):
            if node.sign in "+-":
                yield path, node
            continue
        if isinstance(node, syntax.Negation | syntax.Transpose | syntax.SumOver):
            waiting.append(((*path, 0), node.operand))
        elif isinstance(node, syntax.Call) and node.function in ("sum", "mean"):
            waiting.append(((*path, 0), node.arguments[0]))
        elif isinstance(node, syntax.Product):
            waiting += [
                ((*path, i), factor)
                for i, factor in enumerate(node.factors)
                if not (i and node.signs[i - 1] == "/")
            ]


def terms_of(node: Expression) -> list[tuple[int, Expression]]:
    """Return the terms of a sum with their signs."""
    if isinstance(node, syntax.Infix) and node.sign in "+-":
        sign = 1 if node.sign == "+" else -1
        return [*terms_of(node.left), (sign, node.right)]
    if isinstance(node, syntax.Negation):
        return [(-1, node.operand)]
    return [(1, node)]


def _as_edit(
    tree: Expression, path: Path, terms: list[Expression], found: list[Monomial | None], context: Context
) -> Iterator[Edit]:
    monomial = found[0]
    if monomial is None or monomial.is_1:
        return
    changed = scaled(terms[0], monomial)
    mistakes = _mistakes(terms[0], monomial, context)
    if meant := _meant(monomial, context):
        mistakes = (mistake("factor", mistakes[0].text + meant),)
    yield Edit(put(tree, path, changed), _cost(monomial), mistakes)


def _cost(monomial: Monomial) -> float:
    symbols = len(monomial.above) + len(monomial.below)
    return (
        1
        + 0.2 * max(0, symbols - 1)
        + (0.3 if monomial.factor < 0 and (symbols or monomial.factor != -1) else 0)
    )


def _sum_edit(
    tree: Expression,
    path: Path,
    terms: list[tuple[int, Expression]],
    found: list[Monomial | None],
    context: Context,
) -> Iterator[Edit]:
    """Yield a sum in which each term has its coefficient."""
    mistakes: list[Mistake] = []
    new: list[tuple[int, Expression]] = []
    cost = 0.0
    for (sign, term), monomial in zip(terms, found, strict=True):
        if monomial is None:
            mistakes.append(mistake("term extra", f"the term {context.write(term)} is too many"))
            cost += 1.2
            continue
        wanted = Monomial(monomial.factor * sign, monomial.above, monomial.below)
        if not wanted.is_1:
            mistakes += _mistakes(term, wanted, context)
            cost += _cost(wanted)
        new.append((-sign if wanted.factor < 0 else sign, scaled(term, _positive(wanted))))
    if new and mistakes:
        yield Edit(put(tree, path, sum_of(new)), cost, tuple(mistakes))


def _positive(monomial: Monomial) -> Monomial:
    return Monomial(abs(monomial.factor), monomial.above, monomial.below)


def sum_of(terms: list[tuple[int, Expression]]) -> Expression:
    """Return a sum, a positive term first if there is one."""
    sign, total = terms[0]
    total = syntax.Negation(total, NOWHERE) if sign < 0 else total
    for sign, term in terms[1:]:
        total = syntax.Infix("+" if sign > 0 else "-", total, term, NOWHERE)
    return total


def scaled(tree: Expression, by: Monomial) -> Expression:
    """Return a tree times a monomial, joined with the coefficient that it has already."""
    if by.is_1:
        return tree
    if isinstance(tree, syntax.Negation):
        inner = scaled(tree.operand, _positive(by))
        return inner if by.factor < 0 else syntax.Negation(inner, NOWHERE)
    own, rest = _coefficient(tree)
    above, below = _cancelled([*own.above, *by.above], [*own.below, *by.below])
    factor = own.factor * by.factor
    joined = _joined(abs(factor), above, below, rest)
    return syntax.Negation(joined, NOWHERE) if factor < 0 else joined


def _coefficient(tree: Expression) -> tuple[Monomial, list[tuple[str, Expression]]]:
    """Split the numbers and symbols in front of a product from its other factors with their signs."""
    if not isinstance(tree, syntax.Product):
        return Monomial(Fraction(1)), [("", tree)]
    factor, above, below = Fraction(1), list[Expression](), list[Expression]()
    rest: list[tuple[str, Expression]] = []
    for place, (sign, part) in enumerate(zip(("", *tree.signs), tree.factors, strict=True)):
        plain = not rest and _is_plain(part) and ".*" not in tree.signs[max(place - 1, 0) : place + 1]
        parts = _factors_below(part) if plain and sign == "/" else [part]
        if not plain:
            rest.append((sign, part))
            continue
        for piece in parts:
            if isinstance(piece, syntax.Number):
                number_ = Fraction(piece.text)
                factor = factor / number_ if sign == "/" else factor * number_
            else:
                (below if sign == "/" else above).append(piece)
    return Monomial(factor, tuple(above), tuple(below)), rest


def _is_plain(part: Expression) -> bool:
    """Tell whether a factor is a number, a symbol of a size or scalar, or a product of such."""
    if isinstance(part, syntax.Number):
        return Fraction(part.text) != 0
    if isinstance(part, syntax.Product):
        return not any(part.signs) and all(_is_plain(factor) for factor in part.factors)
    return isinstance(part, syntax.Name) and bool(_NUMBER_NAME.fullmatch(part.text))


def _factors_below(part: Expression) -> list[Expression]:
    return list(part.factors) if isinstance(part, syntax.Product) else [part]


def _cancelled(above: list[Expression], below: list[Expression]) -> tuple[list[Expression], list[Expression]]:
    """Leave out what stands both above and below the stroke."""
    for one in list(above):
        match = next((other for other in below if is_same(one, other)), None)
        if match is not None:
            above.remove(one)
            below.remove(match)
    return above, below


def _joined(
    factor: Fraction, above: list[Expression], below: list[Expression], rest: list[tuple[str, Expression]]
) -> Expression:
    """Return factor · above / below · rest as one product."""
    top: list[Expression] = [number(str(factor.numerator))] if factor.numerator != 1 else []
    top += above
    bottom: list[Expression] = [number(str(factor.denominator))] if factor.denominator != 1 else []
    bottom += below
    if bottom and not top:
        top = [number("1")]
    pieces: list[tuple[str, Expression]] = [("", part) for part in top]
    if bottom:
        pieces.append(("/", product(tuple(bottom), ("",) * (len(bottom) - 1))))
    if rest and rest[0][0] not in ("", "/") and pieces:
        rest = [("", rest[0][1]), *rest[1:]]
    pieces += rest
    if not pieces:
        return number("1")
    if pieces[0][0] == "/":
        pieces = [("", number("1")), *pieces]
    return product(tuple(part for _, part in pieces), tuple(sign for sign, _ in pieces[1:]))


def _mistakes(term: Expression, by: Monomial, context: Context) -> tuple[Mistake, ...]:
    """Return what is wrong with a term that must be multiplied by a monomial."""
    found: list[Mistake] = []
    if by.factor < 0:
        found.append(mistake("sign", f"the sign of {context.write(term)} is wrong"))
    size = _positive(by)
    if not size.is_1:
        found.append(_factor_mistake(term, size, context))
    return tuple(found)


def _factor_mistake(term: Expression, by: Monomial, context: Context) -> Mistake:
    own, _ = _coefficient(term)
    keep = [part for part in by.below if isinstance(part, syntax.Infix)]
    if keep and not by.above and by.factor == 1 and len(by.below) == 1:
        return mistake("1/(1−p) missing", f"the scaling 1/({context.write(keep[0])}) is missing")
    inverse = Monomial(1 / by.factor, by.below, by.above)
    if _has(own, inverse):
        return mistake("factor", f"the factor {_shown(inverse, context)} is too many")
    return mistake("factor", f"the factor {_shown(by, context)} is missing")


def _meant(by: Monomial, context: Context) -> str:
    """Say what a gradient without the 1/m of the mean is the gradient of."""
    over_examples = len(by.below) == 1 and context_free(by.below[0]) == context.examples
    if by.factor != 1 or by.above or not over_examples or not context.is_gradient(context.name):
        return ""
    return f": this is the gradient of {context.examples} {context.world.objective}"


def _has(own: Monomial, by: Monomial) -> bool:
    """Tell whether a coefficient contains all of a monomial."""
    above = [context_free(part) for part in own.above]
    below = [context_free(part) for part in own.below]
    symbols = all(context_free(p) in above for p in by.above) and all(
        context_free(p) in below for p in by.below
    )
    return symbols and by.factor in (1, own.factor)


def context_free(part: Expression) -> Any:
    """Return what a symbol says, wherever it stands."""
    return part.text if isinstance(part, syntax.Name | syntax.Number) else type(part).__name__


def _shown(monomial: Monomial, context: Context) -> str:
    return context.write(_joined(monomial.factor, list(monomial.above), list(monomial.below), []))
