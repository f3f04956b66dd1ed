"""What the search for a correction needs to know about a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from chainrule.derivation.claim import Scene
from chainrule.derivation.plan import Plan, is_gradient_of
from chainrule.derivation.tree import is_same, subtrees
from chainrule.derivation.world import World
from chainrule.derivation.writing import Style, write
from chainrule.errors import ChainruleError
from chainrule.ir.names import normalized
from chainrule.ir.registry import is_op, lookup
from chainrule.ir.shape import Shape, letters_of
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression


@dataclass(frozen=True)
class Context:
    """A claim's surroundings.

    Attributes:
        name: what the claim is about.
        plan: the document and its network.
        scenes: the worlds in which corrections must hold.
        style: how the document writes.
    """

    name: str
    plan: Plan
    scenes: Sequence[Scene]
    style: Style

    @property
    def world(self) -> World:
        """The first world."""
        return self.scenes[0].world

    def write(self, tree: Expression) -> str:
        """Return a part of a claim as the document would write it."""
        return write(tree, self.style)

    def shape(self, tree: Expression) -> Shape | None:
        """Return the shape of a part of a claim, None where it has no meaning by itself."""
        try:
            return self.scenes[0].value(tree).shape
        except ChainruleError:
            return None

    @cached_property
    def true_shape(self) -> Shape:
        """The shape of what the claim is about."""
        return self.world.flat[self.name].shape

    @cached_property
    def equations(self) -> Mapping[str, Expression]:
        """The right sides of the network by name."""
        stated = (s.statement for s in self.plan.network.stated)
        return {normalized(s.name): s.right for s in stated if isinstance(s, syntax.Equation)}

    @cached_property
    def activations(self) -> tuple[tuple[str, syntax.Call], ...]:
        """Every application of an element-wise function in the network, with what it defines, or ""."""
        found: list[tuple[str, syntax.Call]] = []
        for name, right in self.equations.items():
            for path, node in subtrees(right):
                if not isinstance(node, syntax.Call) or not self.is_activation(node):
                    continue
                if not any(is_same(node, known) for _, known in found):
                    found.append((name if not path else "", node))
        return tuple(found)

    @cached_property
    def layers(self) -> tuple[tuple[str, str], ...]:
        """Output and input of every element-wise activation that has names for both."""
        calls = ((made, call.arguments[0]) for made, call in self.activations)
        return tuple((made, normalized(z.text)) for made, z in calls if made and isinstance(z, syntax.Name))

    @cached_property
    def data(self) -> frozenset[str]:
        """Names of data."""
        leaves = self.world.backward.leaves("data")
        return frozenset(self.world.backward.names_of(leaf)[0] for leaf in leaves)

    def is_activation(self, node: syntax.Call) -> bool:
        """Tell whether a call applies an abstract function of one argument, or an element-wise op but log."""
        if self.plan.functions.get(node.function) == 1:
            return True
        op = lookup(node.function) if is_op(node.function) else None
        return op is not None and op.arity == 1 and op.is_elementwise and op.name not in ("log", "negative")

    @cached_property
    def derivatives(self) -> tuple[syntax.Call, ...]:
        """f'(x) for every activation f(x) of the network."""
        calls = (node for _, node in self.activations)
        return tuple(syntax.Call(c.function, c.arguments, c.settings, True, c.span) for c in calls)

    @cached_property
    def masks(self) -> frozenset[str]:
        """Data that the network multiplies by element, such as a dropout mask."""
        leaves = {self.world.backward.names_of(leaf)[0] for leaf in self.world.backward.leaves("data")}
        drawn = {n for n, v in self.world.backward.names.items() if v.op.name == "dropout_mask"}
        used: set[str] = set()
        for right in self.equations.values():
            for _, node in subtrees(right):
                if isinstance(node, syntax.Product) and ".*" in node.signs:
                    used |= {normalized(f.text) for f in node.factors if isinstance(f, syntax.Name)}
        return frozenset((used & leaves) | drawn)

    @cached_property
    def examples(self) -> str:
        """The letter of the examples: a size of data that no parameter has, or ""."""
        backward = self.world.backward
        data = [letter for leaf in backward.leaves("data") for letter in letters_of(leaf.shape)]
        weights = {letter for leaf in backward.leaves("parameter") for letter in letters_of(leaf.shape)}
        return next((letter for letter in data if letter not in weights), "")

    @cached_property
    def by_shape(self) -> Mapping[Shape, tuple[str, ...]]:
        """Real names by their shapes: forward values and gradients."""
        found: dict[Shape, list[str]] = {}
        for name, leaf in self.world.flat.names.items():
            if leaf.kind == "real" and not self.is_of_no_use(name):
                found.setdefault(leaf.shape, []).append(name)
        return {shape: tuple(names) for shape, names in found.items()}

    @cached_property
    def scalars(self) -> tuple[str, ...]:
        """Scalar hyperparameters, such as λ and p."""
        leaves = self.world.backward.leaves("hyperparameter")
        return tuple(self.world.backward.names_of(leaf)[0] for leaf in leaves if leaf.shape == ())

    def is_of_no_use(self, name: str) -> bool:
        """Tell whether a name is the gradient of data that the document does not speak of, such as dY."""
        if not self.is_gradient(name):
            return False
        claimed = any(entry.name == name for entry in self.plan.document.entries)
        return (name[1:] in self.data and not claimed) or name in self.derived

    @cached_property
    def derived(self) -> frozenset[str]:
        """The gradients that are derived from the one claimed: of all that its variable is made of."""
        graph = self.world.backward
        variable = self.name[1:]
        if not self.is_gradient(self.name) or variable not in graph:
            return frozenset()
        made_of = set(graph.walk(graph[variable].inputs))
        return frozenset(d for d, v in graph.gradients.items() if v in graph and graph[v] in made_of)

    def is_gradient(self, name: str) -> bool:
        """Tell whether a name is that of a gradient."""
        return is_gradient_of(name, self.world.flat.names)
