"""A claim against its truth: how it is read, what it is worth, and where it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.derivation.functions import Template, instantiated
from chainrule.derivation.readings import Way, other_products, other_strokes
from chainrule.derivation.world import World, same
from chainrule.errors import ChainruleError, KindError, ShapeError
from chainrule.execute.inputs import Array
from chainrule.ir.value import Value
from chainrule.notation.expressions import UnfitError
from chainrule.notation.syntax import Expression

_UNFIT = (UnfitError, ShapeError, KindError)


@dataclass(frozen=True)
class Scene:
    """A world with the functions that stand for the abstract ones there."""

    world: World
    chosen: Mapping[str, Template]

    def value(self, tree: Expression) -> Value:
        """Return the meaning of a right side in this world."""
        return self.world.value(instantiated(tree, self.chosen))


@dataclass(frozen=True)
class Fit:
    """A reading that has a meaning: its tree, its value in each world, and whether custom allows it."""

    tree: Expression
    values: tuple[Value, ...]
    is_customary: bool = True


@dataclass(frozen=True)
class Fits:
    """The readings of a right side that have a meaning, and why the first one has none."""

    found: tuple[Fit, ...]
    error: ChainruleError | None


def fits(tree: Expression, scenes: Sequence[Scene]) -> Fits:
    """Return every reading that has a meaning.

    Raises:
        ChainruleError: the right side cannot be read at all, such as an attribute that an op has not.
    """
    found, error = _tried([Way(tree, True)], scenes)
    more, _ = _tried(other_strokes(tree) if found else other_products(tree), scenes)
    for other in more:
        if all(other.values != known.values for known in found):
            found.append(other)
    return Fits(tuple(found), error)


def _tried(ways: Sequence[Way], scenes: Sequence[Scene]) -> tuple[list[Fit], ChainruleError | None]:
    found: list[Fit] = []
    error: ChainruleError | None = None
    for way in ways:
        try:
            values = tuple(scene.value(way.tree) for scene in scenes)
            found.append(Fit(way.tree, values, way.is_customary))
        except _UNFIT as unfit:
            error = error or unfit
    return found, error


def fit(tree: Expression, scenes: Sequence[Scene]) -> Fit | None:
    """Return a tree with its values, or None where it has no meaning."""
    try:
        return Fit(tree, tuple(scene.value(tree) for scene in scenes))
    except ChainruleError:
        return None


def holds(found: Fit, name: str, scenes: Sequence[Scene]) -> bool:
    """Tell whether a claim about a name is true at every draw of every world."""
    return all(
        same(_shaped(scene.world.true(value, draw), draw.true[name]), draw.true[name])
        for scene, value in zip(scenes, found.values, strict=True)
        for draw in scene.world.draws
    )


def _shaped(found: Array, true: Array) -> Array:
    """Return an array of a single element in the shape of another such array: (1, 1) is a number, too."""
    return found.reshape(true.shape) if found.size == true.size == 1 else found


def agree(first: Fit, second: Fit, scenes: Sequence[Scene]) -> bool:
    """Tell whether two readings have the same value at every draw."""
    return all(
        same(scene.world.true(a, draw), scene.world.true(b, draw))
        for scene, a, b in zip(scenes, first.values, second.values, strict=True)
        for draw in scene.world.draws
    )


def same_elements(found: Fit, name: str, scenes: Sequence[Scene]) -> bool:
    """Tell whether a claim has the right numbers in the right order, but another shape."""
    for scene, value in zip(scenes, found.values, strict=True):
        for draw in scene.world.draws:
            mine, true = scene.world.true(value, draw), draw.true[name]
            squeezed = tuple(n for n in mine.shape if n != 1) == tuple(n for n in true.shape if n != 1)
            if not squeezed or not same(mine.reshape(true.shape), true):
                return False
    return True


def repeats(found: Fit, name: str, scenes: Sequence[Scene]) -> bool:
    """Tell whether a claim is the one number that every element of the truth is."""
    return all(
        same(np.broadcast_to(scene.world.true(value, draw), draw.true[name].shape), draw.true[name])
        for scene, value in zip(scenes, found.values, strict=True)
        for draw in scene.world.draws
    )


def is_zero(array: Array) -> bool:
    """Tell whether an array is zero everywhere."""
    return not np.any(array)
