"""Real data: how long each contender trains until a given share of what is held out is right."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ladder.contender import Array, maker
from benchmarks.ladder.outcome import OWN, Column, Outcome
from benchmarks.ladder.setting import Setting, start_of
from benchmarks.ladder.slices import Plan
from benchmarks.ladder.workloads import Goal, RealRung
from benchmarks.timing import clocked

_MOST_EPOCHS = 200
_IMAGES, _LABELS = "mnist-t10k-images-idx3-ubyte.gz", "mnist-t10k-labels-idx1-ubyte.gz"
_SIZES = {"digits": 1400, "mnist": 8000}


def measure(rung: RealRung, peers: Sequence[str], plan: Plan, folder: Path | None) -> Outcome | None:
    """Train each contender several times, in turns; None where the data is not there."""
    data = digits() if rung.name == "digits" else _mnist(folder)
    if data is None:
        return None
    X, y = data
    count = _SIZES[rung.name]
    setting = _setting(rung, X[:count], y[:count])
    found: dict[str, list[float]] = {}
    facts: dict[str, dict[str, float]] = {}
    for _ in range(plan.slices + 1):
        for name in (OWN, *peers):
            seconds, epochs, accuracy = _trained(name, rung, setting, X[count:], y[count:])
            found.setdefault(name, []).append(round(1e3 * seconds, 3))
            facts.setdefault(name, {"first run": found[name][0]}).update(epochs=epochs, accuracy=accuracy)
    columns = [Column(name, figures[1:], (), facts[name]) for name, figures in found.items()]
    return Outcome(rung.name, rung.title, "ms", rung.cores, columns, Goal(), list(peers))


def _setting(rung: RealRung, X: Array, y: Array) -> Setting:
    steps = len(X) // rung.training.batch
    return Setting(rung.model, replace(rung.training, steps=steps), rung.cores, X, y, start_of(rung.model))


def _trained(name: str, rung: RealRung, setting: Setting, X: Array, y: Array) -> tuple[float, int, float]:
    """Return seconds of training alone, epochs, and the accuracy reached.

    Raises:
        AssertionError: it is not reached in many epochs.
    """
    contender, total = maker(name)(setting), 0.0
    assert contender is not None
    generator, training = np.random.default_rng(0), setting.training
    for epoch in range(1, _MOST_EPOCHS + 1):
        rows = generator.permutation(len(setting.X))[: training.examples]
        order = rows.reshape(training.steps, training.batch)
        total += clocked(lambda order=order: contender.run(order))[1]
        accuracy = _accuracy(contender.weights(), X, y)
        if accuracy >= rung.accuracy:
            return total, epoch, accuracy
    raise AssertionError(f"{name} does not reach {rung.accuracy:.0%} in {_MOST_EPOCHS} epochs")


def _accuracy(weights: dict[str, Array], X: Array, y: Array) -> float:
    """Return the share of right answers of a plain relu network."""
    last = len(weights) // 2
    for i in range(1, last + 1):
        X = X @ weights[f"W{i}"] + weights[f"b{i}"]
        X = np.maximum(X, 0) if i < last else X
    return float((X.argmax(axis=1) == y).mean())


def digits() -> tuple[Array, Array] | None:
    """Return scikit-learn's digits in a random order."""
    try:
        datasets: Any = importlib.import_module("sklearn.datasets")
    except ImportError:
        return None
    X, y = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return (X[order] / 16).astype(np.float32), y[order].astype(np.int64)


def _mnist(folder: Path | None) -> tuple[Array, Array] | None:
    """Return MNIST's 10,000 test images, in a random order."""
    if folder is None or not (folder / _IMAGES).exists():
        return None
    with gzip.open(folder / _IMAGES) as images, gzip.open(folder / _LABELS) as labels:
        X = np.frombuffer(images.read(), np.uint8, offset=16).reshape(-1, 784)
        y = np.frombuffer(labels.read(), np.uint8, offset=8)
    order = np.random.default_rng(0).permutation(len(y))
    return (X[order] / np.float32(255)).astype(np.float32), y[order].astype(np.int64)
