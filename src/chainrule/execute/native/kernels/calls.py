"""From a group of nodes to the kernels that compute it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from chainrule.execute.native.arrays import Node, View, expanded, without_axis
from chainrule.execute.native.groups import Group
from chainrule.execute.native.kernels.loops import Kernel, LoopKernel, Store, Work
from chainrule.execute.native.kernels.machine import Machine
from chainrule.execute.native.kernels.matrix import packing_kernel, product_kernels
from chainrule.execute.native.kernels.sequences import argmax_kernel, scan_kernel, scatter_kernel


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
    if node.kind == "product":
        return list(product_kernels(node, work, machine))
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


def _packed(node: Node, machine: Machine) -> Iterator[Kernel]:
    yield packing_kernel(node, machine)


_WRITERS: Mapping[str, Callable[[Node, Machine], Iterator[Kernel]]] = {
    "assemble": _assembled,
    "take": _taken,
    "scatter": _scattered,
    "scan": _scanned,
    "argmax": _greatest,
    "packed": _packed,
}
