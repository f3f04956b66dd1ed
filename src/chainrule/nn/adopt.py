"""A graph of equations taken as a network: what goes in, what is predicted, what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from chainrule.errors import DataError, GraphError, UnknownNameError, nearest
from chainrule.ir.graph import Graph
from chainrule.ir.names import normalized
from chainrule.ir.registry import lookup
from chainrule.ir.value import Value
from chainrule.nn.initializers import Initializer, initializer
from chainrule.nn.losses import KINDS, Head, Task
from chainrule.nn.scope import Scope
from chainrule.nn.sequential import Blueprint, Record
from chainrule.transform.copy import copy_graph

GraphT = TypeVar("GraphT", bound=Graph)
_LINKS = {
    **{kind.op: kind for kind in KINDS.values()},
    **dict.fromkeys(("mean_squared_error", "half_sum_of_squares"), KINDS["squared_error"]),
}


def adopted(
    graph: GraphT,
    output: str,
    settings: dict[str, Any],
    starts: Initializer | Mapping[str, Initializer],
    task: Task | None = None,
) -> tuple[GraphT, Blueprint]:
    """Return a copy of a graph with what its parts are for.

    Args:
        graph: forward equations with an objective J.
        output: what is predicted; P, or what the loss compares with its target, if "".
        settings: numbers of hyperparameters.
        starts: how matrices start, one for all or by name.
        task: how the prediction is read; as the loss says if None.

    Raises:
        GraphError: there is no J, the graph is a training step already, or it is not plain what is predicted.
        DataError: a hyperparameter has no number.
        UnknownNameError: no parameter, hyperparameter or initializer has a name that is given.
    """
    settings = {normalized(name): number for name, number in settings.items()}
    _check(graph, settings)
    own, _ = copy_graph(graph)
    losses = [value for value in own.walk([own["J"]]) if value.op.name in _LINKS]
    prediction = _prediction(own, output, losses)
    inside = set(own.walk([own[prediction]]))
    data = {own.names_of(leaf)[0]: leaf for leaf in own.leaves("data") if own.names_of(leaf)[0] != "seed"}
    inputs = tuple(name for name, leaf in data.items() if leaf in inside)
    targets = [name for name, leaf in data.items() if leaf not in inside]
    if len(targets) != 1:
        shown = ", ".join(targets) or "none"
        raise GraphError(f"a network needs one target; data that {prediction} does not depend on: {shown}.")
    tasks: list[Task] = [_LINKS[v.op.name].task for v in losses if own[targets[0]] in v.inputs]
    blueprint = Blueprint(
        inputs, {"": Head(prediction, targets[0], task or (tasks[0] if tasks else "values"))}, settings
    )
    blueprint.schemes, blueprint.usual = _starts(graph, own, starts)
    blueprint.examples = _examples(own, [*inputs, targets[0]])
    blueprint.records = [Record("equations", tuple(own.names))]
    return own, blueprint


def _check(graph: Graph, settings: Mapping[str, Any]) -> None:
    if "J" not in graph:
        raise GraphError("there is no objective J to minimize.", fix="name it: g.J = …")
    if graph.gradients or any(leaf in graph.updates for leaf in graph.leaves("parameter")):
        raise GraphError("this graph is a training step already.", fix="pass the forward equations.")
    wanted = [graph.names_of(leaf)[0] for leaf in graph.leaves("hyperparameter")]
    for name in settings:
        if name not in wanted:
            raise UnknownNameError(f"there is no hyperparameter {name}.", fix=nearest(name, wanted))
    missing = [name for name in wanted if name not in settings]
    if missing:
        raise DataError(f"{missing[0]} has no number.", fix=f"settings={{'{missing[0]}': 1e-4}}.")


def _prediction(graph: Graph, output: str, losses: list[Value]) -> str:
    """Return the name of what is predicted; of logits, their softmax or sigmoid is named P."""
    if output:
        graph[output]
        return output
    if "P" in graph:
        return "P"
    if len(losses) != 1:
        named = [name for name, value in graph.names.items() if value.inputs]
        raise GraphError(
            "it is not plain what this network predicts.", fix=f"output=…: one of {', '.join(named)}."
        )
    (loss,) = losses
    kind = _LINKS[loss.op.name]
    predicted = lookup(kind.link)(loss.inputs[0]) if kind.link else loss.inputs[0]
    if not graph.is_named(predicted):
        graph.name("P", predicted)
    return graph.names_of(predicted)[0]


def _starts(
    given: Graph, own: Graph, asked: Initializer | Mapping[str, Initializer]
) -> tuple[dict[str, Initializer], Initializer]:
    """Return how parameters start: by name, as asked for or as layers in the given graph said; all others."""
    said = dict(Scope.of(given).schemes)
    if not isinstance(asked, Mapping):
        initializer(asked)
        return said, asked
    named = cast("Mapping[str, Initializer]", asked)
    known = [own.names_of(leaf)[0] for leaf in own.leaves("parameter")]
    for name, item in named.items():
        if normalized(name) not in known:
            raise UnknownNameError(f"there is no parameter {name}.", fix=nearest(name, known))
        initializer(item)
    return {**said, **{normalized(name): item for name, item in named.items()}}, "glorot"


def _examples(graph: Graph, names: list[str]) -> str:
    """Return the letter that counts examples: one that all inputs and the target have, m if it is one."""
    shapes = [graph[name].shape for name in names]
    shared = [size for size in shapes[0] if isinstance(size, str) and all(size in s for s in shapes)]
    return shared[0] if shared and "m" not in shared else "m"
