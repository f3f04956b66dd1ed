"""Errors compared as whole texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chainrule.errors import ChainruleError


@contextmanager
def raises_exactly(kind: type[ChainruleError], message: str, fix: str = "") -> Iterator[None]:
    """Expect an error with exactly this message and fix; where it happened is not compared."""
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.fix) == (message, fix)


@contextmanager
def raises_text(kind: type[ChainruleError], text: str) -> Iterator[None]:
    """Expect an error whose whole text, place included, is this."""
    with pytest.raises(kind) as caught:
        yield
    assert str(caught.value) == text
