"""One op at work on operands named as in its rule: its equation and those of its gradients."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from chainrule.ir.composite import Composite
from chainrule.ir.graph import Graph
from chainrule.ir.names import is_name
from chainrule.ir.op import Op
from chainrule.ir.operands import operand_names
from chainrule.ir.registry import is_op
from chainrule.ir.shape import Kind, Shape, Size
from chainrule.ir.signature import Signature
from chainrule.ir.structural import Declaration
from chainrule.ir.value import Value
from chainrule.testing.settings import fits, settings_for

Mode = Literal["letters", "numbers for leading axes", "numbers for letters", "no leading axes"]
_MODES: tuple[Mode, ...] = get_args(Mode)
_LETTERS = "mnkhp"
_NUMBERS: tuple[Size, ...] = (4, 3, 2, 5, 6)
_RESULTS = {"loss": "L"}
_MOST_SETTINGS = 500


@dataclass(frozen=True)
class Example:
    """An op at work.

    Attributes:
        op: the op.
        operands: their names.
        shapes: their shapes.
        setting: the attributes.
        result: the result's name.
    """

    op: Op
    operands: tuple[str, ...]
    shapes: tuple[Shape, ...]
    setting: Mapping[str, Any]
    result: str

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The operands' kinds."""
        return tuple(self.op.operand_kind(i, *self.shapes) for i in range(len(self.shapes)))

    def leaves(self) -> list[Value]:
        """Return the operands as the leaves of a new graph."""
        graph = Graph()
        return [
            graph.declare(name, Declaration("data", shape, kind))
            for name, shape, kind in zip(self.operands, self.shapes, self.kinds, strict=True)
        ]

    def applied(self) -> Graph:
        """Return the graph of the op alone."""
        leaves = self.leaves()
        leaves[0].graph.name(self.result, self.op(*leaves, **self.setting))
        return leaves[0].graph

    def rule(self) -> Graph:
        """Return the graph of the op, or of its definition, with the gradients that its rule sends back."""
        leaves = self.leaves()
        graph = leaves[0].graph
        attributes = self.applied()[self.result].attributes
        value = (
            self._defined(leaves, attributes)
            if isinstance(self.op, Composite)
            else self.op(*leaves, **attributes)
        )
        graph.name(self.result, value)
        if value.kind != "real":
            return graph
        dy = graph.declare(f"d{self.result}", Declaration("data", value.shape))
        sent = self.op.vjp(dy, value, *leaves, **attributes)
        for name, part in zip(self.operands, sent, strict=True):
            if part is not None:
                graph.name(f"d{name}", part)
                graph.record_gradient(f"d{name}", name)
        return graph

    def _defined(self, leaves: list[Value], attributes: Mapping[str, Any]) -> Value:
        """Return the result of a composite's definition; what it names on the way is named."""
        assert isinstance(self.op, Composite)  # noqa: S101 - seen to by the caller
        *inner, (_, result) = self.op.parts(leaves, attributes).items()
        for stem, part in inner:
            if not part.graph.is_named(part):
                part.graph.name(free_name(stem), part)
        return result

    def prediction(self) -> Graph | None:
        """Return the graph of what stands for the op in a prediction, None where that is the op itself."""
        leaves = self.leaves()
        value = self.op.predict(*leaves, **self.applied()[self.result].attributes)
        if value is None:
            return None
        value.graph.name(self.result, value)
        return value.graph


def example_of(op: Op, alternative: Signature | None = None) -> Example:
    """Return an op at work on the first shapes, with the first setting, that show what it does.

    Args:
        op: the op.
        alternative: of its signature; the first that shows something if omitted.

    Raises:
        ValueError: no shapes made from the signature fit.
    """
    operands = tuple(free_name(name) for name in operand_names(op))
    result = _result_name(op, operands)
    for shapes, setting in _chances(op, [alternative] if alternative else op.signatures):
        example = Example(op, operands, shapes, setting, result)
        if example.applied()[result].op is op:
            return example
    raise ValueError(f"no example of {op.name} can be made from its signature {op.signature!r}")


def free_name(name: str) -> str:
    """Return the name, or one near it that no function has."""
    return f"{name}1" if is_op(name) or not is_name(name) else name


def _result_name(op: Op, operands: tuple[str, ...]) -> str:
    """Return what the op's vjp calls its result."""
    parameters = inspect.signature(op.vjp).parameters.values()
    named = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    name = named[1] if len(named) > 1 else "y"
    return next(n for n in (_RESULTS.get(name, name), "y", "L", "out") if n not in operands and is_name(n))


def _chances(
    op: Op, alternatives: Sequence[Signature]
) -> Iterator[tuple[tuple[Shape, ...], Mapping[str, Any]]]:
    """Yield shapes and settings that fit, letters before numbers, defaults before other settings."""
    for mode, alternative in itertools.product(_MODES, alternatives):
        for shapes in _shapes(alternative, mode, avoided=_letters_of_settings(op)):
            some = list(itertools.islice(settings_for(op, shapes), _MOST_SETTINGS))
            some = [_with_letter(op, shapes, setting, alternative) for setting in some]
            for setting in sorted(some, key=lambda setting: _strangeness(op, setting)):
                yield shapes, setting


def _letters_of_settings(op: Op) -> str:
    """Return the letters that stand for new axes in the settings of an op."""
    return "m" if any(attribute.type == "shape" for attribute in op.attributes) else ""


def _shapes(alternative: Signature, mode: Mode, *, avoided: str) -> Iterator[tuple[Shape, ...]]:
    """Yield the operands' shapes; "..." stands for as many axes as make two in all, else for others."""
    own = [len(axes) - 1 for axes in alternative.inputs if "..." in axes]
    taken = list(dict.fromkeys(axis for axes in alternative.inputs for axis in axes if axis != "..."))
    free = [letter for letter in _LETTERS if letter not in (*taken, *avoided)]
    natural = max(0, 2 - max(own, default=1))
    for count in (0,) if mode == "no leading axes" else dict.fromkeys((natural, 1, 2)):
        known: dict[str, Shape] = {"...": tuple(free[:count])}
        known |= {axis: (axis,) for axis in taken}
        if mode == "numbers for letters":
            known |= {axis: (number,) for axis, number in zip(taken, _NUMBERS, strict=False)}
        if mode == "numbers for leading axes":
            known["..."] = (*free[: count - 1], 4) if own == [0] else _NUMBERS[:count]
        known["1"] = (1,)
        yield tuple(tuple(size for axis in axes for size in known[axis]) for axes in alternative.inputs)


def _with_letter(
    op: Op, shapes: tuple[Shape, ...], setting: dict[str, Any], alternative: Signature
) -> dict[str, Any]:
    """Return a setting whose size, where it makes a new axis, is the letter of the signature."""
    known = {axis for axes in alternative.inputs for axis in axes}
    fresh = [axis for axis in alternative.output if axis not in known]
    sizes = [a.name for a in op.attributes if a.type == "size"]
    lettered = {**setting, **dict(zip(sizes, fresh, strict=False))}
    return lettered if sizes and fits(op, shapes, lettered) else setting


def _strangeness(op: Op, setting: Mapping[str, Any]) -> int:
    """Count the attributes that are not the default."""
    return sum(a.default not in ("required", setting[a.name]) for a in op.attributes)
