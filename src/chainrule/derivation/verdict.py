"""What a check answers: a verdict for each equation of a document, with what led to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["forward", "loss", "gradient", "update", "definition"]


class Verdict(StrEnum):
    """How a line was judged.

    `right`: equal to the truth at every draw. `right only if`: under the condition that the message
    names. `wrong`: not equal on true values of what it uses. `inherited`: the step is right, but a value
    it uses is not. `ambiguous`: it can be read in two ways with different values. `unread`: it looks
    like an equation, but cannot be read. `given`: it defines the network, so there is nothing to judge.
    """

    RIGHT = "right"
    CONDITIONAL = "right only if"
    WRONG = "wrong"
    INHERITED = "inherited"
    AMBIGUOUS = "ambiguous"
    UNREAD = "unread"
    GIVEN = "given"


@dataclass(frozen=True)
class Mistake:
    """A mistake by its kind and in words.

    Attributes:
        kind: its key in the table of mistakes, such as "transpose missing".
        text: one sentence about this line, such as "the transpose of W2 is missing".
    """

    kind: str
    text: str


@dataclass(frozen=True)
class Suggestion:
    """A corrected equation that holds at every draw.

    Attributes:
        equation: the whole equation, written as the document writes.
        mistakes: what was changed, smallest edits first.
    """

    equation: str
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class Reading:
    """How a line was read.

    Attributes:
        text: the equation with every product and sum in brackets.
        shapes: the same equation with shapes in the place of symbols.
    """

    text: str
    shapes: str


@dataclass(frozen=True)
class Judgement:
    """The verdict on one equation.

    Attributes:
        line: line of the document, from 1.
        column: column where the equation begins, from 1.
        source: the equation as it is written.
        name: what it defines or claims to be.
        role: forward, loss, gradient or update; a definition of a name of the document's own.
        verdict: how it was judged.
        readings: how it was read; several if it is ambiguous, none if it is unread.
        message: the condition, the two readings' difference, or why it cannot be read; else "".
        fix: what to change, for a line that cannot be read or is ambiguous; else "".
        inherits: names of wrong values that it uses.
        mistakes: what is wrong, named; also where no suggestion was found.
        suggestions: corrections, smallest edit first.
    """

    line: int
    column: int
    source: str
    name: str
    role: Role
    verdict: Verdict
    readings: tuple[Reading, ...] = ()
    message: str = ""
    fix: str = ""
    inherits: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()

    @property
    def is_claim(self) -> bool:
        """Whether the line states something that can be right or wrong."""
        return self.verdict is not Verdict.GIVEN

    @property
    def holds(self) -> bool:
        """Whether nothing is to be mended in this line."""
        return self.verdict in (Verdict.RIGHT, Verdict.GIVEN)
