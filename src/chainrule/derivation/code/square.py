"""A network whose sizes are all one letter, where every matrix product fits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from chainrule.derivation.claim import Scene
from chainrule.derivation.tree import rewritten, subtrees
from chainrule.derivation.world import Network
from chainrule.errors import ChainruleError
from chainrule.ir.shape import Size
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression, Statement


def squared(network: Network, scene: Scene) -> Network | None:
    """Return a network with one letter for all sizes above 1, or None where equations need the sizes apart.

    Args:
        network: with different sizes.
        scene: where its equations have shapes.
    """
    letter = scene.world.letters[0] if scene.world.letters else "n"
    numbers = {str(size) for v in scene.world.flat.names.values() for size in v.shape if size != 1}
    for stated in network.stated:
        if not isinstance(stated.statement, syntax.Equation):
            continue
        for _, node in subtrees(stated.statement.right):
            if isinstance(node, syntax.Number) and node.text in numbers:
                return None
    try:
        return network.mapped(lambda statement: _statement(statement, letter, scene))
    except ChainruleError:
        return None


def _statement(statement: Statement, letter: str, scene: Scene) -> Statement:
    if isinstance(statement, syntax.Equation):
        return replace(statement, right=_tree(statement.right, letter, scene), shape=None)
    if statement.keyword == "sizes":
        return replace(statement, items=(replace(statement.items[0], name=letter),))
    return replace(statement, items=tuple(replace(i, shape=_shape(i.shape, letter)) for i in statement.items))


def _shape(shape: tuple[Size, ...], letter: str) -> tuple[Size, ...]:
    return tuple(1 if size == 1 else letter for size in shape)


def _tree(tree: Expression, letter: str, scene: Scene) -> Expression:
    """Return a right side in which sums name their axes by numbers, and all sizes are one letter."""
    letters = [name for name in scene.world.letters if name not in scene.world.flat]

    def by_number(node: Expression) -> Expression | None:
        if not isinstance(node, syntax.SumOver):
            return None
        axis = scene.value(node.operand).shape.index(node.letter)
        return syntax.Call(
            "sum", (node.operand,), (syntax.Setting("axis", axis, node.span),), False, node.span
        )

    def change(node: Expression) -> Expression | None:
        if isinstance(node, syntax.Name) and node.text in letters:
            return replace(node, text=letter)
        if isinstance(node, syntax.Call) and node.settings:
            return replace(node, settings=tuple(_setting(s, letters, letter) for s in node.settings))
        return None

    return rewritten(rewritten(tree, by_number), change)


def _setting(setting: syntax.Setting, letters: list[str], letter: str) -> syntax.Setting:
    item = cast("Any", setting.item)
    if isinstance(item, tuple) and setting.name != "axis":
        return replace(setting, item=_shape(cast("tuple[Size, ...]", item), letter))
    return replace(setting, item=letter) if item in letters else setting
