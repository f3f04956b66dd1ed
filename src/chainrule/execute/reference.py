"""The reference executor: NumPy, value by value, in the order of the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import UnknownNameError, nearest
from chainrule.execute.inputs import Array, Bound, bind, real_type
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value


class Trace(Mapping[str, Array]):
    """Every value of one run, by name or by value.

    Attributes:
        graph: what was run.
        sizes: the number each letter stood for.
    """

    def __init__(self, graph: Graph, sizes: dict[str, int], arrays: dict[Value, Array]) -> None:
        self.graph, self.sizes, self._arrays = graph, sizes, arrays

    def __getitem__(self, name: str | Value) -> Array:
        value = name if isinstance(name, Value) else self.graph[name]
        if value not in self._arrays:
            raise UnknownNameError(f"{name} was not computed in this run.", fix=nearest(str(name), self))
        return self._arrays[value]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{letter} = {size}" for letter, size in self.sizes.items())
        return f"<Trace of {len(self)} named values{'; ' + sizes if sizes else ''}>"

    def __iter__(self) -> Iterator[str]:
        return (name for name, value in self.graph.names.items() if value in self._arrays)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def values_in_order(self) -> Iterator[tuple[Value, Array]]:
        """Yield every value with its array, inputs before what uses them."""
        yield from self._arrays.items()


def run(graph: Graph, given: Mapping[str, Any], dtype: Any = np.float64) -> Trace:
    """Compute every value of a graph and keep it.

    Args:
        graph: any graph.
        given: arrays or numbers by the names of leaves.
        dtype: floating-point type of the computation.

    Raises:
        ChainruleError: the arrays do not fit the graph; see `bind`.
    """
    bound = bind(graph, given, dtype)
    # A trace shows what was computed, whatever becomes of the caller's arrays.
    own = {leaf: array.copy() for leaf, array in bound.arrays.items()}
    return trace(graph, Bound(own, bound.sizes), dtype)


def trace(graph: Graph, bound: Bound, dtype: Any = np.float64) -> Trace:
    """Compute every value of a graph from checked arrays."""
    arrays = dict(bound.arrays)
    with np.errstate(all="ignore"):
        for value in graph.document():
            if value not in arrays and value.op.name != "leaf":
                arrays[value] = compute(value, [arrays[x] for x in value.inputs], bound.sizes, dtype)
    return Trace(graph, bound.sizes, arrays)


def compute(value: Value, inputs: Sequence[Array], sizes: Mapping[str, int], dtype: Any) -> Array:
    """Return one value from the arrays of its inputs."""
    result = np.asarray(forward_of(value, value.inputs, dtype)(np, *inputs, **bound_attributes(value, sizes)))
    return result.astype(real_type(value, dtype), copy=False) if value.kind == "real" else result


def forward_of(value: Value, inputs: Sequence[Value], dtype: Any) -> Callable[..., Any]:
    """Return the forward rule of a value's op; single numbers among its inputs are rounded to meet arrays."""
    forward = value.op.forward
    single = tuple(x.kind == "real" and not x.ndim for x in inputs)
    if not value.ndim or not any(single) or dtype == np.float64:
        return forward

    def rounding(xp: Any, *arrays: Array, **attributes: Any) -> Any:
        rounded = (x.astype(dtype) if one else x for x, one in zip(arrays, single, strict=True))
        return forward(xp, *rounded, **attributes)

    return rounding


def bound_attributes(value: Value, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return a value's attributes with numbers for letters."""
    if value.constant is not None:
        return {"value": value.constant.value(sizes)}
    types = {attribute.name: attribute.type for attribute in value.op.attributes}
    return {
        name: _bound(item, sizes) if types.get(name) in ("shape", "size") else item
        for name, item in value.attributes.items()
    }


def _bound(item: Any, sizes: Mapping[str, int]) -> Any:
    if isinstance(item, tuple):
        return tuple(sizes[s] if isinstance(s, str) else s for s in item)
    return sizes[item] if isinstance(item, str) else item
