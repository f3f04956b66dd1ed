"""Gradient descent, V ← V − α dV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.errors import DataError, ShapeError, UnknownNameError, nearest
from chainrule.ir.graph import Graph
from chainrule.ir.shape import show_shape
from chainrule.ir.structural import declare
from chainrule.ir.value import Value


class SGD:
    """Gradient descent, V ← V − α dV for every parameter V.

    Full-batch, mini-batch or single-instance: that is a matter of how much data each step sees.

    Args:
        rate: the learning rate α: a number for all parameters, or by the parameter's name a number
            or an array of the parameter's shape (one rate for each weight).

    Raises:
        DataError: a rate is negative or not finite.

    Source: H. Robbins, S. Monro, A stochastic approximation method, 1951.
    """

    def __init__(self, rate: float | Mapping[str, Any] = 0.1) -> None:
        self.rate = rate
        rates = rate.items() if isinstance(rate, Mapping) else [("α", rate)]
        for name, number in rates:
            array = np.asarray(number)
            if array.ndim and not isinstance(rate, Mapping):
                raise DataError(
                    "one learning rate is a number.", fix='name the parameter: SGD({"W1": array, …}).'
                )
            if array.dtype.kind not in "iuf" or not np.isfinite(array).all() or (array < 0).any():
                raise DataError(f"the learning rate of {name} must be finite and not negative.")

    def __repr__(self) -> str:
        return f"SGD(rate={self.rate!r})"

    def add_updates(self, graph: Graph, gradients: Mapping[str, str]) -> dict[str, Any]:
        """Add the update of each parameter to a graph; return the numbers its rates stand for.

        Args:
            graph: holds parameters and gradients.
            gradients: the name of the gradient by the parameter's name.
        """
        names = list(gradients)
        numbers: dict[str, Any] = {}
        rates = self._rates(graph, names, numbers)
        for name in names:
            graph.update(graph[name], graph[name] - rates[name] * graph[gradients[name]])
        return numbers

    def _rates(self, graph: Graph, names: list[str], numbers: dict[str, Any]) -> dict[str, Value]:
        if not isinstance(self.rate, Mapping):
            alpha = graph.declare("α", declare("hyperparameter", ()))
            numbers["α"] = float(self.rate)
            return dict.fromkeys(names, alpha)
        self._check_names(names)
        rates: dict[str, Value] = {}
        for name in names:
            number = np.asarray(self.rate[name])
            shape = () if number.ndim == 0 else graph[name].shape
            _check_shape(name, number, shape)
            rates[name] = graph.declare(f"α_{name}", declare("hyperparameter", shape))
            numbers[f"α_{name}"] = number
        return rates

    def _check_names(self, names: list[str]) -> None:
        given = list(self.rate) if isinstance(self.rate, Mapping) else []
        for name in given:
            if name not in names:
                raise UnknownNameError(
                    f"a rate is given for {name}, which no step updates.", fix=nearest(name, names)
                )
        missing = [name for name in names if name not in given]
        if missing:
            raise DataError(
                f"no learning rate is given for {', '.join(missing)}.", fix="give one for each parameter."
            )


def _check_shape(name: str, number: Any, shape: tuple[Any, ...]) -> None:
    fits = number.ndim == len(shape) and all(
        isinstance(size, str) or size == actual for size, actual in zip(shape, number.shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"the learning rate of {name} has the shape {show_shape(number.shape)}.",
            fix=f"give a number, or an array shaped like {name}, {show_shape(shape)}.",
        )
