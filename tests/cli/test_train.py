from __future__ import annotations

import csv
import json
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from tests.support.command import chainrule, start
from tests.support.networks import EXAMPLES

import chainrule as cr

WINE = str(EXAMPLES / "wine-quality.csv")


def mixed_table(path: Path, rows: int = 120, *, classes: tuple[str, ...] = ("no", "yes")) -> Path:
    """Write a table of mixed types with missing values whose target depends on them."""
    draw = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["größe", "colour", "flag", "id", "label"])
        for row in range(rows):
            size, colour = draw.normal(), draw.choice(["red", "green", "blue"])
            label = classes[int(size + (colour == "red") > 0.3)]
            shown = "" if draw.random() < 0.1 else f"{size:.3f}"
            writer.writerow(
                [shown, "" if draw.random() < 0.05 else colour, draw.random() < 0.5, f"row{row}", label]
            )
    return path


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def scores(text: str, name: str) -> tuple[float, float]:
    found = re.search(rf"{name}: (-?[\d.]+), always [^:]*: (-?[\d.]+)", text)
    assert found, text
    return float(found.group(1)), float(found.group(2))


def test_wine_beats_the_majority_class_on_held_out_rows(tmp_path: Path) -> None:
    result = chainrule("train", WINE, "--target", "quality", "--epochs", "15", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "classification" in result.stdout
    reached, plain = scores(result.stdout, "accuracy")
    assert reached > plain + 0.05
    predicted = chainrule("predict", "wine-quality.safetensors", WINE, folder=tmp_path)
    rows = rows_of(predicted.stdout)
    assert len(rows) == 4898
    assert {row["quality"] for row in rows} <= set("3456789")
    shares = [float(rows[0][f"probability of {label}"]) for label in "3456789"]
    assert sum(shares) == pytest.approx(1)
    assert rows[0]["quality"] == "3456789"[int(np.argmax(shares))]


def test_wine_as_a_regression_beats_the_mean(tmp_path: Path) -> None:
    arguments = ("train", WINE, "--target", "quality", "--task", "regression", "--epochs", "10")
    result = chainrule(*arguments, "--output", "wine.safetensors", folder=tmp_path)
    reached, plain = scores(result.stdout, "rmse")
    assert reached < plain - 0.05
    predicted = rows_of(chainrule("predict", "wine.safetensors", WINE, folder=tmp_path).stdout)
    numbers = np.array([float(row["quality"]) for row in predicted])
    truth = np.array([float(row["quality"]) for row in rows_of(Path(WINE).read_text())])
    assert np.sqrt(np.mean((numbers - truth) ** 2)) < plain


def test_mixed_columns_missing_values_and_unseen_categories(tmp_path: Path) -> None:
    mixed_table(tmp_path / "data.csv")
    result = chainrule("train", "data.csv", "--target", "label", "--hidden", "8", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    reached, plain = scores(result.stdout, "accuracy")
    assert reached > plain
    text = (tmp_path / "data.csv").read_text(encoding="utf-8").replace(",red,", ",purple,")
    (tmp_path / "new.csv").write_text(text, encoding="utf-8")
    predicted = chainrule("predict", "data.safetensors", "new.csv", "--output", "out.csv", folder=tmp_path)
    assert predicted.returncode == 0, predicted.stderr
    assert re.search(r'colour: "purple", in \d+ rows', predicted.stderr)
    rows = rows_of((tmp_path / "out.csv").read_text(encoding="utf-8"))
    assert {row["label"] for row in rows} == {"no", "yes"}


def test_the_model_is_one_readable_file_without_pickle(tmp_path: Path) -> None:
    mixed_table(tmp_path / "data.csv")
    chainrule("train", "data.csv", "--target", "label", "--epochs", "2", folder=tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.csv", "data.safetensors"]
    with safe_open(tmp_path / "data.safetensors", framework="numpy") as opened:
        model = json.loads(opened.metadata()["chainrule"])["model"]
        assert set(opened.keys()) == {"W1", "b1", "W2", "b2", "W3", "b3"}
    assert cr.parse(model["graph"]).text() == model["graph"]
    assert model["task"]["labels"] == ["no", "yes"]
    assert len(model["losses"]) == 2


def test_training_goes_on_where_it_stopped_on_the_same_split(tmp_path: Path) -> None:
    mixed_table(tmp_path / "data.csv")
    chainrule("train", "data.csv", "--target", "label", "--epochs", "2", "--seed", "3", folder=tmp_path)
    result = chainrule(
        "train",
        "data.csv",
        "--target",
        "label",
        "--epochs",
        "4",
        "--resume",
        "data.safetensors",
        folder=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "going on after 2 epochs" in result.stdout
    with safe_open(tmp_path / "data.safetensors", framework="numpy") as opened:
        model = json.loads(opened.metadata()["chainrule"])["model"]
    assert len(model["losses"]) == 6
    assert model["losses"][2] < model["losses"][0]
    assert model["seed"] == 3
    other = chainrule(
        "train", "data.csv", "--target", "flag", "--resume", "data.safetensors", folder=tmp_path
    )
    assert other.returncode == 1
    assert "predicts label, not flag" in other.stderr


def test_ctrl_c_scores_and_saves_what_is_learned(tmp_path: Path) -> None:
    mixed_table(tmp_path / "data.csv")
    process = start("train", "data.csv", "--target", "label", "--epochs", "1000000", folder=tmp_path)
    assert process.stdout is not None
    while "Ctrl-C" not in process.stdout.readline():
        pass
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "stopped after" in output
    assert "saved data.safetensors" in output
    assert chainrule("predict", "data.safetensors", "data.csv", folder=tmp_path).returncode == 0


def test_the_same_seed_saves_the_same_bytes(tmp_path: Path) -> None:
    mixed_table(tmp_path / "data.csv")
    for name in ("a", "b"):
        chainrule(
            "train", "data.csv", "--target", "label", "--epochs", "2", "--output", name, folder=tmp_path
        )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_predictions_of_a_loaded_model_are_those_of_the_trained_one(tmp_path: Path) -> None:
    from chainrule.estimators.preprocess import Preprocessor
    from chainrule.estimators.table import read_table
    from chainrule.estimators.tabular import Plan, TabularModel
    from chainrule.estimators.task import infer_task

    table = read_table(mixed_table(tmp_path / "data.csv"))
    task = infer_task("label", table.values("label"))
    plan = Plan(hidden=(5,), epochs=3)
    model = TabularModel.untrained(Preprocessor.fit(table, "label"), task, plan, len(table))
    model.train(table, plan)
    model.save(tmp_path / "model")
    loaded = TabularModel.load(tmp_path / "model")
    first, second = model.predict(table), loaded.predict(table)
    assert first.values == second.values
    np.testing.assert_array_equal(first.probabilities, second.probabilities)


def test_a_loss_that_is_no_number_saves_the_last_good_weights(tmp_path: Path) -> None:
    mixed_table(tmp_path / "data.csv")
    result = chainrule("train", "data.csv", "--target", "label", "--rate", "1e200", folder=tmp_path)
    assert result.returncode == 1
    assert "is not finite at step" in result.stderr
    assert "Traceback" not in result.stderr
    assert chainrule("predict", "data.safetensors", "data.csv", folder=tmp_path).returncode == 0


def damaged(source: Path, target: Path, change: dict[str, object]) -> None:
    with safe_open(source, framework="numpy") as opened:
        described = json.loads(opened.metadata()["chainrule"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a dict
    described["model"].update(change)
    save_file(tensors, target, metadata={"chainrule": json.dumps(described)})


def test_a_damaged_model_is_refused_without_a_traceback(tmp_path: Path) -> None:
    mixed_table(tmp_path / "data.csv")
    chainrule("train", "data.csv", "--target", "label", "--epochs", "1", "--hidden", "3", folder=tmp_path)
    model = tmp_path / "data.safetensors"
    with safe_open(model, framework="numpy") as opened:
        task = json.loads(opened.metadata()["chainrule"])["model"]["task"]
    changes: list[dict[str, object]] = [
        {"task": {**task, "labels": ["a", "b", "c"]}},
        {"graph": "sizes m\ndata X : (m, 8)\nP = X"},
        {"graph": "sizes m\ndata X : (m, 8)\nP = sum(X)"},
        {"graph": "__import__('os').system('touch owned')"},
        {"kind": None},
        {"seed": -1},
        {"held_out": 7.0},
        {"losses": 3},
        {"preprocessor": []},
    ]
    for change in changes:
        damaged(model, tmp_path / "bad", change)
        result = chainrule("predict", "bad", "data.csv", folder=tmp_path)
        assert result.returncode == 1, change
        assert "Traceback" not in result.stderr, change
    assert not (tmp_path / "owned").exists()


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    table = mixed_table(tmp_path / "data.csv")
    before = table.read_bytes()
    chainrule("train", "data.csv", "--target", "label", "--epochs", "1", "--output", "m", folder=tmp_path)
    for arguments in (
        ("train", "data.csv", "--target", "label", "--output", "data.csv"),
        ("predict", "m", "data.csv", "--output", "data.csv"),
        ("predict", "m", "data.csv", "--output", "m"),
    ):
        result = chainrule(*arguments, folder=tmp_path)
        assert result.returncode == 1
        assert "would be overwritten" in result.stderr
    assert table.read_bytes() == before


def test_a_reader_who_leaves_does_not_end_the_training(tmp_path: Path) -> None:
    mixed_table(tmp_path / "data.csv")
    process = start("train", "data.csv", "--target", "label", "--epochs", "2", folder=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert (tmp_path / "data.safetensors").exists()


def test_infinity_in_a_held_out_row_is_found_before_training(tmp_path: Path) -> None:
    rows = [f"{i % 7}.5,{i % 2}" for i in range(60)]
    for row in (0, 5, 17, 33, 59):
        text = "\n".join(["a,y", *rows[:row], "inf,1", *rows[row + 1 :]])
        (tmp_path / "data.csv").write_text(text + "\n", encoding="utf-8")
        result = chainrule("train", "data.csv", "--target", "y", "--epochs", "1", folder=tmp_path)
        assert result.returncode == 1
        assert f"row {row + 1}" in result.stderr
        assert "network:" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("train", "nowhere.csv", "--target", "label"), "nowhere.csv"),
        (("train", "data.csv", "--target", "lable"), "label"),
        (("train", "data.csv", "--target", "label", "--task", "regression"), "regression"),
        (("train", "data.csv", "--target", "label", "--task", "clustering"), "clustering"),
        (("train", "data.csv", "--target", "label", "--hidden", "a,b"), "--hidden"),
        (("train", "data.csv", "--target", "label", "--hidden", "-3"), "--hidden"),
        (("train", "data.csv", "--target", "label", "--rate", "-1"), "learning rate"),
        (("train", "data.csv", "--target", "label", "--rate", "nan"), "learning rate"),
        (("train", "data.csv", "--target", "label", "--held-out", "1"), "held-out"),
        (("train", "data.csv", "--target", "label", "--output", "nowhere/model"), "folder"),
        (("train", "data.csv", "--target", "label", "--output", "."), "folder"),
        (("train", "data.csv", "--target", "label", "--weight-decay", "nan"), "weight-decay"),
        (("train", "data.csv", "--target", "label", "--weight-decay", "inf"), "weight-decay"),
        (("train", "data.csv"), "--target"),
        (("predict", "nowhere", "data.csv"), "there is no file"),
        (("predict", "data.csv", "data.csv"), "not a readable model"),
    ],
)
def test_mistakes_on_the_command_line_are_named_and_leave_nothing(
    tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    mixed_table(tmp_path / "data.csv")
    result = chainrule(*arguments, folder=tmp_path)
    assert result.returncode in (1, 2)
    assert expected in result.stderr
    assert "Traceback" not in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["data.csv"]


def test_a_column_that_is_missing_at_prediction_is_named(tmp_path: Path) -> None:
    mixed_table(tmp_path / "data.csv")
    chainrule("train", "data.csv", "--target", "label", "--epochs", "1", folder=tmp_path)
    text = (tmp_path / "data.csv").read_text(encoding="utf-8").replace("colour", "color")
    (tmp_path / "new.csv").write_text(text, encoding="utf-8")
    result = chainrule("predict", "data.safetensors", "new.csv", folder=tmp_path)
    assert result.returncode == 1
    assert "colour" in result.stderr
    assert "color" in result.stderr


def test_no_hidden_layer_is_a_linear_model(tmp_path: Path) -> None:
    mixed_table(tmp_path / "data.csv", classes=("3", "17"))
    result = chainrule("train", "data.csv", "--target", "label", "--hidden", "0", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    rows = rows_of(chainrule("predict", "data.safetensors", "data.csv", folder=tmp_path).stdout)
    assert {row["label"] for row in rows} == {"3", "17"}
