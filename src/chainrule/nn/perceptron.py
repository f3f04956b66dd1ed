"""The multilayer perceptron, built into a graph with the names of the glossary."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, TypeVar

from chainrule.errors import ShapeError
from chainrule.ir.constant import Constant
from chainrule.ir.graph import Graph
from chainrule.ir.registry import lookup
from chainrule.ir.structural import declare
from chainrule.ir.value import Value

GraphT = TypeVar("GraphT", bound=Graph)


def multilayer_perceptron(
    graph: GraphT,
    widths: Sequence[int],
    task: Literal["classification", "regression"],
    activation: str = "relu",
) -> GraphT:
    """Build a multilayer perceptron with weight decay, examples in rows.

    Rl = A(l−1) Wl, Zl = Rl + bl, Al = activation(Zl); the last layer is affine. A classification
    minimizes the mean softmax cross-entropy of class numbers y and names the probabilities P; a
    regression minimizes the mean squared error against Y and names the prediction P. The objective
    is J = L + s with s = λ/2 Σ ‖Wl‖².

    Args:
        graph: an empty graph.
        widths: number of inputs, of the units of each hidden layer, and of outputs.
        task: classification or regression.
        activation: name of an element-wise op.

    Raises:
        ShapeError: fewer than two widths, or one that is not positive.
    """
    if len(widths) < 2 or min(widths) < 1:
        raise ShapeError(f"a network needs positive widths for inputs and outputs, not {list(widths)}.")
    graph.declare("X", declare("data", ("m", widths[0])))
    target = _target(graph, widths[-1], task)
    weights = _declare_parameters(graph, widths)
    decay = graph.declare("λ", declare("hyperparameter", ()))
    output = _layers(graph, len(weights), activation)
    _objective(graph, output, target, task)
    norms = [lookup("squared_norm")(weight) for weight in weights]
    total = norms[0]
    for norm in norms[1:]:
        total = total + norm
    graph.name("s", decay / 2 * total)
    graph.name("J", graph["L"] + graph["s"])
    return graph


def _target(graph: Graph, outputs: int, task: str) -> Value:
    if task == "classification":
        return graph.declare("y", declare("data", ("m",), "index"))
    return graph.declare("Y", declare("data", ("m", outputs)))


def _declare_parameters(graph: Graph, widths: Sequence[int]) -> list[Value]:
    weights: list[Value] = []
    for layer, (before, after) in enumerate(pairwise(widths), start=1):
        weights.append(graph.declare(f"W{layer}", declare("parameter", (before, after))))
        graph.declare(f"b{layer}", declare("parameter", (after,)))
    return weights


def _layers(graph: Graph, depth: int, activation: str) -> Value:
    """Name R, Z and A of each layer; return the last pre-activation."""
    before = graph["X"]
    for layer in range(1, depth + 1):
        product = graph.name(f"R{layer}", before @ graph[f"W{layer}"])
        before = graph.name(f"Z{layer}", product + graph[f"b{layer}"])
        if layer < depth:
            before = graph.name(f"A{layer}", lookup(activation)(before))
    return before


def _objective(graph: Graph, output: Value, target: Value, task: str) -> None:
    if task == "classification":
        graph.name("P", lookup("softmax")(output))
        losses = lookup("softmax_cross_entropy")(output, target)
        graph.name("L", Constant.letter("m").reciprocal() * losses.sum())
    else:
        graph.name("P", output)
        graph.name("L", lookup("mean_squared_error")(output, target))
