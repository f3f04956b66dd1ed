"""A teacher's file: which gradients are asked for, what each is worth, and what partly right ones get."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chainrule.derivation.mistakes import MISTAKES
from chainrule.derivation.report import Report
from chainrule.derivation.verdict import Judgement, Verdict
from chainrule.errors import DataError, nearest
from chainrule.ir.names import is_name, normalized

MISSING = "missing"
_SECTIONS = ("network", "hints", "points", "credit")
_MOST_POINTS = 1e6
_LONGEST_FILE = 100_000
_CREDIT: Mapping[str, float] = {
    Verdict.RIGHT: 1.0,
    Verdict.INHERITED: 1.0,
    Verdict.CONDITIONAL: 0.5,
    Verdict.WRONG: 0.0,
    Verdict.AMBIGUOUS: 0.0,
    Verdict.UNREAD: 0.0,
}
_EXAMPLE = "a teacher's file has a table [points] with lines such as dW1 = 2."


@dataclass(frozen=True)
class Grading:
    """What a teacher asks for.

    Attributes:
        points: for each name.
        credit: share of the points, 0 to 1, for each verdict, and for "verdict: kind of mistake".
        network: file of the network that derivations are about, or None if they state it.
        hints: whether students are told what is wrong.
    """

    points: Mapping[str, float]
    credit: Mapping[str, float] = field(default_factory=lambda: dict(_CREDIT))
    network: Path | None = None
    hints: bool = True

    @property
    def needs_mistakes(self) -> bool:
        """Whether the credit depends on what the mistake is, so that hints are needed to grade."""
        return bool(self.credit.keys() - _CREDIT.keys())


@dataclass(frozen=True)
class Row:
    """What one name is worth.

    Attributes:
        name: asked for.
        possible: points for a right claim.
        got: points for what the document claims.
        verdict: on the claim, or "missing".
        why: where it stands, and what the credit depends on.
    """

    name: str
    possible: float
    got: float
    verdict: str
    why: str

    @property
    def points(self) -> str:
        """Points got, of those possible."""
        return f"{self.got:g} of {self.possible:g}"


@dataclass(frozen=True)
class Grade:
    """The points that a derivation gets.

    Attributes:
        rows: one for each name asked for, in the order of the teacher's file.
    """

    rows: tuple[Row, ...]

    @property
    def total(self) -> float:
        """The points got."""
        return sum(row.got for row in self.rows)

    @property
    def possible(self) -> float:
        """The points of a derivation that is right."""
        return sum(row.possible for row in self.rows)

    @property
    def is_full(self) -> bool:
        """Whether nothing lost points."""
        return all(row.got == row.possible for row in self.rows)

    def __str__(self) -> str:
        names = max(len(row.name) for row in self.rows)
        lines = (
            f"{row.name:<{names}}  {row.points:<10}  {row.verdict:<13}  {row.why}".rstrip()
            for row in self.rows
        )
        return "\n".join([*lines, f"{self.total:g} of {self.possible:g} points"])

    def to_dict(self) -> dict[str, Any]:
        """Return total, possible, and rows of name, possible, got, verdict and why."""
        return {"total": self.total, "possible": self.possible, "rows": [asdict(row) for row in self.rows]}


def grade(report: Report, grading: Grading) -> Grade:
    """Return the points of a document; of several claims on one name, the worst counts.

    Credit for a kind of mistake needs a report with hints.
    """
    by_name: dict[str, list[Judgement]] = {}
    for judgement in report.judgements:
        by_name.setdefault(normalized(judgement.name), []).append(judgement)
    points = grading.points.items()
    return Grade(tuple(_row(name, worth, by_name.get(name, []), grading) for name, worth in points))


def _row(name: str, worth: float, judgements: list[Judgement], grading: Grading) -> Row:
    claims = [judgement for judgement in judgements if judgement.is_claim]
    if not claims:
        why = f"line {judgements[0].line} defines it, and claims nothing" if judgements else ""
        return Row(name, worth, 0.0, MISSING, why)
    shares = [_share(claim, grading) for claim in claims]
    worst = min(range(len(claims)), key=lambda place: shares[place][0])
    share, reason = shares[worst]
    told = f": {reason}" if reason and grading.hints else ""
    return Row(name, worth, worth * share, claims[worst].verdict.value, f"line {claims[worst].line}{told}")


def _share(claim: Judgement, grading: Grading) -> tuple[float, str]:
    """Return the share of the points that a claim gets, and the mistake that it depends on.

    Of several mistakes the one with the least credit counts; one without credit of its own has the verdict's.
    """
    usual = grading.credit[claim.verdict.value]
    shares = [
        (grading.credit.get(f"{claim.verdict.value}: {mistake.kind}", usual), mistake.text)
        for mistake in claim.mistakes
    ]
    return min(shares, key=lambda pair: pair[0]) if shares else (usual, "")


def read_grading(path: str | Path) -> Grading:
    """Return what a teacher's file asks for.

    It is TOML. `[points]` says what each name is worth. Optional are `network`, a file beside this one;
    `hints`, false if students are not told what is wrong; and `[credit]`, shares from 0 to 1 for a verdict
    or for one mistake, such as `"wrong: sign" = 0.5`. Without credit of their own, right and inherited
    count in full, right only if one half, all else nothing.

    Raises:
        DataError: the file cannot be read, or something in it has no meaning.
    """
    file = Path(path)
    found = _table(file)
    for key in found:
        if key not in _SECTIONS:
            raise _error(file, f"there is no setting {key}.", nearest(key, _SECTIONS))
    points = {
        _name(file, name): _points(file, name, n) for name, n in _section(file, found, "points").items()
    }
    if len(points) < len(found.get("points", {})):
        raise _error(file, "[points] has one name twice, in two spellings.")
    if not points:
        raise _error(file, "no points are given.", _EXAMPLE)
    credit = {
        _credited(file, key): _share_of(file, key, n) for key, n in _section(file, found, "credit").items()
    }
    return Grading(points, {**_CREDIT, **credit}, _network(file, found), _hints(file, found))


def _error(file: Path, message: str, fix: str = "") -> DataError:
    return DataError(f"{file.name}: {message}", where="", fix=fix)


def _table(file: Path) -> dict[str, Any]:
    content = _content(file)
    if len(content) > _LONGEST_FILE:
        raise _error(file, f"a teacher's file has at most {_LONGEST_FILE} bytes.")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise _error(file, "it is not text in UTF-8.", "save it as UTF-8.") from None
    except (ValueError, RecursionError) as error:
        fix = 'names with other than English letters stand in quotes: "dλ" = 1.'
        raise _error(file, f"it is not TOML: {error}.", fix) from None


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_LONGEST_FILE + 1)
    except FileNotFoundError:
        raise DataError(f"there is no file {file}.", where="", fix="check the path.") from None
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}.", where="") from None


def _section(file: Path, found: dict[str, Any], key: str) -> dict[str, Any]:
    section = found.get(key, {})
    if not isinstance(section, dict):
        raise _error(file, f"{key} is a table, not {_shown(section)}.", _EXAMPLE)
    return section  # pyright: ignore[reportUnknownVariableType]  # keys of TOML are text


def _name(file: Path, name: str) -> str:
    if not is_name(normalized(name)):
        raise _error(
            file, f"[points] asks for {name!r}, which cannot be a name.", "name a gradient, such as dW1."
        )
    return normalized(name)


def _points(file: Path, name: str, value: object) -> float:
    if not _is_number(value, _MOST_POINTS):
        raise _error(file, f"the points of {name} are a number, 0 or more, not {_shown(value)}.")
    return float(value)  # pyright: ignore[reportArgumentType]  # tested above


def _credited(file: Path, key: str) -> str:
    """Return a key of the credit table in its one spelling: a verdict, or a verdict and a mistake."""
    verdict, colon, kind = (part.strip() for part in key.partition(":"))
    if verdict not in _CREDIT:
        raise _error(file, f"[credit]: there is no verdict {verdict}.", nearest(verdict, _CREDIT))
    if colon and kind not in MISTAKES:
        raise _error(file, f"[credit]: there is no mistake {kind}.", nearest(kind, MISTAKES))
    return f"{verdict}: {kind}" if colon else verdict


def _share_of(file: Path, key: str, value: object) -> float:
    if not _is_number(value, 1):
        raise _error(file, f"the credit for {key} is a share from 0 to 1, not {_shown(value)}.")
    return float(value)  # pyright: ignore[reportArgumentType]  # tested above


def _is_number(value: object, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _network(file: Path, found: dict[str, Any]) -> Path | None:
    name = found.get("network")
    if name is None:
        return None
    if not isinstance(name, str) or not name:
        raise _error(file, f"network is the name of a file, not {_shown(name)}.")
    return file.parent / name


def _hints(file: Path, found: dict[str, Any]) -> bool:
    hints = found.get("hints", True)
    if not isinstance(hints, bool):
        raise _error(file, f"hints is true or false, not {_shown(hints)}.")
    return hints


def _shown(value: object) -> str:
    text = repr(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 40 else text[:40] + " …"
