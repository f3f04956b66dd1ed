"""From a group of nodes to the kernels that compute it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from chainrule.execute.native.arrays import Layout, Node, View, expanded, without_axis
from chainrule.execute.native.code import Code, Register, element
from chainrule.execute.native.groups import Group, is_matrix_product
from chainrule.execute.native.kernels import product
from chainrule.execute.native.kernels.epilogue import Epilogue
from chainrule.execute.native.kernels.loops import Kernel, LoopKernel, Store, Work
from chainrule.execute.native.kernels.nest import Cell
from chainrule.execute.native.kernels.sequences import argmax_kernel, scan_kernel, scatter_kernel
from chainrule.execute.native.kernels.tiles import tile_for
from chainrule.execute.native.target import Target


@dataclass(frozen=True)
class Machine:
    """What kernels are written for.

    Attributes:
        target: the processor.
        real: float or double, the precision of arrays.
        layout: how arrays lie in memory.
    """

    target: Target
    real: str
    layout: Layout


def kernels_of(group: Group, stored: set[Node], machine: Machine) -> list[Kernel]:
    """Return the kernels of a group, in the order in which they run.

    Args:
        group: what is computed.
        stored: nodes that are used outside their group.
        machine: what to write for.
    """
    node, layout = group.node, machine.layout
    kept = [*group.maps, *([node] if node is not None else [])]
    stores = [Store(each, layout.view(each)) for each in kept if each in stored]
    work = Work(group.shape, group.maps, stores, group.reductions, group.reduced)
    if node is None:
        return [LoopKernel(work, layout, machine.real).write()]
    if is_matrix_product(node):
        return [product_kernel(node, work, machine)]
    return list(_WRITERS[node.kind](node, machine))


def copy_kernel(source: View, target: View, machine: Machine, *, guarded: bool = True) -> Kernel:
    """Return the kernel that lays the elements of one view down in another of the same shape."""
    work = Work(source.shape, stores=[Store(source, target, guarded)])
    return LoopKernel(work, machine.layout, machine.real).write()


def take_kernel(
    source: View, index: View, axis: int, target: View, machine: Machine, *, guarded: bool = False
) -> Kernel:
    """Return the kernel that takes the parts of an array which an index names along an axis."""
    count = index.ndim
    fixed = without_axis(source, axis)
    shape = target.shape
    strides = (*fixed.strides[:axis], *(0,) * count, *fixed.strides[axis:])
    read = View(source.node, shape, strides, source.offset)
    after = target.ndim - axis - count
    wide = View(index.node, (*index.shape, *(1,) * after), (*index.strides, *(0,) * after), index.offset)
    at = expanded(wide, shape)
    work = Work(
        shape,
        stores=[Store(read, target)],
        indexed={read: (at, source.strides[axis])},
        guarded=frozenset((read,) if guarded else ()),
    )
    return LoopKernel(work, machine.layout, machine.real).write()


def _assembled(node: Node, machine: Machine) -> Iterator[Kernel]:
    for view, (strides, offset) in zip(node.inputs, node.detail, strict=True):
        kept = tuple(0 if n == 1 else step for n, step in zip(view.shape, strides, strict=True))
        yield copy_kernel(view, View(node, view.shape, kept, offset), machine)


def _taken(node: Node, machine: Machine) -> Iterator[Kernel]:
    source, index = node.inputs
    yield take_kernel(source, index, node.detail, machine.layout.view(node), machine)


def _scattered(node: Node, machine: Machine) -> Iterator[Kernel]:
    whole = machine.layout.view(node)
    zero = View(Node("number", "0.0", (), (), node.dtype, 0.0), whole.shape, (0,) * whole.ndim)
    yield copy_kernel(zero, whole, machine, guarded=False)
    yield scatter_kernel(node, machine.layout, machine.real)


def _scanned(node: Node, machine: Machine) -> Iterator[Kernel]:
    yield scan_kernel(node, machine.layout, machine.real)


def _greatest(node: Node, machine: Machine) -> Iterator[Kernel]:
    yield argmax_kernel(node, machine.layout, machine.real)


def _products(node: Node, machine: Machine) -> Iterator[Kernel]:
    """Yield one product for each place of the axes before the last two."""
    result = machine.layout.view(node)
    left, right = node.inputs
    for place in itertools.product(*(range(n) for n in node.shape[:-2])):
        parts = [_at(view, place) for view in (left, right, result)]
        yield _product(parts[0], parts[1], parts[2], machine)


def _at(view: View, place: tuple[int, ...]) -> View:
    for index in place:
        view = without_axis(view, 0, index)
    return view


def _product(left: View, right: View, result: View, machine: Machine) -> Kernel:
    single = right.shape[1] == 1
    text = _product_text(machine.target, machine.real, single=single)
    cells = _product_cells(left, right, result, machine)
    if single:
        cells[product.BLOCKS] = 1
    return _of_rows(text, tuple(cells), left, right, machine)


def product_kernel(node: Node, work: Work, machine: Machine) -> Kernel:
    """Return the kernel of a matrix product, and of what is made of its elements while they are at hand."""
    left, right = node.inputs
    result = machine.layout.view(node)
    cells = _product_cells(left, right, result, machine)
    if not work.maps:
        text = _product_text(machine.target, machine.real, single=False)
        return _of_rows(text, tuple(cells), left, right, machine)
    tail = Epilogue(node, work, machine.layout, machine.real)
    text = product.product_kernel(
        machine.target,
        machine.real,
        tail=tail.function(),
        fetch=None if os.environ.get("NONEAR") else tail.fetch(),
    )
    if not keeps_sums(node):
        cells[product.RESULT] = cells[product.PARTIAL] = 0
    return _of_rows(text, (*cells, *tail.cells), left, right, machine)


def _of_rows(text: str, cells: tuple[Cell, ...], left: View, right: View, machine: Machine) -> Kernel:
    (rows, depth), columns = left.shape, right.shape[1]
    return Kernel(text, cells, rows, tile_for(machine.target).rows, rows * depth * columns)


def keeps_sums(node: Node) -> bool:
    """Tell whether a product is so deep that its sums are laid down on the way."""
    return is_matrix_product(node) and product.blocks_of(node.inputs[0].shape[1]) > 1


def _product_cells(left: View, right: View, result: View, machine: Machine) -> list[Cell]:
    (_, depth), columns = left.shape, right.shape[1]
    cells: dict[int, Cell] = {
        product.LEFT: left,
        product.RIGHT: right,
        product.RESULT: result,
        product.PARTIAL: result,
        product.COLUMNS: columns,
        product.DEPTH: depth,
        product.LEFT_ROW: left.strides[0],
        product.LEFT_STEP: left.strides[1],
        product.RIGHT_STEP: right.strides[0],
        product.RIGHT_PANEL: product.panel_columns(machine.target, machine.real),
        product.RESULT_ROW: result.strides[0],
        product.BLOCKS: product.blocks_of(depth),
        product.NEAR: 0,
    }
    return [cells[i] for i in range(product.FREE)]


@cache
def _product_text(target: Target, real: str, *, single: bool) -> str:
    return product.product_kernel(target, real, _store_first if single else product.store_result)


def _store_first(code: Code, row: Register, column: Register, vector: Register) -> None:
    """Store the one element of a row; what follows it belongs to other rows."""
    scalar = element(vector.type)
    first = code.make(scalar, f"extractelement {vector}, i32 0")
    place = code.multiply(row, code.argument(product.RESULT_ROW))
    code.store(first, code.address(code.argument(product.RESULT, "ptr"), place, scalar))


_WRITERS: Mapping[str, Callable[[Node, Machine], Iterator[Kernel]]] = {
    "assemble": _assembled,
    "take": _taken,
    "scatter": _scattered,
    "scan": _scanned,
    "argmax": _greatest,
    "product": _products,
}
