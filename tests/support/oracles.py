"""For every built-in op the same function from NumPy or SciPy, written without looking at the op."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import special


def _binary_cross_entropy(a: Any, y: Any) -> Any:
    return -special.xlogy(y, a) - special.xlog1py(1 - y, -a)


def _softmax_cross_entropy(z: Any, y: Any) -> Any:
    return special.logsumexp(z, axis=1) - np.array([row[int(c)] for row, c in zip(z, y, strict=True)])


def _softmax(x: Any, axis: int) -> Any:
    return special.softmax(x, axis=axis)


def _mean_squared_error(a: Any, y: Any) -> Any:
    return np.square(np.subtract(a, y)).sum() / np.size(a)


ORACLES: Mapping[str, Callable[..., Any]] = {
    "identity": np.positive,
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "sigmoid": special.expit,
    "tanh": lambda x: np.sinh(x) / np.cosh(x),
    "softmax": _softmax,
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
    "exp": lambda x: np.expm1(x) + 1,
    "log": lambda x: np.log2(x) * np.log(2),
    "abs": np.fabs,
    "sign": np.sign,
    "maximum": np.fmax,
    "minimum": np.fmin,
    "expand": lambda x, shape: x + np.zeros(shape),
    "reshape": lambda x, shape: np.array(np.ravel(x)).reshape(shape),
    "one_hot": lambda x, size: np.eye(size)[x],
    "matmul": np.dot,
    "outer": np.outer,
    "permute_dims": lambda x, axes: np.transpose(x, axes),
    "binary_cross_entropy": _binary_cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "half_sum_of_squares": lambda a, y: np.linalg.norm(np.ravel(a - y)) ** 2 / 2,
    "mean_squared_error": _mean_squared_error,
    "sum": lambda x, axis, keepdims: np.add.reduce(x, axis=axis, keepdims=keepdims),
    "mean": lambda x, axis, keepdims: np.average(x, axis=axis, keepdims=keepdims),
    "squared_norm": lambda x: np.vdot(x, x),
}
