"""Small edits of a right side, each with the mistake that it mends: transposes, order, signs, brackets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from chainrule.derivation.context import Context
from chainrule.derivation.mistakes import mistake
from chainrule.derivation.tree import NOWHERE, Path, number, product, put, rewritten, subtrees
from chainrule.derivation.verdict import Mistake
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression

_REACHING = ("sum", "mean")


@dataclass(frozen=True)
class Edit:
    """A changed right side.

    Attributes:
        tree: what it has become.
        cost: how large the change is; suggestions are ranked by it.
        mistakes: what was wrong if the change makes it right.
    """

    tree: Expression
    cost: float
    mistakes: tuple[Mistake, ...]


def edit(tree: Expression, cost: float, kind: str, text: str = "") -> Edit:
    """Return an edit that mends one mistake."""
    return Edit(tree, cost, (mistake(kind, text),))


def transposes(tree: Expression, context: Context) -> Iterator[Edit]:
    """Put a transpose on a matrix, or take one off."""
    for path, node in subtrees(tree):
        if isinstance(node, syntax.Transpose):
            text = f"{context.write(node.operand)} is not to be transposed"
            yield edit(put(tree, path, node.operand), 1, "transpose misplaced", text)
        elif len(context.shape(node) or ()) in (1, 2) and not _is_transposed(tree, path):
            text = f"the transpose of {context.write(node)} is missing"
            cost = 3 if isinstance(node, syntax.Product) else 1
            yield edit(put(tree, path, syntax.Transpose(node, NOWHERE)), cost, "transpose missing", text)


def _is_transposed(tree: Expression, path: Path) -> bool:
    parents = dict(subtrees(tree))
    return bool(path) and isinstance(parents[path[:-1]], syntax.Transpose)


def orders(tree: Expression, context: Context) -> Iterator[Edit]:
    """Exchange neighbors in a matrix product, with and without their transposes."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Product):
            continue
        for place, sign in enumerate(node.signs):
            if sign in ("", "@") and not _is_scalar(node, place, context):
                for changed, cost, mistakes in _exchanged(node, place, context):
                    yield Edit(put(tree, path, changed), cost, mistakes)


def _is_scalar(node: syntax.Product, place: int, context: Context) -> bool:
    return any(context.shape(node.factors[place + i]) == () for i in (0, 1))


def _exchanged(
    node: syntax.Product, place: int, context: Context
) -> Iterator[tuple[Expression, float, tuple[Mistake, ...]]]:
    """Yield a product with two neighbors in either order, and each of them transposed or not."""
    left, right = node.factors[place], node.factors[place + 1]
    shown = f"{context.write(left)} and {context.write(right)}"
    swap = mistake("order of factors", f"{shown} stand in the wrong order")
    for swaps, flips in ((1, (0, 0)), (0, (1, 1)), (1, (1, 0)), (1, (0, 1)), (1, (1, 1))):
        pair = [_flipped(left) if flips[0] else left, _flipped(right) if flips[1] else right]
        factors = list(node.factors)
        factors[place : place + 2] = pair[::-1] if swaps else pair
        mistakes = (*((swap,) if swaps else ()), *_moved([left, right], flips, context))
        yield replace(node, factors=tuple(factors)), swaps + 0.9 * sum(flips), mistakes


def _flipped(node: Expression) -> Expression:
    return node.operand if isinstance(node, syntax.Transpose) else syntax.Transpose(node, NOWHERE)


def _moved(factors: list[Expression], flips: tuple[int, int], context: Context) -> Iterator[Mistake]:
    """Yield what is wrong with the transposes that have to be changed."""
    changed = [factor for factor, flip in zip(factors, flips, strict=True) if flip]
    added = [factor for factor in changed if not isinstance(factor, syntax.Transpose)]
    removed = [factor.operand for factor in changed if isinstance(factor, syntax.Transpose)]
    if added and removed:
        text = f"the transpose belongs to {context.write(added[0])}, not to {context.write(removed[0])}"
        yield mistake("transpose misplaced", text)
        return
    for factor in added:
        yield mistake("transpose missing", f"the transpose of {context.write(factor)} is missing")
    for factor in removed:
        yield mistake("transpose misplaced", f"{context.write(factor)} is not to be transposed")


