"""The training step of a perceptron as a NumPy programmer writes it by hand: the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Perceptron:
    """A relu network with softmax cross-entropy, weight decay λ/2 Σ ‖W‖² and gradient descent.

    Args:
        parameters: W1, b1, W2, … as arrays.
        rate: the learning rate.
        decay: λ.
    """

    def __init__(self, parameters: Mapping[str, Array], rate: float, decay: float) -> None:
        depth = len(parameters) // 2
        self.weights = [parameters[f"W{i}"].copy() for i in range(1, depth + 1)]
        self.biases = [parameters[f"b{i}"].copy() for i in range(1, depth + 1)]
        self.rate, self.decay = rate, decay

    def step(self, X: Array, y: Array) -> float:
        """Run forward, loss, backward and update on one batch; return the loss."""
        activations = self._hidden(X)
        logits = activations[-1] @ self.weights[-1] + self.biases[-1]
        loss, delta = _cross_entropy(logits, y)
        squares = sum(np.sum(W * W) for W in self.weights)
        self._descend(activations, delta)
        return float(loss + self.decay / 2 * squares)

    def _hidden(self, X: Array) -> list[Array]:
        """Return the input of each layer."""
        activations = [X]
        for W, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            activations.append(np.maximum(activations[-1] @ W + b, 0.0))
        return activations

    def _descend(self, activations: list[Array], delta: Array) -> None:
        """Walk back from ∂L/∂Z of the last layer; update each layer once its input's gradient is known."""
        for i in reversed(range(len(self.weights))):
            W, A = self.weights[i], activations[i]
            dW = A.T @ delta + self.decay * W
            db = delta.sum(axis=0)
            if i > 0:
                delta = (delta @ W.T) * (A > 0)
            self.weights[i] = W - self.rate * dW
            self.biases[i] = self.biases[i] - self.rate * db

    def epoch(self, X: Array, y: Array, batch_size: int, generator: np.random.Generator) -> float:
        """Run a step on each batch, in random order; return the mean loss."""
        order = generator.permutation(len(y))
        total = 0.0
        for start in range(0, len(y), batch_size):
            chosen = order[start : start + batch_size]
            total += len(chosen) * self.step(X[chosen], y[chosen])
        return total / len(y)

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters by name."""
        weights = {f"W{i}": W for i, W in enumerate(self.weights, start=1)}
        return weights | {f"b{i}": b for i, b in enumerate(self.biases, start=1)}


def _cross_entropy(logits: Array, y: Array) -> tuple[float, Array]:
    """Return the mean cross-entropy and its gradient; one exponential serves both."""
    rows = np.arange(len(y))
    shifted = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(sums[:, 0]) - shifted[rows, y])
    delta = powers / sums
    delta[rows, y] -= 1.0
    return loss, delta / len(y)
