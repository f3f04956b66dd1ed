"""Layers and losses in NumPy for a fixed batch: forward and backward, without new arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from benchmarks.ladder.contender import Array
from benchmarks.ladder.workloads import KEEP, VARIANCE_EPSILON


class Layer(Protocol):
    """A function of arrays (m, n) and its derivative."""

    def forward(self, x: Array) -> Array:
        """Return the layer's value."""
        ...

    def backward(self, d: Array) -> Array:
        """Return the gradient of the layer's input, given that of its value; note those of parameters."""
        ...


class Product:
    """Z = X W. The first layer needs no dX."""

    def __init__(self, W: Array, dW: Array, batch: int, *, is_first: bool) -> None:
        self.W, self.dW, self.is_first = W, dW, is_first
        self.z = np.empty((batch, W.shape[1]), np.float32)
        self.dx = np.empty((0 if is_first else batch, W.shape[0]), np.float32)

    def forward(self, x: Array) -> Array:
        """Return X W."""
        self.x = x
        return np.dot(x, self.W, out=self.z)

    def backward(self, d: Array) -> Array:
        """Return dZ Wᵀ."""
        np.dot(self.x.T, d, out=self.dW)
        return self.dx if self.is_first else np.dot(d, self.W.T, out=self.dx)


class Bias:
    """Z = R + b, in the place of R."""

    def __init__(self, b: Array, db: Array, batch: int) -> None:
        self.b, self.db, self.ones = b, db, np.ones(batch, np.float32)

    def forward(self, x: Array) -> Array:
        """Return R + b."""
        return np.add(x, self.b, out=x)

    def backward(self, d: Array) -> Array:
        """Return dZ; a product with ones sums columns faster than a sum does."""
        np.dot(self.ones, d, out=self.db)
        return d


class Relu:
    """A = max(Z, 0), in the place of Z."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.mask = np.empty(shape, np.bool_)

    def forward(self, x: Array) -> Array:
        """Return max(Z, 0)."""
        self.a = np.maximum(x, 0, out=x)
        return self.a

    def backward(self, d: Array) -> Array:
        """Return dA where A > 0."""
        np.greater(self.a, 0, out=self.mask)
        return np.multiply(d, self.mask, out=d)


class Tanh:
    """A = tanh(Z), in the place of Z."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.slope = np.empty(shape, np.float32)

    def forward(self, x: Array) -> Array:
        """Return tanh(Z)."""
        self.a = np.tanh(x, out=x)
        return self.a

    def backward(self, d: Array) -> Array:
        """Return dA (1 − A²)."""
        np.multiply(self.a, self.a, out=self.slope)
        np.subtract(1, self.slope, out=self.slope)
        return np.multiply(d, self.slope, out=d)


class Dropout:
    """D = A ⊙ M / (1 − p)."""

    def __init__(self, p: float, shape: tuple[int, int]) -> None:
        self.p, self.scale = p, np.float32(1 / (1 - p))
        self.generator = np.random.Generator(np.random.SFC64(0))
        self.drawn, self.mask = np.empty(shape, np.float32), np.empty(shape, np.bool_)
        self.d = np.empty(shape, np.float32)

    def forward(self, x: Array) -> Array:
        """Draw a mask."""
        self.generator.random(out=self.drawn, dtype=np.float32)
        np.greater_equal(self.drawn, self.p, out=self.mask)
        np.multiply(self.mask, self.scale, out=self.drawn)
        return np.multiply(x, self.drawn, out=self.d)

    def backward(self, d: Array) -> Array:
        """Return dD ⊙ M / (1 − p)."""
        return np.multiply(d, self.drawn, out=d)


