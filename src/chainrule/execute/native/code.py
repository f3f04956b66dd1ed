"""LLVM's intermediate representation, written instruction by instruction."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

POINTER, COUNT, FLAG = "ptr", "i64", "i1"
_FLOATS = {"float": "f32", "double": "f64", "half": "f16"}


@dataclass(frozen=True, slots=True)
class Register:
    """A value of LLVM's: a type, and the name or the literal that stands for it."""

    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


def element(ty: str) -> str:
    """Return the type of a vector's elements, or the type itself.

    >>> element("<16 x float>"), element("i64")
    ('float', 'i64')
    """
    return ty[1:-1].split(" x ")[1] if ty.startswith("<") else ty


def lanes_of(ty: str) -> int:
    """Return the number of a vector's elements; 0 for what is no vector.

    >>> lanes_of("<16 x float>"), lanes_of("float")
    (16, 0)
    """
    return int(ty[1:].split(" x ")[0]) if ty.startswith("<") else 0


def like(ty: str, of: str) -> str:
    """Return the type with elements `of` and as many of them as a given type has.

    >>> like("<16 x float>", "i32"), like("double", "i64")
    ('<16 x i32>', 'i64')
    """
    lanes = lanes_of(ty)
    return f"<{lanes} x {of}>" if lanes else of


def is_float(ty: str) -> bool:
    """Tell whether a type, or a vector's element, is a floating-point number."""
    return element(ty) in _FLOATS


