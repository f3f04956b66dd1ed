"""Reading back what a model file says, without trusting it."""

from __future__ import annotations

import math
from typing import Any

from chainrule.errors import ModelFileError


def field(record: object, name: str, *kinds: type) -> Any:
    """Return one entry of a record read from JSON, having checked its type.

    Args:
        record: what should be a dictionary.
        name: the entry.
        *kinds: the types it may have; a float must be finite.

    Raises:
        ModelFileError: the entry is absent, of another type, or not finite.

    >>> field({"mean": 1.5}, "mean", float)
    1.5
    """
    if not isinstance(record, dict):
        raise damaged(f"a record should be a dictionary, not {record!r:.60}")
    if name not in record:
        raise damaged(f"{name} is absent")
    value = record[name]
    if not isinstance(value, kinds) or (isinstance(value, float) and not math.isfinite(value)):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise damaged(f"{name} should be of type {expected}, not {value!r:.60}")
    return value


def damaged(reason: str) -> ModelFileError:
    """Return the error to raise for a model file that does not make sense."""
    return ModelFileError(
        f"the model file is damaged: {reason}.", fix="Train and save the model again.", where=""
    )
