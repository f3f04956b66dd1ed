"""From what a user passes as X and y to arrays by name: checked, split, with the letters they settle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, ShapeError, UnknownNameError, nearest
from chainrule.ir.graph import Graph
from chainrule.ir.shape import show_shape
from chainrule.nn.initializers import random_generator
from chainrule.nn.losses import Head
from chainrule.nn.sequential import Blueprint

Array = NDArray[Any]


def prepare(graph: Graph, blueprint: Blueprint, X: Any, y: Any, weights: Any) -> dict[str, Array]:
    """Return inputs, targets and sample weights by name.

    A target given as (m) for an output of one column becomes (m, 1), and the blueprint notes it.

    Raises:
        DataError: something is missing, or is text.
        ShapeError: inputs and targets have different numbers of rows.
    """
    arrays = {**input_arrays(blueprint.inputs, X), **_targets(graph, blueprint, y)}
    arrays.update(_weights(blueprint, weights))
    rows = {name: array.shape[0] for name, array in arrays.items() if array.ndim}
    if len(set(rows.values())) > 1:
        shown = ", ".join(f"{name} has {count}" for name, count in rows.items())
        raise ShapeError(f"the numbers of examples differ: {shown}.", fix="one row of y for each row of X.")
    return arrays


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


def _targets(graph: Graph, blueprint: Blueprint, y: Any) -> dict[str, Array]:
    heads = blueprint.heads
    if isinstance(y, Mapping):
        given = cast("Mapping[str, Any]", y)
        found = _by_name(given, list(heads), "output")
    elif len(heads) == 1:
        found = {name: _array(head.target, y) for name, head in heads.items()}
    else:
        raise DataError(
            f"this network has the outputs {', '.join(heads)}.", fix="pass targets by these names."
        )
    return {head.target: _fitting(graph, blueprint, head, found[name]) for name, head in heads.items()}


def _fitting(graph: Graph, blueprint: Blueprint, head: Head, array: Array) -> Array:
    """Return a target in the shape and kind its leaf has, where there is no doubt which that is."""
    leaf = graph[head.target]
    if leaf.kind == "index":
        if array.ndim == 2 and array.dtype.kind in "biuf":
            raise ShapeError(
                f"{head.target} {show_shape(leaf.shape)} takes class numbers, not rows {show_shape(array.shape)}.",
                fix="y.argmax(axis=1), or a loss with rows: cr.Loss('softmax_cross_entropy', rows=True).",
            )
        whole = array.dtype.kind == "f" and np.equal(np.mod(array, 1), 0).all()
        return array.astype(np.int64) if whole or array.dtype.kind == "b" else array
    blueprint.flat.discard(head.target)
    if array.ndim == 1 and leaf.ndim == 2 and leaf.shape[1] == 1:
        blueprint.flat.add(head.target)
        return array.reshape(-1, 1)
    return array


def _weights(blueprint: Blueprint, weights: Any) -> dict[str, Array]:
    wanted = [head.weights for head in blueprint.heads.values() if head.weights]
    if weights is None and wanted:
        raise DataError("the loss asks for sample weights.", fix="fit(X, y, sample_weight=…).")
    if weights is not None and not wanted:
        raise DataError(
            "sample weights are given, but the loss has no place for them.",
            fix="make it with cr.Loss(…, sample_weights=True).",
        )
    return {name: _array("sample_weight", weights) for name in wanted}


def _array(name: str, given: Any) -> Array:
    try:
        array = np.asarray(given)
    except ValueError:
        raise DataError(f"{name} is not a rectangular array.", fix="rows must have one length.") from None
    if array.dtype.kind in "USO":
        raise DataError(
            f"{name} holds text or objects, not numbers.",
            fix="numpy.unique(y, return_inverse=True) numbers classes."
            if name.startswith("y")
            else "encode it first.",
        )
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
    if isinstance(validation, tuple):
        given = cast("tuple[Any, ...]", validation)
        if len(given) not in (2, 3):
            raise DataError(f"validation is (X, y) or a share of the examples, not {len(given)} things.")
        X, y, *weights = given
        needs = any(head.weights for head in blueprint.heads.values())
        ones = np.ones(len(np.asarray(y))) if needs and not isinstance(y, Mapping) else None
        return arrays, prepare(graph, blueprint, X, y, weights[0] if weights else ones)
    if not isinstance(validation, int | float) or not 0 <= validation < 1:
        raise DataError(f"validation is a share of the examples in [0, 1) or (X, y), not {validation!r}.")
    count = min(array.shape[0] for array in arrays.values())
    aside = round(count * validation)
    if aside == 0 and validation == 0:
        return arrays, None
    if not 0 < aside < count:
        raise DataError(f"a share of {validation} of {count} examples leaves nothing on one side.")
    order = random_generator([seed, count]).permutation(count)
    chosen, others = np.sort(order[:aside]), np.sort(order[aside:])
    return (
        {name: array[others] for name, array in arrays.items()},
        {name: array[chosen] for name, array in arrays.items()},
    )
