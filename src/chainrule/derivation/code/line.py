"""The search for what a user's code computes in the place of a true rule: a small change of that rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from chainrule.derivation.claim import Fit, fit
from chainrule.derivation.code.account import Account
from chainrule.derivation.code.changes import Change, after_step, meaningful, of_factor, with_coefficients
from chainrule.derivation.code.goals import Goal
from chainrule.derivation.coefficients import Finder, Monomial, linear_sums, scaled, terms_of
from chainrule.derivation.hints import corrections
from chainrule.derivation.linear import System, settled
from chainrule.derivation.mistakes import mistake
from chainrule.derivation.tree import names_in, put
from chainrule.derivation.verdict import Mistake
from chainrule.derivation.writing import write
from chainrule.execute.inputs import Array
from chainrule.notation.syntax import Expression

_MOST_TRIALS = 3000
_MOST_SECOND = 40
_CLOSE = 1e-6
_FINEST = 64


@dataclass(frozen=True)
class CodeLine:
    """What the code computes for a name, as an equation.

    Attributes:
        name: whose line it is.
        tree: its right side.
        arrays: its values, one for each draw.
        cost: how far it is from the true rule.
        mistakes: what is wrong with it.
    """

    name: str
    tree: Expression
    arrays: tuple[Array, ...]
    cost: float
    mistakes: tuple[Mistake, ...]

    @property
    def text(self) -> str:
        """The equation."""
        return f"{self.name} = {write(self.tree)}"


class Tracer:
    """Finds the smallest edits of true rules that give what a function returned.

    Args:
        account: the function's values.
    """

    def __init__(self, account: Account) -> None:
        self.account, self.rules = account, account.rules
        self._changed: dict[str, list[tuple[Change, Fit]]] = {}
        self._lines: dict[tuple[type[Goal], str, int], CodeLine | None] = {}
        self._trials = 0

    def forget(self) -> None:
        """Look for everything anew, because the function's own values are other ones now."""
        self._changed.clear()
        self._lines.clear()

    def line(self, goal: Goal, stage: int) -> CodeLine | None:
        """Return the line that meets a goal, or None if no small change of the true one does.

        Args:
            goal: what the line has to explain.
            stage: 0 for one change, 1 for one with a coefficient, 2 for two changes.
        """
        key = (type(goal), goal.name, stage)
        if key not in self._lines:
            self._lines[key] = self._searched(goal, stage) if self.rules.forms(goal.name) else None
        return self._lines[key]

    def _searched(self, goal: Goal, stage: int) -> CodeLine | None:
        changes = (self._first, self._measured_changes, self._pairs)[stage](goal)
        good = sorted(changes, key=lambda change: (change.cost, len(write(change.tree))))
        for change in good:
            found = fit(change.tree, [self.rules.scene])
            if found is not None and (change.is_named or goal.is_met(found.values[0])):
                return self._named(change, found, goal)
        return None

    def _first(self, goal: Goal) -> Iterator[Change]:
        for form in self.rules.forms(goal.name):
            yield from self._measured(goal, form.tree)
        yield from self._updated(goal)
        yield from (change for change, found in self._changes(goal.name) if goal.is_met(found.values[0]))

    def _changes(self, wanted: str) -> list[tuple[Change, Fit]]:
        """Return the changes of a rule that have a meaning."""
        if wanted not in self._changed:
            trees = [form.tree for form in self.rules.forms(wanted)]
            self._changed[wanted] = [pair for tree in trees for pair in self._open(tree, wanted)]
        return self._changed[wanted]

    def _open(self, tree: Expression, wanted: str) -> Iterator[tuple[Change, Fit]]:
        """Yield the changes of a rule that do not use what comes from the wanted value itself."""
        behind = self.account.depends(wanted)
        for change, found in meaningful(tree, self.rules.context(wanted)):
            if not behind.intersection(names_in(change.tree)):
                yield change, found

    def _measured_changes(self, goal: Goal) -> Iterator[Change]:
        """Yield changes with a coefficient."""
        for change, _ in self._changes(goal.name):
            for more in self._whole(goal, change.tree):
                yield change.then(more)

    def _pairs(self, goal: Goal) -> Iterator[Change]:
        """Yield pairs of changes, the cheapest first ones first."""
        for change, _ in sorted(self._changes(goal.name), key=lambda pair: pair[0].cost)[:_MOST_SECOND]:
            for more, found in self._open(change.tree, goal.name):
                self._trials += 1
                if self._trials > _MOST_TRIALS:
                    return
                if goal.is_met(found.values[0]):
                    yield change.then(more)

    def _measured(self, goal: Goal, tree: Expression) -> Iterator[Change]:
        """Yield the tree with other coefficients: of the whole, or of the terms of one sum."""
        whole = list(self._whole(goal, tree))
        yield from whole
        for path, node in () if whole else linear_sums(tree):
            terms = terms_of(node)
            found = self._coefficients(goal, [put(tree, path, term) for _, term in terms])
            if found is not None:
                yield from with_coefficients(tree, path, terms, found, self.rules.context(goal.name))

    def _whole(self, goal: Goal, tree: Expression) -> Iterator[Change]:
        found = self._coefficients(goal, [tree])
        if found and found[0] is not None and not found[0].is_1:
            yield Change(
                scaled(tree, found[0]), 1.0, (of_factor(tree, found[0], self.rules.context(goal.name)),)
            )

    def _coefficients(self, goal: Goal, trees: Sequence[Expression]) -> list[Monomial | None] | None:
        """Return by what each term is multiplied in the code, None for a term that is not there."""
        fitted = [fit(tree, [self.rules.scene]) for tree in trees]
        values = [found.values[0] for found in fitted if found is not None]
        if len(values) < len(trees):
            return None
        draws = self.account.draws
        solved = settled(goal.equations(d, [self.account.value(v, d) for v in values]) for d in draws)
        return None if solved is None else self._monomials(goal.name, *solved)

    def _monomials(self, wanted: str, rows: Array, draws: list[int]) -> list[Monomial | None] | None:
        finder = Finder(self.rules.context(wanted))
        found: list[Monomial | None] = []
        for column in rows.T:
            named = finder.named(column[:, None], draws) or _as_fraction(column)
            if named is None:
                return None
            found += named
        return found

    def _updated(self, goal: Goal) -> Iterator[Change]:
        """Yield the rule with a parameter after a step in the place of the parameter before it."""
        form = self.rules.forms(goal.name)[0]
        backward = self.account.world.backward
        parameters = {backward.names_of(leaf)[0] for leaf in backward.leaves("parameter")}
        for used in parameters.intersection(names_in(form.tree)):
            if goal.name == f"d{used}" or f"d{used}" not in self.account.world.flat:
                continue
            rate = self._rate(goal, form.tree, used)
            if rate is not None:
                text = f"{used} is updated before its old value is used for {goal.name}"
                after = after_step(form.tree, used, f"{rate:.6g}")
                yield Change(after, 0.9, (mistake("updated too early", text),), is_named=True)

    def _rate(self, goal: Goal, tree: Expression, used: str) -> float | None:
        """Return the learning rate of a step that was taken too early, or None."""
        moved = fit(after_step(tree, used, "1"), [self.rules.scene])
        kept = fit(tree, [self.rules.scene])
        if moved is None or kept is None:
            return None
        systems: list[System | None] = []
        for draw in self.account.draws:
            before, after = (self.account.value(found.values[0], draw) for found in (kept, moved))
            systems.append(goal.equations(draw, [before, after - before]))
        solved = settled(systems)
        if solved is None or np.any(np.abs(solved[0][:, 0] - 1) > _CLOSE):
            return None
        rates = solved[0][:, 1]
        return float(rates[0]) if np.ptp(rates) <= _CLOSE * abs(rates[0]) else None

    def _named(self, change: Change, found: Fit, goal: Goal) -> CodeLine:
        """Return a line with its mistakes, as a check of its equation names them."""
        context = self.rules.context(goal.name)
        mistakes = () if change.is_named else corrections(change.tree, context).mistakes
        arrays = tuple(self.account.value(found.values[0], draw) for draw in self.account.draws)
        return CodeLine(goal.name, change.tree, arrays, change.cost, mistakes or change.mistakes)


def _as_fraction(column: Array) -> list[Monomial | None] | None:
    """Return a coefficient that is the same simple fraction at every draw."""
    if np.ptp(column) > _CLOSE * abs(column[0]):
        return None
    fraction = Fraction(float(column[0])).limit_denominator(_FINEST)
    return [Monomial(fraction)] if abs(float(fraction) - column[0]) <= _CLOSE * abs(column[0]) else None


def smallest(lines: Iterable[CodeLine | None]) -> CodeLine | None:
    """Return the line nearest to its rule, the last of several."""
    found: CodeLine | None = None
    for line in lines:
        if line is not None and (found is None or line.cost <= found.cost + 1e-9):
            found = line
    return found
