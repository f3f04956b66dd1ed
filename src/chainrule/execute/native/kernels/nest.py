"""Nested loops over the elements of arrays: addresses, loads and stores at each level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.execute.native.arrays import BOOL, View
from chainrule.execute.native.code import COUNT, POINTER, Code, Register
from chainrule.execute.native.kernels.functions import memory_type, scalar_type


@dataclass(frozen=True)
class Entry:
    """The address of a function.

    Attributes:
        text: its module, in LLVM's words.
    """

    text: str


Cell = int | float | View | Entry


@dataclass(frozen=True)
class Access:
    """An array that a kernel reads or writes, and how it is reached.

    Attributes:
        view: where the elements lie.
        strides: one a loop.
        guarded: whether nothing beyond the last element of a row may be touched.
        index: the access that says, at each place, where along an axis of this one to go, by its number.
        index_stride: what one step along that axis is.
    """

    view: View
    strides: tuple[int, ...]
    guarded: bool = False
    index: int | None = None
    index_stride: int = 0


@dataclass(frozen=True)
class Loops:
    """The loops of a kernel, from the outermost in.

    Attributes:
        sizes: turns of each loop, in elements.
        reduced: which of them run over what a reduction puts together; the others come first.
        vector: the loop that takes a vector at a time; −1 for none.
    """

    sizes: tuple[int, ...]
    reduced: tuple[bool, ...]
    vector: int


class Nest:
    """Code under way, inside some loops.

    Args:
        loops: the loops.
        accesses: the arrays that are read or written.
        real: float or double.
        lanes: elements in a vector.
        code: the function being written; a new one if None.
        first: the first of the function's arguments that is free.

    Attributes:
        code: the function being written.
        cells: what its list of arguments holds.
        index: the index of each loop that is open.
    """

    def __init__(
        self,
        loops: Loops,
        accesses: Sequence[Access],
        real: str,
        lanes: int,
        code: Code | None = None,
        first: int = 0,
    ) -> None:
        self.code = Code((POINTER, COUNT, COUNT)) if code is None else code
        self.loops, self.accesses, self._first = loops, accesses, first
        self.real, self.lanes = real, lanes if loops.vector >= 0 else 0
        self.cells: list[Cell] = []
        self.sizes = [self._argument(size) for size in loops.sizes]
        self.index: list[Register] = []
        self._bases = [self._base(access) for access in accesses]
        self._strides = [self._steps(access) for access in accesses]
        self._index_strides = [
            self._argument(access.index_stride) if access.index is not None else None for access in accesses
        ]
        self.places: list[list[Register]] = [[base] for base in self._bases]
        for number, access in enumerate(accesses):
            if access.index is not None and self.depth(access.index) == 0:
                self._go_to(number, access)

    def _argument(self, cell: Cell, ty: str = COUNT) -> Register:
        self.cells.append(cell)
        return self.code.argument(self._first + len(self.cells) - 1, ty)

    def _base(self, access: Access) -> Register:
        if access.view.node.kind == "count":
            return self._argument(access.view.offset)
        return self._argument(access.view, POINTER)

    def _steps(self, access: Access) -> list[Register | None]:
        """Return the stride of each loop; None where it is 0, and 1 where the vector says so."""
        steps: list[Register | None] = []
        for i, stride in enumerate(access.strides):
            unit = i == self.loops.vector and stride == 1
            steps.append(None if stride == 0 else self.code.whole(1) if unit else self._argument(stride))
        return steps

    def enter(self, index: Register) -> None:
        """Open the next loop: from its index to the place of each access."""
        level = len(self.index)
        self.index.append(index)
        for number, access in enumerate(self.accesses):
            place, step = self.places[number][-1], self._strides[number][level]
            if step is not None:
                place = self._moved(access, place, index, step)
            self.places[number].append(place)
        for number, access in enumerate(self.accesses):
            if access.index is not None and self.depth(access.index) == level + 1:
                self._go_to(number, access)

    def _go_to(self, number: int, access: Access) -> None:
        """Move an access to where the element of another one says."""
        assert access.index is not None  # noqa: S101 - asked by the caller
        step = self._index_strides[number]
        assert step is not None  # noqa: S101 - made for each access with an index
        at = self.load_single(access.index)
        self.places[number][-1] = self._moved(access, self.places[number][-1], at, step)

    def leave(self) -> None:
        """Close the innermost loop."""
        self.index.pop()
        for places in self.places:
            places.pop()

    def _moved(self, access: Access, place: Register, index: Register, step: Register) -> Register:
        code = self.code
        offset = index if step.name == "1" else code.multiply(index, step)
        if access.view.node.kind == "count":
            return code.add(place, offset)
        return code.address(place, offset, memory_type(access.view.dtype, self.real))

    def depth(self, number: int) -> int:
        """Return how many loops must be open before an access stands still."""
        access = self.accesses[number]
        own = max((i + 1 for i, stride in enumerate(access.strides) if stride), default=0)
        return own if access.index is None else max(own, self.depth(access.index))

    def is_vector(self, number: int) -> bool:
        """Tell whether an access yields another element in each lane."""
        return self.loops.vector >= 0 and self.accesses[number].strides[self.loops.vector] != 0

    def load(self, number: int) -> Register:
        """Append the load of the elements at an access; the same number in all lanes is one load."""
        access, place = self.accesses[number], self.places[number][-1]
        if access.view.node.kind == "count":
            return self._counted(number, place)
        if access.view.node.kind == "number":
            ty = scalar_type(access.view.dtype, self.real)
            return self.code.constant(f"<{self.lanes} x {ty}>" if self.lanes else ty, access.view.node.detail)
        ty = memory_type(access.view.dtype, self.real)
        if not self.is_vector(number):
            return self.spread(self.load_single(number))
        if access.strides[self.loops.vector] != 1:
            return self._true(self._gathered(number, ty, place), access)
        wide = f"<{self.lanes} x {ty}>"
        loaded = self._guarded_load(wide, place) if access.guarded else self.code.load(wide, place)
        return self._true(loaded, access)

    def _true(self, x: Register, access: Access) -> Register:
        """Append what makes a flag of the byte a truth value is stored as."""
        if access.view.dtype != BOOL:
            return x
        return self.code.compare("ne", x, self.code.constant(x.type, 0))

    def load_single(self, number: int) -> Register:
        """Append the load of one element."""
        access = self.accesses[number]
        ty = memory_type(access.view.dtype, self.real)
        return self._true(self.code.load(ty, self.places[number][-1]), access)

    def spread(self, x: Register) -> Register:
        """Append the vector that has a number in every lane, where the loops take vectors."""
        return self.code.splat(x, self.lanes) if self.lanes else x

    def _counted(self, number: int, place: Register) -> Register:
        code, access = self.code, self.accesses[number]
        scalar = scalar_type(access.view.dtype, self.real)
        first = place if scalar == "i64" else code.convert("trunc", place, scalar)
        if not self.lanes:
            return first
        first = code.splat(first, self.lanes)
        if not self.is_vector(number):
            return first
        step = self._strides[number][self.loops.vector]
        assert step is not None  # noqa: S101 - the access varies along the vector
        numbers = code.lane_numbers(scalar, self.lanes)
        if step.name != "1":
            narrow = step if scalar == "i64" else code.convert("trunc", step, scalar)
            numbers = code.multiply(numbers, code.splat(narrow, self.lanes))
        return code.add(first, numbers)

    def _gathered(self, number: int, ty: str, place: Register) -> Register:
        """Append loads of elements that lie apart, one by one; none is read beyond the last of a row."""
        code, vector = self.code, self.loops.vector
        step = self._strides[number][vector]
        assert step is not None  # noqa: S101 - the access varies along the vector
        left = code.subtract(code.subtract(self.sizes[vector], self.index[vector]), code.whole(1))
        made = Register(f"<{self.lanes} x {ty}>", "poison")
        for lane in range(self.lanes):
            near = code.intrinsic("smin", code.whole(lane), left)
            at = code.address(place, code.multiply(near, step), ty)
            made = code.make(made.type, f"insertelement {made}, {code.load(ty, at)}, i32 {lane}")
        return made

    def remaining(self) -> Register:
        """Append a flag for each lane: whether it lies within the row."""
        code, vector = self.code, self.loops.vector
        left = code.convert("trunc", code.subtract(self.sizes[vector], self.index[vector]), "i32")
        return code.compare("slt", code.lane_numbers("i32", self.lanes), code.splat(left, self.lanes))

    def _guarded_load(self, wide: str, place: Register) -> Register:
        return self.code.masked_load(wide, place, self.remaining())

    def store(self, number: int, x: Register) -> None:
        """Append the store of elements at an access."""
        access, place = self.accesses[number], self.places[number][-1]
        if access.view.dtype == BOOL:
            x = self.code.convert("zext", x, "i8")
        if self.is_vector(number) and access.strides[self.loops.vector] != 1:
            self._scattered(number, x, place)
        elif access.guarded and self.is_vector(number):
            self.code.masked_store(x, place, self.remaining())
        else:
            self.code.store(x, place)

    def _scattered(self, number: int, x: Register, place: Register) -> None:
        """Append stores of elements that lie apart; those beyond the row write the last one again."""
        code, vector = self.code, self.loops.vector
        step = self._strides[number][vector]
        assert step is not None  # noqa: S101 - the access varies along the vector
        scalar = memory_type(self.accesses[number].view.dtype, self.real)
        inside = self.remaining()
        for lane in range(self.lanes):
            flag = code.make("i1", f"extractelement {inside}, i32 {lane}")
            item = code.make(scalar, f"extractelement {x}, i32 {lane}")
            at = code.address(place, code.multiply(code.whole(lane), step), scalar)
            code.when(flag, lambda item=item, at=at: code.store(item, at) or ())
