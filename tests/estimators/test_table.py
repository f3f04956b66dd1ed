import datetime
import gzip
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import DataError, MissingExtraError
from chainrule.estimators.table import Table, read_table

polars = pytest.importorskip("polars")
pytest.importorskip("narwhals")

WINE = Path(__file__).parents[2] / "examples" / "wine-quality.csv"


def written(folder, text, name="t.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(folder, text, name="t.csv"):
    return read_table(written(folder, text, name))


def refused(folder, text, name="t.csv"):
    with pytest.raises(DataError) as caught:
        read(folder, text, name)
    assert caught.value.where == ""
    return caught.value


def columns(table):
    return {name: table.values(name) for name in table.names}


def test_the_wine_table():
    table = read_table(WINE)
    assert len(table) == 4898
    assert len(table.names) == 12
    assert table.names[0] == "fixed acidity"
    assert table.kind("quality") == "integer"
    assert table.kind("alcohol") == "real"
    assert sorted(set(table.values("quality"))) == [3, 4, 5, 6, 7, 8, 9]
    assert math.isclose(table.numbers("alcohol").mean(), 10.514267, rel_tol=1e-6)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    text = "\n".join(delimiter.join(row) for row in (["a", "b b", "c"], ["1", "x", "2.5"], ["3", "y", "4"]))
    table = read(tmp_path, text)
    assert columns(table) == {"a": [1, 3], "b b": ["x", "y"], "c": [2.5, 4.0]}


def test_a_delimiter_that_is_frequent_but_uneven_is_not_taken(tmp_path):
    table = read(tmp_path, 'name;note\nx;"a, b, c"\ny;no\nz;d, e, f, g\n')
    assert columns(table) == {"name": ["x", "y", "z"], "note": ["a, b, c", "no", "d, e, f, g"]}


@pytest.mark.parametrize("count", [1, 20_000])
def test_a_delimiter_that_only_the_header_holds_is_not_taken(tmp_path, count):
    table = read(tmp_path, "length, in cm, or so;b\n" + "12345;67\n" * count)
    assert table.names == ("length, in cm, or so", "b")
    assert table.values("b") == [67] * count


def test_a_tsv_is_cut_at_tabs_however_many_commas_there_are(tmp_path):
    assert columns(read(tmp_path, "a,b\n1,2\n", "t.tsv")) == {"a,b": ["1,2"]}


def test_decimal_commas_where_semicolons_separate(tmp_path):
    assert read(tmp_path, "a\tb\n1,500\tx\n2,500\ty\n").values("a") == ["1,500", "2,500"]
    table = read(tmp_path, "a;b;c\n1,5;x;1.5\n-2;y;1,5\n;x;2\n")
    assert columns(table) == {"a": [1.5, -2.0, None], "b": ["x", "y", "x"], "c": ["1.5", "1,5", "2"]}


def test_quoted_commas_quotes_and_line_breaks(tmp_path):
    table = read(tmp_path, 'a,"b,c"\n"x, y",1\n"say ""hi""\nthere",2\nz,3\n')
    assert columns(table) == {"a": ["x, y", 'say "hi"\nthere', "z"], "b,c": [1, 2, 3]}
    assert [table.place(i) for i in range(3)] == [
        "row 1 (line 2 of t.csv)",
        "row 2 (line 3 of t.csv)",
        "row 3 (line 5 of t.csv)",
    ]


def test_a_stray_quotation_mark_inside_a_cell_is_text(tmp_path):
    assert columns(read(tmp_path, 'pipe,n\n5" wide,1\n6" wide,2\n'))["pipe"] == ['5" wide', '6" wide']
    assert columns(read(tmp_path, 'a"b,c"d\nx"1,2"y\n')) == {'a"b': ['x"1'], 'c"d': ['2"y']}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_byte_order_mark_and_line_ends(tmp_path, newline, bom):
    text = newline.join(["größe,b", "1,ü", "2,x", ""])
    assert columns(read(tmp_path, bom + text.encode())) == {"größe": [1, 2], "b": ["ü", "x"]}


@pytest.mark.parametrize("mark", ["", "NA", "N/A", "NaN", "nan", "null", "?", "-", '""', "  "])
def test_what_counts_as_missing(tmp_path, mark):
    table = read(tmp_path, f"a,b,c\n1,x,1\n{mark},{mark},2\n-3,y,{mark}\n")
    assert columns(table) == {"a": [1, None, -3], "b": ["x", None, "y"], "c": [1, 2, None]}
    assert table.kind("a") == "integer"
    assert np.array_equal(table.numbers("a"), [1.0, np.nan, -3.0], equal_nan=True)
    assert table.missing("c").tolist() == [False, False, True]


def test_none_is_a_word_and_not_missing(tmp_path):
    assert columns(read(tmp_path, "a,b\nNone,1\nx,2\n"))["a"] == ["None", "x"]


def test_a_number_with_a_point_late_in_a_column_of_integers(tmp_path):
    table = read(tmp_path, "a,b\n" + "1,2\n" * 20_000 + "1.5,x\n")
    assert table.kind("a") == "real"
    assert table.kind("b") == "text"
    assert table.numbers("a")[-1] == 1.5


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "+2", "-3"], "integer"),
        (["1", "2."], "real"),
        (["1e3", ".5"], "real"),
        (["99999999999999999999", "1"], "real"),
        (["00501", "10001"], "text"),
        (["0.50", "00.5"], "real"),
        (["0", "1"], "integer"),
        (["0x10", "1"], "text"),
        (["true", "FALSE", "True"], "bool"),
        (["true", "maybe"], "text"),
        (["", "NA"], "empty"),
        (["2024-01-31", ""], "date"),
        (["2024-01-31 10:00", "2024-02-01T11:00:00Z"], "date"),
        (["31.01.2024", "1.2.2024"], "date"),
        (["2024-01-31", "soon"], "text"),
    ],
)
def test_kinds_of_columns(tmp_path, cells, kind):
    rows = "".join(f"{cell},{i}\n" for i, cell in enumerate(cells))
    assert read(tmp_path, "a,i\n" + rows).kind("a") == kind


