from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.derivation.grading import Grading, grade, read_grading
from chainrule.derivation.report import Report
from chainrule.derivation.verdict import Judgement, Mistake, Verdict
from chainrule.errors import DataError

TEACHER = """
network = "two_layer.eqn"
hints = false

[points]
dZ2 = 2
dlambda = 1.5

[credit]
inherited = 0.9
"wrong: sign" = 0.5
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "teacher.toml"
    file.write_text(text, encoding="utf-8")
    return file


def claim(name: str, verdict: Verdict, *kinds: str, line: int = 1) -> Judgement:
    mistakes = tuple(Mistake(kind, f"{kind} it is") for kind in kinds)
    return Judgement(line, 1, f"{name} = …", name, "gradient", verdict, mistakes=mistakes)


def test_a_teachers_file_is_read(tmp_path: Path) -> None:
    found = read_grading(written(tmp_path, TEACHER))
    assert found.points == {"dZ2": 2.0, "dλ": 1.5}
    assert found.network == tmp_path / "two_layer.eqn"
    assert not found.hints
    assert found.credit == {
        "right": 1.0, "inherited": 0.9, "right only if": 0.5, "wrong": 0.0, "ambiguous": 0.0, "unread": 0.0,
        "wrong: sign": 0.5,
    }  # fmt: skip
    assert found.needs_mistakes


def test_what_a_teachers_file_leaves_out_has_a_default(tmp_path: Path) -> None:
    found = read_grading(written(tmp_path, "[points]\ndZ2 = 1"))
    assert (found.network, found.hints, found.needs_mistakes) == (None, True, False)
    assert found == Grading({"dZ2": 1.0})


@pytest.mark.parametrize(
    ("verdict", "got"),
    [
        (Verdict.RIGHT, 4.0),
        (Verdict.INHERITED, 4.0),
        (Verdict.CONDITIONAL, 2.0),
        (Verdict.WRONG, 0.0),
        (Verdict.AMBIGUOUS, 0.0),
        (Verdict.UNREAD, 0.0),
    ],
)
def test_each_verdict_has_its_share_of_the_points(verdict: Verdict, got: float) -> None:
    found = grade(Report("", "", (claim("dZ2", verdict, line=7),)), Grading({"dZ2": 4.0}))
    (row,) = found.rows
    assert (row.name, row.possible, row.got, row.verdict, row.why) == ("dZ2", 4.0, got, verdict, "line 7")
    assert found.total == got
    assert found.is_full is (got == 4.0)


def test_what_is_not_claimed_is_missing() -> None:
    given = Judgement(3, 1, "A1 = relu(Z1)", "A1", "forward", Verdict.GIVEN)
    found = grade(Report("", "", (given,)), Grading({"A1": 1.0, "dZ2": 2.0}))
    assert [(row.verdict, row.got, row.why) for row in found.rows] == [
        ("missing", 0.0, "line 3 defines it, and claims nothing"),
        ("missing", 0.0, ""),
    ]
    assert (found.total, found.possible, found.is_full) == (0.0, 3.0, False)


def test_of_several_claims_on_one_name_the_worst_counts_in_any_spelling() -> None:
    claims = (
        claim("dlambda", Verdict.RIGHT, line=1),
        claim("dλ", Verdict.CONDITIONAL, line=2),
        claim("dλ", Verdict.INHERITED, line=3),
    )
    (row,) = grade(Report("", "", claims), Grading({"dλ": 1.0})).rows
    assert (row.got, row.why) == (0.5, "line 2")


@pytest.mark.parametrize(
    ("kinds", "got", "why"),
    [
        (("sign",), 1.0, "line 1: sign it is"),
        (("factor",), 0.5, "line 1: factor it is"),
        (("sign", "factor"), 0.5, "line 1: factor it is"),
        (("sign", "other"), 0.0, "line 1: other it is"),
        ((), 0.0, "line 1"),
    ],
)
def test_a_mistake_can_have_credit_of_its_own(kinds: tuple[str, ...], got: float, why: str) -> None:
    credit = {"wrong": 0.0, "wrong: sign": 0.5, "wrong: factor": 0.25}
    (row,) = grade(Report("", "", (claim("dZ2", Verdict.WRONG, *kinds),)), Grading({"dZ2": 2.0}, credit)).rows
    assert (row.got, row.why) == (got, why)


def test_without_hints_the_grade_does_not_tell_the_mistake() -> None:
    report = Report("", "", (claim("dZ2", Verdict.WRONG, "sign"),))
    (row,) = grade(report, Grading({"dZ2": 2.0}, hints=False)).rows
    assert row.why == "line 1"


def test_a_grade_prints_as_a_table_and_goes_into_json() -> None:
    claims = (claim("dZ2", Verdict.RIGHT, line=1), claim("dW2", Verdict.CONDITIONAL, line=2))
    found = grade(Report("", "", claims), Grading({"dZ2": 2.0, "dW2": 1.0, "dλ": 3.0}))
    assert str(found) == (
        "dZ2  2 of 2      right          line 1\n"
        "dW2  0.5 of 1    right only if  line 2\n"
        "dλ   0 of 3      missing\n"
        "2.5 of 6 points"
    )
    assert found.to_dict() == {
        "total": 2.5,
        "possible": 6.0,
        "rows": [
            {"name": "dZ2", "possible": 2.0, "got": 2.0, "verdict": "right", "why": "line 1"},
            {"name": "dW2", "possible": 1.0, "got": 0.5, "verdict": "right only if", "why": "line 2"},
            {"name": "dλ", "possible": 3.0, "got": 0.0, "verdict": "missing", "why": ""},
        ],
    }


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("points = 3", "points is a table, not 3.", "a table [points]"),
        ("", "no points are given.", "dW1 = 2"),
        ("[points]", "no points are given.", "dW1 = 2"),
        ("[point]\ndW1 = 1", "there is no setting point.", "Did you mean points?"),
        ("[points]\ndλ = 1", "it is not TOML: ", "stand in quotes"),
        ("[points]\ndW1 = -1", "the points of dW1 are a number, 0 or more, not -1.", ""),
        ("[points]\ndW1 = true", "the points of dW1 are a number, 0 or more, not true.", ""),
        ("[points]\ndW1 = 'two'", "the points of dW1 are a number, 0 or more, not 'two'.", ""),
        ("[points]\ndW1 = nan", "the points of dW1 are a number, 0 or more, not nan.", ""),
        ("[points]\ndW1 = inf", "the points of dW1 are a number", ""),
        (f"[points]\ndW1 = 1{'0' * 400}", "the points of dW1 are a number", ""),
        (f"[points]\ndW1 = 1{'0' * 9000}", "it is not TOML: ", ""),
        ("[points]\n'd W1' = 1", "[points] asks for 'd W1', which cannot be a name.", "such as dW1"),
        ("[points]\ndlambda = 1\n'dλ' = 1", "[points] has one name twice, in two spellings.", ""),
        ("hints = 1\n[points]\ndW1 = 1", "hints is true or false, not 1.", ""),
        ("network = 1\n[points]\ndW1 = 1", "network is the name of a file, not 1.", ""),
        ("[points]\ndW1 = 1\n[credit]\nwrnog = 1", "[credit]: there is no verdict wrnog.", "mean wrong?"),
        ("[points]\ndW1 = 1\n[credit]\ngiven = 1", "[credit]: there is no verdict given.", ""),
        (
            "[points]\ndW1 = 1\n[credit]\n'wrong: sing' = 1",
            "[credit]: there is no mistake sing.",
            "mean sign?",
        ),
        (
            "[points]\ndW1 = 1\n[credit]\nwrong = 1.5",
            "the credit for wrong is a share from 0 to 1, not 1.5.",
            "",
        ),
        ("[points]\ndW1 = 1\n[credit]\nwrong = -0.1", "the credit for wrong is a share from 0 to 1", ""),
        (f"a = {'[' * 20_000}", "it is not TOML: ", ""),
        ("#" * 200_000, "a teacher's file has at most 100000 bytes.", ""),
    ],
)
def test_what_a_teachers_file_cannot_say(tmp_path: Path, text: str, message: str, fix: str) -> None:
    with pytest.raises(DataError) as caught:
        read_grading(written(tmp_path, text))
    assert caught.value.message.startswith(f"teacher.toml: {message}")
    assert fix in caught.value.fix
    assert caught.value.where == ""


def test_a_teachers_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_grading(tmp_path / "nowhere.toml")
    with pytest.raises(DataError, match="cannot be read"):
        read_grading(tmp_path)
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not text in UTF-8"):
        read_grading(tmp_path / "a.toml")
