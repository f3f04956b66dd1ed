"""Matrix products: C[i, j] = Σₖ A[i, k] B[k, j]."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrule.execute.native.code import COUNT, POINTER, Code, Register, element
from chainrule.execute.native.kernels.tiles import Block, Reach, Strip, Tile, tile_for
from chainrule.execute.native.target import Target

LEFT, RIGHT, RESULT, PARTIAL, COLUMNS, DEPTH = range(6)
LEFT_ROW, LEFT_STEP, RIGHT_STEP, RIGHT_PANEL, RESULT_ROW, BLOCKS, NEAR = range(6, 13)
FREE = TAIL = 13
FETCH, OWN = 14, 15
_DEEPEST, _BLOCK = 768, 512
# So many chains of multiply-adds keep the processor busy while one of them waits for its last sum.
_CHAINS = 8
# What is read of B for one block of k and a group of panels should stay in the second cache.
_KEPT_BYTES = 512 << 10
_GROUP = 4
_AHEAD = 16

Store = Callable[[Code, Register, Register, Register], None]


def panel_columns(target: Target, scalar: str) -> int:
    """Return how many columns a tile has, which is the width of a panel of B."""
    return tile_for(target).vectors * target.lanes(scalar)


def blocks_of(depth: int) -> int:
    """Return into how many blocks k is divided.

    >>> blocks_of(1), blocks_of(768), blocks_of(784), blocks_of(4096)
    (1, 1, 2, 8)
    """
    return 1 if depth <= _DEEPEST else -(-depth // _BLOCK)


def store_result(code: Code, row: Register, column: Register, vector: Register) -> None:
    """Store a vector of finished sums into C."""
    place = code.add(code.multiply(row, code.argument(RESULT_ROW)), column)
    code.store(vector, code.address(code.argument(RESULT, POINTER), place, element(vector.type)))


def product_kernel(
    target: Target,
    scalar: str,
    store: Store = store_result,
) -> str:
    """Return the text of a kernel for C = A B, whose begin and end are rows of C.

    The first cells of its arguments are, by their names in this module: LEFT, RIGHT, RESULT, PARTIAL
    (pointers), COLUMNS and DEPTH (sizes of C and of k), LEFT_ROW and LEFT_STEP (from A[i, k] to A[i+1, k]
    and to A[i, k+1]), RIGHT_STEP (from B[k, j] to B[k+1, j]; B[k, j+1] comes next), RIGHT_PANEL (from one
    panel of B to the next: `panel_columns` where B is not packed), RESULT_ROW (from a row of C, and of
    PARTIAL, to the next), BLOCKS (`blocks_of` the depth) and NEAR (a pointer, or 0). PARTIAL holds the sums
    between blocks; where there is more than one it has the shape of C, and may be C. NEAR is used where
    A[i+1, k] follows A[i, k]: a tile's rows of A are copied there and stay in the first cache. It has room
    for as many rows as C has, each one element longer than a block is deep. Cells from FREE on are for
    `store`.

    Each element is one chain of multiply-adds in the order of k, whatever tile it falls in. Any rows may
    be asked for; multiples of the tile's are fastest.

    Args:
        target: for which processor.
        scalar: float or double.
        store: appends what happens to a vector of finished sums, given its row and its first column.
    """
    return _Product(target, scalar, store).code.text()


def calling_kernel(target: Target, scalar: str) -> str:
    """Return the text of such a kernel that leaves finished tiles to a function, in a second pass.

    The cell TAIL holds its address: a function of the kernel's arguments, a tile's first row, its rows, its
    first column, its vectors in a row, and the address of its sums. FETCH holds that of one of the same
    arguments but the last, called before a tile's sums are made, to bring near what the tail reads; or 0.
    Cells from OWN on are for these functions. One such kernel serves all of them: its code is compiled once,
    and is at hand when another product begins.
    """
    return _Product(target, scalar, store_result, calls=True).code.text()


class _Product:
    """The kernel being written: blocks of k, groups of panels, rows of tiles, tiles, then k itself."""

    def __init__(self, target: Target, scalar: str, store: Store, *, calls: bool = False) -> None:
        code = self.code = Code((POINTER, COUNT, COUNT))
        self.scalar, self.store = scalar, store
        self.lanes, self.tile = target.lanes(scalar), tile_for(target)
        self.vector = f"<{self.lanes} x {scalar}>"
        self.width = code.whole(self.lanes * self.tile.vectors)
        self.left, self.right, self.partial = (code.argument(c, POINTER) for c in (LEFT, RIGHT, PARTIAL))
        self.depth, self.blocks = code.argument(DEPTH), code.argument(BLOCKS)
        self.left_row, self.left_step = code.argument(LEFT_ROW), code.argument(LEFT_STEP)
        self.right_step, self.right_panel = code.argument(RIGHT_STEP), code.argument(RIGHT_PANEL)
        self.result_row = code.argument(RESULT_ROW)
        self.columns = self._multiple(code.argument(COLUMNS), self.lanes)
        self.calls = calls
        if calls:
            self.tail, self.fetch = code.argument(TAIL, POINTER), code.argument(FETCH, POINTER)
            most = max(self.tile.rows * self.tile.vectors, _CHAINS)
            self.buffer = self.code.make(POINTER, f"alloca {self.vector}, i32 {most}, align 64")
        self._write()

    def _write(self) -> None:
        """Append the loop over the blocks of k."""
        code = self.code
        last = code.subtract(self.blocks, code.whole(1))
        deep = code.binary("udiv", code.add(self.depth, last), self.blocks)
        along = code.compare("eq", self.left_row, code.whole(1))
        place = code.argument(NEAR, POINTER)
        given = code.compare("ne", place, Register(POINTER, "null"))
        self.copies_rows = code.binary("and", along, given)
        # The last vector of a copy may be longer than a tile has rows.
        room = code.multiply(code.arguments[1], code.add(deep, code.whole(1)))
        self.copies = code.address(place, room, self.scalar)

        def turn(number: Register, _: Sequence[Register]) -> Sequence[Register]:
            begin, is_last = code.multiply(number, deep), code.compare("eq", number, last)
            count = code.select(is_last, code.subtract(self.depth, begin), deep)
            self._work(Block(begin, count, code.compare("eq", number, code.whole(0)), is_last))
            return ()

        code.loop(code.whole(0), self.blocks, 1, (), turn)

    def _work(self, block: Block) -> None:
        self.block, self.reach = block, self._reach(block)
        self._groups()

    def _reach(self, block: Block) -> Reach:
        """Append how far to look ahead.

        Eight panels bring in the next rows of A: each one or two of the rows where these lie in one piece,
        else an eighth of k, of which every step has two ends.
        """
        code = self.code
        along = code.compare("eq", self.left_step, code.whole(1))
        eighth = code.multiply(code.binary("lshr", block.count, code.whole(3)), self.left_step)
        packed = code.compare("ne", self.right_panel, self.width)
        below = code.multiply(self.right_step, code.whole(_AHEAD))
        return Reach(
            panel=code.select(along, self.left_row, eighth),
            other=code.select(
                along, code.multiply(self.left_row, code.whole(8)), code.whole(self.tile.rows - 1)
            ),
            mask=code.select(along, code.whole(-self.lanes), code.whole(-8)),
            step=code.select(along, code.whole(1), code.binary("ashr", self.left_step, code.whole(3))),
            below=code.select(packed, below, code.whole(0)),
        )

    def _groups(self) -> None:
        """Append the loop over groups of panels."""
        code = self.code
        panel_bytes = self.lanes * self.tile.vectors * {"float": 4, "double": 8}[self.scalar]
        deep = code.multiply(code.add(self.block.count, code.whole(1)), code.whole(panel_bytes))
        panels = self._multiple(code.binary("udiv", code.whole(_KEPT_BYTES), deep), _GROUP)
        least = code.whole(_GROUP)
        panels = code.select(code.compare("slt", panels, least), least, panels)
        group = code.multiply(panels, self.width)
        count = code.binary("udiv", code.add(self.columns, code.subtract(group, code.whole(1))), group)

        def turn(_: Register, carried: tuple[Register, ...]) -> Sequence[Register]:
            (start,) = carried
            stop = code.add(start, group)
            stop = code.select(code.compare("slt", stop, self.columns), stop, self.columns)
            row, end = code.arguments[1:]
            for height in sorted({self.tile.rows, max(1, self.tile.rows // 3), 1}, reverse=True):
                row = self._rows(row, end, height, (start, stop))
            return (stop,)

        code.loop(code.whole(0), count, 1, (code.whole(0),), turn)

    def _multiple(self, count: Register, of: int) -> Register:
        """Append a count made up to a multiple of a power of two."""
        code = self.code
        return code.binary("and", code.add(count, code.whole(of - 1)), code.whole(-of))

    def _rows(
        self, begin: Register, end: Register, height: int, group: tuple[Register, Register]
    ) -> Register:
        """Append the tiles of one height; return the row where they stop."""
        code = self.code

        def turn(row: Register, _: Sequence[Register]) -> Sequence[Register]:
            strip = self._strip(row, height)
            column = group[0]
            for vectors in self._widths(height):
                column = self._columns(row, strip, (column, group[1]), vectors)
            return (code.add(row, code.whole(height)),)

        stop = code.subtract(end, code.whole(height - 1))
        return code.loop(begin, stop, height, (begin,), turn)[0]

    def _widths(self, height: int) -> list[int]:
        panel = self.tile.vectors
        widest = max(1, _CHAINS // (height * panel)) * panel
        return sorted({widest, panel, 1}, reverse=True)

    def _strip(self, row: Register, height: int) -> Strip:
        code = self.code
        skipped = code.multiply(self.block.begin, self.left_step)
        start = code.add(code.multiply(row, self.left_row), skipped)
        first = code.address(self.left, start, self.scalar)
        following = code.address(first, code.multiply(self.left_row, code.whole(height)), self.scalar)
        ahead = following, code.address(following, self.reach.other, self.scalar), self.reach.panel
        whole = height == self.tile.rows
        unchanged = first, self.left_row, self.left_step
        read, below, step = self._copied(first, height) if whole else unchanged
        return Strip(height, read, below, step, ahead)

    def _copied(self, first: Register, height: int) -> tuple[Register, ...]:
        """Append a copy of a tile's rows of A where steps of k lead from line to line of memory.

        Returns:
            What is to be read: the first address, and the distances to the next row and to the next k.
        """
        code, step = self.code, self.code.whole(height)

        def turn(_: Register, carried: tuple[Register, ...]) -> Sequence[Register]:
            for i in range(0, height, self.lanes):
                source, place = (code.address(start, code.whole(i), self.scalar) for start in carried)
                code.store(code.load(self.vector, source), place)
            source, place = carried
            return code.address(source, self.left_step, self.scalar), code.address(place, step, self.scalar)

        def copy() -> Sequence[Register]:
            code.loop(code.whole(0), self.block.count, 1, (first, self.copies), turn)
            return self.copies, code.whole(1), step

        return code.when(self.copies_rows, copy, lambda: (first, self.left_row, self.left_step))

    def _columns(
        self, row: Register, strip: Strip, columns: tuple[Register, Register], vectors: int
    ) -> Register:
        """Append the tiles of one height and width; return the column where they stop.

        Args:
            row: the first row of C.
            strip: the rows of A.
            columns: where these tiles start, and where the group stops.
            vectors: the width.
        """
        code, width = self.code, vectors * self.lanes
        begin, stop = columns
        tile = Tile(strip.height, vectors)
        ahead = strip.ahead[:2] if tile == self.tile else ()

        def turn(_: Register, carried: tuple[Register, ...]) -> Sequence[Register]:
            column, *ahead = carried
            sums = self._started(self._places(row, column, tile))
            if self.calls:
                self._fetch(row, column, tile)
            self._finish(row, column, tile, self._sums(strip, ahead, self._panel(column), sums))
            further = (code.address(place, strip.ahead[2], self.scalar) for place in ahead)
            return [code.add(column, code.whole(width)), *further]

        stop = code.subtract(stop, code.whole(width - 1))
        return code.loop(begin, stop, width, (begin, *ahead), turn)[0]

    def _places(self, row: Register, column: Register, tile: Tile) -> list[Register]:
        """Append the addresses of the sums kept between blocks."""
        code, made = self.code, list[Register]()
        for i in range(tile.rows):
            start = code.add(code.multiply(code.add(row, code.whole(i)), self.result_row), column)
            at = code.address(self.partial, start, self.scalar)
            made += [code.address(at, code.whole(j * self.lanes), self.scalar) for j in range(tile.vectors)]
        return made

    def _started(self, places: Sequence[Register]) -> tuple[Register, ...]:
        """Append what a tile starts from: nothing, or what the blocks before have left."""
        code, zero = self.code, self.code.constant(self.vector, 0)
        return code.when(
            self.block.is_first,
            lambda: [zero for _ in places],
            lambda: [code.load(self.vector, p) for p in places],
        )

    def _finish(self, row: Register, column: Register, tile: Tile, sums: Sequence[Register]) -> None:
        """Append what becomes of a tile's sums."""
        code = self.code

        def keep() -> Sequence[Register]:
            for place, total in zip(self._places(row, column, tile), sums, strict=True):
                code.store(total, place)
            return ()

        def finish() -> Sequence[Register]:
            if self.calls:
                return self._pass_over(row, column, tile, sums)
            for number, total in enumerate(sums):
                i, j = divmod(number, tile.vectors)
                at = code.add(row, code.whole(i)), code.add(column, code.whole(j * self.lanes))
                self.store(code, *at, total)
            return ()

        code.when(self.block.is_last, finish, keep)

    def _fetch(self, row: Register, column: Register, tile: Tile) -> None:
        code = self.code
        rows, vectors = code.whole(tile.rows), code.whole(tile.vectors)

        def fetch() -> Sequence[Register]:
            code.call_at(self.fetch, code.arguments[0], row, rows, column, vectors)
            return ()

        code.when(code.compare("ne", self.fetch, Register(POINTER, "null")), fetch)

    def _pass_over(
        self, row: Register, column: Register, tile: Tile, sums: Sequence[Register]
    ) -> Sequence[Register]:
        """Append a second pass over a finished tile, by a function that has all registers to itself."""
        code, buffer = self.code, self.buffer
        for number, total in enumerate(sums):
            code.store(total, code.address(buffer, code.whole(number), self.vector))
        rows, vectors = code.whole(tile.rows), code.whole(tile.vectors)
        code.call_at(self.tail, code.arguments[0], row, rows, column, vectors, buffer)
        return ()

    def _panel(self, column: Register) -> Register:
        """Append the address of the first row of B that a tile needs."""
        code = self.code
        panel, within = code.binary("udiv", column, self.width), code.binary("urem", column, self.width)
        start = code.add(code.multiply(panel, self.right_panel), within)
        start = code.add(start, code.multiply(self.block.begin, self.right_step))
        return code.address(self.right, start, self.scalar)

    def _sums(
        self, strip: Strip, ahead: Sequence[Register], right: Register, sums: Sequence[Register]
    ) -> tuple[Register, ...]:
        """Append the loop over a block of k.

        Every third row of A has a register that moves with k, and the others are found from it. LLVM would
        derive all of them from one that moves, and run out of registers, if it could see how they relate.
        """
        code = self.code
        twice = code.add(strip.row, strip.row)
        starts = [
            code.address(strip.first, code.multiply(strip.row, code.whole(i)), self.scalar)
            for i in range(0, strip.height, 3)
        ]

        def turn(k: Register, carried: tuple[Register, ...]) -> Sequence[Register]:
            places, right, sums = carried[: len(starts)], carried[len(starts)], carried[len(starts) + 1 :]
            if ahead:
                self._look(ahead, k, right)
            others = ((code.address(p, by, self.scalar) for by in (strip.row, twice)) for p in places)
            rows = [row for p, more in zip(places, others, strict=True) for row in (p, *more)]
            new = self._step(rows[: strip.height], right, sums)
            moved = (code.opaque(code.address(place, strip.step, self.scalar)) for place in places)
            return [*moved, code.address(right, self.right_step, self.scalar), *new]

        carried = (*map(code.opaque, starts), right, *sums)
        return code.loop(code.whole(0), self.block.count, 1, carried, turn)[len(starts) + 1 :]

    def _look(self, ahead: Sequence[Register], k: Register, right: Register) -> None:
        """Append the hints of one k: most lines are asked for more than once, none in a burst."""
        code = self.code
        offset = code.multiply(code.binary("and", k, self.reach.mask), self.reach.step)
        for place in ahead:
            code.prefetch(code.address(place, offset, self.scalar), 2)
        below = code.address(right, self.reach.below, self.scalar)
        for j in range(self.tile.vectors):
            code.prefetch(code.address(below, code.whole(j * self.lanes), self.scalar), 1)

    def _step(self, left: Sequence[Register], right: Register, sums: Sequence[Register]) -> list[Register]:
        """Append what one k adds: a column of A times a row of B."""
        code, vectors = self.code, len(sums) // len(left)
        panels = [
            code.address(right, code.multiply(self.right_panel, code.whole(i)), self.scalar) if i else right
            for i in range(-(-vectors // self.tile.vectors))
        ]
        row: list[Register] = []
        for j in range(vectors):
            panel, within = divmod(j, self.tile.vectors)
            place = code.address(panels[panel], code.whole(within * self.lanes), self.scalar)
            row.append(code.load(self.vector, place))
        factors = (code.splat(code.load(self.scalar, place), self.lanes) for place in left)
        pairs = ((factor, b) for factor in factors for b in row)
        return [code.multiply_add(*pair, total) for pair, total in zip(pairs, sums, strict=True)]
