"""What the source promises about itself: nothing is evaluated or unpickled, and it stays readable."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "chainrule"
MODULES = sorted(SOURCE.rglob("*.py"))
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
MOST_LINES_OF_A_MODULE = 400
MOST_LINES_OF_A_FUNCTION = 50
MEDIAN_LINES_OF_A_FUNCTION = 8
MOST_PARAMETERS_OF_A_CONSTRUCTOR = 8


def nodes(module: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(module.read_text(encoding="utf-8")))


def functions(module: Path) -> Iterator[tuple[str, int, ast.FunctionDef]]:
    for node in nodes(module):
        if isinstance(node, ast.FunctionDef):
            yield f"{module.name}:{node.name}", (node.end_lineno or 0) - node.lineno + 1, node


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(SOURCE)))
def test_nothing_is_evaluated_or_unpickled(module: Path) -> None:
    for node in nodes(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & FORBIDDEN_MODULES
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in FORBIDDEN_MODULES


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(SOURCE)))
def test_a_module_fits_in_a_head(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_A_MODULE
    for name, lines, node in functions(module):
        assert lines <= MOST_LINES_OF_A_FUNCTION, name
        if node.name == "__init__":
            count = len(node.args.args) + len(node.args.kwonlyargs) - 1
            assert count <= MOST_PARAMETERS_OF_A_CONSTRUCTOR, name


def test_functions_are_small() -> None:
    lines = [lines for module in MODULES for _, lines, _ in functions(module)]
    assert statistics.median(lines) <= MEDIAN_LINES_OF_A_FUNCTION
