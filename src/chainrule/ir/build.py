"""How an op and operands become a value: numbers, kinds, broadcasting, folding, shapes, in this order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.errors import GraphError, KindError, ShapeError, nearest
from chainrule.ir.constant import Constant
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, broadcast_shape, show_shape
from chainrule.ir.signature import MismatchError
from chainrule.ir.value import Operand, Value, is_number

if TYPE_CHECKING:
    from chainrule.ir.graph import Graph
    from chainrule.ir.op import Op

_DIFFERENT_PLACES = "build all of one network in one graph."


def build(op: Op, operands: Sequence[Operand], attributes: dict[str, Any]) -> Value:
    """Return the value of an op on operands, the simplest one that is equal.

    Raises:
        GraphError: no operand is a value, or they belong to two graphs.
        KindError: an operand is not a value or number, or of the wrong kind.
        ShapeError: the shapes do not fit.
    """
    if len(operands) > op.arity and op.attributes and not op.variadic:
        operands, attributes = _settings_by_place(op, operands, attributes)
    elif op.optional:
        operands, attributes = _settings_after_optional(op, operands, attributes)
    if not op.takes(len(operands)):
        raise KindError(f"{op.name} takes {show_arity(op)}, not {len(operands)}.")
    operands = op.complete(tuple(operands), attributes)
    graph = _graph_of(op, operands)
    values = [as_value(operand, graph) for operand in operands]
    shapes = [value.shape for value in values]
    _check_kinds_agree(op, values)
    inputs = op.align(tuple(_as_kind(op, i, value, shapes) for i, value in enumerate(values)))
    settled = _settled(op, inputs, attributes)
    shape = _infer(op, inputs, settled)
    folded = op.fold(*inputs, **settled)
    return folded if folded is not None else graph.intern(op, inputs, settled, shape, op.result_kind(inputs))


def _settings_by_place(
    op: Op, arguments: Sequence[Any], attributes: dict[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Take what follows the operands as attributes, in their order, as in reshape(x, (2, 3))."""
    names = [attribute.name for attribute in op.attributes]
    placed = dict(zip(names, arguments[op.arity :], strict=False))
    too_many = len(arguments) - op.arity > len(names)
    twice = [name for name in placed if name in attributes]
    if too_many or twice:
        raise KindError(f"{op.name} takes {op.arity} operands and {', '.join(names)}, each once.")
    return arguments[: op.arity], {**placed, **attributes}


