"""Reverse accumulation: the backward pass as named equations in a new graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from chainrule.errors import GraphError, NamingError, ShapeError, UnknownNameError, nearest
from chainrule.ir.graph import Graph
from chainrule.ir.names import is_generated
from chainrule.ir.registry import lookup
from chainrule.ir.shape import show_shape
from chainrule.ir.value import Value
from chainrule.transform.copy import copy_graph

GraphT = TypeVar("GraphT", bound=Graph)
_PREFIXES = ("d", "d²", "d³", "d⁴", "d⁵", "d⁶", "d⁷", "d⁸", "d⁹")


def gradient(
    graph: GraphT, objective: str, wrt: Iterable[str] | None = None, *, prefix: str | None = None
) -> GraphT:
    """Return a new graph with the gradient of `objective`, ∂J/∂V named dV, for every named V on the way.

    Each value's gradient is the sum over the values it feeds: dV = Σ over consumers U of (∂U/∂V)ᵀ dU.
    Nothing is simplified away yet: this is the graph *before* rewriting.

    Args:
        graph: any graph, itself perhaps the result of a differentiation.
        objective: name of a scalar, J.
        wrt: names of the values whose gradients are wanted; all parameters that are not frozen
            if omitted. Data and intermediate values may be named.
        prefix: what is put before a name to name its gradient; "d", then "d²" for a second
            differentiation, and so on.

    Returns:
        A graph with everything the given one has, and the backward pass after it. Its outputs are
        the old ones and the wanted gradients. A wanted value that does not influence the
        objective has the gradient 0.

    Raises:
        UnknownNameError: a name is not in the graph.
        ShapeError: the objective is not a scalar.
        GraphError: nothing wanted is real or influences the objective.

    Source: A. Griewank, A. Walther, Evaluating Derivatives, SIAM 2008, chapter 3.
    """
    wanted = _wanted(graph, wrt)
    _check_objective(graph, objective)
    result, _ = copy_graph(graph)
    targets = [result[name] for name in wanted]
    walk = _Accumulation(result, result[objective], targets, _prefix(graph, objective, prefix))
    walk.run()
    gradients = [walk.gradient_of(name) for name in wanted]
    result.set_outputs([*result.outputs, *gradients])
    return result


def _wanted(graph: Graph, wrt: Iterable[str] | None) -> list[str]:
    if wrt is not None:
        names = [wrt] if isinstance(wrt, str) else list(wrt)
        if not names:
            raise GraphError("no value is asked for.", fix='name some: wrt=["W1", "X"].')
        for name in names:
            if graph[name].kind != "real":
                raise GraphError(f"{name} is {graph[name].kind}; only real values have gradients.")
        return names
    free = [leaf for leaf in graph.leaves("parameter") if not leaf.attributes["frozen"]]
    if not free:
        raise GraphError(
            "there is no parameter to differentiate with respect to.",
            fix='declare parameters that are not frozen, or name what you want: wrt=["X"].',
        )
    return [graph.names_of(leaf)[0] for leaf in free]


def _check_objective(graph: Graph, objective: str) -> None:
    if objective not in graph:
        named = [name for name, value in graph.names.items() if value.shape == () and value.inputs]
        fix = nearest(objective, named) if named else "name a scalar: g.J = chainrule.mean(…)."
        raise UnknownNameError(f"there is no objective called {objective}.", fix=fix)
    value = graph[objective]
    if value.shape != () or value.kind != "real":
        raise ShapeError(
            f"the gradient needs a real scalar, but {objective} is {value.kind} {show_shape(value.shape)}.",
            fix=f"reduce it first: sum({objective}) or mean({objective}).",
        )


def _prefix(graph: Graph, objective: str, prefix: str | None) -> str:
    """Return the given prefix, or the first order of d not yet in use."""
    if prefix is not None:
        if prefix + objective in graph:
            raise NamingError(f"{prefix}{objective} exists already.", fix='choose another prefix, "d²".')
        return prefix
    for candidate in _PREFIXES:
        if not any(candidate + name in graph for name in graph.names):
            return candidate
    raise NamingError("all prefixes from d to d⁹ are in use.", fix='give one: prefix="g".')


class _Accumulation:
    """One walk from the objective back to what is wanted."""

    def __init__(self, graph: Graph, objective: Value, targets: Sequence[Value], prefix: str) -> None:
        self.graph, self.objective, self.targets, self.prefix = graph, objective, targets, prefix
        self.named = {
            value: [n for n in graph.names_of(value) if not is_generated(n)] for value in graph.document()
        }
        self.active = self._active()
        self.waiting = self._count_uses()
        self.parts: dict[Value, list[tuple[int, int, Value]]] = {}
        self.gradients: dict[Value, Value] = {}

    def _active(self) -> list[Value]:
        """Return the values on a path from a target to the objective, in order."""
        depends = set(self.targets)
        path = self.graph.walk([self.objective])
        for value in path:
            if value.kind == "real" and any(x in depends for x in value.inputs):
                depends.add(value)
        return [value for value in path if value in depends]

    def _count_uses(self) -> dict[Value, int]:
        active = dict.fromkeys(self.active, 0)
        for value in self.active:
            for x in value.inputs:
                if x in active:
                    active[x] += 1
        return active

    def run(self) -> None:
        """Walk backward; a gradient is named as soon as all its parts have come."""
        if self.objective not in self.waiting:
            names = ", ".join(self.graph.names_of(t)[0] for t in self.targets)
            objective = self.graph.names_of(self.objective)[0]
            raise GraphError(f"{objective} does not depend on {names}, so there is nothing to differentiate.")
        self._finish(self.objective, self.graph.constant(1))
        for value in reversed(self.active):
            if value in self.gradients:
                self._send_back(value, self.gradients[value])
            self._settle_inputs(value)

    def _send_back(self, value: Value, dy: Value) -> None:
        if not value.inputs:
            return
        sent = value.op.vjp(dy, value, *value.inputs, **value.attributes)
        for position, (x, part) in enumerate(zip(value.inputs, sent, strict=True)):
            if part is not None and x in self.waiting:
                self.parts.setdefault(x, []).append((value.order, position, part))

    def _settle_inputs(self, value: Value) -> None:
        for x in value.inputs:
            if x not in self.waiting:
                continue
            self.waiting[x] -= 1
            if self.waiting[x] == 0 and x in self.parts:
                self._finish(x, self._total(self.parts.pop(x)))

    def _total(self, parts: list[tuple[int, int, Value]]) -> Value:
        """Add the parts in the order in which the forward pass uses the value."""
        parts.sort(key=lambda part: part[:2])
        total = parts[0][2]
        for _, _, part in parts[1:]:
            total = total + part
        return total

    def _finish(self, value: Value, dy: Value) -> None:
        self.gradients[value] = dy
        for name in self.named.get(value, ()):
            self.graph.name(self.prefix + name, dy)
            self.graph.record_gradient(self.prefix + name, name)

    def gradient_of(self, name: str) -> Value:
        """Return the gradient of a wanted name, zero where no path leads to the objective."""
        value = self.graph[name]
        if value not in self.gradients:
            zero = lookup("expand")(self.graph.constant(0), shape=value.shape)
            self._finish(value, zero)
        return self.gradients[value]
