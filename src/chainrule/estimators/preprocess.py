"""From a table's columns to the numbers a network reads, the same at prediction as in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.estimators import _extras
from chainrule.estimators._metadata import damaged, field
from chainrule.estimators.columns import CategoricalColumn, DroppedColumn, NumericColumn
from chainrule.estimators.table import Table, is_number

MOST_CATEGORIES = 50


@dataclass(frozen=True)
class Transformed:
    """A table as numbers.

    Attributes:
        X: the features, float64 of shape (m, d).
        unseen: column → category → number of rows, for categories that training did not see.
    """

    X: NDArray[np.float64]
    unseen: dict[str, dict[str, int]]

    def explain(self) -> list[str]:
        """Return one line for each category that training did not see."""
        return [
            f'{name}: "{category}", in {count:,} row{"s" * (count > 1)}, is no category of training'
            for name, counts in self.unseen.items()
            for category, count in counts.items()
        ]


class Preprocessor:
    """What turns the columns of a table into features.

    - A number: missing values become the median of training (`SimpleImputer`), then the column is
      standardized (`StandardScaler`). If any value was missing in training, a further feature is 1 where it
      is missing and else 0 (`MissingIndicator`).
    - Text and booleans: a feature for each category (`OneHotEncoder`); missing is a category of its own if it
      occurred in training. A category that training did not see is 0 in all of them, and is counted.
    - Left out: columns that are constant or empty, dates, columns without a name, texts of more than 50
      different values or with a different one in every row.

    All decisions are held as data, and the transformers are built from it, so that a preprocessor that was
    read back from a file gives bit for bit what the one that was written gave.

    Attributes:
        numeric: the columns of numbers, in the table's order.
        categorical: the columns of categories, in the table's order.
        dropped: the columns left out, with reasons.
        feature_names: of the features, in order: numbers, marks for missing values, categories.
    """

    def __init__(
        self,
        numeric: Sequence[NumericColumn],
        categorical: Sequence[CategoricalColumn],
        dropped: Sequence[DroppedColumn] = (),
    ) -> None:
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)
        self.dropped = tuple(dropped)
        self.feature_names = _feature_names(self.numeric, self.categorical)
        self._imputer, self._scaler, self._indicator = _numeric_transformers(self.numeric)
        self._encoder = _encoder(self.categorical)

    @classmethod
    def fit(cls, table: Table, target: str) -> Preprocessor:
        """Return the preprocessor for a table of training examples.

        Args:
            table: the training part alone, so that what is held out stays unknown.
            target: the column to leave out because it is what is learned.

        Raises:
            DataError: there is no such column, a number is infinite, or no column is left to learn from.

        >>> import polars
        >>> table = Table.from_frame(polars.DataFrame({"size": [1.0, 3.0], "ok": [True, False], "y": [0, 1]}))
        >>> Preprocessor.fit(table, "y").feature_names
        ['size', 'ok=false', 'ok=true']
        """
        table.require([target])
        names = [name for name in table.names if name != target]
        reasons = {name: _reason_to_drop(table, name) for name in names}
        kept = [name for name in names if not reasons[name]]
        dropped = [DroppedColumn(name, reason) for name, reason in reasons.items() if reason]
        if not kept:
            listed = "\n".join("  " + column.explain() for column in dropped)
            raise DataError(f"no column is left to learn {target} from.\n{listed}".rstrip(), where="")
        numeric = [name for name in kept if table.kind(name) in ("integer", "real")]
        categorical = [_categorical(table, name) for name in kept if name not in numeric]
        return cls(_fit_numbers(table, numeric), categorical, dropped)

    @property
    def columns(self) -> list[str]:
        """The columns that a table must have."""
        return [column.name for column in (*self.numeric, *self.categorical)]

    def transform(self, table: Table) -> Transformed:
        """Return a table as features, and what in it training did not see.

        Args:
            table: needs the columns of training, in any order; others do not matter.

        Raises:
            DataError: columns are absent, or a cell that should be a number is none.
        """
        table.require(self.columns)
        texts = {column.name: table.texts(column.name) for column in self.categorical}
        blocks = [*self._numeric_blocks(table), *self._categorical_blocks(list(texts.values()))]
        unseen = {column.name: _unseen(column, texts[column.name]) for column in self.categorical}
        return Transformed(np.hstack(blocks), {name: counts for name, counts in unseen.items() if counts})

    def explain(self) -> list[str]:
        """Return one line on each column, those left out at the end."""
        return [column.explain() for column in (*self.numeric, *self.categorical, *self.dropped)]

    def to_metadata(self) -> dict[str, Any]:
        """Return the preprocessor as data that JSON can hold without loss."""
        return {
            "numeric": [column.to_metadata() for column in self.numeric],
            "categorical": [column.to_metadata() for column in self.categorical],
            "dropped": [column.to_metadata() for column in self.dropped],
        }

    @classmethod
    def from_metadata(cls, metadata: object) -> Preprocessor:
        """Return the preprocessor that `to_metadata` described.

        Raises:
            ModelFileError: the description does not make sense.
        """
        numeric = [NumericColumn.from_metadata(record) for record in field(metadata, "numeric", list)]
        categorical = [
            CategoricalColumn.from_metadata(record) for record in field(metadata, "categorical", list)
        ]
        dropped = [DroppedColumn.from_metadata(record) for record in field(metadata, "dropped", list)]
        names = [column.name for column in (*numeric, *categorical, *dropped)]
        if len(set(names)) < len(names) or not (numeric or categorical):
            raise damaged(f"these columns do not make sense: {names!r:.60}")
        return cls(numeric, categorical, dropped)

    def _numeric_blocks(self, table: Table) -> list[NDArray[np.float64]]:
        if not self.numeric:
            return []
        numbers = np.column_stack([table.numbers(column.name) for column in self.numeric])
        marks = self._indicator.transform(numbers).astype(np.float64)
        return [self._scaler.transform(self._imputer.transform(numbers)), marks]

    def _categorical_blocks(self, texts: list[list[str | None]]) -> list[NDArray[np.float64]]:
        return [self._encoder.transform(_objects(texts))] if texts else []


def _reason_to_drop(table: Table, name: str) -> str:
    """Return why a column is of no use, or "" if it is."""
    kind = table.kind(name)
    if not name:
        return "it has no name"
    if kind == "empty":
        return "all values are missing"
    if kind in ("date", "other"):
        return "dates are not understood" if kind == "date" else "values of this type are not understood"
    if kind in ("integer", "real"):
        # NaN where a value is missing: what is missing may say something even if what is there does not.
        return "all values are the same" if np.ptp(table.numbers(name)) == 0 else ""
    texts = [text for text in table.texts(name) if text is not None]
    if len(set(texts)) == 1 and len(texts) == len(table):
        return "all values are the same"
    return "" if kind == "bool" else _reason_to_drop_texts(table, name, texts)


def _reason_to_drop_texts(table: Table, name: str, texts: list[str]) -> str:
    count = len(set(texts))
    if count == 1 or (count <= MOST_CATEGORIES and count < len(texts)):
        return ""
    odd = _odd_one_out(table, name)
    if odd:
        return f"it is not a number throughout: {odd}"
    if count == len(texts):
        return "every row has a different text, as an identifier has"
    return f"it has {count:,} different texts, more than {MOST_CATEGORIES}"


def _odd_one_out(table: Table, name: str) -> str:
    """Return where a column that is mostly numbers first holds something else, or ""."""
    cells = [(i, text) for i, text in enumerate(table.texts(name)) if text is not None]
    odd = [(i, text) for i, text in cells if not is_number(text)]
    return f'{table.place(odd[0][0])} holds "{odd[0][1]}"' if 0 < len(odd) < len(cells) / 2 else ""


def _fit_numbers(table: Table, names: Sequence[str]) -> list[NumericColumn]:
    if not names:
        return []
    numbers = np.column_stack([table.numbers(name) for name in names])
    imputer = _extras.sklearn("impute").SimpleImputer(strategy="median").fit(numbers)
    scaler = _extras.sklearn("preprocessing").StandardScaler().fit(imputer.transform(numbers))
    return [
        NumericColumn(
            name,
            median=float(imputer.statistics_[i]),
            mean=float(scaler.mean_[i]),
            scale=float(scaler.scale_[i]),
            indicated=bool(np.isnan(numbers[:, i]).any()),
        )
        for i, name in enumerate(names)
    ]


def _categorical(table: Table, name: str) -> CategoricalColumn:
    texts = set(table.texts(name))
    known = sorted(text for text in texts if text is not None)
    return CategoricalColumn(name, (*known, None) if None in texts else tuple(known))


def _numeric_transformers(columns: Sequence[NumericColumn]) -> tuple[Any, Any, Any]:
    """Return an imputer, a scaler and an indicator that know just what the columns say."""
    if not columns:
        return None, None, None
    medians = np.array([[column.median for column in columns]])
    holes = np.array([[np.nan if column.indicated else 0.0 for column in columns]])
    impute = _extras.sklearn("impute")
    scaler = _extras.sklearn("preprocessing").StandardScaler()
    scaler.mean_ = np.array([column.mean for column in columns])
    scaler.scale_ = np.array([column.scale for column in columns])
    scaler.var_, scaler.n_features_in_, scaler.n_samples_seen_ = scaler.scale_**2, len(columns), 1
    # The median of one row is that row, and what is missing in it is what is marked ever after.
    imputer = impute.SimpleImputer(strategy="median").fit(medians)
    return imputer, scaler, impute.MissingIndicator(features="missing-only", error_on_new=False).fit(holes)


def _encoder(columns: Sequence[CategoricalColumn]) -> Any:
    if not columns:
        return None
    encoder = _extras.sklearn("preprocessing").OneHotEncoder(
        categories=[list(column.categories) for column in columns],
        handle_unknown="ignore",
        sparse_output=False,
        dtype=np.float64,
    )
    return encoder.fit(_objects([[column.categories[0]] for column in columns]))


def _objects(columns: Sequence[Sequence[str | None]]) -> NDArray[np.object_]:
    """Return columns of texts as an array with a row for each row."""
    return np.array(columns, dtype=object).T


def _feature_names(numeric: Sequence[NumericColumn], categorical: Sequence[CategoricalColumn]) -> list[str]:
    numbers = [column.name for column in numeric]
    marks = [f"{column.name} is missing" for column in numeric if column.indicated]
    categories = [
        f"{column.name} is missing" if category is None else f"{column.name}={category}"
        for column in categorical
        for category in column.categories
    ]
    return numbers + marks + categories


def _unseen(column: CategoricalColumn, texts: Sequence[str | None]) -> dict[str, int]:
    counts = Counter(text for text in texts if text not in column.categories)
    return {"(missing)" if text is None else text: count for text, count in counts.items()}
