from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from rich.console import Console
from tests.support.command import chainrule
from tests.support.networks import EXAMPLES

from chainrule.cli.verdicts import as_blocks
from chainrule.derivation.check import check
from chainrule.derivation.grading import Grade, Row

NETWORK = """sizes      m, d, h, k
data       X : (m, d), Y : (m, k)
parameter  W1 : (d, h), b1 : (h), W2 : (h, k), b2 : (k)

Z1 = X W1 + b1
A1 = relu(Z1)
Z2 = A1 W2 + b2
A2 = sigmoid(Z2)
L  = 1/m sum(binary_cross_entropy(A2, Y))
"""
BACKWARD = """
dZ2 = 1/m (A2 − Y)
dW2 = A1ᵀ dZ2
db2 = Σₘ dZ2
dA1 = dZ2 W2ᵀ
dZ1 = dA1 ⊙ 1[Z1 > 0]
dW1 = Xᵀ dZ1
db1 = Σₘ dZ1
"""
RIGHT = NETWORK + BACKWARD
WRONG = RIGHT.replace("A2 − Y", "Y − A2").replace("db1 = Σₘ dZ1", "db1 = Σₘ dZ9")


def written(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8", newline="")
    return str(file)


def test_a_derivation_that_holds_ends_with_status_0(tmp_path: Path) -> None:
    result = chainrule("check", written(tmp_path, "a.eqn", RIGHT))
    assert result.returncode == 0
    assert result.stderr == ""
    assert "     read as    dW2 = A1ᵀ @ dZ2\n" in result.stdout
    assert "     shapes     (h, k) = (h, m) @ (m, k)\n" in result.stdout
    assert result.stdout.endswith("a.eqn: 7 claims: 7 right\n")


def test_one_that_does_not_hold_ends_with_status_1_and_says_where(tmp_path: Path) -> None:
    result = chainrule("check", written(tmp_path, "a.eqn", WRONG))
    assert result.returncode == 1
    assert " 11  dZ2 = 1/m (Y − A2)\n" in result.stdout
    assert "     wrong      " in result.stdout
    assert "a.eqn: 7 claims: 1 wrong (line 11), 5 inherited (lines 12, 13, 14, 15, 16), " in result.stdout
    assert result.stdout.endswith("1 unread (line 17)\n")


def test_the_network_may_be_a_file_of_its_own(tmp_path: Path) -> None:
    document = written(tmp_path, "a.txt", BACKWARD)
    assert chainrule("check", document).returncode == 2
    result = chainrule("check", document, "--network", written(tmp_path, "n.eqn", NETWORK))
    assert result.returncode == 0
    assert result.stdout.endswith("a.txt: 7 claims: 7 right\n")


def test_a_network_alone_claims_nothing() -> None:
    result = chainrule("check", str(EXAMPLES / "two_layer.eqn"))
    assert result.returncode == 1
    assert "nothing is claimed" in result.stdout


def test_json_is_the_report(tmp_path: Path) -> None:
    file = written(tmp_path, "a.eqn", WRONG)
    result = chainrule("check", file, "--json")
    assert result.returncode == 1
    assert result.stdout == check(Path(file)).to_json() + "\n"


def test_without_hints_the_mistake_is_not_told(tmp_path: Path) -> None:
    file = written(tmp_path, "a.eqn", WRONG)
    assert "write      dZ2 = " in chainrule("check", file).stdout
    found = json.loads(chainrule("check", file, "--no-hints", "--json").stdout)
    assert [j["verdict"] for j in found["judgements"]].count("wrong") == 1
    assert not any(j["mistakes"] or j["suggestions"] for j in found["judgements"])


def test_standard_input_is_read(tmp_path: Path) -> None:
    def piped(text: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
        code = "from chainrule.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, "check", "-", *options], input=text, capture_output=True
        )

    result = piped(RIGHT.encode(), "--annotate", str(tmp_path / "out.eqn"))
    assert result.returncode == 0
    assert result.stdout.decode().endswith("text: 7 claims: 7 right\n")
    assert "db2 = Σₘ dZ2\n# right\n" in (tmp_path / "out.eqn").read_text(encoding="utf-8")
    assert piped(b"a.eqn").returncode == 2
    assert b"not text in UTF-8" in piped(b"\xff").stderr


ENDINGS = {"a.eqn": "\n", "a.txt": "\r\n", "a.md": "\n"}


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("text", [RIGHT, WRONG])
def test_an_annotated_copy_keeps_each_line_and_gets_the_same_verdicts(
    tmp_path: Path, name: str, text: str
) -> None:
    bullets = "\n".join(f"- {line}" for line in BACKWARD.split("\n") if line)
    if name == "a.md":
        text = f"# Notes\n\n```\n{text}```\n\nAgain:\n\n{bullets}\n\nand `dW1 = X dZ1`\nin the end.\n"
    text = "\ufeff" + text.replace("\n", ENDINGS[name])
    first = chainrule("check", written(tmp_path, name, text), "--annotate", f"copy_{name}", folder=tmp_path)
    copy = (tmp_path / f"copy_{name}").read_bytes().decode("utf-8")
    rest = iter(copy.splitlines(keepends=True))
    assert all(line in rest for line in text.splitlines(keepends=True))
    assert len(copy) > len(text)
    again = chainrule("check", f"copy_{name}", folder=tmp_path)
    assert again.returncode == first.returncode
    assert verdicts(again.stdout) == verdicts(first.stdout)
    assert len(verdicts(first.stdout)) >= 12


def verdicts(printed: str) -> list[tuple[str, str]]:
    """Return each equation with its verdict."""
    found: list[tuple[str, str]] = []
    for block in printed.split("\n\n")[:-1]:
        equation = block.splitlines()[0].split("  ", 1)[1].strip()
        labels = re.findall(r"^ +(right|wrong|inherited|ambiguous|unread|given)\b", block, re.M)
        found += [(equation, label) for label in labels]
    return found


TEACHER = """
network = "n.eqn"
[points]
dZ2 = 2
dW2 = 1
dX = 1
[credit]
"wrong: sign" = 0.25
"""


def test_a_teachers_file_gives_points_and_the_network(tmp_path: Path) -> None:
    written(tmp_path, "n.eqn", NETWORK)
    teacher = written(tmp_path, "t.toml", TEACHER)
    document = written(tmp_path, "a.txt", BACKWARD.replace("A2 − Y", "Y − A2"))
    result = chainrule("check", document, "--grading", teacher)
    assert result.returncode == 1
    assert re.search(r"^dZ2  0\.5 of 2 +wrong +line 2: .+$", result.stdout, re.M)
    assert re.search(r"^dW2  1 of 1 +inherited +line 3$", result.stdout, re.M)
    assert re.search(r"^dX   0 of 1 +missing$", result.stdout, re.M)
    assert result.stdout.endswith("\n1.5 of 4 points\n")


def test_with_hints_off_a_grade_counts_mistakes_and_does_not_tell_them(tmp_path: Path) -> None:
    written(tmp_path, "n.eqn", NETWORK)
    document = written(tmp_path, "a.txt", BACKWARD.replace("A2 − Y", "Y − A2"))
    teacher = written(tmp_path, "t.toml", "hints = false\n" + TEACHER)
    found = json.loads(chainrule("check", document, "--grading", teacher, "--json").stdout)
    assert (found["grade"]["total"], found["grade"]["possible"]) == (1.5, 4.0)
    assert found["grade"]["rows"][0] == {
        "name": "dZ2", "possible": 2.0, "got": 0.5, "verdict": "wrong", "why": "line 2",
    }  # fmt: skip
    assert not any(j["mistakes"] or j["suggestions"] for j in found["judgements"])


def test_with_a_teachers_file_all_holds_if_every_point_is_got(tmp_path: Path) -> None:
    document = written(tmp_path, "a.eqn", WRONG.replace("Y − A2", "A2 − Y"))
    assert chainrule("check", document).returncode == 1
    teacher = written(tmp_path, "t.toml", "[points]\ndZ2 = 2\ndW1 = 0.1")
    result = chainrule("check", document, "--grading", teacher)
    assert result.stdout.endswith("2.1 of 2.1 points\n")
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.eqn",), "there is no file nowhere.eqn."),
        (("",), "cannot be read"),
        (("binary.eqn",), "not text in UTF-8"),
        (("long.eqn",), "longer than a derivation can be"),
        (("empty.eqn",), "nothing is declared"),
        (("a.eqn", "--network", "nowhere.eqn"), "there is no file nowhere.eqn"),
        (("a.eqn", "--network", "bad.eqn"), "bad.eqn, line 1"),
        (("a.eqn", "--grading", "nowhere.toml"), "there is no file nowhere.toml."),
        (("a.eqn", "--grading", "a.eqn"), "a.eqn: it is not TOML"),
        (("a.eqn", "--annotate", "a.eqn"), "a.eqn is an input, and would be overwritten."),
        (("a.eqn", "--annotate", "link.eqn"), "link.eqn is an input, and would be overwritten."),
        (("a.eqn", "--annotate", "."), ". is a folder, not a file."),
        (("a.eqn", "--annotate", "no/where.eqn"), "cannot be written"),
        (("a.eqn", "--seed", "-1"), "--seed"),
        (("a.eqn", "--nonsense"), "--nonsense"),
        ((), "FILE"),
    ],
)
def test_what_cannot_be_read_ends_with_status_2(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    written(tmp_path, "a.eqn", RIGHT)
    written(tmp_path, "bad.eqn", "sizes (")
    written(tmp_path, "empty.eqn", "")
    written(tmp_path, "long.eqn", "#" * 4_000_000)
    (tmp_path / "binary.eqn").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "link.eqn").symlink_to(tmp_path / "a.eqn")
    result = chainrule("check", *arguments, folder=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "a.eqn").read_text(encoding="utf-8") == RIGHT


