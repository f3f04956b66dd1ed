"""Where layers build: a graph, the number of the layer at hand, and what has been built so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chainrule.errors import ShapeError
from chainrule.ir.graph import Graph
from chainrule.ir.shape import Size, show_shape
from chainrule.ir.structural import declare
from chainrule.ir.value import Value
from chainrule.nn.initializers import Initializer

if TYPE_CHECKING:
    from chainrule.nn.layer import Layer


@dataclass
class Scope:
    """What the layers of one graph share.

    Attributes:
        graph: where values and parameters go.
        number: of the last layer with weights; W1, b1, R1, Z1 and A1 belong to layer 1.
        schemes: how parameters start that a layer has an opinion about, by name.
        penalties: what is added to the loss of the data, by the layers that ask for it.
        weights: the parameters that weight decay applies to.
    """

    graph: Graph
    number: int = 0
    schemes: dict[str, Initializer] = field(default_factory=dict[str, "Initializer"])
    penalties: list[Value] = field(default_factory=list[Value])
    weights: list[Value] = field(default_factory=list[Value])
    _layers: dict[int, Layer] = field(default_factory=dict[int, "Layer"])
    _built: dict[tuple[int, str, int], Value] = field(default_factory=dict[tuple[int, str, int], Value])
    _declared: Counter[str] = field(default_factory=Counter[str])
    _at_work: int = 0

    @staticmethod
    def of(graph: Graph) -> Scope:
        """Return the scope of a graph, the same one each time; the graph keeps it."""
        return vars(graph).setdefault("_scope", Scope(graph))

    @contextmanager
    def building(self, layer: Layer) -> Iterator[None]:
        """Note that parameters asked for meanwhile are a layer's, so that a second use finds them again."""
        outer = self._declared, self._at_work
        self._layers[id(layer)] = layer  # kept, so that no later layer gets its id
        self._declared, self._at_work = Counter(), id(layer)
        try:
            yield
        finally:
            self._declared, self._at_work = outer

    def next_number(self) -> int:
        """Count one more layer with weights; return its number."""
        self.number += 1
        return self.number

    def free(self, stem: str, number: int | None = None) -> str:
        """Return a stem with the layer's number as a name; M1, and M1_2 for a second one there."""
        name = f"{stem}{self.number if number is None else number}"
        tries = (name, *(f"{name}_{i}" for i in range(2, 10_000)))
        return next(candidate for candidate in tries if candidate not in self.graph)

    def first_free(self, stem: str) -> int:
        """Return the first number from 1 that makes a free name of a stem."""
        return next(number for number in range(1, 100_000) if f"{stem}{number}" not in self.graph)

    def name(self, stem: str, value: Value) -> Value:
        """Give a value the layer's name for it, unless it has one already."""
        if not self.graph.is_named(value):
            self.graph.name(self.free(stem), value)
        return value

    def parameter(
        self,
        stem: str,
        shape: tuple[Size, ...],
        start: Initializer | None = None,
        *,
        frozen: bool = False,
        number: int | None = None,
    ) -> Value:
        """Declare a parameter of the layer, of its own number or another; for a layer used before, find it.

        Raises:
            ShapeError: the layer was used before, on an input of another width.
        """
        key = (self._at_work, stem, self._declared[stem])
        self._declared[stem] += 1
        known = self._built.get(key)
        if known is None:
            known = self.graph.declare(self.free(stem, number), declare("parameter", shape, frozen=frozen))
            self._built[key] = known
            if start is not None:
                self.schemes[self.graph.names_of(known)[0]] = start
        if known.shape != shape:
            raise ShapeError(
                f"this layer stands in two places: {self.graph.describe(known)} {show_shape(known.shape)} "
                f"of the first would have to be {show_shape(shape)} here.",
                fix="make a second layer, or inputs of the same width.",
            )
        return known

    def parameter_of(self, layer: Layer, stem: str) -> Value | None:
        """Return the first parameter of a stem that a layer has declared here, or None."""
        return self._built.get((id(layer), stem, 0)) if id(layer) in self._layers else None

    def state(self, stem: str, shape: tuple[Size, ...]) -> Value:
        """Declare a state of the layer."""
        return self.graph.declare(self.free(stem), declare("state", shape))
