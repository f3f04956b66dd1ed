"""What is to be learned: a class or a number, and how a target is written as numbers and read back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, nearest
from chainrule.estimators._metadata import damaged, field
from chainrule.estimators.table import is_number

Label = str | int | float | bool
TaskKind = Literal["classification", "regression"]

MOST_INTEGER_LABELS = 20

_KINDS: tuple[TaskKind, ...] = ("classification", "regression")


@dataclass(frozen=True)
class Task:
    """What is to be learned about the target.

    Attributes:
        target: the target's name.
        kind: "classification" or "regression".
        reason: why it is that kind, in words.
        labels: the classes in order, as the table has them; empty for a regression.
        mean: what is subtracted from a regression's target.
        scale: by what it is then divided.
    """

    target: str
    kind: TaskKind
    reason: str
    labels: tuple[Label, ...] = ()
    mean: float = 0.0
    scale: float = 1.0

    def encode(self, values: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
        """Return target values as the network learns them.

        Args:
            values: as the table has them, none missing.

        Returns:
            For a classification the indices of the labels, int64 of shape (m,); for a regression the
            standardized values, float64 of shape (m, 1).

        Raises:
            DataError: a label was not among those of training, or a value is not a number.
        """
        cells = _listed(values)
        if self.kind == "classification":
            return self._indices(cells)
        if not _numeric(cells):
            raise _not_numbers(self.target, cells)
        return (np.array(cells, dtype=np.float64).reshape(-1, 1) - self.mean) / self.scale

    def decode(self, indices: ArrayLike) -> list[Any]:
        """Return what `encode` gave, or a network predicted in its place, as the table would have it.

        Args:
            indices: for a classification indices of labels, for a regression standardized values; of
                shape (m,) or (m, 1).
        """
        flat = np.asarray(indices).ravel()
        if self.kind == "classification":
            return [self.labels[i] for i in flat.tolist()]
        return (flat.astype(np.float64) * self.scale + self.mean).tolist()

    def explain(self) -> str:
        """Return one sentence on what is learned and why."""
        return f"{self.target}: {self.reason}"

    def to_metadata(self) -> dict[str, Any]:
        """Return the task as data that JSON can hold."""
        return {
            "target": self.target,
            "kind": self.kind,
            "reason": self.reason,
            "labels": list(self.labels),
            "mean": self.mean,
            "scale": self.scale,
        }

    @classmethod
    def from_metadata(cls, metadata: object) -> Task:
        """Return the task that `to_metadata` described.

        Raises:
            ModelFileError: the description does not make sense.
        """
        kind = field(metadata, "kind", str)
        labels = tuple(field(metadata, "labels", list))
        if kind not in _KINDS:
            raise damaged(f"there is no kind of task called {kind!r:.60}")
        one_type = _text(labels) or _boolean(labels) or (_numeric(labels) and all(map(math.isfinite, labels)))
        enough = len(labels) >= 2 if kind == "classification" else not labels
        if not one_type or not enough or len(set(labels)) < len(labels):
            raise damaged(f"these labels do not fit a {kind}: {list(labels)!r:.60}")
        scale = field(metadata, "scale", float)
        if scale <= 0:
            raise damaged(f"scale should be positive, not {scale}")
        target, reason = field(metadata, "target", str), field(metadata, "reason", str)
        return cls(target, kind, reason, labels, field(metadata, "mean", float), scale)

    def _indices(self, cells: list[Any]) -> NDArray[np.int64]:
        # A file of which every label happens to look like a number is still about labels that are text.
        cells = [str(cell) for cell in cells] if isinstance(self.labels[0], str) else cells
        positions = {label: i for i, label in enumerate(self.labels)}
        for cell in cells:
            if cell not in positions:
                message = f"{self.target}: the label {cell!r} is not one of those learned."
                raise DataError(message, fix=nearest(str(cell), map(str, self.labels)), where="")
        return np.array([positions[cell] for cell in cells], dtype=np.int64)


def infer_task(
    target: str, values: Sequence[Any] | NDArray[Any], override: TaskKind | str | None = None
) -> Task:
    """Return what is to be learned, judged by the target's values.

    Text and booleans are classes, and so are whole numbers of which there are at most 20 different ones;
    all other numbers are a regression.

    Args:
        target: the target's name, for explanations and errors.
        values: its values, none missing.
        override: "classification" or "regression", to settle it without judging.

    Raises:
        DataError: the values are of no use as a target: of mixed types, all the same, infinite, text for a
            regression, or as good as all different for a classification.

    >>> infer_task("quality", [5, 6, 6, 7]).explain()
    'quality: 3 different whole numbers, so a classification; --task regression overrides'
    >>> infer_task("price", [1.5, 2.5, 4.0]).kind
    'regression'
    """
    if override not in (None, *_KINDS):
        raise DataError(
            f"there is no task called {override!r}.", fix=nearest(str(override), _KINDS), where=""
        )
    cells = _listed(values)
    what = _description(target, cells)
    if len(set(cells)) == 1:
        message = f"{target}: every value is {cells[0]!r}, so there is nothing to learn."
        raise DataError(message, fix="Choose another target, or give rows with other values.", where="")
    kind = cast("TaskKind", override) if override else _judged(cells)
    if kind == "regression" and not _numeric(cells):
        raise _not_numbers(target, cells)
    reason = _reason(what, kind, asked=bool(override), numeric=_numeric(cells))
    if kind == "classification":
        return Task(target, kind, reason, _labels(target, cells))
    return Task(target, kind, reason, (), *_mean_and_scale(target, cells))


def _judged(cells: list[Any]) -> TaskKind:
    few = len(set(cells)) <= MOST_INTEGER_LABELS
    return "regression" if _numeric(cells) and not (few and _whole(cells)) else "classification"


def _reason(what: str, kind: TaskKind, *, asked: bool, numeric: bool) -> str:
    if asked:
        return f"{what}, a {kind} as asked"
    other = _KINDS[kind == "classification"]
    return f"{what}, so a {kind}" + (f"; --task {other} overrides" if numeric else "")


def _labels(target: str, cells: list[Any]) -> tuple[Label, ...]:
    labels = sorted(set(cells))
    if len(labels) > max(MOST_INTEGER_LABELS, len(cells) / 2):
        message = f"{target}: {len(labels)} different labels in {len(cells)} rows are too many to be classes."
        raise DataError(message, fix=_classes_hint(labels), where="")
    return tuple(labels)


def _classes_hint(labels: list[Any]) -> str:
    if not isinstance(labels[0], str):
        return "Numbers like these are for a regression."
    others = [label for label in labels if not is_number(label)]
    if not others:
        return "If they are numbers, write them without leading zeros."
    if len(others) < len(labels) / 2:
        return f'Mend cells that should be numbers, such as "{others[0]}".'
    return "Choose another target: this one looks like an identifier."


def _mean_and_scale(target: str, cells: list[Any]) -> tuple[float, float]:
    numbers = np.array(cells, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(numbers.mean()), float(numbers.std())
    if not (math.isfinite(mean) and math.isfinite(scale) and scale > 0):
        message = f"{target}: the values, from {min(cells)} to {max(cells)}, cannot be standardized."
        raise DataError(message, fix="Use another unit.", where="")
    return mean, scale


def _listed(values: Sequence[Any] | NDArray[Any]) -> list[Any]:
    """Return values as plain Python ones."""
    return np.asarray(values).ravel().tolist() if isinstance(values, np.ndarray) else list(values)


def _numeric(cells: Sequence[Any]) -> bool:
    return {type(cell) for cell in cells} <= {int, float}


def _boolean(cells: Sequence[Any]) -> bool:
    return {type(cell) for cell in cells} == {bool}


def _text(cells: Sequence[Any]) -> bool:
    return {type(cell) for cell in cells} == {str}


def _whole(cells: Sequence[Any]) -> bool:
    return all(cell == int(cell) for cell in cells)


def _description(target: str, cells: list[Any]) -> str:
    """Return in words what the values are, having made sure that they are of one sort and finite."""
    if not cells:
        raise DataError(f"{target}: there are no values.", where="")
    if _boolean(cells):
        return "true or false"
    if _text(cells):
        return f"{len(set(cells)):,} different texts"
    if _numeric(cells):
        _refuse_infinite(target, cells)
        return f"{len(set(cells)):,} different {'whole ' if _whole(cells) else ''}numbers"
    found = ", ".join(sorted({type(cell).__name__ for cell in cells}))
    fix = "Choose a target of numbers, of text, or of true and false."
    raise DataError(f"{target}: values of these types cannot be learned: {found}.", fix=fix, where="")


def _refuse_infinite(target: str, cells: list[Any]) -> None:
    for i, cell in enumerate(cells):
        if not math.isfinite(cell):
            message = f"{target}: value {i + 1}, {cell}, is not finite."
            raise DataError(message, fix="Mend it, or leave its row out.", where="")


def _not_numbers(target: str, cells: list[Any]) -> DataError:
    example = next(cell for cell in cells if type(cell) not in (int, float))
    return DataError(
        f"{target}: a regression needs numbers, and {example!r} is none.",
        fix="--task classification learns text and true or false.",
        where="",
    )
