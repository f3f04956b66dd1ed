"""Where layers build: a graph, the number of the layer at hand, and what has been built so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from chainrule.ir.graph import Graph
from chainrule.ir.shape import Size
from chainrule.ir.structural import declare
from chainrule.ir.value import Value
from chainrule.nn.initializers import Initializer

if TYPE_CHECKING:
    from chainrule.nn.layer import Layer

_SCOPES: WeakKeyDictionary[Graph, Scope]


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
    _built: dict[Layer, dict[str, Value]] = field(default_factory=dict["Layer", dict[str, Value]])

    @staticmethod
    def of(graph: Graph) -> Scope:
        """Return the scope of a graph, the same one each time."""
        return _SCOPES.setdefault(graph, Scope(graph))

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
        """Declare a parameter of the layer, of its own number or another."""
        name = self.free(stem, number)
        leaf = self.graph.declare(name, declare("parameter", shape, frozen=frozen))
        if start is not None:
            self.schemes[self.graph.names_of(leaf)[0]] = start
        return leaf

    def state(self, stem: str, shape: tuple[Size, ...]) -> Value:
        """Declare a state of the layer."""
        return self.graph.declare(self.free(stem), declare("state", shape))

    def shared(self, layer: Layer) -> dict[str, Value] | None:
        """Return the parameters of a layer that was built before, or None."""
        return self._built.get(layer)

    def share(self, layer: Layer, parameters: dict[str, Value]) -> None:
        """Note a layer's parameters, for a second use of the same layer."""
        self._built[layer] = parameters


_SCOPES = WeakKeyDictionary()
