"""How a network's last value and its targets become a loss, with the sum or mean over the examples stated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, GraphError, KindError, ShapeError, UnknownNameError, nearest
from chainrule.ir.constant import Constant
from chainrule.ir.graph import Graph
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, show_shape
from chainrule.ir.structural import declare
from chainrule.ir.value import Value

Target: TypeAlias = Literal["classes", "rows", "like"]
Task: TypeAlias = Literal["classes", "binary", "values"]
Reduction: TypeAlias = Literal["mean", "sum"]
Function: TypeAlias = "Callable[[Value, Value], Value]"


@dataclass(frozen=True)
class _Kind:
    """One row of the table of losses.

    Attributes:
        op: what makes a loss for each example or element.
        target: class numbers (m), rows of probabilities (m, k), or shaped like the output.
        link: what turns the last value into a prediction, "" if it is one already.
        task: how predictions are read.
        over: what the mean is over: the m examples, or all m k elements.
    """

    op: str
    target: Target = "like"
    link: str = ""
    task: Task = "values"
    over: Literal["examples", "elements"] = "elements"


KINDS: Mapping[str, _Kind] = {
    "softmax_cross_entropy": _Kind("softmax_cross_entropy", "classes", "softmax", "classes", "examples"),
    "cross_entropy": _Kind("cross_entropy", "classes", "", "classes", "examples"),
    "sigmoid_cross_entropy": _Kind("sigmoid_cross_entropy", "like", "sigmoid", "binary", "examples"),
    "binary_cross_entropy": _Kind("binary_cross_entropy", "like", "", "binary", "examples"),
    "focal": _Kind("focal", "like", "sigmoid", "binary", "examples"),
    "hinge": _Kind("hinge", over="examples"),
    "kullback_leibler": _Kind("kullback_leibler", "rows", "", "classes", "examples"),
    "cosine_distance": _Kind("cosine_distance", over="examples"),
    "mean_squared_error": _Kind("squared_error"),
    "squared_error": _Kind("squared_error"),
    "absolute_error": _Kind("absolute_error"),
    "huber": _Kind("huber"),
    "log_cosh": _Kind("log_cosh"),
    "quantile_error": _Kind("quantile_error"),
    "poisson": _Kind("poisson"),
}
_PROBABILITIES = ("cross_entropy", "binary_cross_entropy", "kullback_leibler")
_UNBOUNDED = (
    "add", "matmul", "identity", "batch_norm", "layer_norm", "rms_norm", "log_softmax", "tanh", "hardtanh",
    "softsign", "relu", "leaky_relu", "prelu", "relu6", "elu", "celu", "selu", "gelu", "gelu_tanh", "silu",
    "mish", "softplus", "hardswish", "maxout",
)  # fmt: skip
_UNSUITED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "cross_entropy": (
        ("sigmoid",),
        "rows of probabilities come from softmax; for sigmoid, binary_cross_entropy.",
    ),
    "poisson": (("add", "matmul", "identity", "tanh"), "rates are positive: end in 'softplus' or 'exp'."),
}


class Loss:
    """A loss with its settings, for `cr.Network(loss=…)`.

    For the examples i = 1 … m, L = 1/m Σᵢ wᵢ lᵢ; with reduction="sum", L = Σᵢ wᵢ lᵢ. Losses of regression
    that have one number for each of k outputs are averaged over all m k of them. The weights stand in
    the equations: a sample weight is data w (m), a class weight a hyperparameter c (k), read at the class.

    Args:
        name: of the loss, or a function of output and target, both Values, that returns the losses of the
            examples (m), of the elements (m, k), or a scalar.
        reduction: "mean" or "sum" over the examples.
        sample_weights: whether `fit` is given a weight for each example.
        class_weights: a factor for each class, in order or by the class number, {0: 1, 1: 4}.
        rows: for cross-entropies, whether targets are rows of probabilities in place of class numbers.
        **settings: attributes of the op, such as label_smoothing=0.1 or delta=2.

    Raises:
        UnknownNameError: no loss has the name.
        DataError: a setting that makes no sense.
    """

    def __init__(
        self,
        name: str | Function,
        *,
        reduction: Reduction = "mean",
        sample_weights: bool = False,
        class_weights: Sequence[float] | Mapping[int, float] | None = None,
        rows: bool = False,
        **settings: Any,
    ) -> None:
        if isinstance(name, str) and name not in KINDS:
            raise UnknownNameError(f"there is no loss {name}.", fix=nearest(name, KINDS))
        if reduction not in ("mean", "sum"):
            raise DataError(f"losses are combined by 'mean' or 'sum', not {reduction!r}.")
        numbers = None if class_weights is None else _in_order(class_weights)
        if numbers is not None and not all(0 <= weight < math.inf for weight in numbers):
            raise DataError(f"class weights are finite and not negative, other than {numbers}.")
        self.name, self.reduction, self.sample_weights = name, reduction, sample_weights
        self.class_weights, self.rows, self.settings = numbers, rows, settings

    @property
    def kind(self) -> _Kind:
        """What the loss asks for."""
        kind = KINDS[self.name] if isinstance(self.name, str) else _Kind("")
        return _Kind(kind.op, "rows", kind.link, kind.task, kind.over) if self.rows else kind

    def __repr__(self) -> str:
        return f"Loss({self.name!r})"


def _in_order(weights: Sequence[float] | Mapping[int, float]) -> list[float]:
    """Return class weights in the order of the classes."""
    if isinstance(weights, Mapping):
        missing = [number for number in range(len(weights)) if number not in weights]
        if missing:
            raise DataError(
                f"class_weights has nothing for class {missing[0]}.", fix="one weight for each class."
            )
        weights = [weights[number] for number in range(len(weights))]
    try:
        return [float(weight) for weight in weights]
    except (TypeError, ValueError):
        raise DataError(
            f"class weights are numbers, not {weights!r}.",
            fix="m / (k counts) balances classes: len(y) / (k * numpy.bincount(y)).",
        ) from None


@dataclass(frozen=True)
class Head:
    """One output of a network: its prediction, its target, and the names by which they go.

    Attributes:
        prediction: name of the value that is predicted.
        target: name of the data it is compared with.
        task: how predictions are read: the greatest of several classes, above ½, or as they are.
        weights: name of the sample weights, or "".
    """

    prediction: str
    target: str
    task: Task
    weights: str = ""

    def read(self, prediction: NDArray[Any], *, flat: bool) -> NDArray[Any]:
        """Return the classes, or numbers, that a prediction means; a single column as (m) if `flat`."""
        if self.task == "classes":
            return prediction.argmax(axis=-1)
        found = (prediction > 0.5).astype(np.int64) if self.task == "binary" else prediction
        return found[:, 0] if flat and found.ndim == 2 and found.shape[1] == 1 else found


def add_loss(
    graph: Graph, output: Value, loss: Loss, suffix: str, settings: dict[str, Any]
) -> tuple[Head, Value]:
    """Declare the target of an output, name its prediction P, and return the head and the loss L.

    Args:
        graph: the network.
        output: the last value.
        loss: what to add.
        suffix: put behind the names of P, Y, y, w and c, where there are several outputs.
        settings: where the numbers of class weights go, by name.

    Raises:
        GraphError: the output is not what the loss expects.
        ShapeError: likewise.
    """
    kind = loss.kind
    _check_output(graph, output, loss)
    target = _declare_target(graph, output, kind, suffix)
    prediction = lookup(kind.link)(output) if kind.link else output
    graph.name(f"P{suffix}", prediction)
    losses = _losses(output, target, loss)
    weights = graph.declare(f"w{suffix}", declare("data", ("m",))) if loss.sample_weights else None
    if weights is not None:
        losses = _times_rows(weights, losses)
    if loss.class_weights is not None:
        losses = _times_rows(_class_weights(output, target, loss, suffix, settings), losses)
    weighted = f"w{suffix}" if weights is not None else ""
    head = Head(f"P{suffix}", graph.names_of(target)[0], kind.task, weighted)
    return head, _reduced(output, target, losses, loss)


def _check_output(graph: Graph, output: Value, loss: Loss) -> None:
    kind, shown = loss.kind, f"{graph.describe(output)} {show_shape(output.shape)}"
    if kind.target != "like" and output.ndim != 2:
        raise ShapeError(
            f"{loss.name} needs a row of numbers for each example, (m, k), not {shown}.",
            fix="put Flatten() before the last layers.",
        )
    if kind.task == "classes" and output.shape[-1] == 1:
        raise ShapeError(
            f"{loss.name} needs a number for each of several classes, but {shown} has one.",
            fix="Dense(2) for two classes, or loss='sigmoid_cross_entropy'.",
        )
    ops, fix = _UNSUITED.get(str(loss.name), ((), ""))
    if output.op.name in ops:
        raise GraphError(f"{shown}, which ends in {output.op.name}, does not suit {loss.name}.", fix=fix)
    if kind.link and output.op.name == kind.link:
        safe = "cross_entropy" if kind.link == "softmax" else "binary_cross_entropy"
        raise GraphError(
            f"the last layer ends in {kind.link}, and {loss.name} applies {kind.link} itself.",
            fix=f"leave the activation out, or use loss={safe!r}.",
        )
    if loss.name in _PROBABILITIES and output.op.name in _UNBOUNDED:
        link = "sigmoid" if loss.name == "binary_cross_entropy" else "softmax"
        raise GraphError(
            f"{loss.name} takes probabilities, but {shown} may lie outside 0 … 1.",
            fix=f"Dense({output.shape[-1]}, {link!r}) makes some, or use loss='{link}_cross_entropy'.",
        )


def _declare_target(graph: Graph, output: Value, kind: _Kind, suffix: str) -> Value:
    if kind.target == "classes":
        return graph.declare(f"y{suffix}", declare("data", output.shape[:1], "index"))
    return graph.declare(f"Y{suffix}", declare("data", output.shape))


def _losses(output: Value, target: Value, loss: Loss) -> Value:
    if isinstance(loss.name, str):
        return lookup(loss.kind.op)(output, target, **loss.settings)
    losses = loss.name(output, target)
    if not isinstance(losses, Value):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may return
        raise KindError(f"the loss returned {type(losses).__name__}, not a value of the graph.")
    return losses


def _times_rows(weights: Value, losses: Value) -> Value:
    """Return losses times one weight for each example."""
    if losses.ndim == 0:
        raise ShapeError("this loss is one number, so its examples cannot be weighted.")
    if losses.ndim == weights.ndim:
        return weights * losses
    return weights.reshape(*weights.shape, *(1 for _ in losses.shape[weights.ndim :])) * losses


def _class_weights(output: Value, target: Value, loss: Loss, suffix: str, settings: dict[str, Any]) -> Value:
    """Return one weight for each example, or for each element of a target of zeros and ones."""
    numbers = loss.class_weights or []
    task = loss.kind.task
    classes = 2 if task == "binary" else output.shape[-1]
    if task == "values" or len(numbers) != classes:
        wanted = f"needs {classes} of them" if task != "values" else "knows no classes"
        raise DataError(f"class_weights has {len(numbers)} numbers, but {loss.name} {wanted}.")
    if task == "binary":
        return numbers[0] + (numbers[1] - numbers[0]) * target
    weights = output.graph.declare(f"c{suffix}", declare("hyperparameter", (len(numbers),)))
    settings[f"c{suffix}"] = numbers
    return lookup("take")(weights, target, axis=0) if target.kind == "index" else target @ weights


def _reduced(output: Value, target: Value, losses: Value, loss: Loss) -> Value:
    """Return the sum or mean over the examples."""
    plain = not loss.sample_weights and loss.class_weights is None
    if loss.name == "mean_squared_error" and plain and loss.reduction == "mean":
        return lookup("mean_squared_error")(output, target)
    total = losses.sum() if losses.ndim else losses
    if loss.reduction == "sum" or losses.ndim == 0:
        return total
    shape: Shape = losses.shape if loss.kind.over == "elements" else losses.shape[:1]
    return Constant.count(shape).reciprocal() * total
