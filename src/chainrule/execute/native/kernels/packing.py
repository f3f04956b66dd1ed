"""The right-hand side of a product laid down in panels: a tile's columns side by side, row after row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.execute.native.code import COUNT, POINTER, Code, Register
from chainrule.execute.native.kernels.product import blocks_of, panel_columns
from chainrule.execute.native.kernels.tiles import tile_for
from chainrule.execute.native.target import Target

# Rows of A are copied where a block is at least so deep, and so many panels read the copy.
_DEEP, _PANELS = 128, 4
SOURCE, PANELS, COLUMNS, DEPTH, STEP, PANEL = range(6)


@dataclass(frozen=True)
class Plan:
    """What a product needs beside its operands; sizes are in elements.

    Attributes:
        transposed: whether B is first packed by `transpose_kernel`, into panels.
        panels: how many.
        panel: from one to the next.
        partial: the sums between blocks of k, where C cannot hold them.
        near: copies of rows of A.
    """

    transposed: bool
    panels: int
    panel: int
    partial: int
    near: int

    @property
    def packed(self) -> int:
        """The size of all panels."""
        return self.panels * self.panel if self.transposed else 0


def plan(target: Target, scalar: str, shape: tuple[int, int, int], form: str) -> Plan:
    """Return what a product needs.

    B whose rows lie in one piece is best read where it is: a copy in panels is read faster by as much as
    copying takes.

    Args:
        target: the processor.
        scalar: float or double.
        shape: rows of A, rows of B, columns of B.
        form: AB, or where columns of A or rows of B lie in one piece, AᵀB or ABᵀ.
    """
    rows, depth, columns = shape
    lanes, width = target.lanes(scalar), panel_columns(target, scalar)
    blocks, vectors = blocks_of(depth), -(-columns // lanes)
    deep, transposed = -(-depth // blocks), form == "ABᵀ"
    pays = form == "AᵀB" and deep >= _DEEP and columns >= _PANELS * width
    return Plan(
        transposed,
        panels=-(-columns // width),
        panel=-(-depth // lanes) * lanes * width if transposed else width,
        partial=0 if blocks == 1 else rows * vectors * lanes,
        near=rows * (deep + 1) if pays else 0,
    )


def transpose_kernel(target: Target, scalar: str) -> str:
    """Return the text of a kernel that packs B = Wᵀ, where the rows of W lie in one piece.

    The cells of its arguments are, by their names in this module: SOURCE and PANELS (pointers), COLUMNS and
    DEPTH (sizes of B), STEP (from a row of W to the next) and PANEL (from a panel to the next). Begin and end
    are panels. Whole vectors of k are written, so that a panel has the depth made up to these.
    """
    return _Transpose(target, scalar).text()


class _Transpose:
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

    def text(self) -> str:
        """Append a transpose of each panel, square by square."""
        code = self.code

        def panel(number: Register, _: Sequence[Register]) -> Sequence[Register]:
            first, target, count = self._start(number)

            def part(number: Register, _: Sequence[Register]) -> Sequence[Register]:
                skipped = code.multiply(number, code.whole(self.lanes))
                self._strip(code.add(first, skipped), code.address(target, skipped, self.scalar))
                return ()

            return code.loop(code.whole(0), count, 1, (), part)

        _, begin, end = code.arguments
        code.loop(begin, end, 1, (), panel)
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

    def _strip(self, first: Register, target: Register) -> None:
        """Append the transpose of as many rows of W as a vector has elements.

        The last row stands in for those beyond it.
        """
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
    """Append the transpose of a square in registers: smaller and smaller blocks change places."""
    lanes = len(rows)
    square, half = list(rows), lanes // 2
    while half:
        low = [i + (lanes if i & half else 0) - (half if i & half else 0) for i in range(lanes)]
        for i in (i for i in range(lanes) if not i & half):
            a, b = square[i], square[i + half]
            square[i] = code.shuffle(a, b, low)
            square[i + half] = code.shuffle(a, b, [place + half for place in low])
        half //= 2
    return square
