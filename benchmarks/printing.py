"""How long the backward pass of a deep network takes: to build, differentiate, simplify and print."""

from __future__ import annotations

import chainrule as cr
from benchmarks.timing import Result, Spread, clocked
from chainrule.nn.perceptron import multilayer_perceptron

_LAYERS = 100
_RUNS = 15
_GOAL = 1000.0


def measure(layers: int = _LAYERS, runs: int = _RUNS) -> list[Result]:
    """Time each stage in turns, and the sum of the last three."""
    seconds: dict[str, list[float]] = {}
    for _ in range(runs):
        for stage, elapsed in _stages(layers).items():
            seconds.setdefault(stage, []).append(elapsed)
    return [_result(stage, Spread.of(times), layers) for stage, times in seconds.items()]


def _stages(layers: int) -> dict[str, float]:
    """Return the seconds of each stage of one run."""
    widths = [64] * layers + [10]
    graph, build = clocked(lambda: multilayer_perceptron(cr.Graph(), widths, "classification"))
    before, differentiate = clocked(lambda: graph.gradient("J"))
    after, simplify = clocked(before.simplify)
    text, write = clocked(lambda: after.text(section="backward"))
    assert f"dW{layers} " in text and "dW1 " in text
    step, whole = clocked(lambda: graph.step(cr.SGD()))
    return {
        "build": build,
        "gradient": differentiate,
        "simplify": simplify,
        "print the backward pass": write,
        "gradient + simplify + print": differentiate + simplify + write,
        "training step (gradient, updates, simplify)": whole,
        "print the whole step": clocked(lambda: str(step))[1],
    }


def _result(stage: str, time: Spread, layers: int) -> Result:
    name = f"{layers} layers: {stage}"
    if "print" not in stage or "whole" in stage:
        return Result(name, time)
    return Result(name, time, goal=f"< {_GOAL / 1e3:g} s", met=max(time.best, time.median) < _GOAL)
