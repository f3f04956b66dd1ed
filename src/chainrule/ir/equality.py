"""Equality of graphs: isomorphism that respects the names users gave."""

from __future__ import annotations

from collections.abc import Hashable

from chainrule.ir.graph import Graph
from chainrule.ir.names import is_generated
from chainrule.ir.value import Value


def same_graph(first: Graph, second: Graph) -> bool:
    """Tell whether two graphs are the same document.

    Leaves correspond by name. Names made by the printer, and the order of independent
    equations, do not count.
    """
    classes: dict[Hashable, int] = {}
    return _portrait(first, classes) == _portrait(second, classes)


def _portrait(graph: Graph, classes: dict[Hashable, int]) -> tuple[object, ...]:
    """Return names, outputs and updates by structural class, comparable between graphs."""
    number: dict[Value, int] = {}
    for value in graph.document():
        number[value] = classes.setdefault(_structure(graph, value, number), len(classes))
    names = {name: number[v] for name, v in graph.names.items() if not is_generated(name)}
    updates = {number[leaf]: number[new] for leaf, new in graph.updates.items()}
    return names, frozenset(number[v] for v in graph.outputs), updates


def _structure(graph: Graph, value: Value, number: dict[Value, int]) -> Hashable:
    is_leaf = value.op.name == "leaf"
    attributes = {name: item for name, item in value.attributes.items() if not (is_leaf and name == "id")}
    leaf = graph.names_of(value)[0] if is_leaf else ""
    inputs = tuple(number[x] for x in value.inputs)
    return value.op.name, leaf, inputs, tuple(sorted(attributes.items())), value.shape, value.kind
