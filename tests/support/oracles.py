"""For every built-in op the same function from NumPy or SciPy, written without looking at the op."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import linalg, special

from tests.support.random_bits import dropout_mask, normal_noise


def _binary_cross_entropy(a: Any, y: Any) -> Any:
    return -special.xlogy(y, a) - special.xlog1py(1 - y, -a)


def _at_class(x: Any, y: Any) -> Any:
    """Return x at each example's class, or weighted by its row."""
    by_number = np.ndim(y) < np.ndim(x)
    rows = np.eye(np.shape(x)[-1])[np.asarray(y, int)] if by_number else y
    return np.einsum("...k,...k->...", rows, x)


def _softmax_cross_entropy(z: Any, y: Any, label_smoothing: float) -> Any:
    hit = (1 - label_smoothing) * _at_class(z, y) + label_smoothing * np.average(z, axis=-1)
    return special.logsumexp(z, axis=-1) - hit


def _focal(z: Any, y: Any, gamma: float) -> Any:
    p = np.where(y == 1, special.expit(z), 1 - special.expit(z))
    return -((1 - p) ** gamma) * np.log(p)


def _quantile_error(a: Any, y: Any, quantile: float) -> Any:
    return np.where(y > a, quantile * np.abs(y - a), (1 - quantile) * np.abs(y - a))


def _cosine_distance(a: Any, y: Any) -> Any:
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(y, axis=-1)
    return 1 - np.einsum("...k,...k->...", a, y) / lengths


def _gelu_tanh(x: Any) -> Any:
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * np.float_power(x, 3))))


def _hat(x: Any) -> Any:
    return np.clip(x / 6 + 1 / 2, 0, 1)


def _softmax(x: Any, axis: int) -> Any:
    return special.softmax(x, axis=axis)


def _mean_squared_error(a: Any, y: Any) -> Any:
    return np.square(np.subtract(a, y)).sum() / np.size(a)


def _matmul(a: Any, b: Any) -> Any:
    if np.ndim(a) <= 2:
        return np.dot(a, b)
    return np.array([_matmul(one, b if np.ndim(b) <= 2 else b[i]) for i, one in enumerate(a)])


def _tensordot(a: Any, b: Any, axes: Any) -> Any:
    first, second = (range(-axes, 0), range(axes)) if isinstance(axes, int) else axes
    here, there = list(range(np.ndim(a))), [np.ndim(a) + j for j in range(np.ndim(b))]
    for i, j in zip(first, second, strict=True):
        there[j] = here[i]
    kept = [axis for axis in here + there if (here + there).count(axis) == 1]
    return np.einsum(a, here, b, there, kept)


def _prod_of_others(x: Any, axis: int) -> Any:
    columns = [np.delete(x, i, axis).prod(axis) for i in range(np.shape(x)[axis])]
    return np.stack(columns, axis)


def _scatter_add(a: Any, indices: Any, size: int, axis: int) -> Any:
    chosen = np.eye(size)[indices]
    return np.moveaxis(
        np.tensordot(chosen, a, (range(indices.ndim), range(axis, axis + indices.ndim))), 0, axis
    )


def _pad(x: Any, axis: int, before: int, after: int) -> Any:
    shape = list(np.shape(x))
    ends = []
    for shape[axis] in (before, after):
        ends.append(np.zeros(shape))
    return np.concatenate([ends[0], x, ends[1]], axis)


def _cumulative_sum(x: Any, axis: int, reverse: bool) -> Any:
    size = np.shape(x)[axis]
    sums = np.tril(np.ones((size, size)))
    return np.moveaxis(np.tensordot(sums.T if reverse else sums, x, (1, axis)), 0, axis)


def _standardized(x: Any, axis: int, epsilon: float) -> Any:
    centered = x - np.average(x, axis=axis, keepdims=True)
    return centered / np.sqrt(np.average(centered**2, axis=axis, keepdims=True) + epsilon)


def _alpha_dropout(x: Any, mask: Any, p: float) -> Any:
    low = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717
    kept = np.where(mask == 1, x, low) if set(np.unique(mask)) <= {0, 1} else x * mask + low * (1 - mask)
    return ((1 - p) * (1 + p * low * low)) ** -0.5 * (kept - p * low)