def test_booleans_keep_missing_values_and_read_as_numbers_and_text(tmp_path):
    table = read(tmp_path, "a,b\nTrue,1\n,2\nFALSE,3\n")
    assert table.values("a") == [True, None, False]
    assert table.texts("a") == ["true", None, "false"]
    assert np.array_equal(table.numbers("a"), [1.0, np.nan, 0.0], equal_nan=True)


def test_blank_lines_are_skipped_and_lines_still_counted(tmp_path):
    table = read(tmp_path, "\na,b\n1,2\n\n   \n3,4\n\n\n")
    assert columns(table) == {"a": [1, 3], "b": [2, 4]}
    assert [table.place(0), table.place(1)] == ["row 1 (line 3 of t.csv)", "row 2 (line 6 of t.csv)"]


def test_one_column_and_one_row(tmp_path):
    assert columns(read(tmp_path, "a\n1\n")) == {"a": [1]}
    assert columns(read(tmp_path, "a b\nx\n\ny")) == {"a b": ["x", "y"]}


def test_header_cells_are_stripped(tmp_path):
    assert read(tmp_path, "a , b\n1, 2\n").names == ("a", "b")
    assert columns(read(tmp_path, "a , b\n1, 2\n"))["b"] == [2]


def test_trailing_delimiters_make_no_column_but_row_names_do(tmp_path):
    assert read(tmp_path, "a,b,,\n1,2,,\n3,4,,\n").names == ("a", "b")
    assert columns(read(tmp_path, ",a\n0,5\n1,6\n")) == {"": [0, 1], "a": [5, 6]}
    assert "1, 3" in str(refused(tmp_path, ",a,\n0,5,6\n"))


def test_compressed_text(tmp_path):
    path = written(tmp_path, gzip.compress(b"a;b\n1;2\n"), "T.CSV.GZ")
    assert columns(read_table(str(path))) == {"a": [1], "b": [2]}
    assert "cannot be read" in str(refused(tmp_path, "a,b\n1,2\n", "not.csv.gz"))
    assert "cannot be read" in str(refused(tmp_path, gzip.compress(b"a,b\n1,2\n")[:-9], "cut.csv.gz"))


def test_parquet(tmp_path):
    day = datetime.date(2024, 1, 31)
    frame = polars.DataFrame(
        {"a": [1, None], "b": ["NA", "x"], "c": [float("nan"), 2.0], "d": [True, None], "e": [day, day]}
    )
    frame.write_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert [table.kind(name) for name in "abcde"] == ["integer", "text", "real", "bool", "date"]
    assert table.values("a") == [1, None]
    assert table.values("b") == ["NA", "x"]
    assert table.values("c") == [None, 2.0]
    assert table.place(1) == "row 2"
    assert "cannot be read" in str(refused(tmp_path, "a,b\n1,2\n", "not.parquet"))
    frame.clear().write_parquet(tmp_path / "none.parquet")
    with pytest.raises(DataError, match="no rows"):
        read_table(tmp_path / "none.parquet")


