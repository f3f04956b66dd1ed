"""The rule book: one class per op, in its family's file; importing this registers them all."""

from chainrule.ops import (
    activation,
    arithmetic,
    comparison,
    cross_entropy,
    cumulative,
    decomposition,
    elementary,
    indexing,
    joining,
    layout,
    linear,
    loss,
    normalization,
    random,
    rectifier,
    reduction,
)

__all__ = [
    "activation",
    "arithmetic",
    "comparison",
    "cross_entropy",
    "cumulative",
    "decomposition",
    "elementary",
    "indexing",
    "joining",
    "layout",
    "linear",
    "loss",
    "normalization",
    "random",
    "rectifier",
    "reduction",
]
