"""The public Network: layers or equations with their parameters, that fit, predict, explain and are saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, NotFiniteError, UnknownNameError, nearest
from chainrule.execute.executor import USUAL, checked_dtype, laid_out
from chainrule.graph import Graph, parse
from chainrule.ir.names import normalized
from chainrule.nn.adopt import adopted
from chainrule.nn.initializers import checked_seed, initialize
from chainrule.nn.layer import checked_layers
from chainrule.nn.losses import Task
from chainrule.nn.sequential import AnyLoss, Blueprint, Penalties, Widths, build_network
from chainrule.nn.summary import summary_table
from chainrule.ops.random import Draw
from chainrule.optim.adam import Adam
from chainrule.optim.optimizer import Optimizer
from chainrule.saved import Training, load_network, save_network
from chainrule.train.evaluation import Evaluation, noting
from chainrule.train.examples import check_sizes, hold_out, input_arrays, prepare, sizes_of
from chainrule.train.history import History
from chainrule.train.loop import Epoch, fit
from chainrule.train.prediction import Prediction
from chainrule.train.remembered import remembered_step
from chainrule.train.step import Step, training_step

Array = NDArray[Any]
Given = Any
_ORDER = (0, 1)  # the order of the examples has a stream of its own, beside those of the parameters


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
        dtype: float32 or float64, in training and prediction.

    Raises:
        ChainruleError: a layer does not fit what comes before it; the message starts with its number.
        DataError: a seed or a penalty is not a number it can be.

    Example:
        >>> import chainrule as cr
        >>> net = cr.Network([cr.Dense(8, "tanh"), cr.Dense(3)], loss="softmax_cross_entropy", inputs=4)
        >>> print(net.graph.text(section="forward"))
        R1 = X W1                                  : (m, 8)
        Z1 = R1 + b1                               : (m, 8)
        A1 = tanh(Z1)                              : (m, 8)
        R2 = A1 W2                                 : (m, 3)
        Z2 = R2 + b2                               : (m, 3)
        P  = softmax(Z2)                           : (m, 3)
        L  = 1/m sum(softmax_cross_entropy(Z2, y)) : ()
        J  = L                                     : ()
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
        dtype: Any = USUAL,
    ) -> None:
        graph = Graph()
        listed = checked_layers(layers, "Network")
        blueprint = build_network(graph, listed, loss, inputs, Penalties(weight_decay, l1))
        self._begin(graph, blueprint, seed, dtype)

    def _begin(self, graph: Graph, blueprint: Blueprint, seed: int, dtype: Any) -> None:
        self.graph, self.blueprint, self.seed = graph, blueprint, checked_seed(seed)
        self.arrays: dict[str, Array] = {}
        self.owner = ""
        self.dtype = checked_dtype(dtype)
        self.history = History()
        self._predictions: dict[tuple[str, ...], Prediction] = {}

    @classmethod
    def from_graph(
        cls,
        graph: Graph,
        *,
        output: str = "",
        task: Task | None = None,
        settings: Mapping[str, Any] | None = None,
        sizes: Mapping[str, int] | None = None,
        initializer: Any = "glorot",
        seed: int = 0,
        dtype: Any = USUAL,
    ) -> Network:
        """Return the network that a graph with an objective J describes, from an `.eqn` file for example.

        What `output` is made of and is data is an input; all other data is a target.

        Args:
            graph: forward equations, with J.
            output: the value predicted; P, or the first operand of the loss, if omitted.
            task: how it is read, "classes", "binary" or "values"; as the loss says if omitted.
            settings: numbers of the hyperparameters, such as {"λ": 1e-4}.
            sizes: numbers for letters that no data settles, such as the width of a hidden layer, {"h": 16}.
            initializer: how matrices start; one for all, or by the parameter's name.
            seed: of the starting weights, the order of the examples and all random masks.
            dtype: float32 or float64, in training and prediction.

        Raises:
            GraphError: it is not plain what is predicted, or there is no J.
        """
        network = cls.__new__(cls)
        own, blueprint = adopted(graph, output, dict(settings or {}), initializer, task)
        blueprint.sizes = dict(sizes or {})
        network._begin(own, blueprint, seed, dtype)
        return network

    def __repr__(self) -> str:
        parameters = len(self.graph.leaves("parameter"))
        return f"<Network of {len(self.blueprint.records)} layers, {parameters} parameter arrays>"

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs; predictions are made ready again."""
        return {**self.__dict__, "_predictions": {}}

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters by name, as they are now; empty before `fit` or `initialize`."""
        names = (self.graph.names_of(leaf)[0] for leaf in self.graph.leaves("parameter"))
        return {name: self.arrays[name] for name in names if name in self.arrays}

    def initialize(self, sizes: Mapping[str, int] | None = None) -> dict[str, Array]:
        """Draw all parameters anew and forget the training; return them.

        Args:
            sizes: numbers for the letters in the shapes of parameters, {"d": 64}; those that are known need
                not be said again.
        """
        self.arrays = self._starting_arrays({**self._input_sizes(), **(sizes or {})})
        self.history, self.owner = History(), ""
        return self.parameters

    def _starting_arrays(self, sizes: Mapping[str, int]) -> dict[str, Array]:
        said, usual = self.blueprint.schemes, self.blueprint.usual
        known = {**self.blueprint.sizes, **sizes}
        drawn = initialize(self.graph, known, usual, said=said, seed=self.seed)
        return {name: array.astype(self.dtype) if array.ndim else array for name, array in drawn.items()}

    def step(self, optimizer: Optimizer) -> Step[Graph]:
        """Return a training step as one graph: forward, loss, backward and updates.

        It is made of the equations as they are saved, so that a loaded network sums gradients in the same
        order, and trains to the same bits.
        """
        return training_step(parse(self.graph.text()), optimizer)

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
        threads: int | None = None,
        on_epoch: Callable[[Epoch], object] | None = None,
    ) -> History:
        """Train; a second call goes on where the first one ended, as if they were one.

        The states of an optimizer are kept as long as the next call has one of the same kind.

        Args:
            X: the input (m, d), or arrays by the names of the inputs.
            y: the targets, class numbers (m) or numbers (m, k), (m) for k = 1; or by the outputs' names.
            optimizer: Adam() if omitted.
            epochs: how often each example is seen.
            batch_size: examples in a step; all if None.
            validation: (X, y) to be looked at after each epoch, or the share of the examples to hold out.
            sample_weight: a weight for each example (m), where the loss was made with sample_weights=True.
            threads: how many; as many as make steps fastest if None. The result does not depend on it.
            on_epoch: called after each epoch, `cr.progress_bar()` for example.

        Returns:
            The history of all calls so far.

        Raises:
            NotFiniteError: the loss is NaN or infinite; the last parameters with a finite one are kept.
            ChainruleError: arrays do not fit the network.
        """
        data = prepare(self.graph, self.blueprint, X, y, sample_weight, training=True)
        check_sizes(self.graph, data.arrays, self._input_sizes())
        training, held_out = hold_out(self.graph, self.blueprint, data.arrays, validation, self.seed)
        watch = None if held_out is None else self._evaluation(held_out)
        history = replace(deepcopy(self.history), interrupted=False)
        notice = noting(history, watch, on_epoch)
        options = {"epochs": epochs, "batch_size": batch_size, "threads": threads, "on_epoch": notice}
        self._train(Adam() if optimizer is None else optimizer, training, history, **options)
        self.blueprint.flat = data.flat
        return history

    def _train(
        self, optimizer: Optimizer, data: Mapping[str, Array], history: History, **options: Any
    ) -> None:
        """Train from where the network is, and keep what comes of it."""
        step, owner = remembered_step(self.graph, optimizer, self.step), type(optimizer).__name__
        start = self._carried_on(owner) or self._starting_arrays(sizes_of(self.graph, data))
        arrays = {**self._settings(step.graph), **_known(start, step.graph), **data}
        options.update(examples=self.blueprint.examples, seed=[self.seed, *_ORDER], dtype=self.dtype)
        try:
            result = fit(step, arrays, done=len(history), **options)
        except NotFiniteError as error:
            self._keep({**start, **error.parameters}, owner, history)
            raise
        history.interrupted = result.interrupted
        self._keep({**start, **result.parameters}, owner, history)

    def _carried_on(self, owner: str) -> dict[str, Array]:
        """Return the arrays there are, without the states of an optimizer of another kind."""
        return {n: array for n, array in self.arrays.items() if owner == self.owner or n in self.graph}

    def _keep(self, arrays: dict[str, Array], owner: str, history: History) -> None:
        self.arrays, self.owner, self.history = laid_out(arrays, self.dtype), owner, history

    def _settings(self, graph: Graph) -> dict[str, Any]:
        """Return the numbers of hyperparameters, and the seed of random masks, as far as a graph has them."""
        settings = {**self.blueprint.settings, "seed": self.seed}
        return {name: number for name, number in settings.items() if name in graph}

    def _evaluation(self, data: Mapping[str, Array]) -> Evaluation:
        heads = list(self.blueprint.heads.values())
        return Evaluation(self.graph, heads, {**self._settings(self.graph), **data}, self.dtype)

    def run(self, X: Given, *names: str) -> dict[str, Array]:
        """Return values by name as a prediction computes them: without dropout, with running statistics.

        Raises:
            DataError: the network has no parameters yet.
            UnknownNameError: a name is not in the graph.
        """
        self._check_started()
        if names not in self._predictions:
            self._predictions[names] = Prediction(self.graph, names, self.dtype, self._check_inputs)
            self._check_without_targets(self._predictions[names].graph)
        inputs = input_arrays(self.blueprint.inputs, X)
        settings = self.blueprint.settings
        return self._predictions[names]({**settings, "seed": self.seed, **self.arrays, **inputs})

    def _check_inputs(self, arrays: Mapping[str, Any]) -> None:
        inputs = {name: arrays[name] for name in self.blueprint.inputs}
        check_sizes(self.graph, inputs, self._input_sizes())

    def _check_started(self) -> None:
        if not self.arrays:
            raise DataError("the network has no parameters yet.", fix="fit it first, or initialize(sizes).")

    def _check_without_targets(self, graph: Any) -> None:
        for head in self.blueprint.heads.values():
            if head.target in graph:
                raise DataError(
                    f"{graph.describe(graph.outputs[0])} depends on the target {head.target}, "
                    "which a prediction has not.",
                    fix="evaluate(X, y) returns the loss.",
                )

    def predict(self, X: Given) -> Any:
        """Return class numbers (m), 0 or 1 for each output of a binary classification, or numbers.

        Returns:
            An array; by the names of the outputs where there are several.
        """
        heads, flat = self.blueprint.heads, self.blueprint.flat
        return self._by_head(
            {name: partial(head.read, flat=head.target in flat) for name, head in heads.items()}, X
        )

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
            if isinstance(self.graph[name].op, Draw):
                raise DataError(f"{name} is drawn in training; a prediction has no such random values.")
        found = self.run(X, *names)
        return found[names[0]] if len(names) == 1 else found

    def evaluate(self, X: Given, y: Given, *, sample_weight: Any = None) -> dict[str, float]:
        """Return the loss L, and for classes the accuracy, by the prediction rules.

        Args:
            X: the input, as for `fit`.
            y: the targets, as for `fit`.
            sample_weight: a weight for each example in the loss, all 1 if omitted.

        Raises:
            ChainruleError: there are no parameters yet, or arrays do not fit the network.
        """
        self._check_started()
        data = prepare(self.graph, self.blueprint, X, y, sample_weight).arrays
        return self._evaluation(data)(self.arrays)

    def summary(self, *, batch_size: int = 32, dtype: Any = None) -> str:
        """Return a table: layers, output shapes, parameters, and the values kept for the backward pass.

        Args:
            batch_size: examples m for which bytes are counted.
            dtype: type of the numbers; the network's own if None.
        """
        dtype = np.dtype(dtype or self.dtype)
        sizes = {"m": batch_size, **self._input_sizes()}
        step = self.step(Adam()).graph
        table = summary_table(self.graph, self.blueprint.records, step, sizes, dtype.itemsize)
        return f"{table}\n(a batch of {batch_size} examples, {dtype.name})"

    def _input_sizes(self) -> dict[str, int]:
        """Return the letters that the parameters have settled."""
        return self.blueprint.sizes | {
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
        self._check_started()
        training = Training(self.history, self.seed, self.owner, self.dtype.name)
        save_network(path, self.graph, self.blueprint, self.arrays, training)


def load(path: str | Path) -> Network:
    """Return a network that `Network.save` wrote; its predictions are the same to the last bit.

    Raises:
        ModelFileError: the file is missing, damaged, or no network.
    """
    graph, blueprint, arrays, training = load_network(path)
    network = Network.__new__(Network)
    network._begin(graph, blueprint, training.seed, training.dtype)
    network._keep(arrays, training.owner, training.history)
    return network


def _known(arrays: Mapping[str, Array], graph: Graph) -> dict[str, Array]:
    return {name: array for name, array in arrays.items() if name in graph}
