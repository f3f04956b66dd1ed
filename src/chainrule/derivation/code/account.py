"""What a user's function makes of each name: what it returns, and what follows from that by true rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from chainrule.derivation.code.rules import Rules
from chainrule.errors import ChainruleError
from chainrule.execute.inputs import Array
from chainrule.ir.value import Value

_TOLERANCES: Mapping[str, tuple[float, float]] = {"float32": (1e-4, 1e-5), "float16": (5e-2, 1e-2)}
_EXACT, _ROUGH = (1e-7, 1e-10), (1e-5, 1e-6)
_ROUNDING = 1e-13


class Result:
    """What a function returned under one name: an array for each draw.

    Attributes:
        arrays: in float64.
        tolerance: relative to an element and to the largest, as its type can tell.
        floors: for each draw what rounding can do where the truth is 0, as sums that cancel.
    """

    def __init__(self, arrays: Sequence[Array], scales: Sequence[float] = ()) -> None:
        self.floors = [_ROUNDING * scale for scale in scales] or [0.0] * len(arrays)
        self.arrays = [np.asarray(array, np.float64) for array in arrays]
        self.tolerance = max(_TOLERANCES.get(array.dtype.name, _EXACT) for array in arrays)

    def agrees(self, draw: int, true: Array, *, rough: bool = False) -> bool:
        """Tell whether the array of one draw is another one, shape and all."""
        mine = self.arrays[draw]
        if mine.shape != true.shape or not np.all(np.isfinite(mine)):
            return False
        relative, absolute = max(self.tolerance, _ROUGH) if rough else self.tolerance
        scale = float(np.max(np.abs(true), initial=0.0))
        return bool(
            np.all(np.abs(mine - true) <= relative * np.abs(true) + absolute * scale + self.floors[draw])
        )

    def is_all(self, trues: Sequence[Array], *, rough: bool = False) -> bool:
        """Tell whether the arrays of all draws are these."""
        return all(self.agrees(draw, true, rough=rough) for draw, true in enumerate(trues))


class Account:
    """Values of every name as the user's function has them.

    A name that the function does not return is worked out by its true rule from those that it does.

    Args:
        rules: of the network.
        results: by name.
        given: names whose true values the function got.
    """

    def __init__(self, rules: Rules, results: Mapping[str, Result], given: frozenset[str]) -> None:
        self.rules, self.results, self.given = rules, results, given
        self.world = rules.scene.world
        self.draws = range(len(self.world.draws))
        self.assumed: dict[str, list[Array]] = {}
        self.arrays: list[dict[str, Array]] = []
        self.settle()

    def settle(self) -> None:
        """Work out all values anew."""
        self.arrays = [dict(draw.true) for draw in self.world.draws]
        for name in self.rules.names:
            for draw, arrays in enumerate(self.arrays):
                arrays[name] = self._own(name, draw, arrays)

    def _own(self, name: str, draw: int, arrays: Mapping[str, Array]) -> Array:
        true = self.world.draws[draw].true[name]
        if name in self.assumed:
            return self.assumed[name][draw]
        if name in self.results:
            mine = self.results[name].arrays[draw]
            return mine.reshape(true.shape) if _squeezed(mine) == _squeezed(true) else true
        forms = self.rules.forms(name)
        usable = forms and name not in self.given
        return self.value(forms[0].values[0], draw, arrays) if usable else true

    def value(self, value: Value, draw: int, arrays: Mapping[str, Array] | None = None) -> Array:
        """Return a right side's value on the function's own values."""
        own = self.arrays[draw] if arrays is None else arrays
        return self.world.given(value, self.world.draws[draw], own)

    def is_hidden(self, name: str) -> bool:
        """Tell whether the function neither got nor returned a name, and so may have it wrong unseen."""
        free = name not in self.results and name not in self.given and name not in self.assumed
        return free and bool(self.rules.forms(name))

    def depends(self, name: str) -> set[str]:
        """Return a name and those whose own values are worked out from it."""
        found = {name}
        for other in self.rules.names:
            worked_out = other not in self.results and other not in self.given and other not in self.assumed
            if worked_out and found.intersection(self.rules.needs(other)):
                found.add(other)
        return found

    def reach(self, hidden: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the hidden names that a hidden name acts on unseen, and the returned ones behind them."""
        between: dict[str, None] = {}
        seen: dict[str, None] = {}
        for name in self.rules.names:
            if name == hidden or not {hidden, *between}.intersection(self.rules.needs(name)):
                continue
            if name in self.results:
                seen[name] = None
            elif self.is_hidden(name):
                between[name] = None
        return tuple(between), tuple(seen)

    def through(
        self, draw: int, changed: Mapping[str, Array], between: Iterable[str], name: str
    ) -> Array | None:
        """Return what a rule makes of a name when hidden values are others, or None if it fails."""
        arrays = {**self.arrays[draw], **changed}
        try:
            for step in between:
                if step not in changed:
                    arrays[step] = self.value(self.rules.forms(step)[0].values[0], draw, arrays)
            return self.value(self.rules.forms(name)[0].values[0], draw, arrays)
        except (ChainruleError, ValueError):
            return None


def _squeezed(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def same_but_for_axes_of_1(mine: Array, true: Array) -> bool:
    """Tell whether two shapes differ by axes of size 1 alone, and do differ."""
    return mine.shape != true.shape and _squeezed(mine) == _squeezed(true)
