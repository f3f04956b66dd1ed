"""Attribute settings for any op, by the types of its attributes; every op is served merely by existing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from chainrule.ir.constant import Constant
from chainrule.ir.op import Attribute, Op
from chainrule.ir.shape import Shape, broadcast_shape
from chainrule.ir.signature import MismatchError


def fits(op: Op, shapes: Sequence[Shape], attributes: dict[str, Any] | None = None) -> bool:
    """Tell whether operands of these shapes suit an op, for some setting if none is given."""
    if attributes is None:
        return next(settings_for(op, shapes), None) is not None
    try:
        stretched = aligned_shapes(op, shapes)
        op.infer(*stretched, **op.settle(stretched, attributes))
    except MismatchError:
        return False
    return True


def aligned_shapes(op: Op, shapes: Sequence[Shape]) -> list[Shape]:
    """Return the operands' shapes after broadcasting, or raise MismatchError."""
    if not op.broadcasts or (op.name == "pow" and shapes[1] == ()):
        return list(shapes)
    shape: Shape | None = shapes[0]
    for other in shapes[1:]:
        shape = None if shape is None else broadcast_shape(shape, other)
    if shape is None:
        raise MismatchError("")
    return [shape] * len(shapes)


def settings_for(op: Op, shapes: Sequence[Shape]) -> Iterator[dict[str, Any]]:
    """Yield the settings that suit an op on operands of these shapes; for no attributes, the empty one."""
    ranges = [_candidates(attribute, shapes) for attribute in op.attributes]
    for items in itertools.product(*ranges):
        setting = {a.name: item for a, item in zip(op.attributes, items, strict=True)}
        if fits(op, shapes, setting):
            yield setting


def _candidates(attribute: Attribute, shapes: Sequence[Shape]) -> list[Any]:
    shape = shapes[0]
    rank = len(shape)
    table: dict[str, list[Any]] = {
        "axis": [-1, *range(rank - 1)],
        "axes": [None, *range(-1 if rank else 0, rank), *itertools.combinations(range(rank), 2)],
        "flag": [False, True],
        "order": list(itertools.permutations(range(rank))),
        "pairs": [1, 0, 2, ((0,), (0,)), ((-1,), (-1,)), ((0, 1), (1, 0)), ((1, 0), (0, 2))],
        "whole": [1, 0, -1],
        "bound": [None, 1, -1],
        "size": [2, 3, 5, "k"],
        "shape": _shapes_around(shape),
        "number": [*([] if attribute.default == "required" else [attribute.default]), 0.25, 2],
        "word": [attribute.default],
    }
    return table[attribute.type]


def _shapes_around(shape: Shape) -> list[Shape]:
    """Return shapes that a shape may be stretched or reshaped to."""
    stretched: list[Shape] = [("m", *shape), (3, *shape), tuple(4 if size == 1 else size for size in shape)]
    grown: list[Shape] = [(*shape, 1), (1, *shape)]
    whole = Constant.count(shape).as_integer()
    flat: list[Shape] = [] if whole is None else [(whole,)]
    return [*stretched, *grown, *flat, tuple(reversed(shape)), tuple(s for s in shape if s != 1)]
