"""The prediction graph: what an output needs, without targets and loss."""

from __future__ import annotations

from typing import TypeVar

from chainrule.ir.graph import Graph
from chainrule.transform.copy import copy_exactly, declaration_of

GraphT = TypeVar("GraphT", bound=Graph)


def for_prediction(graph: GraphT, output: str) -> GraphT:
    """Return a graph of one output alone, with only the leaves it needs.

    Raises:
        UnknownNameError: nothing is called `output`.
    """
    target = graph.blank()
    needed = graph.walk([graph[output]])
    copies = {
        leaf: target.declare(graph.names_of(leaf)[0], declaration_of(leaf))
        for leaf in graph.leaves()
        if leaf in needed
    }
    copy_exactly(needed, target, copies)
    for name, value in graph.names.items():
        if value in copies:
            target.name(name, copies[value])
    target.set_outputs([copies[graph[output]]])
    return target
