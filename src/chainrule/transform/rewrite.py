"""Applying rules to a graph until none fits, with a record of each one that fired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chainrule.errors import GraphError
from chainrule.ir.graph import Graph
from chainrule.ir.names import is_generated
from chainrule.ir.value import Value
from chainrule.notation.lines import Lines
from chainrule.notation.writer import Writer
from chainrule.transform.copy import copy_exactly, copy_leaves
from chainrule.transform.pattern import Match, Pattern, find
from chainrule.transform.rules import RULES, Rule

GraphT = TypeVar("GraphT", bound=Graph)
_MOST_PASSES = 100


@dataclass(frozen=True)
class Firing:
    """One application of a rule.

    Attributes:
        rule: the rule's name.
        equation: the rule itself.
        given: what some of its letters stand for, "" if they may stand for anything.
        why: why it holds.
        name: the name of the value rewritten, "" if it has none.
        before: the value's right side before.
        after: the value's right side after.
    """

    rule: str
    equation: str
    given: str
    why: str
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        at = f"{self.name} = " if self.name else ""
        where = f"\n    where {self.given}" if self.given else ""
        return f"{self.rule}: {self.equation}{where}\n    {at}{self.before}\n    {at}{self.after}"


def simplify(graph: GraphT, rules: Sequence[Rule] = RULES) -> tuple[GraphT, tuple[Firing, ...]]:
    """Return the graph *after* rewriting, without dead values, and the rules that fired, in order.

    Raises:
        GraphError: the rules go on for ever.
    """
    firings: list[Firing] = []
    for _ in range(_MOST_PASSES):
        graph, fired = _one_pass(drop_dead(graph), rules)
        if not fired:
            return drop_dead(graph), tuple(firings)
        firings += fired
    raise GraphError(f"the rewriting rules still fire after {_MOST_PASSES} passes.")


def drop_dead(graph: GraphT) -> GraphT:
    """Return the graph with only what outputs and updates need; names of constants cost nothing and stay."""
    target = graph.blank()
    copies = copy_leaves(graph, target)
    copy_exactly(graph.live(), target, copies)
    for name, value in graph.names.items():
        if value not in copies and value.constant is not None:
            copies[value] = target.constant(value.constant)
        if value in copies:
            target.name(name, copies[value])
    _finish(graph, target, copies)
    return target


def _finish(source: Graph, target: Graph, copies: dict[Value, Value]) -> None:
    """Carry over outputs, updates, and which names are gradients."""
    for leaf, new in source.updates.items():
        target.update(copies[leaf], copies[new])
    for gradient, name in source.gradients.items():
        if gradient in target and name in target:
            target.record_gradient(gradient, name)
    target.set_outputs(copies[value] for value in source.outputs)


def _one_pass(graph: GraphT, rules: Sequence[Rule]) -> tuple[GraphT, list[Firing]]:
    """Rebuild a graph in order, replacing each value that a rule fits."""
    target = graph.blank()
    copies = copy_leaves(graph, target)
    dissolves = frozenset(graph[name] for name in graph.gradients)
    changed: list[tuple[Rule, Value]] = []
    same = set(copies)
    document = graph.document()
    uses = Counter(x for value in document for x in value.inputs)
    for value in document:
        match = _match(value, rules, dissolves, uses)
        rewritten = None if match is None else _rewritten(value, match, copies, target)
        if rewritten is not None:
            copies[value], rule = rewritten
            changed.append((rule, value))
        elif same.issuperset(value.inputs):
            copy_exactly([value], target, copies)
            same.add(value)
        else:
            copies[value] = value.op(*(copies[x] for x in value.inputs), **value.attributes)
        for name in graph.names_of(value):
            if not is_generated(name):
                target.name(name, copies[value])
    _restore_order(graph, target)
    _finish(graph, target, copies)
    return target, _record(graph, target, copies, changed)


def _match(
    value: Value, rules: Sequence[Rule], dissolves: frozenset[Value], uses: Mapping[Value, int]
) -> tuple[Rule, Match] | None:
    """Return the first rule that fits a value, and how."""
    for rule in rules:
        match = find(rule.pattern, value, dissolves)
        if match is not None and rule.fits(value, match, uses):
            return rule, match
    return None


def _rewritten(
    value: Value, found: tuple[Rule, Match], copies: dict[Value, Value], target: Graph
) -> tuple[Value, Rule] | None:
    """Return what a rule makes of a value, and the rule; None if that has another shape."""
    rule, match = found
    result = _instance(rule.pattern, match, copies, target)
    return (result, rule) if result.shape == value.shape else None


def _instance(pattern: Pattern, match: Match, copies: dict[Value, Value], target: Graph) -> Value:
    """Return the right side with its letters replaced, times the factors left alone."""
    made = {letter: copies[value] for letter, value in match.bindings.items()}
    for part in pattern.right.graph.walk([pattern.right]):
        if part in made:
            continue
        if part.constant is not None:
            made[part] = target.constant(part.constant)
        elif part.op.name == "expand":
            made[part] = made[part.inputs[0]]
        else:
            made[part] = part.op(*(made[x] for x in part.inputs), **part.attributes)
    result = made[pattern.right]
    for factor in match.rest:
        number = factor.repeated_constant
        copy = copies[factor] if number is None else target.constant(number)
        if number is not None and number.factor < 0:
            result = (-number) * -result
        else:
            result = copy * result if factor.scalar is not None else result * copy
    return result


def _restore_order(source: Graph, target: Graph) -> None:
    """Put the names back into the order in which they were given."""
    target.reorder_names([name for name in source.names if name in target])


def _record(
    before: Graph, after: Graph, copies: dict[Value, Value], changed: list[tuple[Rule, Value]]
) -> list[Firing]:
    if not changed:
        return []
    old, new = Writer(Lines(before, inlining=True)), Writer(Lines(after, inlining=True))
    return [
        Firing(
            rule.name,
            rule.equation,
            rule.conditions,
            rule.why,
            name := next(iter(before.names_of(value)), ""),
            old.right_side(name, value),
            _after(new, name, copies[value]),
        )
        for rule, value in changed
    ]


def _after(writer: Writer, name: str, value: Value) -> str:
    """Return what the equation of a name says now: another name, if the value has an older one."""
    names = value.graph.names_of(value)
    is_alias = bool(names) and names[0] != name and value.constant is None
    return writer.name(names[0]) if is_alias else writer.right_side(name, value)