ORACLES: Mapping[str, Callable[..., Any]] = {
    "batch_norm": lambda x, g, b, mean, variance, epsilon: g * _standardized(x, 0, epsilon) + b,
    "layer_norm": lambda x, g, b, epsilon: g * _standardized(x, -1, epsilon) + b,
    "rms_norm": lambda x, g, epsilon: g * x / np.sqrt(np.mean(np.square(x), -1, keepdims=True) + epsilon),
    "dropout_mask": dropout_mask,
    "normal_noise": normal_noise,
    "dropout": lambda x, mask, p: x * mask / (1 - p),
    "alpha_dropout": _alpha_dropout,
    "gaussian_noise": lambda x, noise, stddev: x + stddev * noise,
    "identity": np.positive,
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "leaky_relu": lambda x, slope: np.clip(x, 0, None) + slope * np.clip(x, None, 0),
    "prelu": lambda x, a: np.clip(x, 0, None) + a * np.clip(x, None, 0),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
    "selu": lambda x: 1.0507009873554804934 * np.where(x > 0, x, 1.6732632423543772848 * (np.exp(x) - 1)),
    "celu": lambda x, alpha: np.clip(x, 0, None) + np.clip(alpha * (np.exp(x / alpha) - 1), None, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "hardsigmoid": _hat,
    "hardswish": lambda x: x * _hat(x),
    "maxout": lambda x, pieces: np.maximum.reduce([x[..., i::pieces] for i in range(pieces)]),
    "sigmoid": special.expit,
    "tanh": lambda x: np.sinh(x) / np.cosh(x),
    "softmax": _softmax,
    "log_softmax": lambda x, axis: special.log_softmax(x, axis=axis),
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: np.sign(x) * (1 - 1 / (1 + np.abs(x))),
    "silu": lambda x: x * special.expit(x),
    "mish": lambda x: x * (1 - 2 / (np.float_power(1 + np.exp(x), 2) + 1)),
    "gelu": lambda x: x * special.ndtr(x),
    "gelu_tanh": _gelu_tanh,
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.true_divide,
    "negative": np.negative,
    "pow": np.float_power,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "indicator": lambda c: np.asarray(c).astype(float),
    "where": np.where,
    "expm1": lambda x: 2 * np.exp(x / 2) * np.sinh(x / 2),
    "log1p": lambda x: np.log2(1 + x) * np.log(2),
    "square": np.square,
    "erf": special.erf,
    "erfc": special.erfc,
    "floor": lambda x: x - np.mod(x, 1),
    "clip": lambda x, low, high: np.clip(x, low, high),
    "exp": lambda x: np.expm1(x) + 1,
    "log": lambda x: np.log2(x) * np.log(2),
    "sqrt": lambda x: np.float_power(x, 0.5),
    "abs": np.fabs,
    "sign": np.sign,
    "maximum": np.fmax,
    "minimum": np.fmin,
    "expand": lambda x, shape: x + np.zeros(shape),
    "reshape": lambda x, shape: np.array(np.ravel(x)).reshape(shape),
    "one_hot": lambda x, size: np.eye(size)[x],
    "flatten": lambda x: np.array([row.ravel() for row in x]),
    "expand_dims": lambda x, axis: np.stack([x], axis),
    "squeeze": lambda x, axis: np.sum(x, axis),
    "concat": lambda *arrays, axis: np.concatenate(arrays, axis),
    "stack": lambda *arrays, axis: np.moveaxis(np.array(arrays), 0, axis),
    "slice": lambda x, axis, start, stop: np.take(x, range(np.shape(x)[axis])[start:stop], axis),
    "pad": _pad,
    "take": lambda x, i, axis: np.moveaxis(
        np.moveaxis(x, axis, 0)[i], range(i.ndim), range(axis % x.ndim, axis % x.ndim + i.ndim)
    ),
    "scatter_add": _scatter_add,
    "matmul": _matmul,
    "tensordot": _tensordot,
    "solve": lambda a, b: np.linalg.inv(a) @ b,
    "cholesky": lambda a: linalg.cholesky((a + a.T) / 2, lower=True),
    "tril": lambda x, k: x * np.tri(*np.shape(x)[-2:], k),
    "outer": np.outer,
    "permute_dims": lambda x, axes: np.transpose(x, axes),
    "binary_cross_entropy": _binary_cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "sigmoid_cross_entropy": lambda z, y: np.logaddexp(0, z) - y * z,
    "focal": _focal,
    "cross_entropy": lambda p, y: -_at_class(np.log(p), y),
    "kullback_leibler": lambda p, y: (special.kl_div(y, p) + y - p).sum(axis=-1),
    "absolute_error": lambda a, y: np.fabs(a - y),
    "squared_error": lambda a, y: np.square(a - y),
    "huber": lambda a, y, delta: special.huber(delta, a - y),
    "log_cosh": lambda a, y: np.log(np.cosh(a - y)),
    "quantile_error": _quantile_error,
    "poisson": lambda a, y: a - special.xlogy(y, a),
    "hinge": lambda a, y: np.clip(1 - a * y, 0, None),
    "cosine_distance": _cosine_distance,
    "half_sum_of_squares": lambda a, y: np.linalg.norm(np.ravel(a - y)) ** 2 / 2,
    "mean_squared_error": _mean_squared_error,
    "sum": lambda x, axis, keepdims: np.add.reduce(x, axis=axis, keepdims=keepdims),
    "mean": lambda x, axis, keepdims: np.average(x, axis=axis, keepdims=keepdims),
    "var": lambda x, axis, keepdims: np.square(np.std(x, axis=axis, keepdims=keepdims)),
    "max": lambda x, axis, keepdims: np.fmax.reduce(x, axis=axis, keepdims=keepdims),
    "min": lambda x, axis, keepdims: -np.fmax.reduce(-x, axis=axis, keepdims=keepdims),
    "prod": lambda x, axis, keepdims: np.multiply.reduce(x, axis=axis, keepdims=keepdims),
    "logsumexp": lambda x, axis, keepdims: np.log(np.add.reduce(np.exp(x), axis=axis, keepdims=keepdims)),
    "argmax": lambda x, axis: np.argsort(x, axis).take(-1, axis),
    "cumulative_sum": _cumulative_sum,
    "prod_of_others": _prod_of_others,
    "l1_norm": lambda x: np.linalg.norm(np.ravel(x), 1),
    "squared_norm": lambda x: np.vdot(x, x),
}
