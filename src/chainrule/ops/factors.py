"""How constants multiply out: an unnamed product is split into its scalar factor and the rest.

A product keeps its scalar in front, s · T with s of shape (), so that 2 · (λ/2) W reads λ W. A value
with a name is never taken apart: the reader gave the name to see it used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chainrule.ir.build import raw
from chainrule.ir.registry import lookup
from chainrule.ir.value import Value


def split(value: Value) -> tuple[Value | None, Value | None]:
    """Return (s, T) with value = s · T; s or T is None where there is no such factor.

    For a scalar value s is its constant factor. A repeated number multiplies out even under a name,
    as the number itself does: many gradients may be the same 1.
    """
    if value.constant is not None:
        return value, None
    repeated = _repeated(value)
    if repeated is not None and repeated.constant is not None:
        return repeated, None
    if value.graph.is_named(value):
        return None, value
    if repeated is not None:
        return repeated, None
    return _SPLITTERS.get(value.op.name, _whole)(value)


def _repeated(value: Value) -> Value | None:
    """Return the scalar that a broadcast repeats, or None."""
    return None if value.shape == () else value.scalar


def _whole(value: Value) -> tuple[None, Value]:
    return None, value


def _split_negative(value: Value) -> tuple[Value, Value]:
    return value.graph.constant(-1), value.inputs[0]


def _split_product(value: Value) -> tuple[Value | None, Value]:
    first, second = value.inputs
    if value.shape == ():
        return (first, second) if first.constant is not None else (None, value)
    scalar = _repeated(first)
    if scalar is None or (scalar.constant is None and value.graph.is_named(first)):
        return None, value
    return scalar, second


def _split_broadcast(value: Value) -> tuple[Value | None, Value]:
    scalar, rest = split(value.inputs[0])
    if scalar is None or rest is None:
        return None, value
    return scalar, lookup("expand")(rest, shape=value.shape)


_SPLITTERS: Mapping[str, Callable[[Value], tuple[Value | None, Value]]] = {
    "negative": _split_negative,
    "multiply": _split_product,
    "expand": _split_broadcast,
}


def scaled(scalar: Value | None, rest: Value) -> Value:
    """Return scalar · rest in the canonical form, the scalar in front."""
    if scalar is None:
        return rest
    number = scalar.constant
    if number is not None and number.is_number(1):
        return rest
    if number is not None and number.is_number(-1):
        return lookup("negative")(rest)
    if rest.shape == ():
        return raw("multiply", scalar, rest)
    if rest.op.name == "expand" and rest.scalar is None and not rest.graph.is_named(rest):
        return lookup("expand")(scalar * rest.inputs[0], shape=rest.shape)
    return raw("multiply", lookup("expand")(scalar, shape=rest.shape), rest)


def times(first: Value | None, second: Value | None) -> Value | None:
    """Return the product of two scalar factors, either of which may be missing."""
    if first is None or second is None:
        return first if second is None else second
    return lookup("multiply")(first, second)


def is_negated(value: Value) -> bool:
    """Tell whether an unnamed value starts with a minus that a sum could take over."""
    scalar, _ = split(value)
    if scalar is None:
        return False
    number = scalar.constant if scalar.constant is not None else split(scalar)[0]
    if isinstance(number, Value):
        number = number.constant
    return number is not None and number.factor < 0
