"""The multilayer perceptron for a table, built of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

from chainrule.errors import ShapeError
from chainrule.ir.graph import Graph
from chainrule.nn.dense import Dense
from chainrule.nn.layer import Layer
from chainrule.nn.sequential import Penalties, build_network

GraphT = TypeVar("GraphT", bound=Graph)
_LOSSES = {"classification": "softmax_cross_entropy", "regression": "mean_squared_error"}


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
    inputs, *hidden, outputs = widths
    layers: list[Layer] = [*(Dense(units, activation) for units in hidden), Dense(outputs)]
    build_network(graph, layers, _LOSSES[task], inputs, Penalties(weight_decay=1.0))
    return graph
