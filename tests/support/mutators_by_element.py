"""Mistakes with derivatives, masks and pairs: a mutator makes one kind at every place for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chainrule.derivation.tree import NOWHERE, Path, name, names_in, number, product, put, subtrees
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression
from tests.support.derivations import Derivation, Line
from tests.support.mutators import products, without


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
    for path, node in products(line.right):
        if ".*" in node.signs and set(node.signs) <= {".*", "/", ""} and node.signs.index(".*") >= 0:
            places = [i for i, f in enumerate(node.factors) if _is_derivative(f, node.factors)]
            if places and 0 not in places:
                yield path, node, places


def derivative_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, places in _derivatives(line):
        changed: Expression = node
        for place in reversed(places):
            assert isinstance(changed, syntax.Product)
            changed = without(changed, place)
        yield put(line.right, path, changed)


def derivative_halved(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node, places in _derivatives(line):
        if len(places) > 1:
            yield from (put(line.right, path, without(node, place)) for place in places)


def value_for_derivative(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node in subtrees(line.right):
        if isinstance(node, syntax.Call) and node.derivative and node.function not in _losses(derivation):
            yield put(line.right, path, replace(node, derivative=False))


def _losses(derivation: Derivation) -> set[str]:
    return {function for function, arity in derivation.functions.items() if arity == 2}


def other_layer(line: Line, derivation: Derivation) -> Iterator[Expression]:
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
    named = [line for line in derivation.forward if line.name[0] in "AaPH"]
    return [
        Layer(line.right.arguments[0].text, line.name, line.right.function)
        for line in named
        if isinstance(line.right, syntax.Call) and isinstance(line.right.arguments[0], syntax.Name)
    ]


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


def other_function(line: Line, derivation: Derivation) -> Iterator[Expression]:
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
            kept = without(node, places[0])
            assert isinstance(kept, syntax.Product)
            one_minus = syntax.Infix("-", number("1"), squared, NOWHERE)
            yield put(line.right, path, replace(kept, factors=(*kept.factors[:-1], one_minus)))
        elif isinstance(written[0], syntax.Infix) and isinstance(written[0].right, syntax.Power):
            one_minus = syntax.Infix("-", number("1"), name(output), NOWHERE)
            both = replace(
                node, factors=(*node.factors[:-1], name(output), one_minus), signs=(*node.signs, ".*")
            )
            yield put(line.right, path, both)


def mask_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node in products(line.right):
        for place, factor in enumerate(node.factors):
            if isinstance(factor, syntax.Name) and factor.text.startswith("M"):
                yield put(line.right, path, without(node, place))


def scale_missing(line: Line, derivation: Derivation) -> Iterator[Expression]:
    for path, node in products(line.right):
        for place, factor in enumerate(node.factors):
            kept = isinstance(factor, syntax.Infix) and names_in(factor) in (["p"], ["q"])
            if kept and place and node.signs[place - 1] == "/":
                yield put(line.right, path, without(node, place))


def pair(line: Line, derivation: Derivation) -> Iterator[Expression]:
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
