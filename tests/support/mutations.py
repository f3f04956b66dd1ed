"""Mistakes made on purpose: a right line, with one thing wrong.

Each mutator makes one kind of mistake at every place where it can be made. Whether the result is wrong is
not for it to say: what a transpose misses on one layer may be the same on another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chainrule.derivation.tree import NOWHERE, Path, at, name, names_in, number, product, put, subtrees
from chainrule.derivation.writing import style_of, write
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression
from tests.support.derivations import Derivation, Line, MisfitError

Mutator = Callable[[Line, Derivation], Iterator[Expression]]

NAMINGS: Mapping[str, frozenset[str]] = {
    "transpose missing": frozenset({"transpose missing"}),
    "transpose misplaced": frozenset({"transpose misplaced"}),
    "order of factors": frozenset({"order of factors"}),
    "product transposed": frozenset({"order of factors", "transpose missing", "transpose misplaced"}),
    "sign": frozenset({"sign"}),
    "factor missing": frozenset({"factor"}),
    "factor extra": frozenset({"factor"}),
    "mean for a sum": frozenset({"factor"}),
    "sum over the examples missing": frozenset({"sum over the examples missing"}),
    # without its sum, the rule of softmax is that of an element-wise function
    "sum over the classes missing": frozenset({"sum missing", "softmax element by element"}),
    "sum extra": frozenset({"sum extra"}),
    "sum over another axis": frozenset({"sum over another axis"}),
    # at the output of a squared error, what is left is the rule of a linear output
    "f' missing": frozenset({"f' missing", "pair"}),
    "part of f' missing": frozenset({"f' missing", "f' of another function", "factor by elements missing", "f for f'"}),
    "f for f'": frozenset({"f for f'"}),
    "f' of another layer": frozenset({"f' of another layer"}),
    "f' of another function": frozenset({"f' of another function"}),
    "⊙ for a product": frozenset({"⊙ for a product"}),
    "product for ⊙": frozenset({"product for ⊙"}),
    "mask missing": frozenset({"mask missing"}),
    "1/(1−p) missing": frozenset({"1/(1−p) missing"}),
    "pair": frozenset({"pair"}),
    "term missing": frozenset({"term missing"}),
    "size 1": frozenset({"sum over another axis", "sum extra", "= 1"}),
}  # fmt: skip
"""Names that say what was done, by the kind of a mutation; more than one only where both are true of the line."""


@dataclass(frozen=True)
class Mutant:
    """A changed line.

    Attributes:
        text: the whole equation.
        name: what it claims to be.
        kinds: the mistakes that each lead to this line.
        is_wrong: whether central differences deny it.
    """

    text: str
    name: str
    kinds: frozenset[str]
    is_wrong: bool

    @property
    def namings(self) -> frozenset[str]:
        """The names with which the mistake is named rightly."""
        return frozenset().union(*(NAMINGS[kind] for kind in self.kinds))


def mutants(derivation: Derivation) -> list[Mutant]:
    """Return every different line that one mutation makes of the claims of a derivation."""
    kinds: dict[str, set[str]] = {}
    lines: dict[str, Line] = {}
    known = {claim.text for claim in derivation.claims}
    for claim in derivation.claims:
        style = replace(style_of(claim.text), matrix="")
        for kind, mutator in MUTATORS.items():
            for tree in mutator(claim, derivation):
                text = f"{claim.name} = {write(tree, style)}"
                if text not in known:
                    lines.setdefault(text, derivation.parse(text))
                    kinds.setdefault(text, set()).add(kind)
    return [
        Mutant(text, line.name, frozenset(kinds[text]), not derivation.is_true(line.name, line.right))
        for text, line in lines.items()
    ]


def _products(tree: Expression) -> Iterator[tuple[Path, syntax.Product]]:
    return ((path, node) for path, node in subtrees(tree) if isinstance(node, syntax.Product))


def _matrix_pairs(line: Line, derivation: Derivation) -> Iterator[tuple[Path, syntax.Product, int]]:
    """Yield the places between two arrays that are multiplied as matrices."""
    for path, node in _products(line.right):
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


def _transpose_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node in subtrees(line.right):
        if isinstance(node, syntax.Transpose):
            yield put(line.right, path, node.operand)


def _transpose_misplaced(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Move a transpose to the other factor, or put one where none belongs."""
    for path, node, place in _matrix_pairs(line, derivation):
        left, right = node.factors[place], node.factors[place + 1]
        if isinstance(left, syntax.Transpose) != isinstance(right, syntax.Transpose):
            yield put(line.right, path, _with_pair(node, place, _turned(left), _turned(right)))
        elif not isinstance(left, syntax.Transpose):
            yield put(line.right, path, _with_pair(node, place, _turned(left), right))
            yield put(line.right, path, _with_pair(node, place, left, _turned(right)))


