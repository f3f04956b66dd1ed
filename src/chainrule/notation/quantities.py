"""Quantities with units."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB")


def show_bytes(number: int) -> str:
    """Return a number of bytes in the unit that suits it.

    >>> show_bytes(800), show_bytes(49_152), show_bytes(3_000_000)
    ('800 B', '49.2 kB', '3 MB')
    """
    unit, size = 0, float(number)
    while float(f"{size:.3g}") >= 1000 and unit < len(_UNITS) - 1:
        unit, size = unit + 1, size / 1000
    return f"{size:.3g} {_UNITS[unit]}"
