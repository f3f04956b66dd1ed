"""Learning rates: one for all parameters, or one for each layer, each parameter or each weight."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.errors import DataError, ShapeError, UnknownNameError, nearest
from chainrule.ir.names import normalized
from chainrule.ir.shape import Shape, show_shape

Key: TypeAlias = "str | int"
Rate: TypeAlias = "float | Mapping[Any, Any]"
OTHERS = "others"
_LAYER = re.compile(r".*?\D([0-9]+)")


def check_rate(rate: Rate) -> None:
    """Check the numbers of learning rates before any graph is known.

    Raises:
        DataError: a rate is no number, negative or not finite, or its key is no name and no layer.
    """
    if not isinstance(rate, Mapping):
        _check_numbers("the learning rate", rate)
        if np.ndim(rate):
            raise DataError(
                "one learning rate is a number.", fix='name the parameter: SGD({"W1": array, …}).'
            )
        return
    for key, number in rate.items():
        if not isinstance(key, str | int | np.integer) or isinstance(key, bool):
            raise DataError(
                f"a learning rate is given by {key!r}.",
                fix='the key is a parameter\'s name, the number of a layer, or "others".',
            )
        _check_numbers(f"the learning rate of {_shown(key)}", number)
        if np.ndim(number) and (not isinstance(key, str) or key == OTHERS):
            raise DataError(
                f"the learning rate of {_shown(key)} is an array, but parameters differ in shape.",
                fix="give one number, or name each parameter.",
            )


def _check_numbers(what: str, given: Any) -> None:
    array = np.asarray(given)
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all() or (array < 0).any():
        shown = "" if array.ndim else f", not {given!r}"
        raise DataError(f"{what} must be finite and not negative{shown}.", fix="0.01, for example.")


def keys_of_rates(rate: Mapping[Any, Any], names: Sequence[str]) -> dict[str, Key]:
    """Return by which key each parameter finds its rate: its name, else its layer, else "others".

    Raises:
        UnknownNameError: a key is no parameter and no layer.
        DataError: a parameter has no rate.
    """
    given: dict[Key, Key] = {normalized(key) if isinstance(key, str) else int(key): key for key in rate}
    layers = {name: _layer(name) for name in names}
    _check_known(list(given), names, [layer for layer in layers.values() if layer is not None])
    found = {
        name: given[key]
        for name in names
        if (key := next((k for k in (name, layers[name], OTHERS) if k in given), None)) is not None
    }
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(
            f"no learning rate is given for {', '.join(missing)}.",
            fix='give one for each parameter or layer, or one for all the "others".',
        )
    return found


def _layer(name: str) -> int | None:
    """Return the number a name ends in: 1 for W1, 12 for W12."""
    match = _LAYER.fullmatch(name)
    return int(match[1]) if match else None


def _check_known(keys: Sequence[Key], names: Sequence[str], layers: Sequence[int]) -> None:
    for key in keys:
        known = [*names, OTHERS] if isinstance(key, str) else layers
        if key not in known:
            spelled = list(dict.fromkeys(map(str, known)))
            raise UnknownNameError(
                f"a rate is given for {_shown(key)}, which no step updates.", fix=nearest(str(key), spelled)
            )


def _shown(key: Any) -> str:
    return str(key) if isinstance(key, str) else f"layer {key}"


def check_shape(name: str, number: Any, shape: Shape) -> None:
    """Check that an array of rates is shaped like its parameter."""
    fits = number.ndim == len(shape) and all(
        isinstance(size, str) or size == actual for size, actual in zip(shape, number.shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"the learning rate of {name} has the shape {show_shape(number.shape)}.",
            fix=f"give a number, or an array shaped like {name}, {show_shape(shape)}.",
        )
