"""The one place that imports scikit-learn, polars and narwhals, and only when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from chainrule.errors import MissingExtraError

# The modules are returned as Any: scikit-learn has no type stubs, and none of the three need be installed.


def polars() -> Any:
    """Return the polars module, which reads the files.

    Raises:
        MissingExtraError: polars is not installed.
    """
    return _imported("polars", "polars", "Reading a table")


def narwhals() -> Any:
    """Return the narwhals module, which speaks to every kind of data frame.

    Raises:
        MissingExtraError: narwhals is not installed.
    """
    return _imported("narwhals", "narwhals", "Reading a table")


def sklearn(module: str) -> Any:
    """Return a module of scikit-learn.

    Args:
        module: its name inside the package, such as "preprocessing".

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    return _imported(f"sklearn.{module}", "scikit-learn", "Training on a table")


def _imported(module: str, package: str, purpose: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(package, "table", purpose) from error
