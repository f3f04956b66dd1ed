"""What a right side has to explain: one array that was returned, or all that a hidden value acts on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from chainrule.derivation.code.account import Account
from chainrule.execute.inputs import Array
from chainrule.ir.value import Value


class Goal(ABC):
    """What a right side has to explain.

    Args:
        account: the function's values.
        name: whose right side it is.
    """

    def __init__(self, account: Account, name: str) -> None:
        self.account, self.name = account, name

    def is_met(self, value: Value) -> bool:
        """Tell whether a right side explains what the function returned, at every draw."""
        return all(self.is_met_at(draw, self.account.value(value, draw)) for draw in self.account.draws)

    @abstractmethod
    def is_met_at(self, draw: int, array: Array) -> bool:
        """Tell whether a value explains one draw."""

    @abstractmethod
    def equations(self, draw: int, terms: Sequence[Array]) -> tuple[Array, Array] | None:
        """Return the matrix and the right side of the coefficients of terms, or None if they do not fit."""


class Returned(Goal):
    """The array that was returned under the name itself."""

    def is_met_at(self, draw: int, array: Array) -> bool:
        """Tell whether a value is the array returned."""
        return self.account.results[self.name].agrees(draw, array)

    def equations(self, draw: int, terms: Sequence[Array]) -> tuple[Array, Array] | None:
        """Return the terms as columns, and what was returned."""
        mine = self.account.results[self.name].arrays[draw]
        if any(term.shape not in (mine.shape, ()) for term in terms):
            return None
        return np.array([np.broadcast_to(term, mine.shape).ravel() for term in terms]).T, mine.ravel()


class Unseen(Goal):
    """All that was returned of what a hidden value acts on."""

    def __init__(self, account: Account, name: str) -> None:
        super().__init__(account, name)
        self.between, self.seen = account.reach(name)
        self.shapes = [draw.true[name].shape for draw in account.world.draws]
        self.bases: dict[int, Array | None] = {}

    def _through(self, draw: int, array: Array) -> list[Array | None]:
        changed = {self.name: array}
        return [self.account.through(draw, changed, self.between, seen) for seen in self.seen]

    def is_met_at(self, draw: int, array: Array) -> bool:
        """Tell whether a value leads to all arrays returned."""
        if array.shape != self.shapes[draw]:
            return False
        changed = {self.name: array}
        for seen in self.seen:
            found = self.account.through(draw, changed, self.between, seen)
            if found is None or not self.account.results[seen].agrees(draw, found):
                return False
        return True

    def equations(self, draw: int, terms: Sequence[Array]) -> tuple[Array, Array] | None:
        """Return how what was returned answers to each term, since gradients are linear in gradients."""
        if any(term.shape not in (self.shapes[draw], ()) for term in terms):
            return None
        zero = np.zeros(self.shapes[draw])
        if draw not in self.bases:
            self.bases[draw] = _joined(self._through(draw, zero))
        base = self.bases[draw]
        mine = _joined([self.account.results[seen].arrays[draw] for seen in self.seen])
        answers = [_joined(self._through(draw, zero + term)) for term in terms]
        if base is None or mine is None or mine.shape != base.shape:
            return None
        return np.array([answer - base for answer in answers if answer is not None]).T, mine - base


def _joined(arrays: Sequence[Array | None]) -> Array | None:
    known = [array.ravel() for array in arrays if array is not None]
    return np.concatenate(known) if known and len(known) == len(arrays) else None
