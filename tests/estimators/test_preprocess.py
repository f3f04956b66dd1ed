import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import DataError, MissingExtraError, ModelFileError
from chainrule.estimators.preprocess import Preprocessor
from chainrule.estimators.table import Table, read_table

polars = pytest.importorskip("polars")
pytest.importorskip("narwhals")
pytest.importorskip("sklearn")

WINE = Path(__file__).parents[2] / "examples" / "wine-quality.csv"

MIXED = """size,color,ok,weight,id,same,none,day,y
1,red,true,1.5,a1,7,,2024-01-01,0
2,blue,false,,a2,7,NA,2024-01-02,1
4,,true,2.5,a3,7,,2024-01-03,0
5,red,,4.0,a4,7,-,2024-01-03,1
"""


def table_of(**columns):
    return Table.from_frame(polars.DataFrame(columns))


def read(folder, text):
    path = folder / "t.csv"
    path.write_text(text, encoding="utf8")
    return read_table(path)


def through_json(preprocessor):
    return Preprocessor.from_metadata(json.loads(json.dumps(preprocessor.to_metadata())))


def reasons(preprocessor):
    return {column.name: column.reason for column in preprocessor.dropped}


def test_a_table_of_everything(tmp_path):
    table = read(tmp_path, MIXED)
    preprocessor = Preprocessor.fit(table, "y")
    assert preprocessor.columns == ["size", "weight", "color", "ok"]
    assert preprocessor.feature_names == [
        "size",
        "weight",
        "weight is missing",
        "color=blue",
        "color=red",
        "color is missing",
        "ok=false",
        "ok=true",
        "ok is missing",
    ]
    weight = (np.array([1.5, 2.5, 2.5, 4.0]) - 2.625) / np.std([1.5, 2.5, 2.5, 4.0])
    size = (np.array([1, 2, 4, 5]) - 3) / np.std([1, 2, 4, 5])
    expected = np.column_stack(
        [
            size,
            weight,
            [0, 1, 0, 0],
            [0, 1, 0, 0],
            [1, 0, 0, 1],
            [0, 0, 1, 0],
            [0, 1, 0, 0],
            [1, 0, 1, 0],
            [0, 0, 0, 1],
        ]
    )
    transformed = preprocessor.transform(table)
    assert transformed.X.dtype == np.float64
    assert np.allclose(transformed.X, expected, rtol=1e-14)
    assert transformed.unseen == {}
    assert transformed.explain() == []


def test_what_is_left_out_and_why(tmp_path):
    preprocessor = Preprocessor.fit(read(tmp_path, MIXED), "y")
    assert reasons(preprocessor) == {
        "id": "every row has a different text, as an identifier has",
        "same": "all values are the same",
        "none": "all values are missing",
        "day": "dates are not understood",
    }


def test_the_explanation(tmp_path):
    assert Preprocessor.fit(read(tmp_path, MIXED), "y").explain() == [
        "size: standardized, (x − 3) / 1.581; missing becomes the median 3",
        "weight: standardized, (x − 2.625) / 0.8927; missing becomes the median 2.5, with a mark",
        "color: 3 categories (blue, red, missing), a feature for each",
        "ok: 3 categories (false, true, missing), a feature for each",
        "id: left out, every row has a different text, as an identifier has",
        "same: left out, all values are the same",
        "none: left out, all values are missing",
        "day: left out, dates are not understood",
    ]


def test_the_wine_table_agrees_with_scikit_learn():
    from sklearn.preprocessing import StandardScaler

    table = read_table(WINE)
    preprocessor = Preprocessor.fit(table, "quality")
    assert preprocessor.feature_names == list(table.names[:-1])
    assert preprocessor.dropped == ()
    plain = np.column_stack([table.numbers(name) for name in table.names[:-1]])
    X = preprocessor.transform(table).X
    assert X.shape == (4898, 11)
    assert X.tobytes() == StandardScaler().fit_transform(plain).tobytes()


