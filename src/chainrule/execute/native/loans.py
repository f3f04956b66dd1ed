"""Arrays that a program reads where their owner keeps them, instead of from a copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.execute.inputs import Array
from chainrule.execute.native.arrays import Layout, View

_BRIEF = 1 << 16
"""So many bytes are copied sooner than it is found out whether they may be read in place."""


class Loan:
    """One leaf, read from its own memory or from that of an array whose elements lie in the same way.

    Attributes:
        last: the array read from, if it may be expected again.

    Args:
        own: the leaf's own memory.
        view: how kernels read it.
        layout: how arrays are stored.
        lasting: whether the same array may be expected again, which is then remembered.
    """

    def __init__(self, own: Array, view: View, layout: Layout, *, lasting: bool) -> None:
        self.own, self._lasting = own, lasting
        self._address: int = own.ctypes.data
        self._at = self._address
        steps = (step * own.itemsize for step in view.strides)
        self._steps = tuple(step for step, size in zip(steps, own.shape, strict=True) if size > 1)
        self._reach = layout.elements(own.shape) * own.itemsize
        self._readers: list[tuple[Array, int, int]] = []
        self.last: Array | None = None

    def reader(self, cells: Array, number: int, offset: int, reach: int = 0) -> None:
        """Note who reads the leaf.

        Args:
            cells: cells of which one holds the address of an element.
            number: which one.
            offset: that element's distance in bytes.
            reach: the distance in bytes of the end of what may be read.
        """
        self._readers.append((cells, number, offset))
        cells[number] = self._at + offset
        self._reach = max(self._reach, reach)

    def take(self, array: Array) -> None:
        """Read this array from now on; a copy of it where it lies otherwise."""
        self.last = None
        brief = not self._lasting and array.nbytes <= _BRIEF
        if not brief and self._lies_alike(array):
            self._point_to(_address(array))
            self.last = array if self._lasting else None
        else:
            self.own[...] = array
            self._point_to(self._address)

    def _point_to(self, address: int) -> None:
        if address != self._at:
            for cells, number, offset in self._readers:
                cells[number] = address + offset
        self._at = address

    def _lies_alike(self, array: Array) -> bool:
        """Tell whether kernels, which read whole vectors past a row's end, may read an array in place."""
        if array.dtype != self.own.dtype or not array.flags.aligned or array.shape != self.own.shape:
            return False
        steps = tuple(step for step, size in zip(array.strides, array.shape, strict=True) if size > 1)
        return steps == self._steps and _address(array) + self._reach <= _end(array)


def reach_of(view: View, layout: Layout) -> int:
    """Return how many elements of a node's array a kernel may touch that reads a view of it.

    Along an axis whose elements follow on one another whole vectors are read: of the last axis up to the end
    of a row, of another one as many as a product copies at once.
    """
    end = view.offset + 1
    for axis, (size, step) in enumerate(zip(view.shape, view.strides, strict=True)):
        if step == 1:
            end += (layout.row(size) if axis == view.ndim - 1 else size + layout.lanes) - 1
        else:
            end += max(0, (size - 1) * step)
    return end


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


def _end(array: Array) -> int:
    """Return the address after the memory that an array is known to be part of."""
    whole: Any = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    return max(_address(each) + each.nbytes if each.flags.c_contiguous else 0 for each in (whole, array))
