"""Matrix products: C[i, j] = Σₖ A[i, k] B[k, j]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chainrule.execute.native.code import COUNT, POINTER, Code, Register

LEFT, RIGHT, RESULT, PARTIAL, COLUMNS, DEPTH = range(6)
LEFT_ROW, LEFT_STEP, RIGHT_STEP, RIGHT_PANEL, RESULT_ROW, BLOCKS = range(6, 12)
FREE = 12
_DEEPEST = 768
_BLOCK = 512
_CHAINS = 8
_KEPT = 512 << 10

Store = Callable[[Code, Register, Register, Register], None]


class Target(Protocol):
    """What these kernels must know of a processor."""

    @property
    def vector_bytes(self) -> int:
        """The bytes of a vector register."""
        ...

    @property
    def registers(self) -> int:
        """The number of vector registers."""
        ...


@dataclass(frozen=True)
class Tile:
    """What of C stays in registers while k runs: some rows, and some vectors of each."""

    rows: int
    vectors: int


_TILES = {(64, 32): Tile(12, 2), (16, 32): Tile(8, 3), (32, 16): Tile(6, 2), (16, 16): Tile(4, 2)}


def bytes_of(scalar: str) -> int:
    """Return the size of `float` or `double`."""
    return {"float": 4, "double": 8}[scalar]


def lanes_in(target: Target, scalar: str) -> int:
    """Return how many numbers a vector holds."""
    return target.vector_bytes // bytes_of(scalar)


def tile_for(target: Target) -> Tile:
    """Return the largest tile whose sums, with what they are made of, fit into the registers."""
    return _TILES[target.vector_bytes, target.registers]


def panel_columns(target: Target, scalar: str) -> int:
    """Return how many columns a tile has, which is the width of a panel of B."""
    return tile_for(target).vectors * lanes_in(target, scalar)


def blocks_of(depth: int) -> int:
    """Return into how many blocks k is divided.

    >>> blocks_of(1), blocks_of(768), blocks_of(784), blocks_of(4096)
    (1, 1, 2, 8)
    """
    return 1 if depth <= _DEEPEST else -(-depth // _BLOCK)


def store_result(code: Code, row: Register, column: Register, vector: Register) -> None:
    """Store a vector of finished sums into C."""
    place = code.add(code.multiply(row, code.argument(RESULT_ROW)), column)
    code.store(vector, code.address(code.argument(RESULT, POINTER), place, vector.type[1:-1].split(" x ")[1]))


def product_kernel(target: Target, scalar: str, store: Store = store_result) -> str:
    """Return the text of a kernel for C = A B, whose begin and end are rows of C.

    The first cells of its arguments are, by their names in this module: LEFT, RIGHT, RESULT, PARTIAL
    (pointers), COLUMNS and DEPTH (sizes of C and of k), LEFT_ROW and LEFT_STEP (from A[i, k] to A[i+1, k]
    and to A[i, k+1]), RIGHT_STEP (from B[k, j] to B[k+1, j]; B[k, j+1] comes next), RIGHT_PANEL (from one panel of B
    to the next: `panel_columns` where B is not packed), RESULT_ROW (from a row of C, and of PARTIAL, to the next)
    and BLOCKS (`blocks_of` the depth). PARTIAL holds the sums between blocks; where there is more than one it
    has the shape of C, and may be C. Cells from FREE on are for `store`.

    Each element is one chain of multiply-adds in the order of k, whatever tile it falls in.

    Args:
        target: for which processor.
        scalar: float or double.
        store: appends what happens to a vector of finished sums, given its row and its first column.
    """
    code = Code((POINTER, COUNT, COUNT))
    _Product(code, target, scalar, store).emit()
    return code.text()


class _Product:
    """The kernel being written."""

    def __init__(self, code: Code, target: Target, scalar: str, store: Store) -> None:
        self.code, self.scalar, self.store = code, scalar, store
        self.lanes, self.tile = lanes_in(target, scalar), tile_for(target)
        self.vector = f"<{self.lanes} x {scalar}>"
        self.left, self.right, self.partial = (code.argument(c, POINTER) for c in (LEFT, RIGHT, PARTIAL))
        self.columns, self.depth, self.blocks = (code.argument(c) for c in (COLUMNS, DEPTH, BLOCKS))
        self.left_row, self.left_step = code.argument(LEFT_ROW), code.argument(LEFT_STEP)
        self.right_step, self.right_panel = code.argument(RIGHT_STEP), code.argument(RIGHT_PANEL)
        self.result_row = code.argument(RESULT_ROW)

    def emit(self) -> None:
        """Append the loops over the blocks of k, then rows, then columns."""
        code = self.code
        zero = code.whole(0)
        longest = code.add(self.depth, code.subtract(self.blocks, code.whole(1)))
        self.block = code.binary("sdiv", longest, self.blocks)
        self.padded = code.binary(
            "and", code.add(self.columns, code.whole(self.lanes - 1)), code.whole(-self.lanes)
        )
        code.loop(zero, self.blocks, 1, (), self._block)

    def _block(self, number: Register, _: Sequence[Register]) -> Sequence[Register]:
        code = self.code
        self.first = code.compare("eq", number, code.whole(0))
        self.last = code.compare("eq", number, code.subtract(self.blocks, code.whole(1)))
        self.begin = code.multiply(number, self.block)
        self.count = code.select(self.last, code.subtract(self.depth, self.begin), self.block)
        kept = code.multiply(self.count, code.whole(self.lanes * self.tile.vectors * bytes_of(self.scalar)))
        fit = code.binary("udiv", code.whole(_KEPT), code.add(kept, code.whole(1)))
        fit = code.binary("and", code.add(fit, code.whole(4)), code.whole(-4))
        group = code.multiply(fit, code.whole(self.lanes * self.tile.vectors))

        def turn(_: Register, carried: tuple[Register, ...]) -> Sequence[Register]:
            self.start = carried[0]
            stop = code.add(self.start, group)
            self.stop = code.select(code.compare("slt", stop, self.padded), stop, self.padded)
            row, end = code.arguments[1:]
            for height in sorted({self.tile.rows, max(1, self.tile.rows // 3), 1}, reverse=True):
                row = self._rows(row, end, height)
            return (self.stop,)

        groups = code.binary("udiv", code.add(self.padded, code.subtract(group, code.whole(1))), group)
        code.loop(code.whole(0), groups, 1, (code.whole(0),), turn)
        return ()

    def _rows(self, begin: Register, end: Register, height: int) -> Register:
        """Append the tiles of one height; return the row where they stop."""
        code = self.code

        def strip(row: Register, _: Sequence[Register]) -> Sequence[Register]:
            column = self.start
            for vectors in self._widths(height):
                column = self._columns(row, height, column, vectors)
            return (code.add(row, code.whole(height)),)

        stop = code.subtract(end, code.whole(height - 1))
        return code.loop(begin, stop, height, (begin,), strip)[0]

    def _widths(self, height: int) -> list[int]:
        panel = self.tile.vectors
        widest = max(1, _CHAINS // (height * panel)) * panel
        return sorted({widest, panel, 1}, reverse=True)

    def _columns(self, row: Register, height: int, begin: Register, vectors: int) -> Register:
        code, width = self.code, vectors * self.lanes

        def turn(column: Register, _: Sequence[Register]) -> Sequence[Register]:
            self._one(row, column, Tile(height, vectors))
            return (code.add(column, code.whole(width)),)

        return code.loop(begin, code.subtract(self.stop, code.whole(width - 1)), width, (begin,), turn)[0]

    def _one(self, row: Register, column: Register, tile: Tile) -> None:
        code = self.code
        places = self._places(row, column, tile)
        zero = code.constant(self.vector, 0)
        sums = code.when(
            self.first, lambda: [zero for _ in places], lambda: [code.load(self.vector, p) for p in places]
        )
        finished = self._sums(row, column, tile, sums)

        def keep() -> Sequence[Register]:
            for place, total in zip(places, finished, strict=True):
                code.store(total, place)
            return ()

        def finish() -> Sequence[Register]:
            for number, total in enumerate(finished):
                i, j = divmod(number, tile.vectors)
                at = code.add(row, code.whole(i)), code.add(column, code.whole(j * self.lanes))
                self.store(code, *at, total)
            return ()

        code.when(self.last, finish, keep)

    def _places(self, row: Register, column: Register, tile: Tile) -> list[Register]:
        """Append the addresses of the sums kept between blocks."""
        code, made = self.code, list[Register]()
        for i in range(tile.rows):
            start = code.add(code.multiply(code.add(row, code.whole(i)), self.result_row), column)
            at = code.address(self.partial, start, self.scalar)
            made += [code.address(at, code.whole(j * self.lanes), self.scalar) for j in range(tile.vectors)]
        return made

    def _sums(
        self, row: Register, column: Register, tile: Tile, sums: Sequence[Register]
    ) -> tuple[Register, ...]:
        """Append the loop over a block of k."""
        code, scalar = self.code, self.scalar
        skipped = code.multiply(self.begin, self.left_step)
        rows = [
            code.address(
                self.left,
                code.add(code.multiply(code.add(row, code.whole(i)), self.left_row), skipped),
                scalar,
            )
            for i in range(tile.rows)
        ]
        rows = [code.make(POINTER, f"freeze {r}") for r in rows]
        width = code.whole(self.tile.vectors * self.lanes)
        panel, within = code.binary("udiv", column, width), code.binary("urem", column, width)
        start = code.add(code.multiply(panel, self.right_panel), within)
        start = code.add(start, code.multiply(self.begin, self.right_step))
        right = code.address(self.right, start, scalar)

        def turn(_: Register, carried: tuple[Register, ...]) -> Sequence[Register]:
            return self._step(rows, tile, carried)

        zero = code.whole(0)
        return code.loop(zero, self.count, 1, (zero, right, *sums), turn)[2:]

    def _step(
        self, rows: Sequence[Register], tile: Tile, carried: tuple[Register, ...]
    ) -> tuple[Register, ...]:
        """Append what one k adds: a column of A times a row of B."""
        code = self.code
        offset, right, *sums = carried
        vectors = [
            code.load(self.vector, code.address(right, code.whole(j * self.lanes), self.scalar))
            for j in range(tile.vectors)
        ]
        new: list[Register] = []
        for i, row in enumerate(rows):
            a = code.load(self.scalar, code.address(row, offset, self.scalar))
            factor = code.splat(a, self.lanes)
            new += [code.multiply_add(factor, b, sums[i * tile.vectors + j]) for j, b in enumerate(vectors)]
        return (
            code.add(offset, self.left_step),
            code.address(right, self.right_step, self.scalar),
            *new,
        )
