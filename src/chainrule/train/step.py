"""A training step as one graph: forward, loss, backward, updates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chainrule.errors import GraphError
from chainrule.ir.graph import Graph
from chainrule.notation.text import to_text
from chainrule.optim.sgd import SGD
from chainrule.transform.gradient import gradient
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
    """

    graph: GraphT
    before: GraphT
    objective: str
    settings: Mapping[str, Any]
    fired: tuple[Firing, ...]

    def __str__(self) -> str:
        return to_text(self.graph)


def training_step(graph: GraphT, optimizer: SGD, objective: str = "J") -> Step[GraphT]:
    """Return the step that minimizes an objective: its gradient, and V ← V − α dV for each parameter.

    Args:
        graph: the network with its loss.
        optimizer: the update rule.
        objective: the name of a scalar.

    Raises:
        GraphError: the graph has updates or a gradient already.
        UnknownNameError: there is no such objective.
    """
    if graph.updates:
        raise GraphError("this graph has updates already.", fix="make the step from the forward graph.")
    before = gradient(graph, objective)
    free = [leaf for leaf in before.leaves("parameter") if not leaf.attributes["frozen"]]
    names = [before.names_of(leaf)[0] for leaf in free]
    new = {before.gradients[d]: d for d in before.gradients if d not in graph}
    settings = optimizer.add_updates(before, {name: new[name] for name in names})
    before.set_outputs([before[objective]])
    after, fired = simplify(before)
    return Step(after, before, objective, settings, fired)
