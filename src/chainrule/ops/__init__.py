"""The rule book: one class per op, in its family's file; importing this registers them all."""

from chainrule.ops import activation, arithmetic, comparison, elementary, layout, linear, loss, reduction

__all__ = [
    "activation",
    "arithmetic",
    "comparison",
    "elementary",
    "layout",
    "linear",
    "loss",
    "reduction",
]
