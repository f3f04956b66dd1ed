"""Where arrays lie: one block of memory, in which places are used again when their array is done with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

KeyT = TypeVar("KeyT")
ALIGNMENT = 64
_PAGE = 4096
SLACK = 128
"""Bytes after each array that a kernel may read or write: a vector of the longest numbers."""


@dataclass(frozen=True)
class Span:
    """How much memory an array needs, and when.

    Attributes:
        size: bytes.
        first: the group that writes it.
        last: the last group that reads it.
    """

    size: int
    first: int
    last: int


def arranged(spans: Mapping[KeyT, Span]) -> tuple[dict[KeyT, int], int]:
    """Return the offset of each array, and the bytes that all take together.

    Arrays that are needed at the same time never overlap; large ones are placed first.

    >>> arranged({"a": Span(256, 0, 1), "b": Span(256, 1, 2), "c": Span(256, 2, 3)})
    ({'a': 0, 'b': 384, 'c': 0}, 768)
    """
    offsets: dict[KeyT, int] = {}
    placed: list[tuple[int, int, Span]] = []
    for key, span in sorted(spans.items(), key=lambda item: (-item[1].size, item[1].first)):
        size = _apart(-(-(span.size + SLACK) // ALIGNMENT) * ALIGNMENT)
        begin = _first_gap([(b, e) for b, e, other in placed if _meet(span, other)], size)
        offsets[key] = begin
        placed.append((begin, begin + size, span))
    return {key: offsets[key] for key in spans}, max((end for _, end, _ in placed), default=0)


def _apart(size: int) -> int:
    """Return a size made up so that the array after it does not begin at about the same place of a page.

    A load whose address differs by whole pages from that of a store just before has to wait for it.
    """
    return size + (-(size - _PAGE // 4) % _PAGE if size > _PAGE // 2 and size % _PAGE < _PAGE // 4 else 0)


def _meet(a: Span, b: Span) -> bool:
    return a.first <= b.last and b.first <= a.last


def _first_gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    begin = 0
    for start, end in sorted(taken):
        if start - begin >= size:
            break
        begin = max(begin, end)
    return begin
