"""Small edits of element-wise factors, sums and symbols: f′, masks, Σ, one name for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

from chainrule.derivation.context import Context
from chainrule.derivation.edits import Edit, edit
from chainrule.derivation.mistakes import mistake
from chainrule.derivation.tree import (
    NOWHERE,
    Path,
    is_same,
    name,
    names_in,
    product,
    put,
    rewritten,
    subtrees,
)
from chainrule.derivation.verdict import Mistake
from chainrule.ir.names import normalized
from chainrule.ir.shape import show_shape
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression


def missing_factors(tree: Expression, context: Context) -> Iterator[Edit]:
    """Multiply a part by an f′(x), a mask or another value of its shape, element by element."""
    for path, node in _multipliable(tree):
        shape = context.shape(node)
        if not shape:
            continue
        for derivative in context.derivatives:
            if context.shape(derivative) == shape:
                text = f"{context.write(derivative)} is missing"
                yield edit(put(tree, path, _times(node, derivative)), 1 + 0.1 * len(path), "f' missing", text)
        for known in context.by_shape.get(shape, ()):
            if known == context.name or context.is_gradient(known):
                continue
            kind = "mask missing" if known in context.masks else "factor by elements missing"
            text = f"{context.style.spelled(known)} is missing"
            cost = (1.05 if known in context.masks else 1.3) + 0.1 * len(path)
            yield edit(put(tree, path, _times(node, name(known))), cost, kind, text)


def _multipliable(tree: Expression) -> Iterator[tuple[Path, Expression]]:
    """Yield the whole, and each factor of a matrix product, before it is transposed."""
    yield (), tree
    for path, node in subtrees(tree):
        if isinstance(node, syntax.Product) and any(sign in ("", "@") for sign in node.signs):
            for place, factor in enumerate(node.factors):
                transposed = isinstance(factor, syntax.Transpose)
                yield ((*path, place, 0), factor.operand) if transposed else ((*path, place), factor)


def _times(node: Expression, factor: Expression) -> Expression:
    """Return an element-wise product, in which a chain of such factors goes on."""
    if isinstance(node, syntax.Product) and ".*" in node.signs and not set(node.signs) & {"", "@"}:
        return replace(node, factors=(*node.factors, factor), signs=(*node.signs, ".*"))
    return product((node, factor), (".*",))


def extra_factors(tree: Expression, context: Context) -> Iterator[Edit]:
    """Leave out one element-wise factor."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Product):
            continue
        for place, factor in enumerate(node.factors):
            sign = node.signs[max(place - 1, 0)]
            if sign != ".*" or (place == 0 and node.signs[0] != ".*"):
                continue
            kept = node.factors[:place] + node.factors[place + 1 :]
            signs = node.signs[: max(place - 1, 0)] + node.signs[max(place, 1) :]
            derivative = isinstance(factor, syntax.Call | syntax.Fenced)
            kind = "f' extra" if derivative else "factor by elements extra"
            text = f"{context.write(factor)} is too many"
            yield edit(put(tree, path, product(kept, signs)), 1, kind, text)


def other_derivatives(tree: Expression, context: Context) -> Iterator[Edit]:
    """Put the derivative of another layer or function in the place of one, or f′ for f."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Call) or len(node.arguments) != 1:
            continue
        if any(node.function == known.function for known in context.derivatives):
            turned = replace(node, derivative=not node.derivative)
            text = f"{context.write(turned)} is meant, not {context.write(node)}"
            yield edit(put(tree, path, turned), 1, "f for f'", text)
        for known in context.derivatives:
            if known.function != node.function and not node.derivative:
                other = replace(node, function=known.function, settings=known.settings)
                text = f"{context.write(other)} is meant, not {context.write(node)}"
                yield edit(put(tree, path, other), 1.1, "another function", text)
        if node.derivative:
            for other in context.derivatives:
                if not is_same(other, node):
                    kind = _kind_of_change(node, other, context)
                    text = f"{context.write(other)} is meant, not {context.write(node)}"
                    yield edit(put(tree, path, other), 1, kind, text)


def _kind_of_change(node: syntax.Call, other: syntax.Call, context: Context) -> str:
    """Tell a derivative that belongs elsewhere from one of a function that is not used there."""
    elsewhere = any(is_same(node, known) for known in context.derivatives)
    elsewhere = elsewhere or context.plan.functions.get(node.function) == 1
    moved = not is_same(node.arguments[0], other.arguments[0])
    return "f' of another layer" if elsewhere or moved else "f' of another function"


def written_out_derivatives(tree: Expression, context: Context) -> Iterator[Edit]:
    """Put f′(x) in the place of all element-wise factors that are no gradients, such as A ⊙ (1 − A)."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Product) or ".*" not in node.signs:
            continue
        kept = [factor for factor in node.factors if _comes_from_loss(factor, context)]
        gone = [factor for factor in node.factors if factor not in kept]
        if not kept or not gone or set(node.signs) & {"", "@"}:
            continue
        shown = context.write(product(tuple(gone), (".*",) * (len(gone) - 1)))
        for derivative in context.derivatives:
            changed = product((*kept, derivative), (".*",) * len(kept))
            elsewhere = _belongs_elsewhere(gone, context)
            kind = "f' of another layer" if elsewhere else "f' of another function"
            text = f"{context.write(derivative)} is meant, not {shown}"
            yield edit(put(tree, path, changed), 1.25, kind, text)


