"""Random numbers on which a derivation is judged: sizes, arrays, and nothing near a kink."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.execute.examples import classes_of, domain_of, numbers_within, start_of
from chainrule.execute.inputs import Array, Bound
from chainrule.execute.reference import Trace, bound_attributes, trace
from chainrule.ir.graph import Graph
from chainrule.ir.op import REALS
from chainrule.ir.shape import Shape
from chainrule.ir.value import Value

_PRIMES = (7, 5, 3, 11, 2, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)
_EQUAL = 4
_NEAR = 1e-4
_MOST_TRIES = 20
_MOST_ELEMENTS = 200_000
_LINKS = ("softmax", "log_softmax", "sigmoid")


def sizes_of_draws(letters: Sequence[str], fixed: Sequence[int], count: int) -> Iterator[dict[str, int]]:
    """Yield sizes for each letter: distinct primes that no fixed size equals, then all equal.

    Args:
        letters: that stand for sizes.
        fixed: sizes that the document states as numbers.
        count: number of draws with primes.

    Raises:
        DataError: there are more letters than primes at hand.
    """
    primes = [prime for prime in _PRIMES if prime not in fixed]
    if len(letters) > len(primes) - count:
        raise DataError(f"a document has at most {len(primes) - count} sizes.", where="")
    for draw in range(count):
        pool = primes[: max(len(letters) + 1, 5)]
        yield {letter: pool[(place + 2 * draw) % len(pool)] for place, letter in enumerate(letters)}
    if letters:
        yield dict.fromkeys(letters, _EQUAL)


def drawn(graph: Graph, sizes: Mapping[str, int], generator: np.random.Generator) -> Trace:
    """Return every value of a graph on random leaves, all finite and none of them near a kink.

    Raises:
        DataError: no such numbers were found.
    """
    result: Trace | None = None
    for _ in range(_MOST_TRIES):
        arrays = {leaf: _leaf(graph, leaf, sizes, generator) for leaf in graph.leaves()}
        result = trace(graph, Bound(arrays, dict(sizes)))
        targets = _distributions(graph, result)
        if targets:
            arrays.update((leaf, _of_sum_1(arrays[leaf], axis)) for leaf, axis in targets.items())
            result = trace(graph, Bound(arrays, dict(sizes)))
        if not all(np.all(np.isfinite(a)) for _, a in result.values_in_order() if a.dtype.kind == "f"):
            continue
        if not any(_is_near_kink(value, result) for value in graph.document()):
            return result
    bad = [name for name in result or () if result is not None and not np.all(np.isfinite(result[name]))]
    what = f"{bad[0]} is not finite on random data" if bad else "random data always meet a kink"
    raise DataError(
        f"{what}, so nothing can be judged.",
        where="",
        fix="check for logarithms and roots of negative numbers.",
    )


def _distributions(graph: Graph, found: Trace) -> dict[Value, int]:
    """Return data that is compared with probabilities, with the axis along which these have the sum 1.

    Probabilities are seen by their values: a softmax may be written out by hand.
    """
    weights = set(graph.leaves("parameter"))
    pairs = [value.inputs for value in graph.document() if value.op.name == "matmul"]
    inputs = {x for pair in pairs if weights.intersection(pair) for x in pair}
    targets = [leaf for leaf in graph.leaves("data") if leaf.kind == "real" and leaf not in inputs]
    axes: dict[Value, int] = {}
    for value in graph.document():
        if value.op.name != "log" or value.inputs[0] in targets:
            continue
        array = found[value.inputs[0]]
        for axis in range(array.ndim):
            if array.shape[axis] > 1 and np.allclose(array.sum(axis=axis), 1):
                alike = (leaf for leaf in targets if leaf.shape == value.inputs[0].shape)
                axes.update((leaf, axis) for leaf in alike)
    return axes


def _of_sum_1(array: Array, axis: int) -> Array:
    positive = np.abs(array) + 0.1
    return positive / positive.sum(axis=axis, keepdims=True)


def _is_near_kink(value: Value, found: Trace) -> bool:
    if not value.op.kinks or not value.inputs:
        return False
    array = found[value.inputs[0]]
    return any(bool(np.any(np.abs(array - kink) < _NEAR)) for kink in value.op.kinks)


def numbers(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Return a shape with numbers for letters."""
    return tuple(sizes[size] if isinstance(size, str) else size for size in shape)


def _leaf(graph: Graph, leaf: Value, sizes: Mapping[str, int], generator: np.random.Generator) -> Array:
    shape = numbers(leaf.shape, sizes)
    role = leaf.attributes["role"]
    if leaf.kind == "bool":
        return generator.random(shape) < 0.5
    if leaf.kind == "index":
        return generator.integers(0, classes_of(graph, leaf, sizes), shape)
    if role == "hyperparameter":
        return generator.uniform(0.2, 0.8, shape)
    domain = domain_of(graph, leaf)
    if role == "state" and domain == REALS:
        return np.full(shape, start_of(graph, leaf)) + generator.uniform(0.1, 0.5, shape)
    link = _link(graph, leaf) if domain == REALS and role == "data" else None
    if link is not None:
        return _probabilities(link, shape, generator)
    array: Any = numbers_within(domain, generator, shape)
    return array / np.sqrt(shape[0]) if role == "parameter" and len(shape) > 1 else array


def _link(graph: Graph, target: Value) -> Value | None:
    """Return the last softmax or sigmoid before a product with a target, if there is one."""
    for value in graph.document():
        if value.op.name not in ("multiply", "matmul") or target not in value.inputs:
            continue
        for source in reversed(graph.walk([x for x in value.inputs if x is not target])):
            if source.op.name in _LINKS and target not in graph.walk([source]):
                return source
    return None


def _probabilities(link: Value, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Return targets for a hand-written cross-entropy: of sum 1 for softmax, else in (0, 1)."""
    array = generator.uniform(0.1, 0.9, shape)
    axis: Any = bound_attributes(link, {}).get("axis", -1) if link.op.name != "sigmoid" else None
    return array if axis is None or len(shape) <= axis else array / array.sum(axis=axis, keepdims=True)


def too_large(graph: Graph, sizes: Mapping[str, int]) -> bool:
    """Tell whether some value of a graph would have too many elements to be drawn."""
    return any(
        float(np.prod([float(n) for n in numbers(v.shape, sizes)])) > _MOST_ELEMENTS for v in graph.document()
    )
