"""Whether machine code and the reference executor come to the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.execute.inputs import Bound, real_type
from chainrule.execute.native.program import NativeProgram
from chainrule.execute.native.target import Target
from chainrule.execute.program import Program
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value
from chainrule.transform.copy import copy_graph

Array = NDArray[Any]
TOLERANCES = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


def bound_to(graph: Graph, given: Mapping[str, Any], sizes: Mapping[str, int], dtype: Any) -> Bound:
    """Return arrays of a type by leaf, unchecked: numbers outside a domain are welcome."""
    arrays = {graph[name]: np.asarray(array) for name, array in given.items() if name in graph}
    typed = {
        leaf: a.astype(real_type(leaf, dtype), copy=False) if leaf.kind == "real" else a
        for leaf, a in arrays.items()
    }
    return Bound(typed, dict(sizes))


def giving_out_all(graph: Graph) -> Graph:
    """Return a graph that gives out each of its values."""
    copy, _ = copy_graph(graph)
    copy.set_outputs([value for value in copy.document() if value.op.name != "leaf"])
    return copy


def disagreements(
    graph: Graph,
    given: Mapping[str, Any],
    sizes: Mapping[str, int],
    dtype: Any,
    target: Target | None = None,
    least: float = 0.0,
) -> Iterable[str]:
    """Yield what machine code makes otherwise than the reference executor, of a graph's outputs and updates.

    The yardstick is the reference in float64 on the same, perhaps rounded, inputs; where the reference in
    float32 is far from it, four times as far is allowed. What would be 0 but for rounding has no norm to
    speak of: norms below `least` count as that.
    """
    single = bound_to(graph, given, sizes, dtype)
    double = Bound(
        {v: a.astype(np.float64) if v.kind == "real" else a for v, a in single.arrays.items()}, single.sizes
    )
    native = _by_value(graph, NativeProgram(graph, dtype, target)(single))
    exact = _by_value(graph, Program(graph, np.float64)(double))
    plain = _by_value(graph, Program(graph, dtype)(single))
    for key, array in native.items():
        complaint = complaint_on(array, exact[key], plain[key], TOLERANCES[np.dtype(dtype)], least)
        if complaint:
            yield f"{key}: {complaint}"


def _by_value(graph: Graph, ran: tuple[list[Array], dict[Value, Array]]) -> dict[str, Array]:
    outputs, new = ran
    named = {
        f"{graph.describe(v)} ({v.op.name}, {i})": a
        for i, (v, a) in enumerate(zip(graph.outputs, outputs, strict=True))
    }
    return {**named, **{f"new {graph.describe(leaf)}": array for leaf, array in new.items()}}


def complaint_on(ours: Array, exact: Array, plain: Array, tolerance: float, least: float = 0.0) -> str:
    """Return what is wrong with an array, or an empty text; norms below `least` count as that."""
    if ours.shape != exact.shape or ours.dtype != plain.dtype:
        return f"{ours.dtype} {ours.shape}, not {plain.dtype} {exact.shape}"
    if ours.dtype.kind != "f":
        return "" if np.array_equal(ours, exact) or np.array_equal(ours, plain) else f"{ours} is not {exact}"
    a, b, c = (x.astype(np.float64) for x in (ours, exact, plain))
    with np.errstate(all="ignore"):
        b = np.where(np.isfinite(c), b, c)
        if not np.array_equal(np.isnan(a), np.isnan(b)) or not np.array_equal(a[np.isinf(a)], b[np.isinf(b)]):
            return f"{ours} is not {plain} where that is not finite"
        finite = np.isfinite(b)
        a, b, c = a[finite], b[finite], c[finite]
        error, own, norm = np.linalg.norm(a - b), np.linalg.norm(c - b), np.linalg.norm(b)
    tiny = float(np.finfo(plain.dtype).tiny) * max(1, a.size)
    if error <= tolerance * max(norm, least) + 4 * own + tiny:
        return ""
    return (
        f"off by {error / max(norm, 1e-300):.2e} of the norm; the reference by {own / max(norm, 1e-300):.2e}"
    )