def signs(tree: Expression, context: Context) -> Iterator[Edit]:
    """Turn a plus into a minus or the reverse, within a sum or before a term."""
    for path, node in subtrees(tree):
        if isinstance(node, syntax.Infix) and node.sign in "+-":
            flipped = replace(node, sign="-" if node.sign == "+" else "+")
            text = f"the sign before {context.write(node.right)} is wrong"
            yield edit(put(tree, path, flipped), 1, "sign", text)
            if not isinstance(node.left, syntax.Negation):
                turned = replace(node, left=syntax.Negation(node.left, NOWHERE))
                text = f"the sign before {context.write(node.left)} is wrong"
                yield edit(put(tree, path, turned), 1.05, "sign", text)
        elif isinstance(node, syntax.Negation):
            text = f"the sign before {context.write(node.operand)} is wrong"
            yield edit(put(tree, path, node.operand), 1, "sign", text)


def whole_sign(tree: Expression, context: Context) -> Iterator[Edit]:
    """Put a minus before the whole."""
    if not isinstance(tree, syntax.Negation):
        yield edit(syntax.Negation(tree, NOWHERE), 1.1, "sign", f"the sign of {context.write(tree)} is wrong")


def products(tree: Expression, context: Context) -> Iterator[Edit]:
    """Turn a matrix product into an element-wise one, or the reverse."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Product):
            continue
        for place, sign in enumerate(node.signs):
            if sign not in ("", "@", ".*", "*") or _is_scalar(node, place, context):
                continue
            to_matrix = sign == ".*"
            left, right = product(node.factors[: place + 1], node.signs[:place]), node.factors[place + 1]
            joined = product((left, right), (context.style.matrix if to_matrix else ".*",))
            rest = product((joined, *node.factors[place + 2 :]), node.signs[place + 1 :])
            kind = "⊙ for a product" if to_matrix else "product for ⊙"
            wanted = "the matrix product" if to_matrix else "the element-wise product"
            text = f"{wanted} belongs between {context.write(left)} and {context.write(right)}"
            yield edit(put(tree, path, rest), 1, kind, text)


def brackets(tree: Expression, context: Context) -> Iterator[Edit]:
    """Let a factor before or after a sum reach over the whole sum."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Infix) or node.sign not in "+-":
            continue
        for changed in (_reaching_right(node), _reaching_left(node)):
            if changed is not None:
                text = f"brackets are missing: {context.write(changed)}"
                yield edit(put(tree, path, changed), 1, "brackets", text)


