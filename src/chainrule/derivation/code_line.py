"""The search for what a user's code computes in the place of a true rule: a small edit of that rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from chainrule.derivation.account import Account
from chainrule.derivation.claim import Fit, fit
from chainrule.derivation.coefficients import Finder, Monomial, linear_sums, scaled, sum_of, terms_of
from chainrule.derivation.context import Context
from chainrule.derivation.edits import STRUCTURE, Edit
from chainrule.derivation.edits_by_element import BY_ELEMENT
from chainrule.derivation.hints import corrections
from chainrule.derivation.mistakes import inverse, mistake
from chainrule.derivation.tree import NOWHERE, name, names_in, put, rewritten
from chainrule.derivation.verdict import Mistake
from chainrule.derivation.writing import write
from chainrule.execute.inputs import Array
from chainrule.ir.value import Value
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression

_MOST_TRIALS = 1500
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


class Goal(ABC):
    """What a right side has to explain.

    Args:
        account: the function's values.
        name: whose right side it is.
    """

    def __init__(self, account: Account, name: str) -> None:
        self.account, self.name = account, name

    def is_met(self, value: Value) -> bool:
        """Tell whether a right side explains what the function returned, at every draw."""
        return all(self.is_met_at(draw, self.account.value(value, draw)) for draw in self.account.draws)

    @abstractmethod
    def is_met_at(self, draw: int, array: Array) -> bool:
        """Tell whether a value explains one draw."""

    @abstractmethod
    def equations(self, draw: int, terms: Sequence[Array]) -> tuple[Array, Array] | None:
        """Return the matrix and the right side of the coefficients of terms, or None if they do not fit."""


class Returned(Goal):
    """The array that was returned under the name itself."""

    def is_met_at(self, draw: int, array: Array) -> bool:
        """Tell whether a value is the array returned."""
        return self.account.results[self.name].agrees(draw, array)

    def equations(self, draw: int, terms: Sequence[Array]) -> tuple[Array, Array] | None:
        """Return the terms as columns, and what was returned."""
        mine = self.account.results[self.name].arrays[draw]
        if any(term.shape not in (mine.shape, ()) for term in terms):
            return None
        return np.array([np.broadcast_to(term, mine.shape).ravel() for term in terms]).T, mine.ravel()


class Unseen(Goal):
    """All that was returned of what a hidden value acts on."""

    def __init__(self, account: Account, name: str) -> None:
        super().__init__(account, name)
        self.between, self.seen = account.reach(name)
        self.shapes = [draw.true[name].shape for draw in account.world.draws]

    def _through(self, draw: int, array: Array) -> list[Array | None]:
        changed = {self.name: array}
        return [self.account.through(draw, changed, self.between, seen) for seen in self.seen]

    def is_met_at(self, draw: int, array: Array) -> bool:
        """Tell whether a value leads to all arrays returned."""
        if array.shape != self.shapes[draw]:
            return False
        changed = {self.name: array}
        for seen in self.seen:
            found = self.account.through(draw, changed, self.between, seen)
            if found is None or not self.account.results[seen].agrees(draw, found):
                return False
        return True

    def equations(self, draw: int, terms: Sequence[Array]) -> tuple[Array, Array] | None:
        """Return how what was returned answers to each term, since gradients are linear in gradients."""
        zero = np.zeros(self.shapes[draw])
        base = _joined(self._through(draw, zero))
        mine = _joined([self.account.results[seen].arrays[draw] for seen in self.seen])
        answers = [_joined(self._through(draw, zero + term)) for term in terms]
        if base is None or mine is None or mine.shape != base.shape:
            return None
        return np.array([answer - base for answer in answers if answer is not None]).T, mine - base


def _joined(arrays: Sequence[Array | None]) -> Array | None:
    known = [array.ravel() for array in arrays if array is not None]
    return np.concatenate(known) if known and len(known) == len(arrays) else None


class Tracer:
    """Finds the smallest edits of true rules that give what a function returned.

    Args:
        account: the function's values.
    """

    def __init__(self, account: Account) -> None:
        self.account, self.rules = account, account.rules
        self._edited: dict[str, list[tuple[Edit, Fit]]] = {}

    def line(self, goal: Goal, *, thorough: bool = True) -> CodeLine | None:
        """Return the line that meets a goal, or None if no small edit of the true one does."""
        if not self.rules.forms(goal.name):
            return None
        stages = [self._first, self._measured_edits, *([self._pairs] if thorough else [])]
        for stage in stages:
            good = sorted(stage(goal), key=lambda edit: (edit.cost, len(write(edit.tree))))
            if good:
                return self._named(good[0], goal)
        return None

    def _first(self, goal: Goal) -> Iterator[Edit]:
        for form in self.rules.forms(goal.name):
            yield from self._measured(goal, form.tree)
        yield from self._updated(goal)
        yield from (edit for edit, found in self._edits(goal.name) if goal.is_met(found.values[0]))

    def _edits(self, wanted: str) -> list[tuple[Edit, Fit]]:
        """Return the edits of a rule that have a meaning."""
        if wanted not in self._edited:
            context = self.rules.context(wanted)
            trees = [form.tree for form in self.rules.forms(wanted)]
            self._edited[wanted] = [pair for tree in trees for pair in _meaningful(tree, context)]
        return self._edited[wanted]

    def _measured_edits(self, goal: Goal) -> Iterator[Edit]:
        """Yield edits with a coefficient."""
        for edit, _ in self._edits(goal.name):
            for more in self._whole(goal, edit.tree):
                yield Edit(more.tree, edit.cost + more.cost, (*edit.mistakes, *more.mistakes))

    def _pairs(self, goal: Goal) -> Iterator[Edit]:
        """Yield pairs of edits, the cheapest first ones first."""
        context, trials = self.rules.context(goal.name), 0
        for edit, _ in sorted(self._edits(goal.name), key=lambda pair: pair[0].cost)[:_MOST_SECOND]:
            for more, found in _meaningful(edit.tree, context):
                trials += 1
                if trials > _MOST_TRIALS:
                    return
                if goal.is_met(found.values[0]):
                    yield Edit(more.tree, edit.cost + more.cost, (*edit.mistakes, *more.mistakes))

    def _measured(self, goal: Goal, tree: Expression) -> Iterator[Edit]:
        """Yield the tree with other coefficients: of the whole, or of the terms of one sum."""
        whole = list(self._whole(goal, tree))
        yield from whole
        for path, node in () if whole else linear_sums(tree):
            terms = terms_of(node)
            found = self._coefficients(goal, [put(tree, path, term) for _, term in terms])
            if found is not None:
                yield from _with_coefficients(tree, path, terms, found)

    def _whole(self, goal: Goal, tree: Expression) -> Iterator[Edit]:
        found = self._coefficients(goal, [tree])
        if found and found[0] is not None and not found[0].is_1:
            yield Edit(scaled(tree, found[0]), 1.0, (mistake("sign" if found[0].factor < 0 else "factor"),))

    def _coefficients(self, goal: Goal, trees: Sequence[Expression]) -> list[Monomial | None] | None:
        """Return by what each term is multiplied in the code, None for a term that is not there."""
        fitted = [fit(tree, [self.rules.scene]) for tree in trees]
        values = [found.values[0] for found in fitted if found is not None]
        if len(values) < len(trees):
            return None
        rows: list[Array] = []
        for draw in self.account.draws:
            system = goal.equations(draw, [self.account.value(value, draw) for value in values])
            solved = None if system is None else _solved(*system)
            if solved is None:
                return None
            rows.append(solved)
        return self._monomials(goal.name, np.array(rows))

    def _monomials(self, wanted: str, rows: Array) -> list[Monomial | None] | None:
        finder = Finder(self.rules.context(wanted))
        found: list[Monomial | None] = []
        for column in rows.T:
            named = finder.named(column[:, None]) or _as_fraction(column)
            if named is None:
                return None
            found += named
        return found

    def _updated(self, goal: Goal) -> Iterator[Edit]:
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
                after = _after_step(form.tree, used, f"{rate:.6g}")
                yield Edit(after, 0.9, (mistake("updated too early", text),))

    def _rate(self, goal: Goal, tree: Expression, used: str) -> float | None:
        """Return the learning rate of a step that was taken too early, or None."""
        moved = fit(_after_step(tree, used, "1"), [self.rules.scene])
        kept = fit(tree, [self.rules.scene])
        if moved is None or kept is None:
            return None
        rates: list[float] = []
        for draw in self.account.draws:
            before, after = (self.account.value(found.values[0], draw) for found in (kept, moved))
            system = goal.equations(draw, [before, after - before])
            solved = None if system is None else _solved(*system)
            if solved is None or abs(solved[0] - 1) > _CLOSE:
                return None
            rates.append(float(solved[1]))
        return rates[0] if np.ptp(rates) <= _CLOSE * abs(rates[0]) else None

    def _named(self, edit: Edit, goal: Goal) -> CodeLine | None:
        """Return a line with its mistakes, as a check of its equation names them."""
        found = fit(edit.tree, [self.rules.scene])
        if found is None:
            return None
        known = edit.mistakes[0].kind == "updated too early"
        mended = () if known else corrections(edit.tree, self.rules.context(goal.name)).mistakes
        mistakes = mended or (edit.mistakes if known else tuple(inverse(m.kind) for m in edit.mistakes))
        arrays = tuple(self.account.value(found.values[0], draw) for draw in self.account.draws)
        return CodeLine(goal.name, edit.tree, arrays, edit.cost, mistakes)


def _meaningful(tree: Expression, context: Context) -> Iterator[tuple[Edit, Fit]]:
    """Yield the edits of a tree that have a meaning."""
    for kind in (*STRUCTURE, *BY_ELEMENT, _without_a_term):
        for edit in kind(tree, context):
            found = fit(edit.tree, context.scenes)
            if found is not None:
                yield edit, found


def _without_a_term(tree: Expression, context: Context) -> Iterator[Edit]:
    """Leave out one term of a sum."""
    for path, node in linear_sums(tree):
        terms = terms_of(node)
        for place, (_, term) in enumerate(terms):
            rest = [*terms[:place], *terms[place + 1 :]]
            text = f"the term {context.write(term)} is too many"
            yield Edit(put(tree, path, sum_of(rest)), 1.0, (mistake("term extra", text),))


def _with_coefficients(
    tree: Expression,
    path: tuple[int, ...],
    terms: list[tuple[int, Expression]],
    found: list[Monomial | None],
) -> Iterator[Edit]:
    """Yield a tree in which each term of a sum has the coefficient that the code gives it."""
    kept: list[tuple[int, Expression]] = []
    changes = 0
    for (sign, term), monomial in zip(terms, found, strict=True):
        changes += (
            monomial is None or not Monomial(monomial.factor * sign, monomial.above, monomial.below).is_1
        )
        if monomial is not None:
            size = Monomial(abs(monomial.factor), monomial.above, monomial.below)
            kept.append((-1 if monomial.factor < 0 else 1, scaled(term, size)))
    if kept and changes:
        kind = "term extra" if len(kept) < len(terms) else "factor"
        yield Edit(put(tree, path, sum_of(kept)), float(changes), (mistake(kind),))


def _solved(matrix: Array, right: Array) -> Array | None:
    """Return the coefficients that solve a system exactly, None if there are none or many."""
    if not (np.all(np.isfinite(matrix)) and np.all(np.isfinite(right)) and np.any(right)):
        return None
    solution, _, rank, _ = np.linalg.lstsq(matrix, right, rcond=None)
    off = np.max(np.abs(matrix @ solution - right)) > 1e-8 * np.max(np.abs(right))
    return None if rank < matrix.shape[1] or off else solution


def _as_fraction(column: Array) -> list[Monomial | None] | None:
    """Return a coefficient that is the same simple fraction at every draw."""
    if np.ptp(column) > _CLOSE * abs(column[0]):
        return None
    fraction = Fraction(float(column[0])).limit_denominator(_FINEST)
    return [Monomial(fraction)] if abs(float(fraction) - column[0]) <= _CLOSE * abs(column[0]) else None


def _after_step(tree: Expression, used: str, rate: str) -> Expression:
    """Return a tree with W − rate dW in the place of W."""
    step = syntax.Product((syntax.Number(rate, NOWHERE), name(f"d{used}")), ("",), NOWHERE)
    moved = syntax.Infix("-", name(used), step, NOWHERE)
    return rewritten(
        tree, lambda node: moved if isinstance(node, syntax.Name) and node.text == used else None
    )


def smallest(lines: Iterable[CodeLine | None]) -> CodeLine | None:
    """Return the line nearest to its rule, the last of several."""
    found: CodeLine | None = None
    for line in lines:
        if line is not None and (found is None or line.cost <= found.cost + 1e-9):
            found = line
    return found
