"""The base of every rule: signature, forward, backward, notation, domain, kinks, source."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from chainrule.ir.build import aligned, build
from chainrule.ir.form import Call, Form
from chainrule.ir.registry import register
from chainrule.ir.shape import Kind, Shape, Size
from chainrule.ir.signature import MismatchError, Signature, parse_signature

if TYPE_CHECKING:
    from chainrule.ir.value import Operand, Value

Required: Literal["required"] = "required"
AttributeType = Literal[
    "shape", "size", "axes", "axis", "order", "pairs", "whole", "bound", "flag", "number", "word"
]


@dataclass(frozen=True)
class Attribute:
    """A setting of an op: its name, how it is read, and its default (`Required` for none)."""

    name: str
    type: AttributeType
    default: Hashable = Required


@dataclass(frozen=True)
class Domain:
    """The real numbers an operand may take.

    Attributes:
        low: lower end.
        high: upper end.
        open: whether the ends themselves are excluded.
        members: the only numbers admitted, where they can be listed.
        without: single numbers left out.
        of_sum_1: whether each row along the last axis must have the sum 1, as probabilities do.
    """

    low: float = float("-inf")
    high: float = float("inf")
    open: bool = False
    members: tuple[float, ...] = ()
    without: tuple[float, ...] = ()
    of_sum_1: bool = False

    def __str__(self) -> str:
        if self.members:
            return "{" + ", ".join(f"{member:g}" for member in self.members) + "}"
        left = "(" if self.open or self.low == float("-inf") else "["
        right = ")" if self.open or self.high == float("inf") else "]"
        low, high = ("−∞" if self.low == float("-inf") else f"{self.low:g}"), f"{self.high:g}"
        hole = "".join(f" ∖ {{{number:g}}}" for number in self.without)
        rows = ", rows of sum 1" if self.of_sum_1 else ""
        return f"{left}{low}, {'∞' if high == 'inf' else high}{right}{hole}{rows}"


REALS = Domain()


class Op:
    """One rule of the rule book; its docstring is its equation.

    A subclass is registered by being defined. It states

    - `signature`: the axes of operands and result, alternatives separated by `|`;
    - `forward(xp, *arrays, **attributes)`: the value, written against an array namespace;
    - `vjp(dy, y, *inputs, **attributes)`: the gradient of each input, built of values;
      None where there is none;
    - `form`: how it is written;
    - `domain` of each operand, `kinks` (where the derivative jumps; the subgradient is the rule's),
      and `source`;
    - where they apply: `starts` (what a parameter or state starts from as the operand at a place),
      `variadic` (one operand or more, all alike), `optional` (how many operands at
      the end `complete` puts in where they are left out), `predict` (what stands for the op in a
      prediction graph).
    """

    name: ClassVar[str]
    signature: ClassVar[str]
    attributes: ClassVar[tuple[Attribute, ...]] = ()
    form: ClassVar[Form] = Call()
    operands: ClassVar[tuple[Kind, ...]] = ()
    kind: ClassVar[Kind] = "real"
    keeps_kind: ClassVar[bool] = False
    broadcasts: ClassVar[bool] = False
    variadic: ClassVar[bool] = False
    optional: ClassVar[int] = 0
    inline: ClassVar[bool] = False
    domain: ClassVar[tuple[Domain, ...]] = ()
    kinks: ClassVar[tuple[float, ...]] = ()
    starts: ClassVar[Mapping[int, float]] = {}
    source: ClassVar[str] = ""
    verb: ClassVar[tuple[str, str]] = ("", "")

    def __init_subclass__(cls, *, abstract: bool = False, name: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        if abstract:
            return
        cls.name = name or re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        register(cls())

    @cached_property
    def signatures(self) -> tuple[Signature, ...]:
        """The alternatives of the signature."""
        return tuple(parse_signature(part) for part in self.signature.split("|"))

    @property
    def arity(self) -> int:
        """The number of operands."""
        return len(self.signatures[0].inputs)

    @property
    def is_built_in(self) -> bool:
        """Whether chainrule itself defines it; what is defined elsewhere may change while a program runs."""
        return type(self).__module__.startswith("chainrule.")

    @property
    def is_elementwise(self) -> bool:
        """Whether each element of the result depends on the same element of each operand alone."""
        form = self.signature.replace(" ", "") in ("...->...", "...,...->...", "...,...,...->...")
        return form and all(attribute.type in ("number", "word") for attribute in self.attributes)

    def takes(self, count: int) -> bool:
        """Tell whether the op can be applied to this many operands."""
        return count >= 1 if self.variadic else self.arity - self.optional <= count <= self.arity

    def operand_kind(self, position: int, *shapes: Shape) -> Kind:
        """Return the kind the operand at a position must have, among operands of these shapes."""
        return self.operands[min(position, len(self.operands) - 1)] if self.operands else "real"

    def result_kind(self, inputs: Sequence[Value]) -> Kind:
        """Return the result's kind: the op's own, or the operand's where the op only moves elements."""
        return inputs[0].kind if self.keeps_kind else self.kind

    def operand_domain(self, position: int) -> Domain:
        """Return the numbers the operand at a position may take."""
        return self.domain[min(position, len(self.domain) - 1)] if self.domain else REALS

    def complete(self, operands: tuple[Operand, ...], attributes: dict[str, Any]) -> tuple[Operand, ...]:
        """Return all operands, with those put in that the caller left out."""
        return operands

    def infer(self, *shapes: Any, **attributes: Any) -> Shape:
        """Return the result's shape, or raise MismatchError."""
        failure = MismatchError("")
        for alternative in self.signatures:
            try:
                return alternative.infer(shapes)
            except MismatchError as mismatch:
                failure = mismatch
        raise failure

    def remedy(self, names: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, str]:
        """Return what is wrong with operands that do not fit, and the fix, or empty texts."""
        return "", ""

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes in their one canonical form (a negative axis counted from the front)."""
        return attributes

    def align(self, inputs: tuple[Value, ...]) -> tuple[Value, ...]:
        """Return the operands stretched to one shape where the op broadcasts."""
        return aligned(self, inputs) if self.broadcasts else inputs

    def fold(self, *inputs: Any, **attributes: Any) -> Value | None:
        """Return a simpler value equal to this op applied to the inputs, or None."""
        return None

    def predict(self, *inputs: Any, **attributes: Any) -> Value | None:
        """Return what stands for the op on these inputs in a prediction graph, or None: the op itself."""
        return None

    def state_updates(self, *inputs: Any, **attributes: Any) -> Mapping[Value, Value]:
        """Return the new values of operands that are states which each training step moves."""
        return {}

    def smallest_batch(self, examples: Size, *shapes: Any, **attributes: Any) -> int:
        """Return how many examples, counted by the size `examples`, the op needs to make sense."""
        return 1

    def index_limit(self, position: int, *shapes: Any, **attributes: Any) -> Size | None:
        """Return the size that class numbers at an operand must stay below, if there is one."""
        return None

    def branches(self, *arguments: Any, **attributes: Any) -> Any:
        """Return which side of its kinks each element is on, or None where there are no kinks."""
        xp, *arrays = arguments
        return xp.stack([arrays[0] > kink for kink in self.kinks]) if self.kinks else None

    def forward(self, *arguments: Any, **attributes: Any) -> Any:
        """Return the value, `forward(xp, *arrays)`; `xp` is an array namespace such as NumPy."""
        raise NotImplementedError

    def vjp(self, *arguments: Any, **attributes: Any) -> tuple[Value | None, ...]:
        """Return each input's gradient, `vjp(dy, y, *inputs)`, from the gradient `dy` of the value `y`."""
        return (None,) * (len(arguments) - 2)

    def __call__(self, *operands: Operand, **attributes: Any) -> Value:
        """Return this op applied to values and numbers, at least one of them a value."""
        return build(self, operands, attributes)

    def __repr__(self) -> str:
        return f"<op {self.name} : {self.signature}>"


class Primitive(Op, abstract=True):
    """An op whose forward rule is written directly against an array namespace."""
