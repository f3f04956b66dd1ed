"""Fuzz `chainrule.check`: `python -m fuzz.check FOLDER/corpus -dict=FOLDER/words.dict -runs=100000`."""

from __future__ import annotations

import zlib

import atheris

with atheris.instrument_imports(include=["chainrule"]):
    from tests.support.promises import checks_or_refuses

from fuzz.drive import drive

_WITH_HINTS = 10


def _check(text: str) -> None:
    """Check a text, every tenth one with hints."""
    checks_or_refuses(text, hints=zlib.crc32(text.encode()) % _WITH_HINTS == 0)


if __name__ == "__main__":
    drive(_check)
