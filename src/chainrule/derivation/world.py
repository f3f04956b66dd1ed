"""A network made true: its equations and gradients as a graph, with their values at several draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.derivation.draws import drawn, numbers, sizes_of_draws, too_large
from chainrule.derivation.tree import rewritten
from chainrule.errors import ChainruleError, DataError, GraphError
from chainrule.execute.inputs import Array
from chainrule.execute.reference import compute
from chainrule.ir.graph import Graph
from chainrule.ir.names import is_generated, normalized
from chainrule.ir.shape import Shape
from chainrule.ir.structural import declare
from chainrule.ir.value import Value
from chainrule.notation import syntax
from chainrule.notation.elaborate import Reader
from chainrule.notation.expressions import Meaning
from chainrule.notation.syntax import Expression, Statement
from chainrule.transform.gradient import gradient
from chainrule.transform.lower import lower

_OBJECTIVES = ("J", "L", "C", "E", "cost", "loss", "objective")
_RELATIVE, _ABSOLUTE = 1e-7, 1e-10


@dataclass(frozen=True)
class Stated:
    """A statement with the text it stands in.

    Attributes:
        statement: what is stated.
        lines: of the whole text, for messages.
        source: name of the file, for messages.
    """

    statement: Statement
    lines: list[str]
    source: str


@dataclass(frozen=True)
class Network:
    """The statements that make a network, in order: declarations, forward equations, the loss."""

    stated: tuple[Stated, ...]

    def mapped(self, change: Callable[[Statement], Statement]) -> Network:
        """Return the network with every statement changed."""
        return Network(tuple(replace(s, statement=change(s.statement)) for s in self.stated))

    def instantiated(self, change: Callable[[Expression], Expression]) -> Network:
        """Return the network with every right side changed."""
        return self.mapped(
            lambda s: replace(s, right=change(s.right)) if isinstance(s, syntax.Equation) else s
        )

    def with_equation(self, name: str, right: Expression) -> Network:
        """Return the network with another right side for one name."""
        return self.mapped(
            lambda s: (
                replace(s, right=right)
                if isinstance(s, syntax.Equation) and normalized(s.name) == name
                else s
            )
        )

    def equation(self, name: str) -> syntax.Equation | None:
        """Return the equation that defines a name."""
        for stated in self.stated:
            statement = stated.statement
            if isinstance(statement, syntax.Equation) and normalized(statement.name) == name:
                return statement
        return None


def with_size_1(network: Network, letter: str) -> Network:
    """Return a network in which a letter is the size 1."""
    return network.mapped(lambda statement: _statement_with_size_1(statement, letter))


def _statement_with_size_1(statement: Statement, letter: str) -> Statement:
    if isinstance(statement, syntax.Equation):
        shape = None if statement.shape is None else _with_1(statement.shape, letter)
        return replace(statement, right=tree_with_size_1(statement.right, letter), shape=shape)
    kept = (item for item in statement.items if statement.keyword != "sizes" or item.name != letter)
    return replace(statement, items=tuple(replace(item, shape=_with_1(item.shape, letter)) for item in kept))


def tree_with_size_1(tree: Expression, letter: str) -> Expression:
    """Return an expression in which a size letter is 1; a sum over it falls away."""

    def change(node: Expression) -> Expression | None:
        if isinstance(node, syntax.Name) and node.text == letter:
            return syntax.Number("1", node.span)
        if (
            isinstance(node, syntax.Call)
            and node.function == "size"
            and node.arguments[0] == syntax.Number("1", node.arguments[0].span)
        ):
            return syntax.Number("1", node.span)
        if isinstance(node, syntax.Call) and node.settings:
            settings = (replace(s, item=_with_1(s.item, letter)) for s in node.settings)
            return replace(node, settings=tuple(settings))
        return None

    return rewritten(tree, change)


def _with_1(item: Any, letter: str) -> Any:
    if isinstance(item, tuple):
        return tuple(_with_1(part, letter) for part in item)  # pyright: ignore[reportUnknownVariableType]  # any tuple
    return 1 if item == letter else item


@dataclass
class Draw:
    """One choice of sizes with the true value of every name.

    Attributes:
        sizes: by letter.
        true: every name of the network, and of its gradients.
        known: values of expressions on true values, computed once.
    """

    sizes: dict[str, int]
    true: dict[str, Array]
    known: dict[Value, Array] = field(default_factory=dict[Value, Array])


class World:
    """A network with its gradients, and a flat graph in which a claim's names are leaves.

    Attributes:
        backward: the network and its gradients.
        objective: name of the scalar that is differentiated.
        flat: a graph with a leaf for every name.
        meaning: gives claims their values there.
        error: why there are no gradients, or None.
        draws: where claims are judged.
    """

    def __init__(
        self, network: Network, lines: list[str], objective: str = "", *, draws: int = 3, seed: int = 0
    ) -> None:
        forward = _built(network)
        self.error: ChainruleError | None = None
        try:
            self.objective = objective or objective_of(forward)
            self.backward = _differentiated(forward, self.objective)
        except ChainruleError as error:
            self.objective, self.backward, self.error = "", forward, error
        self.letters = self.backward.letters
        self.flat = Graph()
        self.flat.declare_sizes(self.letters)
        self.meaning = Meaning(self.flat, lines, "")
        self.meaning.letters.update(self.letters)
        self.draws = [self._draw(sizes, seed + i) for i, sizes in enumerate(self._sizes(draws))]
        for name, value in self.names().items():
            self.add(name, value.shape, value.kind)

    def names(self) -> dict[str, Value]:
        """Return what the network and its gradients name."""
        unknown = _unknown_gradients(self.backward)
        return {
            name: value
            for name, value in self.backward.names.items()
            if not is_generated(name) and name not in unknown
        }

    def add(self, name: str, shape: Shape, kind: Any = "real") -> None:
        """Let a name stand in claims."""
        if name not in self.flat:
            self.flat.declare(name, declare("data", shape, kind))

    def _sizes(self, draws: int) -> Iterable[dict[str, int]]:
        fixed = [size for value in self.backward.document() for size in value.shape if isinstance(size, int)]
        return sizes_of_draws(self.letters, fixed, draws)

    def _draw(self, sizes: dict[str, int], seed: int) -> Draw:
        if too_large(self.backward, sizes):
            raise DataError(
                "the sizes are too large to be judged.",
                where="",
                fix="use letters: `sizes m, d`, X : (m, d).",
            )
        found = drawn(self.backward, sizes, np.random.default_rng(seed))
        return Draw(sizes, {name: found[name] for name in found if not is_generated(name)})

    def value(self, tree: Expression) -> Value:
        """Return the meaning of a claim's right side.

        Raises:
            ChainruleError: it has none.
        """
        return self.meaning.value(tree)

    def true(self, value: Value, draw: Draw) -> Array:
        """Return a claim's value where all it uses is true."""
        return self._evaluated(value, draw, draw.true, draw.known)

    def given(self, value: Value, draw: Draw, arrays: Mapping[str, Array]) -> Array:
        """Return a claim's value where names have the values given."""
        return self._evaluated(value, draw, arrays, {})

    def _evaluated(
        self, value: Value, draw: Draw, arrays: Mapping[str, Array], known: dict[Value, Array]
    ) -> Array:
        with np.errstate(all="ignore"):
            for node in self._needed(value, known):
                if node.op.name == "leaf":
                    known[node] = arrays[self.flat.names_of(node)[0]]
                else:
                    known[node] = compute(node, [known[x] for x in node.inputs], draw.sizes, np.float64)
        return known[value]

    def _needed(self, value: Value, known: Mapping[Value, Array]) -> list[Value]:
        """Return the values still to be computed, inputs first."""
        needed: dict[Value, None] = {}
        waiting = [value]
        while waiting:
            node = waiting.pop()
            if node not in known and node not in needed:
                needed[node] = None
                waiting.extend(node.inputs)
        return sorted(needed, key=lambda node: node.order)

    def shape(self, name: str, draw: Draw) -> tuple[int, ...]:
        """Return the true shape of a name, in numbers."""
        return numbers(self.flat[name].shape, draw.sizes)


