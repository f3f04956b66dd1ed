"""`cr.check`: a hand-written derivation against the chain rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule.derivation.document import read_document
from chainrule.derivation.judge import Judge
from chainrule.derivation.plan import plan
from chainrule.derivation.report import Report


def check(document: str | Path, network: Any = None, *, hints: bool = True, seed: int = 0) -> Report:
    """Judge a derivation written by hand, equation by equation."""
    read = read_document(document)
    judge = Judge(plan(read, network), hints=hints, seed=seed)
    return Report(read.source, read.text, tuple(judge.judgements()))
