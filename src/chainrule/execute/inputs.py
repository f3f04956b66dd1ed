"""From the arrays a user passes to checked arrays, one a leaf, and the sizes the letters stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, KindError, NamingError, ShapeError, UnknownNameError, nearest
from chainrule.ir.graph import Graph
from chainrule.ir.names import normalized
from chainrule.ir.op import Domain
from chainrule.ir.shape import show_shape
from chainrule.ir.value import Value

Array = NDArray[Any]
_SUM_TOLERANCE = 1e-4
_NO_NUMBERS = {"U": "text", "S": "bytes", "O": "Python objects", "c": "complex numbers", "M": "dates"}


@dataclass(frozen=True)
class Bound:
    """Arrays by leaf, and sizes by letter."""

    arrays: dict[Value, Array]
    sizes: dict[str, int]


def bind(graph: Graph, given: Mapping[str, Any], dtype: Any = np.float64) -> Bound:
    """Check arrays against the leaves of a graph and bind its letters.

    Args:
        graph: the graph to run.
        given: arrays or numbers by the names of leaves.
        dtype: the floating-point type real leaves are turned into.

    Raises:
        UnknownNameError: a name is no leaf of the graph.
        DataError: a leaf is missing, an array is not numeric, or leaves the domain of a loss.
        KindError: a real array where class numbers are expected.
        ShapeError: sizes disagree; the message lists all of them.
    """
    _check_dtype(dtype)
    leaves = {graph.names_of(leaf)[0]: leaf for leaf in graph.leaves()}
    by_leaf = _by_leaf(graph, given, leaves)
    arrays = {
        leaf: as_leaf(name, leaf, by_leaf[leaf], dtype) for name, leaf in leaves.items() if leaf in by_leaf
    }
    sizes = _bind_sizes(graph, leaves, arrays)
    check_domains(graph, arrays, sizes)
    return Bound(arrays, sizes)


def _check_dtype(dtype: Any) -> None:
    try:
        floating = np.dtype(dtype).kind == "f"
    except TypeError:
        floating = False
    if not floating:
        raise DataError(
            f"numbers are computed in a floating-point type, not in {dtype!r}.", fix="numpy.float64."
        )


def _by_leaf(graph: Graph, given: Mapping[str, Any], leaves: Mapping[str, Value]) -> dict[Value, Any]:
    by_leaf: dict[Value, Any] = {}
    for name, array in given.items():
        if name not in graph or graph[name].op.name != "leaf":
            raise UnknownNameError(
                f"{name} is not data or a parameter of this graph.", fix=nearest(normalized(name), leaves)
            )
        by_leaf[graph[name]] = array
    missing = [name for name, leaf in leaves.items() if leaf not in by_leaf and _is_needed(graph, leaf)]
    if missing:
        shown = ", ".join(f"{name} {show_shape(graph[name].shape)}" for name in missing)
        raise DataError(f"no value was given for {shown}.", fix=f"pass {missing[0]}=… as well.")
    return by_leaf


def _is_needed(graph: Graph, leaf: Value) -> bool:
    """A leaf that nothing uses may be left out, as long as its letters are known otherwise."""
    return any(leaf in value.inputs for value in graph.document()) or leaf in graph.updates


def as_leaf(name: str, leaf: Value, given: Any, dtype: Any) -> Array:
    """Return an array as a leaf takes it.

    Raises:
        DataError: it is not numeric, or holds what the type cannot hold.
        KindError: it holds real numbers where truth values or class numbers are expected.
    """
    array = as_array(name, given)
    if array.dtype.kind not in "biuf":
        what = _NO_NUMBERS.get(array.dtype.kind, str(array.dtype))
        raise DataError(
            f"{name} holds {what}, not real numbers.", fix=f"turn {name} into real numbers first."
        )
    if leaf.kind == "real":
        return _rounded(name, array, real_type(leaf, dtype))
    if leaf.kind == "bool":
        if array.dtype.kind != "b":
            raise KindError(
                f"{name} is bool, but the array holds {array.dtype}.", fix=f"{name} > 0, for example."
            )
        return array
    if array.dtype.kind not in "iu":
        raise KindError(
            f"{name} holds class numbers, but the array holds {array.dtype}.", fix=f"{name}.astype(int)."
        )
    return array.astype(np.int64, copy=False)


def as_array(name: str, given: Any) -> Array:
    """Return what a user passes as an array.

    Raises:
        DataError: its rows differ in length, or some of its elements are masked.
    """
    if np.ma.is_masked(given):
        raise DataError(f"{name} has masked elements.", fix="fill them first: array.filled(value).")
    try:
        return np.asarray(given)
    except ValueError:
        raise DataError(f"{name} is not a rectangular array.", fix="rows must have one length.") from None


def real_type(value: Value, dtype: Any) -> np.dtype[Any]:
    """Return the floating-point type of a value in a computation of some type: single numbers are float64."""
    return np.dtype(dtype if value.ndim else np.float64)


def _rounded(name: str, array: Array, dtype: np.dtype[Any]) -> Array:
    """Return an array as another floating-point type, which must be able to hold its numbers."""
    if array.dtype.itemsize <= dtype.itemsize:
        return array.astype(dtype, copy=False)
    with np.errstate(over="ignore"):
        rounded = array.astype(dtype)
    beyond = np.isinf(rounded) & np.isfinite(array)
    if beyond.any():
        raise DataError(
            f"{name} has {array[beyond][0]:g}, which {dtype} cannot hold.", fix="dtype=numpy.float64 can."
        )
    return rounded


def _bind_sizes(graph: Graph, leaves: Mapping[str, Value], arrays: Mapping[Value, Array]) -> dict[str, int]:
    """Read the letters off the arrays; report every disagreement at once."""
    sizes: dict[str, int] = {}
    source: dict[str, str] = {}
    wrong: list[str] = []
    fix = ""
    for name, leaf in leaves.items():
        if leaf not in arrays:
            continue
        shape = arrays[leaf].shape
        expected = show_shape(tuple(sizes.get(s, s) if isinstance(s, str) else s for s in leaf.shape))
        if len(shape) != leaf.ndim:
            wrong.append(f"{name} {show_shape(leaf.shape)} was given the shape {show_shape(shape)}")
            fix = fix or _rank_fix(name, leaf, shape)
            continue
        for size, actual in zip(leaf.shape, shape, strict=True):
            if isinstance(size, str):
                known = sizes.setdefault(size, actual)
                origin = source.setdefault(size, name)
            else:
                known, origin = size, ""
            if known != actual:
                because = f", for {size} = {known} in {origin}" if origin else ""
                wrong.append(f"{name} {expected} was given the shape {show_shape(shape)}{because}")
                break
        if 0 in shape:
            wrong.append(f"{name} was given no elements, {show_shape(shape)}")
    if wrong:
        raise ShapeError("arrays do not fit the graph: " + "; ".join(wrong) + ".", fix=fix)
    _check_letters(graph, sizes)
    return sizes


def _rank_fix(name: str, leaf: Value, shape: tuple[int, ...]) -> str:
    if leaf.ndim == len(shape) + 1 and leaf.shape[-1] == 1:
        return f"{name}.reshape(-1, 1) makes a column of it."
    if leaf.ndim + 1 == len(shape) and shape[-1] == 1:
        return f"{name}.reshape(-1) makes a vector of it."
    if leaf.ndim == 2 and len(shape) == 1:
        return f"{name}.reshape(1, -1) makes a row of it; {name}.reshape(-1, 1) a column."
    return f"{name} needs {leaf.ndim} ax{'is' if leaf.ndim == 1 else 'es'}."


def _check_letters(graph: Graph, sizes: Mapping[str, int]) -> None:
    used = [letter for value in graph.document() for letter in value.letters]
    unbound = [letter for letter in dict.fromkeys(used) if letter not in sizes]
    if unbound:
        raise NamingError(
            f"nothing given says how large {', '.join(unbound)} is.", fix="pass the data that has it."
        )


def has_domains(graph: Graph) -> bool:
    """Tell whether any leaf feeds an op that takes certain numbers only."""
    for value in graph.document():
        shapes = [x.shape for x in value.inputs]
        for position, x in enumerate(value.inputs):
            domain = value.op.operand_domain(position)
            ends = np.isfinite(domain.low) and np.isfinite(domain.high)
            limit = value.op.index_limit(position, *shapes, **value.attributes)
            if x.op.name == "leaf" and (domain.members or ends or limit is not None):
                return True
    return False


def check_domains(graph: Graph, arrays: Mapping[Value, Array], sizes: Mapping[str, int]) -> None:
    """Check leaves that feed an op with a domain of two ends, or class numbers.

    Raises:
        DataError: the first element outside, by its place.
    """
    for value in graph.document():
        for position, x in enumerate(value.inputs):
            if x not in arrays:
                continue
            if x.kind == "real":
                _check_numbers(graph, value, x, arrays[x], value.op.operand_domain(position))
            limit = value.op.index_limit(position, *(v.shape for v in value.inputs), **value.attributes)
            if limit is not None:
                _check_classes(
                    graph, value, x, arrays[x], sizes.get(limit, 0) if isinstance(limit, str) else limit
                )


def _check_numbers(graph: Graph, value: Value, x: Value, array: Array, domain: Domain) -> None:
    """Check the elements of an array against a domain that lists its members or has two ends."""
    if domain.members:
        outside = ~np.isin(array, domain.members)
        codes = " and ".join(f"{member:g}" for member in domain.members)
        fix = f"encode the two classes as {codes}, or use a loss for real targets."
    elif np.isfinite(domain.low) and np.isfinite(domain.high):
        outside = ~((array >= domain.low) & (array <= domain.high))
        fix = "probabilities lie there; one_hot makes rows of class numbers."
    else:
        return
    if outside.any():
        at = tuple(int(i) for i in np.argwhere(outside)[0])
        raise DataError(
            f"{graph.describe(x)} must lie in {domain} for {value.op.name}, "
            f"but {graph.describe(x)}[{', '.join(map(str, at))}] = {array[at]:g} "
            f"({int(outside.sum())} of {outside.size} elements lie outside).",
            fix=fix,
        )
    if domain.of_sum_1:
        _check_sums(graph, value, x, array)


def _check_sums(graph: Graph, value: Value, x: Value, array: Array) -> None:
    """Check that each row of probabilities has the sum 1, as far as float32 knows it."""
    sums = array.sum(axis=-1)
    off = ~(abs(sums - 1) <= _SUM_TOLERANCE)
    if off.any():
        at = tuple(int(i) for i in np.argwhere(off)[0])
        name = graph.describe(x)
        raise DataError(
            f"each row of {name} must have the sum 1 for {value.op.name}, "
            f"but {name}[{', '.join(map(str, at))}] has the sum {sums[at]:g} "
            f"({int(off.sum())} of {off.size} rows).",
            fix=f"divide each row by its sum: {name} / {name}.sum(axis=-1, keepdims=True).",
        )


def _check_classes(graph: Graph, value: Value, x: Value, array: Array, classes: int) -> None:
    outside = (array < 0) | (array >= classes)
    if outside.any():
        at = tuple(int(i) for i in np.argwhere(outside)[0])
        name = graph.describe(x)
        raise DataError(
            f"{name} must lie in 0 … {classes - 1} for {value.op.name}, "
            f"but {name}[{', '.join(map(str, at))}] = {array[at]}.",
            fix=f"it numbers one of {classes}, counted from 0.",
        )
