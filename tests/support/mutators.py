"""Mistakes with products, signs, factors and sums: a mutator makes one kind at every place for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chainrule.derivation.tree import NOWHERE, Path, at, name, number, product, put, subtrees
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression
from tests.support.derivations import Derivation, Line, MisfitError


def products(tree: Expression) -> Iterator[tuple[Path, syntax.Product]]:
    return ((path, node) for path, node in subtrees(tree) if isinstance(node, syntax.Product))


def _matrix_pairs(line: Line, derivation: Derivation) -> Iterator[tuple[Path, syntax.Product, int]]:
    """Yield the places between two arrays that are multiplied as matrices."""
    for path, node in products(line.right):
        for place, sign in enumerate(node.signs):
            pair = node.factors[place : place + 2]
            if sign in ("", "@") and all(_rank(factor, derivation) for factor in pair):
                yield path, node, place


def _rank(tree: Expression, derivation: Derivation) -> int:
    world = derivation.worlds[0]
    try:
        return world.evaluator.value(tree, world.values).ndim
    except MisfitError:
        return 0


def _with_pair(node: syntax.Product, place: int, left: Expression, right: Expression) -> Expression:
    return replace(node, factors=(*node.factors[:place], left, right, *node.factors[place + 2 :]))


def _turned(node: Expression) -> Expression:
    return node.operand if isinstance(node, syntax.Transpose) else syntax.Transpose(node, NOWHERE)


def transpose_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node in subtrees(line.right):
        if isinstance(node, syntax.Transpose):
            yield put(line.right, path, node.operand)


def transpose_misplaced(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Move a transpose to the other factor, or put one where none belongs."""
    for path, node, place in _matrix_pairs(line, derivation):
        left, right = node.factors[place], node.factors[place + 1]
        if isinstance(left, syntax.Transpose) != isinstance(right, syntax.Transpose):
            yield put(line.right, path, _with_pair(node, place, _turned(left), _turned(right)))
        elif not isinstance(left, syntax.Transpose):
            yield put(line.right, path, _with_pair(node, place, _turned(left), right))
            yield put(line.right, path, _with_pair(node, place, left, _turned(right)))


