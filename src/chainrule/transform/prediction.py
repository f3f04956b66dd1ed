"""The prediction graph: what outputs need, without targets and loss, each op by its prediction rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from chainrule.errors import GraphError
from chainrule.ir.graph import Graph
from chainrule.ir.names import is_generated
from chainrule.ir.value import Value
from chainrule.ops.random import Draw
from chainrule.transform.copy import copy_exactly, copy_leaves, declaration_of

GraphT = TypeVar("GraphT", bound=Graph)


def for_prediction(graph: GraphT, outputs: str | Iterable[str]) -> GraphT:
    """Return a graph of some outputs alone, with only the leaves they need.

    Dropout changes nothing there, and batch normalization uses its running statistics.

    Raises:
        UnknownNameError: nothing has the name of an output.
        GraphError: an output depends on random values or on statistics of the batch.
    """
    names = [outputs] if isinstance(outputs, str) else list(outputs)
    whole, copies = _with_prediction_rules(graph, [graph[name] for name in names])
    wanted = [copies[graph[name]] for name in names]
    needed = whole.walk(wanted)
    _check_no_randomness(whole, needed)
    target = graph.blank()
    kept = {
        leaf: target.declare(whole.names_of(leaf)[0], declaration_of(leaf))
        for leaf in whole.leaves()
        if leaf in needed
    }
    copy_exactly(needed, target, kept)
    for name, value in graph.names.items():
        if copies.get(value) in kept:
            target.name(name, kept[copies[value]])
    target.set_outputs(kept[value] for value in wanted)
    return target


def _check_no_randomness(graph: Graph, needed: list[Value]) -> None:
    """Check that no value is drawn at random, and no statistic is taken over the batch that a step opened."""
    for value in needed:
        shapes = [x.shape for x in value.inputs]
        if isinstance(value.op, Draw) or value.op.smallest_batch("m", *shapes, **value.attributes) > 1:
            what = "drawn at random" if isinstance(value.op, Draw) else "a statistic of the batch"
            raise GraphError(
                f"a prediction cannot depend on {graph.describe(value)}, which is {what}.",
                fix="start from the network as written, with dropout and batch_norm, before lower or step.",
            )


def _with_prediction_rules(graph: GraphT, wanted: list[Value]) -> tuple[GraphT, dict[Value, Value]]:
    """Return a graph in which each op is replaced by its prediction rule, and the map from old to new."""
    whole = graph.blank()
    copies = copy_leaves(graph, whole)
    same = set(copies)
    for value in graph.walk(wanted):
        inputs = [copies[x] for x in value.inputs]
        replaced = value.op.predict(*inputs, **value.attributes) if inputs else None
        if replaced is not None:
            copies[value] = replaced
        elif same.issuperset(value.inputs):
            copy_exactly([value], whole, copies)
            same.add(value)
        else:
            copies[value] = value.op(*inputs, **value.attributes)
        for name in graph.names_of(value):
            if not is_generated(name):
                whole.name(name, copies[value])
    return whole, copies
