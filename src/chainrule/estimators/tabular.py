"""A model of a table: preprocessing, network and weights, in one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ChainruleError, NotFiniteError
from chainrule.estimators._metadata import damaged
from chainrule.estimators._metadata import field as entry
from chainrule.estimators.preprocess import Preprocessor, Transformed
from chainrule.estimators.table import Table
from chainrule.estimators.task import Task
from chainrule.execute.executor import USUAL, program_for
from chainrule.execute.inputs import bind
from chainrule.graph import Graph, parse
from chainrule.io.safetensors import load_tensors, save_tensors
from chainrule.nn.perceptron import multilayer_perceptron
from chainrule.optim.sgd import SGD
from chainrule.train.loop import Epoch, fit

PREDICTION = "P"


@dataclass(frozen=True)
class Plan:
    """How a network for a table is built and trained.

    Attributes:
        hidden: units of each hidden layer.
        epochs: how often each row is seen.
        batch_size: rows in a step; all if None.
        rate: the learning rate α.
        weight_decay: λ in J = L + λ/2 Σ ‖W‖².
        held_out: share of rows kept for scoring.
        seed: of the split, the weights and the order of rows.
        dtype: float32 or float64, of a new network.
        threads: how many; as many as make steps fastest if None.
    """

    hidden: tuple[int, ...] = (64, 32)
    epochs: int = 60
    batch_size: int | None = 32
    rate: float = 0.05
    weight_decay: float = 1e-4
    held_out: float = 0.2
    seed: int = 0
    dtype: Any = USUAL
    threads: int | None = None


@dataclass
class TabularModel:
    """A trained network with the preprocessing of its table.

    Attributes:
        preprocessor: what turns columns into features.
        task: what is predicted.
        graph: the network with its loss, as equations.
        parameters: arrays by name.
        seed: of the split, the weights and the order of rows.
        held_out: share of rows that were kept for scoring.
        rows: number of rows of the table, before it was split.
        losses: the mean objective of each epoch.
        interrupted: whether the training ended early.
    """

    preprocessor: Preprocessor
    task: Task
    graph: Graph
    parameters: dict[str, NDArray[Any]]
    seed: int
    held_out: float
    rows: int
    losses: list[float] = field(default_factory=list[float])
    interrupted: bool = False

    @classmethod
    def untrained(cls, preprocessor: Preprocessor, task: Task, plan: Plan, rows: int) -> TabularModel:
        """Return a model with weights as they start: He for hidden layers, Glorot for the last."""
        outputs = len(task.labels) if task.kind == "classification" else 1
        widths = (len(preprocessor.feature_names), *plan.hidden, outputs)
        graph = multilayer_perceptron(Graph(), widths, task.kind)
        schemes = {f"W{layer}": "he" for layer in range(1, len(widths) - 1)}
        drawn = graph.initialize(scheme=schemes, seed=plan.seed)
        parameters = {name: array.astype(plan.dtype) for name, array in drawn.items()}
        return cls(preprocessor, task, graph, parameters, plan.seed, plan.held_out, rows)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of numbers it is trained in, which is that of its weights."""
        return np.result_type(*self.parameters.values())

    def train(self, table: Table, plan: Plan, on_epoch: Callable[[Epoch], object] | None = None) -> None:
        """Train on the rows of a table, going on from where the model is.

        The order of the rows depends on the seed and on how many epochs there were before, so that
        training that was stopped and resumed does not repeat itself.

        Raises:
            NotFiniteError: a loss is NaN or infinite; the last parameters with a finite one are kept.
        """
        target = "y" if self.task.kind == "classification" else "Y"
        arrays = {
            "X": self.preprocessor.transform(table).X,
            target: self.task.encode(table.values(self.task.target)),
            "λ": plan.weight_decay,
            **self.parameters,
        }
        step = self.graph.step(SGD(plan.rate))
        try:
            result = fit(
                step,
                arrays,
                epochs=plan.epochs,
                batch_size=plan.batch_size,
                seed=[self.seed, len(self.losses)],
                dtype=self.dtype,
                threads=plan.threads,
                on_epoch=on_epoch,
            )
        except NotFiniteError as error:
            self.parameters.update(error.parameters)
            raise
        self.parameters, self.losses = result.parameters, [*self.losses, *result.losses]
        self.interrupted = result.interrupted

    def predict(self, table: Table) -> Prediction:
        """Return predictions for the rows of a table.

        Raises:
            DataError: the table lacks a column, or a number is none.
        """
        features = self.preprocessor.transform(table)
        graph = self.graph.for_prediction(PREDICTION)
        bound = bind(graph, {"X": features.X, **self._used_by(graph)}, self.dtype)
        (output,), _ = program_for(graph, self.dtype)(bound)
        if self.task.kind == "regression":
            return Prediction(self.task.decode(output), output, None, features)
        classes = np.argmax(output, axis=1)
        return Prediction(self.task.decode(classes), classes, output, features)

    def _used_by(self, graph: Graph) -> dict[str, NDArray[Any]]:
        return {name: array for name, array in self.parameters.items() if name in graph}

    def save(self, path: str | Path) -> None:
        """Write the model as one safetensors file: weights, equations and preprocessing."""
        metadata = {
            "kind": "table",
            "graph": self.graph.text(),
            "preprocessor": self.preprocessor.to_metadata(),
            "task": self.task.to_metadata(),
            "seed": self.seed,
            "held_out": self.held_out,
            "rows": self.rows,
            "losses": self.losses,
        }
        save_tensors(path, self.parameters, metadata)

    @classmethod
    def load(cls, path: str | Path) -> TabularModel:
        """Read a model that `save` wrote.

        Raises:
            ModelFileError: the file is missing, damaged, or no model of a table.
        """
        tensors, metadata = load_tensors(path)
        if metadata.get("kind") != "table":
            raise damaged("it is not a model of a table")
        graph = _graph(entry(metadata, "graph", str))
        _check_tensors(graph, tensors)
        task = Task.from_metadata(metadata.get("task"))
        _check_output(graph, task)
        seed, held_out = entry(metadata, "seed", int), entry(metadata, "held_out", float)
        if seed < 0 or not 0 < held_out < 1:
            raise damaged(f"its split, seed {seed} and share {held_out}, makes no sense")
        return cls(
            Preprocessor.from_metadata(metadata.get("preprocessor")),
            task,
            graph,
            tensors,
            seed,
            held_out,
            entry(metadata, "rows", int),
            list(entry(metadata, "losses", list)),
        )


