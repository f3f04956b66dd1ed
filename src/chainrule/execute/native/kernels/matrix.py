"""From a matrix product to the kernels that compute it, by the form and the size of its operands."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache

from chainrule.execute.native.arrays import REAL, Node, View, without_axis
from chainrule.execute.native.code import POINTER, Code, Register, element
from chainrule.execute.native.groups import is_matrix_product
from chainrule.execute.native.kernels import column, packing, product
from chainrule.execute.native.kernels.epilogue import Epilogue
from chainrule.execute.native.kernels.loops import Kernel, Work
from chainrule.execute.native.kernels.machine import Machine
from chainrule.execute.native.kernels.nest import Cell, Entry
from chainrule.execute.native.kernels.tiles import tile_for
from chainrule.execute.native.target import Target

_FAR = 256 << 10
"""Bytes beyond which what a tail reads is not expected in a near cache."""


def product_kernels(node: Node, work: Work, machine: Machine) -> Iterator[Kernel]:
    """Yield the kernels of a product: one for each place of the axes before the last two."""
    if is_matrix_product(node):
        yield _with_tail(node, work, machine)
        return
    result = machine.layout.view(node)
    left, right = node.inputs
    for place in itertools.product(*(range(n) for n in node.shape[:-2])):
        parts = [_at(view, place) for view in (left, right, result)]
        yield _plain(parts[0], parts[1], parts[2], machine)


def keeps_sums(node: Node) -> bool:
    """Tell whether a product is so deep that its sums are laid down on the way."""
    return is_matrix_product(node) and product.blocks_of(node.inputs[0].shape[1]) > 1


def packing_kernel(node: Node, machine: Machine) -> Kernel:
    """Return the kernel that lays a transposed matrix down in panels."""
    (source,) = node.inputs
    (depth, columns), (panels, panel) = source.shape, node.shape
    cells: dict[int, Cell] = {
        packing.SOURCE: source,
        packing.PANELS: machine.layout.view(node),
        packing.COLUMNS: columns,
        packing.DEPTH: depth,
        packing.STEP: source.strides[1],
        packing.PANEL: panel,
    }
    text = _packing_text(machine.target, machine.real)
    return Kernel(text, tuple(cells[i] for i in range(len(cells))), panels, 1, depth * columns)


def _at(view: View, place: tuple[int, ...]) -> View:
    for index in place:
        view = without_axis(view, 0, index)
    return view


def _plain(left: View, right: View, result: View, machine: Machine) -> Kernel:
    """Return the kernel of one product without a tail; a single column has kernels of its own."""
    cells = _cells(left, right, result, machine)
    if result.shape[1] > 1:
        return _of_rows(
            _product_text(machine.target, machine.real, single=False), cells, left, right, machine
        )
    along_rows = left.strides[1] == 1
    if right.strides[0] == 1 and (along_rows or left.strides[0] == 1) and result.strides[0] == 1:
        text = _column_text(machine.target, machine.real, along_rows=along_rows)
        rows, depth = left.shape
        cells[product.COLUMNS] = rows
        return Kernel(text, tuple(cells), -(-rows // machine.layout.lanes), 1, rows * depth)
    cells[product.BLOCKS] = 1
    return _of_rows(_product_text(machine.target, machine.real, single=True), cells, left, right, machine)


def _with_tail(node: Node, work: Work, machine: Machine) -> Kernel:
    """Return the kernel of a product, and of what is made of its elements while they are at hand."""
    left, right = node.inputs
    cells = _cells(left, right, machine.layout.view(node), machine)
    cells[product.NEAR] = _room_for_rows(left, right, machine)
    if not work.maps:
        text = _product_text(machine.target, machine.real, single=False)
        return _of_rows(text, cells, left, right, machine)
    tail = Epilogue(node, work, machine.layout, machine.real)
    function = Entry(tail.function().text())
    far = node.shape[0] * node.shape[1] * 4 * len(work.stores) > _FAR
    fetch = tail.fetch() if far else None
    if not keeps_sums(node):
        cells[product.RESULT] = cells[product.PARTIAL] = 0
    text = _calling_text(machine.target, machine.real)
    also = [function, Entry(fetch.text()) if fetch is not None else 0, *tail.cells]
    return _of_rows(text, [*cells, *also], left, right, machine)


def _room_for_rows(left: View, right: View, machine: Machine) -> Cell:
    """Return where copies of A's rows go while they are used, where they do not lie in one piece; else 0."""
    (rows, depth), columns = left.shape, _columns(right)
    if left.strides[0] != 1:
        return 0
    size = packing.plan(machine.target, machine.real, (rows, depth, columns), "AᵀB").near
    return machine.layout.view(Node("scratch", "", (), (size,), REAL)) if size else 0


def _columns(right: View) -> int:
    return right.node.detail if right.node.kind == "packed" else right.shape[1]


def _of_rows(text: str, cells: list[Cell], left: View, right: View, machine: Machine) -> Kernel:
    rows, depth = left.shape
    work = rows * depth * _columns(right)
    return Kernel(text, tuple(cells), rows, tile_for(machine.target).rows, work)


def _cells(left: View, right: View, result: View, machine: Machine) -> list[Cell]:
    packed = right.node.kind == "packed"
    width = product.panel_columns(machine.target, machine.real)
    depth = left.shape[1]
    cells: dict[int, Cell] = {
        product.LEFT: left,
        product.RIGHT: right,
        product.RESULT: result,
        product.PARTIAL: result,
        product.COLUMNS: _columns(right),
        product.DEPTH: depth,
        product.LEFT_ROW: left.strides[0],
        product.LEFT_STEP: left.strides[1],
        product.RIGHT_STEP: width if packed else right.strides[0],
        product.RIGHT_PANEL: right.shape[1] if packed else width,
        product.RESULT_ROW: result.strides[0],
        product.BLOCKS: product.blocks_of(depth),
        product.NEAR: 0,
    }
    return [cells[i] for i in range(product.FREE)]


@cache
def _product_text(target: Target, real: str, *, single: bool) -> str:
    return product.product_kernel(target, real, _store_first if single else product.store_result)


@cache
def _calling_text(target: Target, real: str) -> str:
    return product.calling_kernel(target, real)


@cache
def _column_text(target: Target, real: str, *, along_rows: bool) -> str:
    return column.column_kernel(target, real, along_rows=along_rows)


@cache
def _packing_text(target: Target, real: str) -> str:
    return packing.transpose_kernel(target, real)


def _store_first(code: Code, row: Register, column: Register, vector: Register) -> None:
    """Store the one element of a row; what follows it belongs to other rows."""
    scalar = element(vector.type)
    first = code.make(scalar, f"extractelement {vector}, i32 0")
    place = code.multiply(row, code.argument(product.RESULT_ROW))
    code.store(first, code.address(code.argument(product.RESULT, POINTER), place, scalar))
