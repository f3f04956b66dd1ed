"""chainrule: a glass-box engine for feed-forward neural networks. What you read is what runs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from chainrule import ops as _ops
from chainrule.errors import (
    ChainruleError,
    DataError,
    GraphError,
    KindError,
    MissingExtraError,
    ModelFileError,
    NamingError,
    NativeFallbackWarning,
    NativeUnavailableError,
    NotFiniteError,
    ParseError,
    ShapeError,
    UnknownNameError,
)
from chainrule.graph import Graph, parse, read
from chainrule.ir.composite import Composite
from chainrule.ir.constant import Constant
from chainrule.ir.op import Attribute, Domain, Primitive
from chainrule.ir.registry import every_op, is_op, lookup
from chainrule.ir.structural import Declaration, declare
from chainrule.network import Network, load
from chainrule.nn.activation import Activation
from chainrule.nn.combine import ActivityPenalty, Concat, Flatten, Residual
from chainrule.nn.dense import Dense, Embedding
from chainrule.nn.dropout import AlphaDropout, Dropout, GaussianNoise
from chainrule.nn.layer import Layer
from chainrule.nn.losses import Loss
from chainrule.nn.normalization import BatchNorm, LayerNorm, RmsNorm
from chainrule.nn.sequential import Inputs, Outputs
from chainrule.optim.adagrad import AdaGrad
from chainrule.optim.adam import Adam, AdamW
from chainrule.optim.optimizer import Optimizer
from chainrule.optim.rmsprop import RMSProp
from chainrule.optim.sgd import SGD, Momentum, Nesterov
from chainrule.train.history import History
from chainrule.train.loop import Fit, fit
from chainrule.train.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from chainrule import testing as testing
    from chainrule.derivation.check import check as check
    from chainrule.derivation.code.check import check_function as check_function
    from chainrule.execute.native.explain import explain_native as explain_native
    from chainrule.ir.shape import Kind, Size
    from chainrule.ir.value import Value
    from chainrule.rulebook.rule import rule as rule

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Activation",
    "ActivityPenalty",
    "AdaGrad",
    "Adam",
    "AdamW",
    "AlphaDropout",
    "Attribute",
    "BatchNorm",
    "ChainruleError",
    "Composite",
    "Concat",
    "Constant",
    "DataError",
    "Declaration",
    "Dense",
    "Domain",
    "Dropout",
    "Embedding",
    "Fit",
    "Flatten",
    "GaussianNoise",
    "Graph",
    "GraphError",
    "History",
    "Inputs",
    "KindError",
    "Layer",
    "LayerNorm",
    "Loss",
    "MissingExtraError",
    "ModelFileError",
    "Momentum",
    "NamingError",
    "NativeFallbackWarning",
    "NativeUnavailableError",
    "Nesterov",
    "Network",
    "NotFiniteError",
    "Optimizer",
    "Outputs",
    "ParseError",
    "Primitive",
    "RMSProp",
    "Residual",
    "RmsNorm",
    "ShapeError",
    "UnknownNameError",
    "data",
    "fit",
    "hyperparameter",
    "load",
    "parameter",
    "parse",
    "progress_bar",
    "read",
    "scalar",
    "size",
    "state",
]


_LATER = {
    "check": "chainrule.derivation.check",
    "check_function": "chainrule.derivation.code.check",
    "explain_native": "chainrule.execute.native.explain",
}


def data(*shape: Size, kind: Kind = "real") -> Declaration:
    """Declare data of a shape, `g.X = chainrule.data("m", 784)`; class numbers have the kind "index"."""
    return declare("data", shape, kind)


def parameter(*shape: Size, frozen: bool = False) -> Declaration:
    """Declare a parameter of a shape; a frozen one gets no gradient and no update."""
    return declare("parameter", shape, frozen=frozen)


def state(*shape: Size) -> Declaration:
    """Declare a state that a step may update but no gradient changes, such as a running mean."""
    return declare("state", shape)


def scalar() -> Declaration:
    """Declare a scalar hyperparameter, such as λ or α."""
    return declare("hyperparameter", ())


def hyperparameter(*shape: Size) -> Declaration:
    """Declare a hyperparameter of any shape, such as one learning rate for each weight."""
    return declare("hyperparameter", shape)


def size(letter: str) -> Constant:
    """Return the size a letter stands for as a number: `g.L = chainrule.sum(g.E) / chainrule.size("m")`.

    Raises:
        ShapeError: it is not a letter.

    >>> print(2 / (size("m") * size("k")))
    2/(k m)
    """
    declare("data", (letter,))
    return Constant.letter(letter)


def __getattr__(name: str) -> Callable[..., Value] | ModuleType:
    """Return the op of this name: every op of the rule book is a function, `chainrule.tanh(x)`."""
    if is_op(name):
        return lookup(name)
    if name == "testing":
        return import_module("chainrule.testing")
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    if name == "rule":
        return import_module("chainrule.rulebook").rule
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *_LATER, "rule", "testing", *(op.name for op in every_op() if op.arity)]


del _ops