@dataclass(frozen=True)
class Prediction:
    """Predictions in the table's own words.

    Attributes:
        values: a label or number for each row.
        encoded: the same as `Task.encode` writes it.
        probabilities: for a classification, of shape (m, classes), in the order of the labels.
        features: what the network saw, with the categories it had not seen before.
    """

    values: Sequence[Any]
    encoded: NDArray[Any]
    probabilities: NDArray[np.floating] | None
    features: Transformed


def _graph(text: str) -> Graph:
    try:
        graph = parse(text, source="the model's equations")
    except ChainruleError as error:
        raise damaged(f"its equations cannot be read: {error.message}") from None
    if PREDICTION not in graph or "X" not in graph:
        raise damaged("its equations do not define a prediction P from X")
    return graph


def _check_output(graph: Graph, task: Task) -> None:
    """See to it that the network predicts what the task reads."""
    classes = len(task.labels) if task.kind == "classification" else 1
    if graph[PREDICTION].shape != ("m", classes):
        raise damaged(f"its prediction has the shape {graph[PREDICTION].shape}, not (m, {classes})")


def _check_tensors(graph: Graph, tensors: dict[str, NDArray[Any]]) -> None:
    for leaf in graph.leaves("parameter"):
        name = graph.names_of(leaf)[0]
        if name not in tensors or tensors[name].shape != leaf.shape:
            raise damaged(f"the array {name} is missing or of the wrong shape")
        if tensors[name].dtype.kind != "f" or not np.isfinite(tensors[name]).all():
            raise damaged(f"the array {name} holds what is not a finite number")
