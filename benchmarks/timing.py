"""Timings: many short slices, summed up by the best and the median."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Spread:
    """What many timings of one thing came to, in milliseconds.

    Attributes:
        best: the least, the one the machine disturbed least.
        median: the one in the middle.
        runs: how many there were.
    """

    best: float
    median: float
    runs: int

    @staticmethod
    def of(seconds: Sequence[float]) -> Spread:
        """Sum up timings given in seconds."""
        return Spread(min(seconds) * 1e3, statistics.median(seconds) * 1e3, len(seconds))


@dataclass(frozen=True)
class Result:
    """One line of the report.

    Attributes:
        name: what was measured.
        time: of chainrule.
        reference: of what it is compared with, if anything.
        goal: in words, "" where none is set.
        met: whether the goal is reached, None without a goal.
        note: a remark.
    """

    name: str
    time: Spread
    reference: Spread | None = None
    goal: str = ""
    met: bool | None = None
    note: str = ""

    @property
    def ratios(self) -> tuple[float, float] | None:
        """Time over reference, of the bests and of the medians."""
        if self.reference is None:
            return None
        return self.time.best / self.reference.best, self.time.median / self.reference.median


def clocked(action: Callable[[], T]) -> tuple[T, float]:
    """Return what an action returns and how many seconds it took."""
    start = time.perf_counter()
    result = action()
    return result, time.perf_counter() - start


def interleaved(
    first: Callable[[], object], second: Callable[[], object], *, slices: int, repeats: int
) -> tuple[Spread, Spread]:
    """Time two actions in turns; each slice repeats one action and counts as one timing per action.

    The order changes from slice to slice, so that neither always finds the other's caches.
    """
    seconds: dict[int, list[float]] = {0: [], 1: []}
    actions = (first, second)
    for turn in range(slices):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            _, elapsed = clocked(lambda which=which: _repeat(actions[which], repeats))
            seconds[which].append(elapsed / repeats)
    return Spread.of(seconds[0]), Spread.of(seconds[1])


def _repeat(action: Callable[[], object], times: int) -> None:
    for _ in range(times):
        action()
