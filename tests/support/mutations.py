"""Mistakes made on purpose: a right line, with one thing wrong.

Whether the result is wrong is not for a mutator to say: what a transpose misses on one layer may be the same
on another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chainrule.derivation.verdict import Judgement
from chainrule.derivation.writing import style_of, write
from chainrule.notation.syntax import Expression
from tests.support import mutators, mutators_by_element
from tests.support.derivations import Derivation, Line

Mutator = Callable[[Line, Derivation], Iterator[Expression]]

NAMINGS: Mapping[str, frozenset[str]] = {
    "transpose missing": frozenset({"transpose missing"}),
    "transpose misplaced": frozenset({"transpose misplaced"}),
    "order of factors": frozenset({"order of factors"}),
    "product transposed": frozenset({"order of factors", "transpose missing", "transpose misplaced"}),
    "sign": frozenset({"sign"}),
    "factor missing": frozenset({"factor"}),
    "factor extra": frozenset({"factor"}),
    "mean for a sum": frozenset({"factor"}),
    "sum over the examples missing": frozenset({"sum over the examples missing"}),
    # without its sum, the rule of softmax is that of an element-wise function
    "sum over the classes missing": frozenset({"sum missing", "softmax element by element"}),
    "sum extra": frozenset({"sum extra"}),
    "sum over another axis": frozenset({"sum over another axis"}),
    # at the output of a squared error, what is left without f' is the rule of a linear output
    "f' missing": frozenset({"f' missing", "pair"}),
    "part of f' missing": frozenset({"f' missing", "f' of another function", "factor by elements missing"}),
    "f for f'": frozenset({"f for f'"}),
    "f' of another layer": frozenset({"f' of another layer"}),
    "f' of another function": frozenset({"f' of another function"}),
    "⊙ for a product": frozenset({"⊙ for a product"}),
    "product for ⊙": frozenset({"product for ⊙"}),
    "mask missing": frozenset({"mask missing"}),
    "1/(1−p) missing": frozenset({"1/(1−p) missing"}),
    "pair": frozenset({"pair", "f' missing"}),
    "term missing": frozenset({"term missing"}),
    # right for one output; the axis to sum over is another than all of them
    "size 1": frozenset({"= 1", "sum over another axis"}),
}  # fmt: skip
"""Names that say what was done, by kind of mutation; more than one only where both are true of a line."""


@dataclass(frozen=True)
class Mutant:
    """A changed line.

    Attributes:
        text: the whole equation.
        name: what it claims to be.
        kinds: the mistakes that each lead to this line.
        is_wrong: whether central differences deny it.
    """

    text: str
    name: str
    kinds: frozenset[str]
    is_wrong: bool

    def is_named_by(self, judgement: Judgement) -> bool:
        """Tell whether the first correction of a judgement, or its condition, says what was done."""
        names = frozenset[str]().union(*(NAMINGS[kind] for kind in self.kinds))
        if any(mistake.kind in names for mistake in judgement.mistakes):
            return True
        return "= 1" in names and judgement.message.endswith("= 1.")


def mutants(derivation: Derivation) -> list[Mutant]:
    """Return every different line that one mutation makes of the claims of a derivation."""
    kinds: dict[str, set[str]] = {}
    lines: dict[str, Line] = {}
    known = {claim.text for claim in derivation.claims}
    for claim in derivation.claims:
        style = replace(style_of(claim.text), matrix="")
        for kind, mutator in MUTATORS.items():
            for tree in mutator(claim, derivation):
                text = f"{claim.name} = {write(tree, style)}"
                if text not in known:
                    lines.setdefault(text, derivation.parse(text))
                    kinds.setdefault(text, set()).add(kind)
    return [
        Mutant(text, line.name, frozenset(kinds[text]), not derivation.is_true(line.name, line.right))
        for text, line in lines.items()
    ]


@dataclass(frozen=True)
class Exam:
    """A document in which every name of a derivation is claimed many times, wrongly and then rightly.

    Attributes:
        text: the document.
        mutants: the changed claims, by line.
        right: the claims of the derivation, by line.
    """

    text: str
    mutants: Mapping[int, Mutant]
    right: Mapping[int, Line]


def exam(derivation: Derivation, changed: Sequence[Mutant]) -> Exam:
    """Return a document of changed claims; the right ones of a name come last, so that none is inherited."""
    lines = [*derivation.header.splitlines(), ""]
    wrong: dict[int, Mutant] = {}
    right: dict[int, Line] = {}
    for name in dict.fromkeys(claim.name for claim in derivation.claims):
        for mutant in (m for m in changed if m.name == name):
            lines.append(mutant.text)
            wrong[len(lines)] = mutant
        for claim in (c for c in derivation.claims if c.name == name):
            lines.append(claim.text)
            right[len(lines)] = claim
    return Exam("\n".join(lines), wrong, right)


MUTATORS: Mapping[str, Mutator] = {
    "transpose missing": mutators.transpose_missing,
    "transpose misplaced": mutators.transpose_misplaced,
    "order of factors": mutators.order,
    "product transposed": mutators.product_transposed,
    "sign": mutators.sign,
    "factor missing": mutators.factor_missing,
    "factor extra": mutators.factor_extra,
    "mean for a sum": mutators.mean_for_sum,
    "sum over the examples missing": mutators.example_sum_missing,
    "sum over the classes missing": mutators.class_sum_missing,
    "sum extra": mutators.sum_extra,
    "sum over another axis": mutators.other_axis,
    "f' missing": mutators_by_element.derivative_missing,
    "part of f' missing": mutators_by_element.derivative_halved,
    "f for f'": mutators_by_element.value_for_derivative,
    "f' of another layer": mutators_by_element.other_layer,
    "f' of another function": mutators_by_element.other_function,
    "⊙ for a product": mutators.element_for_matrix,
    "product for ⊙": mutators.matrix_for_element,
    "mask missing": mutators_by_element.mask_missing,
    "1/(1−p) missing": mutators_by_element.scale_missing,
    "pair": mutators_by_element.pair,
    "term missing": mutators.term_missing,
    "size 1": mutators.size_1,
}
