"""Verdicts written into a copy of a document, so that the copy can be checked like the document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from chainrule.derivation.verdict import Judgement, Verdict
from chainrule.derivation.wording import Row, clean, rows

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_MARGIN = re.compile(r"\s*")
_ITEM = re.compile(r"\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)?")
_QUOTE = re.compile(r"\s*>")
_MARKDOWN = (".md", ".markdown")
_PLAIN = (".eqn", ".txt")


@dataclass(frozen=True)
class _Block:
    """Lines of Markdown that a note must not tear apart.

    Attributes:
        is_code: whether notes are comments within it.
        last: place of its last line; notes that are no comments come after it.
    """

    is_code: bool
    last: int


def annotated(text: str, source: str, judgements: Sequence[Judgement]) -> str:
    """Return a text with notes below the equations that claim something.

    Args:
        text: the document.
        source: name of its file, which tells Markdown from other text; "" if there is none.
        judgements: on its equations.
    """
    lines = text.splitlines(keepends=True)
    last = len(lines) - 1
    whole = dict.fromkeys(range(len(lines)), _Block(True, last))
    blocks = _blocks(lines) if _is_markdown(text, source) else whole
    notes: dict[int, list[str]] = {}
    for line, claims in _by_line(judgements).items():
        block = blocks.get(line, _Block(False, line))
        place = _end_of_equation(lines, line, block.last) if block.is_code else block.last
        is_named = len(claims) > 1 or (line in blocks and not block.is_code)
        notes.setdefault(place, []).extend(_notes(lines[line], claims, block.is_code, is_named))
    return "".join(
        part for place in range(len(lines)) for part in _with_notes(lines, place, notes.get(place))
    )


def _by_line(judgements: Iterable[Judgement]) -> dict[int, list[Judgement]]:
    """Return the claims on each line, from 0."""
    found: dict[int, list[Judgement]] = {}
    for judgement in judgements:
        if judgement.is_claim:
            found.setdefault(judgement.line - 1, []).append(judgement)
    return found


def _is_markdown(text: str, source: str) -> bool:
    if source.lower().endswith(_PLAIN):
        return False
    return source.lower().endswith(_MARKDOWN) or any(_FENCE.match(line) for line in text.splitlines())


def _with_notes(lines: list[str], place: int, notes: list[str] | None) -> Iterator[str]:
    """Yield a line and its notes, with the line's own ending."""
    line = lines[place]
    yield line
    if notes is None:
        return
    bare = line.rstrip("\r\n")
    ending = line[len(bare) :] or "\n"
    is_quote = bool(_QUOTE.match(notes[0]))
    if is_quote:
        notes = [*(f"{note}  " for note in notes[:-1]), notes[-1]]
        notes = [">", *notes] if _QUOTE.match(line) else notes
    if (is_quote or len(notes) > 1) and place + 1 < len(lines) and lines[place + 1].strip():
        notes = [*notes, ""]
    text = ending.join(notes)
    yield text + ending if bare != line else ending + text


def _notes(line: str, claims: list[Judgement], is_code: bool, is_named: bool) -> list[str]:
    """Return the notes on the claims of one line."""
    indent = _MARGIN.match(line) if is_code else _ITEM.match(line)
    before = re.sub(r"\S", " ", indent.group()) if indent else ""
    form = _comments if is_code else _quotes
    return [before + note for claim in claims for note in form(claim, _told(claim), is_named)]


def _told(claim: Judgement) -> list[Row]:
    """Return what a note says: how a line was read only if there is something to mend."""
    return [row for row in rows(claim) if row.kind != "reading" or not claim.holds]


def _comments(claim: Judgement, found: list[Row], is_named: bool) -> list[str]:
    """Return notes after #, for code and plain text."""
    return [
        *([f"# {clean(claim.source)}"] if is_named else []),
        *(f"# {_plain(row, claim)}" for row in found),
    ]


def _plain(row: Row, claim: Judgement) -> str:
    return _sentence(row, claim) if row.kind == "verdict" else f"  {row.label:<7}  {row.text}"


def _sentence(row: Row, claim: Judgement) -> str:
    """Return a verdict in words, with a colon before anything that may look like an equation."""
    if not row.label:
        return f"  also: {row.text}"
    verdict = claim.verdict.value
    text = row.text.removeprefix("only if ") if claim.verdict is Verdict.CONDITIONAL else row.text
    return f"{verdict}: {text}" if text else verdict


def _quotes(claim: Judgement, found: list[Row], is_named: bool) -> list[str]:
    """Return notes as a Markdown quote: verdicts in bold, equations as code that begins with a word."""
    parts = [_code(f"on  {clean(claim.source)}")] if is_named else []
    return [f"> {part}" for part in [*parts, *(_quoted(row, claim) for row in found)]]


def _quoted(row: Row, claim: Judgement) -> str:
    if row.kind in ("reading", "correction"):
        return _code(f"{row.label}  {row.text}")
    sentence = _sentence(row, claim) if row.kind == "verdict" else f"{row.label}: {row.text}"
    verdict, colon, text = sentence.strip().partition(":")
    return f"**{verdict}**{colon}{text}".replace("`", "'")


def _code(text: str) -> str:
    return "`" + text.replace("`", "'") + "`"


def _end_of_equation(lines: list[str], start: int, last: int) -> int:
    """Return the place of the line on which an equation's brackets are closed; its first, if nowhere."""
    depth = 0
    for place in range(start, last + 1):
        text = lines[place].partition("#")[0]
        depth += text.count("(") + text.count("[") - text.count(")") - text.count("]")
        if depth <= 0:
            return place
    return start


def _blocks(lines: list[str]) -> dict[int, _Block]:
    """Return the code, the displayed formulas and the tables of a Markdown text, for each of their lines."""
    found: dict[int, _Block] = {}
    place = 0
    while place < len(lines):
        end, is_code = _end_of_block(lines, place)
        if end > place:
            found.update(dict.fromkeys(range(place, end + 1), _Block(is_code, end)))
        place = end + 1
    return found


def _end_of_block(lines: list[str], start: int) -> tuple[int, bool]:
    """Return the place of the last line of the block that begins at a line, and whether it is code."""
    fence = _FENCE.match(lines[start])
    first = lines[start].strip()
    last = len(lines) - 1
    if fence:
        return min(_next(lines, start, lambda line: _closes(line, fence.group(1))), last), True
    if first == "$$":
        return min(_next(lines, start, lambda line: line == "$$"), last), False
    if first.startswith("|"):
        return _next(lines, start, lambda line: not line.startswith("|")) - 1, False
    return start, False


def _next(lines: list[str], start: int, wanted: Callable[[str], bool]) -> int:
    """Return the place of the next line that is wanted, or the number of lines."""
    following = range(start + 1, len(lines))
    return next((place for place in following if wanted(lines[place].strip())), len(lines))


def _closes(line: str, fence: str) -> bool:
    return line.startswith(fence) and not line.strip(fence[0])
