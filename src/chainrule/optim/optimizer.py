"""What all optimizers share: their numbers, learning rates, states, weight decay, the count of steps."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from chainrule.errors import DataError, NamingError
from chainrule.ir.form import Hidden
from chainrule.ir.graph import Graph
from chainrule.ir.names import ascii_name, normalized
from chainrule.ir.structural import Role, declare
from chainrule.ir.value import Value
from chainrule.optim.rates import Key, Rate, check_rate, check_shape, keys_of_rates

_STEP = "step"


@dataclass(frozen=True)
class Range:
    """The numbers that a hyperparameter may be: in words, and as a test."""

    text: str
    holds: Callable[[float], bool]


FINITE = Range("finite", lambda number: True)
NOT_NEGATIVE = Range("finite and not negative", lambda number: number >= 0)
POSITIVE = Range("finite and above 0", lambda number: number > 0)
FRACTION = Range("at least 0 and below 1", lambda number: 0 <= number < 1)


def step_count(graph: Graph) -> Value:
    """Return the state `step`, the number of steps done before this one; declare it where missing.

    Every step adds 1 to it. As float32 it counts up to 2²⁴ steps.

    Raises:
        NamingError: the graph calls something else `step`.
    """
    if _STEP not in graph:
        return graph.declare(_STEP, declare("state", ()))
    if not counts_steps(graph[_STEP]):
        raise NamingError(
            "step is the number of steps done, a state of the shape (), but here it is something else.",
            fix="rename it in the network.",
        )
    return graph[_STEP]


def counts_steps(value: Value) -> bool:
    """Tell whether a value is a leaf that can count steps: a real scalar state."""
    is_state = value.op.name == "leaf" and value.attributes["role"] == "state"
    return is_state and value.shape == () and value.kind == "real"


@dataclass(frozen=True)
class Declared:
    """What an optimizer declared in a graph.

    Attributes:
        graph: where.
        owner: the optimizer's name, for messages.
        settings: the numbers that hyperparameters stand for, by name.
        starts: the numbers that states start from, by name.
    """

    graph: Graph
    owner: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    starts: dict[str, float] = field(default_factory=dict[str, float])

    def add(self, name: str, role: Role, like: Value | None = None) -> Value:
        """Declare a leaf, a scalar or one shaped like another.

        Raises:
            NamingError: the network has the name already.
        """
        self.check_free(normalized(name))
        return self.graph.declare(name, declare(role, () if like is None else like.shape))

    def check_free(self, name: str) -> None:
        """Check that the network has left a name to the optimizer."""
        if name in self.graph:
            raise NamingError(
                f"{self.owner} needs the name {name}, which this graph gives to something else.",
                fix=f"rename {name} in the network.",
            )


@dataclass(frozen=True)
class Parameter:
    """A parameter while its update is written.

    Attributes:
        name: its name, W1.
        value: the parameter itself.
        gradient: dW1, of the same shape.
        rate: its learning rate, a scalar or of the same shape.
        declared: what its optimizer has declared so far.
    """

    name: str
    value: Value
    gradient: Value
    rate: Value
    declared: Declared

    @property
    def graph(self) -> Graph:
        """The graph of the step."""
        return self.declared.graph

    def numbers(self, *names: str) -> list[Value]:
        """Return hyperparameters of the optimizer by name, `rho, epsilon = p.numbers("rho", "epsilon")`."""
        return [self.graph[name] for name in names]

    def state(self, letter: str, start: float = 0.0) -> Value:
        """Return a new state shaped like the parameter and called after it, uW1; all elements start alike."""
        name = letter + self.name
        leaf = self.declared.add(name, "state", like=self.value)
        self.declared.starts[name] = float(start)
        return leaf

    def becomes(self, state: Value, new: Value) -> Value:
        """Update a state, uW1 ← uW1_new; return the new value, which has a line of its own."""
        (name,) = self.graph.names_of(state)
        self.declared.check_free(f"{name}_new")
        self.graph.update(state, self.graph.name(f"{name}_new", new))
        return new

    def shared(self, name: str, value: Value) -> Value:
        """Name a value that is the same for all parameters."""
        if name not in self.graph or self.graph[name] is not value:
            self.declared.check_free(name)
        return self.graph.name(name, value)


class Optimizer:
    """An update rule: what it keeps for each parameter, and the equation of the update.

    A subclass passes its numbers to this constructor, by the names of its own constructor's
    arguments; each becomes a scalar of the graph, rho the scalar ρ. `update` then returns a
    parameter's new value, built of values, so that it prints:

        >>> import chainrule as cr
        >>> class SignMomentum(cr.Optimizer):
        ...     def __init__(self, rate=0.001, rho=0.9):
        ...         super().__init__(rate, rho=rho)
        ...
        ...     def update(self, p):
        ...         (rho,) = p.numbers("rho")
        ...         u = p.state("u")
        ...         u = p.becomes(u, rho * u + (1 - rho) * p.gradient)
        ...         return p.value - p.rate * cr.sign(u)
        >>> g = cr.parse("sizes m\\ndata X : (m, 2)\\nparameter w : (2)\\nJ = mean((X w)²)")
        >>> step = g.step(SignMomentum())
        >>> print(step.graph.text(section="update"))
        uw_new = ρ uw + (1 − ρ) dw : (2)
        uw ← uw_new             : (2)
        w  ← w − α sign(uw_new) : (2)

    Weight decay is decoupled: whatever the equation, α λ_decay W is subtracted from every parameter W
    of two or more axes, but from none that is repeated for each example, as a bias (h, 1) is where
    examples are columns. The other kind, L2 regularization, is a term λ/2 ‖W‖² of the objective, whose
    gradient λ W goes through the equation as all gradients do. With plain gradient descent the two are
    the same for λ_decay = λ; with any other optimizer they differ.

    Args:
        rate: the learning rate α: a number for all parameters; or a mapping to a number, or to an
            array of the parameter's shape (one rate for each weight), from the parameter's name;
            or to a number, from the number of a layer, 1 for W1, b1, γ1, or from "others". A name
            counts before a layer, a layer before the others.
        weight_decay: λ_decay.
        **numbers: further hyperparameters.

    Attributes:
        ranges: what each number may be, by the name of the argument; finite, if it is not listed.

    Raises:
        DataError: a number is not finite or out of range.

    Source: of weight decay, I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR 2019.
    """

    ranges: ClassVar[Mapping[str, Range]] = {}

    def __init__(self, rate: Rate, *, weight_decay: float = 0.0, **numbers: float) -> None:
        check_rate(rate)
        self.rate = rate
        self.weight_decay = self.checked("weight_decay", weight_decay, NOT_NEGATIVE)
        self.numbers = {
            name: self.checked(name, number, self.ranges.get(name, FINITE))
            for name, number in numbers.items()
        }

    def checked(self, name: str, number: Any, allowed: Range) -> float:
        """Return an argument of the constructor as a float.

        Raises:
            DataError: it is no number, not finite, or out of range.
        """
        real = isinstance(number, int | float | np.integer | np.floating) and not isinstance(number, bool)
        if real and math.isfinite(number) and allowed.holds(float(number)):
            return float(number)
        default = getattr(inspect.signature(type(self)).parameters.get(name), "default", None)
        raise DataError(
            f"{name} of {type(self).__name__} must be {allowed.text}, not {number!r}.",
            fix=f"the default is {default}." if isinstance(default, int | float) else "give such a number.",
        )

    def __repr__(self) -> str:
        known = {**vars(self), **self.numbers}
        names = inspect.signature(type(self)).parameters
        shown = ", ".join(f"{name}={known[name]!r}" for name in names if name in known)
        return f"{type(self).__name__}({shown})"

    def key(self) -> Hashable:
        """Return what is alike of two optimizers that make the same updates; None where that is not known."""
        if not type(self).__module__.startswith("chainrule.") or isinstance(self.rate, Mapping):
            return None
        return type(self), tuple({**vars(self), "numbers": tuple(self.numbers.items())}.items())

    def update(self, p: Parameter) -> Value:
        """Return the new value of a parameter."""
        raise NotImplementedError

    def add_updates(self, graph: Graph, gradients: Mapping[str, str]) -> Declared:
        """Add the update of each parameter to a graph; return the numbers that go with it.

        Args:
            graph: holds parameters and gradients.
            gradients: the name of the gradient by the parameter's name.
        """
        declared = Declared(graph, type(self).__name__)
        own = graph.leaves("state")
        decayed = self._decayed(graph, gradients)
        rates = self._rates(declared, gradients)
        numbers = {**self.numbers, **({"λ_decay": self.weight_decay} if decayed else {})}
        for name, number in numbers.items():
            (scalar,) = graph.names_of(declared.add(name, "hyperparameter"))
            declared.settings[scalar] = number
        for name, gradient in gradients.items():
            p = Parameter(name, graph[name], graph[gradient], rates[name], declared)
            new = self.update(p)
            if p.value in decayed:
                new = new - p.rate * (graph["λ_decay"] * p.value)
            graph.update(p.value, new)
        for state in graph.leaves("state"):
            if state not in own:
                declared.starts.setdefault(graph.names_of(state)[0], 0.0)
        return declared

    def _decayed(self, graph: Graph, gradients: Mapping[str, str]) -> set[Value]:
        """Return the parameters that decay: weights of two or more axes, not what is repeated."""
        if not self.weight_decay:
            return set()
        repeated = {x for v in graph.document() if isinstance(v.op.form, Hidden) for x in v.inputs}
        return {graph[name] for name in gradients if graph[name].ndim >= 2} - repeated

    def _rates(self, declared: Declared, gradients: Mapping[str, str]) -> dict[str, Value]:
        """Declare learning rates; return that of each parameter by its name."""
        if not isinstance(self.rate, Mapping):
            declared.settings["α"] = float(self.rate)
            return dict.fromkeys(gradients, declared.add("α", "hyperparameter"))
        rates: dict[str, Value] = {}
        scalars: dict[Key, Value] = {}
        for name, key in keys_of_rates(self.rate, list(gradients)).items():
            if key not in scalars:
                scalars[key] = _rate(declared, key, np.asarray(self.rate[key]), name)
            rates[name] = scalars[key]
        return rates


def _rate(declared: Declared, key: Key, number: Any, parameter: str) -> Value:
    """Declare one learning rate, α_1 or α_W1: a scalar, or one for each weight of a parameter."""
    like = declared.graph[parameter] if number.ndim else None
    check_shape(parameter, number, () if like is None else like.shape)
    leaf = declared.add(f"α_{ascii_name(str(key))}", "hyperparameter", like)
    declared.settings[declared.graph.names_of(leaf)[0]] = number if number.ndim else float(number)
    return leaf
