"""A saved network predicts the same bits, trains on as the original would, and refuses what is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import load_file, save_file

import chainrule as cr
from tests.support.networks import EXAMPLES

DRAW = np.random.default_rng(0)
X, c = DRAW.normal(size=(30, 4)), DRAW.integers(0, 5, 30)
y, Y = DRAW.integers(0, 3, 30), DRAW.normal(size=30)


def large() -> cr.Network:
    """Return a network with every kind of state and name."""
    same = cr.Dense(6, "prelu")
    return cr.Network(
        [
            cr.Inputs(X=[cr.GaussianNoise(0.1)], c=cr.Embedding(5, 2)),
            same, cr.BatchNorm(), cr.Dropout(0.2),
            cr.Residual(cr.Dense(6, "tanh", initializer=("normal", 0.1)), cr.LayerNorm(), same),
            cr.Concat([], [cr.RmsNorm(), cr.Dense(3, frozen=True), cr.AlphaDropout(0.1)]),
            cr.ActivityPenalty(l1=1e-3),
            cr.Outputs(kind=cr.Dense(3), number=[cr.Dense(4), cr.BatchNorm(), cr.Dense(1)]),
        ],
        loss={"kind": cr.Loss("softmax_cross_entropy", class_weights=[1, 2, 0.3]), "number": "huber"},
        inputs={"X": 4}, weight_decay=0.01 / 3, l1=1e-4, seed=7,
    )  # fmt: skip


def train(net: cr.Network, epochs: int) -> None:
    inputs, targets = {"X": X, "c": c}, {"kind": y, "number": Y}
    net.fit(inputs, targets, optimizer=cr.Adam(0.01), epochs=epochs, batch_size=7, validation=0.2)


def small(tmp_path: Path) -> Path:
    net = cr.Network([cr.Dense(3, "relu"), cr.BatchNorm(), cr.Dense(1)], loss="huber")
    net.fit(X, Y, epochs=1)
    net.save(tmp_path / "net")
    return tmp_path / "net"


def same_network(a: cr.Network, b: cr.Network) -> None:
    assert set(a.arrays) == set(b.arrays)
    for name, array in a.arrays.items():
        assert_array_equal(b.arrays[name], array)
    assert a.graph.same_as(b.graph)
    assert repr(a.history) == repr(b.history)  # NaN included
    assert a.summary() == b.summary()


def test_predictions_are_the_same_to_the_bit_and_training_goes_on(tmp_path: Path) -> None:
    whole, stopped = large(), large()
    train(whole, 7)
    train(stopped, 3)
    stopped.save(tmp_path / "net")
    loaded = cr.load(tmp_path / "net")
    same_network(stopped, loaded)
    for name, array in stopped.predict({"X": X, "c": c}).items():
        assert_array_equal(loaded.predict({"X": X, "c": c})[name], array)
    train(loaded, 4)
    same_network(whole, loaded)
    assert_array_equal(
        loaded.predict_proba({"X": X, "c": c})["kind"], whole.predict_proba({"X": X, "c": c})["kind"]
    )


def test_the_same_network_makes_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        net = large()
        train(net, 1)
        net.save(tmp_path / name)
    cr.load(tmp_path / "a").save(tmp_path / "c")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


def test_a_loaded_network_starts_anew_as_the_original_would(tmp_path: Path) -> None:
    net = large()
    started = net.initialize()
    net.save(tmp_path / "net")
    again = cr.load(tmp_path / "net").initialize()
    for name, array in started.items():
        assert_array_equal(again[name], array)


def test_shapes_of_predictions_and_equations_of_a_file_come_back(tmp_path: Path) -> None:
    loaded = cr.load(small(tmp_path))
    assert loaded.predict(X).shape == (30,)
    columns = cr.Network.from_graph(cr.read(EXAMPLES / "columns.eqn"), sizes={"n1": 3}, initializer="he")
    targets = (Y > 0).astype(float)[None]
    columns.fit(X.T, targets, epochs=2, batch_size=8)
    columns.save(tmp_path / "columns")
    loaded = cr.load(tmp_path / "columns")
    same_network(columns, loaded)
    for net in (columns, loaded):
        net.fit(X.T, targets, epochs=2, batch_size=8)
    same_network(columns, loaded)
    assert_array_equal(loaded.initialize()["W1"], columns.initialize()["W1"])


def test_an_op_of_ones_own_must_be_there_when_loading(tmp_path: Path, own_ops: None) -> None:
    from chainrule.ir import registry

    class Bent(cr.Composite):
        """Bent identity, y = (√(x² + 1) − 1) / 2 + x."""

        signature = "... -> ..."

        def definition(self, x: Any) -> Any:
            return (cr.sqrt(x**2 + 1) - 1) / 2 + x

    net = cr.Network([cr.Dense(3, "bent"), cr.Dense(1)], loss="huber")
    net.fit(X, Y, epochs=1)
    net.save(tmp_path / "net")
    assert_array_equal(cr.load(tmp_path / "net").predict(X), net.predict(X))
    del registry._OPS["bent"]
    with pytest.raises(cr.ModelFileError, match="bent"):
        cr.load(tmp_path / "net")


@pytest.mark.parametrize("length", [0, 1, 7, 8, 100, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, length: int) -> None:
    path = small(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(cr.ModelFileError):
        cr.load(path)


def test_foreign_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(cr.ModelFileError, match="there is no file"):
        cr.load(tmp_path / "nothing")
    (tmp_path / "text").write_text("J = 1")
    save_file({"W1": np.ones(3)}, tmp_path / "foreign")
    table = {"chainrule": json.dumps({"version": 1, "model": {"kind": "table"}})}
    save_file({"W1": np.ones(3)}, tmp_path / "table", metadata=table)
    for name, message in (("text", "not a readable model"), ("foreign", "not a model of chainrule"),
                          ("table", "is a model of a table")):  # fmt: skip
        with pytest.raises(cr.ModelFileError, match=message):
            cr.load(tmp_path / name)


def rewritten(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """Change arrays and description of a saved network, and write it again."""
    from safetensors import safe_open

    arrays: dict[str, Any] = load_file(path)
    with safe_open(path, framework="numpy") as opened:
        described = json.loads(opened.metadata()["chainrule"])
    change(arrays, described["model"])
    save_file(arrays, path, metadata={"chainrule": json.dumps(described)})


FIELDS = ["kind", "graph", "inputs", "heads", "settings", "records", "flat", "schemes", "usual", "sizes",
          "examples", "history", "seed", "owner"]  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_a_description_that_lacks_a_part_or_has_nonsense_there_is_refused(tmp_path: Path, field: str) -> None:
    path = small(tmp_path)
    content = path.read_bytes()
    nonsense: list[Any] = [None, 5, "no such thing", ["no such thing"], {"no such thing": 1}, [[]], {"": {}}]
    for value in nonsense if field not in ("owner", "examples") else []:
        path.write_bytes(content)
        rewritten(path, lambda arrays, model, value=value: model.update({field: value}))
        if (field, value) in (("seed", 5), ("usual", 5), ("sizes", {"no such thing": 1})):
            continue
        with pytest.raises(cr.ModelFileError):
            cr.load(path)
    path.write_bytes(content)
    rewritten(path, lambda arrays, model: model.pop(field))
    with pytest.raises(cr.ModelFileError):
        cr.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays, model: arrays.pop("W1"),
        lambda arrays, model: arrays.pop("mean1"),
        lambda arrays, model: arrays.update(W1=np.ones((4, 9))),
        lambda arrays, model: arrays.update(b1=np.ones((3, 1))),
        lambda arrays, model: arrays.update(b1=np.array([True, False, True])),
        lambda arrays, model: arrays.update(Z1=np.ones((2, 3))),
        lambda arrays, model: model["heads"][""].update(task="guess"),
        lambda arrays, model: model["heads"][""].update(prediction="Q"),
        lambda arrays, model: model.update(graph=model["graph"].replace("relu(Z1)", "relu(Z9)")),
        lambda arrays, model: model.update(graph=model["graph"].replace("J  = L", "K  = L")),
        lambda arrays, model: model["history"].update(losses=5),
        lambda arrays, model: model["history"].update(epochs=[1]),
    ],
)
def test_arrays_and_equations_that_do_not_go_together_are_refused(tmp_path: Path, change: Any) -> None:
    path = small(tmp_path)
    rewritten(path, change)
    with pytest.raises(cr.ModelFileError, match="this file holds no usable network"):
        cr.load(path)


def test_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small(tmp_path)
    before = path.read_bytes()
    net = cr.load(path)
    net.fit(X, Y, epochs=1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(cr.DataError, match="No space left"):
        net.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(cr.DataError, match="cannot be written"):
        net.save(tmp_path / "no folder" / "net")
