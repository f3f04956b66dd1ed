"""Which arrays kernels may read where their owner keeps them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.execute.native.arrays import REAL, Layout, Node
from chainrule.execute.native.loans import Loan
from chainrule.execute.native.program import laid_down, machine_for

LAYOUT = Layout(16)


def loan(shape: tuple[int, ...], *, lasting: bool = True) -> tuple[Loan, Any, Any]:
    view = LAYOUT.view(Node("leaf", "", (), shape, REAL))
    memory = np.zeros(LAYOUT.elements(shape), np.float32)
    own = np.ndarray(shape, np.float32, memory, 0, tuple(4 * step for step in view.strides))
    made, cells = Loan(own, view, LAYOUT, lasting=lasting), np.zeros(1, np.int64)
    made.reader(cells, 0, 8)
    return made, cells, own


def is_read_in_place(array: Any) -> bool:
    made, cells, own = loan(array.shape)
    made.take(array)
    if cells[0] == array.ctypes.data + 8:
        return True
    assert cells[0] == own.ctypes.data + 8
    assert np.array_equal(own, array)
    return False


@pytest.mark.parametrize(("rows", "in_place"), [(512, False), (513, True)])
def test_what_comes_once_and_is_brief_is_copied(rows: int, in_place: bool) -> None:
    array = whole(rows, 32)
    made, cells, own = loan(array.shape, lasting=False)
    for _ in range(2):
        made.take(array)
        assert made.last is None
        assert cells[0] == (array if in_place else own).ctypes.data + 8
        assert np.array_equal(own, array) is not in_place


def whole(*shape: int) -> Any:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (whole(3, 32), True),
        (whole(3, 32)[1:], True),
        (whole(3, 30), False),
        (whole(3, 32)[:, :30], True),
        (whole(4, 32)[:3, :30], True),
        (whole(3, 64)[:, ::2], False),
        (whole(3, 64)[:, :32], False),
        (whole(3, 256), False),
        (whole(3, 272)[:, :256], True),
        (whole(30), False),
        (whole(32)[:30], True),
        (whole(32)[1:31], False),
        (whole(3, 32).astype(np.float64), False),
        (whole(3, 32).astype(">f4"), False),
        (np.asfortranarray(whole(3, 32)), False),
        (np.frombuffer(b"\0" * 65, np.uint8)[1:].view(np.float32), False),
    ],
    ids=range(16),
)
def test_reading_in_place(array: Any, expected: bool) -> None:
    assert is_read_in_place(array) is expected


@pytest.mark.parametrize("shape", [(30,), (3, 30), (4, 256), (1, 1), (5, 1), (1, 7), (2, 3, 5)])
def test_what_is_laid_down_for_kernels_is_read_in_place(shape: tuple[int, ...]) -> None:
    array = laid_down(whole(*shape), np.float32)
    assert np.array_equal(array, whole(*shape))
    layout = machine_for(np.float32).layout
    assert array.strides == tuple(4 * step for step in layout.strides(shape))
