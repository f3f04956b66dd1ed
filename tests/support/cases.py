"""Cases for any op, made from its signature, domain, kinks and attributes: the op is tested by existing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from chainrule.execute.inputs import Bound
from chainrule.execute.reference import Trace, trace
from chainrule.ir.op import Domain, Op
from chainrule.ir.registry import every_op
from chainrule.ir.signature import Signature
from tests.support.settings import fits, settings_for

Array = NDArray[Any]
Shapes = tuple[tuple[int, ...], ...]
OPS = [
    op for op in every_op() if op.name not in ("leaf", "constant") and op.__module__.startswith("chainrule.")
]
_PRIMES = (3, 2, 5, 7)
_LEADING: tuple[tuple[int, ...], ...] = ((3, 2), (), (5,))
_STRETCHED: tuple[Shapes, ...] = (((3, 2), (2,)), ((), (3, 2)), ((3, 1), (3, 2)))
_MOST_SETTINGS = 9
_GAP = 0.05


@dataclass(frozen=True)
class Case:
    """One op with operand shapes and attributes."""

    op: Op
    shapes: Shapes
    setting: dict[str, Any] = field(hash=False)

    def __str__(self) -> str:
        setting = ",".join(f"{name}={item}" for name, item in self.setting.items())
        return f"{self.op.name}{''.join(map(str, self.shapes))}{setting}".replace(" ", "")


def cases_of(op: Op) -> list[Case]:
    """Return cases for every alternative of an op's signature and a selection of its settings."""
    cases = [
        Case(op, shapes, setting)
        for shapes in dict.fromkeys(_shapes_of(op))
        for setting in _whole(settings_for(op, shapes))
    ]
    assert cases, f"no case fits {op.name}"
    return cases


def _shapes_of(op: Op) -> Iterator[Shapes]:
    for alternative, leading in itertools.product(op.signatures, _LEADING):
        yield _concrete(alternative, leading)
    if op.broadcasts:
        yield from (shapes + shapes[:1] * (op.arity - 2) for shapes in _STRETCHED)


def _concrete(alternative: Signature, leading: tuple[int, ...]) -> Shapes:
    letters = dict.fromkeys(axis for axes in alternative.inputs for axis in axes if axis != "...")
    sizes: dict[str, tuple[int, ...]] = {a: (p,) for a, p in zip(letters, _PRIMES, strict=False)}
    sizes["..."] = leading
    return tuple(tuple(size for axis in axes for size in sizes[axis]) for axes in alternative.inputs)


def _whole(settings: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return some settings that mention no letter."""
    plain = (s for s in settings if not any(isinstance(x, str) for x in _parts(s)))
    return list(itertools.islice(plain, _MOST_SETTINGS))


def _parts(setting: dict[str, Any]) -> Iterator[Any]:
    for item in setting.values():
        yield from item if isinstance(item, tuple) else (item,)


def wrong_shapes(op: Op) -> list[Shapes]:
    """Return operand shapes that no setting of an op admits."""
    candidates: Shapes = ((), (2,), (3,), (2, 3), (2, 1, 3))
    return [shapes for shapes in itertools.product(candidates, repeat=op.arity) if not fits(op, shapes)]


def operands_for(case: Case, seed: int = 0) -> list[Array]:
    """Return arrays from an op's domains, away from its kinks."""
    generator = np.random.default_rng(seed)
    while True:
        arrays = [_operand(case, i, generator) for i in range(case.op.arity)]
        if not _near_a_kink(case.op, arrays):
            return arrays


def _operand(case: Case, position: int, generator: np.random.Generator) -> Array:
    shape, kind = case.shapes[position], case.op.operand_kind(position, *case.shapes)
    if kind == "bool":
        return np.asarray(generator.random(shape) < 0.5)
    if kind == "index":
        limit = case.op.index_limit(position, *case.shapes, **case.setting)
        return np.asarray(generator.integers(0, limit if isinstance(limit, int) else 4, shape))
    return np.asarray(_in_domain(case.op.operand_domain(position), shape, generator))


def _in_domain(domain: Domain, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    if domain.members:
        return generator.choice(domain.members, shape)
    if np.isfinite(domain.low) and np.isfinite(domain.high):
        return domain.low + (domain.high - domain.low) * generator.uniform(0.1, 0.9, shape)
    if np.isfinite(domain.low):
        return domain.low + generator.uniform(0.3, 2.0, shape)
    drawn = generator.uniform(0.3, 1.5, shape) * generator.choice([-1.0, 1.0], shape)
    return np.where(np.isin(drawn, domain.without), drawn + _GAP, drawn)


def _near_a_kink(op: Op, arrays: Sequence[Array]) -> bool:
    gaps = [arrays[0] - kink for kink in op.kinks]
    if op.name in ("maximum", "minimum"):
        gaps.append(arrays[0] - arrays[1])
    return any(bool(np.any(np.abs(gap) < _GAP)) for gap in gaps)


def graph_of(case: Case) -> cr.Graph:
    """Return a graph with leaves x0, x1, … and out, the op applied to them; J weighs out by C."""
    graph = cr.Graph()
    for i, shape in enumerate(case.shapes):
        kind = case.op.operand_kind(i, *case.shapes)
        graph[f"x{i}"] = cr.parameter(*shape) if kind == "real" else cr.data(*shape, kind=kind)
    graph["out"] = case.op(*(graph[f"x{i}"] for i in range(case.op.arity)), **case.setting)
    if graph["out"].kind == "real":
        graph["C"] = cr.data(*graph["out"].shape)
        graph["J"] = cr.sum(graph["C"] * graph["out"])
    return graph


def inputs_of(graph: cr.Graph, arrays: Sequence[Array]) -> dict[str, Array]:
    """Return arrays by the names of leaves, weights included."""
    given = {f"x{i}": array for i, array in enumerate(arrays)}
    for name in ("C", *(f"C{i}" for i in range(len(arrays)))):
        if name in graph:
            given[name] = weights(graph[name].shape)
    return given


def weights(shape: Any) -> Array:
    return np.random.default_rng(99).uniform(0.5, 1.5, shape)


def evaluate(graph: cr.Graph, given: dict[str, Array], dtype: Any = np.float64) -> Trace:
    """Run a graph without the checks of domains, which a central difference may leave."""
    return trace(graph, Bound({graph[name]: array for name, array in given.items()}, {}), dtype)


def central_difference(graph: cr.Graph, given: dict[str, Array], name: str, leaf: str) -> Array:
    """Return the derivative of a scalar with respect to each element of a leaf."""
    step = 1e-5
    result = np.empty(given[leaf].shape)
    for index in np.ndindex(result.shape):
        ends: list[float] = []
        for sign in (1, -1):
            moved = np.array(given[leaf])
            moved[index] += sign * step
            ends.append(float(evaluate(graph, {**given, leaf: moved})[name]))
        result[index] = (ends[0] - ends[1]) / (2 * step)
    return result
