"""Documents to start from, the words of the language, and random changes of a document."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

from chainrule.ir.registry import every_op
from chainrule.notation.dialect import FROM_SUBSCRIPT, FROM_SUPERSCRIPT, PLAIN
from tests.support.grammar import expression

ROOT = Path(__file__).parents[2]
_PLACES = ("examples/*.eqn", "examples/derivations/**/*.eqn", "tests/golden/*.eqn", "tests/golden/*.txt")
_DEFINED = re.compile(r"^\s*(\w+) *(?:=|←)", re.MULTILINE)
_TOKEN = re.compile(r"\n|[^\S\n]+|\w+|.")
_MOST_COPIES = 40

_WORDS = """
= ← <- + - − * ** / @ .* ⊙ · ^ ^T ᵀ ' ′ ( ) () [ ] 1[ , : ; := || ‖ ‖² ‖₁ ||^2 ||_1 < > <= >= == != ≤ ≥ ≠ #
Σ Σₘ Σ_d sum_m ∂ ∂J/∂W1 { \\ $ ``` ²³ ⁻¹
m d h k X Y W1 b1 Z1 A1 J L λ lambda α dW1 d²W1 d2_W1 size size(m) T t1 φ index bool frozen none true axis=0
keepdims=true 0 1 2 0.5 1e-5 1e300 1e-300 64 99999999 1/m
"""
_PHRASES = ("\n", " ", "function φ(z)", "shape=(m, 1)", "2/(m k)")


def documents() -> list[str]:
    """Return the documents of the repository that are equations."""
    files = sorted({path for pattern in _PLACES for path in ROOT.glob(pattern)})
    return [path.read_text(encoding="utf-8") for path in files]


def words() -> list[str]:
    """Return every word and sign of the language."""
    ops = [op.name for op in every_op() if op.is_built_in and op.name not in ("leaf", "constant")]
    scripts = [*FROM_SUBSCRIPT, *FROM_SUPERSCRIPT]
    return [*PLAIN.keywords, *_WORDS.split(), *_PHRASES, *ops, *(f"{op}(" for op in ops), *scripts]


def changed(text: str, chance: random.Random, vocabulary: list[str]) -> str:
    """Return a document with a few of its tokens or lines changed."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        text = chance.choice(_CHANGES)(text, chance, vocabulary)
    return text


def _by_tokens(change: Callable[[list[str], int, random.Random, list[str]], None]) -> _Change:
    def apply(text: str, chance: random.Random, vocabulary: list[str]) -> str:
        tokens = _TOKEN.findall(text) or [""]
        change(tokens, chance.randrange(len(tokens)), chance, vocabulary)
        return "".join(tokens)

    return apply


def _by_lines(change: Callable[[list[str], int, random.Random], None]) -> _Change:
    def apply(text: str, chance: random.Random, vocabulary: list[str]) -> str:
        lines = text.split("\n")
        change(lines, chance.randrange(len(lines)), chance)
        return "\n".join(lines)

    return apply


def _replace(tokens: list[str], place: int, chance: random.Random, vocabulary: list[str]) -> None:
    tokens[place] = chance.choice(vocabulary)


def _insert(tokens: list[str], place: int, chance: random.Random, vocabulary: list[str]) -> None:
    tokens.insert(place, chance.choice(vocabulary))


def _delete(tokens: list[str], place: int, chance: random.Random, vocabulary: list[str]) -> None:
    del tokens[place : place + chance.choice((1, 1, 2, 4))]


def _swap(tokens: list[str], place: int, chance: random.Random, vocabulary: list[str]) -> None:
    other = chance.randrange(len(tokens))
    tokens[place], tokens[other] = tokens[other], tokens[place]


def _borrow(tokens: list[str], place: int, chance: random.Random, vocabulary: list[str]) -> None:
    tokens[place] = chance.choice(tokens)


def _repeat(tokens: list[str], place: int, chance: random.Random, vocabulary: list[str]) -> None:
    piece = tokens[place : place + chance.randint(1, 6)]
    tokens[place:place] = piece * chance.choice((1, 2, 3, _MOST_COPIES))


def _wrap(tokens: list[str], place: int, chance: random.Random, vocabulary: list[str]) -> None:
    end = min(len(tokens), place + chance.randint(1, 12))
    opening, closing = chance.choice(
        (("(", ")"), ("tanh(", ")"), ("1[", " > 0]"), ("‖", "‖²"), ("sum(", ")"))
    )
    copies = chance.choice((1, 1, 1, _MOST_COPIES))
    tokens[place:end] = [opening * copies, *tokens[place:end], closing * copies]


def _drop_line(lines: list[str], place: int, chance: random.Random) -> None:
    del lines[place]


def _move_line(lines: list[str], place: int, chance: random.Random) -> None:
    lines.insert(chance.randrange(len(lines)), lines.pop(place))


def _copy_line(lines: list[str], place: int, chance: random.Random) -> None:
    lines.insert(place, chance.choice(lines))


def _add_equation(lines: list[str], place: int, chance: random.Random) -> None:
    names = [*_DEFINED.findall("\n".join(lines)), "X", "W"]
    name = f"Q{chance.randrange(100)}"
    lines.insert(
        len(lines) if chance.random() < 0.8 else place, f"{name} = {expression(chance, names, depth=1)}"
    )


_Change = Callable[[str, random.Random, list[str]], str]
_CHANGES: list[_Change] = [
    *map(
        _by_tokens, (_replace, _replace, _insert, _insert, _delete, _swap, _borrow, _borrow, _repeat, _wrap)
    ),
    *map(_by_lines, (_drop_line, _move_line, _copy_line, *[_add_equation] * 4)),
]
