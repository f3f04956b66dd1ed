"""An epoch with NumPy, as `benchmarks.by_hand` has it: the least that any of these takes."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from say import done

sys.path.insert(0, str(Path(__file__).parents[3]))
from benchmarks.by_hand import Perceptron

data, batch = np.load(sys.argv[1]), int(sys.argv[3])
X, y = data["X"], data["y"]
widths = [X.shape[1], *map(int, sys.argv[2].split(",")), int(y.max()) + 1]
generator = np.random.default_rng(0)
parameters = {}
for i, (inputs, units) in enumerate(pairwise(widths), start=1):
    parameters[f"W{i}"] = generator.standard_normal((inputs, units), np.float32) * (2 / inputs) ** 0.5
    parameters[f"b{i}"] = np.zeros(units, np.float32)
Perceptron(parameters, 0.05, 0.0).epoch(X, y, batch, generator)
done()
