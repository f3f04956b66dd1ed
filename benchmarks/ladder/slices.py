"""Contenders taking turns, a slice each, with a calibration between."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

PAUSE = 0.15
"""Seconds after which threads that wait by spinning sleep; OpenBLAS's were seen to do so after 0.105."""


@dataclass(frozen=True)
class Plan:
    """How long to go on.

    Attributes:
        slices: for each contender, at least.
        seconds: in all, at least.
        pause: whether to wait before each slice until a contender's threads have gone to sleep.
    """

    slices: int
    seconds: float
    pause: bool


@dataclass
class Turns:
    """What one contender's slices came to.

    Attributes:
        seconds: of each slice.
        peaks: operations a second, as calibrated before and after each.
        last: what the last slice returned.
    """

    seconds: list[float] = field(default_factory=list[float])
    peaks: list[float] = field(default_factory=list[float])
    last: float = float("nan")


def interleaved(
    actions: Mapping[str, Callable[[], float]], calibrate: Callable[[], float | None], plan: Plan
) -> dict[str, Turns]:
    """Give each action slices in turn; each round begins with another one."""
    found = {name: Turns() for name in actions}
    names, begun, rounds = list(actions), time.perf_counter(), 0
    gc.collect()
    gc.disable()
    try:
        while rounds < plan.slices or time.perf_counter() - begun < plan.seconds:
            for place in range(len(names)):
                name = names[(rounds + place) % len(names)]
                _take_turn(actions[name], found[name], calibrate, plan)
            rounds += 1
    finally:
        gc.enable()
    return found


def _take_turn(
    action: Callable[[], float], turns: Turns, calibrate: Callable[[], float | None], plan: Plan
) -> None:
    before = _ready(calibrate, plan)
    start = time.perf_counter()
    turns.last = action()
    turns.seconds.append(time.perf_counter() - start)
    after = calibrate()
    if before is not None and after is not None:
        turns.peaks.append((before + after) / 2)


def _ready(calibrate: Callable[[], float | None], plan: Plan) -> float | None:
    """Return the calibration before a slice.

    Where a pause is wanted, calibrations fill it: a core that has slept is slow to wake.
    """
    begun = time.perf_counter()
    peak = calibrate()
    while plan.pause and time.perf_counter() - begun < PAUSE:
        if peak is None:
            time.sleep(PAUSE)
        peak = calibrate()
    return peak


def figures(turns: Turns, count: int, flops: int) -> tuple[list[float], list[float]]:
    """Return microseconds of one of the `count` things done in a slice, and its share of the peak, by slice.

    Args:
        turns: the slices.
        count: of things done in each.
        flops: of one thing.
    """
    seconds = [whole / count for whole in turns.seconds]
    peaks = turns.peaks if len(turns.peaks) == len(seconds) else []
    shares = [flops / s / peak for s, peak in zip(seconds, peaks, strict=False)]
    return micro(seconds), [float(f"{share:.4f}") for share in shares]


def micro(seconds: Iterable[float]) -> list[float]:
    """Return microseconds, to four digits."""
    return [float(f"{1e6 * s:.4g}") for s in seconds]
