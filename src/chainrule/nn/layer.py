"""A layer: a piece of a network, built into a graph under the names of the glossary."""

from __future__ import annotations

from chainrule.errors import ChainruleError, KindError, ShapeError
from chainrule.ir.shape import Shape, show_shape
from chainrule.ir.value import Value
from chainrule.nn.scope import Scope


class Layer:
    """A piece of a network; a subclass says what it builds.

    Applied to a value of a graph it adds its equations there and returns the result, so that layers
    and operators mix. The same layer applied twice in one graph uses the same parameters.

    Example:
        >>> import chainrule as cr
        >>> class Scale(cr.Layer):
        ...     "y = c ⊙ x, with one learned factor for each unit."
        ...     def build(self, scope, x):
        ...         c = scope.parameter("c", (x.shape[-1],), 1.0)
        ...         return scope.name("S", c * x)
        >>> g = cr.Graph()
        >>> g.X = cr.data("m", 3)
        >>> A = Scale()(g.X)
        >>> print(g.text(section="forward"))
        S0 = c0 ⊙ X : (m, 3)
    """

    def build(self, scope: Scope, x: Value) -> Value:
        """Add the layer's equations for an input to the scope's graph; return the result."""
        raise NotImplementedError

    def __call__(self, x: Value) -> Value:
        """Apply the layer to a value.

        Raises:
            ShapeError: the value's shape does not suit the layer.
        """
        if not isinstance(x, Value):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
            raise KindError(
                f"{self!r} is applied to a value of a graph, not to {type(x).__name__}.",
                fix="cr.Network([…]) takes arrays, in fit and predict.",
            )
        return built(self, Scope.of(x.graph), x)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def built(layer: Layer, scope: Scope, x: Value) -> Value:
    """Return what a layer builds on a value.

    Raises:
        KindError: its `build` returns something else than a value.
    """
    with scope.building(layer):
        result = layer.build(scope, x)
    if not isinstance(result, Value):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may return
        raise KindError(f"its build returned {type(result).__name__}, not a value of the graph.")
    return result


def build_in_order(layers: list[Layer], scope: Scope, x: Value, first: int = 1, within: str = "") -> Value:
    """Build layers one after the other; an error says which of them it was.

    Args:
        layers: in their order.
        scope: where to.
        x: what the first one is applied to.
        first: the number of the first one in messages.
        within: what they belong to, in messages.
    """
    for place, layer in enumerate(layers, start=first):
        try:
            x = built(layer, scope, x)
        except ChainruleError as error:
            error.message = f"layer {place}{within}, {layer!r}: {error.message}"
            raise
    return x


def checked_layers(layers: object, owner: str) -> list[Layer]:
    """Return a list of layers.

    Raises:
        KindError: it is no list, or something in it is no layer.
    """
    if isinstance(layers, Layer):
        return [layers]
    if not isinstance(layers, list | tuple):
        raise KindError(f"{owner} takes a list of layers, not {type(layers).__name__}.")
    found: list[Layer] = []
    for place, layer in enumerate(layers, start=1):  # type: ignore[arg-type]  # items are checked one by one
        if isinstance(layer, type):
            name = layer.__name__
            raise KindError(
                f"layer {place} of {owner} is the class {name}.", fix=f"write it with brackets: {name}(…)."
            )
        if not isinstance(layer, Layer):
            raise KindError(
                f"layer {place} of {owner} is {layer!r}, which is no layer.", fix="such as Dense(10, 'relu')."
            )
        found.append(layer)
    return found


def units_of(x: Value, layer: str) -> Shape:
    """Return the shape of examples in rows, (m, d) or (m, …, d).

    Raises:
        ShapeError: there is no axis of units beside the examples.
    """
    if x.kind == "index":
        raise KindError(
            f"{layer} needs real numbers; {x.graph.describe(x)} {show_shape(x.shape)} holds class numbers.",
            fix="put Embedding(categories, units) before it.",
        )
    if x.ndim < 2:
        raise ShapeError(
            f"{layer} needs examples in rows, (m, d), but receives {show_shape(x.shape)}.",
            fix="make a column of a vector: reshape(x, (m, 1)).",
        )
    return x.shape
