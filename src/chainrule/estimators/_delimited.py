"""Delimited text (.csv, .tsv, also compressed) as a polars frame of typed columns."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainrule.errors import DataError
from chainrule.estimators import _extras

DELIMITERS = (",", ";", "\t", "|")
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "?", "-")

_SAMPLE_CHARACTERS = 100_000
_ZERO_PADDED = r"^[+-]?0[0-9]+$"


def read_delimited(path: Path) -> tuple[Any, list[int] | None]:
    """Return the file as a polars frame, and the file's line of each row.

    Blank lines are skipped. Cells are stripped, those in `MISSING` become null, and a column whose every
    cell reads as an integer, a number or true/false becomes one. A column of integers of which some are
    zero-padded, such as 00501, holds codes and stays text. Numbers with a decimal comma are understood
    where semicolons separate the cells.

    Args:
        path: a file that exists.

    Returns:
        The frame; and the line on which each row begins, or None if row r simply stands on line r + 1.

    Raises:
        DataError: the file is empty, not UTF-8, has a header that cannot be used, or rows that do not fit it.
    """
    text = _text(path)
    delimiter = "\t" if ".tsv" in path.name.lower() else sniff(text)
    names = _header(path, text, delimiter)
    plain = _plain(text, delimiter, len(names))
    frame, lines = (plain, None) if plain is not None else _checked(path, text, delimiter, len(names))
    if frame.height == 0:
        raise DataError(f"{path} has a header but no rows.", where="")
    return _named(path, _typed(frame, decimal_comma=delimiter == ";"), names), lines


def sniff(text: str) -> str:
    """Return the delimiter that cuts the first lines into the most cells, the same number on each.

    >>> sniff("a;b\\n1,5;2\\n")
    ';'
    """
    return max(DELIMITERS, key=lambda delimiter: _fit(text, delimiter))


def _fit(text: str, delimiter: str) -> tuple[bool, int]:
    """Return how well a delimiter fits: whether all sampled rows are as wide as the header, and how wide."""
    # Not strict: a wrong delimiter may make nonsense of a quotation mark that is right.
    sample = io.StringIO(text[:_SAMPLE_CHARACTERS], newline="")
    try:
        rows = [row for row in csv.reader(sample, delimiter=delimiter) if "".join(row).strip()] or [[]]
    except csv.Error:
        return False, 0
    complete = rows if len(text) <= _SAMPLE_CHARACTERS else rows[:-1] or rows
    widths = {len(row) for row in complete}
    return len(widths) == 1 and widths != {1}, len(complete[0])


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.name.lower().endswith(".gz") else raw
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}.", where="") from error
    text = _decoded(path, raw)
    if not text.strip():
        raise DataError(f"{path} is empty.", where="")
    # Polars overlooks mistakes in a last line that does not end.
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def _decoded(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"{path} is not UTF-8 text: byte 0x{raw[error.start]:02x} in line {line}."
        fix = 'Save it as UTF-8; spreadsheets call that "CSV UTF-8".'
        raise DataError(message, fix=fix, where="") from error


def _header(path: Path, text: str, delimiter: str) -> list[str]:
    first = next(row for _, row in _rows(path, text, delimiter) if row)
    names = [name.strip() for name in first]
    if not any(names):
        raise DataError(f"{path} names no column.", fix="The first line should name the columns.", where="")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        listed = ", ".join(f'"{name}"' for name in twice)
        fix = "The first line should name the columns, each differently."
        raise DataError(f"{path} has more than one column called {listed}.", fix=fix, where="")
    return names


def _rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield every row, header and blank ones included, with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = f"{path} cannot be read: in the row that begins on line {line}, {error}."
            fix = 'A quotation mark inside a quoted cell is written twice: "".'
            raise DataError(message, fix=fix, where="") from error
        yield line, row
        line = reader.line_num + 1


def _plain(text: str, delimiter: str, width: int) -> Any:
    """Return a frame of text as polars reads it, or None if that may not be what the file says.

    Polars is ten times as fast as Python's csv module, but it fills short rows, turns blank lines into
    rows and stumbles over stray quotation marks. Each of these leaves a trace: an error, a last cell that
    is absent, or a number of rows that is not the number of lines.
    """
    polars = _extras.polars()
    try:
        frame = polars.read_csv(text.encode(), separator=delimiter, infer_schema=False)
    except polars.exceptions.PolarsError:
        return None
    fits = frame.width == width and frame.height + 1 == text.count("\n")
    return frame if fits and frame.to_series(-1).null_count() == 0 else None


def _checked(path: Path, text: str, delimiter: str, width: int) -> tuple[Any, list[int]]:
    """Return a frame of text as Python's csv module reads it, and the line on which each row begins."""
    polars = _extras.polars()
    records = list(_records(path, text, delimiter, width))
    schema = [(str(i), polars.String) for i in range(width)]
    frame = polars.DataFrame([cells for _, cells in records], schema=schema, orient="row")
    return frame, [line for line, _ in records]


def _records(path: Path, text: str, delimiter: str, width: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header that are not blank, each of the header's width."""
    full = (item for item in _rows(path, text, delimiter) if not _blank(item[1], width))
    for line, row in itertools.islice(full, 1, None):
        if len(row) != width:
            message = f"{path}, line {line} has {len(row)} cells where the header has {width}."
            fix = f"The cells are separated by {delimiter!r}; a cell that contains it must be quoted."
            raise DataError(message, fix=fix, where="")
        yield line, row


def _blank(row: list[str], width: int) -> bool:
    return not row or (len(row) == 1 < width and not row[0].strip())


def _typed(frame: Any, *, decimal_comma: bool) -> Any:
    polars = _extras.polars()
    cells = polars.all().str.strip_chars().replace(dict.fromkeys(MISSING))
    columns = frame.select(cells).get_columns()
    return polars.DataFrame([_converted(column, decimal_comma=decimal_comma) for column in columns])


def _converted(column: Any, *, decimal_comma: bool) -> Any:
    """Return a column of text as integers, numbers or booleans if all its cells are."""
    polars = _extras.polars()
    if (integers := _cast(column, polars.Int64)) is not None:
        return column if column.str.contains(_ZERO_PADDED).any() else integers
    if (numbers := _cast(column, polars.Float64)) is not None:
        return numbers
    lower = column.str.to_lowercase()
    if lower.is_in(["true", "false"]).all():
        return lower == "true"
    if decimal_comma and not column.str.contains(".", literal=True).any():
        numbers = _cast(column.str.replace(",", ".", literal=True), polars.Float64)
    return column if numbers is None else numbers


def _cast(column: Any, kind: Any) -> Any:
    """Return the column cast to a type, or None if some cell does not go."""
    cast = column.cast(kind, strict=False)
    return cast if cast.null_count() == column.null_count() else None


def _named(path: Path, frame: Any, names: list[str]) -> Any:
    """Return the frame under the header's names, without columns that have neither name nor values."""
    kept = [i for i, name in enumerate(names) if name or frame.to_series(i).null_count() < frame.height]
    unnamed = [str(i + 1) for i in kept if not names[i]]
    if len(unnamed) > 1:
        message = f"{path} has columns without a name: {', '.join(unnamed)}."
        raise DataError(message, fix="The first line should name every column.", where="")
    frame = frame[:, kept]
    frame.columns = [names[i] for i in kept]
    return frame
