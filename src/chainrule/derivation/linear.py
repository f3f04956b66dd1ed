"""Coefficients that make terms sum to a value, solved for at every draw."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from chainrule.execute.inputs import Array

System: TypeAlias = tuple[Array, Array]
_RESIDUAL = 1e-8
_FEWEST = 2


def settled(systems: Iterable[System | None]) -> tuple[Array, list[int]] | None:
    """Return the coefficients at each draw that settles them, a row a draw, and which draws those are.

    A draw at which terms vanish, as behind a relu that lets nothing through, may settle nothing.

    Args:
        systems: matrix and right side at each draw; None where terms do not fit.

    Returns:
        None if some draw has no solution, or fewer than two settle it.
    """
    rows: list[Array] = []
    places: list[int] = []
    for place, system in enumerate(systems):
        solved = None if system is None else _solved(*system)
        if solved is None:
            return None
        if solved.size:
            rows.append(solved)
            places.append(place)
    return (np.array(rows), places) if len(rows) >= _FEWEST else None


def _solved(matrix: Array, right: Array) -> Array | None:
    """Return the solution of a system, nothing if it has many, None if it has none."""
    if not (np.all(np.isfinite(matrix)) and np.all(np.isfinite(right))):
        return None
    if matrix.shape[1] == 1:
        solution, rank = matrix.T @ right / max(float(np.sum(matrix**2)), 1e-300), int(np.any(matrix))
    else:
        solution, _, rank, _ = np.linalg.lstsq(matrix, right, rcond=None)
    off = np.max(np.abs(matrix @ solution - right), initial=0.0)
    if off > _RESIDUAL * np.max(np.abs(right), initial=0.0):
        return None
    return solution if rank == matrix.shape[1] else np.zeros(0)
