"""A list of layers and a loss as one graph: forward, loss of the data, penalties, objective."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from chainrule.errors import ChainruleError, DataError, KindError, ShapeError, UnknownNameError, nearest
from chainrule.ir.graph import Graph
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size, show_shape
from chainrule.ir.structural import declare
from chainrule.ir.value import Value
from chainrule.nn.combine import joined
from chainrule.nn.dense import Embedding
from chainrule.nn.initializers import Initializer
from chainrule.nn.layer import Layer, build_in_order, checked_layers
from chainrule.nn.losses import Function, Head, Loss, add_loss
from chainrule.nn.scope import Scope

Width: TypeAlias = "int | str | tuple[int | str, ...] | None"
Widths: TypeAlias = "Width | Mapping[str, Width]"
AnyLoss: TypeAlias = "str | Loss | Function"


class Inputs(Layer):
    """Several inputs side by side, the first layer of a network: each goes through layers of its own.

    Args:
        **branches: by the name of the input, a layer or list of layers; an input whose first layer is an
            Embedding holds class numbers (m), any other rows of numbers (m, d).

    Example:
        >>> import chainrule as cr
        >>> net = cr.Network(
        ...     [cr.Inputs(X=[], city=cr.Embedding(12, 3)), cr.Dense(1)],
        ...     loss="mean_squared_error",
        ...     inputs={"X": 4},
        ... )
        >>> print(net.graph.text(section="forward", only=["C0", "R1", "Z1"]))
        C0 = concat(X, take(E1, city)) : (m, 7)
        R1 = C0 W1                     : (m, 1)
        Z1 = R1 + b1                   : (m, 1)
    """

    def __init__(self, **branches: Layer | list[Layer]) -> None:
        if not branches:
            raise DataError("Inputs needs at least one input, by its name: Inputs(X=[…]).")
        self.branches = {name: checked_layers(branch, f"input {name}") for name, branch in branches.items()}

    def __repr__(self) -> str:
        return f"Inputs({', '.join(self.branches)})"

    def build(self, scope: Scope, x: Value) -> Value:
        raise ChainruleError("Inputs comes first in a network, not inside another layer.")


class Outputs(Layer):
    """Several outputs, the last layer of a network: each goes through layers of its own.

    Args:
        **heads: by the name of the output, a layer or list of layers.
    """

    def __init__(self, **heads: Layer | list[Layer]) -> None:
        if not heads:
            raise DataError("Outputs needs at least one output, by its name: Outputs(price=[…]).")
        self.heads = {name: checked_layers(head, f"output {name}") for name, head in heads.items()}

    def __repr__(self) -> str:
        return f"Outputs({', '.join(self.heads)})"

    def build(self, scope: Scope, x: Value) -> Value:
        raise ChainruleError("Outputs comes last in a network, not inside another layer.")


@dataclass(frozen=True)
class Record:
    """What one layer built.

    Attributes:
        label: the layer as its user wrote it.
        names: the names it brought into the graph, the last one its result.
    """

    label: str
    names: tuple[str, ...]


@dataclass
class Blueprint:
    """A network as a graph, and what its parts are for.

    Attributes:
        inputs: names of the data that predictions need.
        heads: the outputs, by their names; "" for the one of a network with one output.
        settings: numbers of the hyperparameters, by name.
        schemes: how parameters start, by name.
        usual: how matrices start that are not among them.
        sizes: numbers of letters that no data settles.
        examples: the letter that counts examples.
        records: what each layer built, in order.
        flat: targets (m, 1) that were given as (m); their predictions come back so.
    """

    inputs: tuple[str, ...]
    heads: dict[str, Head]
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    schemes: dict[str, Initializer] = field(default_factory=dict[str, Initializer])
    usual: Initializer = "glorot"
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    examples: str = "m"
    records: list[Record] = field(default_factory=list[Record])
    flat: set[str] = field(default_factory=set[str])


@dataclass(frozen=True)
class Penalties:
    """Factors of the penalties on the weights: λ/2 Σ ‖W‖² and λ_l1 Σ ‖W‖₁; both give the elastic net."""

    weight_decay: float = 0.0
    l1: float = 0.0

    def __post_init__(self) -> None:
        for name, factor in (("weight_decay", self.weight_decay), ("l1", self.l1)):
            if not isinstance(factor, int | float) or not 0 <= factor < math.inf:  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
                raise DataError(f"{name} is a finite number from 0, not {factor!r}.")


def build_network(
    graph: Graph,
    layers: list[Layer],
    loss: AnyLoss | Mapping[str, AnyLoss],
    inputs: Widths,
    penalties: Penalties,
) -> Blueprint:
    """Build layers, loss and objective into an empty graph.

    Examples are rows. One output has the prediction P, the target y (class numbers) or Y, the loss L and the
    objective J = L + s; of several outputs, `price` has P_price, Y_price and L_price, and L is their sum.

    Args:
        graph: an empty graph.
        layers: in order, Inputs first and Outputs last, if at all.
        loss: of the output, or of each output by its name.
        inputs: the width of the input, None for the letter d, or several axes; by name for Inputs.
        penalties: on the weights.

    Raises:
        ChainruleError: a layer does not fit what comes before it; the message starts with its number.
    """
    return _Construction(graph, inputs, penalties).run(layers, loss)


class _Construction:
    """One network being built."""

    def __init__(self, graph: Graph, inputs: Widths, penalties: Penalties) -> None:
        self.graph, self.scope, self.penalties = graph, Scope.of(graph), penalties
        self.widths = inputs
        self.blueprint = Blueprint((), {})

    def run(self, layers: list[Layer], loss: AnyLoss | Mapping[str, AnyLoss]) -> Blueprint:
        """Build inputs, layers, loss and objective, in this order."""
        _check_places(layers)
        first, last = layers[0], layers[-1]
        x = self.several_inputs(first) if isinstance(first, Inputs) else self.one_input(layers)
        for place, layer in enumerate(layers, start=1):
            if not isinstance(layer, Inputs | Outputs):
                with self.recording(repr(layer)):
                    x = build_in_order([layer], self.scope, x, place)
        if isinstance(last, Outputs):
            self.several_outputs(last, x, loss, len(layers))
        else:
            self.one_output(x, loss)
        self.objective()
        self.blueprint.schemes = dict(self.scope.schemes)
        return self.blueprint

    @contextmanager
    def recording(self, label: str) -> Iterator[None]:
        """Note the names that are given meanwhile as a layer's."""
        before = set(self.graph.names)
        yield
        new = tuple(name for name in self.graph.names if name not in before)
        self.blueprint.records.append(Record(label, new))

    def one_input(self, layers: list[Layer]) -> Value:
        if isinstance(self.widths, Mapping):
            raise DataError("inputs by name belong to a network that begins with Inputs(…).")
        self.blueprint.inputs = ("X",)
        return self.declare_input("X", layers, self.widths, "d")

    def declare_input(self, name: str, layers: list[Layer], width: Width, letter: str) -> Value:
        """Declare an input: class numbers before an Embedding, else rows of numbers."""
        if layers and isinstance(layers[0], Embedding):
            shape: Shape = ("m",) if width is None else ("m", *_axes(width))
            return self.graph.declare(name, declare("data", shape, "index"))
        return self.graph.declare(name, declare("data", ("m", *_axes(letter if width is None else width))))

    def several_inputs(self, first: Inputs) -> Value:
        """Declare the inputs, build their branches, and join these side by side."""
        widths = self.widths if isinstance(self.widths, Mapping) else {}
        if self.widths is not None and not isinstance(self.widths, Mapping):
            raise DataError("a network with several inputs takes their widths by name: inputs={'X': 4}.")
        for name in widths:
            if name not in first.branches:
                raise UnknownNameError(f"there is no input {name}.", fix=nearest(name, first.branches))
        self.blueprint.inputs = tuple(first.branches)
        values = {
            name: self.declare_input(name, branch, widths.get(name), f"d_{name}")
            for name, branch in first.branches.items()
        }
        with self.recording(repr(first)):
            made = [
                build_in_order(branch, self.scope, values[name], within=f" of input {name}")
                for name, branch in first.branches.items()
            ]
            return self.scope.name("C", beside(made, first))

    def one_output(self, x: Value, loss: AnyLoss | Mapping[str, AnyLoss]) -> None:
        if isinstance(loss, Mapping):
            raise DataError("losses by name belong to a network that ends in Outputs(…).")
        head, value = add_loss(self.graph, x, as_loss(loss), "", self.blueprint.settings)
        self.blueprint.heads[""] = head
        self.graph.name("L", value)

    def several_outputs(
        self, last: Outputs, x: Value, loss: AnyLoss | Mapping[str, AnyLoss], place: int
    ) -> None:
        """Build the heads with a loss each; L is the sum of the losses."""
        if not isinstance(loss, Mapping) or set(loss) != set(last.heads):
            raise DataError(
                f"the outputs are {', '.join(last.heads)}, so the loss needs one entry for each.",
                fix=f"loss={{'{next(iter(last.heads))}': 'mean_squared_error', …}}.",
            )
        total: Value | None = None
        for name, layers in last.heads.items():
            within = f" of output {name} in layer {place}"
            with self.recording(f"output {name}"):
                made = build_in_order(layers, self.scope, x, within=within)
            head, value = add_loss(self.graph, made, as_loss(loss[name]), f"_{name}", self.blueprint.settings)
            self.blueprint.heads[name] = head
            self.graph.name(f"L_{name}", value)
            total = value if total is None else total + value
        if total is not None:
            self.graph.name("L", total)

    def objective(self) -> None:
        """Add the penalties to the loss of the data, J = L + s."""
        terms = [*self.weight_penalties(), *self.scope.penalties]
        if not terms:
            self.graph.name("J", self.graph["L"])
            return
        self.graph.name("s", _total(terms))
        self.graph.name("J", self.graph["L"] + self.graph["s"])

    def weight_penalties(self) -> list[Value]:
        """Return λ/2 Σ ‖W‖² and λ_l1 Σ ‖W‖₁, as far as asked for."""
        weights = [weight for weight in self.scope.weights if not weight.attributes["frozen"]]
        factors = (("λ", self.penalties.weight_decay, "squared_norm"), ("λ_l1", self.penalties.l1, "l1_norm"))
        terms: list[Value] = []
        for name, number, norm in factors:
            if number and weights:
                factor = self.graph.declare(name, declare("hyperparameter", ()))
                self.blueprint.settings[name] = number
                total = _total([lookup(norm)(weight) for weight in weights])
                terms.append((factor / 2 if norm == "squared_norm" else factor) * total)
        return terms


