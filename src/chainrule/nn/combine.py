"""Layers made of layers, and layers that only move elements: Residual, Concat, Flatten; penalties."""

from __future__ import annotations

import math

from chainrule.errors import DataError, ShapeError
from chainrule.ir.constant import Constant
from chainrule.ir.registry import lookup
from chainrule.ir.shape import show_shape
from chainrule.ir.value import Value
from chainrule.nn.layer import Layer, build_in_order, checked_layers, units_of
from chainrule.nn.scope import Scope


class Residual(Layer):
    """A block and the path around it, H = x + F(x); F(x) has the shape of x.

    Args:
        *layers: the block F.

    Source: K. He et al., Deep residual learning for image recognition, CVPR 2016.
    """

    def __init__(self, *layers: Layer) -> None:
        self.layers = checked_layers(layers, "Residual")

    def __repr__(self) -> str:
        return f"Residual({', '.join(map(repr, self.layers))})"

    def build(self, scope: Scope, x: Value) -> Value:
        """Name H, the input plus what the block makes of it."""
        inner = build_in_order(self.layers, scope, x, within=" of Residual")
        if inner.shape != x.shape:
            raise ShapeError(
                f"the block makes {show_shape(inner.shape)} of {show_shape(x.shape)}, which cannot be added.",
                fix=f"end the block with Dense({x.shape[-1]}).",
            )
        return scope.name("H", x + inner)


class Concat(Layer):
    """Branches on one input, side by side: C = [F(x), G(x), …], joined along the last axis.

    Args:
        *branches: each a layer or a list of layers; an empty list is x itself.
    """

    def __init__(self, *branches: Layer | list[Layer]) -> None:
        if not branches:
            raise DataError("Concat needs at least one branch.")
        self.branches = [
            checked_layers(branch, f"branch {i} of Concat") for i, branch in enumerate(branches, 1)
        ]

    def __repr__(self) -> str:
        shown = (repr(b[0]) if len(b) == 1 else f"[{', '.join(map(repr, b))}]" for b in self.branches)
        return f"Concat({', '.join(shown)})"

    def build(self, scope: Scope, x: Value) -> Value:
        made = [
            build_in_order(branch, scope, x, within=f" in branch {place} of Concat")
            for place, branch in enumerate(self.branches, start=1)
        ]
        return scope.name("C", joined(made))


def joined(values: list[Value]) -> Value:
    """Return values side by side along the last axis."""
    return values[0] if len(values) == 1 else lookup("concat")(*values, axis=-1)


class Flatten(Layer):
    """All axes after the first in one, (m, a, b) → (m, a b), the last axis fastest."""

    def build(self, scope: Scope, x: Value) -> Value:
        """Name C, what the branches make of the input side by side."""
        shape = units_of(x, "Flatten")
        if len(shape) == 2:
            return x
        letters = [size for size in shape[1:] if isinstance(size, str)]
        if letters:
            raise ShapeError(
                f"Flatten needs numbers for the axes of an example, not {show_shape(shape)}.",
                fix="say them: cr.Network(…, inputs=(28, 28)).",
            )
        return scope.name(
            "F", x.reshape(shape[0], math.prod(size for size in shape[1:] if isinstance(size, int)))
        )


class ActivityPenalty(Layer):
    """A penalty on the activations, s = l1/m ‖A‖₁ + l2/(2 m) ‖A‖², added to the objective; A passes through.

    Args:
        l1: factor of the sum of absolute values.
        l2: factor of half the sum of squares.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        if min(l1, l2) < 0 or l1 + l2 == 0:
            raise DataError("ActivityPenalty needs a positive l1 or l2, and none negative.")
        self.l1, self.l2 = l1, l2

    def __repr__(self) -> str:
        return f"ActivityPenalty(l1={self.l1:g}, l2={self.l2:g})"

    def build(self, scope: Scope, x: Value) -> Value:
        share = Constant.count(units_of(x, "ActivityPenalty")[:1]).reciprocal()
        if self.l1:
            scope.penalties.append(share * self.l1 * lookup("l1_norm")(x))
        if self.l2:
            scope.penalties.append(share * (self.l2 / 2) * lookup("squared_norm")(x))
        return x
