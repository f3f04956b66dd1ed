"""Matching equations against graphs: single letters stand for any value, products match in any order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.ir.form import Hidden, Prefix, Product
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value
from chainrule.notation.elaborate import parse_into

_DEEPEST = 8
Bindings: TypeAlias = "dict[Value, Value]"


@dataclass(frozen=True)
class Pattern:
    """Both sides of a rule's equation as values over the same leaves."""

    left: Value
    right: Value


def read_pattern(equation: str, shapes: Mapping[str, str]) -> Pattern:
    """Return a rule's equation as a pattern; every letter in `shapes` stands for any value.

    Args:
        equation: `left = right` in the plain dialect.
        shapes: the letters with shapes under which both sides make sense.
    """
    left, right = equation.strip().split(" = ")
    leaves = ", ".join(f"{name} : {shape}" for name, shape in shapes.items())
    text = f"sizes r, s, c\ndata {leaves}\nleft1 = {left}\nright1 = {right}\n"
    graph = parse_into(Graph(), text, source="rule")
    return Pattern(graph["left1"], graph["right1"])


@dataclass(frozen=True)
class Match:
    """What a pattern's letters stand for, and the factors of the product that it leaves alone."""

    bindings: Bindings
    rest: tuple[Value, ...]


def find(pattern: Value, target: Value, dissolves: frozenset[Value]) -> Match | None:
    """Return how a value matches a pattern, or None.

    Args:
        pattern: the left side of a rule.
        target: a value of a graph.
        dissolves: values that a product may be looked into, though they have a name.
    """
    if not isinstance(pattern.op.form, Product):
        bindings: Bindings = {}
        return Match(bindings, ()) if _agree(pattern, target, bindings) else None
    if not isinstance(target.op.form, Product | Prefix):
        return None
    wanted = list(factors(pattern, frozenset(), everything=True))
    for chosen, bindings in _choices(wanted, list(factors(target, dissolves)), {}):
        rest = [f for i, f in enumerate(factors(target, dissolves)) if i not in chosen]
        return Match(bindings, tuple(rest))
    return None


def factors(value: Value, dissolves: frozenset[Value], *, everything: bool = False) -> Iterator[Value]:
    """Yield the factors of a product from left to right; −x counts as −1 and x.

    A product nested deeper than any rule looks is one factor, so that a long chain of products
    costs no more than a short one.
    """
    stack = [(value, 0)]
    while stack:
        x, depth = stack.pop()
        looked_into = depth == 0 or everything or x in dissolves or not x.graph.is_named(x)
        open_up = looked_into and depth < _DEEPEST
        if open_up and isinstance(x.op.form, Product):
            stack.extend((part, depth + 1) for part in reversed(x.inputs))
        elif open_up and isinstance(x.op.form, Prefix):
            yield x.graph.constant(-1)
            stack.append((x.inputs[0], depth + 1))
        else:
            yield x


def _choices(
    wanted: Sequence[Value], present: Sequence[Value], bindings: Bindings
) -> Iterator[tuple[set[int], Bindings]]:
    """Yield ways to find every wanted factor among those present, the hardest to please first.

    Equal factors are interchangeable, so only the first of them is tried.
    """
    if not wanted:
        yield set(), bindings
        return
    hardest = max(wanted, key=lambda value: len(value.graph.walk([value])))
    others = list(wanted)
    others.remove(hardest)
    for place, factor in enumerate(present):
        trial = dict(bindings)
        if factor not in present[:place] and _agree(hardest, factor, trial):
            remaining = [*present[:place], *present[place + 1 :]]
            for chosen, found in _choices(others, remaining, trial):
                yield {place, *(i if i < place else i + 1 for i in chosen)}, found


def _agree(pattern: Value, target: Value, bindings: Bindings) -> bool:
    """Tell whether a value has a pattern's structure, recording what each letter stands for."""
    pairs = [(pattern, target)]
    while pairs:
        wanted, found = pairs.pop()
        if wanted.op.name == "leaf":
            if found.kind != wanted.kind or bindings.setdefault(wanted, found) is not found:
                return False
            continue
        if wanted.op.name != found.op.name or not _same_settings(wanted, found):
            return False
        pairs.extend(zip(wanted.inputs, found.inputs, strict=True))
    return True


def _same_settings(wanted: Value, found: Value) -> bool:
    """Compare attributes; the shape a broadcast fills is the target's affair."""
    return isinstance(wanted.op.form, Hidden) or wanted.attributes == found.attributes
