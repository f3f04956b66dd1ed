"""Whatever text is read: a graph that reads back, or a refusal that helps. Nothing is ever evaluated."""

from __future__ import annotations

import ast
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import KindError, ParseError, ShapeError
from tests.support.documents import changed, documents, words
from tests.support.grammar import document
from tests.support.promises import parses_or_refuses

SOURCE = Path(cr.__file__).parent
READERS = sorted(path for part in ("notation", "derivation") for path in (SOURCE / part).rglob("*.py"))
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__", "globals", "locals", "input", "breakpoint"}
FORBIDDEN_MODULES = {
    "builtins", "code", "codeop", "ctypes", "importlib", "marshal", "multiprocessing", "os", "pickle",
    "runpy", "shelve", "socket", "subprocess",
}  # fmt: skip
DOCUMENTS, WORDS = documents(), words()
LANGUAGE = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)
HEAD = "sizes m\ndata X : (m, m), b : (m)\nscalar s\n"


def checked(examples: int) -> settings:
    unhealthy = [HealthCheck.too_slow]
    return settings(
        max_examples=examples, deadline=None, derandomize=True, suppress_health_check=unhealthy, database=None
    )


@checked(300)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    parses_or_refuses(text)


@checked(500)
@given(LANGUAGE)
def test_any_words_of_the_language_are_read_or_refused(text: str) -> None:
    parses_or_refuses(HEAD + "Z = " + text)
    parses_or_refuses(text)


@checked(400)
@given(st.integers(0, 2**32))
def test_a_random_document_is_read_or_refused(seed: int) -> None:
    parses_or_refuses(document(random.Random(seed)))  # noqa: S311 - no secret


@checked(400)
@given(st.sampled_from(DOCUMENTS), st.integers(0, 2**32))
def test_a_changed_document_is_read_or_refused(text: str, seed: int) -> None:
    parses_or_refuses(changed(text, random.Random(seed), WORDS))  # noqa: S311 - no secret


def test_many_random_documents_have_a_meaning() -> None:
    drawn = [document(random.Random(seed)) for seed in range(200)]  # noqa: S311 - no secret
    assert sum(map(parses_or_refuses, drawn)) > 40


def nested(opening: str, closing: str, times: int) -> str:
    return opening * times + "X" + closing * times


@pytest.mark.parametrize(
    "right",
    [
        nested("(", ")" + "ᵀ" * 20, 59),
        nested("(", ")^2ᵀ^2ᵀ^2ᵀ^2ᵀ^2ᵀ", 59),
        nested("1 − 2 tanh(", ")ᵀ", 59),
    ],
)
def test_what_stands_too_deep_is_refused(right: str) -> None:
    with pytest.raises(ParseError, match="stands too deep") as caught:
        cr.parse(f"{HEAD}Z = {right}")
    assert (caught.value.line, caught.value.expected) == (4, "fewer brackets and marks")


@pytest.mark.parametrize("right", ["leaf(1)", "leaf(X)", "constant(s)", "leaf'(X)", "1 + constant"])
def test_leaves_and_constants_are_no_functions(right: str) -> None:
    with pytest.raises(ParseError, match=r"(nothing is called|there is no function) (leaf|constant)"):
        cr.parse(f"{HEAD}Z = {right}")


@pytest.mark.parametrize("right", ["expand(s, (0, -1))", "expand(s, (2, -1))", "one_hot(y, size=0)"])
def test_a_size_is_at_least_1(right: str) -> None:
    with pytest.raises(ShapeError, match="a size is a whole number from 1"):
        cr.parse(f"{HEAD}data y : (m) index\nZ = {right}")


def test_a_shape_of_too_many_axes_is_refused() -> None:
    with pytest.raises(ParseError, match="a shape has no 40 axes") as caught:
        cr.parse(f"data X : ({', '.join('1' * 40)})")
    assert (caught.value.column, caught.value.expected) == (10, "at most 32 axes")


def test_a_tower_of_powers_of_a_size_stays_small() -> None:
    right = "m"
    for _ in range(50):
        right = f"({right})^64"
    assert parses_or_refuses(f"{HEAD}Z = {right} X")
    assert parses_or_refuses(f"{HEAD}Z = {'/m' * 64} X".replace("= /", "= 1/"))
    doubled = "\n".join(f"m{i + 1} = m{i} m{i}" for i in range(1, 30))
    with pytest.raises(KindError, match="a power of the size m is at most 64, not 128"):
        cr.parse(f"{HEAD}m1 = m\n{doubled}")


def test_a_constant_of_many_digits_reads_back() -> None:
    assert parses_or_refuses("y = 7^64 7^64 / 11^64 11^64")


def test_a_constant_beyond_a_float_is_refused_when_it_runs() -> None:
    graph = cr.parse("sizes m\ndata x : (m)\nJ = m^64 sum(x)")
    with pytest.raises(KindError, match=r"^the constant m\^64 is beyond what a float holds for m = 1000000"):
        graph.run(x=[0.0] * 1_000_000)


def test_a_bracket_open_over_many_lines_is_read_in_time() -> None:
    start = time.perf_counter()
    with pytest.raises(ParseError):
        cr.parse("Z = (\n" * 20_000)
    assert time.perf_counter() - start < 5.0


@pytest.mark.parametrize(
    ("right", "fix"),
    [
        ("X (X + X) ⊙ X", "write (X (X + X)) ⊙ X or X ((X + X) ⊙ X)."),
        ("((X)) X ⊙ (X)", "write (((X)) X) ⊙ (X) or ((X)) (X ⊙ (X))."),
        ("(X  # one\n  X ⊙\n  X)", "write (X X) ⊙ X or X (X ⊙ X)."),
    ],
)
def test_both_readings_of_a_mixed_product_keep_its_brackets(right: str, fix: str) -> None:
    with pytest.raises(ParseError) as caught:
        cr.parse(f"{HEAD}Z = {right}")
    assert caught.value.fix == fix
    for reading in fix.removeprefix("write ").removesuffix(".").split(" or "):
        cr.parse(f"{HEAD}Z = {reading}")


@pytest.mark.parametrize(
    ("right", "printed"),
    [
        ("identity'(X)^-2", "expand(1, (m, m))⁻²"),
        ("negative'(X)^s", "expand(−1, (m, m))^s"),
        ("expand(s, (m, m))² + X", "expand(s, (m, m))² + X"),
        ("2 ((1/X)/X)", "2 (1 / X / X)"),
        ("2 (1/exp(s) s)", "2 (1/exp(s) s)"),
        ("1/m (s / X / X)", "1/m (s / X / X)"),
        ("divide(2 bᵀ b, X)", "(2 bᵀ b) / X"),
        ("1/s divide(2 bᵀ b, X)", "1/s ((2 bᵀ b) / X)"),
        ("(bᵀ b) X ⊙ X", "(bᵀ b) X ⊙ X"),
        ("logsumexp(bᵀ b) s", "(bᵀ b) s"),
    ],
)
def test_brackets_without_which_a_printout_would_not_read_back(right: str, printed: str) -> None:
    graph = cr.parse(f"{HEAD}Z = {right}")
    assert graph.text(section="forward", shapes=False) == f"Z = {printed}"
    assert cr.parse(graph.text()).same_as(graph)


@pytest.mark.parametrize("module", READERS, ids=lambda module: str(module.relative_to(SOURCE)))
def test_what_reads_equations_evaluates_nothing(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            assert node.id not in FORBIDDEN_NAMES, node.lineno
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & FORBIDDEN_MODULES, node.lineno
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in FORBIDDEN_MODULES, node.lineno
