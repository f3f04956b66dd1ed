"""The true rule of every value and gradient, as equations that can be shown, edited and evaluated."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from chainrule.derivation.claim import Fit, Scene, fit, holds
from chainrule.derivation.context import Context
from chainrule.derivation.functions import expression
from chainrule.derivation.plan import Plan
from chainrule.derivation.tree import is_same, name, names_in, product, rewritten
from chainrule.derivation.world import World, read_network
from chainrule.derivation.writing import Style, write
from chainrule.errors import ChainruleError
from chainrule.ir.graph import Graph
from chainrule.ir.names import is_generated
from chainrule.notation import syntax
from chainrule.notation.lines import Lines
from chainrule.notation.syntax import Expression
from chainrule.notation.writer import Writer
from chainrule.transform.gradient import gradient
from chainrule.transform.lower import lower
from chainrule.transform.rewrite import simplify


class Rules:
    """The rules of a network, each in every form that a textbook gives it.

    Args:
        scene: the world in which they hold.
        plan: the network.
        spoken: names that the user's code uses; of two names for one value, these are preferred.
    """

    def __init__(self, scene: Scene, plan: Plan, spoken: Collection[str] = ()) -> None:
        self.scene, self.plan = scene, plan
        printed = dict(_printed(scene.world.backward))
        self.names = tuple(name for name in printed if name in scene.world.flat)
        trees = {name: tree for name, text in printed.items() if (tree := _read(text)) is not None}
        self._aliases = {
            name: tree.text
            for name, tree in trees.items()
            if isinstance(tree, syntax.Name) and name not in spoken
        }
        after = {name: _read(text) for name, text in _printed(_after(plan, scene.world))}
        self._written = {name: [trees.get(name), after.get(name)] for name in self.names}
        self._forms: dict[str, tuple[Fit, ...]] = {}

    def context(self, name: str) -> Context:
        """Return what the search for mistakes needs to know."""
        return Context(name, self.plan, [self.scene], Style())

    def forms(self, name: str) -> tuple[Fit, ...]:
        """Return the right sides that give a name its true value, the chain rule's own first."""
        if name not in self._forms:
            found: list[Fit] = []
            for tree in self._trees(name):
                known = fit(tree, [self.scene])
                new = not any(is_same(tree, other.tree) for other in found)
                if new and known is not None and holds(known, name, [self.scene]):
                    found.append(known)
            self._forms[name] = tuple(found)
        return self._forms[name]

    def _trees(self, wanted: str) -> Iterator[Expression]:
        for written in self._written[wanted]:
            tree = None if written is None else rewritten(written, lambda node: self._preferred(node, wanted))
            if tree is not None and wanted not in names_in(tree):
                yield tree
        for made, call in self.context(wanted).activations:
            if made and isinstance(call.arguments[0], syntax.Name) and wanted == f"d{call.arguments[0].text}":
                derivative = syntax.Call(call.function, call.arguments, call.settings, True, call.span)
                yield product((name(f"d{made}"), derivative), (".*",))

    def _preferred(self, node: Expression, wanted: str) -> Expression | None:
        """Return the name that the user's code has for a value, for another name of it."""
        if not isinstance(node, syntax.Name) or wanted in self._aliases:
            return None
        text = node.text
        while text in self._aliases:
            text = self._aliases[text]
        return replace(node, text=text)

    def text(self, name: str) -> str:
        """Return the shortest equation for a name, "" if there is none."""
        texts = [write(form.tree) for form in self.forms(name)]
        return f"{name} = {min(texts, key=len)}" if texts else ""

    def needs(self, name: str) -> tuple[str, ...]:
        """Return the names that the rule of a name uses."""
        forms = self.forms(name)
        return tuple(names_in(forms[0].tree)) if forms else ()


def _printed(graph: Graph) -> Iterator[tuple[str, str]]:
    """Yield the right sides of a graph's named values, each after what it uses, without made-up names."""
    lines = Lines(graph, inlining=True)
    writer = Writer(lines)
    for line in lines.lines:
        if not is_generated(line.name):
            known = line.alias
            yield line.name, writer.name(known) if known else writer.right_side(line.name, line.value)


def _after(plan: Plan, world: World) -> Graph:
    """Return the network with the gradients of its parameters, rewritten."""
    graph = lower(read_network(plan.network)[0], opening=True)
    found = gradient(graph, world.objective, [graph.names_of(leaf)[0] for leaf in graph.leaves("parameter")])
    return simplify(found)[0]


def _read(text: str) -> Expression | None:
    try:
        return expression(text)
    except ChainruleError:
        return None
