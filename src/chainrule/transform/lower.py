"""Composite ops replaced by their definitions, whose parts get names of their own."""

from __future__ import annotations

import re
from typing import Generic, TypeVar

from chainrule.ir.composite import Composite
from chainrule.ir.graph import Graph
from chainrule.ir.names import is_generated, normalized
from chainrule.ir.op import Op
from chainrule.ir.registry import is_op
from chainrule.ir.value import Value
from chainrule.transform.copy import copy_exactly, copy_leaves

GraphT = TypeVar("GraphT", bound=Graph)
_NUMBER = re.compile(r"[0-9]+(?:_[0-9]+)?$")


def lower(graph: GraphT, *, opening: bool = False) -> GraphT:
    """Return an equal graph in which composite ops are written out by their definitions.

    What a definition names gets the number of the value that it makes: the mean of `N1` is μ1.

    Args:
        graph: any graph.
        opening: write out only those that a training step shows opened, such as batch normalization.
    """
    if not any(_is_written_out(value.op, opening) for value in graph.document()):
        return graph
    return lower(_Lowering(graph, opening).run(), opening=opening)


def _is_written_out(op: Op, opening: bool) -> bool:
    return isinstance(op, Composite) and (op.opens or not opening)


class _Lowering(Generic[GraphT]):
    """One copy of a graph in which composites are replaced."""

    def __init__(self, graph: GraphT, opening: bool) -> None:
        self.source, self.opening = graph, opening
        self.target = graph.blank()
        self.copies = copy_leaves(graph, self.target)
        self.part_names: dict[Value, list[str]] = {}

    def run(self) -> GraphT:
        """Copy value by value, composites by their definitions, and name as the source does."""
        same = set(self.copies)
        for value in self.source.document():
            if _is_written_out(value.op, self.opening):
                self.copies[value] = self.written_out(value)
            elif same.issuperset(value.inputs):
                copy_exactly([value], self.target, self.copies)
                same.add(value)
            else:
                inputs = (self.copies[x] for x in value.inputs)
                self.copies[value] = value.op(*inputs, **value.attributes)
            for name in self.source.names_of(value):
                if not is_generated(name):
                    self.target.name(name, self.copies[value])
        self.carry_over()
        return self.target

    def written_out(self, value: Value) -> Value:
        """Return a composite's definition on the copied inputs; its parts are named."""
        op = value.op
        assert isinstance(op, Composite)  # noqa: S101 - seen to by the caller
        parts = op.parts([self.copies[x] for x in value.inputs], value.attributes)
        *inner, (_, result) = parts.items()
        self.part_names[value] = [name for stem, part in inner if (name := self.name_part(value, stem, part))]
        return result

    def name_part(self, value: Value, stem: str, part: Value) -> str:
        """Name a part after the number in the composite's own name, where no one has the name yet."""
        own = next((n for n in self.source.names_of(value) if not is_generated(n)), "")
        number = _NUMBER.search(own)
        name = normalized(stem + (number.group() if number else ""))
        name = f"{stem}_{own}" if is_op(name) else name
        if not own or name in self.source or name in self.target or self.target.is_named(part):
            return ""
        self.target.name(name, part)
        return name

    def carry_over(self) -> None:
        """Carry over names in their order, a composite's parts before it, then outputs and updates."""
        source, target, copies = self.source, self.target, self.copies
        order: list[str] = []
        for name, value in source.names.items():
            order += [*self.part_names.pop(value, ()), name]
            target.name(name, copies[value])
        target.reorder_names(order)
        for leaf, new in source.updates.items():
            target.update(copies[leaf], copies[new])
        for gradient, name in source.gradients.items():
            target.record_gradient(gradient, name)
        target.set_outputs(copies[value] for value in source.outputs)
