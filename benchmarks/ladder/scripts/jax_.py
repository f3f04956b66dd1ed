"""An epoch with JAX, compiled whole."""

# pyright: reportMissingImports=false
import sys
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from say import done

data, batch = np.load(sys.argv[1]), int(sys.argv[3])
X, y = jnp.array(data["X"]), jnp.array(data["y"])
widths = [X.shape[1], *map(int, sys.argv[2].split(",")), int(y.max()) + 1]
generator = np.random.default_rng(0)
start = [
    (jnp.array(generator.standard_normal((i, o), np.float32) * (2 / i) ** 0.5), jnp.zeros(o))
    for i, o in pairwise(widths)
]


def loss(layers, x, y):
    """Return the mean cross-entropy."""
    for W, b in layers[:-1]:
        x = jax.nn.relu(x @ W + b)
    z = x @ layers[-1][0] + layers[-1][1]
    return jnp.mean(jax.nn.logsumexp(z, 1) - z[jnp.arange(z.shape[0]), y])


def step(carried, rows):
    """Run a step of Adam."""
    layers, first, second, count = carried
    gradient = jax.grad(loss)(layers, X[rows], y[rows])
    first = jax.tree.map(lambda u, d: 0.9 * u + 0.1 * d, first, gradient)
    second = jax.tree.map(lambda v, d: 0.999 * v + 0.001 * d * d, second, gradient)
    count = count + 1
    c1, c2 = 1 - 0.9**count, 1 - 0.999**count
    layers = jax.tree.map(
        lambda p, u, v: p - 1e-3 * (u / c1) / (jnp.sqrt(v / c2) + 1e-8), layers, first, second
    )
    return (layers, first, second, count), 0.0


zeros = jax.tree.map(jnp.zeros_like, start)
steps = len(y) // batch
order = generator.permutation(len(y))[: steps * batch].reshape(steps, batch)
epoch = jax.jit(lambda carried, order: jax.lax.scan(step, carried, order))
jax.block_until_ready(epoch((start, zeros, zeros, jnp.float32(0)), order))
done()
