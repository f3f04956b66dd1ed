import json
import math

import numpy as np
import pytest

from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.task import Task, infer_task


def through_json(task):
    return Task.from_metadata(json.loads(json.dumps(task.to_metadata())))


@pytest.mark.parametrize(
    ("values", "kind", "labels"),
    [
        ([3, 9, 3, 5], "classification", (3, 5, 9)),
        ([1.0, 0.0, 1.0], "classification", (0.0, 1.0)),
        (list(range(20)) * 2, "classification", tuple(range(20))),
        (list(range(21)) * 9, "regression", ()),
        ([-1, 1], "classification", (-1, 1)),
        ([0.5, 1.5, 0.5], "regression", ()),
        ([1, 2.5], "regression", ()),
        (["b", "a", "b"], "classification", ("a", "b")),
        (["10", "9"], "classification", ("10", "9")),
        ([True, False, True], "classification", (False, True)),
        (np.array([2, 1, 2], dtype=np.int32), "classification", (1, 2)),
        (np.array([[0.1], [0.2]]), "regression", ()),
        (np.array(["x", "y"]), "classification", ("x", "y")),
        (np.array([True, False]), "classification", (False, True)),
    ],
)
def test_what_is_inferred(values, kind, labels):
    task = infer_task("y", values)
    assert task.kind == kind
    assert task.labels == labels
    assert list(map(type, task.labels)) == list(map(type, labels))
    assert through_json(task) == task
    assert list(map(type, through_json(task).labels)) == list(map(type, labels))


def test_the_explanations():
    assert infer_task("quality", [3, 4, 5, 6, 7, 8, 9]).explain() == (
        "quality: 7 different whole numbers, so a classification; --task regression overrides"
    )
    assert infer_task("price", [i + 0.5 for i in range(1203)]).explain() == (
        "price: 1,203 different numbers, so a regression; --task classification overrides"
    )
    assert infer_task("color", ["red", "blue"]).explain() == "color: 2 different texts, so a classification"
    assert infer_task("ok", [True, False]).explain() == "ok: true or false, so a classification"
    assert infer_task("n", [1, 2], "regression").explain() == (
        "n: 2 different whole numbers, a regression as asked"
    )


def test_overrides():
    assert infer_task("y", [1, 2, 1], "regression").kind == "regression"
    task = infer_task("y", [0.5, 1.5, 0.5], "classification")
    assert task.labels == (0.5, 1.5)
    assert task.encode([1.5, 0.5]).tolist() == [1, 0]
    with pytest.raises(DataError, match="no task called 'regresion'") as caught:
        infer_task("y", [1, 2], "regresion")
    assert "Did you mean regression?" in caught.value.fix


def test_a_regression_on_text_is_refused():
    for values in (["1", "2"], [True, False]):
        with pytest.raises(DataError, match="a regression needs numbers") as caught:
            infer_task("y", values, "regression")
        assert caught.value.where == ""
    task = infer_task("y", [0.5, 1.5])
    with pytest.raises(DataError, match="'x' is none"):
        task.encode([0.5, "x"])


@pytest.mark.parametrize("values", [[1, 1, 1], ["a"], [2.5, 2.5], [True, True]])
@pytest.mark.parametrize("override", [None, "classification"])
def test_a_single_value_cannot_be_learned(values, override):
    with pytest.raises(DataError, match="nothing to learn"):
        infer_task("y", values, override)


@pytest.mark.parametrize("values", [[1, "a"], [True, 1], [None, 1], [[1], [2]], [object(), object()]])
def test_values_of_a_wrong_type_are_refused(values):
    with pytest.raises(DataError, match="of these types cannot be learned"):
        infer_task("y", values)


@pytest.mark.parametrize("wrong", [math.inf, -math.inf, math.nan])
def test_values_that_are_not_finite_are_refused(wrong):
    with pytest.raises(DataError, match=r"value 2, -?(inf|nan), is not finite"):
        infer_task("y", [1.5, wrong])


def test_no_values():
    with pytest.raises(DataError, match="no values"):
        infer_task("y", [])


def test_identifiers_are_no_classes():
    with pytest.raises(DataError, match="30 different labels in 40 rows") as caught:
        infer_task("name", [f"n{i % 30}" for i in range(40)])
    assert "identifier" in caught.value.fix
    assert infer_task("name", [f"n{i % 30}" for i in range(60)]).kind == "classification"
    with pytest.raises(DataError, match="too many to be classes") as caught:
        infer_task("price", [i + 0.5 for i in range(40)], "classification")
    assert "regression" in caught.value.fix


