"""Where two arrays differ most, in words that an author of a rule can act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.ir.shape import show_shape
from chainrule.testing.cases import Array
from chainrule.testing.trial import Trial

Index = tuple[int, ...]


def worst(found: Any, expected: Any, *, rtol: float, atol: float) -> Index | None:
    """Return the element where two arrays differ most for what is allowed, None where they agree."""
    a, b = np.broadcast_arrays(np.asarray(found, float), np.asarray(expected, float))
    with np.errstate(all="ignore"):
        excess = np.abs(a - b) / (atol + rtol * np.abs(b))
    excess = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.where(np.isnan(excess), np.inf, excess))
    if excess.size == 0 or excess.max() <= 1:
        return None
    return tuple(int(i) for i in np.unravel_index(int(excess.argmax()), excess.shape))


def both(found: Any, expected: Any, index: Index) -> tuple[str, str]:
    """Return the two numbers at an element, with as many digits as it takes to tell them apart."""
    a, b = (float(np.broadcast_to(array, np.shape(expected))[index]) for array in (found, expected))
    for digits in (6, 9, 12, 17):
        shown = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if shown[0] != shown[1]:
            break
    return shown[0].replace("-", "−"), shown[1].replace("-", "−")


def at(index: Index) -> str:
    """Return an element's place, " at [1, 0]", nothing for a scalar's."""
    return f" at [{', '.join(map(str, index))}]" if index else ""


def operands_at(trial: Trial, arrays: Sequence[Array], index: Index, *, dy: Array | None = None) -> str:
    """Return the operands' numbers at an element, " (x = 0.7)", where there is one for each."""
    named = [*zip(trial.names, arrays, strict=True), *([] if dy is None else [("dy", dy)])]
    shown = [
        f"{name} = {number(array[index])}"
        for name, array in named
        if trial.op.is_elementwise and len(index) == array.ndim and _inside(index, array.shape)
    ]
    return f" ({', '.join(shown)})" if shown else ""


def _inside(index: Index, shape: Index) -> bool:
    return all(i < size for i, size in zip(index, shape, strict=True))


def number(item: Any) -> str:
    """Return a number as a sentence shows it."""
    return (f"{item:.6g}" if isinstance(item, float | np.floating) else str(item)).replace("-", "−")


def shape_of(array: Any) -> str:
    """Return an array's shape as chainrule prints shapes."""
    return show_shape(tuple(np.shape(array)))
