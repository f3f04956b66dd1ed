"""What a check found in a document: as text, as JSON, and written into a copy of the document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from chainrule.derivation.annotate import annotated
from chainrule.derivation.verdict import Judgement, Verdict
from chainrule.derivation.wording import clean, counted_lines, rows
from chainrule.errors import UnknownNameError, nearest
from chainrule.ir.names import normalized

SCHEMA = 1


@dataclass(frozen=True)
class Report:
    """The verdicts on a document's equations, in order.

    It is true if every claim is right. Printed, it shows for each equation how it was read, then the
    verdict, then what to write instead.

    Attributes:
        source: name of the file, or "".
        text: the document.
        judgements: one for each equation; an equation that is one of a chain has its own.
    """

    source: str
    text: str
    judgements: tuple[Judgement, ...]

    @property
    def claims(self) -> tuple[Judgement, ...]:
        """The equations that can be right or wrong."""
        return tuple(judgement for judgement in self.judgements if judgement.is_claim)

    @property
    def ok(self) -> bool:
        """Whether there is a claim, and every claim is right."""
        return bool(self.claims) and all(claim.holds for claim in self.claims)

    @property
    def counts(self) -> dict[Verdict, int]:
        """The number of claims with each verdict, also where it is 0."""
        found = [claim.verdict for claim in self.claims]
        return {verdict: found.count(verdict) for verdict in Verdict if verdict is not Verdict.GIVEN}

    @property
    def summary(self) -> str:
        """One line: how many claims there are of each verdict, and where those are that do not hold."""
        return f"{self.source or 'text'}: {counted_lines(self.judgements)}"

    def without_hints(self) -> Report:
        """Return the same verdicts without what is wrong and what to write instead."""
        bare = tuple(replace(judgement, mistakes=(), suggestions=()) for judgement in self.judgements)
        return replace(self, judgements=bare)

    def __bool__(self) -> bool:
        return self.ok

    def __len__(self) -> int:
        return len(self.judgements)

    def __iter__(self) -> Iterator[Judgement]:
        return iter(self.judgements)

    def __getitem__(self, key: str | int) -> tuple[Judgement, ...]:
        """Return the judgements on a name, such as "dW1", or on a line, from 1.

        Raises:
            UnknownNameError: there is no equation of that name, or none on that line.
        """
        wanted = normalized(key) if isinstance(key, str) else key
        found = tuple(j for j in self.judgements if wanted in (normalized(j.name), j.line))
        if not found:
            what = f"for {key}" if isinstance(key, str) else f"on line {key}"
            names = dict.fromkeys(j.name for j in self.judgements if j.name)
            fix = nearest(str(key), names if isinstance(key, str) else [str(j.line) for j in self.judgements])
            raise UnknownNameError(f"there is no equation {what}.", fix=fix)
        return found

    def __str__(self) -> str:
        blocks = [self._block(judgement) for judgement in self.judgements]
        return "\n\n".join([*blocks, clean(self.summary)])

    def _block(self, judgement: Judgement) -> str:
        number = str(judgement.line).rjust(max(3, len(str(self.judgements[-1].line))))
        lines = [f"{number}  {clean(judgement.source)}"]
        margin = " " * (len(number) + 2)
        lines += (f"{margin}{row.label:<9}  {row.text}".rstrip() for row in rows(judgement, self.judgements))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return what `to_json` writes, as a dictionary."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "ok": self.ok,
            "counts": {verdict.value: number for verdict, number in self.counts.items()},
            "judgements": [asdict(judgement) for judgement in self.judgements],
        }

    def to_json(self) -> str:
        """Return the report as JSON; a key is only ever added, unless the schema's number changes.

        schema      1
        source      name of the file, or ""
        ok          whether there is a claim and every claim is right
        counts      verdict → number of claims, for every verdict
        judgements  in the document's order:
            line, column   from 1
            source         the equation as it is written
            name           what it defines or claims to be
            role           "forward", "loss", "gradient", "update" or "definition"
            verdict        "right", "right only if", "wrong", "inherited", "ambiguous", "unread", "given"
            readings       [{text, shapes}]: fully bracketed, and with shapes for symbols
            message, fix   sentences, or ""
            inherits       names of wrong values that it uses
            mistakes       [{kind, text}]
            suggestions    [{equation, mistakes}], smallest edit first
        """
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def annotated(self) -> str:
        """Return the document with the verdict below each claim, as comments or, in Markdown's prose, quotes.

        The document's own lines stay as they are, and checking the copy gives the same verdicts.
        """
        return annotated(self.text, self.source, self.judgements)
