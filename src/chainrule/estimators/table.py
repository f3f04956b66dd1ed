"""A table of named columns, read from a file or taken from a data frame."""

from __future__ import annotations

import datetime
import difflib
import math
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, nearest
from chainrule.estimators import _extras
from chainrule.estimators._delimited import read_delimited

Kind = Literal["integer", "real", "bool", "text", "date", "empty", "other"]

EXTENSIONS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")

# The variance of larger numbers overflows, so they cannot be standardized.
LARGEST = 1e150

_DATE = re.compile(r"\d{4}-\d\d?-\d\d?([T ].*)?|\d{4}/\d\d?/\d\d?|\d\d?[/.]\d\d?[/.]\d{4}")
_DATES = (datetime.date, datetime.time, datetime.timedelta)
_MEND = "Mend the cell, or leave it empty if the value is not known."


class Table:
    """Named columns of equal length, in which a cell may be missing.

    A cell is missing if it is null, or a number that is NaN. Rows are spoken of by their number in the
    file or frame, from 1, also after rows were taken out.

    Attributes:
        names: the columns' names, in order.
        source: the file, or "" if the table came from a data frame.
    """

    def __init__(
        self,
        frame: Any,
        *,
        source: str = "",
        rows: Sequence[int] | None = None,
        lines: Sequence[int] | None = None,
    ) -> None:
        self._frame = frame
        self.source = source
        self.names: tuple[str, ...] = tuple(frame.columns)
        self._rows = range(1, len(frame) + 1) if rows is None else rows
        self._lines = lines

    @classmethod
    def from_frame(cls, frame: object) -> Table:
        """Return the table that a polars, pandas or any other eager data frame holds.

        Args:
            frame: what narwhals understands; it is neither changed nor copied.

        Raises:
            DataError: it is no such data frame, has no rows, or names that are not unique.

        >>> import polars
        >>> table = Table.from_frame(polars.DataFrame({"size": [1.5, None], "color": ["red", "blue"]}))
        >>> len(table), table.names
        (2, ('size', 'color'))
        """
        return cls(_wrapped(frame))

    def __len__(self) -> int:
        return len(self._rows)

    def kind(self, name: str) -> Kind:
        """Return what a column holds; "empty" if all its cells are missing.

        Raises:
            DataError: there is no such column.
        """
        column = self._column(name)
        if self.missing(name).all():
            return "empty"
        if column.dtype.is_numeric():
            return "integer" if column.dtype.is_integer() else "real"
        if column.dtype.is_temporal():
            return "date"
        # An object column of pandas, or a categorical one, says too little by its type.
        return _kind([cell for cell in self._cells(name) if cell is not None])

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Return which cells of a column are missing.

        Raises:
            DataError: there is no such column.
        """
        column = self._column(name)
        gone = column.is_null().to_numpy()
        if column.dtype.is_float():
            gone = gone | column.is_nan().fill_null(True).to_numpy()
        return np.asarray(gone, dtype=bool)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where a cell is missing; false is 0 and true is 1.

        Raises:
            DataError: there is no such column, or a cell is no number, is infinite or is too large.
        """
        column = self._column(name)
        if column.dtype.is_numeric():
            numbers = column.cast(_extras.narwhals().Float64).to_numpy()
        else:
            cells = enumerate(self._cells(name))
            numbers = np.array([np.nan if cell is None else self._number(name, i, cell) for i, cell in cells])
        self._refuse_large(name, numbers)
        return numbers

    def values(self, name: str) -> list[Any]:
        """Return a column as Python values, None where a cell is missing.

        Raises:
            DataError: there is no such column, or a number in it is infinite or too large.
        """
        kind = self.kind(name)
        if kind not in ("integer", "real"):
            return self._cells(name)
        numbers = [None if math.isnan(number) else number for number in self.numbers(name).tolist()]
        return numbers if kind == "real" else self._cells(name)

    def texts(self, name: str) -> list[str | None]:
        """Return a column as text, None where a cell is missing; booleans are "true" and "false".

        Raises:
            DataError: there is no such column.
        """
        return [None if cell is None else _text(cell) for cell in self._cells(name)]

    def require(self, names: Iterable[str]) -> None:
        """Check that columns are there.

        Raises:
            DataError: some are not; the nearest spelling of the first is offered.
        """
        absent = [name for name in names if name not in self.names]
        if absent:
            listed = ", ".join(f'"{name}"' for name in absent)
            message = f"{self.source or 'the table'} has no column called {listed}."
            raise DataError(message, fix=nearest(absent[0], self.names), where="")

    def take(self, indices: Sequence[int] | NDArray[np.intp]) -> Table:
        """Return the table of some rows, counted from 0, in the order given."""
        chosen = [int(i) for i in indices]
        rows = [self._rows[i] for i in chosen]
        lines = None if self._lines is None else [self._lines[i] for i in chosen]
        return Table(self._frame[chosen], source=self.source, rows=rows, lines=lines)

    def drop_missing(self, name: str) -> tuple[Table, int]:
        """Return the table without the rows that lack a value in one column, and their number.

        Raises:
            DataError: there is no such column, or no row would be left.
        """
        missing = self.missing(name)
        if missing.all():
            fix = "A row can only be learned from if its target is known."
            raise DataError(f'no row has a value in column "{name}".', fix=fix, where="")
        count = int(missing.sum())
        return (self.take(np.flatnonzero(~missing)), count) if count else (self, 0)

    def place(self, index: int) -> str:
        """Return where a row, counted from 0, stands: its number and, for text files, its line."""
        row = self._rows[index]
        if not self.source or self.source.lower().endswith(".parquet"):
            return f"row {row}"
        line = row + 1 if self._lines is None else self._lines[index]
        return f"row {row} (line {line} of {Path(self.source).name})"

    def _column(self, name: str) -> Any:
        self.require([name])
        return self._frame.get_column(name)

    def _cells(self, name: str) -> list[Any]:
        cells = self._column(name).to_list()
        return [None if gone else cell for cell, gone in zip(cells, self.missing(name), strict=True)]

    def _number(self, name: str, index: int, cell: object) -> float:
        try:
            return float(cell)  # pyright: ignore[reportArgumentType]  # whatever float refuses is the error
        except (TypeError, ValueError):
            message = f'column "{name}" should hold numbers, but {self.place(index)} holds "{cell}".'
            raise DataError(message, fix=_MEND, where="") from None

    def _refuse_large(self, name: str, numbers: NDArray[np.float64]) -> None:
        wrong = np.flatnonzero(np.abs(numbers) > LARGEST)
        if wrong.size:
            number = numbers[wrong[0]]
            what = "which is not finite" if np.isinf(number) else "which is too large"
            message = f'column "{name}" holds {number} in {self.place(int(wrong[0]))}, {what}.'
            raise DataError(message, fix=_MEND, where="")


