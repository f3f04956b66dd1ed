"""The right-hand side of a product laid down in panels: a tile's columns side by side, row after row."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.execute.native.code import COUNT, POINTER, Code, Register
from chainrule.execute.native.kernels.product import tile_for
from chainrule.execute.native.target import Target

SOURCE, PANELS, COLUMNS, DEPTH, STEP, PANEL = range(6)


def copy_kernel(target: Target, scalar: str) -> str:
    """Return the text of a kernel that packs B, whose rows lie in one piece; begin and end are panels.

    The cells of its arguments are, by their names in this module: SOURCE and PANELS (pointers), COLUMNS and
    DEPTH (sizes of B), STEP (from a row of B to the next) and PANEL (from a panel to the next).
    """
    return _Packing(target, scalar).copy()


def transpose_kernel(target: Target, scalar: str) -> str:
    """Return the text of a kernel that packs B = Wᵀ, where the rows of W lie in one piece.

    It is called as that of `copy_kernel` is, but STEP is from a row of W, a column of B, to the next. Whole
    vectors of k are written: PANEL counts the depth made up to these.
    """
    return _Packing(target, scalar).transpose()


class _Packing:
    """A kernel being written."""

    def __init__(self, target: Target, scalar: str) -> None:
        code = self.code = Code((POINTER, COUNT, COUNT))
        self.scalar, self.lanes = scalar, target.lanes(scalar)
        self.vector = f"<{self.lanes} x {scalar}>"
        self.vectors = tile_for(target).vectors
        self.width = code.whole(self.vectors * self.lanes)
        self.source, self.panels = (code.argument(cell, POINTER) for cell in (SOURCE, PANELS))
        self.columns, self.depth = code.argument(COLUMNS), code.argument(DEPTH)
        self.step, self.panel = code.argument(STEP), code.argument(PANEL)

    def copy(self) -> str:
        """Append a copy of each panel: whole rows of it, or one vector of each row after the other."""
        code = self.code

        def panel(number: Register, _: Sequence[Register]) -> Sequence[Register]:
            source, target, count = self._start(number)
            source = code.address(self.source, source, self.scalar)
            whole = code.compare("eq", count, code.whole(self.vectors))

            def narrow() -> Sequence[Register]:
                def part(number: Register, _: Sequence[Register]) -> Sequence[Register]:
                    skipped = code.multiply(number, code.whole(self.lanes))
                    places = (code.address(place, skipped, self.scalar) for place in (source, target))
                    return self._copy(*places, 1)

                return code.loop(code.whole(0), count, 1, (), part)

            code.when(whole, lambda: self._copy(source, target, self.vectors), narrow)
            return ()

        code.loop(*code.arguments[1:], 1, (), panel)
        return code.text()

    def transpose(self) -> str:
        """Append a transpose of each panel, square by square."""
        code = self.code

        def panel(number: Register, _: Sequence[Register]) -> Sequence[Register]:
            first, target, count = self._start(number)

            def part(number: Register, _: Sequence[Register]) -> Sequence[Register]:
                skipped = code.multiply(number, code.whole(self.lanes))
                self._strip(code.add(first, skipped), code.address(target, skipped, self.scalar))
                return ()

            return code.loop(code.whole(0), count, 1, (), part)

        code.loop(*code.arguments[1:], 1, (), panel)
        return code.text()

    def _start(self, number: Register) -> tuple[Register, Register, Register]:
        """Append a panel's first column, its address, and how many vectors of it are columns of B."""
        code = self.code
        first = code.multiply(number, self.width)
        target = code.address(self.panels, code.multiply(number, self.panel), self.scalar)
        left = code.add(code.subtract(self.columns, first), code.whole(self.lanes - 1))
        count = code.binary("udiv", left, code.whole(self.lanes))
        most = code.whole(self.vectors)
        return first, target, code.select(code.compare("slt", count, most), count, most)

    def _copy(self, source: Register, target: Register, vectors: int) -> Sequence[Register]:
        code = self.code

        def turn(_: Register, carried: tuple[Register, ...]) -> Sequence[Register]:
            for i in range(vectors):
                read, write = (
                    code.address(place, code.whole(i * self.lanes), self.scalar) for place in carried
                )
                code.store(code.load(self.vector, read), write)
            steps = self.step, self.width
            return [code.address(*pair, self.scalar) for pair in zip(carried, steps, strict=True)]

        code.loop(code.whole(0), self.depth, 1, (source, target), turn)
        return ()

    def _strip(self, first: Register, target: Register) -> None:
        """Append the transpose of as many rows of W as a vector has elements; the last one stands in for more."""
        code = self.code
        last = code.subtract(self.columns, code.whole(1))
        rows: list[Register] = []
        for i in range(self.lanes):
            row = code.add(first, code.whole(i))
            row = code.select(code.compare("slt", row, last), row, last)
            rows.append(code.address(self.source, code.multiply(row, self.step), self.scalar))

        def turn(k: Register, _: Sequence[Register]) -> Sequence[Register]:
            square = [code.load(self.vector, code.address(row, k, self.scalar)) for row in rows]
            for i, column in enumerate(transposed(code, square)):
                place = code.multiply(code.add(k, code.whole(i)), self.width)
                code.store(column, code.address(target, place, self.scalar))
            return ()

        code.loop(code.whole(0), self.depth, self.lanes, (), turn)


def transposed(code: Code, rows: Sequence[Register]) -> list[Register]:
    """Append the transpose of a square in registers: ever smaller blocks change places across the diagonal."""
    lanes = len(rows)
    square, half = list(rows), lanes // 2
    while half:
        low = [i + (lanes if i & half else 0) - (half if i & half else 0) for i in range(lanes)]
        for i in (i for i in range(lanes) if not i & half):
            a, b = square[i], square[i + half]
            square[i] = _shuffled(code, a, b, low)
            square[i + half] = _shuffled(code, a, b, [place + half for place in low])
        half //= 2
    return square


def _shuffled(code: Code, a: Register, b: Register, places: Sequence[int]) -> Register:
    chosen = ", ".join(f"i32 {place}" for place in places)
    return code.make(a.type, f"shufflevector {a}, {b}, <{len(places)} x i32> <{chosen}>")
