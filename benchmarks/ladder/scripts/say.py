"""What each script says at its end."""

from __future__ import annotations

import time
from pathlib import Path

_STATUS = Path("/proc/self/status")


def done() -> None:
    """Print the time on the clock all processes share, and the peak resident size in MB."""
    print(time.perf_counter(), _peak())


def _peak() -> float:
    """Return the peak of this program alone; `getrusage` may tell that of the process it came from."""
    if _STATUS.exists():
        lines = _STATUS.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    import resource
    import sys

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 << (20 if sys.platform == "darwin" else 10)
    )
