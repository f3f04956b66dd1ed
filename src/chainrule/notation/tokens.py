"""From characters to tokens, each with its line and column."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chainrule.errors import ParseError
from chainrule.notation.dialect import FROM_SUBSCRIPT, FROM_SUPERSCRIPT

TokenKind: TypeAlias = Literal["number", "name", "sign", "raised", "lowered", "sigma", "end"]

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SIGNS = (
    "←", "||", "<=", ">=", "==", "!=", ".*", "**",
    "⊙", "ᵀ", "‖", "≤", "≥", "≠", "−", "–", "+", "-", "*", "/", "@", "^", "(", ")", "[", "]",
    ",", ":", "=", "<", ">", "'", "′", "·",
)  # fmt: skip
_SIGN = re.compile("|".join(map(re.escape, _SIGNS)))
_SPELLINGS = {"−": "-", "–": "-", "≤": "<=", "≥": ">=", "≠": "!=", "‖": "||", "⊙": ".*", "′": "'", "**": "^"}
_PREFIX = re.compile(r"(?:d[²³⁴⁵⁶⁷⁸⁹])+(?=[^\W\d_])")
_AFTER_NORM = re.compile(r"₁|_1(?![0-9])")
_MOST_DIGITS = 160
_HINTS = {
    "∑": "write Σₘ X with the Greek letter, or sum_m X.",
    "⊤": "write Wᵀ or W^T.",
    "½": "write 1/2.",
    "×": "write A B for the matrix product, A ⊙ B or A .* B element by element.",
    "√": "write x^0.5.",
    "\\": "LaTeX is printed, not read: write λ or lambda, ⊙ or .*, Σₘ or sum_m.",
    "Σ": "say over which axis: Σₘ X or sum_m X, or sum(X) over all.",
    ".": "write A .* B, W^T, A B and 0.5; there is no np.sum(X), W.T, A.dot(B) or .5.",
    "∇": "write dW1 for the gradient with respect to W1.",
    "∂": "write dW1 for the gradient with respect to W1.",
    "$": "LaTeX is printed, not read: write W1ᵀ, A ⊙ B, Σₘ Z in plain text.",
    "{": "brackets are round.",
}


@dataclass(frozen=True)
class Token:
    """A piece of one line of text.

    Attributes:
        kind: what it is; a raised exponent is a token of its own, so is a sum sign with its letter.
        text: its ASCII spelling.
        written: as it stands in the source.
        line: line number, from 1.
        start: column where it begins, from 0.
        end: column after its last character.
        tight: whether it follows the token before without a space.
    """

    kind: TokenKind
    text: str
    written: str
    line: int
    start: int
    end: int
    tight: bool


def tokenize(line: str, number: int, source: str = "") -> list[Token]:
    """Return the tokens of one line, an `end` token last; a comment ends the line.

    Raises:
        ParseError: a character has no meaning.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(line) and line[position] != "#":
        if line[position].isspace():
            position += 1
            continue
        kind, text, end = _token_at(line, position, number, source)
        tight = bool(tokens) and tokens[-1].end == position
        tokens.append(Token(kind, text, line[position:end], number, position, end, tight))
        position = end
    tokens.append(Token("end", "", "", number, len(line.rstrip()), len(line), False))
    return tokens


def _token_at(line: str, position: int, number: int, source: str) -> tuple[TokenKind, str, int]:
    """Return kind, ASCII text and end of the token that begins at a position."""
    match = _NUMBER.match(line, position)
    if match:
        if len(match.group()) > _MOST_DIGITS:
            raise _unreadable(line, position, number, source, "a number of that many digits")
        return "number", match.group(), match.end()
    sign = line[position]
    if sign == "Σ" and position + 1 < len(line) and line[position + 1] in (*FROM_SUBSCRIPT, "_"):
        return _sigma(line, position)
    if sign in FROM_SUPERSCRIPT:
        end = _while(line, position, FROM_SUPERSCRIPT)
        return "raised", "".join(FROM_SUPERSCRIPT[s] for s in line[position:end]), end
    index = _AFTER_NORM.match(line, position)
    if index and line[position - 1] in "|‖":
        return "lowered", "1", index.end()
    end = _name_end(line, position)
    if end > position:
        name = line[position:end]
        if name.startswith("sum_") and len(name) > 4:
            return "sigma", name[4:], end
        return "name", name, end
    match = _SIGN.match(line, position)
    if match:
        return "sign", _SPELLINGS.get(match.group(), match.group()), match.end()
    raise _unreadable(line, position, number, source, repr(line[position]))


def _unreadable(line: str, position: int, number: int, source: str, what: str) -> ParseError:
    return ParseError(
        f"cannot read {what} here.",
        line=number,
        column=position + 1,
        found=line[position],
        expected="a name, a number, a bracket or an operator",
        text=line,
        source=source,
        fix=_HINTS.get(line[position]) or "expected a name, a number, a bracket or an operator.",
    )


def _while(line: str, position: int, signs: dict[str, str]) -> int:
    while position < len(line) and line[position] in signs:
        position += 1
    return position


def _sigma(line: str, position: int) -> tuple[TokenKind, str, int]:
    """Read Σ with the letter of its axis: Σₘ or Σ_d."""
    if line[position + 1] == "_":
        end = _name_end(line, position + 2)
        return "sigma", line[position + 2 : end], end
    end = _while(line, position + 1, FROM_SUBSCRIPT)
    return "sigma", "".join(FROM_SUBSCRIPT[s] for s in line[position + 1 : end]), end


def _name_end(line: str, position: int) -> int:
    """Return where a name that begins at a position ends; the position itself if none does."""
    prefix = _PREFIX.match(line, position)
    end = prefix.end() if prefix else position
    while end < len(line) and _belongs(line[end], first=end == position):
        end += 1
    return end


def _belongs(sign: str, *, first: bool) -> bool:
    if sign in FROM_SUBSCRIPT or sign in "ᵀΣ∑·":
        return False
    return sign.isidentifier() if first else ("a" + sign).isidentifier()


def normalize_text(text: str) -> str:
    """Return text with composed letters and without the invisible mark some editors put first."""
    return unicodedata.normalize("NFC", text.removeprefix("\ufeff"))
