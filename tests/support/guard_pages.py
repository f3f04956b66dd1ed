"""Memory between pages that nobody may touch: whoever reads or writes beyond what is his ends the process."""

from __future__ import annotations

import ctypes
import faulthandler
import mmap
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.execute.native import plan, program
from chainrule.execute.native.memory import ALIGNMENT, SLACK, KeyT, Span

PAGE = mmap.PAGESIZE
_GARBAGE = 0xFF
"""Bytes that are NaN as floating-point numbers, −1 as whole ones, and true."""

_gaps: list[int] = []


class Pages:
    """Whole pages full of garbage between two that cannot be read or written.

    Attributes:
        bytes: their bytes.
    """

    def __init__(self, size: int) -> None:
        count = max(1, -(-size // PAGE))
        self._map = mmap.mmap(-1, (count + 2) * PAGE)
        self.bytes: NDArray[np.uint8] = np.frombuffer(self._map, np.uint8, count * PAGE, PAGE)
        self.bytes[:] = _GARBAGE
        for page in (-1, count):
            self.forbid(page)

    def forbid(self, page: int) -> None:
        """Let nobody touch a page from now on."""
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        address = self.bytes.ctypes.data + page * PAGE
        if protect(ctypes.c_void_p(address), ctypes.c_size_t(PAGE), 0):
            raise OSError(ctypes.get_errno(), "mprotect")


class Guarded(program.Memory):
    """What stands in for the memory of programs: what they may touch ends, but for 63 bytes, with a page."""

    def __init__(self, size: int) -> None:
        room = _made_up(size + SLACK, ALIGNMENT)
        pages = Pages(_made_up(room, PAGE))
        self._bytes = pages.bytes
        self._skip = len(self._bytes) - room
        if _gaps:
            self._skip = 0
            for page in _gaps:
                pages.forbid(page)
            _gaps.clear()


def apart(spans: Mapping[KeyT, Span]) -> tuple[dict[KeyT, int], int]:
    """Return places for arrays of which no two share memory, each with a page after it for nobody."""
    offsets: dict[KeyT, int] = {}
    pages = 0
    for key, span in spans.items():
        room = _made_up(span.size + SLACK, ALIGNMENT)
        pages += -(-room // PAGE)
        offsets[key] = pages * PAGE - room
        _gaps.append(pages)
        pages += 1
    return offsets, pages * PAGE


def install() -> None:
    """Put all memory of programs made from now on between such pages, or each of their arrays."""
    faulthandler.enable()
    program.Memory = Guarded  # type: ignore[misc]  # in this process alone
    plan.arranged = apart


def exact(array: Any) -> Any:
    """Return a copy of an array after whose last byte nothing may be read."""
    given = np.asarray(array)
    pages = Pages(given.nbytes)
    copy = pages.bytes[len(pages.bytes) - given.nbytes :].view(given.dtype).reshape(given.shape)
    copy[...] = given
    return copy


def announced(names: Iterator[str]) -> Iterator[str]:
    """Yield names, each said first: the last one said is where a process ended."""
    for name in names:
        print(name, flush=True)
        yield name


def _made_up(size: int, unit: int) -> int:
    return -(-size // unit) * unit
