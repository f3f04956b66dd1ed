"""A document's equations: plain text, Markdown or .eqn, taken apart line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from chainrule.derivation.lines import Piece, numerators, pieces
from chainrule.derivation.tree import subtrees
from chainrule.errors import DataError, KindError, ParseError
from chainrule.ir.names import normalized
from chainrule.notation import syntax
from chainrule.notation.dialect import PLAIN
from chainrule.notation.parser import open_brackets, parse_statement
from chainrule.notation.syntax import Statement
from chainrule.notation.tokens import Token, normalize_text, tokenize

_LONGEST_TEXT = 400_000
_LONGEST_LINE = 4_000
_MOST_EQUATIONS = 2_000
_MOST_SYMBOLS = 500
_DEEPEST = 120


@dataclass(frozen=True)
class Entry:
    """One statement of a document, or why it cannot be read.

    Attributes:
        line: from 1.
        column: from 1.
        source: as it is written.
        name: what an equation defines, normalized; "" for a declaration.
        statement: what it says, or None.
        error: why there is no statement.
    """

    line: int
    column: int
    source: str
    name: str
    statement: Statement | None
    error: ParseError | None = None


@dataclass(frozen=True)
class Document:
    """A text with its statements in order.

    Attributes:
        source: name of the file, or "".
        text: the whole text.
        lines: its lines, with everything that is not an equation blanked out.
        entries: declarations and equations.
        functions: abstract functions with the number of their arguments.
        quotients: for every ∂J/∂V the line and what is differentiated, J.
    """

    source: str
    text: str
    lines: list[str]
    entries: tuple[Entry, ...]
    functions: dict[str, int]
    quotients: tuple[tuple[int, str], ...] = ()


def read_document(document: str | Path, kind: str = "") -> Document:
    """Return the statements of a file, or of a text that has several lines or an equals sign.

    Args:
        document: a path, or the text itself.
        kind: "eqn", "md" or "txt"; else by the file's ending, Markdown if there is a fence, else text.

    Raises:
        DataError: there is no such file, it is no text, or it is too long.
    """
    if not isinstance(document, str | Path):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
        raise KindError(f"a derivation is a path or text, not {type(document).__name__}.")
    if isinstance(document, Path) or (document and not re.search(r"[\n=←]", document)):
        path = Path(document)
        text, source, kind = _contents(path), path.name, kind or _KINDS.get(path.suffix.lower(), "")
    else:
        text, source = document, ""
    if len(text) > _LONGEST_TEXT:
        raise DataError(f"a document has at most {_LONGEST_TEXT} characters, not {len(text)}.", where="")
    text = normalize_text(text)
    reader = _DocumentReader(text, source)
    quotients = tuple((i, j) for i, line in enumerate(text.splitlines(), start=1) for j in numerators(line))
    entries = tuple(reader.entries(kind or ("md" if re.search(r"^\s*(```|~~~)", text, re.M) else "txt")))
    if len(entries) > _MOST_EQUATIONS:
        raise DataError(f"a document has at most {_MOST_EQUATIONS} equations, not {len(entries)}.", where="")
    return Document(source, text, reader.lines, entries, reader.functions, quotients)


_KINDS = {".md": "md", ".markdown": "md", ".eqn": "eqn", ".txt": "txt"}


def _contents(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(
            f"there is no file {path}.", where="", fix="give a path, or the text of a derivation."
        ) from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not text in UTF-8.", where="", fix="save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path} cannot be read: {reason}.", where="") from None


class _DocumentReader:
    """Reads pieces of text in order: a declared function is known from its line on."""

    def __init__(self, text: str, source: str) -> None:
        self.text, self.source = text, source
        self.lines, self.original = text.splitlines(), text.splitlines()
        self.functions: dict[str, int] = {}
        self.known: set[str] = set()
        self.last: Token | None = None

    def entries(self, kind: str) -> Iterator[Entry]:
        """Yield every statement."""
        gathered: list[Token] = []
        start: Piece | None = None
        for piece in pieces(self.lines, kind):
            self.lines[piece.line - 1] = piece.text
            if len(piece.text) > _LONGEST_LINE:
                yield self._too_long(piece)
                continue
            try:
                tokens = tokenize(piece.text, piece.line, self.source)
            except ParseError as error:
                if not piece.is_prose(self.known):
                    yield self._unread(start or piece, error)
                gathered, start = [], None
                continue
            if not gathered and tokens[0].text == "=" and self.last is not None:
                # A line that begins with an equals sign goes on with the equation above it.
                tokens = [replace(self.last, line=piece.line, start=tokens[0].start), *tokens]
            gathered += tokens[:-1]
            start = start or piece
            if gathered and (open_brackets(gathered) <= 0 or not piece.goes_on):
                yield from self._statements(start, [*gathered, tokens[-1]])
                gathered, start = [], None

    def _too_long(self, piece: Piece) -> Entry:
        error = ParseError(
            f"a line has at most {_LONGEST_LINE} characters.",
            line=piece.line,
            column=_LONGEST_LINE,
            expected="a shorter line",
            source=self.source,
            fix="break the line inside a bracket.",
        )
        return replace(self._unread(piece, error), source=piece.written[:60] + " …")

    def _unread(self, piece: Piece, error: ParseError, source: str = "") -> Entry:
        found = re.match(r"\s*([^\W\d]\w*)\s*(?:=|←|<-|:=)", piece.text)
        name = normalized(found.group(1)) if found else ""
        return Entry(piece.line, piece.column, source or piece.written, name, None, error)

    def _statements(self, piece: Piece, tokens: list[Token]) -> Iterator[Entry]:
        """Yield the equations of one piece: a chain of equals signs makes several of one name."""
        for parts in filter(_says_something, _split(tokens)):
            source = self._written(piece, parts)
            try:
                statement = parse_statement(parts, self.lines, self.source, PLAIN, self.functions)
            except ParseError as error:
                if not piece.is_prose(self.known):
                    yield self._unread(piece, error, source)
                return
            if isinstance(statement, syntax.Equation) and piece.is_prose(self.known):
                return
            yield self._entry(piece, parts, source, statement)

    def _too_large(self, piece: Piece, statement: syntax.Equation) -> ParseError | None:
        """Return the refusal of a right side that is too large to be walked over, or None."""
        paths = [path for path, _ in islice(subtrees(statement.right), _MOST_SYMBOLS + 1)]
        if len(paths) <= _MOST_SYMBOLS and max(map(len, paths)) <= _DEEPEST:
            return None
        return ParseError(
            f"a right side has at most {_MOST_SYMBOLS} symbols and signs, nested at most {_DEEPEST} deep.",
            line=piece.line,
            column=piece.column,
            expected="a shorter equation",
            source=self.source,
            fix="name a part of it on a line of its own.",
        )

    def _entry(self, piece: Piece, tokens: list[Token], source: str, statement: Statement) -> Entry:
        if isinstance(statement, syntax.Equation):
            name = normalized(statement.name)
            self.known.add(name)
            self.last = tokens[0]
            error = self._too_large(piece, statement)
            kept = None if error else statement
            return Entry(tokens[0].line, tokens[0].start + 1, source, name, kept, error)
        self.known.update(normalized(item.name) for item in statement.items)
        if statement.keyword == "function":
            self.functions.update((normalized(f.name), len(f.shape)) for f in statement.items)
        return Entry(tokens[0].line, tokens[0].start + 1, source, "", statement)

    def _written(self, piece: Piece, tokens: list[Token]) -> str:
        """Return what the tokens of one equation stand for in the text, on one line."""
        first, second = tokens[0], tokens[1]
        text = self._between(tokens[:-1])
        chained = second.text == "=" and self._between([first, second]).count("=") > 1
        return f"{first.written} = {self._between(tokens[2:-1])}" if chained else text

    def _between(self, tokens: list[Token]) -> str:
        """Return the text from the first token to the last, joined where it goes over several lines."""
        by_line: dict[int, list[Token]] = {}
        for token in tokens:
            by_line.setdefault(token.line, []).append(token)
        parts = (self._slice(line, found) for line, found in by_line.items())
        return " ".join(part.strip() for part in parts)

    def _slice(self, line: int, tokens: list[Token]) -> str:
        """Return a line from one token to another; a quotient ∂J/∂V reaches to where its blanks end."""
        start, end = tokens[0].start, tokens[-1].end
        rewritten, original = self.lines[line - 1], self.original[line - 1]
        while end < len(rewritten) and rewritten[end] == " " and end < len(original) and original[end] != " ":
            end += 1
        return original[start:end]


def _says_something(tokens: list[Token]) -> bool:
    return len(tokens) > 1


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each equation: after a comma, and for each further = of a chain."""
    end = tokens[-1]
    for equation in _at_commas(tokens[:-1]):
        signs = _at_depth_0(equation, "=")
        if len(signs) < 2 or signs[0] != 1:
            yield [*equation, end]
            continue
        for place, start in enumerate(signs):
            stop = signs[place + 1] if place + 1 < len(signs) else len(equation)
            yield [equation[0], *equation[start:stop], end]


def _at_depth_0(tokens: list[Token], sign: str) -> list[int]:
    """Return where a sign stands outside of brackets."""
    depth, places = 0, list[int]()
    for place, token in enumerate(tokens):
        if token.kind != "sign":
            continue
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if token.text == sign and depth == 0:
            places.append(place)
    return places


def _at_commas(tokens: list[Token]) -> Iterator[list[Token]]:
    """Yield the parts between those commas that a new `name =` follows."""
    start = 0
    for comma in _at_depth_0(tokens, ","):
        follows = tokens[comma + 1 : comma + 3]
        if len(follows) == 2 and follows[0].kind == "name" and follows[1].text in ("=", "←"):
            yield tokens[start:comma]
            start = comma + 1
    rest = tokens[start:]
    yield rest[:-1] if len(rest) > 1 and rest[-1].text == "," else rest
