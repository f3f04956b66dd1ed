"""NumPy as a contender: every array laid down beforehand, every result written in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.ladder import numpy_layers as layers
from benchmarks.ladder.contender import TOLERANCE, Array
from benchmarks.ladder.setting import Setting
from benchmarks.ladder.workloads import EPSILON, MU, RHO1, RHO2, Model, Training


class Flat:
    """Parameters and gradients, each kind in one array, so that an update is a few calls."""

    def __init__(self, start: dict[str, Array]) -> None:
        size = sum(array.size for array in start.values())
        self.values, self.gradients = np.zeros(size, np.float32), np.zeros(size, np.float32)
        self.value, self.gradient = dict[str, Array](), dict[str, Array]()
        begin = 0
        for name, array in start.items():
            part = slice(begin, begin + array.size)
            self.value[name] = self.values[part].reshape(array.shape)
            self.gradient[name] = self.gradients[part].reshape(array.shape)
            self.value[name][...] = array
            begin += array.size


class NumPy:
    """Layers with a forward and a backward pass, a loss and an update."""

    whole = False
    tolerance = TOLERANCE

    def __init__(self, setting: Setting) -> None:
        model, batch = setting.model, setting.training.batch
        self.X, self.y = setting.X, setting.y
        self.flat = Flat(setting.start)
        self.layers = _layers(model, self.flat, batch)
        self.loss = layers.LOSSES[model.loss](batch, model.widths[-1])
        self.x = np.empty((batch, model.widths[0]), np.float32)
        self.target = np.empty((batch, *setting.y.shape[1:]), setting.y.dtype)
        self._update = _update(setting.training, self.flat)

    def run(self, order: Array) -> float:
        """Run a step on each batch."""
        return sum(map(self._step, order)) / len(order)

    def _step(self, rows: Array) -> float:
        # Of the modes, "raise" alone would need a copy.
        x = self.X.take(rows, axis=0, out=self.x, mode="clip")
        y = self.y.take(rows, axis=0, out=self.target, mode="clip")
        for layer in self.layers:
            x = layer.forward(x)
        loss, d = self.loss(x, y)
        for layer in reversed(self.layers):
            d = layer.backward(d)
        self._update()
        return loss

    def weights(self) -> dict[str, Array]:
        """Return the parameters by name."""
        return {name: array.copy() for name, array in self.flat.value.items()}

    def is_settled(self) -> bool:
        """It is as fast as it is."""
        return True


def contender(setting: Setting) -> NumPy:
    """Return NumPy."""
    return NumPy(setting)


def _layers(model: Model, flat: Flat, batch: int) -> list[layers.Layer]:
    """Return the layers of a model in order."""
    found: list[layers.Layer] = []
    last = len(model.layers)
    for number, (_, units) in enumerate(model.layers, start=1):
        shape, hidden = (batch, units), number < last

        def both(name: str, number: int = number) -> tuple[Array, Array]:
            return flat.value[f"{name}{number}"], flat.gradient[f"{name}{number}"]

        found.append(layers.Product(*both("W"), batch, is_first=number == 1))
        if hidden and model.normalized:
            found.append(layers.BatchNorm(both("gamma"), both("beta"), shape))
        else:
            found.append(layers.Bias(*both("b"), batch))
        if hidden:
            found.append(layers.ACTIVATIONS[model.activation](shape))
        if hidden and model.dropout:
            found.append(layers.Dropout(model.dropout, shape))
    return found


def _update(training: Training, flat: Flat) -> Callable[[], None]:
    """Return the update of all parameters."""
    made: dict[str, Callable[[float, Flat], Callable[[], None]]] = {
        "SGD": _descent,
        "Momentum": _momentum,
        "Adam": _adam,
    }
    return made[training.optimizer](training.rate, flat)


def _descent(rate: float, flat: Flat) -> Callable[[], None]:
    values, gradients = flat.values, flat.gradients

    def update() -> None:
        np.multiply(gradients, rate, out=gradients)
        np.subtract(values, gradients, out=values)

    return update


def _momentum(rate: float, flat: Flat) -> Callable[[], None]:
    values, gradients, velocity = flat.values, flat.gradients, np.zeros_like(flat.values)

    def update() -> None:
        np.multiply(velocity, MU, out=velocity)
        np.add(velocity, gradients, out=velocity)
        np.multiply(velocity, rate, out=gradients)
        np.subtract(values, gradients, out=values)

    return update


def _adam(rate: float, flat: Flat) -> Callable[[], None]:
    values, gradients = flat.values, flat.gradients
    first, second, scratch = (np.zeros_like(values) for _ in range(3))
    count = 0

    def update() -> None:
        nonlocal count
        count += 1
        c1, c2 = 1 - RHO1**count, 1 - RHO2**count
        np.multiply(gradients, 1 - RHO1, out=scratch)
        np.multiply(first, RHO1, out=first)
        np.add(first, scratch, out=first)
        np.multiply(gradients, gradients, out=gradients)
        np.multiply(gradients, 1 - RHO2, out=gradients)
        np.multiply(second, RHO2, out=second)
        np.add(second, gradients, out=second)
        np.sqrt(second, out=scratch)
        np.multiply(scratch, 1 / c2**0.5, out=scratch)
        np.add(scratch, EPSILON, out=scratch)
        np.divide(first, scratch, out=scratch)
        np.multiply(scratch, rate / c1, out=scratch)
        np.subtract(values, scratch, out=values)

    return update


class Predictor:
    """Probabilities of a plain classifier, in place, for a fixed number of rows."""

    def __init__(self, parameters: dict[str, Array], rows: int) -> None:
        count = len(parameters) // 2
        self.layers = [(parameters[f"W{i}"], parameters[f"b{i}"]) for i in range(1, count + 1)]
        self.places = [np.empty((rows, W.shape[1]), np.float32) for W, _ in self.layers]
        self.row = np.empty((rows, 1), np.float32)

    def __call__(self, X: Array) -> Any:
        """Return the probabilities, in memory that the next call uses again."""
        for (W, b), place in zip(self.layers, self.places, strict=True):
            np.dot(X, W, out=place)
            np.add(place, b, out=place)
            if place is not self.places[-1]:
                np.maximum(place, 0, out=place)
            X = place
        np.maximum.reduce(X, axis=1, keepdims=True, out=self.row)
        np.subtract(X, self.row, out=X)
        np.exp(X, out=X)
        np.add.reduce(X, axis=1, keepdims=True, out=self.row)
        return np.divide(X, self.row, out=X)
