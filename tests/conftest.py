"""Fixtures that several tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chainrule.ir import registry


@pytest.fixture
def own_ops() -> Iterator[None]:
    """Ops that a test defines are gone after it."""
    before = dict(registry._OPS)
    yield
    registry._OPS.clear()
    registry._OPS.update(before)
