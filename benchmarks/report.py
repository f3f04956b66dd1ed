"""Results as a Markdown table and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

import chainrule as cr
from benchmarks.timing import Result

_HEADER = (
    "| measured | best | median | NumPy best | NumPy median | ratio best | ratio median | goal | met |\n"
    "|---|--:|--:|--:|--:|--:|--:|---|---|"
)


def environment() -> dict[str, str]:
    """Return what the numbers depend on."""
    return {
        "chainrule": cr.__version__,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "BLAS threads": os.environ.get("OPENBLAS_NUM_THREADS", "as NumPy chooses"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def to_json(results: Sequence[Result]) -> str:
    """Return the results, times in milliseconds, with the environment."""
    rows = [{**asdict(result), "ratios": result.ratios} for result in results]
    return json.dumps({"environment": environment(), "results": rows}, ensure_ascii=False, indent=2) + "\n"


def to_markdown(results: Sequence[Result]) -> str:
    """Return the results as a page."""
    where = "; ".join(f"{name} {text}" for name, text in environment().items())
    notes = [f"- {result.name}: {result.note}." for result in results if result.note]
    table = "\n".join([_HEADER, *map(_row, results)])
    return (
        "\n\n".join(
            [
                "# Results",
                "Made by `python -m benchmarks.glass_box`. Times are in milliseconds, epochs per step. "
                "The two sides of a comparison take turns in one process.",
                where + ".",
                table,
                *(["\n".join(notes)] if notes else []),
            ]
        )
        + "\n"
    )


def _row(result: Result) -> str:
    reference, ratios = result.reference, result.ratios
    cells = [
        result.name,
        _number(result.time.best),
        _number(result.time.median),
        "" if reference is None else _number(reference.best),
        "" if reference is None else _number(reference.median),
        *(("", "") if ratios is None else (f"{ratios[0]:.2f}", f"{ratios[1]:.2f}")),
        result.goal,
        "" if result.met is None else ("yes" if result.met else "no"),
    ]
    return f"| {' | '.join(cells)} |"


def _number(milliseconds: float) -> str:
    return f"{milliseconds:.3f}" if milliseconds < 10 else f"{milliseconds:.0f}"
