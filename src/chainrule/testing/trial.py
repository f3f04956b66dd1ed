"""One case put to the test: its graph, the gradient's graph, operands, runs and central differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.execute.inputs import Bound
from chainrule.execute.reference import Trace, compute, trace
from chainrule.graph import Graph
from chainrule.ir.registry import lookup
from chainrule.ir.structural import Declaration
from chainrule.ir.value import Value
from chainrule.testing.cases import Array, Case, operands_for

Oracle = Callable[..., Any]
_STEP = 1e-5


class Trial:
    """One case with all that its checks share.

    Attributes:
        case: the op, shapes and attributes.
        oracle: the same function from elsewhere, if there is one.
        seed: of all that is drawn.
    """

    def __init__(self, case: Case, oracle: Oracle | None = None, seed: int = 0) -> None:
        self.case, self.oracle, self.seed = case, oracle, seed
        self.op, self.names = case.op, case.names

    @cached_property
    def graph(self) -> Graph:
        """The op on leaves x0, x1, …, named out; J weighs it out by C."""
        return graph_of(self.case)

    @property
    def differentiable(self) -> bool:
        """Whether J depends on some operand by way of real values."""
        return self.gradients is not None

    @cached_property
    def gradients(self) -> Graph | None:
        """The graph with the backward pass of J, None where J has none."""
        return gradient_graph(self.graph)

    @property
    def backward(self) -> Graph:
        """The graph with the backward pass, or without, where there is none."""
        return self.graph if self.gradients is None else self.gradients

    @property
    def real_places(self) -> list[int]:
        """The places of the operands that have a gradient."""
        return [i for i, kind in enumerate(self.case.kinds) if kind == "real"]

    def operands(self, draw: int = 0) -> list[Array]:
        """Return arrays for the operands, the same for the same draw."""
        return operands_for(self.case, self.seed + draw)

    def inputs(self, draw: int = 0, graph: Graph | None = None) -> dict[str, Array]:
        """Return arrays by the names of leaves, weights included."""
        return inputs_of(self.graph if graph is None else graph, self.operands(draw))

    def forward(self, arrays: Sequence[Any], xp: Any = np) -> Any:
        """Return what the op's own forward rule makes of arrays."""
        with np.errstate(all="ignore"):
            return self.op.forward(xp, *arrays, **self.case.settled)


def graph_of(case: Case) -> Graph:
    """Return a graph with leaves x0, x1, … and out, the op applied to them; J weighs out by C."""
    graph = Graph()
    leaves = [
        graph.declare(f"x{i}", Declaration("parameter" if kind == "real" else "data", shape, kind))
        for i, (shape, kind) in enumerate(zip(case.shapes, case.kinds, strict=True))
    ]
    out = graph.name("out", case.op(*leaves, **case.setting))
    if out.kind == "real":
        weights = graph.declare("C", Declaration("data", out.shape))
        graph.name("J", lookup("sum")(weights * out))
    return graph


def gradient_graph(graph: Graph) -> Graph | None:
    """Return the graph with the backward pass of J, None where J depends on nothing real."""
    if "J" not in graph or not graph.leaves("parameter"):
        return None
    try:
        return graph.gradient("J")
    except GraphError as error:
        if "does not depend on" not in error.message:
            raise
        return None


def with_second_objective(trial: Trial) -> Graph | None:
    """Return the gradient graph with S, a weighted sum of all gradients; None where there is none."""
    backward = gradient_graph(trial.graph)
    if backward is None:
        return None
    total: Value | None = None
    for i in trial.real_places:
        gradient = backward[f"dx{i}"]
        weights = backward.declare(f"C{i}", Declaration("data", gradient.shape))
        part = lookup("sum")(weights * gradient)
        total = part if total is None else total + part
    if total is not None:
        backward.name("S", total)
    return backward


def inputs_of(graph: Graph, arrays: Sequence[Array]) -> dict[str, Array]:
    """Return arrays by the names of leaves, weights included."""
    given = {f"x{i}": array for i, array in enumerate(arrays)}
    for name in ("C", *(f"C{i}" for i in range(len(arrays)))):
        if name in graph:
            given[name] = weights(graph[name].shape)
    return given


def weights(shape: Any) -> Array:
    """Return weights of which no two are equal."""
    return np.random.default_rng(99).uniform(0.5, 1.5, shape)


def evaluate(graph: Graph, given: Mapping[str, Array], dtype: Any = np.float64) -> Trace:
    """Run a graph without the checks of domains, which a central difference may leave."""
    leaves = {graph[n]: x.astype(dtype) if x.dtype.kind == "f" else x for n, x in given.items()}
    return trace(graph, Bound(leaves, {}), dtype)


def central_difference(graph: Graph, given: Mapping[str, Array], name: str, leaf: str) -> Array:
    """Return the derivative of a scalar with respect to each element of a leaf."""
    path = [value for value in graph.walk([graph[name]]) if value.op.name != "leaf"]
    moves = _depending(path, graph[leaf])
    arrays = {graph[n]: array for n, array in given.items()}
    with np.errstate(all="ignore"):
        for value in path:
            if value not in moves:
                arrays[value] = compute(value, [arrays[x] for x in value.inputs], {}, np.float64)
        return _differences(list(moves), arrays, graph[name], graph[leaf])


def _depending(path: Sequence[Value], leaf: Value) -> dict[Value, None]:
    moves: dict[Value, None] = {leaf: None}
    for value in path:
        if any(x in moves for x in value.inputs):
            moves[value] = None
    del moves[leaf]
    return moves


def _differences(moves: Sequence[Value], arrays: dict[Value, Array], scalar: Value, leaf: Value) -> Array:
    here = arrays[leaf]
    result = np.zeros(here.shape)
    for index in np.ndindex(here.shape):
        ends: list[float] = []
        for step in (_STEP, -_STEP):
            arrays[leaf] = np.array(here)
            arrays[leaf][index] += step
            for value in moves:
                arrays[value] = compute(value, [arrays[x] for x in value.inputs], {}, np.float64)
            ends.append(float(arrays[scalar]))
        result[index] = (ends[0] - ends[1]) / (2 * _STEP)
    return result
