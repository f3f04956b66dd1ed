"""Arrays that a program reads where their owner keeps them, instead of from a copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.execute.inputs import Array
from chainrule.execute.native.arrays import Layout, View


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
        steps = (step * own.itemsize for step in view.strides)
        self._steps = tuple(step for step, size in zip(steps, own.shape, strict=True) if size > 1)
        self._bytes = layout.elements(own.shape) * own.itemsize
        self._is_padded = self._bytes > own.nbytes
        self._readers: list[tuple[Array, int, int]] = []
        self.last: Array | None = None

    def reader(self, cells: Array, number: int, offset: int) -> None:
        """Note a cell that holds the address of an element, and that element's distance in bytes."""
        self._readers.append((cells, number, offset))

    def take(self, array: Array) -> None:
        """Read this array from now on; a copy of it where it lies otherwise."""
        if self._lies_alike(array):
            self._point_to(_address(array))
            self.last = array if self._lasting else None
            return
        self.own[...] = array
        self._point_to(self._address)
        self.last = None

    def _point_to(self, address: int) -> None:
        for cells, number, offset in self._readers:
            cells[number] = address + offset

    def _lies_alike(self, array: Array) -> bool:
        """Tell whether kernels, which read whole vectors past a row's end, may read an array in place."""
        if array.dtype != self.own.dtype or not array.flags.aligned or array.shape != self.own.shape:
            return False
        steps = tuple(step for step, size in zip(array.strides, array.shape, strict=True) if size > 1)
        has_room = not self._is_padded or _address(array) + self._bytes <= _end(array)
        return steps == self._steps and has_room


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


def _end(array: Array) -> int:
    """Return the address after the memory that an array is part of."""
    whole: Any = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    return _address(whole) + whole.nbytes if whole.flags.c_contiguous else 0
