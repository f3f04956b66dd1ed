"""How fast derivations are checked, and how many mistakes are named: `python -m benchmarks.derivations`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.support.derivations import Derivation, derivations
from tests.support.mutations import Mutant, exam, mutants

from benchmarks.report import environment
from benchmarks.timing import Result, Spread, clocked
from chainrule.derivation.check import check
from chainrule.derivation.document import read_document
from chainrule.derivation.judge import Judge
from chainrule.derivation.plan import plan
from chainrule.derivation.verdict import Judgement, Verdict

_HERE = Path(__file__).parent
_TWO_LAYERS = ("columns_sigmoid_bce", "rows_sigmoid_bce", "rows_softmax_decay")
_WIDTHS = {"d": 23, "h": 19, "k": 17, "n0": 23, "n1": 19, "n2": 17}
_TIMES = "| measured | best | median | goal | met |\n|---|--:|--:|---|---|"
_MISTAKES = "| mistake made | claims | named | share |\n|---|--:|--:|--:|"
_REPEATS = 5
_EVERY = 4
_GOALS = {False: 20.0, True: 200.0}


@dataclass(frozen=True)
class Shares:
    """What became of changed claims.

    Attributes:
        networks: number of derivations.
        claims: number of claims, right and wrong.
        right: how many of them central differences confirm.
        accepted: wrong claims judged right.
        refused: right claims judged anything else.
        made: wrong claims by the kind of mistake that was made.
        named: those of them whose mistake is named.
    """

    networks: int
    claims: int
    right: int
    accepted: int
    refused: int
    made: Mapping[str, int]
    named: Mapping[str, int]


def measure() -> list[Result]:
    """Time the claims of derivations with two layers, right ones and changed ones."""
    known = {derivation.title: derivation for derivation in derivations()}
    texts = [_text(known[title]) for title in _TWO_LAYERS]
    wide = [_with_widths(text) for text in texts]
    results: list[Result] = []
    for label, documents in (("sizes drawn", texts), (f"widths up to {max(_WIDTHS.values())}", wide)):
        for hints in (False, True):
            results += _timed(label, documents, hints=hints)
    return results


def _text(derivation: Derivation) -> str:
    changed = [mutant for mutant in mutants(derivation) if mutant.is_wrong]
    return exam(derivation, changed[::_EVERY]).text


def _with_widths(text: str) -> str:
    """Return a document with numbers for the letters of widths, which its claims do not mention."""
    letters = re.compile(rf"\b({'|'.join(_WIDTHS)})\b")
    lines = [re.sub(r"^(sizes +m),.*", r"\1", line) for line in text.splitlines()]
    declares = ("data", "parameter")
    return "\n".join(
        letters.sub(lambda found: str(_WIDTHS[found.group()]), line) if line.startswith(declares) else line
        for line in lines
    )


def _timed(label: str, documents: Sequence[str], *, hints: bool) -> list[Result]:
    """Time every claim several times; each time the document is read anew."""
    repeats = [[row for text in documents for row in _claims(text, hints=hints)] for _ in range(_REPEATS)]
    by_claim = list(zip(*repeats, strict=True))
    worst = max(by_claim, key=lambda rows: min(seconds for _, seconds in rows))
    means = [sum(seconds for _, seconds in rows) / len(rows) for rows in repeats]
    setup = [
        clocked(lambda text=text: _judge(text, hints=hints))[1] for text in documents for _ in range(_REPEATS)
    ]
    name = f"two layers, {label}, {'with' if hints else 'without'} hints"
    goal, claims = _GOALS[hints], len(by_claim)
    mean = Spread.of(means)
    return [
        Result(
            f"{name}: a claim", mean, goal=f"< {goal:.0f} ms", met=mean.median < goal, note=f"{claims} claims"
        ),
        Result(
            f"{name}: the slowest claim", Spread.of([s for _, s in worst]), note=f"`{worst[0][0].source}`"
        ),
        Result(f"{name}: what comes before the first claim", Spread.of(setup)),
    ]


def _judge(text: str, *, hints: bool) -> Judge:
    return Judge(plan(read_document(text), None), hints=hints, seed=0)


def _claims(text: str, *, hints: bool) -> Iterator[tuple[Judgement, float]]:
    """Yield the judgement on every claim of a document and how many seconds it took."""
    judge = _judge(text, hints=hints)
    for place, entry in enumerate(judge.plan.document.entries):
        if place in judge.plan.roles:
            judgement, seconds = clocked(lambda place=place, entry=entry: judge._judged(place, entry))
            if judgement.is_claim:
                yield judgement, seconds


def shares() -> Shares:
    """Judge every changed claim of every derivation."""
    made: Counter[str] = Counter()
    named: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for derivation in derivations():
        for judgement, mutant in _judged(derivation):
            is_wrong = mutant is not None and mutant.is_wrong
            is_accepted = judgement.verdict is Verdict.RIGHT
            counts.update(claims=1, right=not is_wrong, accepted=is_wrong and is_accepted)
            counts.update(refused=not is_wrong and not is_accepted)
            if mutant is not None and is_wrong:
                made.update(mutant.kinds)
                named.update(mutant.kinds if mutant.is_named_by(judgement) else ())
    networks = len(derivations())
    return Shares(networks=networks, made=dict(made), named=dict(named), **counts)


def _judged(derivation: Derivation) -> Iterator[tuple[Judgement, Mutant | None]]:
    paper = exam(derivation, mutants(derivation))
    return ((judgement, paper.mutants.get(judgement.line)) for judgement in check(paper.text).claims)


def to_markdown(results: Sequence[Result], found: Shares) -> str:
    """Return times and shares as a page."""
    where = "; ".join(f"{name} {text}" for name, text in environment().items())
    notes = "\n".join(f"- {result.name}: {result.note}." for result in results if result.note)
    return "\n\n".join(
        [
            "# Checking derivations",
            "Made by `python -m benchmarks.derivations`. Times are in milliseconds; a claim's is the mean "
            "over right and wrong ones, best and median of several passes.",
            f"{where}.",
            "\n".join([_TIMES, *map(_row, results)]),
            notes,
            "## Mistakes",
            f"{found.claims} claims about {found.networks} networks, {found.right} of them right by central "
            f"differences. Wrong claims accepted: {found.accepted}; right ones refused: {found.refused}.",
            "\n".join([_MISTAKES, *_share_rows(found)]),
        ]
    ) + "\n"  # fmt: skip


def _row(result: Result) -> str:
    met = "" if result.met is None else ("yes" if result.met else "no")
    return f"| {result.name} | {result.time.best:.1f} | {result.time.median:.1f} | {result.goal} | {met} |"


def _share_rows(found: Shares) -> Iterator[str]:
    for kind in sorted(found.made):
        yield _share_row(kind, found.made[kind], found.named.get(kind, 0))
    yield _share_row("all", sum(found.made.values()), sum(found.named.values()))


def _share_row(label: str, made: int, named: int) -> str:
    return f"| {label} | {made} | {named} | {named / made:.1%} |"


def main() -> None:
    """Measure, and write results/derivations.md and results/derivations.json."""
    results, found = measure(), shares()
    page = to_markdown(results, found)
    rows = [asdict(result) for result in results]
    data = {"environment": environment(), "results": rows, "mistakes": asdict(found)}
    (_HERE / "results").mkdir(exist_ok=True)
    text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    (_HERE / "results" / "derivations.json").write_text(text, encoding="utf-8")
    (_HERE / "results" / "derivations.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
