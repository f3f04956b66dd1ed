"""The graph: leaves, values in order, names beside them, outputs, updates."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from chainrule.errors import GraphError, NamingError, ShapeError, UnknownNameError, nearest
from chainrule.ir.constant import Constant
from chainrule.ir.names import checked_name, is_generated, normalized
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Kind, Shape, show_shape
from chainrule.ir.structural import Declaration, Role
from chainrule.ir.value import Value

if TYPE_CHECKING:
    from chainrule.ir.op import Op

GraphT = TypeVar("GraphT", bound="Graph")


class Graph:
    """A list of named equations: values in order, each made of earlier ones.

    Values are interned: the same op on the same inputs is the same value. Names stand beside the
    values, several names may denote one. Only outputs and updates keep a value alive.
    """

    def __init__(self) -> None:
        self._interned: dict[Hashable, Value] = {}
        self._names: dict[str, Value] = {}
        self._labels: dict[Value, list[str]] = {}
        self._leaves: list[Value] = []
        self._sizes: list[str] = []
        self._outputs: tuple[Value, ...] | None = None
        self._updates: dict[Value, Value] = {}
        self._gradients: dict[str, str] = {}

    def blank(self: GraphT) -> GraphT:
        """Return a new empty graph of the same class."""
        return type(self)()

    @property
    def names(self) -> Mapping[str, Value]:
        """Every name with its value, in the order in which they were given."""
        return MappingProxyType(self._names)

    @property
    def updates(self) -> Mapping[Value, Value]:
        """Every leaf that a step changes, with its new value."""
        return MappingProxyType(self._updates)

    @property
    def gradients(self) -> Mapping[str, str]:
        """For each name of a gradient, dV, the name V of what it is the gradient of."""
        return MappingProxyType(self._gradients)

    @property
    def letters(self) -> list[str]:
        """The letters that stand for sizes, in the order in which they were declared or first used."""
        used = (letter for value in [*self._leaves, *self.document()] for letter in value.letters)
        return list(dict.fromkeys([*self._sizes, *used]))

    def declare_sizes(self, letters: Iterable[str]) -> None:
        """State the letters that stand for sizes, in the order in which they are to be listed."""
        self._sizes = list(dict.fromkeys([*self._sizes, *letters]))

    def leaves(self, *roles: Role) -> list[Value]:
        """Return the leaves of the given roles, of all roles if none is given."""
        return [leaf for leaf in self._leaves if not roles or leaf.attributes["role"] in roles]

    def intern(
        self, op: Op, inputs: tuple[Value, ...], attributes: Mapping[str, Hashable], shape: Shape, kind: Kind
    ) -> Value:
        """Return the value of this op, inputs and attributes, made once."""
        key = (op.name, tuple(value.order for value in inputs), tuple(attributes.items()))
        known = self._interned.get(key)
        if known is None:
            order = len(self._interned)
            known = Value(op, inputs, MappingProxyType(dict(attributes)), shape, kind, self, order)
            self._interned[key] = known
        return known

    def constant(self, number: Constant | float) -> Value:
        """Return a number as a value."""
        return self.intern(lookup("constant"), (), {"value": Constant.of(number)}, (), "real")

    def declare(self, name: str, declaration: Declaration) -> Value:
        """Add a leaf under a name of its own.

        Raises:
            NamingError: the name is taken or cannot be one.
        """
        name = checked_name(name)
        if name in self._names:
            raise NamingError(f"{name} is declared already.", fix="each leaf needs a name of its own.")
        attributes = {"id": len(self._leaves), "role": declaration.role, "frozen": declaration.frozen}
        leaf = self.intern(lookup("leaf"), (), attributes, declaration.shape, declaration.kind)
        self._leaves.append(leaf)
        self._attach(name, leaf)
        return leaf

    def name(self, name: str, value: Value) -> Value:
        """Give a value a name; a value may have several.

        Raises:
            NamingError: the name denotes another value, is an op's, or cannot be a name.
            GraphError: the value belongs to another graph.
        """
        name = checked_name(name)
        if value.graph is not self:
            raise GraphError(
                f"{name} would name a value of another graph.", fix="values stay in the graph that made them."
            )
        known = self._names.get(name)
        if known is not None and known is not value:
            raise NamingError(
                f"{name} already denotes {self.describe(known, defined=True)}.",
                fix=f"an equation defines its name once; call this one {name}_new, for example, "
                "or change a parameter with update().",
            )
        if known is None:
            self._attach(name, value)
        return value

    def reorder_names(self, names: Sequence[str]) -> None:
        """Put names first, in the order given; printouts follow it."""
        self._names = {name: self._names[name] for name in dict.fromkeys([*names, *self._names])}

    def _attach(self, name: str, value: Value) -> None:
        self._names[name] = value
        self._labels.setdefault(value, []).append(name)

    def record_gradient(self, gradient: str, name: str) -> None:
        """Note that the name `gradient` denotes the gradient of the value called `name`."""
        self._gradients[gradient] = name

    def update(self, leaf: Value, new: Value) -> None:
        """State that a step replaces a leaf's value by a new one, leaf ← new.

        Raises:
            GraphError: the first value is no leaf, has an update already, or is data.
            ShapeError: the new value has another shape.
        """
        if leaf not in self._leaves or leaf.attributes["role"] == "data":
            raise GraphError(f"{self.describe(leaf)} is not a parameter or state, so nothing updates it.")
        if leaf in self._updates:
            raise GraphError(f"{self.describe(leaf)} has an update already.")
        if leaf.shape != new.shape:
            raise ShapeError(
                f"{self.describe(leaf)} {show_shape(leaf.shape)} cannot become "
                f"{self.describe(new)} {show_shape(new.shape)}: an update keeps the shape."
            )
        self._updates[leaf] = new

    @property
    def outputs(self) -> tuple[Value, ...]:
        """The values asked for: those stated, else every named value that nothing else uses."""
        return self.sinks() if self._outputs is None else self._outputs

    def set_outputs(self, values: Iterable[Value]) -> None:
        """State what the graph is for; only this and updates keep a value alive."""
        self._outputs = tuple(dict.fromkeys(values))

    def sinks(self) -> tuple[Value, ...]:
        """Return the named values that nothing uses, in order of their names."""
        document = self.walk([*self._names.values(), *self._updates.values()])
        used = {x for value in document for x in value.inputs}
        used.update(self._updates.values())
        named = dict.fromkeys(self._names.values())
        return tuple(v for v in named if v not in used and v.inputs)

    def walk(self, roots: Iterable[Value]) -> list[Value]:
        """Return the roots and all they are made of, inputs before what uses them."""
        seen = set(roots)
        waiting = list(seen)
        while waiting:
            fresh = [x for x in waiting.pop().inputs if x not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
        return sorted(seen, key=lambda value: value.order)

    def document(self) -> list[Value]:
        """Return every value a printout shows: what names, outputs and updates are made of."""
        return self.walk([*self._names.values(), *self.outputs, *self._updates.values()])

    def live(self) -> list[Value]:
        """Return every value that outputs and updates are made of."""
        return self.walk([*self.outputs, *self._updates.values()])

    def names_of(self, value: Value) -> Sequence[str]:
        """Return a value's names, oldest first."""
        return self._labels.get(value, ())

    def is_named(self, value: Value) -> bool:
        """Tell whether a user, not the printer, has named the value."""
        return any(not is_generated(name) for name in self._labels.get(value, ()))

    def describe(self, value: Value, *, defined: bool = False, depth: int = 2) -> str:
        """Return a short text for a value in a message: its name, or the op that makes it."""
        names = self._labels.get(value)
        if names and not defined:
            return names[0]
        if value.constant is not None:
            return str(value.constant)
        if not value.inputs:
            return f"{value.attributes['role']} {show_shape(value.shape)}"
        parts = [self.describe(x, depth=depth - 1) for x in value.inputs] if depth else ["…"]
        return parts[0] if value.op.name == "expand" else f"{value.op.name}({', '.join(parts)})"

    def __getitem__(self, name: str) -> Value:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
            raise UnknownNameError(f"values are found by their names, not by {type(name).__name__}.")
        value = self._names.get(normalized(name))
        if value is None:
            raise UnknownNameError(f"nothing is called {name}.", fix=nearest(name, self._names))
        return value

    def __setitem__(self, name: str, value: Value | Declaration) -> None:
        if isinstance(value, Declaration):
            self.declare(name, value)
        else:
            self.name(name, value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and normalized(name) in self._names
