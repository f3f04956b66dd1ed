"""Fuzz `chainrule.parse`: `python -m fuzz.parse FOLDER/corpus -dict=FOLDER/words.dict -runs=1000000`."""

from __future__ import annotations

import atheris

with atheris.instrument_imports(include=["chainrule"]):
    from tests.support.promises import parses_or_refuses

from fuzz.drive import drive

if __name__ == "__main__":
    drive(parses_or_refuses)