def _comes_from_loss(factor: Expression, context: Context) -> bool:
    """Tell whether a factor is made of a gradient, or of data, as A − Y is."""
    return any(context.is_gradient(n) or n in context.data for n in names_in(factor))


def _belongs_elsewhere(factors: list[Expression], context: Context) -> bool:
    """Tell whether factors are made of another layer's values than those that the claim needs."""
    used = {n for factor in factors for n in names_in(factor)}
    here = {
        n for made, call in context.activations for n in (made, *names_in(call)) if f"d{n}" == context.name
    }
    layers = [{made, *names_in(call)} for made, call in context.activations]
    mine = next((layer for layer in layers if layer & here), set[str]())
    return bool(mine) and any(used & layer for layer in layers) and not used & mine


def sums(tree: Expression, context: Context) -> Iterator[Edit]:
    """Sum a part over an axis, leave a sum out, or sum over another axis."""
    yield from _missing_sums(tree, context)
    for path, node in subtrees(tree):
        if isinstance(node, syntax.SumOver):
            inner = node.operand
        elif isinstance(node, syntax.Call) and node.function in ("sum", "mean"):
            inner = node.arguments[0]
        else:
            continue
        text = f"{context.write(node)} sums where no sum belongs"
        yield edit(put(tree, path, inner), 1, "sum extra", text)
        if isinstance(node, syntax.Call):
            other = "sum" if node.function == "mean" else "mean"
            text = f"the {other} is meant, not the {node.function}: a factor of their number is between them"
            yield edit(put(tree, path, replace(node, function=other)), 0.9, "factor", text)
            yield from _other_axes(tree, path, node, context)
        for changed, axis in summed(inner, context):
            if not is_same(changed, node):
                kept = _axis(node, context) == _axis(changed, context)
                kind = "shape of a sum" if kept else "sum over another axis"
                text = f"{context.write(changed)} is meant" if kept else f"the sum is to be taken over {axis}"
                yield edit(put(tree, path, changed), 1.0 if kept else 1.1, kind, text)


def _other_axes(tree: Expression, path: Path, node: syntax.Call, context: Context) -> Iterator[Edit]:
    """Take a sum or mean over each other axis, and leave the rest of it as it is."""
    for place, setting in enumerate(node.settings):
        for axis in range(len(context.shape(node.arguments[0]) or ()) if setting.name == "axis" else 0):
            if axis != setting.item:
                settings = (*node.settings[:place], replace(setting, item=axis), *node.settings[place + 1 :])
                changed = replace(node, settings=settings)
                text = f"the {node.function} is to be taken over axis {axis}: {context.write(changed)}"
                yield edit(put(tree, path, changed), 0.95, "sum over another axis", text)


def _axis(node: Expression, context: Context) -> object:
    """Return the axis of a sum by its number, None for all axes."""
    if isinstance(node, syntax.SumOver):
        shape = context.shape(node.operand) or ()
        return shape.index(node.letter) if node.letter in shape else None
    settings = node.settings if isinstance(node, syntax.Call) else ()
    return next((s.item for s in settings if s.name in ("axis", "")), None)


