"""Matrix products in machine code: every shape, form and target; the same bits however rows are divided."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from chainrule.execute.native.code import POINTER, Code, Register
from chainrule.execute.native.jit import Compiler
from chainrule.execute.native.kernels import column, packing, product
from chainrule.execute.native.kernels.tiles import tile_for
from chainrule.execute.native.target import TARGETS, Target, executable_targets

Array = np.ndarray[Any, np.dtype[Any]]
DTYPES = {"float": np.float32, "double": np.float64}
TOLERANCE = {"float": 1e-6, "double": 1e-14}
SHAPES = [
    *itertools.product((1, 2, 13), (1, 3, 17), (2, 16, 37)),
    (25, 64, 129),
    (5, 769, 47),
    (27, 1537, 300),
]
ON_EACH = pytest.mark.parametrize("target", executable_targets(), ids=lambda target: target.name)
IN_EACH = pytest.mark.parametrize("scalar", DTYPES)


def run(target: Target, text: str, cells: Sequence[int], begin: int, end: int) -> None:
    address = Compiler(target).addresses([text])[0]
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(address)
    kernel(np.array(cells, np.int64).ctypes.data, begin, end)


def stored(values: Array, lanes: int) -> Array:
    """Return values as rows padded with NaN, and NaN around them."""
    rows, columns = values.shape
    row = -(-columns // lanes) * lanes if columns > 1 else 1
    memory = np.full(rows * row + 2 * lanes, np.nan, values.dtype)
    view = memory[: rows * row].reshape(rows, row)
    view[:, :columns] = values
    return view


def step(view: Array) -> int:
    return view.strides[0] // view.itemsize


class Product:
    """C = A B in one of its forms, the operands laid down in memory."""

    def __init__(self, target: Target, scalar: str, shape: tuple[int, int, int], form: str) -> None:
        self.target, self.scalar, self.lanes = target, scalar, target.lanes(scalar)
        self.rows, self.depth, self.columns = shape
        numbers, dtype = np.random.default_rng(sum(shape)), DTYPES[scalar]
        a = numbers.standard_normal((self.rows, self.depth)).astype(dtype)
        b = numbers.standard_normal((self.depth, self.columns)).astype(dtype)
        self.expected = a.astype(np.float64) @ b.astype(np.float64)
        self.a = stored(a.T if form == "AᵀB" else a, self.lanes)
        self.b = stored(b.T if form == "ABᵀ" else b, self.lanes)
        self.c = stored(np.full_like(self.expected, np.nan, dtype), self.lanes)
        self.left = (1, step(self.a)) if form == "AᵀB" else (step(self.a), 1)
        self.plan = packing.plan(target, scalar, shape, form)
        self.near = np.full(self.plan.near, np.nan, dtype)
        self.panels = np.full(self.plan.packed + self.lanes, np.nan, dtype)
        if self.plan.transposed:
            self._pack()

    def _pack(self) -> None:
        text = packing.transpose_kernel(self.target, self.scalar)
        b, panels = self.b.ctypes.data, self.panels.ctypes.data
        cells = [b, panels, self.columns, self.depth, step(self.b), self.plan.panel]
        for panel in range(self.plan.panels):
            run(self.target, text, cells, panel, panel + 1)

    def cells(self, partial: Array | None = None, blocks: int | None = None) -> list[int]:
        packed = self.plan.transposed
        width = product.panel_columns(self.target, self.scalar)
        pointers = (self.a, self.panels if packed else self.b, self.c, self.c if partial is None else partial)
        right = (width, self.plan.panel) if packed else (step(self.b), width)
        near = self.near.ctypes.data if self.plan.near else 0
        blocks = blocks or product.blocks_of(self.depth)
        addresses = [array.ctypes.data for array in pointers]
        return [*addresses, self.columns, self.depth, *self.left, *right, step(self.c), blocks, near]

    def run(self, *ends: int, blocks: int | None = None) -> Array:
        text = product.product_kernel(self.target, self.scalar)
        self.c[:] = np.nan
        for begin, end in itertools.pairwise((0, *ends, self.rows)):
            run(self.target, text, self.cells(blocks=blocks), begin, end)
        return self.c[:, : self.columns].copy()


def far(found: Array, expected: Array) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@ON_EACH
@IN_EACH
@pytest.mark.parametrize("form", ["AB", "AᵀB", "ABᵀ"])
def test_products_agree_with_float64_and_every_division_of_the_rows(
    target: Target, scalar: str, form: str
) -> None:
    for shape in SHAPES:
        made = Product(target, scalar, shape, form)
        whole = made.run()
        assert far(whole, made.expected) < TOLERANCE[scalar], shape
        divided = made.run(made.rows // 3, made.rows // 2)
        assert divided.tobytes() == whole.tobytes(), shape


@ON_EACH
@IN_EACH
def test_blocks_of_k_do_not_show_in_the_result(target: Target, scalar: str) -> None:
    made = Product(target, scalar, (14, 100, 45), "AB")
    assert made.run(blocks=7).tobytes() == made.run(blocks=1).tobytes()


@ON_EACH
def test_rows_not_asked_for_and_what_follows_the_last_are_left_alone(target: Target) -> None:
    made = Product(target, "float", (20, 30, 45), "AB")
    memory = made.c.base
    assert memory is not None
    memory[:] = 7.0
    run(target, product.product_kernel(target, "float"), made.cells(), 3, 16)
    assert (made.c[:3] == 7).all()
    assert (made.c[16:] == 7).all()
    assert (memory[made.c.size :] == 7).all()
    assert far(made.c[3:16, :45], made.expected[3:16]) < 1e-6


@ON_EACH
@IN_EACH
def test_copies_of_rows_of_a_keep_to_their_own_place(target: Target, scalar: str) -> None:
    rows = tile_for(target).rows
    made = Product(target, scalar, (3 * rows, 200, 300), "AᵀB")
    run(target, product.product_kernel(target, scalar), made.cells(), rows, 2 * rows)
    first, second, third = made.near.reshape(3, -1)
    assert np.isnan(first).all()
    assert np.isfinite(second[: rows * 200]).all()
    assert np.isnan(third).all()


@ON_EACH
def test_threads_that_share_the_rows_do_not_disturb_each_other(target: Target) -> None:
    made = Product(target, "float", (96, 600, 300), "AᵀB")
    whole = made.run().tobytes()
    text, cells = product.product_kernel(target, "float"), made.cells()
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            made.c[:] = np.nan
            list(pool.map(lambda begin: run(target, text, cells, begin, begin + 24), range(0, 96, 24)))
            assert made.c[:, :300].tobytes() == whole


@ON_EACH
def test_what_becomes_of_the_sums_is_written_in_their_place(target: Target) -> None:
    def biased(code: Code, row: Register, column: Register, vector: Register) -> None:
        bias = code.address(code.argument(product.FREE, POINTER), column, "float")
        product.store_result(code, row, column, code.add(vector, code.load(vector.type, bias)))

    made = Product(target, "float", (14, 1030, 45), "AB")
    assert made.plan.partial == made.c.size
    bias = np.arange(made.c.shape[1], dtype=np.float32)
    partial = np.empty_like(made.c)
    cells = [*made.cells(partial), bias.ctypes.data]
    run(target, product.product_kernel(target, "float", biased), cells, 0, 14)
    assert far(made.c[:, :45], made.expected + bias[:45]) < 1e-6


@ON_EACH
@IN_EACH
@pytest.mark.parametrize("along_rows", [True, False])
def test_a_single_column(target: Target, scalar: str, along_rows: bool) -> None:
    text = column.column_kernel(target, scalar, along_rows=along_rows)
    for rows, depth in itertools.product((1, 2, 16, 37, 301), (1, 3, 16, 37, 301)):
        made = Product(target, scalar, (rows, depth, 1), "AB" if along_rows else "AᵀB")
        lanes = made.lanes
        units = -(-rows // lanes)
        b = stored(made.b.reshape(1, -1), lanes)
        results: list[Array] = []
        for cut in (0, units // 2):
            c = np.full(units * lanes + 1, np.nan, DTYPES[scalar])
            cells = made.cells()
            cells[product.RIGHT], cells[product.RESULT] = b.ctypes.data, c.ctypes.data
            cells[product.COLUMNS] = rows
            run(target, text, cells, 0, cut)
            run(target, text, cells, cut, units)
            assert np.isnan(c[-1])
            results.append(c[:rows])
        assert far(results[0], made.expected[:, 0]) < TOLERANCE[scalar], (rows, depth)
        assert results[0].tobytes() == results[1].tobytes(), (rows, depth)


@ON_EACH
def test_not_a_number_and_infinity_stay_in_their_rows_and_columns(target: Target) -> None:
    made = Product(target, "float", (14, 20, 45), "AB")
    made.a[3, 5], made.b[7, 40] = np.nan, np.inf
    found = made.run()
    assert np.isnan(found[3]).all()
    assert np.isinf(np.delete(found[:, 40], 3)).all()
    assert np.isfinite(np.delete(np.delete(found, 3, 0), 40, 1)).all()


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_every_target_compiles(target: Target) -> None:
    for scalar in DTYPES:
        texts = [product.product_kernel(target, scalar), packing.transpose_kernel(target, scalar)]
        texts += [column.column_kernel(target, scalar, along_rows=rows) for rows in (True, False)]
        for text in texts:
            assert len(Compiler(target).object_code(text)) > 500
