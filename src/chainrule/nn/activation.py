"""Activations as layers, and how the weights before an activation start best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from chainrule.errors import KindError, UnknownNameError, nearest
from chainrule.ir.op import Op
from chainrule.ir.registry import every_op, is_op, lookup
from chainrule.ir.value import Value
from chainrule.nn.initializers import Initializer
from chainrule.nn.layer import Layer
from chainrule.nn.scope import Scope

Activate: TypeAlias = "str | Callable[[Value], Value]"
_LEARNED: Mapping[str, tuple[str, float]] = {"prelu": ("a", 0.25)}
_OTHERS = ("softmax", "log_softmax", "maxout")
_START: Mapping[str, Initializer] = {
    **dict.fromkeys(
        ("relu", "leaky_relu", "prelu", "elu", "celu", "gelu", "gelu_tanh", "silu", "mish", "softplus",
         "relu6", "hardswish", "maxout"),
        "he",
    ),
    "selu": "lecun",
}  # fmt: skip


class Activation(Layer):
    """An element-wise function, A = f(Z); softmax, log_softmax and maxout too.

    Args:
        function: the name of an op, or a function from Value to Value.
        **settings: attributes of the op, such as slope=0.2 for leaky_relu.

    Raises:
        UnknownNameError: no activation has the name.
        KindError: it is neither a name nor a function.
    """

    def __init__(self, function: Activate, **settings: Any) -> None:
        self.function, self.settings = function, settings
        check_activation(function)

    def __repr__(self) -> str:
        name = self.function if isinstance(self.function, str) else "function"
        return f"Activation({', '.join([name, *(f'{k}={v}' for k, v in self.settings.items())])})"

    def build(self, scope: Scope, x: Value) -> Value:
        return scope.name("A", activated(self.function, x, scope, self.settings))


def activated(function: Activate, x: Value, scope: Scope, settings: Mapping[str, Any] | None = None) -> Value:
    """Return an activation applied to a value; one that learns declares its parameter."""
    if not isinstance(function, str):
        result = function(x)
        if not isinstance(result, Value):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may return
            raise KindError(f"the activation returned {type(result).__name__}, not a value of the graph.")
        return result
    op = _checked(function)
    if function not in _LEARNED:
        return op(x, **(settings or {}))
    stem, start = _LEARNED[function]
    return op(x, scope.parameter(stem, (x.shape[-1],), start), **(settings or {}))


def check_activation(function: Activate) -> None:
    """Check that an activation is the name of one, or a function.

    Raises:
        UnknownNameError: no activation has the name.
        KindError: it is neither.
    """
    if isinstance(function, str):
        _checked(function)
    elif not callable(function) or isinstance(function, type):
        name = getattr(function, "name", "relu")
        raise KindError(
            f"an activation is a name or a function from Value to Value, not {function!r}.", fix=f"{name!r}."
        )


def start_for(function: Activate | None) -> Initializer:
    """Return the initializer that suits the weights before an activation."""
    return _START.get(function, "glorot") if isinstance(function, str) else "glorot"


def _checked(name: str) -> Op:
    if not is_op(name) or not _is_activation(lookup(name)):
        raise UnknownNameError(f"there is no activation {name}.", fix=nearest(name, activations()))
    return lookup(name)


def activations() -> list[str]:
    """Return the names of all ops that can be an activation."""
    return [op.name for op in every_op() if _is_activation(op)]


def _is_activation(op: Op) -> bool:
    if op.name in (*_OTHERS, *_LEARNED):
        return True
    numbers = all(a.type == "number" and a.default != "required" for a in op.attributes)
    return numbers and op.arity == 1 and op.is_elementwise and op.kind == op.operand_kind(0) == "real"
