"""Checks of the numbers that ops take as attributes."""

from __future__ import annotations

from typing import Any

from chainrule.ir.op import Domain
from chainrule.ir.signature import MismatchError


def bounded(attributes: dict[str, Any], name: str, allowed: Domain) -> dict[str, Any]:
    """Return attributes of which one must lie in a domain, or raise MismatchError."""
    number = attributes[name]
    ends = (allowed.low, allowed.high)
    if not allowed.low <= number <= allowed.high or (allowed.open and number in ends):
        raise MismatchError(f"{name} must lie in {allowed}, not be {number}")
    return attributes
