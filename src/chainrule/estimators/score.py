"""Which rows are held out, and how good predictions for them are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.estimators import _extras
from chainrule.estimators.task import Task

FEWEST_ROWS = 5


def split(
    task: Task, y: NDArray[Any], seed: int, held_out: float = 0.2
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows to train on and the rows to hold out, each in order.

    A classification holds out the same share of every class. A class of a single row stays in training. Where
    fewer rows would be held out than there are classes, they are drawn at random, but one row of each class
    stays in training.

    Args:
        task: what is learned.
        y: the targets as `task.encode` gives them.
        seed: the same one gives the same parts; scikit-learn reads its lowest 32 bits.
        held_out: the share of rows to hold out.

    Raises:
        DataError: there are fewer than 5 rows, no class has two, or the share leaves one part empty.

    >>> import numpy
    >>> train, held_out = split(Task("y", "regression", ""), numpy.zeros((10, 1)), seed=0)
    >>> len(train), len(held_out)
    (8, 2)
    """
    rows = np.arange(len(y))
    _check_sizes(task, len(rows), held_out)
    if task.kind == "regression":
        return _drawn(rows, seed, _count(rows, held_out))
    counts = np.bincount(y, minlength=len(task.labels))
    rest, classes = rows[counts[y] > 1], int((counts > 1).sum())
    count = _count(rest, held_out)
    if not 0 < classes <= count <= len(rest) - classes:
        return _keeping_one_of_each(task, y, seed, _count(rows, held_out))
    out = _drawn(rest, seed, count, stratify=y[rest])[1]
    return np.setdiff1d(rows, out), out


def score(task: Task, y_true: NDArray[Any], prediction: NDArray[Any]) -> dict[str, float]:
    """Return how good predictions are.

    Args:
        task: what was learned.
        y_true: the targets as `task.encode` gives them.
        prediction: the same for predictions: indices of labels, or standardized values.

    Returns:
        "accuracy" for a classification; for a regression "rmse", the root of the mean squared error in the
        target's own unit, and "r2", the coefficient of determination, which needs two rows.
    """
    metrics = _extras.sklearn("metrics")
    if task.kind == "classification":
        return {"accuracy": float(metrics.accuracy_score(np.ravel(y_true), np.ravel(prediction)))}
    true, predicted = task.decode(y_true), task.decode(prediction)
    scores = {"rmse": float(metrics.root_mean_squared_error(true, predicted))}
    return scores | ({"r2": float(metrics.r2_score(true, predicted))} if len(true) > 1 else {})


def baseline(task: Task, y_train: NDArray[Any], y_held_out: NDArray[Any]) -> dict[str, float]:
    """Return the score of always predicting training's most frequent label, or its mean.

    Args:
        task: what is learned.
        y_train: the targets trained on, as `task.encode` gives them.
        y_held_out: those held out.
    """
    dummy = _extras.sklearn("dummy")
    classes = task.kind == "classification"
    model = (
        dummy.DummyClassifier(strategy="most_frequent") if classes else dummy.DummyRegressor(strategy="mean")
    )
    # What it predicts does not depend on the features, of which scikit-learn wants at least one.
    model.fit(np.zeros((len(y_train), 1)), np.ravel(y_train))
    return score(task, y_held_out, model.predict(np.zeros((len(y_held_out), 1))))


def _count(rows: NDArray[np.int64], held_out: float) -> int:
    return math.ceil(held_out * len(rows))


def _check_sizes(task: Task, count: int, held_out: float) -> None:
    if count < FEWEST_ROWS:
        message = f"{task.target}: {count} rows are too few to hold some out; {FEWEST_ROWS} are the least."
        raise DataError(message, fix="Give more rows.", where="")
    if not 0 < held_out < 1 or math.ceil(held_out * count) == count:
        message = f"a share of {held_out} cannot be held out of {count} rows."
        raise DataError(message, fix="Give a share between 0 and 1, such as 0.2.", where="")


def _drawn(
    rows: NDArray[np.int64], seed: int, count: int, stratify: NDArray[Any] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    train, out = _extras.sklearn("model_selection").train_test_split(
        rows, test_size=count, random_state=seed % 2**32, stratify=stratify
    )
    return np.sort(train), np.sort(out)


def _keeping_one_of_each(
    task: Task, y: NDArray[Any], seed: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.random.default_rng(seed % 2**32).permutation(len(y))
    first = order[np.unique(y[order], return_index=True)[1]]
    out = np.sort(order[~np.isin(order, first)][:count])
    if not out.size:
        message = f"{task.target}: every row is of another class, so none can be held out."
        raise DataError(message, fix="Give at least two rows of some class.", where="")
    return np.setdiff1d(np.arange(len(y)), out), out
