"""Which parts of a document's lines may be equations; everything else is left alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

from chainrule.ir.names import normalized
from chainrule.ir.registry import is_op

_NAME = r"[^\W\d_]\w*(?:[²³]\w+)?"
_DECLARES = re.compile(
    rf"\s*(?:(?:sizes|outputs|scalar)\s+{_NAME}\s*(?:,\s*{_NAME}\s*)*(?:#.*)?$"
    rf"|(?:data|parameter|state|hyperparameter)\s+{_NAME}\s*:|function\s+{_NAME}\s*\()"
)
_EQUATES = re.compile(r"\s*[^\s=<>!:,;.()][^=<>!:,;≈≡∝]{0,40}?\s*(?:=|←|<-|:=|≈|≡|∝)\s*\S")
_GOES_ON = re.compile(r"\s*=(?!=)\s*[^\s=]")
_WORD = r"(?:[A-Za-z]+ ?){1,3}\d*[:)]|=>|⇒|→|∴|(?i:thus|hence|so|therefore|then|and|now|finally),?"
_LEAD = re.compile(rf"\s*(?:{_WORD})\s+(?={_NAME}\s*(?:=|←|:=))")
_PLAIN_LEFT = re.compile(rf"\s*{_NAME}\s*(?:=(?!=)|←|<-)")
_MARKER = re.compile(r"\s*(?:>\s*)*(?:(?:[-*+•]|\d{1,3}[.)]|\(\w{1,3}\))\s+)?")
_LABEL = re.compile(r"[,.]?\s+\(\d+(?:\.\d+)?[a-z]?\)\s*$")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*([\w.+-]*)")
_READ_FENCES = ("", "eqn", "text", "txt", "plain", "math", "chainrule")
_CODE_SPAN = re.compile(r"(`+)([^`]+)\1")
_QUOTIENT = re.compile(r"∂\s*(\w+)\s*/\s*∂\s*(\w+)")
_QUOTIENT_LEFT = re.compile(rf"^(\s*)d(\w+)\s*/\s*d({_NAME})(?=\s*[=:])")
_QUOTIENT_OF_D = re.compile(rf"(?<!\w)d(\w+)\s*/\s*d({_NAME})")
_LATEX = re.compile(r"\s*(?:\$\$|\\\[|\\begin)")
_WORDS = re.compile(r"(?<![\w²])[^\W\d_]{3,}(?:\s+[^\W\d_]{2,})+")


@dataclass(frozen=True)
class Piece:
    """A part of a line that may be a statement.

    Attributes:
        line: from 1.
        text: the line with all else blanked out, so that columns stay what they are.
        written: the statement as it is written.
        goes_on: whether an open bracket may be closed on the next line.
        strict: whether the piece must be a statement: in a .eqn file or a code block.
    """

    line: int
    text: str
    written: str
    goes_on: bool
    strict: bool

    @property
    def column(self) -> int:
        """Where the piece begins, from 1."""
        return len(self.text) - len(self.text.lstrip()) + 1

    def is_prose(self, known: Collection[str]) -> bool:
        """Tell whether a piece that cannot be read is a sentence: two unknown words side by side."""
        if self.strict or self._is_about(known):
            return False
        for run in _WORDS.findall(self.text):
            words = run.split()
            strange = [not is_op(word) and normalized(word) not in known for word in words]
            if any(a and b for a, b in pairwise(strange)):
                return True
        return False

    def _is_about(self, known: Collection[str]) -> bool:
        """Tell whether a piece begins with a known name or its gradient, and so is no sentence."""
        left = _PLAIN_LEFT.match(self.text)
        name = normalized(left.group(0).strip(" =←<-:")) if left else ""
        return name in known or (name.startswith("d") and name[1:] in known)


def pieces(lines: list[str], kind: str) -> Iterator[Piece]:
    """Yield the parts of a document's lines that may be statements.

    Args:
        lines: of the document.
        kind: "eqn" (every line is a statement), "md" or "txt".
    """
    if kind == "eqn":
        yield from _all(lines)
    elif kind == "md":
        yield from _markdown(lines)
    else:
        yield from _plain(lines)


def _all(lines: list[str]) -> Iterator[Piece]:
    for number, line in enumerate(lines, start=1):
        for text in _sentences(line):
            yield _piece(number, text, goes_on=number < len(lines), strict=True)


def _plain(lines: list[str]) -> Iterator[Piece]:
    going_on = False
    for number, line in enumerate(lines, start=1):
        text = line if going_on else _without_marker(line)
        for part in _sentences(text):
            if going_on or looks_like(part):
                going_on = _is_open(part)
                yield _piece(number, part, goes_on=number < len(lines), strict=False)


def _is_open(text: str) -> bool:
    return text.count("(") + text.count("[") > text.count(")") + text.count("]")


def _markdown(lines: list[str]) -> Iterator[Piece]:
    fence, reads, going_on = "", False, False
    for number, line in enumerate(lines, start=1):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence, reads, going_on = mark.group(1), mark.group(2).lower() in _READ_FENCES, False
        elif mark and mark.group(1).startswith(fence) and not line.strip().strip(fence[0]):
            fence, going_on = "", False
        elif not fence or reads:
            found = _inside(line, going_on) if fence else _outside(line, going_on)
            for text, strict in found:
                going_on = _is_open(text) and _more(lines, number)
                yield _piece(number, text, goes_on=_more(lines, number), strict=strict)


def _inside(line: str, going_on: bool) -> Iterator[tuple[str, bool]]:
    """Yield the equations of a line of a code block; they must be equations."""
    for part in _sentences(line if going_on else _without_marker(line)):
        if going_on or looks_like(part):
            yield part, True


def _more(lines: list[str], number: int) -> bool:
    """Tell whether a line follows that may belong to the same equation."""
    return number < len(lines) and bool(lines[number].strip()) and _FENCE.match(lines[number]) is None


def _outside(line: str, going_on: bool) -> Iterator[tuple[str, bool]]:
    """Yield the equations of a line of prose: the line itself, or what stands in backquotes."""
    text = line if going_on else _without_marker(line)
    if _LATEX.match(text) and "=" in text:
        yield text, True
        return
    spans = list(_CODE_SPAN.finditer(text))
    whole = going_on or (not spans and not text.startswith("#") and looks_like(text))
    parts = [text] if whole else []
    for span in spans:
        inside = " " * span.start(2) + span.group(2)
        parts += [inside] if _PLAIN_LEFT.match(inside) or _DECLARES.match(inside) else []
    for part in parts:
        yield from ((sentence, False) for sentence in _sentences(part))


def looks_like(text: str) -> bool:
    """Tell whether a line begins as a declaration or an equation does, or goes on with one."""
    return bool(_DECLARES.match(text) or _EQUATES.match(text) or _GOES_ON.match(text))


def _without_marker(line: str) -> str:
    """Blank out a list's bullet or number, and a word such as "so", before an equation."""
    marker = _MARKER.match(line)
    end = marker.end() if marker else 0
    lead = _LEAD.match(line, end)
    end = lead.end() if lead else end
    return " " * end + line[end:]