class Code:
    """One function of LLVM's being written; each method appends an instruction and returns its result.

    The function is `void kernel(ptr, ptr, …)`. Values are in static single assignment form: a loop passes
    what changes from turn to turn through `carried`.

    Attributes:
        arguments: the function's parameters.
    """

    def __init__(self, parameters: Sequence[str] = (POINTER,)) -> None:
        self.arguments = tuple(Register(ty, f"%a{i}") for i, ty in enumerate(parameters))
        self._lines: list[str] = ["entry:"]
        self._declared: dict[str, str] = {}
        self._counter = 0
        self._block = "entry"

    def text(self) -> str:
        """Return the module: the function `kernel`, and the intrinsics it calls."""
        parameters = ", ".join(map(str, self.arguments))
        body = "\n".join(line if line.endswith(":") else f"  {line}" for line in self._lines)
        function = f"define void @kernel({parameters}) {{\n{body}\n  ret void\n}}"
        return "\n".join([function, *self._declared.values()]) + "\n"

    def call_at(self, function: Register, *operands: Register) -> None:
        """Append a call of the function at an address."""
        self.effect(f"call void {function.name}({', '.join(map(str, operands))})")

    def make(self, ty: str, instruction: str) -> Register:
        """Append an instruction with a result."""
        self._counter += 1
        made = Register(ty, f"%v{self._counter}")
        self._lines.append(f"{made.name} = {instruction}")
        return made

    def effect(self, instruction: str) -> None:
        """Append an instruction without a result."""
        self._lines.append(instruction)

    def constant(self, ty: str, number: float) -> Register:
        """Return a number, in every lane of a vector."""
        scalar = element(ty)
        literal = _float_literal(scalar, number) if scalar in _FLOATS else str(int(number))
        return Register(ty, f"splat ({scalar} {literal})" if lanes_of(ty) else literal)

    def whole(self, number: int) -> Register:
        """Return a count."""
        return Register(COUNT, str(number))

    def binary(self, opcode: str, a: Register, b: Register) -> Register:
        """Append `opcode a, b`, such as fadd, fsub, fmul, fdiv, add, sub, mul, and, or, xor, shl, lshr."""
        return self.make(a.type, f"{opcode} {a}, {b.name}")

    def add(self, a: Register, b: Register) -> Register:
        """Append a sum of floats or of whole numbers."""
        return self.binary("fadd" if is_float(a.type) else "add", a, b)

    def subtract(self, a: Register, b: Register) -> Register:
        """Append a difference."""
        return self.binary("fsub" if is_float(a.type) else "sub", a, b)

    def multiply(self, a: Register, b: Register) -> Register:
        """Append a product."""
        return self.binary("fmul" if is_float(a.type) else "mul", a, b)

    def divide(self, a: Register, b: Register) -> Register:
        """Append a quotient of floats."""
        return self.binary("fdiv", a, b)

    def negate(self, a: Register) -> Register:
        """Append −a of a float."""
        return self.make(a.type, f"fneg {a}")

    def multiply_add(self, a: Register, b: Register, c: Register) -> Register:
        """Append a·b + c, rounded once where the processor can."""
        return self.intrinsic("fmuladd", a, b, c)

    def compare(self, predicate: str, a: Register, b: Register) -> Register:
        """Append a comparison: olt, ogt, oeq, une, … of floats; slt, sge, eq, … of whole numbers."""
        opcode = "fcmp" if is_float(a.type) else "icmp"
        return self.make(like(a.type, FLAG), f"{opcode} {predicate} {a}, {b.name}")

    def select(self, condition: Register, a: Register, b: Register) -> Register:
        """Append a choice, element by element where the condition is a vector."""
        return self.make(a.type, f"select {condition}, {a}, {b}")

    def convert(self, opcode: str, a: Register, scalar: str) -> Register:
        """Append a conversion of each element: fptosi, sitofp, fpext, fptrunc, zext, trunc, bitcast."""
        ty = like(a.type, scalar)
        return a if ty == a.type else self.make(ty, f"{opcode} {a} to {ty}")

    def intrinsic(self, name: str, *operands: Register, result: str = "") -> Register:
        """Append a call of one of LLVM's own functions, such as sqrt, fabs, floor, fmuladd.

        Args:
            name: the function, without the prefix `llvm.`.
            operands: its arguments; the first one's type is the overload.
            result: the type of the result, that of the first operand if left out.
        """
        ty = result or operands[0].type
        full = f"llvm.{name}.{_mangled(operands[0].type)}"
        self._declared.setdefault(full, f"declare {ty} @{full}({', '.join(r.type for r in operands)})")
        return self.make(ty, f"call {ty} @{full}({', '.join(map(str, operands))})")

    def call(self, function: str, *operands: Register, result: str = "void") -> Register:
        """Append a call of a function whose types are fixed, declared under its full name."""
        types = ", ".join(r.type for r in operands)
        self._declared.setdefault(function, f"declare {result} @{function}({types})")
        text = f"call {result} @{function}({', '.join(map(str, operands))})"
        if result != "void":
            return self.make(result, text)
        self.effect(text)
        return Register("void", "")

    def splat(self, scalar: Register, lanes: int) -> Register:
        """Append a vector with one number in every lane."""
        ty = f"<{lanes} x {scalar.type}>"
        first = self.make(ty, f"insertelement {ty} poison, {scalar}, i32 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.make(ty, f"shufflevector {first}, {ty} poison, {zeros}")

    def lane_numbers(self, scalar: str, lanes: int) -> Register:
        """Return the vector 0, 1, 2, … of whole numbers."""
        return Register(f"<{lanes} x {scalar}>", "<" + ", ".join(f"{scalar} {i}" for i in range(lanes)) + ">")

    def address(self, base: Register, offset: Register, scalar: str) -> Register:
        """Append base + offset, counted in elements of a type."""
        return self.make(POINTER, f"getelementptr {scalar}, {base}, {offset}")

    def load(self, ty: str, address: Register) -> Register:
        """Append a load that needs no more alignment than one element has."""
        return self.make(ty, f"load {ty}, {address}, align {_size(element(ty))}")

    def store(self, a: Register, address: Register) -> None:
        """Append a store that needs no more alignment than one element has."""
        self.effect(f"store {a}, {address}, align {_size(element(a.type))}")

    def masked_load(self, ty: str, address: Register, mask: Register) -> Register:
        """Append a load of those lanes alone whose flag is set; the others are 0."""
        name = f"llvm.masked.load.{_mangled(ty)}.p0"
        self._declared.setdefault(name, f"declare {ty} @{name}(ptr, i32, {mask.type}, {ty})")
        align = _size(element(ty))
        return self.make(ty, f"call {ty} @{name}({address}, i32 {align}, {mask}, {ty} zeroinitializer)")

    def masked_store(self, a: Register, address: Register, mask: Register) -> None:
        """Append a store of those lanes alone whose flag is set."""
        name = f"llvm.masked.store.{_mangled(a.type)}.p0"
        self._declared.setdefault(name, f"declare void @{name}({a.type}, ptr, i32, {mask.type})")
        self.effect(f"call void @{name}({a}, {address}, i32 {_size(element(a.type))}, {mask})")

    def prefetch(self, address: Register, level: int) -> None:
        """Append a hint that memory will be read soon, to be brought into a cache of level 1, 2 or 3."""
        name = "llvm.prefetch.p0"
        self._declared.setdefault(name, f"declare void @{name}(ptr, i32, i32, i32)")
        self.effect(f"call void @{name}({address}, i32 0, i32 {4 - level}, i32 1)")

    def shuffle(self, a: Register, b: Register, places: Sequence[int]) -> Register:
        """Append a choice of elements of two vectors, those of the second counted on from the first's."""
        chosen = ", ".join(f"i32 {place}" for place in places)
        ty = f"<{len(places)} x {element(a.type)}>"
        return self.make(ty, f"shufflevector {a}, {b}, <{len(places)} x i32> <{chosen}>")

    def opaque(self, a: Register) -> Register:
        """Append a copy that LLVM does not look through when it rearranges addresses."""
        return self.make(a.type, f"freeze {a}")

    def argument(self, place: int, ty: str = COUNT) -> Register:
        """Append a load from the list of arguments, whose cells are eight bytes each."""
        cell = self.address(self.arguments[0], self.whole(place), COUNT)
        return self.make(ty, f"load {ty}, {cell}, align 8")

    def loop(
        self,
        begin: Register,
        end: Register,
        step: int,
        carried: Sequence[Register],
        body: Callable[[Register, tuple[Register, ...]], Sequence[Register]],
    ) -> tuple[Register, ...]:
        """Append a loop `for i in range(begin, end, step)`; it may run no turn at all.

        Args:
            begin: the first i.
            end: where i stops.
            step: what is added to i each turn.
            carried: what the first turn starts from.
            body: from i and what the turn starts from to what the next turn starts from.

        Returns:
            What the last turn has left.
        """
        before, number = self._block, self._number()
        head, inside, after = f"head{number}", f"body{number}", f"after{number}"
        self.effect(f"br label %{head}")
        self._open(head)
        index = Register(begin.type, f"%i{number}")
        phis = [Register(start.type, f"%c{number}_{i}") for i, start in enumerate(carried)]
        place = len(self._lines)
        again = self.compare("slt", index, end)
        self.effect(f"br {again}, label %{inside}, label %{after}")
        self._open(inside)
        new = body(index, tuple(phis))
        following = self.add(index, Register(index.type, str(step)))
        entries = [(index, begin, following), *zip(phis, carried, new, strict=True)]
        self._lines[place:place] = [
            f"{phi.name} = phi {phi.type} [ {start.name}, %{before} ], [ {back.name}, %{self._block} ]"
            for phi, start, back in entries
        ]
        self.effect(f"br label %{head}")
        self._open(after)
        return tuple(phis)

    def repeat(
        self,
        carried: Sequence[Register],
        body: Callable[[tuple[Register, ...]], tuple[Register, Sequence[Register]]],
    ) -> tuple[Register, ...]:
        """Append a loop that runs at least once, and again as long as its flag is set.

        Args:
            carried: what the first turn starts from.
            body: from what a turn starts from to the flag, and what the next turn starts from.

        Returns:
            What the last turn has left.
        """
        before, number = self._block, self._number()
        inside, after = f"again{number}", f"done{number}"
        self.effect(f"br label %{inside}")
        self._open(inside)
        place = len(self._lines)
        phis = tuple(Register(start.type, f"%r{number}_{i}") for i, start in enumerate(carried))
        flag, new = body(phis)
        self._lines[place:place] = [
            f"{phi.name} = phi {phi.type} [ {start.name}, %{before} ], [ {back.name}, %{self._block} ]"
            for phi, start, back in zip(phis, carried, new, strict=True)
        ]
        self.effect(f"br {flag}, label %{inside}, label %{after}")
        self._open(after)
        return tuple(new)

    def when(
        self,
        condition: Register,
        then: Callable[[], Sequence[Register]],
        otherwise: Callable[[], Sequence[Register]] = tuple,
    ) -> tuple[Register, ...]:
        """Append a branch on one flag; both sides return as many results of the same types."""
        number = self._number()
        yes, no, after = f"yes{number}", f"no{number}", f"join{number}"
        self.effect(f"br {condition}, label %{yes}, label %{no}")
        ends: list[tuple[Sequence[Register], str]] = []
        for label, side in ((yes, then), (no, otherwise)):
            self._open(label)
            ends.append((side(), self._block))
            self.effect(f"br label %{after}")
        self._open(after)
        (left, from_left), (right, from_right) = ends
        return tuple(
            self.make(a.type, f"phi {a.type} [ {a.name}, %{from_left} ], [ {b.name}, %{from_right} ]")
            for a, b in zip(left, right, strict=True)
        )

    def _open(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label

    def _number(self) -> int:
        self._counter += 1
        return self._counter


def _float_literal(scalar: str, number: float) -> str:
    """Spell a float as LLVM wants it, by the bits of the double that equals it."""
    if scalar == "float" and math.isfinite(number):
        number = struct.unpack("f", struct.pack("f", number))[0]
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


def _mangled(ty: str) -> str:
    scalar = _FLOATS.get(element(ty), element(ty))
    return f"v{lanes_of(ty)}{scalar}" if lanes_of(ty) else scalar


def _size(scalar: str) -> int:
    return {"float": 4, "double": 8, "ptr": 8, "half": 2}.get(scalar) or max(1, int(scalar[1:]) // 8)
