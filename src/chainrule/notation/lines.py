"""Which values get a line of their own, in which order, and under which name they are used."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chainrule.ir.form import Infix, Power, Prefix
from chainrule.ir.graph import Graph
from chainrule.ir.names import is_generated
from chainrule.ir.value import Value

Section: TypeAlias = Literal["forward", "backward", "update"]
_DEEPEST = 12
_SHORT_FORMS = (Infix, Power, Prefix)


@dataclass(frozen=True)
class Line:
    """One equation of a printout.

    Attributes:
        name: left of the equals sign.
        value: what it denotes.
        alias: an earlier name of the same value, if the line only gives another name.
        section: forward, backward for a gradient and what is computed for it, or update for what only
            the updates need.
    """

    name: str
    value: Value
    alias: str | None
    section: Section


class Lines:
    """The plan of a printout, made once for a graph.

    A value has a line of its own when it is named, used more than once, an output, or would nest
    deeper than a reader can follow. Constants, transposes and broadcasting never need one.

    Args:
        graph: what will be printed.
        inlining: give lines to what is named or an output alone, for an equation that stands by itself.
    """

    def __init__(self, graph: Graph, *, inlining: bool = False) -> None:
        self.graph, self._inlining = graph, inlining
        self._own = self._values_with_lines()
        self._before_updates = self._needed_before_updates()
        self._spellings: dict[Value, list[str]] = {leaf: [graph.names_of(leaf)[0]] for leaf in graph.leaves()}
        self._operands: dict[Value, frozenset[Value]] = {}
        self._fresh = (f"t{i}" for i in itertools.count(1))
        self._places: dict[str, int] = {}
        self.lines = list(self._ordered())
        self._places = {line.name: place for place, line in enumerate(self.lines)}

    def _values_with_lines(self) -> set[Value]:
        document = self.graph.document()
        uses = _count_uses(self.graph, document)
        demanded = {*self.graph.outputs}
        own: set[Value] = set()
        depth: dict[Value, int] = {}
        for value in document:
            depth[value] = 1 + max((depth[x] for x in value.inputs), default=-1)
            often = (uses[value] > 1 and not self._inlining) or depth[value] > _DEEPEST
            named = self.graph.is_named(value) or value in demanded
            if value.inputs and (named or (often and not _needs_no_line(self.graph, value))):
                own.add(value)
                depth[value] = 0
        return own

    def _ordered(self) -> Iterator[Line]:
        """Yield lines in the order of naming, each after what it uses."""
        for name, value in self.graph.names.items():
            if is_generated(name) or (value.op.name == "leaf" and name == self.graph.names_of(value)[0]):
                continue
            section = self._section(name, value)
            known = self._spellings.get(value)
            if known is None:
                yield from self._with_what_it_uses(value, section, name)
            elif name not in known:
                alias = self.spelling(value, name)
                known.append(name)
                yield Line(name, value, alias, section)
        for value in self.graph.outputs:
            if value not in self._spellings:
                yield from self._with_what_it_uses(value, "forward")
        for value in self.graph.updates.values():
            for x in self._uses(value):
                if x not in self._spellings:
                    yield from self._with_what_it_uses(x, "update")

    def _needed_before_updates(self) -> set[Value]:
        gradients = [self.graph[name] for name in self.graph.gradients]
        return set(self.graph.walk([*self.graph.outputs, *gradients]))

    def _section(self, name: str, value: Value) -> Section:
        if name in self.graph.gradients:
            return "backward"
        only_for_updates = bool(self.graph.updates) and value not in self._before_updates
        return "update" if only_for_updates else "forward"

    def _with_what_it_uses(self, root: Value, section: Section, name: str = "") -> Iterator[Line]:
        stack = [root]
        while stack:
            value = stack[-1]
            missing = [x for x in self._uses(value) if x not in self._spellings]
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            if value not in self._spellings:
                given = name if value is root and name else self._name_for(value)
                self._spellings[value] = [given]
                own_section = "backward" if given in self.graph.gradients else section
                yield Line(given, value, None, own_section)

    def _name_for(self, value: Value) -> str:
        given = [name for name in self.graph.names_of(value) if not is_generated(name)]
        return given[0] if given else next(self._fresh)

    def _uses(self, value: Value) -> list[Value]:
        """Return the values with lines of their own that the equation of `value` mentions."""
        found: dict[Value, None] = {}
        stack, seen = list(reversed(value.inputs)), set[Value]()
        while stack:
            x = stack.pop()
            if x in self._own:
                found[x] = None
            elif x not in seen:
                seen.add(x)
                stack.extend(reversed(x.inputs))
        return list(found)

    def spelling(self, value: Value, equation: str) -> str | None:
        """Return the name under which `equation` uses a value, or None if it is written out.

        Where a value has several names, the equation of dV uses dU of the U that V feeds, as the
        chain rule does; any other equation uses the oldest name, and a constant itself.
        """
        names = self._spellings.get(value)
        if names is None:
            return None
        if len(names) > 1 or value.repeated_constant is not None:
            variable = self.graph.gradients.get(equation)
            for name in names if variable is not None else ():
                if not self._precedes(name, equation):
                    continue
                fed = self.graph.gradients.get(name)
                if fed is not None and self.graph[variable or ""] in self._named_operands(self.graph[fed]):
                    return name
        return None if value.repeated_constant is not None else names[0]

    def _precedes(self, name: str, equation: str) -> bool:
        """Tell whether a name's line stands above an equation; leaves are declared above all."""
        return self._places.get(name, -1) < self._places.get(equation, len(self._places))

    def _named_operands(self, value: Value) -> frozenset[Value]:
        """Return the named values that the equation of `value` mentions."""
        if value not in self._operands:
            found: set[Value] = set()
            stack = list(value.inputs)
            while stack:
                x = stack.pop()
                if self.graph.is_named(x):
                    found.add(x)
                else:
                    stack.extend(x.inputs)
            self._operands[value] = frozenset(found)
        return self._operands[value]


def _count_uses(graph: Graph, document: Iterable[Value]) -> Mapping[Value, int]:
    """Count how often each value would be written, were every value inlined that needs no line."""
    uses = dict.fromkeys(document, 0)
    for value in reversed(list(uses)):
        times = max(1, uses[value]) if _needs_no_line(graph, value) else 1
        for x in value.inputs:
            uses[x] += times
    return uses


def _needs_no_line(graph: Graph, value: Value) -> bool:
    """Tell whether a value is too slight for a line: a transpose, a broadcast, λ/2, 1 − A2."""
    if value.op.inline or (value.shape == () and all(not x.inputs for x in value.inputs)):
        return True
    if not isinstance(value.op.form, _SHORT_FORMS):
        return False
    others = [x for x in value.inputs if x.repeated_constant is None]
    return len(others) == 1 and (not others[0].inputs or graph.is_named(others[0]))
