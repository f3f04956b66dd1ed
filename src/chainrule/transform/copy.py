"""Copying a graph, value by value, exactly or through the smart constructors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from chainrule.ir.graph import Graph
from chainrule.ir.structural import Declaration
from chainrule.ir.value import Value

GraphT = TypeVar("GraphT", bound=Graph)


def declaration_of(leaf: Value) -> Declaration:
    """Return the declaration a leaf came from."""
    attributes = leaf.attributes
    return Declaration(attributes["role"], leaf.shape, leaf.kind, bool(attributes["frozen"]))  # type: ignore[arg-type]  # attributes are Hashable; role is a Role


def copy_leaves(source: Graph, target: Graph) -> dict[Value, Value]:
    """Declare every leaf of `source` in `target` under its first name; return old → new."""
    target.declare_sizes(source.letters)
    return {leaf: target.declare(source.names_of(leaf)[0], declaration_of(leaf)) for leaf in source.leaves()}


def copy_exactly(values: Iterable[Value], target: Graph, copies: dict[Value, Value]) -> None:
    """Enter values, in order, in `target` with the same structure; `copies` maps old → new."""
    for value in values:
        if value not in copies:
            inputs = tuple(copies[x] for x in value.inputs)
            copies[value] = target.intern(value.op, inputs, value.attributes, value.shape, value.kind)


def copy_graph(source: GraphT) -> tuple[GraphT, dict[Value, Value]]:
    """Return an equal graph and the map from old values to new ones."""
    target = source.blank()
    copies = copy_leaves(source, target)
    copy_exactly(source.document(), target, copies)
    for name, value in source.names.items():
        target.name(name, copies[value])
    for leaf, new in source.updates.items():
        target.update(copies[leaf], copies[new])
    for gradient, name in source.gradients.items():
        target.record_gradient(gradient, name)
    target.set_outputs(copies[value] for value in source.outputs)
    return target, copies
