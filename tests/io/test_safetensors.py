from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import chainrule as cr
from chainrule.io.files import write_atomically
from chainrule.io.safetensors import load_tensors, save_tensors


def test_tensors_and_metadata_come_back_to_the_bit(tmp_path: Path) -> None:
    tensors = {
        "W1": np.random.default_rng(0).normal(size=(3, 4)),
        "b": np.zeros(()),
        "F": np.asfortranarray(np.eye(3)),
    }
    metadata = {"graph": "J = λ/2 ‖W1‖²", "mean": 0.1 + 0.2, "none": None}
    save_tensors(tmp_path / "model.safetensors", tensors, metadata)
    loaded, described = load_tensors(tmp_path / "model.safetensors")
    assert described == metadata
    for name, array in tensors.items():
        np.testing.assert_array_equal(loaded[name], array)


def test_a_foreign_damaged_or_missing_file_is_refused_kindly(tmp_path: Path) -> None:
    file = tmp_path / "m.safetensors"
    with pytest.raises(cr.ModelFileError, match="there is no file"):
        load_tensors(file)
    for content in (b"", b"hello", b"\xff" * 100):
        file.write_bytes(content)
        with pytest.raises(cr.ModelFileError, match="not a readable model"):
            load_tensors(file)
    save_file({"a": np.ones(2)}, file)
    with pytest.raises(cr.ModelFileError, match="not a model of chainrule"):
        load_tensors(file)
    for version in ("99", '"x"'):
        save_file({"a": np.ones(2)}, file, metadata={"chainrule": f'{{"version": {version}, "model": {{}}}}'})
        with pytest.raises(cr.ModelFileError, match="version"):
            load_tensors(file)
    for described in ("{", "[1]", "1", "{}", '{"version": 1, "model": 3}', "[" * 100_000):
        save_file({"a": np.ones(2)}, file, metadata={"chainrule": described})
        with pytest.raises(cr.ModelFileError, match="damaged"):
            load_tensors(file)


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "m.safetensors"
    save_tensors(file, {"a": np.ones(100)}, {})
    content = file.read_bytes()
    for length in (1, 8, 60, len(content) - 1):
        file.write_bytes(content[:length])
        with pytest.raises(cr.ModelFileError):
            load_tensors(file)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "model"
    write_atomically(file, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(cr.DataError, match="No space left"):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(cr.DataError, match="cannot be written"):
        write_atomically(tmp_path / "nowhere" / "model", b"")
