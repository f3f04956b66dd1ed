"""The typing rules of a graph, stated as checks."""

from __future__ import annotations

from chainrule.errors import GraphError
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value


def verify(graph: Graph) -> None:
    """Check every rule a graph keeps; transformations are followed by this under tests.

    1. Inputs belong to the graph and come before what uses them.
    2. Shape and kind are those the op infers; operands have the kinds it asks for.
    3. Names, outputs and updates denote values of the graph; an update keeps shape and kind.
    4. A gradient has its variable's shape.

    Raises:
        GraphError: a rule is broken; the message names the value.
    """
    for value in graph.document():
        _check_inputs(graph, value)
        _check_type(graph, value)
    for leaf, new in graph.updates.items():
        if (leaf.shape, leaf.kind) != (new.shape, new.kind):
            raise GraphError(f"the update of {graph.describe(leaf)} changes its shape or kind.")
    for gradient, name in graph.gradients.items():
        if name in graph and gradient in graph and graph[name].shape != graph[gradient].shape:
            raise GraphError(f"{gradient} has not the shape of {name}.")


def _check_inputs(graph: Graph, value: Value) -> None:
    if value.graph is not graph:
        raise GraphError(f"{graph.describe(value)} belongs to another graph.")
    for x in value.inputs:
        if x.graph is not graph or x.order >= value.order:
            raise GraphError(f"{graph.describe(value)} uses {graph.describe(x)} before it is made.")


def _check_type(graph: Graph, value: Value) -> None:
    if not value.inputs:
        return
    inferred = value.op.infer(*(x.shape for x in value.inputs), **value.attributes)
    if inferred != value.shape or value.kind != value.op.result_kind(value.inputs):
        raise GraphError(f"{graph.describe(value)} is {value.shape}, but its op makes {inferred}.")
    shapes = [x.shape for x in value.inputs]
    for position, x in enumerate(value.inputs):
        if x.kind != value.op.operand_kind(position, *shapes) and not value.op.keeps_kind:
            raise GraphError(f"operand {position + 1} of {graph.describe(value)} is {x.kind}.")
