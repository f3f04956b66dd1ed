"""Tensors and metadata in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ModelFileError
from chainrule.io.files import write_atomically

KEY = "chainrule"
VERSION = 1


def save_tensors(path: str | Path, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> None:
    """Write tensors with JSON metadata, atomically.

    Args:
        path: where to.
        tensors: arrays by name.
        metadata: anything JSON can hold.

    Raises:
        DataError: the file cannot be written.
    """
    from safetensors.numpy import save

    # One entry only: safetensors writes several in no fixed order, and equal models are equal files.
    header = {KEY: json.dumps({"version": VERSION, "model": metadata}, ensure_ascii=False)}
    content = save({name: np.array(array, order="C") for name, array in tensors.items()}, metadata=header)
    write_atomically(path, content)


def load_tensors(path: str | Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read tensors and metadata back.

    Raises:
        ModelFileError: there is no such file, it is damaged, not chainrule's, or of a later version.
    """
    from safetensors import SafetensorError, safe_open

    file = Path(path)
    if not file.is_file():
        raise ModelFileError(f"there is no file {file}.", where="", fix="check the path of the model.")
    try:
        with safe_open(file, framework="numpy") as opened:
            header = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, TypeError, AttributeError, ValueError) as error:
        raise ModelFileError(f"{file} is not a readable model: {error}.", where="") from None
    return tensors, _metadata(file, header)


def _metadata(file: Path, header: Mapping[str, str]) -> dict[str, Any]:
    if KEY not in header:
        raise ModelFileError(f"{file} is a safetensors file, but not a model of chainrule.", where="")
    try:
        described = json.loads(header[KEY])
        version, metadata = described["version"], described["model"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ModelFileError(f"the description of the model in {file} is damaged.", where="") from None
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ModelFileError(
            f"{file} has format version {version}; this chainrule reads up to {VERSION}.",
            where="",
            fix="python -m pip install --upgrade chainrule",
        )
    if not isinstance(metadata, dict):
        raise ModelFileError(f"the description of the model in {file} is damaged.", where="")
    return cast("dict[str, Any]", metadata)