def same(found: Array, true: Array) -> bool:
    """Tell whether two arrays agree to what float64 can tell, element by element."""
    if found.shape != true.shape or not np.all(np.isfinite(found)):
        return False
    scale = float(np.max(np.abs(true), initial=0.0))
    return bool(np.all(np.abs(found - true) <= _RELATIVE * np.abs(true) + _ABSOLUTE * scale + 1e-300))


def _built(network: Network) -> Graph:
    graph, refused = read_network(network)
    if refused:
        raise next(iter(refused.values()))
    return lower(graph, opening=True)


def read_network(network: Network) -> tuple[Graph, dict[int, ChainruleError]]:
    """Return the graph of all statements that can be read, and by place why others cannot."""
    graph = Graph()
    reader = Reader(graph, [], "")
    reader.gather_letters([stated.statement for stated in network.stated])
    refused: dict[int, ChainruleError] = {}
    for place, stated in enumerate(network.stated):
        if isinstance(stated.statement, syntax.Declaration) and stated.statement.keyword == "function":
            continue
        reader.turn_to(stated.lines, stated.source)
        try:
            reader.read(stated.statement)
        except ChainruleError as error:
            refused[place] = error
    reader.finish()
    return graph, refused


def objective_of(graph: Graph) -> str:
    """Return the name of the scalar that a derivation differentiates: J, else L, else the only one.

    Raises:
        GraphError: there is none, or it is not plain which.
    """
    scalars = [
        name
        for name, value in graph.names.items()
        if value.shape == () and value.kind == "real" and value.inputs
    ]
    stated = [name for name in scalars if graph[name] in graph.outputs]
    for name in _OBJECTIVES:
        if name in scalars:
            return name
    if len(stated) == 1:
        return stated[0]
    if not stated:
        raise GraphError(
            "there is no scalar to differentiate.",
            where="",
            fix="state the loss as a scalar, such as J = 1/m sum(E).",
        )
    raise GraphError(
        f"it is not plain which of {', '.join(stated)} is differentiated.", where="", fix="call it J."
    )


def _differentiated(graph: Graph, objective: str) -> Graph:
    wanted = [name for name, value in graph.names.items() if value.kind == "real" and value.graph is graph]
    wanted = [name for name in wanted if not is_generated(name)]
    return gradient(graph, objective, wanted, prefix="d")


def _unknown_gradients(graph: Graph) -> set[str]:
    """Return gradients of data that no rule states, such as those of targets: they come out as 0."""
    leaves = {graph.names_of(leaf)[0] for leaf in graph.leaves("data")}
    return {d for d, name in graph.gradients.items() if name in leaves and _is_zero(graph[d])}


def _is_zero(value: Value) -> bool:
    number = value.repeated_constant
    return number is not None and number.factor == 0
