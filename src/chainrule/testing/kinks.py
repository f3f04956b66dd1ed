"""A search for kinks: where an element-wise op or its derivative jumps, and whether the op says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.testing.cases import Array, Case, draw
from chainrule.testing.trial import Trial, evaluate, gradient_graph, graph_of
from chainrule.testing.words import number

_CELLS = 131
_REACH = 8.0
_OFF = 0.0123
_HALVINGS = 40
_SMALLEST_JUMP = 1e-3
_MOST_KINKS = 6


def kinks_are_declared(trial: Trial) -> Iterator[str]:
    """Wherever the value or the derivative jumps, the op says so."""
    for place in trial.real_places:
        if not trial.op.operand_domain(place).members:
            yield from _Search(trial, place).undeclared()


def nowhere_to_look(trial: Trial) -> str:
    """Say why a case is not searched; one of all shapes is enough."""
    if not trial.op.is_elementwise or trial.graph["out"].kind != "real":
        return "the op is not element-wise and real"
    return "" if trial.case.is_typical else "another shape is enough"


@dataclass
class _Jumps:
    """What is known at one end of every cell: the place, the value, the derivative."""

    x: Array
    value: Array
    slope: Array


class _Search:
    """Cells along one operand, the others fixed; the half of each where more happens is kept."""

    def __init__(self, trial: Trial, place: int) -> None:
        self.trial, self.place = trial, place
        self.case = Case(trial.op, ((_CELLS,),) * len(trial.case.shapes), trial.case.setting)
        graph = graph_of(self.case)
        self.graph = gradient_graph(graph) or graph
        generator = np.random.default_rng(trial.seed)
        self.others = [self._operand(i, generator) for i in range(len(trial.case.shapes))]

    def _operand(self, place: int, generator: np.random.Generator) -> Array:
        if self.case.kinds[place] == "bool":
            return generator.random(_CELLS) < 0.5
        return draw(self.trial.op.operand_domain(place), (_CELLS,), generator)

    def undeclared(self) -> Iterator[str]:
        """Yield the first jump that the op does not declare, and where all of them are."""
        left, right = self._narrowed()
        slopes, values = _apart(left.slope, right.slope), _apart(left.value, right.value)
        holes = self.trial.op.operand_domain(self.place).without
        left_out = np.any([(left.x <= h) & (h <= right.x) for h in holes], axis=0) if holes else False
        jumps = np.flatnonzero((slopes | values) & ~left_out)
        missing = [int(cell) for cell in jumps if not self._declared(left.x, right.x)[cell]]
        if missing:
            what, ends = "value", (left.value, right.value)
            if not values[missing[0]]:
                what, ends = f"derivative by {self.trial.names[self.place]}", (left.slope, right.slope)
            a, b = (_rounded(end[missing[0]], 6) for end in ends)
            where, advice = self._place_of(right, missing[0]), self._advice(right.x[jumps])
            yield f"the {what} jumps from {a} to {b} at {where}, {advice}"

    def _narrowed(self) -> tuple[_Jumps, _Jumps]:
        """Return the two ends of every cell after halving it many times."""
        domain = self.trial.op.operand_domain(self.place)
        low, high = max(domain.low + 0.05, -_REACH), min(domain.high - 0.05, _REACH)
        edges = np.linspace(low, high, _CELLS + 1) + _OFF * (high - low) / (2 * _REACH)
        left, right = self._at(edges[:-1]), self._at(edges[1:])
        for _ in range(_HALVINGS):
            middle = self._at((left.x + right.x) / 2)
            keep_left = _change(left, middle) >= _change(middle, right)
            left, right = _chosen(keep_left, left, middle), _chosen(keep_left, middle, right)
        return left, right

    def _at(self, x: Array) -> _Jumps:
        given = {f"x{i}": array for i, array in enumerate(self._with(x))} | {"C": np.ones(_CELLS)}
        run = evaluate(self.graph, given)
        name = f"dx{self.place}"
        return _Jumps(x, run["out"], run[name] if name in self.graph else np.zeros(_CELLS))

    def _with(self, x: Array) -> list[Array]:
        return [x if i == self.place else array for i, array in enumerate(self.others)]

    def _declared(self, left: Array, right: Array) -> Array:
        """Tell for every cell whether the op's branches differ at its ends."""
        setting = self.case.settled
        sides = [self.trial.op.branches(np, *self._with(x), **setting) for x in (left, right)]
        if sides[0] is None:
            return np.zeros(_CELLS, bool)
        return np.any(np.atleast_2d(sides[0] != sides[1]), axis=0)

    def _place_of(self, right: _Jumps, cell: int) -> str:
        names, arrays = self.trial.names, self._with(right.x)
        shown = [f"{n} = {_rounded(array[cell])}" for n, array in zip(names, arrays, strict=True)]
        first = shown.pop(self.place)
        return first + (f" ({', '.join(shown)})" if shown else "")

    def _advice(self, places: Array) -> str:
        if len(self.others) > 1 or self.case.setting:
            return "which neither kinks, for the first operand, nor branches tells of"
        found = tuple(dict.fromkeys(round(float(x), 9) + 0.0 for x in places))
        return f"which kinks leaves out: kinks = {found}" if len(found) <= _MOST_KINKS else "and elsewhere"


def _rounded(x: Any, digits: int = 9) -> str:
    return number(round(float(x), digits) + 0.0)


def _change(left: _Jumps, right: _Jumps) -> Array:
    with np.errstate(all="ignore"):
        change = np.abs(right.slope - left.slope) + np.abs(right.value - left.value)
    return np.where(np.isfinite(change), change, 0.0)


def _chosen(first: Array, one: _Jumps, other: _Jumps) -> _Jumps:
    return _Jumps(
        np.where(first, one.x, other.x),
        np.where(first, one.value, other.value),
        np.where(first, one.slope, other.slope),
    )


def _apart(left: Array, right: Array) -> Array:
    """Tell where two finite numbers differ by more than what a smooth function does over a tiny step."""
    with np.errstate(all="ignore"):
        jump = np.abs(right - left) > _SMALLEST_JUMP * np.maximum(1.0, np.abs(left))
    return jump & np.isfinite(left) & np.isfinite(right)
