"""Random arrays that a graph can take, for looking at its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.execute.inputs import Array
from chainrule.ir.graph import Graph
from chainrule.ir.op import REALS, Domain
from chainrule.ir.shape import Size
from chainrule.ir.value import Value

_SMALL_SIZES = (4, 3, 5, 2, 6, 7)


def example_sizes(graph: Graph) -> dict[str, int]:
    """Return a small size for each letter, different ones as long as there are few letters."""
    return {letter: _SMALL_SIZES[i % len(_SMALL_SIZES)] for i, letter in enumerate(graph.letters)}


def example_inputs(graph: Graph, sizes: Mapping[str, int], seed: int = 0) -> dict[str, Array]:
    """Return an array for each leaf, inside the domain of every op it feeds.

    Hyperparameters are 0.1, states are as they start; everything else real is normally distributed,
    rounded to two decimals so that a reader can follow the numbers.

    Args:
        graph: the graph to be run.
        sizes: a number for each letter.
        seed: of the random generator.
    """
    generator = np.random.default_rng(seed)
    return {graph.names_of(leaf)[0]: _example(graph, leaf, sizes, generator) for leaf in graph.leaves()}


def _example(graph: Graph, leaf: Value, sizes: Mapping[str, int], generator: np.random.Generator) -> Array:
    shape = tuple(_number(size, sizes) for size in leaf.shape)
    if leaf.kind == "bool":
        return generator.random(shape) < 0.5
    if leaf.kind == "index":
        return generator.integers(0, classes_of(graph, leaf, sizes), shape)
    if leaf.attributes["role"] == "hyperparameter":
        return np.full(shape, 0.1)
    if leaf.attributes["role"] == "state":
        return np.full(shape, start_of(graph, leaf))
    return np.round(numbers_within(domain_of(graph, leaf), generator, shape), 2)


def start_of(graph: Graph, leaf: Value) -> float:
    """Return what a state starts from, as the op says that it feeds; else 0."""
    for value in graph.document():
        for place, start in value.op.starts.items():
            if value.inputs[place] is leaf:
                return start
    return 0.0


def _number(size: Size, sizes: Mapping[str, int]) -> int:
    return sizes[size] if isinstance(size, str) else size


def domain_of(graph: Graph, leaf: Value) -> Domain:
    """Return the first restricted domain among the ops that the leaf feeds."""
    for value in graph.document():
        for position, x in enumerate(value.inputs):
            domain = value.op.operand_domain(position)
            if x is leaf and domain != REALS:
                return domain
    return REALS


def numbers_within(domain: Domain, generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return random numbers inside a domain, away from its ends."""
    if domain.members:
        return generator.choice(np.array(domain.members), shape)
    if domain.of_sum_1 and shape:
        return np.eye(shape[-1])[generator.integers(0, shape[-1], shape[:-1])]
    if np.isfinite(domain.low) and np.isfinite(domain.high):
        return generator.uniform(domain.low + 0.1, domain.high - 0.1, shape)
    drawn = generator.normal(size=shape)
    if np.isfinite(domain.low):
        return domain.low + 0.1 + np.abs(drawn)
    return np.where(np.isin(np.round(drawn, 2), domain.without), 1.0, drawn) if domain.without else drawn


def classes_of(graph: Graph, leaf: Value, sizes: Mapping[str, int]) -> int:
    """Return how many classes there are for class numbers."""
    limits: list[int] = []
    for value in graph.document():
        for position, x in enumerate(value.inputs):
            shapes = [v.shape for v in value.inputs]
            limit = value.op.index_limit(position, *shapes, **value.attributes) if x is leaf else None
            limits += [] if limit is None else [_number(limit, sizes)]
    return min(limits, default=2)
