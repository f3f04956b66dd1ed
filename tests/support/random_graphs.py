"""Hypothesis strategies for random graphs over every op of the rule book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import chainrule as cr
from chainrule.errors import KindError
from chainrule.execute.reference import Trace
from chainrule.ir.constant import Constant
from chainrule.ir.op import Domain, Op
from chainrule.ir.registry import every_op, lookup
from chainrule.ir.structural import Declaration
from chainrule.ir.value import Value
from chainrule.testing.settings import fits, settings_for

ItemT = TypeVar("ItemT")
SIZES = {"m": 3, "k": 2, "d": 4}
OPS = [op for op in every_op() if op.is_built_in and op.name not in ("leaf", "constant")]
_M, _K = Constant.letter("m"), Constant.letter("k")
_NUMBERS: list[Constant | float | Fraction] = [
    2, 1, -1, 0, 0.5, Fraction(1, 3), -3.7, 1e-5, 1e20, _M, _M.reciprocal(), Constant.of(2) / (_M * _K),
    -(_K * _K), Constant.of(Fraction(-3, 2)) * _M / _K,
]  # fmt: skip
_TAME_NUMBERS: list[Constant | float | Fraction] = [
    2, 1, -1, 0.5, Fraction(1, 3), -0.7, _M, _M.reciprocal(), Constant.of(2) / (_M * _K),
]  # fmt: skip
_LEAVES: list[tuple[str, Declaration]] = [
    ("X", cr.data("m", "d")),
    ("b", cr.parameter("k")),
    ("Y", cr.data("m", "k")),
    ("y", cr.data("m", kind="index")),
    ("B", cr.data("m", "k", kind="bool")),
    ("w", cr.parameter("d")),
    ("c", cr.parameter("k", 1)),
    ("one", cr.parameter(1)),
    ("V", cr.parameter(2, 3)),
    ("W2", cr.parameter("d", "k")),
    ("F", cr.parameter("k", "d", frozen=True)),
    ("s", cr.state("k")),
    ("rate", cr.hyperparameter("d", "k")),
    ("α", cr.scalar()),
    ("p", cr.parameter()),
    ("Q", cr.data("m", "k", 2)),
]
_GROWING = (
    "exp",
    "expm1",
    "pow",
    "prod",
    "prod_of_others",
    "square",
    "squared_norm",
    "squared_error",
    "half_sum_of_squares",
    "mean_squared_error",
)
_UNTAMED = ("solve", "cholesky", "argmax")  # singular, not definite, beyond the number of classes
_ALWAYS: list[tuple[str, Declaration]] = [("W", cr.parameter("d", "k")), ("λ", cr.scalar())]
_NAMES = [
    "A1",
    "Z",
    "T",
    "E",
    "m",
    "k",
    "data",
    "true",
    "index",
    "e",
    "mu1",
    "γ",
    "Sigma1",
    "α_W",
    "f1e2",
    "sizes",
    "x_m",
]


@cache
def _upto(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


class _Builder:
    """Grows one graph, value by value, by the choices it is given."""

    def __init__(self, index: Callable[[int], int], *, tame: bool) -> None:
        self.index, self.tame = index, tame
        self.graph = cr.Graph()
        chosen = index(2 ** len(_LEAVES))
        for place, (name, declaration) in enumerate(_LEAVES):
            if chosen >> place & 1:
                self.graph[name] = declaration
        for name, declaration in [*_ALWAYS, *([("D", cr.data("m", "k", "d"))] if tame else [])]:
            self.graph[name] = declaration
        self.pool = self.graph.leaves()

    def choose(self, items: Sequence[ItemT]) -> ItemT:
        return items[self.index(len(items))]

    def operand(self, op: Op, position: int, before: list[Value]) -> Value | None:
        """Return a value, often a late one, that an op can take after those chosen already."""
        known = [x.shape for x in before]
        kinds = [(x, x.kind, op.operand_kind(position, *known, x.shape)) for x in reversed(self.pool)]
        found = [x for x, kind, wanted in kinds if kind == wanted or (kind, wanted) == ("bool", "real")]
        found = [x for x in found if self._can_go_on(op, [*known, x.shape])]
        return self.choose(found) if found else None

    def _can_go_on(self, op: Op, shapes: list[Any]) -> bool:
        if len(shapes) == op.arity:
            return fits(op, shapes)
        rest = op.arity - len(shapes)
        others = dict.fromkeys(x.shape for x in self.pool) if rest == 1 else dict.fromkeys(shapes[:1])
        return any(fits(op, [*shapes, *[other] * rest]) for other in others)

    def grow(self) -> None:
        """Add one value: a constant now and then, else an op on values there are."""
        if self.index(6) == 5:
            numbers = _TAME_NUMBERS if self.tame else _NUMBERS
            self.pool.append(self.graph.constant(Constant.of(self.choose(numbers))))
            return
        op = self.choose(OPS)
        if self.tame and op.name in _UNTAMED:
            return
        operands: list[Value] = []
        for position in range(op.arity):
            found = self.operand(op, position, operands)
            if found is None:
                return
            operands.append(found)
        shapes = [x.shape for x in operands]
        setting = self.choose(list(settings_for(op, shapes)))
        if self.tame:
            operands = [self.tamed(op, i, x) for i, x in enumerate(operands)]
            if any(op.index_limit(i, *shapes, **setting) == 1 for i in range(op.arity)):
                return
        try:
            value = op(*operands, **setting)
        except KindError as error:
            assert "beyond what a float holds" in error.message or "of one kind" in error.message
            return
        self.pool.append(value)
        self.perhaps_name(value)

    def tamed(self, op: Op, position: int, value: Value) -> Value:
        """Return a value that stays in an operand's domain and does not grow beyond all bounds."""
        if value.kind == "index":
            return value
        domain: Domain = op.operand_domain(position)
        if domain.members:
            return lookup("indicator")(lookup("greater")(value, 0.1))
        if domain.without or (domain.low == 0 and domain.high == np.inf):
            return lookup("tanh")(value) ** 2 + 0.5
        if domain.low == 0 and domain.high == 1:
            return lookup("sigmoid")(lookup("tanh")(value))
        restrained = op.name in _GROWING
        return lookup("tanh")(value) if restrained and value.kind == "real" else value

    def perhaps_name(self, value: Value) -> None:
        """Give a value a name, or two, or none."""
        how = self.index(6)
        if how >= 2:
            self.name(value)
        if how == 5:
            self.name(value)

    def name(self, value: Value) -> None:
        wanted = self.choose([f"v{len(self.pool)}", *_NAMES])
        while wanted in self.graph:
            wanted += "_"
        self.graph[wanted] = value

    def finish(self) -> None:
        """Name an objective J; sometimes state the outputs."""
        last = [x for x in self.pool if x.kind == "real"][-1]
        total = last if last.shape == () else lookup(self.choose(["sum", "mean", "squared_norm"]))(last)
        self.graph["J"] = total
        if self.index(4) == 3:
            count = 1 + self.index(3)
            self.graph.set_outputs([total, *(self.choose(self.pool) for _ in range(count))])