def test_missing_values_agree_with_scikit_learn():
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    generator = np.random.default_rng(0)
    X = generator.normal(3, 7, (101, 4))
    X[generator.random(X.shape) < 0.2] = np.nan
    X[:, 3] = np.arange(101)
    table = table_of(**{f"x{i}": X[:, i] for i in range(4)}, y=np.arange(101))
    features = Preprocessor.fit(table, "y").transform(table).X
    piped = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit_transform(X)
    assert np.array_equal(features[:, :4], piped)
    assert np.array_equal(features[:, 4:], np.isnan(X[:, :3]))


def test_a_preprocessor_read_back_gives_the_same_bits(tmp_path):
    table = read(tmp_path, MIXED)
    preprocessor = Preprocessor.fit(table, "y")
    again = through_json(preprocessor)
    assert again.to_metadata() == preprocessor.to_metadata()
    assert again.feature_names == preprocessor.feature_names
    assert again.explain() == preprocessor.explain()
    assert again.transform(table).X.tobytes() == preprocessor.transform(table).X.tobytes()


def test_odd_floats_survive_the_file():
    generator = np.random.default_rng(1)
    columns = {f"x{i}": generator.normal(0, 10.0**i, 37) for i in range(-12, 13)}
    table = table_of(**columns, tiny=generator.random(37) * 5e-324, y=np.arange(37))
    preprocessor = Preprocessor.fit(table, "y")
    assert (
        through_json(preprocessor).transform(table).X.tobytes() == preprocessor.transform(table).X.tobytes()
    )


def test_only_numbers_and_only_categories():
    numbers = table_of(a=[1.0, 2.0, 4.0], y=[0, 1, 0])
    words = table_of(a=["x", "y", "x"], y=[0, 1, 0])
    for table, width in ((numbers, 1), (words, 2)):
        preprocessor = through_json(Preprocessor.fit(table, "y"))
        assert preprocessor.transform(table).X.shape == (3, width)


def test_one_row_can_be_predicted():
    preprocessor = Preprocessor.fit(table_of(a=[1.0, 2.0], b=["x", "x"], c=[True, False], y=[0, 1]), "y")
    one = preprocessor.transform(table_of(a=[2.0], c=[False])).X
    assert one.tolist() == [[1.0, 1.0, 0.0]]


def test_the_target_may_be_there_at_prediction_and_columns_in_any_order():
    table = table_of(a=[1.0, 2.0, 5.0], b=["x", "y", "x"], y=[0, 1, 0])
    preprocessor = Preprocessor.fit(table, "y")
    other = table_of(extra=[math.inf] * 3, b=["x", "y", "x"], y=["?", "?", "?"], a=[1.0, 2.0, 5.0])
    assert preprocessor.transform(other).X.tobytes() == preprocessor.transform(table).X.tobytes()


def test_a_number_missing_only_at_prediction_becomes_the_median():
    table = table_of(a=[1.0, 2.0, 6.0], b=[1.0, 2.0, None], y=[0, 1, 0])
    preprocessor = Preprocessor.fit(table, "y")
    assert preprocessor.feature_names == ["a", "b", "b is missing"]
    given = preprocessor.transform(table_of(a=[2.0], b=[1.5])).X
    assert preprocessor.transform(table_of(a=[float("nan")], b=[1.5])).X.tolist() == given.tolist()
    empty = preprocessor.transform(table_of(a=[None], b=[None])).X
    assert empty[0, 0] == given[0, 0]
    assert empty[0, 2] == 1
    assert given[0, 2] == 0


def test_categories_not_seen_in_training_are_zero_and_counted():
    preprocessor = Preprocessor.fit(table_of(a=["x", "y", "x"], b=[True, False, True], y=[0, 1, 0]), "y")
    transformed = through_json(preprocessor).transform(
        table_of(a=["z", None, "x", "z"], b=[True, False, True, True])
    )
    assert transformed.unseen == {"a": {"z": 2, "(missing)": 1}}
    assert transformed.X[:, :2].tolist() == [[0, 0], [0, 0], [1, 0], [0, 0]]
    assert transformed.explain() == [
        'a: "z", in 2 rows, is no category of training',
        'a: "(missing)", in 1 row, is no category of training',
    ]


