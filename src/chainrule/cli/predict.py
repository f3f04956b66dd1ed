"""`chainrule predict`: from a saved model and a table to a CSV."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainrule.estimators.table import read_table
from chainrule.estimators.tabular import Prediction, TabularModel
from chainrule.io.files import check_writable, write_atomically


def run_predict(model: Path, table: Path, output: Path | None) -> None:
    """Write predictions, and say which categories were never seen in training."""
    if output is not None:
        check_writable(output, model, table)
    loaded = TabularModel.load(model)
    prediction = loaded.predict(read_table(table))
    text = _as_csv(loaded, prediction)
    if output is None:
        sys.stdout.write(text)
    else:
        write_atomically(output, text.encode("utf-8"))
        sys.stderr.write(f"wrote {len(prediction.values)} predictions to {output}\n")
    for line in prediction.features.explain():
        sys.stderr.write(f"{line}\n")


def _as_csv(model: TabularModel, prediction: Prediction) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    labels = [f"probability of {_cell(label)}" for label in model.task.labels]
    writer.writerow([model.task.target, *labels])
    writer.writerows(_rows(prediction))
    return stream.getvalue()


def _rows(prediction: Prediction) -> Iterator[list[Any]]:
    for place, value in enumerate(prediction.values):
        shares = [] if prediction.probabilities is None else prediction.probabilities[place].tolist()
        yield [_cell(value), *shares]


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
