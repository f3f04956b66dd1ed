"""The public Network: layers or equations with their parameters, that fit, predict, explain and are saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, NotFiniteError, UnknownNameError, nearest
from chainrule.execute.inputs import bind
from chainrule.execute.program import Program
from chainrule.graph import Graph
from chainrule.ir.names import normalized
from chainrule.nn.adopt import adopted
from chainrule.nn.initializers import initialize
from chainrule.nn.layer import checked_layers
from chainrule.nn.losses import Head
from chainrule.nn.sequential import AnyLoss, Blueprint, Penalties, Widths, build_network
from chainrule.nn.summary import summary_table
from chainrule.optim.adam import Adam
from chainrule.optim.optimizer import Optimizer
from chainrule.saved import load_network, save_network
from chainrule.train.evaluation import Evaluation
from chainrule.train.examples import hold_out, input_arrays, prepare, sizes_of
from chainrule.train.history import History
from chainrule.train.loop import Epoch, fit
from chainrule.train.step import Step, training_step

Array = NDArray[Any]
Given = Any


class Network:
    """A network of layers with its loss, as equations that are printed and that run.

    Args:
        layers: in order; `Inputs` first and `Outputs` last where there are several.
        loss: its name, a `Loss` with settings, or a function of output and target; by the name of the output
            where there are several.
        inputs: the number of input columns, several axes such as (28, 28), or None to take it from the data;
            by name where there are several inputs.
        weight_decay: λ of λ/2 Σ ‖W‖² in the objective J = L + s; biases are left out, frozen weights too.
        l1: λ_l1 of λ_l1 Σ ‖W‖₁; with `weight_decay` the elastic net.
        seed: of the starting weights, the order of the examples and all random masks.

    Raises:
        ChainruleError: a layer does not fit what comes before it; the message starts with its number.

    Example:
        >>> import chainrule as cr
        >>> net = cr.Network([cr.Dense(8, "tanh"), cr.Dense(3)], loss="softmax_cross_entropy", inputs=4)
        >>> print(net.graph.text(section="forward"))
        R1 = X W1                                : (m, 8)
        Z1 = R1 + b1                             : (m, 8)
        A1 = tanh(Z1)                            : (m, 8)
        R2 = A1 W2                               : (m, 3)
        Z2 = R2 + b2                             : (m, 3)
        P  = softmax(Z2)                         : (m, 3)
        L  = 1/m sum(softmax_cross_entropy(Z2, y)) : ()
        J  = L                                   : ()
    """

    def __init__(
        self,
        layers: Any,
        *,
        loss: AnyLoss | Mapping[str, AnyLoss],
        inputs: Widths = None,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        seed: int = 0,
    ) -> None:
        graph = Graph()
        listed = checked_layers(layers, "Network")
        blueprint = build_network(graph, listed, loss, inputs, Penalties(weight_decay, l1))
        self._begin(graph, blueprint, seed)

    def _begin(self, graph: Graph, blueprint: Blueprint, seed: int) -> None:
        self.graph, self.blueprint, self.seed = graph, blueprint, seed
        self.arrays: dict[str, Array] = {}
        self.history = History()
        self._programs: dict[tuple[str, ...], tuple[Graph, Program]] = {}

    @classmethod
    def from_graph(
        cls,
        graph: Graph,
        *,
        output: str = "",
        settings: Mapping[str, Any] | None = None,
        initializer: Any = "glorot",
        seed: int = 0,
    ) -> Network:
        """Return the network that a graph with an objective J describes, from an `.eqn` file for example.

        What `output` is made of and is data is an input; all other data is a target.

        Args:
            graph: forward equations, with J.
            output: the value predicted; P, or the first operand of the loss, if omitted.
            settings: numbers of the hyperparameters, such as {"λ": 1e-4}.
            initializer: how matrices start; one for all, or by the parameter's name.
            seed: of the starting weights, the order of the examples and all random masks.

        Raises:
            GraphError: it is not plain what is predicted, or there is no J.
        """
        network = cls.__new__(cls)
        own, blueprint = adopted(graph, output, dict(settings or {}), initializer)
        network._begin(own, blueprint, seed)
        return network

    def __repr__(self) -> str:
        parameters = len(self.graph.leaves("parameter"))
        return f"<Network of {len(self.blueprint.records)} layers, {parameters} parameter arrays>"

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters by name, as they are now; empty before `fit` or `initialize`."""
        names = (self.graph.names_of(leaf)[0] for leaf in self.graph.leaves("parameter"))
        return {name: self.arrays[name] for name in names if name in self.arrays}

    def initialize(self, sizes: Mapping[str, int] | None = None) -> dict[str, Array]:
        """Draw all parameters anew and forget the training; return them.

        Args:
            sizes: numbers for the letters in the shapes of parameters, {"d": 64}.
        """
        self.arrays = dict(initialize(self.graph, sizes, self.blueprint.schemes, seed=self.seed))
        self.history = History()
        return self.parameters

    def step(self, optimizer: Optimizer) -> Step[Graph]:
        """Return a training step as one graph: forward, loss, backward and updates."""
        return training_step(self.graph, optimizer)

    def fit(
        self,
        X: Given,
        y: Given,
        *,
        optimizer: Optimizer | None = None,
        epochs: int = 10,
        batch_size: int | None = 32,
        validation: float | tuple[Any, ...] = 0.0,
        sample_weight: Any = None,
        on_epoch: Callable[[Epoch], object] | None = None,
    ) -> History:
        """Train; a second call goes on where the first one ended, the optimizer's states included.

        Args:
            X: the input (m, d), or arrays by the names of the inputs.
            y: the targets, class numbers (m) or numbers (m, k), (m) for k = 1; or by the outputs' names.
            optimizer: Adam() if omitted.
            epochs: how often each example is seen.
            batch_size: examples in a step; all if None.
            validation: (X, y) to be looked at after each epoch, or the share of the examples to hold out.
            sample_weight: a weight for each example (m), where the loss was made with sample_weights=True.
            on_epoch: called after each epoch, `cr.progress_bar()` for example.

        Returns:
            The history of all calls so far.

        Raises:
            NotFiniteError: the loss is NaN or infinite; the last parameters with a finite one are kept.
            ChainruleError: arrays do not fit the network.
        """
        whole = prepare(self.graph, self.blueprint, X, y, sample_weight)
        training, held_out = hold_out(self.graph, self.blueprint, whole, validation, self.seed)
        if not self.arrays:
            self.initialize(sizes_of(self.graph, whole))
        step = self.step(optimizer or Adam())
        watch = None if held_out is None else self._evaluation(held_out)
        before = len(self.history)

        def after_epoch(epoch: Epoch) -> None:
            if watch is not None:
                self._note(watch(epoch.parameters()))
            if on_epoch is not None:
                on_epoch(epoch)

        try:
            result = fit(
                step,
                {**self._settings(step.graph), **self._known_to(step.graph), **training},
                epochs=epochs,
                batch_size=batch_size,
                seed=[self.seed, before],
                on_epoch=after_epoch,
            )
        except NotFiniteError as error:
            self.arrays.update(error.parameters)
            raise
        self.arrays.update(result.parameters)
        self.history.losses += result.losses
        self.history.interrupted = result.interrupted
        return self.history

    def _settings(self, graph: Graph) -> dict[str, Any]:
        """Return the numbers of hyperparameters, and the seed of random masks, as far as a graph has them."""
        settings = {**self.blueprint.settings, "seed": self.seed}
        return {name: number for name, number in settings.items() if name in graph}

    def _evaluation(self, data: Mapping[str, Array]) -> Evaluation:
        heads = list(self.blueprint.heads.values())
        return Evaluation(self.graph, heads, {**self._settings(self.graph), **data})

    def _note(self, measured: Mapping[str, float]) -> None:
        self.history.validation_losses.append(measured["loss"])
        if "accuracy" in measured:
            self.history.accuracies.append(measured["accuracy"])

    def run(self, X: Given, *names: str) -> dict[str, Array]:
        """Return values by name as a prediction computes them: without dropout, with running statistics.

        Raises:
            DataError: the network has no parameters yet.
            UnknownNameError: a name is not in the graph.
        """
        if not self.arrays:
            raise DataError("the network has no parameters yet.", fix="fit it first, or initialize(sizes).")
        key = tuple(names)
        if key not in self._programs:
            graph = self.graph.for_prediction(names)
            self._programs[key] = graph, Program(graph)
        graph, program = self._programs[key]
        inputs = input_arrays(self.blueprint.inputs, X)
        used = {name: array for name, array in inputs.items() if name in graph}
        arrays = {**self._settings(graph), **self._known_to(graph), **used}
        outputs, _ = program(bind(graph, arrays))
        by_value = dict(zip(graph.outputs, outputs, strict=True))
        return {name: by_value[graph[name]] for name in names}

    def _known_to(self, graph: Graph) -> dict[str, Array]:
        return {name: array for name, array in self.arrays.items() if name in graph}

    def predict(self, X: Given) -> Any:
        """Return class numbers (m), 0 or 1 for each output of a binary classification, or numbers.

        Returns:
            An array; by the names of the outputs where there are several.
        """
        return self._by_head({name: self._read(head) for name, head in self.blueprint.heads.items()}, X)

    def predict_proba(self, X: Given) -> Any:
        """Return the probability of each class (m, k), or of a 1 for each output of a binary classification.

        Raises:
            DataError: an output is a number, not a class.
        """
        heads = {name: head for name, head in self.blueprint.heads.items() if head.task != "values"}
        if not heads:
            raise DataError(
                "this network predicts numbers, which have no probabilities.", fix="use predict(X)."
            )
        return self._by_head(dict.fromkeys(heads, lambda P: P), X)

    def _by_head(self, readers: Mapping[str, Callable[[Array], Array]], X: Given) -> Any:
        heads = {name: self.blueprint.heads[name] for name in readers}
        found = self.run(X, *(head.prediction for head in heads.values()))
        read = {name: readers[name](found[head.prediction]) for name, head in heads.items()}
        return read[""] if list(read) == [""] else read

    def _read(self, head: Head) -> Callable[[Array], Array]:
        flat = head.target in self.blueprint.flat
        return {
            "classes": lambda P: np.argmax(P, axis=-1),
            "binary": lambda P: _squeezed((P > 0.5).astype(np.int64), flat),
            "values": lambda P: _squeezed(P, flat),
        }[head.task]

    def activations(self, X: Given, *names: str) -> Any:
        """Return one value of the network by name, such as "A1", for the rows of X, or several in a dict.

        They are computed by the prediction rules.
        """
        if not names:
            raise UnknownNameError("no value is asked for.", fix='name one: activations(X, "A1").')
        for name in names:
            if name not in self.graph:
                raise UnknownNameError(
                    f"nothing is called {name}.", fix=nearest(normalized(name), self.graph.names)
                )
        found = self.run(X, *names)
        return found[names[0]] if len(names) == 1 else found

    def evaluate(self, X: Given, y: Given) -> dict[str, float]:
        """Return the loss L, and for classes the accuracy, by the prediction rules."""
        return self._evaluation(prepare(self.graph, self.blueprint, X, y, None))(self.arrays)

    def summary(self, *, batch_size: int = 32, dtype: Any = np.float64) -> str:
        """Return a table: layers, output shapes, parameters, and the values kept for the backward pass.

        Args:
            batch_size: examples m for which bytes are counted.
            dtype: type of the numbers.
        """
        sizes = {"m": batch_size, **self._input_sizes()}
        step = self.step(Adam()).graph
        table = summary_table(self.graph, self.blueprint.records, step, sizes, np.dtype(dtype).itemsize)
        return f"{table}\n(a batch of {batch_size} examples, {np.dtype(dtype).name})"

    def _input_sizes(self) -> dict[str, int]:
        """Return the letters that the parameters have settled."""
        return {
            size: actual
            for name, array in self.parameters.items()
            for size, actual in zip(self.graph[name].shape, array.shape, strict=True)
            if isinstance(size, str)
        }

    def save(self, path: str | Path) -> None:
        """Write equations, parameters, states and history to one safetensors file.

        Raises:
            DataError: there are no parameters yet, or the file cannot be written.
        """
        if not self.arrays:
            raise DataError("the network has no parameters yet.", fix="fit it first, or initialize(sizes).")
        save_network(path, self.graph, self.blueprint, self.arrays, self.history, self.seed)


def load(path: str | Path) -> Network:
    """Return a network that `Network.save` wrote; its predictions are the same to the last bit.

    Raises:
        ModelFileError: the file is missing, damaged, or no network.
    """
    graph, blueprint, arrays, history, seed = load_network(path)
    network = Network.__new__(Network)
    network._begin(graph, blueprint, seed)
    network.arrays, network.history = arrays, history
    return network


def _squeezed(array: Array, flat: bool) -> Array:
    return array[:, 0] if flat and array.ndim == 2 and array.shape[1] == 1 else array
