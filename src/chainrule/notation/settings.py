"""What a setting of each attribute type may be, and how messages call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast


def expected_instead(attribute_type: str, item: object) -> str:
    """Return what an attribute of this type needs where the item is no such thing, else "".

    >>> expected_instead("axis", "m"), expected_instead("axis", -1)
    ('the number of an axis', '')
    """
    sound = _CHECKS.get(attribute_type, _anything)(item)
    return "" if sound else _WORDS[attribute_type]


def _anything(item: object) -> bool:
    return True


def _is_whole(item: object) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)


def _is_size(item: object) -> bool:
    return isinstance(item, str) or _is_whole(item)


def _is_shape(item: object) -> bool:
    return isinstance(item, tuple) and all(map(_is_size, cast("tuple[object, ...]", item)))


def _is_order(item: object) -> bool:
    return isinstance(item, tuple) and all(map(_is_whole, cast("tuple[object, ...]", item)))


def _are_pairs(item: object) -> bool:
    lists = cast("tuple[object, ...]", item if isinstance(item, tuple) else ())
    return len(lists) == 2 and all(map(_is_order, lists))


_WORDS = {
    "shape": "a shape in brackets, such as (m, 1)",
    "order": "the axes in brackets, such as (1, 0)",
    "size": "a size: a whole number or a letter",
    "axis": "the number of an axis",
    "axes": "the number of an axis, or several in brackets",
    "pairs": "how many axes meet, or which ones, such as ((0, 1), (0, 1))",
    "whole": "a whole number",
    "bound": "a whole number, or none",
    "flag": "true or false",
    "number": "a number",
}
_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "shape": _is_shape,
    "order": _is_order,
    "size": _is_size,
    "axis": _is_whole,
    "axes": lambda item: item is None or _is_whole(item) or _is_order(item),
    "pairs": lambda item: _is_whole(item) or _are_pairs(item),
    "whole": _is_whole,
    "bound": lambda item: item is None or _is_whole(item),
    "flag": lambda item: isinstance(item, bool),
    "number": lambda item: isinstance(item, int | float) and not isinstance(item, bool),
}