class BatchNorm:
    """N = γ ⊙ x̂ + β, with x̂ in the place of the input."""

    def __init__(self, gamma: tuple[Array, Array], beta: tuple[Array, Array], shape: tuple[int, int]) -> None:
        (self.gamma, self.dgamma), (self.beta, self.dbeta) = gamma, beta
        self.n, self.scratch = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self.mean, self.variance = np.zeros(shape[1], np.float32), np.ones(shape[1], np.float32)
        self.weights = np.full(shape[0], 1 / shape[0], np.float32)

    def forward(self, x: Array) -> Array:
        """Return γ ⊙ x̂ + β, and let running statistics follow."""
        mean = np.dot(self.weights, x)
        self.hat = np.subtract(x, mean, out=x)
        variance = np.dot(self.weights, np.multiply(x, x, out=self.scratch))
        self.factor = 1 / np.sqrt(variance + np.float32(VARIANCE_EPSILON))
        np.multiply(x, self.factor, out=x)
        for running, statistic in ((self.mean, mean), (self.variance, variance)):
            running *= KEEP
            running += (1 - KEEP) * statistic
        np.multiply(x, self.gamma, out=self.n)
        return np.add(self.n, self.beta, out=self.n)

    def backward(self, d: Array) -> Array:
        """Return γ / σ ⊙ (dN − mean(dN) − x̂ ⊙ mean(dN ⊙ x̂))."""
        rows = len(d)
        mean = np.dot(self.weights, d)
        along = np.dot(self.weights, np.multiply(d, self.hat, out=self.scratch))
        np.multiply(mean, rows, out=self.dbeta)
        np.multiply(along, rows, out=self.dgamma)
        np.subtract(d, mean, out=d)
        np.multiply(self.hat, along, out=self.scratch)
        np.subtract(d, self.scratch, out=d)
        return np.multiply(d, self.gamma * self.factor, out=d)


ACTIVATIONS: Mapping[str, Callable[[tuple[int, int]], Layer]] = {"relu": Relu, "tanh": Tanh}


class Classes:
    """Cross-entropy of softmax; one exponential serves loss and gradient."""

    def __init__(self, batch: int, units: int) -> None:
        self.rows, self.scale = np.arange(batch), np.float32(1 / batch)
        self.column = np.empty((batch, 1), np.float32)
        self.d = np.empty((batch, units), np.float32)

    def __call__(self, z: Array, y: Array) -> tuple[float, Array]:
        """Return the mean loss and dZ."""
        column, d = self.column, self.d
        np.maximum.reduce(z, axis=1, keepdims=True, out=column)
        np.subtract(z, column, out=z)
        np.exp(z, out=d)
        np.add.reduce(d, axis=1, keepdims=True, out=column)
        np.divide(d, column, out=d)
        np.log(column, out=column)
        loss = float(column.sum() - z[self.rows, y].sum()) / len(z)
        d[self.rows, y] -= 1
        return loss, np.multiply(d, self.scale, out=d)


class Binary:
    """Cross-entropy of a logit: max(z, 0) − z y + log(1 + exp(−|z|))."""

    def __init__(self, batch: int, units: int) -> None:
        self.scale = np.float32(1 / batch)
        self.powers, self.sums = np.empty((batch, units), np.float32), np.empty((batch, units), np.float32)
        self.d = np.empty((batch, units), np.float32)

    def __call__(self, z: Array, y: Array) -> tuple[float, Array]:
        """Return the mean loss and dZ."""
        powers, sums, d = self.powers, self.sums, self.d
        np.abs(z, out=powers)
        np.negative(powers, out=powers)
        np.exp(powers, out=powers)
        np.log1p(powers, out=sums)
        loss = float((sums + np.maximum(z, 0) - z * y).sum()) / len(z)
        np.add(powers, 1, out=sums)
        # exp(−|z|) stands for exp(z) where z < 0, for exp(−z) elsewhere.
        np.divide(np.where(z < 0, powers, 1), sums, out=d)
        np.subtract(d, y, out=d)
        return loss, np.multiply(d, self.scale, out=d)


class Values:
    """The mean of (Z − Y)² over all elements."""

    def __init__(self, batch: int, units: int) -> None:
        self.count, self.d = batch * units, np.empty((batch, units), np.float32)

    def __call__(self, z: Array, y: Array) -> tuple[float, Array]:
        """Return the loss and dZ."""
        d = np.subtract(z, y, out=self.d)
        flat = d.reshape(-1)
        loss = float(np.dot(flat, flat)) / self.count
        return loss, np.multiply(d, np.float32(2 / self.count), out=d)


LOSSES: Mapping[str, Callable[[int, int], Callable[[Array, Array], tuple[float, Array]]]] = {
    "classes": Classes,
    "binary": Binary,
    "values": Values,
}