def test_texts_that_all_look_like_numbers_at_prediction(tmp_path):
    trained = Preprocessor.fit(read(tmp_path, "a,y\n1,0\n2,1\n3+,0\n1,1\n"), "y")
    assert trained.feature_names == ["a=1", "a=2", "a=3+"]
    transformed = trained.transform(read(tmp_path, "a\n2\n1\n"))
    assert transformed.X.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert transformed.unseen == {}


def test_zero_padded_codes_are_categories(tmp_path):
    trained = Preprocessor.fit(read(tmp_path, "zip,y\n00501,0\n10001,1\n00501,0\n"), "y")
    assert trained.feature_names == ["zip=00501", "zip=10001"]


def test_names_with_spaces_and_unicode(tmp_path):
    table = read(tmp_path, "größe in cm,色,y y\n1,赤,0\n2,青,1\n3,赤,0\n")
    preprocessor = through_json(Preprocessor.fit(table, "y y"))
    assert preprocessor.feature_names == ["größe in cm", "色=赤", "色=青"]
    assert preprocessor.transform(table).X[:, 1:].tolist() == [[1, 0], [0, 1], [1, 0]]


def test_columns_absent_at_prediction_are_all_named(tmp_path):
    preprocessor = Preprocessor.fit(read(tmp_path, MIXED), "y")
    with pytest.raises(DataError, match='no column called "size", "color"') as caught:
        preprocessor.transform(read(tmp_path, "Size,ok,weight,colour\n1,true,1.5,red\n"))
    assert "Did you mean Size?" in caught.value.fix
    assert caught.value.where == ""


def test_text_in_a_column_of_numbers_at_prediction(tmp_path):
    preprocessor = Preprocessor.fit(read(tmp_path, "a,y\n1,0\n2,1\n4,0\n"), "y")
    with pytest.raises(
        DataError, match=r'"a" should hold numbers, but row 2 \(line 3 of t.csv\) holds "12o"'
    ):
        preprocessor.transform(read(tmp_path, "a\n1\n12o\n"))
    transformed = preprocessor.transform(read(tmp_path, "a\n02\n01\n"))
    assert transformed.X.tobytes() == preprocessor.transform(table_of(a=[2, 1])).X.tobytes()


def test_infinite_numbers_are_refused_in_fit_and_in_transform(tmp_path):
    with pytest.raises(DataError, match=r'"a" holds inf in row 2 \(line 3 of t.csv\)'):
        Preprocessor.fit(read(tmp_path, "a,y\n1,0\ninf,1\n4,0\n"), "y")
    preprocessor = Preprocessor.fit(read(tmp_path, "a,y\n1,0\n2,1\n4,0\n"), "y")
    with pytest.raises(DataError, match="not finite"):
        preprocessor.transform(read(tmp_path, "a\n-inf\n"))


def test_the_largest_numbers_do_not_overflow():
    table = table_of(a=[1e150, -1e150, 0.0], y=[0, 1, 0])
    X = Preprocessor.fit(table, "y").transform(table).X
    assert np.isfinite(X).all()
    assert np.isclose(X.std(), 1)


def test_columns_nearly_constant_stay_finite():
    table = table_of(a=[1e8, 1e8 + 1e-8, 1e8, 1e8], b=[1e-300, 2e-300, 1e-300, 3e-300], y=[0, 1, 0, 1])
    assert np.isfinite(through_json(Preprocessor.fit(table, "y")).transform(table).X).all()


