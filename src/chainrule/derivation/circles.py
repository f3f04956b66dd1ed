"""Claims that rest on themselves: dW = dW, or two gradients that are each derived from the other."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.derivation.plan import Plan
from chainrule.derivation.tree import names_in
from chainrule.notation import syntax


def circles(plan: Plan) -> Mapping[int, tuple[str, ...]]:
    """Return, for each claim about a gradient that rests on itself, the names on the way back to it.

    A gradient that a line uses is taken from the last claim before it, else from the next one after it.
    """
    claims = {
        place: entry
        for place, entry in enumerate(plan.document.entries)
        if plan.roles.get(place) == "gradient" and place not in plan.refused
    }
    rests_on = {place: _sources(place, plan, list(claims)) for place in claims}
    found = ((place, _way_back(place, rests_on)) for place in claims)
    names = {place: entry.name for place, entry in claims.items()}
    return {place: tuple(names[step] for step in way) for place, way in found if way}


def _sources(place: int, plan: Plan, claims: list[int]) -> list[int]:
    """Return the claims from which a line takes the gradients that it uses."""
    entries = plan.document.entries
    statement = entries[place].statement
    assert isinstance(statement, syntax.Equation)  # noqa: S101 - claims are equations
    found: list[int] = []
    for name in names_in(statement.right):
        about = [other for other in claims if entries[other].name == name]
        before = [other for other in about if other < place]
        found += before[-1:] or about[:1]
    return found


def _way_back(start: int, rests_on: Mapping[int, list[int]]) -> list[int]:
    """Return the claims from one back to itself, nothing if there is no such way."""
    came_from: dict[int, int] = {}
    waiting = [start]
    while waiting:
        place = waiting.pop(0)
        for source in rests_on[place]:
            if source == start:
                return _traced(start, place, came_from)
            if source not in came_from:
                came_from[source] = place
                waiting.append(source)
    return []


def _traced(start: int, end: int, came_from: Mapping[int, int]) -> list[int]:
    way = [start]
    while end != start:
        way.insert(1, end)
        end = came_from[end]
    return [*way, start]
