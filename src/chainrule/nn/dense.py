"""Layers with weights: Dense, and Embedding for categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from chainrule.errors import DataError, KindError, ShapeError
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Size, show_shape
from chainrule.ir.value import Value
from chainrule.nn.activation import Activate, activated, start_for
from chainrule.nn.initializers import Initializer, initializer
from chainrule.nn.layer import Layer, units_of
from chainrule.nn.scope import Scope

Parameters: TypeAlias = "dict[str, Value]"


@dataclass(frozen=True, eq=False, repr=False)
class Dense(Layer):
    """A layer of units that each see all inputs: R = X W, Z = R + b, A = f(Z).

    X is (m, d), W (d, h), b (h), and R, Z, A are (m, h). Without a bias Z = X W; without an activation the
    layer ends with Z. More axes before the last are allowed, (m, …, d).

    Args:
        units: their number h.
        activation: the name of an element-wise op, of softmax or log_softmax, or a function from Value to
            Value; none if omitted.
        bias: whether there is a b.
        initializer: how W starts, see `chainrule.nn.initializers.initializer`; if omitted He for relu and
            its kin, LeCun for selu, Glorot for the others.
        frozen: whether training leaves W and b as they are.
        tied: another Dense layer whose W this one uses transposed, or as it is where that fits alone.

    Raises:
        DataError: a width that is no whole number from 1.
        ShapeError: when applied, an input without an axis of units, or a tied W that does not fit.
    """

    units: int
    activation: Activate | None = None
    bias: bool = True
    initializer: Initializer | None = None
    frozen: bool = False
    tied: Dense | None = None

    def __post_init__(self) -> None:
        check_count(self.units, "units", "Dense")
        if self.initializer is not None:
            initializer(self.initializer)

    def __repr__(self) -> str:
        activation = (
            self.activation if isinstance(self.activation, str) else "function" * bool(self.activation)
        )
        marks = ["no bias"] * (not self.bias) + ["frozen"] * self.frozen + ["tied"] * bool(self.tied)
        return f"Dense({', '.join([str(self.units), *([activation] if activation else []), *marks])})"

    def build(self, scope: Scope, x: Value) -> Value:
        width = units_of(x, "Dense")[-1]
        number = scope.next_number()
        parameters = scope.shared(self) or self.declared(scope, x, width)
        value = x @ parameters["W"]
        if self.bias:
            value = scope.name("R", value) + parameters["b"]
        value = scope.name("Z", value)
        if self.activation is None:
            return value
        result = activated(self.activation, value, scope)
        scope.number = number
        return scope.name("A", result)

    def declared(self, scope: Scope, x: Value, width: Size) -> Parameters:
        """Declare W and b, or find the W of the layer this one is tied to."""
        parameters = {
            "W": self.tied_weights(scope, x) if self.tied is not None else self.weights(scope, width)
        }
        if self.bias:
            parameters["b"] = scope.parameter("b", (self.units,), frozen=self.frozen)
        scope.share(self, parameters)
        return parameters

    def weights(self, scope: Scope, width: Size) -> Value:
        """Declare W."""
        start = self.initializer if self.initializer is not None else start_for(self.activation)
        weights = scope.parameter("W", (width, self.units), start, frozen=self.frozen)
        scope.weights.append(weights)
        return weights

    def tied_weights(self, scope: Scope, x: Value) -> Value:
        """Return the other layer's W, transposed if that fits.

        Raises:
            ShapeError: it fits in neither way, or is not there yet.
        """
        assert self.tied is not None  # noqa: S101 - the caller asked
        shared = scope.shared(self.tied)
        if shared is None:
            raise ShapeError(f"the layer it is tied to, {self.tied!r}, is not part of the network before it.")
        other, wanted = shared["W"], (x.shape[-1], self.units)
        for candidate in (other.T, other):
            if candidate.shape == wanted:
                return candidate
        name = x.graph.describe(other)
        raise ShapeError(
            f"it needs W {show_shape(wanted)}, but {name} of {self.tied!r} is {show_shape(other.shape)}.",
            fix=f"{name}ᵀ takes {other.shape[1]} inputs to {other.shape[0]} units.",
        )


@dataclass(frozen=True, eq=False, repr=False)
class Embedding(Layer):
    """One learned row of numbers for each category: V = E[x], the rows of E that the class numbers name.

    x is (m) or (m, j) of kind index, E (categories, units), V (m, units) or (m, j, units).

    Args:
        categories: how many there are; class numbers lie below.
        units: the length of a row.
        initializer: how E starts; normal with deviation 1/√units if omitted.
        frozen: whether training leaves E as it is.

    Source: Y. Bengio et al., A neural probabilistic language model, JMLR 2003.
    """

    categories: int
    units: int
    initializer: Initializer | None = None
    frozen: bool = False

    def __post_init__(self) -> None:
        check_count(self.categories, "categories", "Embedding")
        check_count(self.units, "units", "Embedding")

    def __repr__(self) -> str:
        return f"Embedding({self.categories}, {self.units}{', frozen' * self.frozen})"

    def build(self, scope: Scope, x: Value) -> Value:
        if x.kind != "index":
            raise KindError(
                f"Embedding looks up class numbers; {x.graph.describe(x)} {show_shape(x.shape)} is {x.kind}.",
                fix="it comes first: cr.Inputs(c=[cr.Embedding(12, 4)]).",
            )
        parameters = scope.shared(self)
        if parameters is None:
            start = ("normal", self.units**-0.5) if self.initializer is None else self.initializer
            shape = (self.categories, self.units)
            number = scope.first_free("E")
            parameters = {"E": scope.parameter("E", shape, start, frozen=self.frozen, number=number)}
            scope.share(self, parameters)
        return lookup("take")(parameters["E"], x, axis=0)


def check_count(number: object, what: str, layer: str) -> None:
    """Check that a number of units or categories is a whole number from 1.

    Raises:
        DataError: it is not.
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise DataError(f"{layer} needs a whole number of {what}, at least 1, not {number!r}.")
