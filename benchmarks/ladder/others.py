"""How busy other processes kept the machine: what makes timings worthless."""

from __future__ import annotations

import os
import time
from pathlib import Path

_STATISTICS = Path("/proc/stat")
_IDLE, _COUNTED = (3, 4), 8
_NOTICED = 0.1


class Others:
    """Watches from when it is made."""

    def __init__(self) -> None:
        self._begun, self._before = time.perf_counter(), _seconds()

    def warning(self) -> str:
        """Say that other processes used a noticeable share of a core; "" if not, or if that is not known."""
        used = (_seconds() - self._before) / (time.perf_counter() - self._begun)
        return f"other processes kept {used:.0%} of a core busy meanwhile." if used > _NOTICED else ""


def _seconds() -> float:
    """Return the processors' busy seconds that are not this process's or its children's."""
    if not _STATISTICS.exists():
        return 0.0
    first = _STATISTICS.read_text(encoding="ascii").splitlines()[0].split()[1:]
    ticks = [int(cell) for place, cell in enumerate(first[:_COUNTED]) if place not in _IDLE]
    return sum(ticks) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])
