"""`chainrule check`: a derivation written by hand, judged line by line."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from chainrule.cli.say import complain, say
from chainrule.derivation.check import check
from chainrule.derivation.grading import Grade, Grading, grade, read_grading
from chainrule.derivation.report import Report
from chainrule.errors import ChainruleError, DataError
from chainrule.io.files import check_writable, write_atomically

UNREADABLE = 2
_STANDARD_INPUT = Path("-")
_MOST_BYTES = 4_000_000


@dataclass(frozen=True)
class Request:
    """What the user asked for; the file "-" is standard input."""

    file: Path
    network: Path | None
    grading: Path | None
    annotate: Path | None
    json: bool
    hints: bool
    seed: int


def run_check(request: Request) -> int:
    """Judge, write the annotated copy, print, and return the exit status.

    It is 0 if all holds (with a teacher's file: if every point is got), 1 if not, 2 if a file or an option
    cannot be read.
    """
    try:
        return _run(request)
    except ChainruleError as error:
        complain(error)
        return UNREADABLE


def _run(request: Request) -> int:
    grading = _grading(request)
    network = request.network or (grading.network if grading else None)
    hints = request.hints and (grading is None or grading.hints)
    text = _text(request.file)
    if request.annotate is not None:
        check_writable(request.annotate, _file(request), network, request.grading)
    report = check(
        request.file if request.file.is_file() else text,
        network,
        hints=hints or (grading is not None and grading.needs_mistakes),
        seed=request.seed,
    )
    graded = grade(report, grading) if grading else None
    report = report if hints else report.without_hints()
    if request.annotate is not None:
        write_atomically(request.annotate, replace(report, text=text).annotated().encode("utf-8"))
    _print(report, graded, as_json=request.json)
    return 0 if (graded.is_full if graded else report.ok) else 1


def _file(request: Request) -> Path | None:
    return None if request.file == _STANDARD_INPUT else request.file


def _grading(request: Request) -> Grading | None:
    if request.grading is None:
        return None
    grading = read_grading(request.grading)
    return grading if request.hints else replace(grading, hints=False)


def _text(file: Path) -> str:
    """Return a document as it is, with its own line endings; a text of one line is no path.

    Raises:
        DataError: it cannot be read.
    """
    try:
        text = _content(file).decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{_called(file)} is not text in UTF-8.", where="", fix="save it as UTF-8.") from None
    except FileNotFoundError:
        raise DataError(f"there is no file {file}.", where="", fix="check the path.") from None
    except OSError as error:
        raise DataError(f"{_called(file)} cannot be read: {error.strerror}.", where="") from None
    return text if "\n" in text or file.is_file() else text + "\n"


def _content(file: Path) -> bytes:
    with sys.stdin.buffer if file == _STANDARD_INPUT else file.open("rb") as stream:
        content = stream.read(_MOST_BYTES)
    if len(content) == _MOST_BYTES:
        raise DataError(f"{_called(file)} is longer than a derivation can be.", where="")
    return content


def _called(file: Path) -> str:
    return "standard input" if file == _STANDARD_INPUT else str(file)


def _print(report: Report, graded: Grade | None, *, as_json: bool) -> None:
    if as_json:
        extra = {"grade": graded.to_dict()} if graded else {}
        say(json.dumps({**report.to_dict(), **extra}, ensure_ascii=False, indent=2))
        return
    from chainrule.cli.verdicts import as_blocks, terminal

    console = terminal()
    if console is None:
        say("\n\n".join([str(report), *([str(graded)] if graded else [])]))
        return
    with console.capture() as captured:
        console.print(as_blocks(report, graded))
    say(captured.get().rstrip("\n"), color=True)
