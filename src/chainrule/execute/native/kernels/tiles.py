"""The parts of a matrix product: tiles held in registers, blocks of k, strips of rows."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.execute.native.code import Register
from chainrule.execute.native.target import Target


@dataclass(frozen=True)
class Tile:
    """What of C stays in registers while k runs: some rows, and some vectors of each."""

    rows: int
    vectors: int


_TILES = {(64, 32): Tile(12, 2), (16, 32): Tile(8, 3), (32, 16): Tile(6, 2), (16, 16): Tile(4, 2)}


def tile_for(target: Target) -> Tile:
    """Return the largest tile whose sums, with what they are made of, fit into the registers."""
    return _TILES[target.vector_bytes, target.registers]


@dataclass(frozen=True)
class Block:
    """A block of k: where it begins, how deep it is, and its place among the blocks."""

    begin: Register
    count: Register
    is_first: Register
    is_last: Register


@dataclass(frozen=True)
class Strip:
    """A tile's rows of A in one block of k, and what to bring near meanwhile.

    Attributes:
        height: how many rows.
        first: the address of the first, at the first k.
        row: the distance from one row to the next.
        step: the distance from one k to the next.
        ahead: two places of the rows that come next; what is added to both from one panel of B to the next.
    """

    height: int
    first: Register
    row: Register
    step: Register
    ahead: tuple[Register, Register, Register]


@dataclass(frozen=True)
class Reach:
    """How far to look ahead in one block of k.

    Attributes:
        panel: the distance in A from what one panel of B brings near to what the next does.
        other: the distance of the second place from the first.
        mask: the bits of k that count.
        step: the distance in A from one k to the next, of those that count.
        below: the distance in B.
    """

    panel: Register
    other: Register
    mask: Register
    step: Register
    below: Register