def _order(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, place in _matrix_pairs(line, derivation):
        yield put(line.right, path, _with_pair(node, place, node.factors[place + 1], node.factors[place]))


def _product_transposed(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, place in _matrix_pairs(line, derivation):
        left, right = _turned(node.factors[place + 1]), _turned(node.factors[place])
        yield put(line.right, path, _with_pair(node, place, left, right))


def _sign(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Turn the sign of the line, or of one term of a sum."""
    tree = line.right
    yield tree.operand if isinstance(tree, syntax.Negation) else syntax.Negation(tree, NOWHERE)
    for path, node in subtrees(tree):
        if isinstance(node, syntax.Infix) and node.sign in "+-":
            yield put(tree, path, replace(node, sign="+" if node.sign == "-" else "-"))
        elif isinstance(node, syntax.Negation) and path:
            yield put(tree, path, node.operand)


def _factor_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Leave out a number or a size, above or below the stroke."""
    for path, node in _products(line.right):
        for place, factor in enumerate(node.factors):
            below = place > 0 and node.signs[place - 1] == "/"
            if not _is_number(factor, derivation) or (not below and getattr(factor, "text", "") == "1"):
                continue
            stays = place == 0 and node.signs[0] == "/"
            yield put(line.right, path, _with_one(node, place) if stays else _without(node, place))
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


def _without(node: syntax.Product, place: int) -> Expression:
    """Leave out a factor; 1/x without x leaves what follows."""
    factors = node.factors[:place] + node.factors[place + 1 :]
    signs = node.signs[: max(place - 1, 0)] + node.signs[max(place, 1) :]
    if len(factors) > 1 and getattr(factors[0], "text", "") == "1" and signs[0] != "/":
        factors, signs = factors[1:], signs[1:]
    return product(factors, signs)


def _factor_extra(line: Line, derivation: Derivation) -> Iterator[Expression]:
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


def _mean_for_sum(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, _ in _sums(line):
        if isinstance(node, syntax.Call):
            other = "mean" if node.function == "sum" else "sum"
            yield put(line.right, path, replace(node, function=other))


def _example_sum_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, inner in _sums(line):
        if _runs_over_examples(node, inner, derivation):
            yield put(line.right, path, inner)


def _class_sum_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, inner in _sums(line):
        if not _runs_over_examples(node, inner, derivation):
            yield put(line.right, path, inner)


def _runs_over_examples(node: Any, inner: Expression, derivation: Derivation) -> bool:
    if isinstance(node, syntax.SumOver):
        return node.letter == derivation.examples
    axis = next((s.item for s in node.settings if s.name == "axis"), None)
    rows = not derivation.title.startswith(("columns", "ascii_columns"))
    return axis is None or axis == (0 if rows else 1)


def _sum_extra(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Sum a line over the examples that has one number or row for each of them."""
    shape = derivation.worlds[0].values[line.name].shape
    examples = derivation.examples
    if derivation.letters[examples] in shape and len(shape) == 2:
        yield syntax.SumOver(examples, line.right, NOWHERE)


def _other_axis(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, _ in _sums(line):
        for place, setting in enumerate(getattr(node, "settings", ())):
            if setting.name == "axis":
                other = replace(setting, item=1 - int(setting.item))
                settings = (*node.settings[:place], other, *node.settings[place + 1 :])
                yield put(line.right, path, replace(node, settings=settings))


def _is_derivative(node: Expression, among: tuple[Expression, ...]) -> bool:
    """Tell whether a factor is f′(x), or part of one that is written out, such as A ⊙ (1 − A)."""
    if isinstance(node, syntax.Call):
        return len(node.arguments) == 1 and (node.derivative or node.function == "sigmoid")
    if isinstance(node, syntax.Fenced):
        return node.op == "indicator"
    if isinstance(node, syntax.Name):
        return any(isinstance(n, syntax.Infix) and names_in(n) == [node.text] for n in among)
    return isinstance(node, syntax.Infix) and [n[0] in "AaHPZz" for n in names_in(node)] == [True]


def _derivatives(line: Line) -> Iterator[tuple[Path, syntax.Product, list[int]]]:
    """Yield the products by element of which some factors, but not all, are a derivative."""
    for path, node in _products(line.right):
        if ".*" in node.signs and set(node.signs) <= {".*", "/", ""} and node.signs.index(".*") >= 0:
            places = [i for i, f in enumerate(node.factors) if _is_derivative(f, node.factors)]
            if places and 0 not in places:
                yield path, node, places


def _derivative_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, places in _derivatives(line):
        changed: Expression = node
        for place in reversed(places):
            assert isinstance(changed, syntax.Product)
            changed = _without(changed, place)
        yield put(line.right, path, changed)


def _derivative_halved(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, places in _derivatives(line):
        if len(places) > 1:
            yield from (put(line.right, path, _without(node, place)) for place in places)


def _value_for_derivative(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node in subtrees(line.right):
        if isinstance(node, syntax.Call) and node.derivative and node.function not in _losses(derivation):
            yield put(line.right, path, replace(node, derivative=False))


def _losses(derivation: Derivation) -> set[str]:
    return {function for function, arity in derivation.functions.items() if arity == 2}


def _other_layer(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Take a derivative at the values of another layer, or at the activation of its own."""
    layers = _layers(derivation)
    for path, node, places in _derivatives(line):
        for own in layers:
            for other in layers:
                moved = _renamed(node, places, own, other)
                if own is not other and moved is not None:
                    yield put(line.right, path, moved)
        for place in places:
            factor = node.factors[place]
            if isinstance(factor, syntax.Call) and factor.derivative:
                own = next((layer for layer in layers if layer.pre in names_in(factor)), None)
                at_output = None if own is None else replace(factor, arguments=(name(own.output),))
                if at_output is not None:
                    yield put(line.right, (*path, place), at_output)


@dataclass(frozen=True)
class Layer:
    """An activation of the network: its input, its output, its function."""

    pre: str
    output: str
    function: str


def _layers(derivation: Derivation) -> list[Layer]:
    found: list[Layer] = []
    for line in derivation.forward:
        call = line.right
        if (
            isinstance(call, syntax.Call)
            and isinstance(call.arguments[0], syntax.Name)
            and len(call.arguments) == 1
        ):
            if line.name[0] in "AaPH":
                found.append(Layer(call.arguments[0].text, line.name, call.function))
    return found


def _renamed(node: syntax.Product, places: list[int], own: Layer, other: Layer) -> Expression | None:
    """Return a product whose derivative is that of another layer, None if it has none of the layer."""
    renaming = {own.pre: other.pre, own.output: other.output}
    factors = list(node.factors)
    for place in places:
        for path, inner in subtrees(factors[place]):
            if isinstance(inner, syntax.Name) and inner.text in renaming:
                factors[place] = put(factors[place], path, name(renaming[inner.text]))
        call = factors[place]
        if isinstance(call, syntax.Call) and call.function == own.function:
            factors[place] = replace(call, function=other.function)
    return replace(node, factors=tuple(factors)) if tuple(factors) != node.factors else None


def _other_function(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Put the derivative of tanh for that of sigmoid, or the reverse, of relu for that of softplus."""
    others = {"tanh": "sigmoid", "sigmoid": "tanh", "softplus": "relu", "relu": "softplus"}
    for path, node in subtrees(line.right):
        if isinstance(node, syntax.Call) and node.derivative and node.function in others:
            yield put(line.right, path, replace(node, function=others[node.function]))
    for path, node, places in _derivatives(line):
        written = [node.factors[place] for place in places]
        output = names_in(written[-1])[0]
        if len(places) == 2:
            squared = syntax.Power(name(output), number("2"), NOWHERE)
            kept = _without(node, places[0])
            assert isinstance(kept, syntax.Product)
            one_minus = syntax.Infix("-", number("1"), squared, NOWHERE)
            yield put(line.right, path, replace(kept, factors=(*kept.factors[:-1], one_minus)))
        elif isinstance(written[0], syntax.Infix) and isinstance(written[0].right, syntax.Power):
            one_minus = syntax.Infix("-", number("1"), name(output), NOWHERE)
            both = replace(
                node, factors=(*node.factors[:-1], name(output), one_minus), signs=(*node.signs, ".*")
            )
            yield put(line.right, path, both)


def _element_for_matrix(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, place in _matrix_pairs(line, derivation):
        yield put(line.right, path, _joined(node, place, ".*"))


def _matrix_for_element(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node in _products(line.right):
        for place, sign in enumerate(node.signs):
            if sign == ".*":
                yield put(line.right, path, _joined(node, place, ""))


def _joined(node: syntax.Product, place: int, sign: str) -> Expression:
    """Return a chain in which one sign is another; what stands before it keeps together."""
    before = product(node.factors[: place + 1], node.signs[:place])
    pair = product((before, node.factors[place + 1]), (sign,))
    return product((pair, *node.factors[place + 2 :]), node.signs[place + 1 :])


def _mask_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node in _products(line.right):
        for place, factor in enumerate(node.factors):
            if isinstance(factor, syntax.Name) and factor.text.startswith("M"):
                yield put(line.right, path, _without(node, place))


def _scale_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node in _products(line.right):
        for place, factor in enumerate(node.factors):
            kept = isinstance(factor, syntax.Infix) and names_in(factor) in (["p"], ["q"])
            if kept and place and node.signs[place - 1] == "/":
                yield put(line.right, path, _without(node, place))


def _pair(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Write output − target for the gradient at the last pre-activation, with a factor or without."""
    last = _layers(derivation)[-1:]
    target = next((leaf for leaf in derivation.leaves if leaf in ("Y", "y")), "")
    values = derivation.worlds[0].values
    if not last or line.name != f"d{last[0].pre}" or not target:
        return
    if values[last[0].output].shape != values[target].shape:
        return
    difference = syntax.Infix("-", name(last[0].output), name(target), NOWHERE)
    yield difference
    yield product((number("1"), name(derivation.examples), difference), ("/", ""))


def _term_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Leave out one of the terms that the gradient itself is the sum of."""
    tree = line.right
    if isinstance(tree, syntax.Infix) and line.name[1] not in "APap":
        yield tree.left
        if tree.sign == "+":
            yield tree.right


def _size_1(line: Line, derivation: Derivation) -> Iterator[Expression]:
    """Sum over everything what is to be summed over the examples: right for one output."""
    for path, node, inner in _sums(line):
        over_examples = _runs_over_examples(node, inner, derivation)
        if over_examples and (isinstance(node, syntax.SumOver) or (node.settings and node.function == "sum")):
            yield put(line.right, path, syntax.Call("sum", (inner,), (), False, NOWHERE))


MUTATORS: Mapping[str, Mutator] = {
    "transpose missing": _transpose_missing,
    "transpose misplaced": _transpose_misplaced,
    "order of factors": _order,
    "product transposed": _product_transposed,
    "sign": _sign,
    "factor missing": _factor_missing,
    "factor extra": _factor_extra,
    "mean for a sum": _mean_for_sum,
    "sum over the examples missing": _example_sum_missing,
    "sum over the classes missing": _class_sum_missing,
    "sum extra": _sum_extra,
    "sum over another axis": _other_axis,
    "f' missing": _derivative_missing,
    "part of f' missing": _derivative_halved,
    "f for f'": _value_for_derivative,
    "f' of another layer": _other_layer,
    "f' of another function": _other_function,
    "⊙ for a product": _element_for_matrix,
    "product for ⊙": _matrix_for_element,
    "mask missing": _mask_missing,
    "1/(1−p) missing": _scale_missing,
    "pair": _pair,
    "term missing": _term_missing,
    "size 1": _size_1,
}
