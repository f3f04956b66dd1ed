"""Checking gradients against central differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.execute.inputs import Array, Bound, bind
from chainrule.execute.reference import bound_attributes, trace
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value

_SMALLEST_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


@dataclass(frozen=True)
class Difference:
    """One parameter's gradient beside central differences, at the element where they differ most.

    Attributes:
        name: the parameter.
        index: the worst element.
        analytic: the gradient the graph computes there.
        numeric: the central difference there.
        step: the step taken there, h in (J(x + h) − J(x − h)) / 2h.
        allowed: the largest difference that counts as agreement there.
        checked: number of elements compared.
        skipped: number of elements left out because a step crosses a kink.
    """

    name: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    step: float
    allowed: float
    checked: int
    skipped: int

    @property
    def ok(self) -> bool:
        """Whether the two agree everywhere they were compared, somewhere at least."""
        return self.checked > 0 and abs(self.analytic - self.numeric) <= self.allowed


@dataclass(frozen=True)
class GradientCheck:
    """The result of a check: one row a parameter; true in a condition if all agree."""

    rows: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        """Whether every gradient agrees."""
        return all(row.ok for row in self.rows)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        head = (
            "gradient",
            "worst at",
            "analytic",
            "numeric",
            "difference",
            "allowed",
            "step",
            "elements",
            "",
        )
        body = [_cells(row) for row in self.rows]
        widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in [head, *body]
        )


def _cells(row: Difference) -> tuple[str, ...]:
    elements = f"{row.checked}" + (f" ({row.skipped} at a kink)" if row.skipped else "")
    return (
        row.name,
        f"[{', '.join(map(str, row.index))}]",
        f"{row.analytic:.9g}",
        f"{row.numeric:.9g}",
        f"{abs(row.analytic - row.numeric):.1e}",
        f"{row.allowed:.1e}",
        f"{row.step:.1e}",
        elements,
        "agrees" if row.ok else "DIFFERS",
    )


def compare(
    graph: Graph,
    objective: str,
    gradients: Mapping[str, str],
    given: Mapping[str, Any],
    *,
    tolerance: float = 1e-6,
    most: int = 200,
    seed: int = 0,
) -> GradientCheck:
    """Compare gradients in a graph with central differences of its objective, in float64.

    Two numbers agree when |a − n| ≤ tolerance · max(|a|, |n|) + 50 ε^(2/3) max(1, |J|); the second
    term is what rounding alone can do. An element is left out if the step crosses a kink.

    Args:
        graph: holds the objective and the gradients.
        objective: name of the scalar J.
        gradients: for each name of a gradient, the name of its leaf.
        given: arrays by the names of leaves.
        tolerance: largest relative difference.
        most: the most elements compared for one leaf; a random choice of larger ones.
        seed: of that choice.
    """
    bound = bind(graph, given, np.float64)
    here = trace(graph, bound)
    scalar = graph[objective]
    path = _Path(graph, scalar)
    generator = np.random.default_rng(seed)
    rows: list[Difference] = []
    for gradient, name in gradients.items():
        analytic = here[gradient]
        places = generator.permutation(analytic.size)[:most]
        rows.append(_worst(path, bound, name, graph[name], analytic, places, tolerance))
    return GradientCheck(tuple(rows))


class _Path:
    """The part of a graph that computes its objective."""

    def __init__(self, graph: Graph, objective: Value) -> None:
        self.objective = objective
        self.order = [value for value in graph.walk([objective]) if value.op.name != "leaf"]

    def __call__(self, bound: Bound) -> tuple[float, list[Array]]:
        """Return the objective, and on which side of every kink each element is."""
        arrays: dict[Value, Any] = dict(bound.arrays)
        sides: list[Array] = []
        with np.errstate(all="ignore"):
            for value in self.order:
                inputs = [arrays[x] for x in value.inputs]
                attributes = bound_attributes(value, bound.sizes)
                arrays[value] = value.op.forward(np, *inputs, **attributes)
                side = value.op.branches(np, *inputs, **attributes)
                sides += [] if side is None else [side]
        return float(arrays[self.objective]), sides


def _worst(
    path: _Path,
    bound: Bound,
    name: str,
    leaf: Value,
    analytic: Array,
    places: Sequence[int] | Array,
    tolerance: float,
) -> Difference:
    """Return the comparison at the element that disagrees most for what is allowed there."""
    worst: Difference | None = None
    skipped = 0
    for place in places:
        index = tuple(int(i) for i in np.unravel_index(int(place), analytic.shape))
        row = _at(path, bound, name, leaf, float(analytic[index]), index, tolerance)
        skipped += row is None
        if row is not None and (worst is None or _excess(row) > _excess(worst)):
            worst = row
    if worst is None:
        return Difference(name, (), float("nan"), float("nan"), _SMALLEST_STEP, 0.0, 0, skipped)
    fields = {**worst.__dict__, "checked": len(places) - skipped, "skipped": skipped}
    return Difference(**fields)


def _excess(row: Difference) -> float:
    excess = abs(row.analytic - row.numeric) / row.allowed
    return excess if excess == excess else float("inf")


def _at(
    path: _Path,
    bound: Bound,
    name: str,
    leaf: Value,
    analytic: float,
    index: tuple[int, ...],
    tolerance: float,
) -> Difference | None:
    """Compare at one element; None if the step crosses a kink."""
    array = bound.arrays[leaf]
    step = _SMALLEST_STEP * max(1.0, abs(float(array[index])))
    ends: list[tuple[float, list[Array]]] = []
    for move in (step, -step):
        moved = np.array(array)
        moved[index] += move
        ends.append(path(Bound({**bound.arrays, leaf: moved}, bound.sizes)))
    (above, sides), (below, others) = ends
    if any(not np.array_equal(a, b) for a, b in zip(sides, others, strict=True)):
        return None
    numeric = (above - below) / (2 * step)
    rounding = 50 * _SMALLEST_STEP**2 * max(1.0, abs(above), abs(below))
    allowed = tolerance * max(abs(analytic), abs(numeric)) + rounding
    return Difference(name, index, analytic, numeric, step, allowed, 1, 0)
