"""Networks in one line of a shell: `784, 128 relu, dropout 0.2, batchnorm, 10 softmax`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule.errors import DataError, UnknownNameError, nearest
from chainrule.network import Network
from chainrule.nn.activation import Activation, activations
from chainrule.nn.combine import Flatten
from chainrule.nn.dense import Dense
from chainrule.nn.dropout import AlphaDropout, Dropout, GaussianNoise
from chainrule.nn.layer import Layer
from chainrule.nn.normalization import BatchNorm, LayerNorm, RmsNorm
from chainrule.optim.adagrad import AdaGrad
from chainrule.optim.adam import Adam, AdamW
from chainrule.optim.optimizer import Optimizer
from chainrule.optim.rmsprop import RMSProp
from chainrule.optim.sgd import SGD, Momentum, Nesterov

_PLAIN: Mapping[str, Callable[[], Layer]] = {
    "batchnorm": BatchNorm,
    "layernorm": LayerNorm,
    "rmsnorm": RmsNorm,
    "flatten": Flatten,
}
_WITH_NUMBER: Mapping[str, Callable[[float], Layer]] = {
    "dropout": Dropout,
    "alphadropout": AlphaDropout,
    "noise": GaussianNoise,
}
_OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
}
_LOSS_AFTER = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}


def network_of(text: str, loss: str, weight_decay: float) -> Network:
    """Return the network that a line of layers describes.

    Args:
        text: inputs first, `784` or `28x28`, then layers between commas: `128 relu` or `10` for a dense one;
            `dropout 0.2`, `batchnorm`, `layernorm`, `rmsnorm`, `flatten`, `noise 0.1`, or an activation.
        loss: its name; if "", what suits the last activation.
        weight_decay: λ.

    Raises:
        ChainruleError: a layer that cannot be read, or does not fit what comes before it.
    """
    first, *others = [part.split() for part in text.split(",")]
    inputs = _inputs(first)
    layers = [_layer(words, place) for place, words in enumerate(others, start=1)]
    if not layers:
        raise DataError("a network needs at least one layer after its inputs.", where="", fix=_EXAMPLE)
    last = others[-1][-1]
    return Network(
        layers,
        loss=loss or _LOSS_AFTER.get(last, "mean_squared_error"),
        inputs=inputs,
        weight_decay=weight_decay,
    )


def optimizer_of(name: str) -> Optimizer:
    """Return an optimizer by its name.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name not in _OPTIMIZERS:
        raise UnknownNameError(f"there is no optimizer {name}.", where="", fix=nearest(name, _OPTIMIZERS))
    return _OPTIMIZERS[name]()


_EXAMPLE = 'for example --layers "784, 128 relu, dropout 0.2, 10 softmax".'


def _inputs(words: list[str]) -> tuple[int, ...]:
    sizes = words[0].split("x") if len(words) == 1 else []
    if not sizes or not all(size.isdigit() and int(size) > 0 for size in sizes):
        shown = " ".join(words) or "nothing"
        raise DataError(
            f"the inputs come first, a number such as 784 or 28x28, not {shown}.", where="", fix=_EXAMPLE
        )
    return tuple(map(int, sizes))


def _layer(words: list[str], place: int) -> Layer:
    """Return the layer that a few words describe."""
    if not words:
        raise DataError(f"layer {place} is empty.", where="", fix=_EXAMPLE)
    kind, *rest = words
    if kind.isdigit() and len(rest) < 2:
        return Dense(int(kind), *_named_activation(rest, place))
    if kind in _PLAIN and not rest:
        return _PLAIN[kind]()
    if kind in _WITH_NUMBER and len(rest) == 1:
        return _with_number(kind, rest[0], place)
    if kind in _WITH_NUMBER or kind in _PLAIN:
        takes = "one number" if kind in _WITH_NUMBER else "nothing"
        raise DataError(f"layer {place}: {kind} is followed by {takes}.", where="", fix=_EXAMPLE)
    if rest:
        raise UnknownNameError(
            f"layer {place}: there is no layer {' '.join(words)}.", where="", fix=_known(kind)
        )
    return _activation(kind, place)


def _named_activation(words: list[str], place: int) -> list[Any]:
    for word in words:
        _activation(word, place)
    return list(words)


def _activation(name: str, place: int) -> Layer:
    try:
        return Activation(name)
    except UnknownNameError:
        message = f"layer {place}: there is no layer or activation {name}."
        raise UnknownNameError(message, where="", fix=_known(name)) from None


def _known(name: str) -> str:
    return nearest(name, [*_PLAIN, *_WITH_NUMBER, "relu", "tanh", "sigmoid", "softmax"], activations())


def _with_number(kind: str, text: str, place: int) -> Layer:
    try:
        return _WITH_NUMBER[kind](float(text))
    except DataError as error:
        raise DataError(f"layer {place}: {error.message}", where="", fix=error.fix) from None
    except ValueError:
        raise DataError(f"layer {place}: {text} is no number.", where="", fix=_EXAMPLE) from None
