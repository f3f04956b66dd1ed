"""What the documents show is what runs: their Python, equations and console sessions, and all docstrings."""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import math
import pkgutil
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import chainrule as cr
from chainrule.cli.app import app
from chainrule.ir import registry

ROOT = Path(__file__).parents[1]
PAGES = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", *PAGES)
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.eqn"))

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")
_EXAMPLE = re.compile(r"^ *>>> (?!.*\+SKIP)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a document.

    Attributes:
        place: file and line, for messages.
        language: the word after the fence.
        text: what stands between the fences.
        shown: the output block that follows at once, if one does.
    """

    place: str
    language: str
    text: str
    shown: str | None


def blocks(document: str) -> Iterator[Block]:
    """Yield the fenced blocks of a document in order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = list(_FENCE.finditer(text))
    for block, after in zip(found, [*found[1:], None], strict=True):
        line = text.count("\n", 0, block.start()) + 1
        follows = after is not None and after[1] == "text" and not text[block.end() : after.start()].strip()
        yield Block(f"{document}:{line}", block[1], block[2], after[2] if after and follows else None)


@pytest.fixture
def at_root(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in the root of the repository; forget the ops a document defines, remove the models it saves."""
    monkeypatch.chdir(ROOT)
    known = dict(registry._OPS)
    models = set(ROOT.glob("*.safetensors"))
    yield
    for model in set(ROOT.glob("*.safetensors")) - models:
        model.unlink()
    registry._OPS.clear()
    registry._OPS.update(known)


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_python_blocks_print_what_is_shown(document: str) -> None:
    # The op of CONTRIBUTING.md is defined where it is told to stand, so that it may stand there already.
    namespace: dict[str, Any] = {"__name__": "chainrule.ops.activation"}
    for block in blocks(document):
        if block.language == "python":
            run_python(block, namespace)


def run_python(block: Block, namespace: dict[str, Any]) -> None:
    """Run a block; its output is what it shows itself after `>>>`, or the text block below it."""
    if ">>>" in block.text:
        test = doctest.DocTestParser().get_doctest(block.text, namespace, block.place, block.place, 0)
        report = io.StringIO()
        result = doctest.DocTestRunner().run(test, out=report.write, clear_globs=False)
        namespace.update(test.globs)
        assert not result.failed, report.getvalue()
        return
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, block.place, "exec"), namespace)  # noqa: S102 - our own documents
    check_output(block.place, block.shown or "", printed.getvalue())


def check_output(place: str, shown: str, printed: str) -> None:
    """Check output letter by letter; decimal fractions may differ where processors round differently."""
    assert _NUMBER.sub("0.0", printed.rstrip()) == _NUMBER.sub("0.0", shown.rstrip()), place
    for one, other in zip(_NUMBER.findall(printed), _NUMBER.findall(shown), strict=True):
        assert math.isclose(float(one), float(other), rel_tol=1e-3, abs_tol=1e-6), (
            f"{place}: {one} is not {other}"
        )


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_console_blocks_show_what_commands_print(document: str) -> None:
    for block in blocks(document):
        starts = ("$ chainrule explain", "$ chainrule check")
        if block.language == "console" and block.text.startswith(starts):
            command, _, shown = block.text.partition("\n")
            result = CliRunner().invoke(app, shlex.split(command.removeprefix("$ chainrule ")))
            assert result.exit_code in ((0, 1) if " check " in command else (0,)), block.place
            check_output(block.place, shown, result.output)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_equation_blocks_are_read(document: str) -> None:
    for block in blocks(document):
        if block.language == "eqn":
            cr.parse(block.text, source=block.place).verify()


def test_the_readme_shows_the_example_file() -> None:
    shown = next(block.text for block in blocks("README.md") if block.language == "eqn")
    assert cr.parse(shown).same_as(cr.read(ROOT / "examples/two_layer.eqn"))


def test_the_readme_has_the_two_commands() -> None:
    commands = [block.text.strip() for block in blocks("README.md") if block.language == "sh"]
    assert commands[:2] == [
        'python -m pip install ".[table]" && chainrule train examples/wine-quality.csv --target quality',
        'python -m pip install -e ".[table,test]" && python -m pytest',
    ]


def test_links_between_documents_lead_somewhere() -> None:
    for document in (*DOCUMENTS, "CHANGELOG.md", "examples/README.md"):
        path = ROOT / document
        for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert "://" in link or (path.parent / link).exists(), f"{document}: {link}"


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("ascii", [False, True])
def test_the_step_of_every_example_reads_back(name: str, ascii: bool) -> None:
    step = cr.read(ROOT / "examples" / name).step(cr.SGD()).graph
    assert cr.parse(step.text(ascii=ascii)).same_as(step)


def test_every_example_is_described() -> None:
    described = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    files = [path.name for path in (ROOT / "examples").iterdir() if path.suffix in (".eqn", ".csv")]
    assert all(f"`{name}`" in described for name in files)


def modules_with_doctests() -> list[str]:
    """Return the names of the modules whose source shows a session."""
    found = [module.name for module in pkgutil.walk_packages(cr.__path__, "chainrule.")]
    specs = {name: importlib.util.find_spec(name) for name in ("chainrule", *found)}
    sources = {name: Path(str(spec.origin)).read_text("utf-8") for name, spec in specs.items() if spec}
    return [name for name, source in sources.items() if _EXAMPLE.search(source)]


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize("name", modules_with_doctests())
def test_docstrings_show_what_runs(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted and not result.failed
