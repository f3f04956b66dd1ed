"""What reading and checking equations promise for every text there is; shared by tests and fuzzers."""

from __future__ import annotations

import time

import chainrule as cr
from chainrule.derivation.report import Report
from chainrule.errors import ChainruleError, ParseError
from chainrule.notation.tokens import normalize_text

LONGEST = 4_000
MOST_SECONDS = 5.0
_LONGEST_MESSAGE = 4_000


def parses_or_refuses(text: str) -> bool:
    """Tell whether a text is equations: then its graph reads back; else the refusal is a helpful one."""
    try:
        graph = cr.parse(text)
    except ChainruleError as error:
        assert_helps(error, text)
        return False
    for ascii in (False, True):
        assert cr.parse(graph.text(ascii=ascii)).same_as(graph)
    return True


def checks_or_refuses(text: str, *, hints: bool = False) -> Report | None:
    """Return the report on a derivation; None if it is refused, as it should be."""
    start = time.perf_counter()
    try:
        report: Report | None = cr.check(f"{text}\n", hints=hints)
    except ChainruleError as error:
        assert str(error).strip()
        report = None
    seconds = time.perf_counter() - start
    assert len(text) > LONGEST or seconds < MOST_SECONDS, f"{seconds:.1f} s"
    return report


def assert_helps(error: ChainruleError, text: str) -> None:
    """Check that a refusal says where, within the text, and what was expected or how to mend it."""
    lines = normalize_text(text).splitlines()
    assert error.message.strip()
    assert len(str(error)) <= _LONGEST_MESSAGE, len(str(error))
    if isinstance(error, ParseError):
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert error.expected.strip()
        assert f"line {error.line}, column {error.column}" in error.where
    else:
        assert "line " in error.where
