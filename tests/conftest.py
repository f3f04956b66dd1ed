"""Fixtures that several tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainrule.ir import registry


@pytest.fixture(scope="session", autouse=True)
def kernels_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Compiled kernels are kept in a folder of this run, for commands that tests start as well."""
    folder = tmp_path_factory.mktemp("kernels")
    before = os.environ.get("CHAINRULE_CACHE")
    os.environ["CHAINRULE_CACHE"] = before or str(folder)
    yield folder
    if before is None:
        del os.environ["CHAINRULE_CACHE"]


@pytest.fixture
def own_ops() -> Iterator[None]:
    """Ops that a test defines are gone after it."""
    before = dict(registry._OPS)
    yield
    registry._OPS.clear()
    registry._OPS.update(before)
