"""Conditions under which a claim that fails in general holds: a size of 1, a pair of activation and loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.derivation.claim import Fit, Scene, fits, holds, is_zero, repeats, same_elements
from chainrule.derivation.functions import LINKS, PAIRS, Template
from chainrule.derivation.plan import Plan
from chainrule.derivation.scenes import Staging
from chainrule.derivation.tree import names_in, rewritten
from chainrule.derivation.world import tree_with_size_1
from chainrule.errors import ChainruleError
from chainrule.ir.graph import Graph
from chainrule.ir.shape import letters_of, show_shape
from chainrule.ir.value import Value
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression


def condition(name: str, tree: Expression, plan: Plan, staging: Staging, scenes: Sequence[Scene]) -> str:
    """Return the condition under which a claim about a name holds, in words, or ""."""
    return (
        _another_shape(name, tree, scenes)
        or _size_1(name, tree, staging, scenes)
        or _pair(name, tree, plan, staging, scenes)
    )


def _another_shape(name: str, tree: Expression, scenes: Sequence[Scene]) -> str:
    """Return the shape as which the right numbers would have to be read."""
    found = _fits(tree, scenes)
    mine = found[0].values[0].shape if found else ()
    true = scenes[0].world.flat[name].shape
    if found and mine == () != true and repeats(found[0], name, scenes):
        return f"one number stands for all elements of {show_shape(true)}"
    if not found or not same_elements(found[0], name, scenes):
        return ""
    return f"{show_shape(mine)} is read as {show_shape(true)}, the shape of {name.removeprefix('d')}"


def _fits(tree: Expression, scenes: Sequence[Scene]) -> tuple[Fit, ...]:
    try:
        return fits(tree, scenes).found
    except ChainruleError:
        return ()


def _size_1(name: str, tree: Expression, staging: Staging, scenes: Sequence[Scene]) -> str:
    for letter in _output_letters(scenes):
        narrow = staging.narrow(letter, scenes[0].world.objective)
        if not narrow or _is_degenerate(name, tree, narrow, scenes):
            continue
        changed = tree_with_size_1(tree, letter)
        ways = (changed, _with_scalars(changed, narrow[0]))
        if any(_holds_there(name, way, narrow) for way in ways):
            return f"{letter} = 1"
    return ""


def _is_degenerate(name: str, tree: Expression, narrow: Sequence[Scene], scenes: Sequence[Scene]) -> bool:
    """Tell whether something vanishes for a size of 1 alone, as the gradient of a softmax over one class."""
    for used in (name, *names_in(tree)):
        if used not in narrow[0].world.flat or used not in scenes[0].world.flat:
            continue
        vanishes = all(is_zero(draw.true[used]) for scene in narrow for draw in scene.world.draws)
        if vanishes and not all(is_zero(draw.true[used]) for scene in scenes for draw in scene.world.draws):
            return True
    return False


def _output_letters(scenes: Sequence[Scene]) -> list[str]:
    """Return the sizes of targets that parameters have too: not the examples, nor the width of the input."""
    backward = scenes[0].world.backward
    inputs = _inputs(backward)
    targets = [leaf for leaf in reversed(backward.leaves("data")) if leaf not in inputs]
    shapes = [leaf.shape for leaf in backward.leaves("parameter")]
    weights = {letter for shape in shapes for letter in letters_of(shape)}
    data = [leaf for leaf in backward.leaves("data") if leaf in inputs]
    elsewhere = {letter for leaf in data for letter in letters_of(leaf.shape)}
    square = {letter for shape in shapes for letter in shape if shape.count(letter) > 1}
    letters = dict.fromkeys(letter for leaf in targets for letter in letters_of(leaf.shape))
    return [letter for letter in letters if letter in weights - elsewhere - square]


def _inputs(graph: Graph) -> set[Value]:
    """Return what is multiplied by a parameter, transposed or not."""
    weights = set(graph.leaves("parameter"))
    products = [value.inputs for value in graph.document() if value.op.name == "matmul"]
    pairs = [tuple(x.inputs[0] if x.op.name == "permute_dims" else x for x in pair) for pair in products]
    return {x for pair in pairs if weights.intersection(pair) for x in pair}


def _with_scalars(tree: Expression, scene: Scene) -> Expression:
    """Return a tree in which names of a single element are scalars."""
    return rewritten(tree, lambda node: _as_scalar(node, scene))


def _as_scalar(node: Expression, scene: Scene) -> Expression | None:
    """Return a name of a single element as the scalar that it is."""
    if not isinstance(node, syntax.Name) or node.text not in scene.world.flat:
        return None
    shape = scene.world.flat[node.text].shape
    single = len(shape) > 0 and all(size == 1 for size in shape)
    return syntax.Call("sum", (node,), (), False, node.span) if single else None


def _holds_there(name: str, tree: Expression, scenes: Sequence[Scene]) -> bool:
    if name not in scenes[0].world.flat:
        return False
    return any(holds(fit, name, scenes) for fit in _fits(tree, scenes))


def _pair(name: str, tree: Expression, plan: Plan, staging: Staging, scenes: Sequence[Scene]) -> str:
    """Return what abstract functions have to be for a claim to hold: a loss, an activation, or a pair."""
    losses = [f for f, arity in plan.functions.items() if arity == 2]
    links = [f for f, arity in plan.functions.items() if arity == 1]
    choices: list[list[tuple[str, dict[str, Template]]]] = [
        [(f"{loss} is {title}", {loss: template}) for _, title, _, template in PAIRS for loss in losses],
        [(f"{link} is {title}", {link: template}) for title, template in LINKS.items() for link in links],
        [
            (f"{link} is {one} and {loss} is {other}", {link: activation, loss: template})
            for one, other, activation, template in PAIRS
            for link in links
            for loss in losses
        ],
    ]
    for alternatives in choices:
        good = [text for text, special in alternatives if _holds_with(name, tree, staging, scenes, special)]
        if good:
            return ", or ".join(good)
    return ""


def _holds_with(
    name: str, tree: Expression, staging: Staging, scenes: Sequence[Scene], special: Mapping[str, Template]
) -> bool:
    found = staging.special(special, scenes[0].world.objective)
    with np.errstate(all="ignore"):
        return bool(found) and _holds_there(name, tree, found)
