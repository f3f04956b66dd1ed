from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chainrule.derivation.report import Report
from chainrule.derivation.verdict import Judgement, Mistake, Reading, Suggestion, Verdict
from chainrule.errors import UnknownNameError

SIGN = Mistake("sign", "the sign of 1/m (Y − A2) is wrong")
RIGHT = Judgement(
    1,
    1,
    "dA2 = Y / A2",
    "dA2",
    "gradient",
    Verdict.RIGHT,
    (Reading("dA2 = Y / A2", "(m, k) = (m, k) / (m, k)"),),
)
WRONG = Judgement(
    2,
    1,
    "dZ2 = 1/m (Y − A2)",
    "dZ2",
    "gradient",
    Verdict.WRONG,
    (Reading("dZ2 = (1 / m) (Y − A2)", "(m, k) = (1 / ()) ((m, k) − (m, k))"),),
    mistakes=(SIGN,),
    suggestions=(Suggestion("dZ2 = 1/m (A2 − Y)", (SIGN,)), Suggestion("dZ2 = −1/m (Y − A2)", (SIGN,))),
)
INHERITED = Judgement(
    3,
    1,
    "dW2 = A1ᵀ dZ2",
    "dW2",
    "gradient",
    Verdict.INHERITED,
    message="the step is right, but dZ2 before it is not.",
    inherits=("dZ2",),
)
CONDITIONAL = Judgement(
    4, 1, "dW = dZ A", "dW", "gradient", Verdict.CONDITIONAL, message="right only if k = 1."
)
UNREAD = Judgement(
    5,
    3,
    "db = Q",
    "db",
    "gradient",
    Verdict.UNREAD,
    message="line 5, column 8: nothing is called Q.",
    fix="Did you mean X?",
)
AMBIGUOUS = Judgement(
    6,
    1,
    "dX = A ⊙ B C",
    "dX",
    "gradient",
    Verdict.AMBIGUOUS,
    (Reading("dX = (A ⊙ B) @ C", "…"), Reading("dX = A ⊙ (B @ C)", "…")),
    message="it can be read in two ways with different values.",
)
GIVEN = Judgement(7, 1, "A1 = relu(Z1)", "A1", "forward", Verdict.GIVEN)
ALL = (RIGHT, WRONG, INHERITED, CONDITIONAL, UNREAD, AMBIGUOUS, GIVEN)


def report(*judgements: Judgement, text: str | None = None, source: str = "a.eqn") -> Report:
    """Return a report on a document with one line for each judgement."""
    placed = tuple(replace(judgement, line=line) for line, judgement in enumerate(judgements, start=1))
    lines = "".join(f"{judgement.source}\n" for judgement in judgements) if text is None else text
    return Report(source, lines, placed)


@pytest.mark.parametrize(
    ("judgements", "ok"),
    [
        ((), False),
        ((GIVEN,), False),
        ((RIGHT, GIVEN), True),
        ((RIGHT, INHERITED), False),
        ((RIGHT, CONDITIONAL), False),
        ((RIGHT, UNREAD), False),
        ((RIGHT, AMBIGUOUS), False),
        ((RIGHT, WRONG), False),
    ],
)
def test_it_is_true_only_if_something_is_claimed_and_all_of_it_is_right(
    judgements: tuple[Judgement, ...], ok: bool
) -> None:
    found = report(*judgements)
    assert found.ok is ok
    assert bool(found) is ok


def test_it_counts_claims_and_not_what_is_given() -> None:
    found = report(*ALL, RIGHT)
    assert found.counts == {
        "right": 2, "right only if": 1, "wrong": 1, "inherited": 1, "ambiguous": 1, "unread": 1,
    }  # fmt: skip
    assert len(found.claims) == 7


def test_judgements_are_found_by_name_in_any_spelling_and_by_line() -> None:
    decay = replace(RIGHT, name="dλ")
    found = report(decay, WRONG, decay)
    assert [j.line for j in found["dlambda"]] == [1, 3]
    assert found[2] == (replace(WRONG, line=2),)
    with pytest.raises(UnknownNameError, match="no equation for dZ3") as caught:
        found["dZ3"]
    assert "Did you mean dZ2?" in caught.value.fix
    with pytest.raises(UnknownNameError, match="on line 4"):
        found[4]