def on_a_terminal(width: int, *arguments: str) -> str:
    """Return what `chainrule` prints on a terminal of a width."""
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", "from chainrule.cli import main; main()", *arguments],
        stdout=theirs,
        env={**environment, "COLUMNS": str(width), "TERM": "xterm-256color"},
    )
    os.close(theirs)
    parts: list[bytes] = []
    try:
        while part := os.read(ours, 65536):
            parts.append(part)
    except OSError:
        pass
    process.wait()
    os.close(ours)
    return b"".join(parts).decode("utf-8").replace("\r\n", "\n")


LONG = "dZ2 = 1/m (A2 − Y) ⊙ (1 + A2 ⊙ A2 − A2 ⊙ A2 ⊙ A2 / A2) − 1/m (A2 − Y) ⊙ (A2 ⊙ A2 − A2 ⊙ A2 ⊙ A2 / A2)"


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_on_a_terminal_nothing_of_an_equation_is_lost(tmp_path: Path, width: int) -> None:
    file = written(tmp_path, "a.eqn", f"{WRONG}\n{LONG}\n")
    shown = on_a_terminal(width, "check", file)
    assert ("\x1b[" in shown) is (width >= 40)
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    if width >= 40:
        assert max(len(line) for line in plain.splitlines()) <= width
    joined = re.sub(r"\s", "", plain)
    for judgement in check(Path(file)):
        for text in (
            judgement.source,
            *(r.text for r in judgement.readings),
            *(r.shapes for r in judgement.readings),
        ):
            assert re.sub(r"\s", "", text) in joined


