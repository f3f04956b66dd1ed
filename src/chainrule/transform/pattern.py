"""Matching equations against graphs: single letters stand for any value, products match in any order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.ir.constant import Constant
from chainrule.ir.form import Fraction, Hidden, Prefix, Product
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value
from chainrule.notation.elaborate import parse_into

_DEEPEST = 8
Bindings: TypeAlias = "dict[Value, Value]"


@dataclass(frozen=True)
class Pattern:
    """Both sides of a rule's equation as values over the same leaves.

    Attributes:
        left: what is looked for.
        right: what it becomes.
        given: what some letters must stand for, by the letter.
        scales: the letter that both sides are proportional to, so that factors of what it stands for may
            be put in front of the result.
    """

    left: Value
    right: Value
    given: Mapping[Value, Value]
    scales: Value | None = None


def read_pattern(
    equation: str, shapes: Mapping[str, str], given: Mapping[str, str] | None = None, scales: str = ""
) -> Pattern:
    """Return a rule's equation as a pattern; every letter in `shapes` stands for any value.

    Args:
        equation: `left = right` in the plain dialect.
        shapes: the letters with shapes under which both sides make sense.
        given: for some letters, the expression that they must stand for.
        scales: the letter that both sides are proportional to, if any.
    """
    left, right = equation.strip().split(" = ")
    leaves = ", ".join(f"{name} : {shape}" for name, shape in shapes.items())
    wanted = {name: f"given_{name} = {text}\n" for name, text in (given or {}).items()}
    text = f"sizes r, s, c\ndata {leaves}\nleft1 = {left}\nright1 = {right}\n{''.join(wanted.values())}"
    graph = parse_into(Graph(), text, source="rule")
    conditions = {graph[name]: graph[f"given_{name}"] for name in wanted}
    return Pattern(graph["left1"], graph["right1"], conditions, graph[scales] if scales else None)


@dataclass(frozen=True)
class Match:
    """What a pattern's letters stand for, and the factors of the product that it leaves alone."""

    bindings: Bindings
    rest: tuple[Value, ...]


def find(pattern: Pattern, target: Value, dissolves: frozenset[Value]) -> Match | None:
    """Return how a value matches the left side of a pattern, or None.

    Args:
        pattern: of a rule.
        target: a value of a graph.
        dissolves: values that a product may be looked into, though they have a name.
    """
    for match in _matches(pattern.left, target, dissolves, {}):
        rest = list(match.rest)
        bindings = dict(match.bindings)
        if _conditions_hold(pattern, bindings, rest):
            return Match(bindings, tuple(rest))
    return None


def _matches(pattern: Value, target: Value, dissolves: frozenset[Value], known: Bindings) -> Iterator[Match]:
    """Yield ways in which a value has a pattern's structure; of a product, as some of its factors."""
    if not isinstance(pattern.op.form, Product | Fraction):
        bindings = dict(known)
        if _agree(pattern, target, bindings):
            yield Match(bindings, ())
    elif isinstance(target.op.form, Product | Prefix | Fraction):
        wanted = list(factors(pattern, frozenset(), everything=True))
        present = list(factors(target, dissolves))
        for chosen, bindings in _choices(wanted, present, known):
            yield Match(bindings, tuple(f for i, f in enumerate(present) if i not in chosen))


def _conditions_hold(pattern: Pattern, bindings: Bindings, rest: list[Value]) -> bool:
    """Check what the letters must stand for; factors that the scaling letter has beside join the rest."""
    for letter, expression in pattern.given.items():
        found = bindings[letter]
        scales = letter is pattern.scales
        ways = _matches(expression, found, frozenset([found]), bindings)
        match = next((way for way in ways if scales or not way.rest), None)
        if match is None:
            return False
        bindings.update(match.bindings)
        rest.extend(match.rest)
    return True


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
    numbers: list[tuple[Constant, Constant]] = []
    while pairs:
        wanted, found = pairs.pop()
        if wanted.op.name == "leaf":
            if found.kind != wanted.kind or bindings.setdefault(wanted, found) is not found:
                return False
            continue
        if wanted.constant is not None and found.constant is not None:
            numbers.append((wanted.constant, found.constant))
        elif wanted.op.name != found.op.name or not _same_settings(wanted, found):
            return False
        pairs.extend(zip(wanted.inputs, found.inputs, strict=True))
    return all(wanted == found or _in_sizes_of(bindings, wanted) == found for wanted, found in numbers)


def _in_sizes_of(bindings: Bindings, number: Constant) -> Constant:
    """Return a pattern's constant with its letters replaced by the sizes that they stand for."""
    sizes = {
        letter: size
        for leaf, found in bindings.items()
        if leaf.ndim == found.ndim
        for letter, size in zip(leaf.shape, found.shape, strict=True)
    }
    result = Constant.of(number.factor)
    for letter, power in number.powers:
        size = sizes.get(letter, letter)
        result = result * (Constant.letter(size) if isinstance(size, str) else Constant.of(size)) ** power
    return result


def _same_settings(wanted: Value, found: Value) -> bool:
    """Compare attributes; the shape a broadcast fills is the target's affair."""
    return isinstance(wanted.op.form, Hidden) or wanted.attributes == found.attributes
