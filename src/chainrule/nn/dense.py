"""Layers with weights: Dense, and Embedding for categories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.errors import DataError, KindError, ShapeError
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Size, show_shape
from chainrule.ir.value import Value
from chainrule.nn.activation import Activate, activated, check_activation, start_for
from chainrule.nn.initializers import Initializer, initializer
from chainrule.nn.layer import Layer, units_of
from chainrule.nn.scope import Scope


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
        UnknownNameError: no activation or initializer has the name.
        ShapeError: when applied, an input without an axis of units, or a tied W that does not fit.
    """

    units: int
    activation: Activate | None = None
    bias: bool = True
    initializer: Initializer | None = None
    frozen: bool = False
    tied: Dense | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", checked_count(self.units, "units", "Dense"))
        if self.activation is not None:
            check_activation(self.activation)
        if self.initializer is not None:
            initializer(self.initializer)

    def __repr__(self) -> str:
        activation = (
            self.activation if isinstance(self.activation, str) else "function" * bool(self.activation)
        )
        marks = ["no bias"] * (not self.bias) + ["frozen"] * self.frozen + ["tied"] * bool(self.tied)
        return f"Dense({', '.join([str(self.units), *([activation] if activation else []), *marks])})"

    def build(self, scope: Scope, x: Value) -> Value:
        """Name R, Z and A of the next layer number."""
        width = units_of(x, "Dense")[-1]
        number = scope.next_number()
        weights = self.weights(scope, width) if self.tied is None else self.tied_weights(scope, x, self.tied)
        bias = scope.parameter("b", (self.units,), frozen=self.frozen) if self.bias else None
        value = x @ weights
        if bias is not None:
            value = scope.name("R", value) + bias
        value = scope.name("Z", value)
        if self.activation is None:
            return value
        result = activated(self.activation, value, scope)
        scope.number = number
        return scope.name("A", result)

    def weights(self, scope: Scope, width: Size) -> Value:
        """Declare W, or find it where the layer has been used before."""
        start = self.initializer if self.initializer is not None else start_for(self.activation)
        weights = scope.parameter("W", (width, self.units), start, frozen=self.frozen)
        if weights not in scope.weights:
            scope.weights.append(weights)
        return weights

    def tied_weights(self, scope: Scope, x: Value, tied: Dense) -> Value:
        """Return the other layer's W, transposed if that fits.

        Raises:
            ShapeError: it fits in neither way, or is not there yet.
        """
        other, wanted = scope.parameter_of(tied, "W"), (x.shape[-1], self.units)
        if other is None:
            raise ShapeError(f"the layer it is tied to, {tied!r}, has no W before it in the network.")
        for candidate in (other.T, other):
            if candidate.shape == wanted:
                return candidate
        name, (before, after) = x.graph.describe(other), other.shape
        raise ShapeError(
            f"it needs W {show_shape(wanted)}, but {name} of {tied!r} is {show_shape(other.shape)}.",
            fix="say the number of columns: cr.Network(…, inputs=784)."
            if isinstance(before, str)
            else f"{name}ᵀ takes {after} inputs to {before} units.",
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
        for name in ("categories", "units"):
            object.__setattr__(self, name, checked_count(getattr(self, name), name, "Embedding"))
        if self.initializer is not None:
            initializer(self.initializer)

    def __repr__(self) -> str:
        return f"Embedding({self.categories}, {self.units}{', frozen' * self.frozen})"

    def build(self, scope: Scope, x: Value) -> Value:
        """Return the rows of E that the class numbers name."""
        if x.kind != "index":
            raise KindError(
                f"Embedding looks up class numbers; {x.graph.describe(x)} {show_shape(x.shape)} is {x.kind}.",
                fix="it comes first: cr.Inputs(c=[cr.Embedding(12, 4)]).",
            )
        start = ("normal", self.units**-0.5) if self.initializer is None else self.initializer
        shape, number = (self.categories, self.units), scope.first_free("E")
        rows = scope.parameter("E", shape, start, frozen=self.frozen, number=number)
        return lookup("take")(rows, x, axis=0)


def checked_count(number: object, what: str, layer: str) -> int:
    """Return a number of units or categories, a whole number from 1.

    Raises:
        DataError: it is not.
    """
    if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < 1:
        raise DataError(f"{layer} needs a whole number of {what}, at least 1, not {number!r}.")
    return int(number)