def _sentences(line: str) -> Iterator[str]:
    """Yield what stands between semicolons, each at its place, without comment, label and full stop."""
    text = line.partition("#")[0]
    label = _LABEL.search(text)
    if label and not text[: label.start()].rstrip().endswith((":", "=", "+", "-", "*", "/", "⊙")):
        text = text[: label.start()]
    start = 0
    for part in text.split(";"):
        kept = part.rstrip()
        kept = kept[:-1] if kept.endswith((".", ",")) and not _is_open(kept) else kept
        if kept.strip():
            yield " " * start + kept
        start += len(part) + 1


def numerators(line: str) -> list[str]:
    """Return what a line differentiates: J for each ∂J/∂V, and for dJ/dV in a line that begins with one."""
    found = [quotient.group(1) for quotient in _QUOTIENT.finditer(line)]
    if _QUOTIENT_LEFT.match(line):
        found += [quotient.group(1) for quotient in _QUOTIENT_OF_D.finditer(line)]
    return found


def _piece(number: int, text: str, *, goes_on: bool, strict: bool) -> Piece:
    return Piece(number, _in_plain_signs(text), text.strip(), goes_on, strict)


def _in_plain_signs(text: str) -> str:
    """Return text with ∂J/∂W1 as dW1 and := as =, every other character at its place."""
    text = text.replace(":=", " =")
    if _QUOTIENT_LEFT.match(text):
        text = _QUOTIENT_OF_D.sub(_as_gradient, text)
    return _QUOTIENT.sub(_as_gradient, text)


def _as_gradient(quotient: re.Match[str]) -> str:
    """Return dV for ∂J/∂V, in as many characters."""
    return f"d{quotient.group(2)}".ljust(len(quotient.group()))