def as_loss(loss: AnyLoss) -> Loss:
    """Return a loss by its name, or of a function.

    Raises:
        KindError: it is none of these.
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str) and not callable(loss):
        raise KindError(f"a loss is a name, a cr.Loss or a function of output and target, not {loss!r}.")
    return Loss(loss)


def beside(made: list[Value], first: Inputs) -> Value:
    """Return what the inputs come to side by side.

    Raises:
        ShapeError: they have different numbers of axes, or an unknown number of columns.
    """
    named = list(zip(first.branches, made, strict=True))
    unknown = [name for name, value in named if isinstance(value.shape[-1], str) and len(made) > 1]
    if unknown:
        raise ShapeError(
            f"layer 1, {first!r}: joined inputs need a number of columns, which {unknown[0]} has not.",
            fix=f"say it: cr.Network(…, inputs={{'{unknown[0]}': 4}}).",
        )
    axes = {value.ndim for value in made}
    if len(axes) > 1:
        shown = ", ".join(f"{name} {show_shape(value.shape)}" for name, value in named)
        raise ShapeError(
            f"layer 1, {first!r}: inputs that are joined need one number of axes: {shown}.",
            fix="end the longer one with cr.Flatten().",
        )
    return joined(made)


def _total(terms: list[Value]) -> Value:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _axes(width: Width) -> tuple[Size, ...]:
    return tuple(width) if isinstance(width, tuple) else (width,) if width is not None else ()


def _check_places(layers: list[Layer]) -> None:
    if not layers:
        raise DataError("a network needs at least one layer.", fix="cr.Network([cr.Dense(10)], loss=…).")
    for place, layer in enumerate(layers, start=1):
        if isinstance(layer, Inputs) and place != 1:
            raise ChainruleError(f"layer {place}, {layer!r}: Inputs comes first in a network.")
        if isinstance(layer, Outputs) and place != len(layers):
            raise ChainruleError(f"layer {place}, {layer!r}: Outputs comes last in a network.")
