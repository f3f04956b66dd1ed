"""Training rungs: each contender checked against float64, then timed in turns with the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmarks.ladder import chainrule_
from benchmarks.ladder.calibration import calibration
from benchmarks.ladder.contender import Array, Contender, maker
from benchmarks.ladder.outcome import OWN, Column, Outcome
from benchmarks.ladder.setting import Setting, setting_of, without_masks
from benchmarks.ladder.slices import PAUSE, Plan, Turns, figures, interleaved, micro
from benchmarks.ladder.workloads import Rung
from benchmarks.timing import clocked

_SLICE = 0.03
_FIT = "chainrule, fit"


def measure(rung: Rung, peers: Sequence[str], plan: Plan) -> Outcome:
    """Check and time all contenders on a rung.

    Raises:
        AssertionError: a contender's weights are not those of the reference, or its loss does not fall.
    """
    setting = setting_of(rung)
    expected, first = chainrule_.reference(without_masks(setting), rung.checked)
    apart = {name: _distance(name, setting, rung.checked, expected) for name in (OWN, *peers)}
    made = {name: contender for name in apart if (contender := maker(name)(setting)) is not None}
    orders = {name: _order(contender, setting) for name, contender in made.items()}
    actions = {name: partial(made[name].run, orders[name]) for name in made}
    turns = interleaved(actions, calibration(rung.cores), plan)
    columns = [
        _column(name, turns[name], len(orders[name]), rung.flops, {"first loss": first, "apart": apart[name]})
        for name in made
    ]
    time.sleep(PAUSE)
    fit = Column(_FIT, micro(chainrule_.epochs_of_fit(setting, plan.slices)))
    present = [name for name in made if name != OWN]
    return Outcome(rung.name, rung.title, "µs", rung.cores, [*columns, fit], rung.goal, present)


def _distance(name: str, setting: Setting, steps: int, expected: dict[str, Array]) -> float:
    """Return how far weights are from the reference's after some steps, relative to each one's norm."""
    contender = maker(name)(without_masks(setting))
    if contender is None:
        return float("nan")
    contender.run(setting.order(steps))
    apart = distance(contender.weights(), expected)
    assert apart <= contender.tolerance, f"{name}: weights differ by {apart:.1e} after {steps} steps"
    return apart


def distance(found: dict[str, Array], expected: dict[str, Array]) -> float:
    """Return the greatest distance of any array, relative to its norm."""
    assert found.keys() == expected.keys(), f"{sorted(found)} are not {sorted(expected)}"
    return max(
        float(np.linalg.norm(found[name] - array) / np.linalg.norm(array)) for name, array in expected.items()
    )


def _order(contender: Contender, setting: Setting) -> Array:
    """Warm a contender up; return the batches of one slice: a whole epoch, or what takes a short time."""
    time.sleep(PAUSE)
    whole = setting.order(setting.training.steps)
    order = whole if contender.whole else whole[: _count(contender, whole)]
    contender.run(order)
    while not contender.is_settled():
        contender.run(order)
    return order


def _count(contender: Contender, order: Array) -> int:
    few = order[:3]
    contender.run(few)
    least = min(clocked(lambda: contender.run(few))[1] for _ in range(3)) / len(few)
    return max(1, min(len(order), int(_SLICE / least)))


def _column(name: str, turns: Turns, steps: int, flops: int, facts: dict[str, float]) -> Column:
    assert turns.last < facts["first loss"], (
        f"{name}: the loss rose from {facts['first loss']} to {turns.last}"
    )
    known = {**facts, "last loss": turns.last, "steps in a slice": steps}
    return Column(name, *figures(turns, steps, flops), known)
