"""Rungs measured on whole processes: how soon the first epoch is done, and how much memory it takes.

What each process runs stands in `scripts`, written as users of the library would write it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.ladder import real
from benchmarks.ladder.contender import Array
from benchmarks.ladder.outcome import OWN, Column, Outcome
from benchmarks.ladder.setting import Setting, setting_of
from benchmarks.ladder.slices import Plan
from benchmarks.ladder.workloads import W2, ProcessRung

_SCRIPTS = Path(__file__).parent / "scripts"
_HIDDEN, _BATCH = "64", "32"
_JUDGED = {"warm": ("sklearn",), "cold": ("sklearn",), "memory": ()}


def measure(rung: ProcessRung, peers: Sequence[str], plan: Plan) -> Outcome | None:
    """Run each library's script in turn; the first run of each, which compiles bytecode, does not count.

    Returns:
        None where there are no digits.
    """
    digits = real.digits()
    if digits is None:
        return None
    present = [peer for peer in peers if (_SCRIPTS / f"{peer}_.py").exists()]
    found: dict[str, list[float]] = {name: [] for name in (OWN, *present)}
    with tempfile.TemporaryDirectory() as folder:
        arguments = _arguments(rung, Path(folder), digits)
        begun, rounds = time.perf_counter(), 0
        while rounds <= plan.slices or time.perf_counter() - begun < plan.seconds:
            cache = Path(folder) / (f"cache{rounds}" if rung.measured == "cold" else "cache")
            for name, figures in found.items():
                seconds, megabytes = _run(name, arguments, Path(folder), cache)
                figures.append(round(megabytes, 1) if rung.measured == "memory" else round(seconds, 4))
            rounds += 1
    columns = [Column(name, figures[1:]) for name, figures in found.items()]
    unit = "MB" if rung.measured == "memory" else "s"
    judged = [name for name in present if name in _JUDGED[rung.measured]]
    return Outcome(rung.name, rung.title, unit, rung.cores, columns, rung.goal, judged)


def _arguments(rung: ProcessRung, folder: Path, digits: tuple[Array, Array]) -> list[str]:
    """Write the data; return what each script is told."""
    path = folder / "data.npz"
    if rung.measured == "memory":
        setting: Setting = setting_of(W2)
        np.savez(path, X=setting.X, y=setting.y)
        return [str(path), ",".join(map(str, W2.model.widths[1:-1])), str(W2.training.batch)]
    X, y = digits
    np.savez(path, X=X, y=y)
    return [str(path), _HIDDEN, _BATCH]


def _run(name: str, arguments: list[str], folder: Path, cache: Path) -> tuple[float, float]:
    """Return seconds from the process's start to the end of the epoch, and its peak in MB."""
    command = [sys.executable, str(_SCRIPTS / f"{name}_.py"), *arguments]
    environment = _environment(folder, cache)
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    end, megabytes = map(float, done.stdout.split())
    return end - start, megabytes


def _environment(folder: Path, cache: Path) -> Mapping[str, str]:
    """Return this environment with caches of its own: of bytecode, and of chainrule's kernels."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "CHAINRULE_CACHE": str(cache)}
