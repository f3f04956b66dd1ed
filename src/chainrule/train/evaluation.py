"""How good a network is on data it does not train on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.execute.executor import USUAL, program_for
from chainrule.execute.inputs import bind
from chainrule.ir.graph import Graph
from chainrule.nn.losses import Head
from chainrule.train.history import History
from chainrule.train.loop import Epoch
from chainrule.transform.prediction import for_prediction

Array = NDArray[Any]


class Evaluation:
    """The loss L of a network on some data, and its accuracy, by the prediction rules.

    Args:
        graph: the network with its loss.
        heads: its outputs.
        data: inputs, targets and hyperparameters by name.
        dtype: floating-point type.
    """

    def __init__(
        self, graph: Graph, heads: Sequence[Head], data: Mapping[str, Any], dtype: Any = USUAL
    ) -> None:
        self.heads = heads
        self.loss = "L" if "L" in graph else "J"
        self.graph = for_prediction(graph, [self.loss, *(head.prediction for head in heads)])
        self.dtype = dtype
        self.program = program_for(self.graph, dtype)
        self.data = {name: array for name, array in data.items() if name in self.graph}

    def __call__(self, arrays: Mapping[str, Array]) -> dict[str, float]:
        """Return "loss", and "accuracy" where classes are predicted, for these parameters and states."""
        known = {name: array for name, array in arrays.items() if name in self.graph}
        outputs, _ = self.program(bind(self.graph, {**known, **self.data}, self.dtype))
        found = dict(zip(self.graph.outputs, outputs, strict=True))
        measured = {"loss": float(found[self.graph[self.loss]])}
        shares = [
            np.mean(_right(head, found[self.graph[head.prediction]], self.data[head.target]))
            for head in self.heads
            if head.task != "values"
        ]
        return measured if not shares else {**measured, "accuracy": float(np.mean(shares))}


def noting(
    history: History, watch: Evaluation | None, on_epoch: Callable[[Epoch], object] | None
) -> Callable[[Epoch], None]:
    """Return what is done after each epoch: its loss is noted, then what is watched, then the user's turn."""

    def note(epoch: Epoch) -> None:
        history.losses.append(epoch.loss)
        if watch is not None:
            history.note(watch(epoch.parameters()))
        if on_epoch is not None:
            on_epoch(epoch)

    return note


def _right(head: Head, prediction: Array, target: Array) -> Array:
    """Tell for each example, or each output of a binary head, whether the class is predicted right."""
    if head.task == "binary":
        return (prediction > 0.5) == (target > 0.5)
    classes = target if target.ndim < prediction.ndim else target.argmax(axis=-1)
    return prediction.argmax(axis=-1) == classes
