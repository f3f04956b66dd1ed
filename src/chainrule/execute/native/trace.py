"""From a graph and sizes to a program of arrays: each op's forward rule is run on symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.execute.native.arrays import BOOL, DOUBLE, INDEX, REAL, DType, Layout, Nodes, Shape, View
from chainrule.execute.native.namespace import Namespace
from chainrule.execute.native.symbols import Symbol, UntraceableError, in_memory, number
from chainrule.execute.reference import bound_attributes
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value

_NOT_TRACEABLE = (UntraceableError, TypeError, AttributeError, ValueError, IndexError, KeyError)


@dataclass
class Traced:
    """A program of arrays.

    Attributes:
        nodes: what is computed, in order.
        views: where each live value of the graph is found.
        called: values that have no native form and are left to their forward rule.
    """

    nodes: Nodes
    views: dict[Value, View] = field(default_factory=dict[Value, View])
    called: list[Value] = field(default_factory=list[Value])


def traced(graph: Graph, sizes: Mapping[str, int], layout: Layout) -> Traced:
    """Return the program of a graph whose letters have these sizes."""
    result = Traced(Nodes(layout))
    namespace = Namespace(result.nodes)
    for value in graph.live():
        result.views[value] = _view(value, sizes, result, namespace)
    return result


def _view(value: Value, sizes: Mapping[str, int], so_far: Traced, namespace: Namespace) -> View:
    nodes = so_far.nodes
    shape = tuple(sizes[n] if isinstance(n, str) else n for n in value.shape)
    dtype = dtype_of(value, shape)
    if value.op.name == "leaf":
        return nodes.make("leaf", "", (), shape, dtype, value)
    if value.constant is not None:
        return _constant(value, sizes, nodes)
    inputs = [Symbol(nodes, so_far.views[x]) for x in value.inputs]
    made = _forward(value, inputs, sizes, namespace)
    if made is None or made.shape != shape:
        so_far.called.append(value)
        solid = tuple(in_memory(nodes, x.view) for x in inputs)
        return nodes.make("call", value.op.name, solid, shape, dtype, value)
    return made.astype(dtype).view


def dtype_of(value: Value, shape: Shape) -> DType:
    """Return the type in which a value is stored: scalars in double precision."""
    if value.kind == "real":
        return REAL if shape else DOUBLE
    return INDEX if value.kind == "index" else BOOL


def _constant(value: Value, sizes: Mapping[str, int], nodes: Nodes) -> View:
    """A number that depends on sizes is an argument, so that the code serves all of them."""
    assert value.constant is not None  # noqa: S101 - asked by the caller
    result = value.constant.value(sizes)
    if value.constant.letters:
        return nodes.make("size", repr(result), (), (), DOUBLE, result)
    return number(nodes, result, DOUBLE)


def _forward(
    value: Value, inputs: list[Symbol], sizes: Mapping[str, int], namespace: Namespace
) -> Symbol | None:
    """Run a forward rule on symbols; None where it does what symbols cannot."""
    try:
        made: Any = value.op.forward(namespace, *inputs, **bound_attributes(value, sizes))
    except _NOT_TRACEABLE:
        return None
    return made if isinstance(made, Symbol) else None