def test_a_file_that_is_not_there(tmp_path):
    written(tmp_path, "a,b\n1,2\n", "wine.csv")
    with pytest.raises(DataError, match=r"there is no file .*wines\.csv") as caught:
        read_table(tmp_path / "wines.csv")
    assert caught.value.fix == f"Did you mean {tmp_path / 'wine.csv'}?"
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "nowhere" / "wine.csv")
    assert "There is no folder" in caught.value.fix


def test_a_folder_and_a_foreign_extension(tmp_path):
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path / "x.csv")
    error = refused(tmp_path, "a,b\n1,2\n", "t.xlsx")
    assert "t.xlsx" in error.message
    assert ".csv, .csv.gz, .tsv, .tsv.gz, .parquet" in error.fix


@pytest.mark.parametrize("text", ["", "\n\n", "  \n", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path, text):
    assert "is empty" in str(refused(tmp_path, text))


@pytest.mark.parametrize("text", ["a,b", "a,b\n", "a,b\r\n\r\n", "\n\na,b\n  \n"])
def test_a_header_alone(tmp_path, text):
    assert "has a header but no rows" in str(refused(tmp_path, text))


@pytest.mark.parametrize("text", ['""\n1\n', ",,\n1,2,3\n", "  \na,b\n1,2\n"])
def test_a_header_without_names(tmp_path, text):
    assert "names no column" in str(refused(tmp_path, text))


def test_columns_of_one_name_are_listed(tmp_path):
    error = refused(tmp_path, "b,a, b,c,c,b\n1,2,3,4,5,6\n")
    assert '"b", "c"' in error.message
    assert '"a"' not in error.message


@pytest.mark.parametrize(
    ("text", "line", "cells"),
    [
        ("a,b,c\n1,2,3\n4,5,6,7\n", 3, 4),
        ("a,b,c\n1,2,3\n4,5\n6,7,8\n", 3, 2),
        ("a,b,c\n1,2,3\n4,5,\n6,7,8\n9\n", 5, 1),
        ('a,b,c\n"1\n1",2,3\n\n4,5\n', 5, 2),
        ("a,b,c\n1,2,3,", 2, 4),
        ("a,b,c\n1,2\r,3\n", 2, 2),
    ],
)
def test_rows_of_another_length(tmp_path, text, line, cells):
    assert f"line {line} has {cells} cells where the header has 3" in str(refused(tmp_path, text))


def test_a_quotation_that_never_ends(tmp_path):
    error = refused(tmp_path, 'a,b\n1,2\n"x,3\n4,5\n')
    assert "the row that begins on line 3" in error.message


def test_text_that_is_not_utf8(tmp_path):
    error = refused(tmp_path, "a,b\n1,2\ncafé,3\n".encode("latin-1"))
    assert "is not UTF-8 text: byte 0xe9 in line 3" in error.message
    assert "CSV UTF-8" in error.fix
    assert "is not UTF-8" in str(refused(tmp_path, "a,b\n1,2\n".encode("utf-16")))


@pytest.mark.parametrize("infinite", ["inf", "-inf", "Infinity", "1e999"])
def test_an_infinite_number_is_an_error_that_says_where(tmp_path, infinite):
    table = read(tmp_path, f"a,b\n1,2\n\n{infinite},3\n")
    with pytest.raises(DataError, match=r'column "a" holds -?inf in row 2 \(line 4 of t.csv\)') as caught:
        table.numbers("a")
    assert caught.value.where == ""
    with pytest.raises(DataError, match="not finite"):
        table.values("a")
    assert table.values("b") == [2, 3]


def test_a_number_too_large_to_square_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r'"a" holds 1e\+200 in row 1 .*too large'):
        read(tmp_path, "a,b\n1e200,1\n2,2\n").numbers("a")


def test_text_among_numbers_is_an_error_that_says_where(tmp_path):
    table = read(tmp_path, "a,b\n1.5,x\n12o,y\n")
    with pytest.raises(
        DataError, match=r'"a" should hold numbers, but row 2 \(line 3 of t.csv\) holds "12o"'
    ):
        table.numbers("a")


def test_a_missing_column_gets_the_nearest_spelling(tmp_path):
    table = read(tmp_path, "alcohol,pH\n1,2\n")
    with pytest.raises(DataError, match=r'no column called "alcohl", "colour"') as caught:
        table.require(["pH", "alcohl", "colour"])
    assert "Did you mean alcohol?" in caught.value.fix
    for read_column in (table.numbers, table.values, table.texts, table.kind, table.missing):
        with pytest.raises(DataError, match="no column"):
            read_column("alcohl")


