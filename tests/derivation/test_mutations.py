"""Mistakes are made on purpose, and central differences say which of them are mistakes.

The truth comes from tests/support/derivations.py, the mistakes from tests/support/mutators.py; neither uses
anything of the checker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

from chainrule.derivation.check import check
from chainrule.derivation.tree import names_in
from chainrule.derivation.verdict import Judgement, Verdict
from chainrule.derivation.writing import style_of, write
from tests.support.derivations import Derivation, Line, MisfitError, derivations
from tests.support.mutations import MUTATORS, Mutant, exam, mutants
from tests.support.mutators import sign

DERIVATIONS = {derivation.title: derivation for derivation in derivations()}
EACH = pytest.mark.parametrize("title", DERIVATIONS)
NAMED_EVERY = 8
GOAL = 0.95


@cache
def changed(title: str) -> list[Mutant]:
    return mutants(DERIVATIONS[title])


def judged(
    derivation: Derivation, some: list[Mutant], *, hints: bool
) -> Iterator[tuple[Judgement, Mutant | None]]:
    """Yield the judgement on every claim of an exam, with the mutant if it is one."""
    paper = exam(derivation, some)
    by_line = {judgement.line: judgement for judgement in check(paper.text, hints=hints).claims}
    assert by_line.keys() == paper.mutants.keys() | paper.right.keys()
    return ((judgement, paper.mutants.get(line)) for line, judgement in by_line.items())


@EACH
def test_central_differences_confirm_the_right_lines(title: str) -> None:
    derivation = DERIVATIONS[title]
    assert [c.text for c in derivation.claims if not derivation.is_true(c.name, c.right)] == []


def test_there_are_enough_networks_claims_and_mistakes_of_each_kind() -> None:
    every = [mutant for title in DERIVATIONS for mutant in changed(title)]
    wrong = Counter(kind for mutant in every if mutant.is_wrong for kind in mutant.kinds)
    right = sum(len(derivation.claims) for derivation in DERIVATIONS.values())
    assert len(DERIVATIONS) >= 20
    assert len(every) + right >= 2000
    assert any(not mutant.is_wrong for mutant in every)
    assert min(wrong[kind] for kind in MUTATORS) >= 5, wrong


@EACH
def test_no_wrong_claim_is_accepted_and_no_right_one_refused(title: str) -> None:
    for judgement, mutant in judged(DERIVATIONS[title], changed(title), hints=False):
        is_wrong = mutant is not None and mutant.is_wrong
        assert (judgement.verdict is Verdict.RIGHT) != is_wrong, judgement
        assert judgement.verdict is not Verdict.UNREAD, judgement


def test_mistakes_are_named_and_what_is_suggested_is_right() -> None:
    found: Counter[str] = Counter()
    named: Counter[str] = Counter()
    for place, (title, derivation) in enumerate(DERIVATIONS.items()):
        for judgement, mutant in judged(derivation, sample(title, place), hints=True):
            for suggestion in judgement.suggestions:
                line = derivation.parse(suggestion.equation)
                assert derivation.is_true(line.name, line.right), (judgement.source, suggestion.equation)
            if mutant is not None:
                found.update(mutant.kinds)
                named.update(mutant.kinds if mutant.is_named_by(judgement) else ())
    share = named.total() / found.total()
    table = "\n".join(f"{kind}: {named[kind]} of {found[kind]}" for kind in sorted(found))
    assert found.keys() == MUTATORS.keys()
    assert share >= GOAL, f"{share:.1%} of the mistakes are named rightly\n{table}"


def sample(title: str, start: int) -> list[Mutant]:
    """Return the first wrong claim of every kind, and some of the others."""
    wrong = [mutant for mutant in changed(title) if mutant.is_wrong]
    first = {kind: mutant for mutant in reversed(wrong) for kind in mutant.kinds}
    chosen = {mutant.text for mutant in (*first.values(), *wrong[start % NAMED_EVERY :: NAMED_EVERY])}
    return [mutant for mutant in wrong if mutant.text in chosen]


def first_lines(derivation: Derivation) -> list[Line]:
    """Return the first of the lines that claim each name."""
    by_name: dict[str, Line] = {}
    for claim in derivation.claims:
        by_name.setdefault(claim.name, claim)
    return list(by_name.values())


def wrong_names(derivation: Derivation, lines: list[Line]) -> set[str]:
    """Return the names whose value is wrong where each line is computed from the lines before it."""
    world = derivation.worlds[0]
    own, wrong, lost = dict(world.values), set[str](), set[str]()
    for line in lines:
        try:
            value = world.evaluator.value(line.right, own)
        except MisfitError:
            value = None
        if value is None or lost & set(names_in(line.right)) or value.shape != own[line.name].shape:
            lost.add(line.name)
            continue
        if abs(value - own[line.name]).max() > 1e-6 * abs(own[line.name]).max():
            own[line.name] = value
            wrong.add(line.name)
    return wrong | lost


@EACH
def test_what_follows_from_a_mistake_inherits_it(title: str) -> None:
    derivation = DERIVATIONS[title]
    lines = first_lines(derivation)
    wrong = [mutant for mutant in changed(title) if mutant.is_wrong]
    for mutant in wrong[:: max(1, len(wrong) // 6)]:
        line = derivation.parse(mutant.text)
        document = [line if claim.name == mutant.name else claim for claim in lines]
        report = check("\n".join([derivation.header, "", *(claim.text for claim in document)]), hints=False)
        inherits = wrong_names(derivation, document) - {mutant.name}
        for judgement in report.claims:
            if judgement.name == mutant.name:
                assert judgement.verdict is not Verdict.RIGHT, judgement
            else:
                expected = Verdict.INHERITED if judgement.name in inherits else Verdict.RIGHT
                assert judgement.verdict is expected, (mutant.text, judgement)


LOSSES = ("columns_sigmoid_bce", "columns_three_softmax", "rows_softmax_regression", "single_column_bce")


@pytest.mark.parametrize("title", LOSSES)
def test_a_wrong_sign_in_a_loss_is_named_and_the_gradients_of_the_loss_that_was_meant_are_right(
    title: str,
) -> None:
    derivation = DERIVATIONS[title]
    loss = derivation.forward[-1]
    count = 0
    for tree in sign(loss, derivation):
        text = f"{loss.name} = {write(tree, style_of(loss.text))}"
        if _decay_alone_differs(loss, derivation.parse(text), derivation):
            continue
        count += 1
        header = derivation.header.replace(loss.text, text)
        report = check("\n".join([header, "", *(claim.text for claim in derivation.claims)]))
        (fault,) = report[loss.name]
        assert fault.verdict is Verdict.WRONG, text
        assert {"loss", "sign"} <= {mistake.kind for mistake in fault.mistakes}, (text, fault)
        assert all(claim.holds for claim in report.claims if claim is not fault), report
    assert count


def _decay_alone_differs(loss: Line, other: Line, derivation: Derivation) -> bool:
    """Tell whether two losses are the same but for weight decay."""
    world = derivation.worlds[0]
    values = {**world.values, "λ": world.values["Y"].sum() * 0} if "λ" in world.values else world.values
    mine, theirs = (world.evaluator.value(line.right, values) for line in (loss, other))
    return abs(mine - theirs) < 1e-12
