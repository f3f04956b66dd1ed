"""Which parts of a text are taken as equations, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.derivation.document import read_document

HEAD = "sizes m\ndata X : (m)\n"


def found(text: str, kind: str = "") -> list[tuple[int, int, str]]:
    """Return line, column and text of every statement."""
    return [(entry.line, entry.column, entry.source) for entry in read_document(text, kind).entries]


def test_markdown_is_read_in_fences_code_spans_and_lines_of_their_own() -> None:
    text = """# dW = heading, not read

Prose with x = y is left alone, `b = 2 a` in backquotes is read.

```eqn
Z = X W
```

- dW = Xᵀ dZ,
2. `db = Σₘ dZ`

> dX = dZ Wᵀ   (12)

```python
dW = X.T @ dZ
```

where k = the number of classes
"""
    assert found(text) == [
        (3, 34, "b = 2 a"),
        (6, 1, "Z = X W"),
        (9, 3, "dW = Xᵀ dZ"),
        (10, 5, "db = Σₘ dZ"),
        (12, 3, "dX = dZ Wᵀ"),
    ]


def test_plain_text_is_read_line_by_line() -> None:
    text = "The gradient is\n  dW = Xᵀ dZ.\nand m = the number of rows\n(a) db := dZ; dc = 1\n"
    assert found(text) == [(2, 3, "dW = Xᵀ dZ"), (4, 5, "db := dZ"), (4, 15, "dc = 1")]


def test_a_file_of_equations_is_equations_throughout(tmp_path: Path) -> None:
    file = tmp_path / "a.eqn"
    file.write_text("sizes m  # comment\nno equation\nx = 1\n", encoding="utf-8")
    entries = read_document(file).entries
    assert [entry.error is None for entry in entries] == [True, False, True]


@pytest.mark.parametrize("kind", ["eqn", "md", "txt"])
def test_an_equation_goes_on_while_a_bracket_is_open(kind: str) -> None:
    text = "dW = sum(X,\n   axis=0)\ndb = 1\n"
    assert found(text, kind) == [(1, 1, "dW = sum(X, axis=0)"), (3, 1, "db = 1")]


def test_quotients_keep_what_is_written() -> None:
    document = read_document("∂J/∂W = Xᵀ ∂J/∂Z\ndJ/db = ∂J/∂Z\n")
    assert [entry.name for entry in document.entries] == ["dW", "db"]
    assert [entry.source for entry in document.entries] == ["∂J/∂W = Xᵀ ∂J/∂Z", "dJ/db = ∂J/∂Z"]
    assert document.quotients == ((1, "J"), (1, "J"), (2, "J"), (2, "J"))


def test_chains_and_lists_are_taken_apart() -> None:
    assert found("a = b = (c == d) = e, f = g\n") == [
        (1, 1, "a = b"), (1, 1, "a = (c == d)"), (1, 1, "a = e"), (1, 23, "f = g"),
    ]  # fmt: skip


def test_abstract_functions_are_known_from_their_line_on() -> None:
    document = read_document("function f(z), l(o, y)\na = f(z)\nb = l(a, y)\nc = l(a)\n")
    assert document.functions == {"f": 1, "l": 2}
    assert [entry.error is None for entry in document.entries] == [True, True, True, False]


def test_what_is_too_large_is_refused_line_by_line() -> None:
    text = HEAD + "a = " + " + ".join(["X"] * 400) + "\nb = " + "X" * 5000 + "\nc = 1\n"
    entries = read_document(text).entries
    assert [str(entry.error)[:30] for entry in entries if entry.error] == [
        "a right side has at most 500 s",
        "a line has at most 4000 charac",
    ]


def test_a_stated_shape_is_no_label() -> None:
    assert found("data w : (1), x : (1)\nz = w x : (1)\nz = w x  (1)\nz = w x, (1.2)\n") == [
        (1, 1, "data w : (1), x : (1)"), (2, 1, "z = w x : (1)"), (3, 1, "z = w x"), (4, 1, "z = w x"),
    ]  # fmt: skip


def test_a_line_that_begins_with_an_equals_sign_goes_on() -> None:
    text = "dZ = A\n   = B\n= C\n\n====\n"
    assert [(e.line, e.name) for e in read_document(text).entries] == [(1, "dZ"), (2, "dZ"), (3, "dZ")]


@pytest.mark.parametrize("lead", ["So: ", "Step 1: ", "=> ", "Thus ", "and ", "⇒ ", "∴ "])
def test_words_before_an_equation_are_left_out(lead: str) -> None:
    assert found(f"{lead}dZ = A\n") == [(1, len(lead) + 1, "dZ = A")]


@pytest.mark.parametrize("line", ["dW = X, since it is so", "dW == X", "dW ≈ X", "dW = X where X is data"])
def test_a_line_about_a_known_name_is_never_skipped(line: str) -> None:
    (entry,) = read_document(f"parameter W : (3)\n{line}\n").entries[1:]
    assert entry.error is not None
