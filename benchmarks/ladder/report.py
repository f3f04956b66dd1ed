"""The ladder as Markdown tables and as JSON."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.ladder.outcome import OWN, Column, Outcome
from benchmarks.ladder.workloads import Goal

BEGIN, END = "<!-- ladder -->", "<!-- end of the ladder -->"
_LIBRARIES = ("llvmlite", "jax", "torch", "scikit-learn", "onnxruntime")
_LADDER = (
    "| rung | | chainrule best | median | share of peak | best peer | its best | its median "
    "| ratio of bests | of medians | goal | met |\n"
    "|---|---|--:|--:|--:|---|--:|--:|--:|--:|---|---|"
)
_ALL = "| rung | contender | best | median | unit | share of peak | | |\n|---|---|--:|--:|---|--:|---|---|"


def environment() -> dict[str, str]:
    """Return what the numbers depend on."""
    known = {name: text for name, text in report.environment().items() if name != "BLAS threads"}
    return known | {name: version for name in _LIBRARIES if (version := _version(name))}


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""


def to_json(outcomes: Sequence[Outcome], where: Mapping[str, str]) -> str:
    """Return all slices of all contenders, with the environment."""
    rungs = [outcome.as_data() for outcome in outcomes]
    shown = ",\n".join(json.dumps(rung, ensure_ascii=False) for rung in rungs)
    return f'{{"environment": {json.dumps(dict(where), ensure_ascii=False)}, "rungs": [\n{shown}\n]}}\n'


def of_json(text: str) -> tuple[list[Outcome], dict[str, str]]:
    """Return what `to_json` was given."""
    data: dict[str, Any] = json.loads(text)
    return [Outcome.of_data(rung) for rung in data["rungs"]], data["environment"]


def to_markdown(outcomes: Sequence[Outcome], where: Mapping[str, str]) -> str:
    """Return where it was measured, the ladder, and every contender."""
    machine = "; ".join(f"{name} {text}" for name, text in where.items())
    ladder = "\n".join([_LADDER, *map(_rung, outcomes)])
    every = "\n".join([_ALL, *(_contender(o, column) for o in outcomes for column in o.columns)])
    return f"{machine}.\n\n{ladder}\n\nEvery contender:\n\n{every}\n"


def put_into(page: Path, tables: str) -> None:
    """Replace what stands between the two markers of a page.

    Raises:
        ValueError: the page has no such markers.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no {BEGIN} … {END}.")
    page.write_text(f"{before}{BEGIN}\n{tables}{END}{after}", encoding="utf-8")


def _rung(outcome: Outcome) -> str:
    own = outcome.own
    cores = f"{outcome.cores} core{'s' * (outcome.cores > 1)}"
    peers = [peer for of in ("best", "median") if (peer := outcome.best_peer(of)) is not None]
    ratios = [outcome.ratio(of) for of in ("best", "median")]
    cells = [
        outcome.rung,
        f"{outcome.title}; {cores}; {outcome.unit}",
        _number(own.best),
        _number(own.median),
        _percent(own.share),
        " / ".join(dict.fromkeys(peer.name for peer in peers)),
        _number(peers[0].best) if peers else "",
        _number(peers[1].median) if peers else "",
        *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
        _goal(outcome.goal),
        "" if outcome.met is None else ("yes" if outcome.met else "no"),
    ]
    return f"| {' | '.join(cells)} |"


def _goal(goal: Goal) -> str:
    parts = [
        "" if goal.ratio is None else f"ratio ≥ {goal.ratio:g}",
        "" if goal.share is None else f"share ≥ {goal.share:.0%}",
        "" if goal.most is None else f"≤ {goal.most:g}",
    ]
    return ", ".join(filter(None, parts))


def _contender(outcome: Outcome, column: Column) -> str:
    name = f"**{OWN}**" if column.name == OWN else column.name
    cells = [outcome.rung, name, _number(column.best), _number(column.median), outcome.unit]
    return f"| {' | '.join([*cells, _percent(column.share), *_facts(column)])} |"


def _facts(column: Column) -> tuple[str, str]:
    """Say how far the results are from float64's, and what came of the training."""
    facts = column.facts
    apart = f"within {facts['apart']:.0e}" if facts.get("apart", -1.0) >= 0 else ""
    if "last loss" in facts:
        return apart, f"loss {facts['first loss']:.3g} → {facts['last loss']:.3g}"
    if "epochs" in facts:
        return (
            apart,
            f"{facts['epochs']:g} epochs, {facts['accuracy']:.1%}, first run {facts['first run']:.0f}",
        )
    return apart, ""


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}" if share >= 0.095 else f"{share:.1%}"


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
