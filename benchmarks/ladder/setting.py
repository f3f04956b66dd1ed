"""Data and starting weights of a rung: the same for all contenders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ladder.workloads import Model, Rung, Training

Array = NDArray[Any]
_HIDDEN, _NOISE = 8, 0.1
_DATA, _WEIGHTS, _ORDER = 1, 2, 3


@dataclass(frozen=True)
class Setting:
    """What a contender is given.

    Attributes:
        model: the network.
        training: how it is trained.
        threads: how many a contender may use; chainrule finds out by itself.
        X: examples in rows, float32.
        y: class numbers (m), or float32 (m, k).
        start: parameters by name, float32.
    """

    model: Model
    training: Training
    threads: int
    X: Array
    y: Array
    start: dict[str, Array]

    def order(self, steps: int) -> Array:
        """Return the examples of some steps (steps, batch), each epoch in an order of its own."""
        generator, wanted = np.random.default_rng(_ORDER), steps * self.training.batch
        epochs = -(-wanted // len(self.X))
        rows = np.concatenate([generator.permutation(len(self.X)) for _ in range(epochs)])
        return rows[:wanted].reshape(steps, self.training.batch)


def setting_of(rung: Rung) -> Setting:
    """Draw data that can be learned, but not perfectly, and starting weights."""
    model, training = rung.model, rung.training
    generator = np.random.default_rng(_DATA)
    X = generator.standard_normal((training.examples, model.widths[0]), np.float32)
    return Setting(model, training, rung.cores, X, _targets(model, X, generator), start_of(model))


def without_masks(setting: Setting) -> Setting:
    """Return the same without dropout: what can be compared weight by weight."""
    if not setting.model.normalized:
        return setting
    return replace(setting, model=replace(setting.model, dropout=0.0))


def start_of(model: Model, seed: int = _WEIGHTS) -> dict[str, Array]:
    """Return starting parameters: He for relu, Glorot's for tanh; zeros for biases, ones for γ."""
    generator, gain = np.random.default_rng(seed), 2.0 if model.activation == "relu" else 1.0
    found: dict[str, Array] = {}
    for name, shape in model.shapes().items():
        if name.startswith("W"):
            found[name] = generator.standard_normal(shape, np.float32) * np.float32((gain / shape[0]) ** 0.5)
        else:
            found[name] = np.full(shape, name.startswith("gamma"), np.float32)
    return found


def _targets(model: Model, X: Array, generator: np.random.Generator) -> Array:
    """Return what a small random network says of X; one class in ten is drawn at random."""
    inputs, outputs = model.widths[0], model.widths[-1]
    classes = 2 if model.loss == "binary" else outputs
    first = generator.standard_normal((inputs, _HIDDEN), np.float32) / np.float32(inputs**0.5)
    scores = np.tanh(2 * X @ first) @ generator.standard_normal((_HIDDEN, classes), np.float32)
    if model.loss == "values":
        return scores
    chosen = scores.argmax(axis=1)
    drawn = generator.integers(classes, size=len(X))
    chosen = np.where(generator.random(len(X)) < _NOISE, drawn, chosen)
    return chosen[:, None].astype(np.float32) if model.loss == "binary" else chosen.astype(np.int64)