def _settings_after_optional(
    op: Op, arguments: Sequence[Any], attributes: dict[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Take a number in the place of a value left out as the first attribute, as in dropout(x, 0.2)."""
    least = op.arity - op.optional
    (setting, *_) = op.attributes
    if len(arguments) != least + 1 or isinstance(arguments[-1], Value) or setting.name in attributes:
        return arguments, attributes
    return arguments[:least], {setting.name: arguments[-1], **attributes}


def show_arity(op: Op) -> str:
    """Return how many operands an op takes, in words."""
    if op.variadic:
        return "one operand or more"
    least = f"{op.arity - op.optional} to " * (op.optional > 0)
    return f"{least}{op.arity} operand{'s' * (op.arity != 1)}"


def raw(op_name: str, *inputs: Value, **attributes: Any) -> Value:
    """Return a value without folding; for the rules that fold, whose inputs and attributes are settled."""
    op = lookup(op_name)
    shape = _infer(op, inputs, attributes)
    return inputs[0].graph.intern(op, inputs, attributes, shape, op.result_kind(inputs))


def as_value(operand: Operand, graph: Graph) -> Value:
    """Return an operand as a value of the graph; a number becomes a constant."""
    if isinstance(operand, Value):
        return operand
    return graph.constant(Constant.of(operand.item() if hasattr(operand, "item") else operand))  # type: ignore[union-attr]  # NumPy's scalars


def _graph_of(op: Op, operands: Sequence[Operand]) -> Graph:
    for operand in operands:
        if not isinstance(operand, Value) and not is_number(operand):
            raise KindError(
                f"{op.name} takes values of a graph and numbers, not {type(operand).__name__}.",
                fix="declare arrays and give them a name first: g.X = chainrule.data('m', 3); "
                "their numbers are passed to run().",
            )
    values = [operand for operand in operands if isinstance(operand, Value)]
    if not values:
        raise GraphError(f"{op.name} of numbers alone belongs to no graph.", fix="use Python for numbers.")
    graph = values[0].graph
    if any(value.graph is not graph for value in values):
        shown = " and ".join(value.graph.describe(value) for value in values)
        raise GraphError(f"{shown} belong to different graphs.", fix=_DIFFERENT_PLACES)
    return graph


_A = {"real": "a real", "index": "an index", "bool": "a bool"}


def _as_kind(op: Op, position: int, value: Value, shapes: Sequence[Shape]) -> Value:
    """Check an operand's kind; a condition where a number is expected counts as 1 and 0."""
    wanted = op.operand_kind(position, *shapes)
    if value.kind == wanted or op.keeps_kind:
        return value
    if value.kind == "bool" and wanted == "real":
        return lookup("indicator")(value)
    raise KindError(
        f"{op.name} needs {_A[wanted]} value as operand {position + 1}, "
        f"but {value.graph.describe(value)} is {value.kind}.",
        fix="class numbers are declared `y : (m) index`; conditions come from comparisons."
        if "index" in (wanted, value.kind)
        else "compare first, for example x > 0.",
    )


def _check_kinds_agree(op: Op, values: Sequence[Value]) -> None:
    """See to it that what is moved about together is of one kind."""
    kinds = {value.kind for value in values}
    if op.keeps_kind and op.variadic and len(kinds) > 1:
        shown = " and ".join(f"{value.graph.describe(value)} ({value.kind})" for value in values)
        raise KindError(f"{op.name} needs operands of one kind, not {shown}.")


def aligned(op: Op, inputs: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return operands stretched to one shape, each by an explicit expand.

    Raises:
        ShapeError: no operand's shape is one that all others stretch to.
    """
    shape: Shape | None = inputs[0].shape
    for value in inputs[1:]:
        shape = broadcast_shape(shape, value.shape) if shape is not None else None
    if shape is None:
        raise _mismatch(op, inputs, MismatchError(_why_not_broadcast(inputs)), _column_fix(inputs))
    return tuple(x if x.shape == shape else lookup("expand")(x, shape=shape) for x in inputs)


def _why_not_broadcast(inputs: Sequence[Value]) -> str:
    ranks = {value.ndim for value in inputs}
    if len(ranks) > 1:
        return "only a scalar, a vector along the last axis, or an axis of size 1 is repeated to fit"
    pairs = zip(inputs[0].shape, inputs[-1].shape, strict=True)
    unequal = [f"{a} ≠ {b}" for a, b in pairs if a != b]
    return "the sizes differ, " + " and ".join(unequal)


def _settled(op: Op, inputs: Sequence[Value], attributes: dict[str, Any]) -> dict[str, Any]:
    known = {attribute.name: attribute.default for attribute in op.attributes}
    for name in attributes:
        if name not in known:
            raise KindError(f"{op.name} has no attribute {name}.", fix=nearest(name, known))
    missing = [name for name, default in known.items() if default == "required" and name not in attributes]
    if missing:
        raise KindError(f"{op.name} needs {' and '.join(missing)}.")
    settings = {name: _checked_number(op, name, item) for name, item in {**known, **attributes}.items()}
    try:
        return op.settle([value.shape for value in inputs], settings)
    except MismatchError as mismatch:
        raise _mismatch(op, inputs, mismatch) from None


def _checked_number(op: Op, name: str, item: Any) -> Any:
    """Return an attribute in its one spelling where it is a number: 1.0 as 1."""
    if next(attribute.type for attribute in op.attributes if attribute.name == name) != "number":
        return item
    exact = item.factor if isinstance(item, Constant) and not item.powers else item
    if not is_number(exact) or isinstance(exact, Constant) or not math.isfinite(exact):
        raise KindError(f"{name} of {op.name} is a finite number, not {item!r}.")
    number = float(exact)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _infer(op: Op, inputs: Sequence[Value], attributes: dict[str, Any]) -> Shape:
    try:
        shape = op.infer(*(value.shape for value in inputs), **attributes)
        if any(isinstance(size, int) and size < 1 for size in shape):
            raise MismatchError(
                f"a size is a whole number from 1, and the shape would be {show_shape(shape)}"
            )
    except MismatchError as mismatch:
        raise _mismatch(op, inputs, mismatch) from None
    return shape


def _column_fix(inputs: Sequence[Value]) -> str:
    """Say how (m) becomes (m, 1), where that is what stands between two operands."""
    vectors = [value for value in inputs if value.ndim == 1]
    columns = [value for value in inputs if value.ndim == 2]
    if not vectors or not columns or vectors[0].shape[0] != columns[0].shape[0]:
        shapes = " or ".join(dict.fromkeys(show_shape(value.shape) for value in inputs))
        return f"give all of them one shape, {shapes}."
    name = vectors[0].graph.describe(vectors[0])
    size = vectors[0].shape[0]
    return f"make a column of it, reshape({name}, ({size}, 1)): {name} has one number for each row."


def _mismatch(op: Op, inputs: Sequence[Value], reason: MismatchError, otherwise: str = "") -> ShapeError:
    """Return the error for operands that do not fit: what, names with shapes, why, the fix."""
    names = [value.graph.describe(value) for value in inputs]
    shapes = [value.shape for value in inputs]
    why, fix = op.remedy(names, shapes)
    shown = [f"{name} {show_shape(shape)}" for name, shape in zip(names, shapes, strict=True)]
    verb, between = op.verb if op.verb[0] else (f"apply {op.name} to", " and ")
    return ShapeError(
        f"cannot {verb} {between.join(shown)}: {why or reason}.", fix=fix or otherwise or reason.fix
    )
