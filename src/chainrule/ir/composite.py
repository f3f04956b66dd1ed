"""An op defined by a graph of other ops; its value and its gradient follow from the definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from chainrule.ir.graph import Graph
from chainrule.ir.op import Op
from chainrule.ir.structural import Declaration
from chainrule.ir.value import Value


class Composite(Op, abstract=True):
    """An op that states its `definition` by other ops.

    The definition gives the value, on every executor, and the gradient, unless a prettier `vjp` is
    written. Where it computes something worth a name it returns a mapping, the result last:
    `{"mu": …, "var": …, "y": …}`.

    Attributes:
        opens: whether a training step shows the definition, with names such as mu1, in place of the op.

    Example:
        >>> import chainrule as cr
        >>> class Cube(cr.Composite):
        ...     "Cube, y = x³."
        ...     signature = "... -> ..."
        ...     def definition(self, x):
        ...         return x * x**2
        >>> g = cr.parse("sizes m\\ndata x : (m)\\na = cube(x)\\nJ = sum(a)")
        >>> print(g.gradient("J", "x").text(section="backward", only=["dx"]))
        dx = x² + 2 x ⊙ x : (m)
    """

    opens: ClassVar[bool] = False

    def definition(self, *inputs: Any, **attributes: Any) -> Value | Mapping[str, Value]:
        """Return the result built of other ops, or everything worth a name, the result last."""
        raise NotImplementedError

    def parts(self, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> Mapping[str, Value]:
        """Return what the definition computes by name, the result last."""
        made = self.definition(*inputs, **attributes)
        return {"": made} if isinstance(made, Value) else made

    def expanded(self, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> Value:
        """Return the result built of other ops."""
        return list(self.parts(inputs, attributes).values())[-1]

    def forward(self, *arguments: Any, **attributes: Any) -> Any:
        """Return the value by evaluating the definition."""
        *_, (_, result) = self._evaluate(arguments, attributes)
        return result

    def branches(self, *arguments: Any, **attributes: Any) -> Any:
        """Return on which side of the kinks of its definition each element is."""
        if self.kinks:
            return super().branches(*arguments, **attributes)
        xp, *_ = arguments
        known: dict[Value, Any] = {}
        sides: list[Any] = []
        for value, array in self._evaluate(arguments, attributes):
            inputs = [known[x] for x in value.inputs]
            side = value.op.branches(xp, *inputs, **value.attributes) if inputs else None
            sides += [] if side is None else [xp.reshape(side, (-1,))]
            known[value] = array
        return xp.concat(sides) if sides else None

    def _evaluate(
        self, arguments: Sequence[Any], attributes: Mapping[str, Any]
    ) -> Iterator[tuple[Value, Any]]:
        """Yield the values of the definition with their arrays, the result last."""
        xp, *arrays = arguments
        shapes = tuple(tuple(array.shape) for array in arrays)
        leaves, order = _definition_on(self, shapes, tuple(attributes.items()))
        known: dict[Value, Any] = dict(zip(leaves, arrays, strict=True))
        yield from known.items()
        floats = [array.dtype for array in arrays if array.dtype.kind == "f"]
        for value in order:
            if value.constant is not None:
                known[value] = xp.asarray(value.constant.value({}), dtype=floats[0] if floats else None)
            elif value not in known:
                inputs = [known[x] for x in value.inputs]
                made = value.op.forward(xp, *inputs, **value.attributes)
                other = bool(floats) and made.dtype.kind == "f" and made.dtype != floats[0]
                known[value] = made.astype(floats[0]) if other else made
            yield value, known[value]

    def vjp(self, *arguments: Any, **attributes: Any) -> tuple[Value | None, ...]:
        """Return the gradients derived from the definition."""
        dy, _, *inputs = arguments
        return derived_vjp(self, dy, inputs, attributes)


def derived_vjp(
    op: Composite, dy: Value, inputs: Sequence[Value], attributes: Mapping[str, Any]
) -> tuple[Value | None, ...]:
    """Return the gradients of a composite's operands by the chain rule through its definition."""
    scratch, leaves = _leaves_like(inputs)
    result = op.expanded(leaves, attributes)
    inner = pull_back(result, scratch.declare("dy", Declaration("data", dy.shape)), leaves)
    moved: dict[Value, Value] = dict(zip([*leaves, scratch["dy"]], [*inputs, dy], strict=True))
    return tuple(None if part is None else _moved(part, moved, dy.graph) for part in inner)


def pull_back(result: Value, dy: Value, inputs: Sequence[Value]) -> list[Value | None]:
    """Return the gradient of each input from the gradient of a value made of them, None for none."""
    depends = set(inputs)
    for value in result.graph.walk([result]):
        if value.kind == "real" and any(x in depends for x in value.inputs):
            depends.add(value)
    gradients: dict[Value, Value] = {result: dy} if result in depends else {}
    for value in sorted(depends - set(inputs), key=lambda v: -v.order):
        if value not in gradients:
            continue
        sent = value.op.vjp(gradients[value], value, *value.inputs, **value.attributes)
        for x, part in zip(value.inputs, sent, strict=True):
            if part is not None and x in depends:
                gradients[x] = gradients[x] + part if x in gradients else part
    return [gradients.get(x) for x in inputs]


def _leaves_like(inputs: Sequence[Value]) -> tuple[Graph, list[Value]]:
    """Return a scratch graph with leaves shaped like the inputs, where no name stands in the way."""
    scratch = Graph()
    leaves = [scratch.declare(f"x{i}", Declaration("data", x.shape, x.kind)) for i, x in enumerate(inputs)]
    return scratch, leaves


def _moved(value: Value, moved: dict[Value, Value], graph: Graph) -> Value:
    """Return a value of a scratch graph rebuilt in another graph."""
    for part in value.graph.walk([value]):
        if part in moved:
            continue
        number = part.constant
        if number is None:
            moved[part] = part.op(*(moved[x] for x in part.inputs), **part.attributes)
        else:
            moved[part] = graph.constant(number)
    return moved[value]


@lru_cache(maxsize=256)
def _definition_on(
    op: Composite, shapes: tuple[tuple[int, ...], ...], attributes: tuple[tuple[str, Any], ...]
) -> tuple[list[Value], list[Value]]:
    """Return leaves of these shapes and the definition's values on them, in order, the result last."""
    scratch = Graph()
    leaves = [
        scratch.declare(f"x{i}", Declaration("data", shape, op.operand_kind(i, *shapes)))
        for i, shape in enumerate(shapes)
    ]
    result = op.expanded(leaves, dict(attributes))
    return leaves, [value for value in scratch.walk([result]) if value is not result] + [result]
