"""From what a user passes as X and y to arrays by name: checked, split, with the letters they settle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, ShapeError, UnknownNameError, nearest
from chainrule.execute.inputs import as_array
from chainrule.ir.graph import Graph
from chainrule.ir.shape import show_shape
from chainrule.nn.initializers import random_generator
from chainrule.nn.sequential import Blueprint
from chainrule.train.data import check_finite

Array = NDArray[Any]


@dataclass(frozen=True)
class Prepared:
    """Data of a network.

    Attributes:
        arrays: inputs, targets and sample weights by name.
        flat: targets of one column, (m, 1), that were given as (m).
    """

    arrays: dict[str, Array]
    flat: set[str]


def prepare(
    graph: Graph, blueprint: Blueprint, X: Any, y: Any, weights: Any = None, *, training: bool = False
) -> Prepared:
    """Return inputs, targets and sample weights by name, checked.

    A target given as (m) for an output of one column becomes (m, 1). Weights that the loss asks for may be
    left out if it is only to be looked at; they are 1 then.

    Raises:
        DataError: something is missing, is text, or is not finite.
        ShapeError: wrong numbers of axes, or inputs and targets have different numbers of examples.
    """
    given = _targets(blueprint, y)
    flat = {name for name, array in given.items() if array.ndim == 1 and graph[name].shape[1:] == (1,)}
    targets = {
        name: array.reshape(-1, 1) if name in flat else _classes(graph, name, array)
        for name, array in given.items()
    }
    arrays = {**input_arrays(blueprint.inputs, X), **targets}
    _check_axes(graph, arrays)
    counts = _counts(graph, blueprint, arrays)
    if not training and weights is None:
        weights = np.ones(next(iter(counts.values()), 1)) if _weight_names(blueprint) else None
    arrays.update(_weights(blueprint, weights))
    counts = _counts(graph, blueprint, arrays)
    if len(set(counts.values())) > 1:
        shown = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise ShapeError(f"the numbers of examples differ: {shown}.", fix="one target for each example of X.")
    return Prepared(arrays, flat)


def _counts(graph: Graph, blueprint: Blueprint, arrays: Mapping[str, Array]) -> dict[str, int]:
    """Return how many examples each array has, where it has an axis of them."""
    axes = _axes(graph, blueprint, arrays)
    return {name: arrays[name].shape[axis] for name, axis in axes.items() if arrays[name].ndim > axis}


def _axes(graph: Graph, blueprint: Blueprint, names: Iterable[str]) -> dict[str, int]:
    shapes = {name: graph[name].shape for name in names}
    letter = blueprint.examples
    return {name: shape.index(letter) for name, shape in shapes.items() if letter in shape}


def _check_axes(graph: Graph, arrays: Mapping[str, Array]) -> None:
    for name, array in arrays.items():
        shape = graph[name].shape
        if array.ndim != len(shape):
            column = array.ndim == 1 and len(shape) == 2
            raise ShapeError(
                f"{name} {show_shape(shape)} was given the shape {show_shape(array.shape)}.",
                fix=f"{name}.reshape(-1, 1) makes a column of it." if column else "",
            )


def input_arrays(inputs: Sequence[str], X: Any) -> dict[str, Array]:
    """Return inputs by name, from one array or from arrays by name.

    Raises:
        DataError: an input is missing, or X is not given by name where there are several.
        UnknownNameError: a name is no input.
    """
    if not isinstance(X, Mapping):
        if len(inputs) != 1:
            raise DataError(
                f"this network has the inputs {', '.join(inputs)}.", fix="pass them by name: {'X': X, …}."
            )
        return {inputs[0]: _array("X", X)}
    given = cast("Mapping[str, Any]", X)
    return _by_name(given, inputs, "input")


def _by_name(given: Mapping[str, Any], names: Sequence[str], what: str) -> dict[str, Array]:
    for name in given:
        if name not in names:
            raise UnknownNameError(f"there is no {what} {name}.", fix=nearest(name, names))
    missing = [name for name in names if name not in given]
    if missing:
        raise DataError(f"the {what} {missing[0]} is missing.", fix=f"the {what}s are {', '.join(names)}.")
    return {name: _array(name, given[name]) for name in names}


def _targets(blueprint: Blueprint, y: Any) -> dict[str, Array]:
    """Return the targets by their own names."""
    heads = blueprint.heads
    if isinstance(y, Mapping):
        given = cast("Mapping[str, Any]", y)
        own = [name or heads[name].target for name in heads]
        found = _by_name(given, own, "output")
        return {head.target: found[name] for name, head in zip(own, heads.values(), strict=True)}
    if len(heads) > 1:
        raise DataError(
            f"this network has the outputs {', '.join(heads)}.", fix="pass targets by these names."
        )
    return {head.target: _array(head.target, y) for head in heads.values()}


def _classes(graph: Graph, name: str, array: Array) -> Array:
    """Return class numbers as integers, where there is no doubt that they are some; others as given."""
    leaf = graph[name]
    if leaf.kind != "index":
        return array
    if array.ndim == leaf.ndim + 1:
        column = array.shape[-1] == 1
        raise ShapeError(
            f"{name} {show_shape(leaf.shape)} takes class numbers, not rows {show_shape(array.shape)}.",
            fix=f"{name}.reshape(-1) makes a vector of a column."
            if column
            else f"{name}.argmax(axis=1), or a loss with rows: cr.Loss('softmax_cross_entropy', rows=True).",
        )
    whole = array.dtype.kind == "f" and np.equal(np.mod(array, 1), 0).all()
    return array.astype(np.int64) if whole or array.dtype.kind == "b" else array


def _weights(blueprint: Blueprint, weights: Any) -> dict[str, Array]:
    wanted = _weight_names(blueprint)
    if weights is None and wanted:
        raise DataError("the loss asks for sample weights.", fix="fit(X, y, sample_weight=…).")
    if weights is not None and not wanted:
        raise DataError(
            "sample weights are given, but the loss has no place for them.",
            fix="make it with cr.Loss(…, sample_weights=True).",
        )
    return {name: _array("sample_weight", weights) for name in wanted}


def _weight_names(blueprint: Blueprint) -> list[str]:
    return [head.weights for head in blueprint.heads.values() if head.weights]


def _array(name: str, given: Any) -> Array:
    array = as_array(name, given)
    if array.dtype.kind in "USO":
        raise DataError(
            f"{name} holds text or objects, not numbers.",
            fix="numpy.unique(y, return_inverse=True) numbers classes."
            if name.startswith("y")
            else "encode it first.",
        )
    check_finite(name, array)
    return array


def sizes_of(graph: Graph, arrays: Mapping[str, Array]) -> dict[str, int]:
    """Return the numbers that arrays give to the letters of their leaves."""
    return {
        size: actual
        for name, array in arrays.items()
        if array.ndim == graph[name].ndim
        for size, actual in zip(graph[name].shape, array.shape, strict=True)
        if isinstance(size, str)
    }


def check_sizes(graph: Graph, arrays: Mapping[str, Array], known: Mapping[str, int]) -> None:
    """Check that arrays have the sizes that a network's parameters have settled.

    Raises:
        ShapeError: the first size that is another.
    """
    for name, array in arrays.items():
        for letter, size in sizes_of(graph, {name: array}).items():
            if known.get(letter, size) != size:
                raise ShapeError(
                    f"{name} {show_shape(graph[name].shape)} has {letter} = {size}, "
                    f"but the network's {letter} is {known[letter]}.",
                    fix=f"give it the columns it knows; initialize({{'{letter}': {size}}}) begins anew.",
                )


def hold_out(
    graph: Graph, blueprint: Blueprint, arrays: dict[str, Array], validation: Any, seed: int
) -> tuple[dict[str, Array], dict[str, Array] | None]:
    """Return what to train on and what to look at after each epoch, if anything.

    Args:
        graph: the network.
        blueprint: of its parts.
        arrays: all data, by name.
        validation: data of its own, (X, y) or (X, y, sample_weight), or the share of examples to set aside.
        seed: of the choice of these.

    Raises:
        DataError: the share is not in [0, 1), or leaves nothing on one side.
    """
    if isinstance(validation, tuple | list):
        given = cast("Sequence[Any]", validation)
        if len(given) not in (2, 3):
            raise DataError(f"validation is (X, y) or a share of the examples, not {len(given)} things.")
        return arrays, prepare(graph, blueprint, *given).arrays
    if isinstance(validation, bool) or not isinstance(validation, int | float) or not 0 <= validation < 1:
        shown = validation if isinstance(validation, int | float | str) else type(validation).__name__
        raise DataError(f"validation is a share of the examples in [0, 1) or (X, y), not {shown!r}.")
    axes = _axes(graph, blueprint, arrays)
    count = min((arrays[name].shape[axis] for name, axis in axes.items()), default=1)
    aside = round(count * validation)
    if aside == 0 and validation == 0:
        return arrays, None
    if not 0 < aside < count:
        raise DataError(f"a share of {validation} of {count} examples leaves nothing on one side.")
    order = random_generator([seed, count]).permutation(count)
    chosen, others = np.sort(order[:aside]), np.sort(order[aside:])

    def rows(places: Array) -> dict[str, Array]:
        return {name: a.take(places, axes[name]) if name in axes else a for name, a in arrays.items()}

    return rows(others), rows(chosen)