def test_rows_without_a_target_are_taken_out_and_the_rest_keep_their_numbers(tmp_path):
    table = read(tmp_path, "a,y\n1,\n2,5\n\n3,NA\n4,6\n")
    kept, count = table.drop_missing("y")
    assert count == 2
    assert len(kept) == 2
    assert columns(kept) == {"a": [2, 4], "y": [5, 6]}
    assert kept.place(1) == "row 4 (line 6 of t.csv)"
    assert kept.take([1]).place(0) == "row 4 (line 6 of t.csv)"
    assert kept.drop_missing("y") == (kept, 0)
    with pytest.raises(DataError, match='no row has a value in column "b"'):
        read(tmp_path, "a,b\n1,\n2,?\n").drop_missing("b")


def test_taking_rows_in_another_order():
    table = Table.from_frame(polars.DataFrame({"a": [10, 20, 30]})).take(np.array([2, 0]))
    assert table.values("a") == [30, 10]
    assert table.place(0) == "row 3"


def test_frames_of_polars():
    frame = polars.DataFrame(
        {
            "u": polars.Series([1, 2], dtype=polars.UInt8),
            "f": polars.Series([1.5, None], dtype=polars.Float32),
            "c": polars.Series(["x", "y"], dtype=polars.Categorical),
            "n": [None, None],
            "l": [[1], [2]],
            "nan": [float("nan")] * 2,
            "t": [datetime.timedelta(1), None],
            "d": polars.Series([1.0, 2.5]).cast(polars.Decimal(10, 2)),
            "oi": polars.Series([1, None], dtype=polars.Object),
            "or": polars.Series([1, 2.5], dtype=polars.Object),
        }
    )
    table = Table.from_frame(frame)
    kinds = {name: table.kind(name) for name in table.names}
    assert kinds == {
        "u": "integer",
        "f": "real",
        "c": "text",
        "n": "empty",
        "l": "other",
        "nan": "empty",
        "t": "date",
        "d": "real",
        "oi": "integer",
        "or": "real",
    }
    assert table.values("d") == [1.0, 2.5]
    assert type(table.values("d")[0]) is float
    assert table.numbers("or").tolist() == [1.0, 2.5]
    assert np.array_equal(table.numbers("f"), [1.5, np.nan], equal_nan=True)
    assert table.numbers("u").dtype == np.float64
    assert np.isnan(table.numbers("n")).all()
    with pytest.raises(DataError, match="should hold numbers"):
        table.numbers("t")


@pytest.mark.parametrize("frame", [{"a": [1]}, np.ones((2, 2)), None, polars.LazyFrame({"a": [1]})])
def test_what_is_no_frame(frame):
    with pytest.raises(DataError, match="cannot be read as a table"):
        Table.from_frame(frame)


def test_a_frame_without_rows():
    with pytest.raises(DataError, match="no rows"):
        Table.from_frame(polars.DataFrame({"a": []}))


def test_frames_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "i": [1, 2, 3],
            "holes": [1.0, np.nan, 3.0],
            "nullable": pandas.array([1, None, 3], dtype="Int64"),
            "s": ["x", None, "y"],
            "b": [True, False, True],
            "mixed": np.array([True, None, False], dtype=object),
            0: ["x", "x", "y"],
            "c": pandas.Categorical(["x", "y", "x"]),
            "d": pandas.to_datetime(["2024-01-01"] * 3),
        },
        index=[7, 8, 9],
    )
    table = Table.from_frame(frame)
    kinds = [table.kind(name) for name in table.names]
    assert kinds == ["integer", "real", "integer", "text", "bool", "bool", "text", "text", "date"]
    assert table.values("nullable") == [1, None, 3]
    assert np.array_equal(table.numbers("nullable"), [1, np.nan, 3], equal_nan=True)
    assert np.array_equal(table.numbers("holes"), [1, np.nan, 3], equal_nan=True)
    assert table.values("s") == ["x", None, "y"]
    assert table.values("mixed") == [True, None, False]
    assert table.values("0") == ["x", "x", "y"]
    assert table.drop_missing("s")[0].values("i") == [1, 3]
    with pytest.raises(DataError, match="cannot be read as a table"):
        Table.from_frame(pandas.DataFrame(np.ones((2, 2)), columns=["a", "a"]))


@pytest.mark.parametrize("package", ["polars", "narwhals"])
def test_a_missing_extra_is_named(tmp_path, monkeypatch, package):
    path = written(tmp_path, "a,b\n1,2\n")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=f"needs {package}") as caught:
        read_table(path)
    assert "chainrule[table]" in caught.value.fix