def test_a_typing_error_among_numbers_is_pointed_out():
    with pytest.raises(DataError, match="too many to be classes") as caught:
        infer_task("price", [str(i) for i in range(40)] + ["12o"])
    assert '"12o"' in caught.value.fix


@pytest.mark.parametrize("values", [[9, 3, 3, 5], ["b", "a", "ü"], [True, False], [0.0, 1.0, 0.0]])
def test_labels_there_and_back(values):
    task = infer_task("y", values)
    encoded = task.encode(values)
    assert encoded.dtype == np.int64
    assert encoded.shape == (len(values),)
    assert task.decode(encoded) == values
    assert list(map(type, task.decode(encoded))) == list(map(type, values))
    assert task.decode(encoded.reshape(-1, 1)) == values


def test_the_indices_follow_the_order_of_the_labels():
    assert infer_task("y", [9, 3, 5, 3]).encode([3, 9, 5]).tolist() == [0, 2, 1]


def test_a_label_that_was_not_learned():
    task = infer_task("color", ["red", "blue"])
    with pytest.raises(DataError, match="the label 'blu' is not one of those learned") as caught:
        task.encode(["red", "blu"])
    assert "Did you mean blue?" in caught.value.fix
    with pytest.raises(DataError, match="label 4 "):
        infer_task("y", [1, 2]).encode([4])


def test_text_labels_that_look_like_numbers_in_another_file():
    assert infer_task("grade", ["1", "2", "3+"]).encode([2, 1]).tolist() == [1, 0]


def test_a_regression_is_standardized_and_comes_back():
    values = [10.0, 20.0, 40.0, 50.0, 1.25]
    task = infer_task("y", values, "regression")
    encoded = task.encode(values)
    assert encoded.dtype == np.float64
    assert encoded.shape == (5, 1)
    assert np.isclose(encoded.mean(), 0, atol=1e-15)
    assert np.isclose(encoded.std(), 1)
    assert np.allclose(task.decode(encoded), values, rtol=1e-14)
    assert np.allclose(task.decode(encoded.ravel()), values, rtol=1e-14)
    assert all(type(value) is float for value in task.decode(encoded))
    assert task.decode(np.array([0.0])) == [np.mean(values)]


@pytest.mark.parametrize("values", [[1e308, -1e308, 0.5], [5e-324, 0.0, 5e-324]])
def test_numbers_that_cannot_be_standardized(values):
    with pytest.raises(DataError, match="cannot be standardized"):
        infer_task("y", values, "regression")


def test_floats_survive_json_to_the_last_bit():
    task = infer_task("y", [0.1, 0.2, 0.30000000000000004, 1 / 3])
    again = through_json(task)
    assert (again.mean, again.scale) == (task.mean, task.scale)
    assert again.encode([0.1]).tobytes() == task.encode([0.1]).tobytes()


CLASSES = infer_task("y", [1, 2]).to_metadata()
NUMBERS = infer_task("y", [1.5, 2]).to_metadata()


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        {},
        {**CLASSES, "kind": "clustering"},
        {**CLASSES, "kind": ["regression"]},
        {**CLASSES, "labels": []},
        {**CLASSES, "labels": [1]},
        {**CLASSES, "labels": [1, 1]},
        {**CLASSES, "labels": [1, "a"]},
        {**CLASSES, "labels": [1, True]},
        {**CLASSES, "labels": [[1], [2]]},
        {**CLASSES, "labels": [1.0, math.nan]},
        {**CLASSES, "labels": "ab"},
        {**CLASSES, "target": 1},
        {**NUMBERS, "labels": [1, 2]},
        {**NUMBERS, "mean": "1"},
        {**NUMBERS, "mean": math.nan},
        {**NUMBERS, "scale": 0.0},
        {**NUMBERS, "scale": -1.0},
        {**NUMBERS, "scale": None},
        {key: value for key, value in NUMBERS.items() if key != "reason"},
    ],
)
def test_a_damaged_description_is_refused(metadata):
    with pytest.raises(ModelFileError, match="the model file is damaged") as caught:
        Task.from_metadata(metadata)
    assert caught.value.where == ""
