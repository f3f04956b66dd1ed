"""Products of a matrix and one column: c[i] = Σₖ A[i, k] b[k]."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.execute.native.code import COUNT, POINTER, Code, Register
from chainrule.execute.native.kernels import product
from chainrule.execute.native.target import Target

_AT_ONCE = 8


def column_kernel(
    target: Target, scalar: str, store: product.Store = product.store_result, *, along_rows: bool
) -> str:
    """Return the text of a kernel for c = A b, whose elements lie side by side.

    It is called as that of `product_kernel` is, with c seen as a row: COLUMNS counts its elements, begin and
    end count whole vectors of them, and `store` is given row 0 and the first element's place as the column.
    b lies in one piece. It serves a single column C = A B, and a single row C = A Wᵀ, where W is on the left.

    Args:
        target: for which processor.
        scalar: float or double.
        store: appends what happens to a vector of finished sums.
        along_rows: whether A[i, k+1] follows A[i, k]; else A[i+1, k] does. An element is as many interleaved
            sums over k as a vector has elements, and then their sum; else one chain over k.
    """
    writer = _Column(target, scalar, store)
    return writer.along_rows() if along_rows else writer.along_columns()


class _Column:
    """The kernel being written."""

    def __init__(self, target: Target, scalar: str, store: product.Store) -> None:
        code = self.code = Code((POINTER, COUNT, COUNT))
        self.scalar, self.store, self.lanes = scalar, store, target.lanes(scalar)
        self.vector = f"<{self.lanes} x {scalar}>"
        self.left, self.right = (code.argument(cell, POINTER) for cell in (product.LEFT, product.RIGHT))
        self.count, self.depth = code.argument(product.COLUMNS), code.argument(product.DEPTH)
        self.row, self.step = code.argument(product.LEFT_ROW), code.argument(product.LEFT_STEP)

    def along_rows(self) -> str:
        """Append dot products of b and as many rows as a vector has elements."""
        code = self.code
        whole = code.binary("and", self.depth, code.whole(-self.lanes))
        last = code.subtract(self.count, code.whole(1))
        _, begin, end = code.arguments

        def turn(unit: Register, _: Sequence[Register]) -> Sequence[Register]:
            first = code.multiply(unit, code.whole(self.lanes))
            rows: list[Register] = []
            for i in range(self.lanes):
                row = code.add(first, code.whole(i))
                row = code.select(code.compare("slt", row, last), row, last)
                start = code.address(self.left, code.multiply(row, self.row), self.scalar)
                rows.append(code.opaque(start))
            self._finish(first, added(code, self._dots(rows, whole)))
            return ()

        code.loop(begin, end, 1, (), turn)
        return code.text()

    def _dots(self, rows: Sequence[Register], whole: Register) -> Sequence[Register]:
        """Append the loop over whole vectors of k, and what is left after them."""
        code = self.code
        zero = code.constant(self.vector, 0)

        def turn(k: Register, sums: tuple[Register, ...]) -> Sequence[Register]:
            return self._terms(rows, k, sums)

        sums = code.loop(code.whole(0), whole, self.lanes, [zero for _ in rows], turn)

        def rest() -> Sequence[Register]:
            left = code.splat(code.subtract(self.depth, whole), self.lanes)
            kept = code.compare("slt", code.lane_numbers(COUNT, self.lanes), left)
            return self._terms(rows, whole, sums, kept)

        return code.when(code.compare("slt", whole, self.depth), rest, lambda: sums)

    def _terms(
        self, rows: Sequence[Register], k: Register, sums: Sequence[Register], kept: Register | None = None
    ) -> list[Register]:
        """Append one vector of k; where a flag of `kept` is not set, nothing is added."""
        code, zero = self.code, self.code.constant(self.vector, 0)

        def read(start: Register) -> Register:
            numbers = code.load(self.vector, code.address(start, k, self.scalar))
            return numbers if kept is None else code.select(kept, numbers, zero)

        b = read(self.right)
        return [code.multiply_add(read(row), b, total) for row, total in zip(rows, sums, strict=True)]

    def along_columns(self) -> str:
        """Append sums of columns of A, some vectors at once while so many are left."""
        code = self.code
        _, begin, end = code.arguments

        def sums(begin: Register, vectors: int) -> Register:
            def turn(unit: Register, _: Sequence[Register]) -> Sequence[Register]:
                first = code.multiply(unit, code.whole(self.lanes))
                for j, total in enumerate(self._columns(first, vectors)):
                    self._finish(code.add(first, code.whole(j * self.lanes)), total)
                return (code.add(unit, code.whole(vectors)),)

            return code.loop(begin, code.subtract(end, code.whole(vectors - 1)), vectors, (begin,), turn)[0]

        sums(sums(begin, _AT_ONCE), 1)
        return code.text()

    def _columns(self, first: Register, vectors: int) -> tuple[Register, ...]:
        code = self.code

        def turn(k: Register, carried: tuple[Register, ...]) -> Sequence[Register]:
            place, *totals = carried
            factor = code.splat(code.load(self.scalar, code.address(self.right, k, self.scalar)), self.lanes)
            new: list[Register] = []
            for j, total in enumerate(totals):
                a = code.load(self.vector, code.address(place, code.whole(j * self.lanes), self.scalar))
                new.append(code.multiply_add(a, factor, total))
            return [code.address(place, self.step, self.scalar), *new]

        start = code.address(self.left, first, self.scalar)
        zeros = [code.constant(self.vector, 0)] * vectors
        return code.loop(code.whole(0), self.depth, 1, (start, *zeros), turn)[1:]

    def _finish(self, first: Register, total: Register) -> None:
        self.store(self.code, self.code.whole(0), first, total)


def added(code: Code, rows: Sequence[Register]) -> Register:
    """Append the vector of the sums of each of a square's rows."""
    lanes = len(rows)
    while len(rows) > 1:
        half = len(rows) // 2
        low = [i + (lanes - half if i & half else 0) for i in range(lanes)]
        high = [place + half for place in low]
        pairs = zip(rows[:half], rows[half:], strict=True)
        rows = [code.add(code.shuffle(a, b, low), code.shuffle(a, b, high)) for a, b in pairs]
    return rows[0]