def test_printed_it_shows_the_reading_then_the_verdict_then_the_correction() -> None:
    assert str(report(RIGHT, WRONG, INHERITED, CONDITIONAL, UNREAD, AMBIGUOUS, GIVEN)) == (
        "  1  dA2 = Y / A2\n"
        "     read as    dA2 = Y / A2\n"
        "     shapes     (m, k) = (m, k) / (m, k)\n"
        "     right\n"
        "\n"
        "  2  dZ2 = 1/m (Y − A2)\n"
        "     read as    dZ2 = (1 / m) (Y − A2)\n"
        "     shapes     (m, k) = (1 / ()) ((m, k) − (m, k))\n"
        "     wrong      the sign of 1/m (Y − A2) is wrong\n"
        "     write      dZ2 = 1/m (A2 − Y)\n"
        "     or         dZ2 = −1/m (Y − A2)\n"
        "\n"
        "  3  dW2 = A1ᵀ dZ2\n"
        "     inherited  the step is right, but dZ2 before it is not.\n"
        "     see        dZ2 on line 2\n"
        "\n"
        "  4  dW = dZ A\n"
        "     right      only if k = 1.\n"
        "\n"
        "  5  db = Q\n"
        "     unread     column 8: nothing is called Q.\n"
        "     fix        Did you mean X?\n"
        "\n"
        "  6  dX = A ⊙ B C\n"
        "     read as    dX = (A ⊙ B) @ C\n"
        "     shapes     …\n"
        "     or as      dX = A ⊙ (B @ C)\n"
        "     shapes     …\n"
        "     ambiguous  it can be read in two ways with different values.\n"
        "\n"
        "  7  A1 = relu(Z1)\n"
        "     given\n"
        "\n"
        "a.eqn: 6 claims: 1 right, 1 right under a condition (line 4), 1 wrong (line 2), "
        "1 inherited (line 3), 1 ambiguous (line 6), 1 unread (line 5)"
    )


@pytest.mark.parametrize(
    ("judgements", "summary"),
    [
        ((), "a.eqn: no equation was found"),
        ((GIVEN,), "a.eqn: nothing is claimed: every equation defines the network"),
        ((RIGHT,), "a.eqn: 1 claim: 1 right"),
        ((WRONG, WRONG), "a.eqn: 2 claims: 2 wrong (lines 1, 2)"),
    ],
)
def test_the_summary_says_where_to_look(judgements: tuple[Judgement, ...], summary: str) -> None:
    assert report(*judgements).summary == summary


def test_without_hints_the_verdicts_stay() -> None:
    bare = report(*ALL).without_hints()
    assert bare.counts == report(*ALL).counts
    assert not any(judgement.mistakes or judgement.suggestions for judgement in bare)
    assert "wrong      its value is not that of dZ2" in str(bare)


def test_nothing_in_a_document_steers_the_terminal() -> None:
    found = report(replace(WRONG, source="dZ2\t= \x1b[2J\u202eY", message="\x1b]0;a\x07"))
    assert not set("\x1b\x07\t\u202e") & set(str(found))
    assert "dZ2 = ␛[2J�Y" in str(found)


def test_json_has_every_field_and_goes_back() -> None:
    found = json.loads(report(*ALL).to_json())
    assert list(found) == ["schema", "source", "ok", "counts", "judgements"]
    assert (found["schema"], found["source"], found["ok"]) == (1, "a.eqn", False)
    assert found["counts"]["wrong"] == 1
    assert found["judgements"][1] == {
        "line": 2,
        "column": 1,
        "source": "dZ2 = 1/m (Y − A2)",
        "name": "dZ2",
        "role": "gradient",
        "verdict": "wrong",
        "readings": [
            {"text": "dZ2 = (1 / m) (Y − A2)", "shapes": "(m, k) = (1 / ()) ((m, k) − (m, k))"},
        ],
        "message": "",
        "fix": "",
        "inherits": [],
        "mistakes": [{"kind": "sign", "text": SIGN.text}],
        "suggestions": [
            {"equation": "dZ2 = 1/m (A2 − Y)", "mistakes": [{"kind": "sign", "text": SIGN.text}]},
            {"equation": "dZ2 = −1/m (Y − A2)", "mistakes": [{"kind": "sign", "text": SIGN.text}]},
        ],
    }