def ones(tree: Expression, context: Context) -> Iterator[Edit]:
    """Put a 1 in the place of a size of a matrix of ones."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Call) or node.function != "expand":
            continue
        for place, setting in enumerate(node.settings):
            shape = _sizes(setting.item)
            for i in range(len(shape)):
                changed = replace(setting, item=(*shape[:i], 1, *shape[i + 1 :]))
                settings = (*node.settings[:place], changed, *node.settings[place + 1 :])
                new = replace(node, settings=settings)
                text = f"{context.write(new)} is meant, not {context.write(node)}"
                yield edit(put(tree, path, new), 1, "shape of ones", text)


def _sizes(item: Any) -> tuple[Any, ...]:
    """Return the sizes that an attribute lists, none for any other attribute."""
    return cast("tuple[Any, ...]", item) if isinstance(item, tuple) else ()


def _missing_sums(tree: Expression, context: Context) -> Iterator[Edit]:
    for path, node in subtrees(tree):
        if isinstance(node, syntax.Number):
            continue
        for changed, axis in summed(node, context):
            over_examples = axis == context.examples
            kind = "sum over the examples missing" if over_examples else "sum missing"
            text = f"{context.write(node)} is to be summed over {'the examples' if over_examples else axis}"
            cost = (1 if over_examples else 1.1) + 0.05 * len(path)
            yield edit(put(tree, path, changed), cost, kind, text)


def summed(node: Expression, context: Context) -> Iterator[tuple[Expression, str]]:
    """Yield the sums of a part over each axis, kept or dropped, and the axis in words."""
    shape = context.shape(node) or ()
    for axis, size in enumerate(shape):
        number_of_axis = syntax.Setting("axis", axis, NOWHERE)
        shown = str(size) if isinstance(size, str) else f"axis {axis} of {show_shape(shape)}"
        if isinstance(size, str) and shape.count(size) == 1 and context.style.sigma:
            yield syntax.SumOver(size, node, NOWHERE), shown
        else:
            yield syntax.Call("sum", (node,), (number_of_axis,), False, NOWHERE), shown
        keeps = syntax.Setting("keepdims", True, NOWHERE)
        if len(shape) > 1:
            yield syntax.Call("sum", (node,), (number_of_axis, keeps), False, NOWHERE), shown
    if len(shape) > 1:
        yield syntax.Call("sum", (node,), (), False, NOWHERE), "all elements"


def other_symbols(tree: Expression, context: Context) -> Iterator[Edit]:
    """Put another name of the network in the place of one, once or everywhere."""
    for used in names_in(tree):
        shape = context.shape(name(used))
        places = [path for path, node in subtrees(tree) if _is_name(node, used)]
        for other in _candidates(used, context):
            everywhere = rewritten(tree, lambda node, u=used, o=other: name(o) if _is_name(node, u) else None)
            same_shape = context.shape(name(other)) == shape
            mistakes = tuple(_wrong_symbol(used, other, tree, context))
            cost = 1.15 if same_shape else 1.2
            yield Edit(everywhere, cost, mistakes)
            if len(places) > 1:
                for path in places:
                    yield Edit(put(tree, path, name(other)), cost + 0.05, mistakes)


def _is_name(node: Expression, used: str) -> bool:
    return isinstance(node, syntax.Name) and normalized(node.text) == used


def _candidates(used: str, context: Context) -> list[str]:
    """Return the names that may have been meant: of the same kind, a gradient for a gradient."""
    gradient = context.is_gradient(used)
    known = [n for n, leaf in context.world.flat.names.items() if leaf.kind == "real" and leaf.shape != ()]
    alike = [n for n in known if context.is_gradient(n) == gradient and not context.is_of_no_use(n)]
    return [n for n in alike if n not in (used, context.name)]


def _wrong_symbol(used: str, other: str, tree: Expression, context: Context) -> Iterator[Mistake]:
    """Yield what is wrong with a symbol: inside a derivative it belongs to another layer."""
    text = f"{context.style.spelled(other)} is meant, not {context.style.spelled(used)}"
    moved = any(other in layer and used not in layer for layer in context.layers)
    inside = any(_is_derivative(node, used, context) for _, node in subtrees(tree))
    yield mistake("f' of another layer" if inside and moved else "another symbol", text)
    for made, pre in context.layers:
        if (f"d{made}", f"d{pre}") == (used, other):
            made, pre = context.style.spelled(made), context.style.spelled(pre)
            yield mistake("f' missing", f"the derivative between {made} and {pre} is missing")


def _is_derivative(node: Expression, used: str, context: Context) -> bool:
    """Tell whether a node is a derivative at a symbol: f′(z), 1[z > 0], 1 − a, 1 − a², a − a², sigmoid(z)."""
    if used not in names_in(node):
        return False
    if isinstance(node, syntax.Call):
        return node.derivative or context.is_activation(node)
    if isinstance(node, syntax.Infix):
        return node.sign == "-" and names_in(node) == [used]
    return isinstance(node, syntax.Fenced) and node.op == "indicator"


BY_ELEMENT: tuple[Callable[[Expression, Context], Iterator[Edit]], ...] = (
    missing_factors, extra_factors, other_derivatives, written_out_derivatives, sums, ones, other_symbols,
)  # fmt: skip
