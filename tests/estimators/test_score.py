from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import DataError
from chainrule.estimators.score import baseline, score, split
from chainrule.estimators.table import read_table
from chainrule.estimators.task import infer_task

pytest.importorskip("sklearn")

WINE = Path(__file__).parents[2] / "examples" / "wine-quality.csv"


def classes(values):
    task = infer_task("y", values, "classification")
    return task, task.encode(values)


def numbers(values):
    task = infer_task("y", values, "regression")
    return task, task.encode(values)


def is_partition(train, out, count):
    return np.array_equal(np.sort(np.concatenate([train, out])), np.arange(count))


def test_the_wine_table_is_split_by_class():
    pytest.importorskip("polars")
    task, y = classes(read_table(WINE).values("quality"))
    train, out = split(task, y, seed=0)
    assert is_partition(train, out, 4898)
    assert len(out) == 980
    assert np.bincount(y[out]).tolist() == [4, 33, 291, 440, 176, 35, 1]
    assert train.tolist() == sorted(train)
    assert out.tolist() == sorted(out)


def test_the_seed_decides():
    task, y = numbers(np.arange(50))
    parts = {seed: split(task, y, seed)[1].tolist() for seed in (0, 1, -1, 2**32 + 1, 2**63)}
    assert split(task, y, 0)[1].tolist() == parts[0]
    assert parts[0] != parts[1]
    assert parts[1] == parts[2**32 + 1]
    assert len(parts[-1]) == 10


@pytest.mark.parametrize("held_out", [0.1, 0.2, 0.5, 0.75])
def test_the_share(held_out):
    for task, y in (numbers(np.arange(40.0)), classes([0, 1] * 20)):
        train, out = split(task, y, 0, held_out)
        assert is_partition(train, out, 40)
        assert len(out) == 40 * held_out


@pytest.mark.parametrize("seed", range(20))
def test_a_class_of_one_row_is_trained_on(seed):
    values = ["rare", *["a", "b"] * 10, "lone"]
    task, y = classes(values)
    train, out = split(task, y, seed)
    assert is_partition(train, out, 22)
    assert {0, 21} <= set(train.tolist())
    assert len(out) == 4
    assert np.bincount(y[out]).tolist() == [2, 2]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "values",
    [[0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 2, 3, 4, 4], [0, 0, 0, 0, 1], [0, 0, 1, 1, 2, 2, 2], list("aabbc")],
)
@pytest.mark.parametrize("held_out", [0.2, 0.75])
def test_few_rows_and_many_classes(values, seed, held_out):
    task, y = classes(values)
    train, out = split(task, y, seed, held_out)
    assert is_partition(train, out, len(values))
    assert len(out) >= 1
    assert set(y[train].tolist()) == set(range(len(task.labels)))


def test_every_row_of_its_own_class():
    task, y = classes([1, 2, 3, 4, 5])
    with pytest.raises(DataError, match="every row is of another class"):
        split(task, y, 0)


@pytest.mark.parametrize("make", [classes, numbers])
def test_too_few_rows(make):
    task, y = make([0, 1, 0, 1])
    with pytest.raises(DataError, match="4 rows are too few to hold some out; 5 are the least"):
        split(task, y, 0)
    task, y = make([0, 1, 0, 1, 0])
    assert len(split(task, y, 0)[1]) == 1


@pytest.mark.parametrize("held_out", [0.0, 1.0, -0.2, 1.5, 0.95, float("nan")])
def test_a_share_that_leaves_nothing(held_out):
    task, y = numbers(np.arange(10))
    with pytest.raises(DataError, match="cannot be held out of 10 rows"):
        split(task, y, 0, held_out)


def test_the_score_of_a_classification():
    task, y = classes(["a", "b", "b", "c"])
    assert score(task, y, np.array([0, 1, 2, 2])) == {"accuracy": 0.75}
    assert score(task, y, y) == {"accuracy": 1.0}


def test_the_score_of_a_regression_is_in_the_targets_unit():
    task, y = numbers([100.0, 200.0, 300.0])
    prediction = task.encode([100.0, 230.0, 340.0])
    scores = score(task, y, prediction)
    assert scores["rmse"] == pytest.approx(np.sqrt(2500 / 3))
    assert scores["r2"] == pytest.approx(1 - 2500 / 20000)
    assert score(task, y, prediction.ravel()) == scores


def test_one_row_has_no_r2():
    task, y = numbers([1.0, 2.0])
    assert score(task, y[:1], y[1:]) == {"rmse": pytest.approx(1.0)}


def test_the_baseline():
    task, y = classes([5, 6, 6, 7])
    assert baseline(task, y, task.encode([6, 6, 5, 7, 7])) == {"accuracy": 0.4}
    task, y = numbers([0.0, 10.0, 20.0])
    scores = baseline(task, y, task.encode([10.0, 14.0]))
    assert scores["rmse"] == pytest.approx(np.sqrt(8))
    assert scores["r2"] == pytest.approx(1 - 16 / 8)


def test_the_baseline_of_the_wine_table():
    pytest.importorskip("polars")
    task, y = classes(read_table(WINE).values("quality"))
    train, out = split(task, y, seed=0)
    assert baseline(task, y[train], y[out])["accuracy"] == pytest.approx(440 / 980)