def test_a_constant_with_holes_keeps_the_mark():
    table = table_of(a=[7.0, None, 7.0], b=["x", None, "x"], y=[0, 1, 0])
    preprocessor = Preprocessor.fit(table, "y")
    assert preprocessor.transform(table).X.tolist() == [[0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]


def test_many_and_different_texts_are_left_out():
    words = [f"w{i}" for i in range(51)] * 2
    few = [f"w{i}" for i in range(50)] * 2 + ["w0", "w1"]
    table = table_of(many=words, few=few, all=[f"v{i}" for i in range(102)], y=list(range(102)))
    preprocessor = Preprocessor.fit(table, "y")
    assert [column.name for column in preprocessor.categorical] == ["few"]
    assert reasons(preprocessor) == {
        "many": "it has 51 different texts, more than 50",
        "all": "every row has a different text, as an identifier has",
    }


def test_a_typing_error_that_makes_a_column_text_is_pointed_out(tmp_path):
    rows = "".join(f"{i}.5,{i % 2},{i % 3}\n" for i in range(60))
    preprocessor = Preprocessor.fit(read(tmp_path, f"a,b,y\n{rows}12o,1,0\n"), "y")
    assert reasons(preprocessor) == {
        "a": 'it is not a number throughout: row 61 (line 62 of t.csv) holds "12o"'
    }


def test_a_column_without_a_name_is_left_out(tmp_path):
    preprocessor = Preprocessor.fit(read(tmp_path, ",a,y\n0,1,0\n1,2,1\n2,4,0\n"), "y")
    assert preprocessor.columns == ["a"]
    assert preprocessor.explain()[-1] == "(no name): left out, it has no name"
    assert through_json(preprocessor).dropped == preprocessor.dropped


@pytest.mark.parametrize("columns", [{"y": [0, 1]}, {"a": [1, 1], "b": ["x", "y"], "y": [0, 1]}])
def test_nothing_left_to_learn_from(columns):
    with pytest.raises(DataError, match="no column is left to learn y from") as caught:
        Preprocessor.fit(table_of(**columns), "y")
    assert ("a: left out" in str(caught.value)) == ("a" in columns)


def test_a_target_that_is_not_there():
    with pytest.raises(DataError, match='no column called "qualty"') as caught:
        Preprocessor.fit(table_of(a=[1, 2], quality=[0, 1]), "qualty")
    assert "Did you mean quality?" in caught.value.fix


def test_a_frame_of_pandas_gives_what_polars_gives():
    pandas = pytest.importorskip("pandas")
    columns = {"a": [1.0, None, 3.0], "b": ["x", "y", None], "c": [True, False, True], "y": [0, 1, 0]}
    polars_table, pandas_table = table_of(**columns), Table.from_frame(pandas.DataFrame(columns))
    preprocessor = Preprocessor.fit(pandas_table, "y")
    assert preprocessor.to_metadata() == Preprocessor.fit(polars_table, "y").to_metadata()
    assert (
        preprocessor.transform(pandas_table).X.tobytes() == preprocessor.transform(polars_table).X.tobytes()
    )


GOOD = Preprocessor.fit(table_of(a=[1.0, None], b=["x", None], c=[1, 1], y=[0, 1]), "y").to_metadata()


def spoiled(group, **entries):
    return {**GOOD, group: [{**GOOD[group][0], **entries}]}


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        "text",
        {},
        {**GOOD, "numeric": None},
        {**GOOD, "numeric": ["a"]},
        {**GOOD, "numeric": [], "categorical": []},
        {**GOOD, "numeric": GOOD["numeric"] * 2},
        {key: value for key, value in GOOD.items() if key != "dropped"},
        spoiled("numeric", name=1),
        spoiled("numeric", name="b"),
        spoiled("numeric", median="1"),
        spoiled("numeric", median=True),
        spoiled("numeric", mean=math.nan),
        spoiled("numeric", mean=None),
        spoiled("numeric", scale=math.inf),
        spoiled("numeric", scale=0.0),
        spoiled("numeric", scale=-1.0),
        spoiled("numeric", indicated=1),
        spoiled("categorical", categories=[]),
        spoiled("categorical", categories="xy"),
        spoiled("categorical", categories=["x", 1]),
        spoiled("categorical", categories=["x", ["y"]]),
        spoiled("categorical", categories=["x", "x"]),
        spoiled("categorical", categories=[None, "x"]),
        spoiled("dropped", reason=None),
    ],
)
def test_a_damaged_description_is_refused(metadata):
    assert Preprocessor.from_metadata(GOOD).feature_names == ["a", "a is missing", "b=x", "b is missing"]
    with pytest.raises(ModelFileError, match="the model file is damaged") as caught:
        Preprocessor.from_metadata(metadata)
    assert caught.value.where == ""


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.impute", None)
    with pytest.raises(MissingExtraError, match="Training on a table needs scikit-learn"):
        Preprocessor.fit(table_of(a=[1.0, 2.0], y=[0, 1]), "y")