@st.composite
def graphs(draw: st.DrawFn, *, tame: bool = False, most: int = 9) -> cr.Graph:
    """Random graphs with an objective J; tame ones stay in every op's domain."""
    builder = _Builder(lambda count: draw(_upto(count)), tame=tame)
    for _ in range(draw(st.integers(1, most))):
        builder.grow()
    builder.finish()
    return builder.graph


def tame_graph(seed: int, values: int = 8) -> cr.Graph:
    """Return a random graph that stays in every op's domain, of about so many values."""
    generator = np.random.default_rng(seed)
    builder = _Builder(lambda count: int(generator.integers(count)), tame=True)
    for _ in range(values):
        builder.grow()
    builder.finish()
    return builder.graph


def arrays_for(graph: cr.Graph, seed: int, sizes: Mapping[str, int] = SIZES) -> dict[str, NDArray[Any]]:
    """Return arrays for every leaf of a graph."""
    generator = np.random.default_rng(seed)
    arrays: dict[str, NDArray[Any]] = {}
    for leaf in graph.leaves():
        shape = tuple(sizes[s] if isinstance(s, str) else s for s in leaf.shape)
        draws = {
            "real": generator.uniform(0.2, 1.5, shape) * generator.choice([-1.0, 1.0], shape),
            "index": generator.integers(0, 2, shape),
            "bool": generator.random(shape) < 0.5,
        }
        arrays[graph.names_of(leaf)[0]] = np.asarray(draws[leaf.kind])
    return arrays


def is_near_a_kink(trace: Trace) -> bool:
    """Tell whether some element lies where a derivative jumps."""
    made = [value for value in trace.graph.document() if value.kind == "real"]
    return any(_crosses_a_kink(value, [trace[x] for x in value.inputs]) for value in made)


def _crosses_a_kink(value: Value, arrays: list[NDArray[Any]]) -> bool:
    """Tell whether small steps, of a different length for each element, change the side of a kink."""
    here = value.op.branches(np, *arrays, **value.attributes)
    for place, x in enumerate(value.inputs if here is not None else ()):
        step = 1e-9 * np.linspace(1, 2, arrays[place].size).reshape(arrays[place].shape)
        for sign in (1, -1) if x.kind == "real" else ():
            moved = [*arrays[:place], arrays[place] + sign * step, *arrays[place + 1 :]]
            if not np.array_equal(here, value.op.branches(np, *moved, **value.attributes)):
                return True
    return False
