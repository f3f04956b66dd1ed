"""Run every benchmark, print the table and record it: `python -m benchmarks.glass_box`."""

from __future__ import annotations

from pathlib import Path

from benchmarks import imports, printing, training
from benchmarks.report import to_json, to_markdown

_HERE = Path(__file__).parent


def main() -> None:
    """Measure imports, printing and training; write RESULTS.md and results/glass_box.json."""
    results = [*imports.measure(), *printing.measure(), *training.measure()]
    page = to_markdown(results)
    (_HERE / "results").mkdir(exist_ok=True)
    (_HERE / "results" / "glass_box.json").write_text(to_json(results), encoding="utf-8")
    (_HERE / "RESULTS.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
