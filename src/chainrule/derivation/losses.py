"""Losses that are not what they are called: a wrong sign may be consistent with all that follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.derivation.claim import Scene, fit
from chainrule.derivation.coefficients import Finder
from chainrule.derivation.context import Context
from chainrule.derivation.document import Entry
from chainrule.derivation.edits import STRUCTURE, Edit, edit, functions_of_one_minus, signs
from chainrule.derivation.functions import expression
from chainrule.derivation.mistakes import mistake
from chainrule.derivation.plan import Plan
from chainrule.derivation.tree import NOWHERE, name, names_in, number, put, rewritten, subtrees
from chainrule.derivation.verdict import Mistake, Suggestion
from chainrule.derivation.writing import Style, write
from chainrule.execute.inputs import Array
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression


@dataclass(frozen=True)
class Known:
    """A loss by its names and its value for each element, of a prediction a and a target b."""

    title: str
    names: str
    value: Expression


KNOWN = (
    Known(
        "binary cross-entropy",
        r"binary[ -]cross[ -]?entropy|\bBCE\b|log(istic)?[ -]loss",
        expression("−(b ⊙ log(a) + (1 − b) ⊙ log(1 − a))"),
    ),
    Known(
        "cross-entropy",
        r"(?<!binary[ -])cross[ -]?entropy|negative log[ -]likelihood",
        expression("−b ⊙ log(a)"),
    ),
    Known("squared error", r"squared error|\bMSE\b|sum of squares|least squares", expression("(a − b)²")),
    Known("absolute error", r"absolute error|\bMAE\b", expression("abs(a − b)")),
)

_MAXIMIZED = r"maximi[sz]|(?<!negative )(?<!neg )log[ -]?likelihood"


@dataclass(frozen=True)
class Misnamed:
    """A loss that differs from the one it is called, or looks like, by one edit.

    Attributes:
        name: of the loss in the document.
        right: the right side of the loss that was meant.
        message: what the loss is not.
        mistakes: the difference.
    """

    name: str
    right: Expression
    message: str
    mistakes: tuple[Mistake, ...]

    def suggestions(self, entry: Entry, style: Style) -> tuple[Suggestion, ...]:
        """Return the loss that was meant, as the document would write it."""
        return (Suggestion(f"{style.spelled(entry.name)} = {write(self.right, style)}", self.mistakes),)


def misnamed(plan: Plan, scenes: Sequence[Scene]) -> dict[str, Misnamed]:
    """Return the losses among a document's own equations that are not what they are called."""
    stated = [s.statement for s in plan.network.stated if s.lines is plan.document.lines]
    equations = [s for s in stated if isinstance(s, syntax.Equation)]
    text = plan.document.text
    titles = [known for known in KNOWN if re.search(known.names, text, re.IGNORECASE)]
    if re.search(_MAXIMIZED, text, re.IGNORECASE):
        return {}
    found: dict[str, Misnamed] = {}
    for equation in equations:
        context = Context(equation.name, plan, scenes, Style())
        for prediction, target in _pairs(equation.right, scenes[0]):
            fault = _fault(equation, prediction, target, titles, context)
            if fault is not None:
                found[equation.name] = fault
    return found