def test_an_annotated_copy_has_comments_below_each_claim() -> None:
    assert report(RIGHT, GIVEN, WRONG, CONDITIONAL, UNREAD).annotated() == (
        "dA2 = Y / A2\n"
        "# right\n"
        "A1 = relu(Z1)\n"
        "dZ2 = 1/m (Y − A2)\n"
        "#   read as  dZ2 = (1 / m) (Y − A2)\n"
        "#   shapes   (m, k) = (1 / ()) ((m, k) − (m, k))\n"
        "# wrong: the sign of 1/m (Y − A2) is wrong\n"
        "#   write    dZ2 = 1/m (A2 − Y)\n"
        "#   or       dZ2 = −1/m (Y − A2)\n"
        "\n"
        "dW = dZ A\n"
        "# right only if: k = 1.\n"
        "db = Q\n"
        "# unread: column 8: nothing is called Q.\n"
        "#   fix      Did you mean X?\n"
    )


def test_an_annotated_line_that_claims_twice_says_which_equation_is_meant() -> None:
    first, second = replace(RIGHT, source="dZ = A"), replace(RIGHT, source="dZ = B", column=10)
    found = Report("a.txt", "  dZ = A = B", (first, second))
    assert found.annotated() == "  dZ = A = B\n  # dZ = A\n  # right\n  # dZ = B\n  # right"


def test_a_note_comes_after_the_last_line_of_an_equation_and_keeps_its_line_ending() -> None:
    text = "dZ = (A\r\n      ⊙ B)\r\nend\r\n"
    assert report(RIGHT, text=text).annotated() == "dZ = (A\r\n      ⊙ B)\r\n# right\r\nend\r\n"
    assert report(RIGHT, text="dZ = (A\nend").annotated() == "dZ = (A\n# right\nend"


MARKDOWN = """# Notes

- dZ2 = 1/m (Y − A2)
- and so on

```
dA2 = (Y
  / A2)
```

> dA2 = Y / A2

so dA2 = Y / A2 here
and there

| what | is |
|---|---|
| one | `dA2 = Y / A2` |
| two | `db = 1` |
"""


def test_in_markdown_notes_are_quotes_that_keep_lists_code_and_tables_whole() -> None:
    places = ((3, WRONG), (7, RIGHT), (11, RIGHT), (13, RIGHT), (18, RIGHT))
    judgements = tuple(replace(judgement, line=line) for line, judgement in places)
    assert (
        Report("a.md", MARKDOWN, judgements).annotated()
        == """# Notes

- dZ2 = 1/m (Y − A2)
  > `read as  dZ2 = (1 / m) (Y − A2)`\x20\x20
  > `shapes  (m, k) = (1 / ()) ((m, k) − (m, k))`\x20\x20
  > **wrong**: the sign of 1/m (Y − A2) is wrong\x20\x20
  > `write  dZ2 = 1/m (A2 − Y)`\x20\x20
  > `or  dZ2 = −1/m (Y − A2)`

- and so on

```
dA2 = (Y
  / A2)
# right
```

> dA2 = Y / A2
>
> **right**

so dA2 = Y / A2 here
> **right**

and there

| what | is |
|---|---|
| one | `dA2 = Y / A2` |
| two | `db = 1` |
> `on  dA2 = Y / A2`\x20\x20
> **right**
"""
    )


def test_a_text_without_a_name_is_markdown_if_it_has_a_fence() -> None:
    fenced = Report("", "dA2 = 1\n\n```\n```\n", (RIGHT,))
    assert fenced.annotated() == "dA2 = 1\n> **right**\n\n```\n```\n"
    assert Report("", "dA2 = 1\n", (RIGHT,)).annotated() == "dA2 = 1\n# right\n"


@pytest.mark.parametrize("source", ["a.eqn", "a.txt", "a.md", ""])
def test_the_lines_of_a_document_stay_as_they_are(source: str) -> None:
    found = Report(
        source, MARKDOWN, (replace(WRONG, line=3), replace(RIGHT, line=18), replace(UNREAD, line=7))
    )
    rest = iter(found.annotated().splitlines(keepends=True))
    assert all(line in rest for line in MARKDOWN.splitlines(keepends=True))
