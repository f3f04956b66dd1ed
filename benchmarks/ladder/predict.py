"""Prediction rungs: probabilities from W3's network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

import chainrule as cr
from benchmarks.ladder.calibration import calibration
from benchmarks.ladder.chainrule_ import network
from benchmarks.ladder.contender import Array, installed
from benchmarks.ladder.numpy_ import Predictor
from benchmarks.ladder.outcome import OWN, Column, Outcome
from benchmarks.ladder.setting import start_of
from benchmarks.ladder.slices import Plan, figures, interleaved
from benchmarks.ladder.workloads import BY_NAME, PredictionRung, Rung
from benchmarks.timing import clocked
from chainrule.execute.executor import laid_out, program_for
from chainrule.execute.inputs import bind
from chainrule.transform.prediction import for_prediction

Predict = Callable[[Array], Array]
_PROGRAM = "chainrule, program"
_SLICE, _TOLERANCE = 0.01, 1e-5


def measure(rung: PredictionRung, peers: Sequence[str], plan: Plan) -> Outcome:
    """Check and time all predictors; chainrule is held to `Network.predict_proba`, as a user calls it.

    Raises:
        AssertionError: probabilities are not those of float64.
    """
    w3 = BY_NAME["W3"]
    assert isinstance(w3, Rung)
    model, parameters = w3.model, start_of(w3.model)
    X = np.random.default_rng(5).standard_normal((rung.rows, model.widths[0]), np.float32)
    made = _predictors(parameters, X, rung.cores, peers)
    expected = _expected(parameters, X)
    apart = {name: float(abs(predict(X) - expected).max()) for name, predict in made.items()}
    assert max(apart.values()) <= _TOLERANCE, f"probabilities differ: {apart}"
    counts = {name: _count(predict, X) for name, predict in made.items()}
    actions = {name: partial(_repeat, predict, X, counts[name]) for name, predict in made.items()}
    turns = interleaved(actions, calibration(rung.cores), plan)
    flops = model.forward_flops(rung.rows)
    columns = [
        Column(n, *figures(turns[n], counts[n], flops), {"apart": apart[n], "calls in a slice": counts[n]})
        for n in made
    ]
    present = [name for name in made if not name.startswith(OWN)]
    return Outcome(rung.name, rung.title, "µs", rung.cores, columns, rung.goal, present)


def _predictors(
    parameters: dict[str, Array], X: Array, threads: int, peers: Sequence[str]
) -> dict[str, Predict]:
    w3 = BY_NAME["W3"]
    assert isinstance(w3, Rung)
    net = network(w3.model)
    net.initialize()
    net.arrays.update(laid_out(parameters))
    made: dict[str, Predict] = {OWN: net.predict_proba, _PROGRAM: _program(net, X)}
    if installed(["onnx"]):
        from benchmarks.ladder import onnx_

        made["onnx"] = onnx_.Predictor(parameters, threads)
    if "numpy" in peers:
        made["numpy"] = Predictor(parameters, len(X))
    return made


def _program(net: cr.Network, X: Array) -> Predict:
    """Return the compiled graph itself, its arrays bound once."""
    graph = for_prediction(net.graph, ["P"])
    program, bound = program_for(graph), bind(graph, {**net.arrays, "X": X}, np.float32)
    return lambda _: program(bound)[0][0]


def _expected(parameters: dict[str, Array], X: Array) -> Array:
    wide = {name: array.astype(np.float64) for name, array in parameters.items()}
    hidden = np.maximum(X.astype(np.float64) @ wide["W1"] + wide["b1"], 0)
    scores = hidden @ wide["W2"] + wide["b2"]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _count(predict: Predict, X: Array) -> int:
    return max(1, int(_SLICE / min(clocked(lambda: predict(X))[1] for _ in range(5))))


def _repeat(predict: Predict, X: Array, times: int) -> float:
    for _ in range(times):
        predict(X)
    return 0.0