def read_table(path: str | Path) -> Table:
    """Return the table in a file.

    Text files are UTF-8 with a header line; the delimiter (comma, semicolon, tab or bar) is found by
    looking. Empty cells and NA, N/A, NaN, nan, null, ? and - are missing values, and blank lines are
    skipped. Parquet files are read as they are.

    Args:
        path: a file whose name ends in .csv, .csv.gz, .tsv, .tsv.gz or .parquet.

    Raises:
        DataError: there is no such file, or it holds no table that can be read.
        MissingExtraError: polars or narwhals is not installed.
    """
    path = Path(path)
    _check_file(path)
    if path.name.lower().endswith(".parquet"):
        return Table(_wrapped(_parquet(path)), source=str(path))
    frame, lines = read_delimited(path)
    return Table(_wrapped(frame), source=str(path), lines=lines)


def is_number(text: str) -> bool:
    """Return whether a text reads as a number.

    >>> is_number("1e3"), is_number("12o")
    (True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a file.", fix="Name the table inside it.", where="")
    if not path.exists():
        raise DataError(f"there is no file {path}.", fix=_nearest_file(path), where="")
    if not path.name.lower().endswith(EXTENSIONS):
        fix = f"Save the table as one of {', '.join(EXTENSIONS)}."
        raise DataError(f"{path} has a name that does not end like a table's.", fix=fix, where="")


def _nearest_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either."
    siblings = [file.name for file in path.parent.iterdir() if file.name.lower().endswith(EXTENSIONS)]
    close = difflib.get_close_matches(path.name, siblings, n=1)
    return f"Did you mean {path.with_name(close[0])}?" if close else f"Look in {path.parent.resolve()}."


def _parquet(path: Path) -> Any:
    polars = _extras.polars()
    try:
        return polars.read_parquet(path)
    except (OSError, polars.exceptions.PolarsError) as error:
        raise DataError(f"{path} cannot be read: {error}.", where="") from error


def _wrapped(frame: object) -> Any:
    """Return a data frame behind the API of narwhals, its names made text."""
    narwhals = _extras.narwhals()
    try:
        wrapped = narwhals.from_native(frame, eager_only=True)
        wrapped = wrapped.rename({name: str(name) for name in wrapped.columns if not isinstance(name, str)})
    except (TypeError, narwhals.exceptions.NarwhalsError) as error:
        message = f"a {type(frame).__name__} cannot be read as a table: {error}"
        fix = "Give a polars or pandas DataFrame whose columns have different names."
        raise DataError(message, fix=fix, where="") from error
    if len(wrapped) == 0:
        raise DataError("the table has no rows.", where="")
    return wrapped


def _kind(cells: Collection[object]) -> Kind:
    """Return the kind of cells, none of them missing, by looking at each."""
    types = {type(cell) for cell in cells}
    if types == {str}:
        return "date" if all(_DATE.fullmatch(str(cell)) for cell in cells) else "text"
    if types == {bool}:
        return "bool"
    if types <= {int, float}:
        return "integer" if types == {int} else "real"
    return "date" if all(isinstance(cell, _DATES) for cell in cells) else "other"


def _text(cell: object) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
