"""A training step as one graph: forward, loss, backward, updates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from chainrule.errors import GraphError, KindError, nearest
from chainrule.ir.graph import Graph
from chainrule.notation.text import to_text
from chainrule.optim.optimizer import Optimizer, counts_steps
from chainrule.transform.copy import copy_graph
from chainrule.transform.gradient import gradient
from chainrule.transform.lower import lower
from chainrule.transform.rewrite import Firing, simplify

GraphT = TypeVar("GraphT", bound=Graph)


@dataclass(frozen=True)
class Step(Generic[GraphT]):
    """One step of training, printable whole.

    Attributes:
        graph: forward, loss, backward and updates after rewriting; this is what runs.
        before: the same before rewriting, with the gradient of every named value.
        objective: the name of what is minimized.
        settings: the numbers the optimizer's own hyperparameters stand for, such as α.
        fired: the rewriting rules that made one of the other.
        starts: the number that states start from, in all their elements; 0 for those not named.
    """

    graph: GraphT
    before: GraphT
    objective: str
    settings: Mapping[str, Any]
    fired: tuple[Firing, ...]
    starts: Mapping[str, float] = field(default_factory=dict[str, float])

    def __str__(self) -> str:
        return to_text(self.graph)


def training_step(graph: GraphT, optimizer: Optimizer, objective: str = "J") -> Step[GraphT]:
    """Return the step that minimizes an objective: its gradient, and the update of each parameter.

    Dropout and normalization are written out, so that what they compute has names and gradients.
    Updates of states that the network makes itself, such as running means, are kept; if it has a
    state `step` without an update, `step ← step + 1` is added.

    Args:
        graph: the network with its loss.
        optimizer: the update rule.
        objective: the name of a scalar.

    Raises:
        GraphError: the graph updates parameters, or has a gradient already.
        UnknownNameError: there is no such objective.
        KindError: the optimizer is none.
    """
    _check_optimizer(optimizer)
    _check_updates(graph)
    before = gradient(lower(_with_state_updates(graph), opening=True), objective)
    free = [leaf for leaf in before.leaves("parameter") if not leaf.attributes["frozen"]]
    names = [before.names_of(leaf)[0] for leaf in free]
    new = {before.gradients[d]: d for d in before.gradients if d not in graph}
    declared = optimizer.add_updates(before, {name: new[name] for name in names})
    _count_steps(before)
    before.set_outputs([before[objective]])
    after, fired = simplify(before)
    starts = {**starts_of_states(graph), **declared.starts}
    return Step(after, before, objective, declared.settings, fired, starts)


def _with_state_updates(graph: GraphT) -> GraphT:
    """Return the graph with the updates that its ops want of states nobody updates, such as running means."""
    result, _ = copy_graph(graph)
    for value in result.live():
        for leaf, new in value.op.state_updates(*value.inputs, **value.attributes).items():
            if leaf.attributes.get("role") == "state" and leaf not in result.updates:
                result.update(leaf, new)
    return result


def starts_of_states(graph: Graph) -> dict[str, float]:
    """Return what the states of a network start from: as the ops say that they feed, else 0."""
    said = {
        x: start
        for value in graph.document()
        for place, start in value.op.starts.items()
        if (x := value.inputs[place]).attributes.get("role") == "state"
    }
    return {graph.names_of(leaf)[0]: said.get(leaf, 0.0) for leaf in graph.leaves("state")}


def _check_optimizer(optimizer: object) -> None:
    if isinstance(optimizer, Optimizer):
        return
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        name = optimizer.__name__
        raise KindError(f"the optimizer is the class {name}.", fix=f"write it with brackets: {name}().")
    known = [kind.__name__ for kind in _kinds(Optimizer)]
    fix = nearest(optimizer, known) if isinstance(optimizer, str) else f"one of {', '.join(known)}."
    raise KindError(f"an optimizer is an object such as cr.Adam(0.001), not {optimizer!r}.", fix=fix)


def _kinds(kind: type[Optimizer]) -> list[type[Optimizer]]:
    return [found for sub in kind.__subclasses__() for found in (sub, *_kinds(sub))]


def _check_updates(graph: Graph) -> None:
    updated = [graph.names_of(leaf)[0] for leaf in graph.leaves("parameter") if leaf in graph.updates]
    if updated:
        raise GraphError(
            f"this graph has updates already, of {', '.join(updated)}.",
            fix="make the step from the forward graph.",
        )


def _count_steps(graph: Graph) -> None:
    """Add step ← step + 1 where the steps are counted and nobody says so yet."""
    for leaf in graph.leaves("state"):
        counted = graph.names_of(leaf)[0] == "step" and counts_steps(leaf)
        if counted and leaf not in graph.updates:
            graph.update(leaf, leaf + 1)