def order(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, place in _matrix_pairs(line, derivation):
        yield put(line.right, path, _with_pair(node, place, node.factors[place + 1], node.factors[place]))


def product_transposed(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, place in _matrix_pairs(line, derivation):
        left, right = _turned(node.factors[place + 1]), _turned(node.factors[place])
        yield put(line.right, path, _with_pair(node, place, left, right))


def sign(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Turn the sign of the line, or of one term of a sum."""
    tree = line.right
    yield tree.operand if isinstance(tree, syntax.Negation) else syntax.Negation(tree, NOWHERE)
    for path, node in subtrees(tree):
        if isinstance(node, syntax.Infix) and node.sign in "+-":
            yield put(tree, path, replace(node, sign="+" if node.sign == "-" else "-"))
        elif isinstance(node, syntax.Negation) and path:
            yield put(tree, path, node.operand)


def factor_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Leave out a number or a size, above or below the stroke."""
    for path, node in products(line.right):
        for place, factor in enumerate(node.factors):
            below = place > 0 and node.signs[place - 1] == "/"
            if not _is_number(factor, derivation) or (not below and getattr(factor, "text", "") == "1"):
                continue
            stays = place == 0 and node.signs[0] == "/"
            yield put(line.right, path, _with_one(node, place) if stays else without(node, place))
            if isinstance(factor, syntax.Product):
                for part in factor.factors:
                    rest = product(tuple(f for f in factor.factors if f is not part), factor.signs[1:])
                    yield put(line.right, (*path, place), rest)


def _is_number(node: Expression, derivation: Derivation) -> bool:
    """Tell whether a factor is a number, a size, or a product of such, and not weight decay."""
    if isinstance(node, syntax.Product):
        return all(_is_number(factor, derivation) for factor in node.factors)
    return isinstance(node, syntax.Number) or (
        isinstance(node, syntax.Name) and node.text in derivation.letters
    )


def _with_one(node: syntax.Product, place: int) -> Expression:
    return replace(node, factors=(*node.factors[:place], number("1"), *node.factors[place + 1 :]))


def without(node: syntax.Product, place: int) -> Expression:
    """Leave out a factor; 1/x without x leaves what follows."""
    factors = node.factors[:place] + node.factors[place + 1 :]
    signs = node.signs[: max(place - 1, 0)] + node.signs[max(place, 1) :]
    if len(factors) > 1 and getattr(factors[0], "text", "") == "1" and signs[0] != "/":
        factors, signs = factors[1:], signs[1:]
    return product(factors, signs)


def factor_extra(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Multiply the line, or one term of it, by 2, ½, the number of examples or one over it."""
    examples = name(derivation.examples)
    one, two = number("1"), number("2")
    extras = (((two,), ()), ((one, two), ("/",)), ((examples,), ()), ((one, examples), ("/",)))
    for path in _whole_and_terms(line.right):
        term = at(line.right, path)
        if isinstance(term, syntax.Number):
            continue
        rest, signs = (term.factors, term.signs) if isinstance(term, syntax.Product) else ((term,), ())
        for factors, between in extras:
            yield put(line.right, path, product((*factors, *rest), (*between, "", *signs)))


def _whole_and_terms(tree: Expression) -> Iterator[Path]:
    yield ()
    if isinstance(tree, syntax.Infix):
        yield (0,)
        yield (1,)


def _sums(line: Line) -> Iterator[tuple[Path, Any, Expression]]:
    for path, node in subtrees(line.right):
        if isinstance(node, syntax.SumOver):
            yield path, node, node.operand
        elif isinstance(node, syntax.Call) and node.function in ("sum", "mean"):
            yield path, node, node.arguments[0]


def mean_for_sum(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, _ in _sums(line):
        if isinstance(node, syntax.Call):
            other = "mean" if node.function == "sum" else "sum"
            yield put(line.right, path, replace(node, function=other))


def example_sum_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, inner in _sums(line):
        if _runs_over_examples(node, inner, derivation):
            yield put(line.right, path, inner)


def class_sum_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, inner in _sums(line):
        if not _runs_over_examples(node, inner, derivation):
            yield put(line.right, path, inner)


def _runs_over_examples(node: Any, inner: Expression, derivation: Derivation) -> bool:
    if isinstance(node, syntax.SumOver):
        return node.letter == derivation.examples
    axis = next((s.item for s in node.settings if s.name == "axis"), None)
    rows = not derivation.title.startswith(("columns", "ascii_columns"))
    return axis is None or axis == (0 if rows else 1)


def sum_extra(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Sum a line over the examples that has one number or row for each of them."""
    shape = derivation.worlds[0].values[line.name].shape
    examples = derivation.examples
    if derivation.letters[examples] in shape and len(shape) == 2:
        yield syntax.SumOver(examples, line.right, NOWHERE)


def other_axis(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, _ in _sums(line):
        for place, setting in enumerate(getattr(node, "settings", ())):
            if setting.name == "axis":
                other = replace(setting, item=1 - int(setting.item))
                settings = (*node.settings[:place], other, *node.settings[place + 1 :])
                yield put(line.right, path, replace(node, settings=settings))


def element_for_matrix(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, place in _matrix_pairs(line, derivation):
        yield put(line.right, path, _joined(node, place, ".*"))


def matrix_for_element(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node in products(line.right):
        for place, sign in enumerate(node.signs):
            if sign == ".*":
                yield put(line.right, path, _joined(node, place, ""))


def _joined(node: syntax.Product, place: int, sign: str) -> Expression:
    """Return a chain in which one sign is another; what stands before it keeps together."""
    before = product(node.factors[: place + 1], node.signs[:place])
    pair = product((before, node.factors[place + 1]), (sign,))
    return product((pair, *node.factors[place + 2 :]), node.signs[place + 1 :])


def term_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Leave out one of the terms that the gradient itself is the sum of."""
    tree = line.right
    if isinstance(tree, syntax.Infix) and line.name[1] not in "APap":
        yield tree.left
        if tree.sign == "+":
            yield tree.right


def size_1(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Sum over everything what is to be summed over the examples: right for one output."""
    for path, node, inner in _sums(line):
        over_examples = _runs_over_examples(node, inner, derivation)
        if over_examples and (isinstance(node, syntax.SumOver) or (node.settings and node.function == "sum")):
            yield put(line.right, path, syntax.Call("sum", (inner,), (), False, NOWHERE))
