"""Corrections that need to know the network: rules for one pair of activation and loss, softmax."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.derivation.claim import fit
from chainrule.derivation.context import Context
from chainrule.derivation.edits import Edit, edit
from chainrule.derivation.tree import NOWHERE, name, number, product, subtrees
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression

_PAIRS = (
    "sigmoid with binary cross-entropy, softmax with cross-entropy, the identity with half the squared error"
)


def special(tree: Expression, context: Context) -> Iterator[Edit]:
    """Yield the rule that a claim about a pre-activation replaces by one for another case."""
    for output, right in context.equations.items():
        if not isinstance(right, syntax.Call) or not isinstance(right.arguments[0], syntax.Name):
            continue
        if f"d{right.arguments[0].text}" != context.name:
            continue
        if _is_difference(tree, output, context):
            yield _pair(output, right, context)
        elif right.function == "softmax":
            yield from _softmax(tree, output, right, context)


def _pair(output: str, call: syntax.Call, context: Context) -> Edit:
    """Return the rule that holds for any loss, for a claim that is proportional to A − Y."""
    shown = context.style.spelled(output)
    text = f"{shown} − the target is the gradient for {_PAIRS} alone"
    return edit(_rule(output, call), 1.5, "pair", text)


def _rule(output: str, call: syntax.Call) -> Expression:
    """Return dP ⊙ f′(Z), or for softmax P ⊙ (dP − sum(dP ⊙ P))."""
    gradient = name(f"d{output}")
    if call.function != "softmax":
        derivative = syntax.Call(call.function, call.arguments, call.settings, True, NOWHERE)
        return product((gradient, derivative), (".*",))
    probabilities, axis = name(output), next((s.item for s in call.settings), -1)
    settings = (syntax.Setting("axis", axis, NOWHERE), syntax.Setting("keepdims", True, NOWHERE))
    weighted = product((gradient, probabilities), (".*",))
    total = syntax.Call("sum", (weighted,), settings, False, NOWHERE)
    return product((probabilities, syntax.Infix("-", gradient, total, NOWHERE)), (".*",))


def _is_difference(tree: Expression, output: str, context: Context) -> bool:
    """Tell whether a claim is a multiple of the output minus a target, at every draw."""
    found = fit(tree, context.scenes)
    if found is None or found.values[0].shape != context.world.flat[output].shape:
        return False
    targets = [context.world.backward.names_of(leaf)[0] for leaf in context.world.backward.leaves("data")]
    return any(_is_multiple(found.values, output, target, context) for target in targets)


def _is_multiple(values: tuple[object, ...], output: str, target: str, context: Context) -> bool:
    for scene, value in zip(context.scenes, values, strict=True):
        for draw in scene.world.draws:
            if draw.true[output].shape != draw.true[target].shape:
                return False
            difference = (draw.true[output] - draw.true[target]).ravel()
            mine = scene.world.true(value, draw).ravel()  # type: ignore[arg-type]  # values of a Fit
            factor = float(mine @ difference) / float(difference @ difference)
            if not np.allclose(mine, factor * difference, rtol=1e-7, atol=1e-10) or not factor:
                return False
    return True


def _softmax(tree: Expression, output: str, call: syntax.Call, context: Context) -> Iterator[Edit]:
    """Yield the rule of softmax for a claim that treats it element by element."""
    if not any(_is_by_element(node, output) for _, node in subtrees(tree)):
        return
    shown = context.style.spelled(output)
    text = f"softmax does not act element by element: each element of {shown} depends on its whole row"
    yield edit(_rule(output, call), 0.9, "softmax element by element", text)


def _is_by_element(node: Expression, output: str) -> bool:
    """Tell whether a node is softmax'(z) or 1 − P."""
    if isinstance(node, syntax.Call):
        return node.function == "softmax" and node.derivative
    one = isinstance(node, syntax.Infix) and node.sign == "-" and node.left == number("1")
    written = (
        isinstance(node, syntax.Infix) and isinstance(node.left, syntax.Number) and node.left.text == "1"
    )
    right = node.right if isinstance(node, syntax.Infix) else None
    return (one or written) and isinstance(right, syntax.Name) and right.text == output
