"""Walking over the tokens of a statement: what is next, what is expected, and where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeVar

from chainrule.errors import ParseError
from chainrule.notation.syntax import Span
from chainrule.notation.tokens import Token

ItemT = TypeVar("ItemT")
_LONGEST_FOUND = 30


class Cursor:
    """A place among the tokens of one statement.

    Args:
        tokens: of the statement, an `end` token last.
        lines: of the whole document, for messages.
        source: name of the file, for messages.
    """

    def __init__(self, tokens: list[Token], lines: list[str], source: str) -> None:
        self.tokens, self.lines, self.source = tokens, lines, source
        self.at: int = 0

    @property
    def here(self) -> Token:
        """The token to be read next."""
        return self.tokens[self.at]

    def fail(self, expected: str, message: str = "", token: Token | None = None) -> NoReturn:
        """Raise a ParseError at a token, the next one if none is given."""
        token = token or self.here
        found = token.written[:_LONGEST_FOUND] or "the end of the line"
        raise ParseError(
            message or f"found {found} where {expected} should stand.",
            line=token.line,
            column=token.start + 1,
            found=found,
            expected=expected,
            text=self.lines[token.line - 1],
            source=self.source,
            fix=f"expected {expected}." if message else "",
        )

    def sees(self, *texts: str) -> bool:
        """Tell whether the next token is one of these signs."""
        return self.here.kind == "sign" and self.here.text in texts

    def take(self, *texts: str) -> Token | None:
        """Read the next token if it is one of these signs."""
        if not self.sees(*texts):
            return None
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, text: str, meaning: str = "") -> Token:
        """Read a sign, or fail saying what it would have meant."""
        return self.take(text) or self.fail(meaning or f"{text}")

    def expect_name(self, meaning: str) -> Token:
        """Read a name, or fail saying what it would have been."""
        if self.here.kind != "name":
            self.fail(meaning)
        self.at += 1
        return self.tokens[self.at - 1]

    def span(self, start: Token) -> Span:
        """Return the place from a token to the last one read."""
        last = self.tokens[max(self.at - 1, 0)]
        return Span(start.line, start.start, last.end if last.line == start.line else start.end)

    def separated(self, item: Callable[[], ItemT], closing: str = "") -> list[ItemT]:
        """Read items between commas; a comma before the closing bracket is allowed."""
        items = [item()]
        while self.take(","):
            if closing and self.sees(closing):
                break
            items.append(item())
        return items