def _pairs(tree: Expression, scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield each prediction with the data of its shape that a right side compares it with."""
    world = scene.world
    data = {world.backward.names_of(leaf)[0] for leaf in world.backward.leaves("data")}
    used = [n for n in names_in(tree) if n in world.flat]
    leaves = {world.backward.names_of(leaf)[0] for leaf in world.backward.leaves()}
    for target in (n for n in used if n in data):
        for prediction in (n for n in used if n not in leaves):
            if world.flat[target].shape == world.flat[prediction].shape:
                yield prediction, target


def _fault(
    equation: syntax.Equation, prediction: str, target: str, titles: Sequence[Known], context: Context
) -> Misnamed | None:
    losses = {known.title: _of(known, prediction, target) for known in KNOWN}
    if any(_is(equation.right, loss, target, context) for loss in losses.values()):
        return None
    kinds = (*STRUCTURE, *_OF_LOSSES) if titles else (signs, functions_of_one_minus, *_OF_LOSSES)
    suspects = titles or (KNOWN[:2] if _takes_logarithm(equation.right, prediction) else ())
    for change in (e for kind in kinds for e in kind(equation.right, context)):
        for known in suspects:
            if _is(change.tree, losses[known.title], target, context):
                return _misnamed(equation, change, known, bool(titles))
    return None


def _takes_logarithm(tree: Expression, prediction: str) -> bool:
    """Tell whether a right side has the logarithm of something that mentions a prediction."""
    logs = (n for _, n in subtrees(tree) if isinstance(n, syntax.Call) and n.function == "log")
    return any(prediction in names_in(node) for node in logs)


def _whole_sign(tree: Expression, context: Context) -> Iterator[Edit]:
    """Turn the sign of the whole."""
    text = "the sign of the whole is wrong: as it stands it grows as the prediction gets better"
    yield edit(syntax.Negation(tree, NOWHERE), 1, "sign", text)


def _other_logarithms(tree: Expression, context: Context) -> Iterator[Edit]:
    """Turn log(a) into log(1 − a), or the reverse."""
    for path, node in subtrees(tree):
        if isinstance(node, syntax.Call) and node.function == "log":
            inner = syntax.Infix("-", number("1"), node.arguments[0], NOWHERE)
            changed = put(tree, path, replace(node, arguments=(inner,)))
            text = f"log({context.write(inner)}) is meant, not {context.write(node)}"
            yield edit(changed, 1, "another symbol", text)


_OF_LOSSES = (_whole_sign, _other_logarithms)


def _misnamed(equation: syntax.Equation, change: Edit, known: Known, called: bool) -> Misnamed:
    how = "it is called" if called else "it looks like"
    message = (
        f"{how} {known.title}, but it is another function; what follows from it is consistent with that."
    )
    loss = mistake("loss", f"this is not {known.title}")
    return Misnamed(equation.name, change.tree, message, (loss, *change.mistakes))


def _of(known: Known, prediction: str, target: str) -> Expression:
    names = {"a": name(prediction), "b": name(target)}
    return rewritten(
        known.value, lambda node: names.get(node.text) if isinstance(node, syntax.Name) else None
    )


def _is(tree: Expression, loss: Expression, target: str, context: Context) -> bool:
    """Tell whether the part of a right side that mentions a target is a loss, up to a positive factor."""
    part = _with_target(tree, target)
    mine = None if part is None else _values(part, context)
    if mine is None:
        return False
    for reduced in _reductions(loss, context):
        other = _values(reduced, context)
        ratios = [] if other is None else [_ratio(a, b) for a, b in zip(mine, other, strict=True)]
        if ratios and all(ratio > 0 for ratio in ratios):
            return Finder(context).monomial(np.array(ratios)) is not None
    return False


def _with_target(tree: Expression, target: str) -> Expression | None:
    """Leave out the terms of a sum that do not mention a target, such as weight decay."""
    if isinstance(tree, syntax.Infix) and tree.sign in "+-":
        left, right = _with_target(tree.left, target), _with_target(tree.right, target)
        if left is not None and right is not None:
            return syntax.Infix(tree.sign, left, right, NOWHERE)
        if right is not None and tree.sign == "-":
            return syntax.Negation(right, NOWHERE)
        return left if left is not None else right
    return tree if target in names_in(tree) else None


def _reductions(loss: Expression, context: Context) -> Iterator[Expression]:
    """Yield a loss for each element, summed over one axis, and summed over all."""
    yield loss
    for axis in range(len(context.shape(loss) or ())):
        for keeps in (True, False):
            settings = (syntax.Setting("axis", axis, NOWHERE), syntax.Setting("keepdims", keeps, NOWHERE))
            yield syntax.Call("sum", (loss,), settings, False, NOWHERE)
    yield syntax.Call("sum", (loss,), (), False, NOWHERE)


def _values(tree: Expression, context: Context) -> list[Array] | None:
    found = fit(tree, context.scenes)
    if found is None:
        return None
    return [
        scene.world.true(value, draw)
        for scene, value in zip(context.scenes, found.values, strict=True)
        for draw in scene.world.draws
    ]


def _ratio(mine: Array, other: Array) -> float:
    """Return by what one array must be multiplied to be another, 0 if nothing does it."""
    if mine.shape != other.shape or not (np.all(np.isfinite(mine)) and np.all(np.isfinite(other))):
        return 0.0
    with np.errstate(all="ignore"):
        factor = float(np.sum(mine * other)) / (float(np.sum(other * other)) or 1.0)
    close = np.allclose(mine, factor * other, rtol=1e-7, atol=1e-10 * float(np.max(np.abs(mine))))
    return factor if close else 0.0
