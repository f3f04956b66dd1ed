"""How long `import chainrule` takes beyond `import numpy`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from benchmarks.timing import Result, Spread

_RUNS = 25
_GOAL = 150.0
_SCRIPT = """
from time import perf_counter
start = perf_counter()
import numpy
between = perf_counter()
import chainrule
print(between - start, perf_counter() - between)
"""


def measure(runs: int = _RUNS) -> list[Result]:
    """Import NumPy, then chainrule, in fresh interpreters, from cached bytecode.

    Both are timed in one interpreter: the difference of two interpreters' times is mostly noise
    on a busy machine, and may even be negative.
    """
    with tempfile.TemporaryDirectory() as cache:
        environment = _environment(cache)
        _, first = _seconds(environment)
        timings = [_seconds(environment) for _ in range(runs)]
    plain, beyond = (Spread.of(seconds) for seconds in zip(*timings, strict=True))
    met = max(beyond.best, beyond.median) <= _GOAL
    return [
        Result("import numpy", plain),
        Result("import chainrule after it", beyond, goal=f"≤ {_GOAL:g} ms", met=met, note=_first(first)),
    ]


def _first(seconds: float) -> str:
    return f"the very first import, which compiles: {seconds * 1e3:.0f} ms"


def _environment(cache: str) -> dict[str, str]:
    """Return this environment with a bytecode cache of its own, warm after the first import."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": cache}


def _seconds(environment: Mapping[str, str]) -> tuple[float, float]:
    """Return how long a fresh interpreter takes for NumPy, and for chainrule after it."""
    command = [sys.executable, "-c", _SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    plain, beyond = done.stdout.split()
    return float(plain), float(beyond)