def terms_within(tree: Expression, context: Context) -> Iterator[Edit]:
    """Take a term out of a sum over elements that reaches too far, as in sum(E + s) for sum(E) + s."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Call) or node.function not in _REACHING:
            continue
        inside = node.arguments[0]
        if not isinstance(inside, syntax.Infix) or inside.sign not in "+-":
            continue
        parts = [replace(node, arguments=(part, *node.arguments[1:])) for part in (inside.left, inside.right)]
        for left, right in ((parts[0], inside.right), (inside.left, parts[1])):
            changed = replace(inside, left=left, right=right)
            text = f"brackets reach too far: {context.write(changed)} is meant"
            yield edit(put(tree, path, changed), 1, "brackets", text)


def _reaching_right(node: syntax.Infix) -> Expression | None:
    """Turn a b − c into a (b − c)."""
    if not isinstance(node.left, syntax.Product):
        return None
    inner = replace(node, left=node.left.factors[-1])
    return replace(node.left, factors=(*node.left.factors[:-1], inner))


def _reaching_left(node: syntax.Infix) -> Expression | None:
    """Turn a − b c into (a − b) c."""
    if not isinstance(node.right, syntax.Product):
        return None
    inner = replace(node, right=node.right.factors[0])
    return replace(node.right, factors=(inner, *node.right.factors[1:]))


def functions_of_one_minus(tree: Expression, context: Context) -> Iterator[Edit]:
    """Turn 1 − f(x) into f(1 − x), or the reverse."""
    for path, node in subtrees(tree):
        changed: Expression | None = None
        if _is_one_minus(node) and isinstance(node, syntax.Infix) and isinstance(node.right, syntax.Call):
            inner = replace(node, right=node.right.arguments[0])
            changed = replace(node.right, arguments=(inner, *node.right.arguments[1:]))
        elif isinstance(node, syntax.Call) and node.arguments and _is_one_minus(node.arguments[0]):
            inner = node.arguments[0]
            assert isinstance(inner, syntax.Infix)  # noqa: S101 - see _is_one_minus
            changed = replace(inner, right=replace(node, arguments=(inner.right, *node.arguments[1:])))
        if changed is not None:
            text = f"{context.write(changed)} is meant, not {context.write(node)}"
            yield edit(put(tree, path, changed), 1, "log(1 − x)", text)


def _is_one_minus(node: Expression) -> bool:
    one = isinstance(node, syntax.Infix) and isinstance(node.left, syntax.Number) and node.left.text == "1"
    return one and isinstance(node, syntax.Infix) and node.sign == "-"


def norms(tree: Expression, context: Context) -> Iterator[Edit]:
    """Put a vector in the place of its norm."""
    for path, node in subtrees(tree):
        fenced = node.arguments[0] if isinstance(node, syntax.Call) and node.function == "sqrt" else node
        fenced = fenced.base if isinstance(fenced, syntax.Power) else fenced
        if isinstance(fenced, syntax.Fenced) and fenced.op in ("squared_norm", "l1_norm"):
            vector = context.write(fenced.operand)
            text = f"a norm is a number: the vector {vector} is meant"
            yield edit(put(tree, path, fenced.operand), 1.1, "norm for a vector", text)


def squares(tree: Expression, context: Context) -> Iterator[Edit]:
    """Square a symbol, or take a square away."""
    for path, node in subtrees(tree):
        if isinstance(node, syntax.Power):
            text = f"{context.write(node.base)} is meant, not {context.write(node)}"
            yield edit(put(tree, path, node.base), 1.2, "square", text)
        elif isinstance(node, syntax.Name):
            squared = syntax.Power(node, number("2"), NOWHERE)
            text = f"{context.write(squared)} is meant, not {context.write(node)}"
            yield edit(put(tree, path, squared), 1.3, "square", text)


def extra_terms(tree: Expression, context: Context) -> Iterator[Edit]:
    """Leave out one term of a sum."""
    for path, node in subtrees(tree):
        if not isinstance(node, syntax.Infix) or node.sign not in "+-":
            continue
        rest = node.right if node.sign == "+" else syntax.Negation(node.right, NOWHERE)
        for gone, kept in ((node.right, node.left), (node.left, rest)):
            text = f"the term {context.write(gone)} is too many"
            yield edit(put(tree, path, kept), 1.2, "term extra", text)


def traces(tree: Expression, context: Context) -> Iterator[Edit]:
    """Turn every A Bᵀ of a scalar into its trace, sum(A ⊙ B)."""
    if context.true_shape != ():
        return
    changed = rewritten(tree, lambda node: _trace(node, context))
    if changed is not tree:
        text = "A Bᵀ is a matrix: its trace is meant, sum(A ⊙ B)"
        yield edit(changed, 1, "trace missing", text)


def _trace(node: Expression, context: Context) -> Expression | None:
    if not isinstance(node, syntax.Product) or node.signs not in (("",), ("@",)):
        return None
    left, right = node.factors
    if not isinstance(right, syntax.Transpose) or len(context.shape(left) or ()) != 2:
        return None
    return syntax.Call("sum", (product((left, right.operand), (".*",)),), (), False, NOWHERE)


STRUCTURE: tuple[Callable[[Expression, Context], Iterator[Edit]], ...] = (
    transposes, orders, signs, whole_sign, products, brackets, terms_within, functions_of_one_minus, norms,
    squares, traces, extra_terms,
)  # fmt: skip
