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
_SCRIPT = "import time; s = time.perf_counter(); import {0}; print(time.perf_counter() - s)"


def measure(runs: int = _RUNS) -> list[Result]:
    """Import NumPy and chainrule in turns, each in a fresh interpreter, from cached bytecode."""
    with tempfile.TemporaryDirectory() as cache:
        environment = _environment(cache)
        _seconds("numpy", environment)
        first = _seconds("chainrule", environment) - _seconds("numpy", environment)
        plain, whole = [], []
        for _ in range(runs):
            plain.append(_seconds("numpy", environment))
            whole.append(_seconds("chainrule", environment))
    beyond = _beyond(plain, whole)
    met = beyond.best <= _GOAL and beyond.median <= _GOAL
    return [
        Result("import numpy", Spread.of(plain)),
        Result("import chainrule, NumPy included", Spread.of(whole), note=_first(first)),
        Result("import chainrule beyond NumPy", beyond, goal=f"≤ {_GOAL:g} ms", met=met),
    ]


def _beyond(plain: list[float], whole: list[float]) -> Spread:
    """Return the difference of the bests and the median of the differences of neighbouring runs."""
    pairs = Spread.of([b - a for a, b in zip(plain, whole, strict=True)])
    return Spread((min(whole) - min(plain)) * 1e3, pairs.median, pairs.runs)


def _first(seconds: float) -> str:
    return f"the very first import, which compiles: {seconds * 1e3:.0f} ms beyond NumPy's"


def _environment(cache: str) -> dict[str, str]:
    """Return this environment with a bytecode cache of its own, warm after the first import."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": cache}


def _seconds(module: str, environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-c", _SCRIPT.format(module)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)
