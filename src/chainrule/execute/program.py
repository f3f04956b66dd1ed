"""A graph made ready to run many times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule.execute.inputs import Array, Bound, real_type
from chainrule.execute.reference import bound_attributes, compute, forward_of
from chainrule.ir.form import Hidden
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value


class _Instruction(NamedTuple):
    """One op call: where its result goes, where its inputs lie, what is free after it."""

    forward: Callable[..., Any]
    target: int
    sources: tuple[int, ...]
    attributes: dict[str, Any]
    dtype: Any
    free: tuple[int, ...]


class _Prepared(NamedTuple):
    """What one set of sizes comes to: the values that no leaf changes, and the calls for the others."""

    slots: list[Any]
    instructions: list[_Instruction]


class Program:
    """A graph made ready to run many times: outputs and updates only, values freed when done with.

    What depends on sizes alone is computed once for each set of sizes, so that a partial last batch costs
    one preparation. A broadcast whose only users broadcast by themselves is left to them.
    """

    def __init__(self, graph: Graph, dtype: Any = np.float64) -> None:
        self.graph, self.dtype = graph, dtype
        self._order = graph.live()
        self._slot = {value: i for i, value in enumerate(self._order)}
        self._leaves = [(leaf, self._slot[leaf]) for leaf in self._order if leaf.op.name == "leaf"]
        self._outputs = [self._slot[value] for value in graph.outputs]
        self._updates = [(leaf, self._slot[value]) for leaf, value in graph.updates.items()]
        self._kept = {*graph.outputs, *graph.updates.values()}
        self._left_out = self._broadcasts_left_to_users()
        self._prepared: dict[tuple[tuple[str, int], ...], _Prepared] = {}

    def __call__(self, bound: Bound) -> tuple[list[Array], dict[Value, Array]]:
        """Return the outputs, and the new value of each leaf that has an update."""
        key = tuple(bound.sizes.items())
        if key not in self._prepared:
            self._prepared[key] = self._prepare(bound.sizes)
        fixed, instructions = self._prepared[key]
        slots, arrays = fixed.copy(), bound.arrays
        for leaf, i in self._leaves:
            slots[i] = arrays.get(leaf)
        with np.errstate(all="ignore"):
            for forward, target, sources, attributes, kind, free in instructions:
                result = forward(np, *[slots[i] for i in sources], **attributes)
                slots[target] = result if kind is None or result.dtype == kind else result.astype(kind)
                for i in free:
                    slots[i] = None
        outputs = [np.asarray(slots[i]) for i in self._outputs]
        new = {leaf: np.asarray(slots[i]) for leaf, i in self._updates}
        return outputs, new

    def _broadcasts_left_to_users(self) -> set[Value]:
        """Return the expands whose every user has another operand of the full shape."""
        users: dict[Value, list[Value]] = {}
        for value in self._order:
            for x in value.inputs:
                users.setdefault(x, []).append(value)
        return {
            value
            for value in self._order
            if isinstance(value.op.form, Hidden)
            and value not in self._kept
            and all(_broadcasts_by_itself(user) for user in users[value])
        }

    def _source(self, value: Value) -> Value:
        return value.inputs[0] if value in self._left_out else value

    def _prepare(self, sizes: Mapping[str, int]) -> _Prepared:
        slots = self._fixed(sizes)
        run = [
            value
            for value in self._order
            if value.inputs and slots[self._slot[value]] is None and value not in self._left_out
        ]
        last_use = {self._source(x): value for value in run for x in value.inputs}
        steps: list[_Instruction] = []
        for value in run:
            inputs = [self._source(x) for x in value.inputs]
            dying = {x for x in inputs if last_use[x] is value and x not in self._kept and x.inputs}
            free = tuple(self._slot[x] for x in dying if slots[self._slot[x]] is None)
            sources = tuple(self._slot[x] for x in inputs)
            attributes = bound_attributes(value, sizes)
            kind = real_type(value, self.dtype) if value.kind == "real" else None
            forward = forward_of(value, inputs, self.dtype)
            steps.append(_Instruction(forward, self._slot[value], sources, attributes, kind, free))
        return _Prepared(slots, steps)

    def _fixed(self, sizes: Mapping[str, int]) -> list[Any]:
        """Return one slot for each value, filled where sizes alone decide what it is."""
        slots: list[Any] = [None] * len(self._order)
        with np.errstate(all="ignore"):
            for i, value in enumerate(self._order):
                inputs = [slots[self._slot[x]] for x in value.inputs]
                if value.op.name != "leaf" and all(x is not None for x in inputs):
                    slots[i] = compute(value, inputs, sizes, self.dtype)
        return slots


def _broadcasts_by_itself(user: Value) -> bool:
    """Tell whether NumPy broadcasts a value's operands to the same shape without their expands."""
    return user.op.broadcasts and any(
        not isinstance(x.op.form, Hidden) and x.shape == user.shape for x in user.inputs
    )