def lines_of(document: str, width: int, graded: Grade | None = None) -> list[str]:
    console = Console(width=width, record=True, force_terminal=True, file=io.StringIO())
    console.print(as_blocks(check(document), graded))
    return [line.rstrip() for line in console.export_text().splitlines()]


def starts(lines: Iterable[str], first: str) -> int:
    return next(place for place, line in enumerate(lines) if line.startswith(first))


def test_a_long_equation_goes_on_below_its_right_side_and_never_breaks_a_shape() -> None:
    lines = lines_of(f"{NETWORK}\n{LONG}", 80)
    at = starts(lines, " 11  dZ2 = ")
    assert lines[at + 1].startswith(" " * 11) and lines[at + 1][11] != " "
    shapes = starts(lines[at:], "     shapes     (m, k) = ") + at
    assert lines[shapes + 1].startswith(" " * 25) and lines[shapes + 1][25] != " "
    assert not any(line.endswith(",") for line in lines)


def test_points_are_shown_below_the_verdicts() -> None:
    graded = Grade((Row("dZ2", 2.0, 1.0, "right only if", "line 11"), Row("dX", 1.0, 0.0, "missing", "")))
    lines = lines_of(RIGHT, 80, graded)
    assert lines[-4:] == ["", "dZ2  1 of 2  right only if  line 11", "dX   0 of 1  missing", "1 of 3 points"]
