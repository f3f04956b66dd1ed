"""Networks and data that several tests train or look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule as cr

EXAMPLES = Path(__file__).parents[2] / "examples"


def two_layer() -> cr.Graph:
    """Return the network of examples/two_layer.eqn."""
    return cr.read(EXAMPLES / "two_layer.eqn")


def two_layer_arrays(m: int = 7, d: int = 5, h: int = 4, k: int = 3, seed: int = 0) -> dict[str, Any]:
    """Return data, parameters and λ for it."""
    draw = np.random.default_rng(seed)
    return {
        "X": draw.normal(size=(m, d)),
        "Y": draw.integers(0, 2, (m, k)).astype(float),
        "W1": draw.normal(size=(d, h)),
        "b1": draw.normal(size=h),
        "W2": draw.normal(size=(h, k)),
        "b2": draw.normal(size=k),
        "λ": 0.1,
    }


def numpy_gradients(a: dict[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Return the two-layer network's gradients, derived by hand and written in NumPy."""
    X, Y, W1, b1, W2, b2, decay = (a[name] for name in ("X", "Y", "W1", "b1", "W2", "b2", "λ"))
    Z1 = X @ W1 + b1
    A1 = np.maximum(Z1, 0)
    A2 = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
    dZ2 = (A2 - Y) / len(X)
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)
    return {
        "W1": X.T @ dZ1 + decay * W1,
        "b1": dZ1.sum(0),
        "W2": A1.T @ dZ2 + decay * W2,
        "b2": dZ2.sum(0),
    }
