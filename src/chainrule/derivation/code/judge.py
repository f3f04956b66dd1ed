"""Judging what a user's function returned, name by name in the order of the chain rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from chainrule.derivation.claim import Fit
from chainrule.derivation.code.account import Account, Result, same_but_for_axes_of_1
from chainrule.derivation.code.calling import Outcome
from chainrule.derivation.code.goals import Returned, Unseen
from chainrule.derivation.code.line import CodeLine, Tracer, smallest
from chainrule.derivation.code.report import Element, Finding
from chainrule.derivation.code.rules import Rules
from chainrule.derivation.mistakes import mistake
from chainrule.derivation.tree import names_in
from chainrule.derivation.verdict import Role, Verdict
from chainrule.errors import nearest
from chainrule.execute.inputs import Array
from chainrule.ir.shape import show_shape
from chainrule.notation import syntax

_KINDS = "biuf"
_MOST_HIDDEN = 12


@dataclass(frozen=True)
class Read:
    """What was returned under one name: arrays of numbers, or why they are none."""

    arrays: tuple[Array, ...] = ()
    problem: str = ""


class FunctionJudge:
    """Judges results; what an earlier one has wrong is remembered for later ones.

    Args:
        rules: of the network.
        outcomes: of the call at each draw.
        given: names whose true values the function got.
        hints: whether mistakes are looked for.
    """

    def __init__(
        self, rules: Rules, outcomes: Sequence[Outcome], given: frozenset[str], *, hints: bool
    ) -> None:
        self.rules, self.world, self.hints = rules, rules.scene.world, hints
        results = [outcome.results for outcome in outcomes]
        self.changed = [outcome.changed for outcome in outcomes]
        self.names = dict.fromkeys(name for found in results for name in found)
        self.read = {name: _read([found.get(name, _Absent) for found in results]) for name in self.names}
        self.results: dict[str, Result] = {}
        self.reshaped: dict[str, str] = {}
        for name, read in self.read.items():
            if name in rules.names and not read.problem:
                self.results[name] = Result(self._in_shape(name, read.arrays), self._scales(name))
        finite = {name: r for name, r in self.results.items() if all(map(_is_finite, r.arrays))}
        self.account = Account(rules, finite, given)
        self.tracer = Tracer(self.account)
        self.lines: dict[str, CodeLine | None] = {}
        self.guilty: dict[str, tuple[str, ...]] = {}

    def _scales(self, name: str) -> list[float]:
        """Return at each draw the largest number among those that may cancel in a value."""
        gradients = [d for d in self.world.backward.gradients if d in self.world.flat]
        used = gradients if name in gradients else [n for n in self.rules.needs(name) if n in self.world.flat]
        return [
            max((float(np.max(np.abs(draw.true[n]), initial=0.0)) for n in used), default=0.0)
            for draw in self.world.draws
        ]

    def _in_shape(self, name: str, arrays: tuple[Array, ...]) -> list[Array]:
        """Return arrays whose shape differs by axes of size 1 in the true one, and remember that."""
        trues = [draw.true[name] for draw in self.world.draws]
        pairs = list(zip(arrays, trues, strict=True))
        if not all(same_but_for_axes_of_1(mine, true) for mine, true in pairs):
            return list(arrays)
        true = self.world.flat[name].shape
        self.reshaped[name] = f"{self._symbolic(arrays)} is read as {show_shape(true)}"
        return [mine.reshape(true.shape) for mine, true in pairs]

    def _symbolic(self, arrays: Sequence[Array]) -> str:
        """Return a shape with the letters that have these sizes at every draw."""
        known: dict[tuple[int, ...], str] = {}
        for letter in reversed(self.world.letters):
            known[tuple(draw.sizes[letter] for draw in self.world.draws)] = letter
        if len({array.ndim for array in arrays}) != 1:
            return show_shape(arrays[0].shape)
        columns = zip(*(array.shape for array in arrays), strict=True)
        return show_shape(tuple(known[c] if c in known else c[0] for c in columns))

    def findings(self) -> list[Finding]:
        """Return one finding for each name, and one for each hidden value that is found to be wrong."""
        for _ in range(_MOST_HIDDEN):
            found = self._once()
            if found is not None:
                return [*found, *self._unknown()]
            self.account.settle()
            self.tracer.forget()
        return [*(self._once(last=True) or []), *self._unknown()]

    def _once(self, *, last: bool = False) -> list[Finding] | None:
        """Judge all names; None if a hidden value turned out to be wrong, which changes those after it."""
        self.guilty = {}
        found: list[Finding] = []
        for name in self.rules.names:
            needs = (n for used in self.rules.needs(name) for n in self.guilty.get(used, ()))
            before = tuple(dict.fromkeys(needs))
            if name in self.account.assumed:
                finding = self._hidden(name)
            elif name in self.read:
                finding = self._returned(name, before)
            else:
                self.guilty[name] = before if self.account.is_hidden(name) else ()
                continue
            if finding.verdict is Verdict.WRONG and self.hints and name not in self.account.assumed:
                line = self._line(name)
                if line is not None and line.name != name and not last:
                    self.account.assumed[line.name] = list(line.arrays)
                    self.lines[line.name] = line
                    return None
                finding = _explained(finding, line)
            self.guilty[name] = () if finding.holds else (name,)
            found.append(finding)
        return found

    def _line(self, name: str) -> CodeLine | None:
        """Return what the code computes for a wrong name, or for a hidden one before it."""
        if name not in self.lines:
            self.lines[name] = self._searched(name) if name in self.account.results else None
        return self.lines[name]

    def _spoiled(self, name: str) -> CodeLine | None:
        """Return the true line, if it was given arrays that the function had changed before."""
        changed = set[str]().union(*self.changed)
        for form in self.rules.forms(name):
            used = sorted(changed.intersection(names_in(form.tree)))
            arrays = [self._after_change(form, draw) for draw in self.account.draws] if used else []
            if used and self.account.results[name].is_all(arrays):
                text = f"{_listed(tuple(used))} is changed in place before it is used for {name}"
                return CodeLine(name, form.tree, tuple(arrays), 0.0, (mistake("updated too early", text),))
        return None

    def _after_change(self, form: Fit, draw: int) -> Array:
        own = self.account.arrays[draw]
        fitting = {n: a for n, a in self.changed[draw].items() if a.shape == own[n].shape and _is_real(a)}
        return self.account.value(form.values[0], draw, {**own, **fitting})

    def _searched(self, name: str) -> CodeLine | None:
        spoiled = self._spoiled(name)
        if spoiled is not None:
            return spoiled
        hidden = [n for n in self.rules.names if self._may_be_hidden(n)]
        goals = [goal for goal in (Unseen(self.account, n) for n in hidden) if name in goal.seen]
        wrong = {goal.name: sum(not self._agrees(seen) for seen in goal.seen) for goal in goals}
        counts = sorted({count for count in wrong.values() if count > 1}, reverse=True)
        for stage, count in product(range(2), counts):
            concerned = (goal for goal in goals if wrong[goal.name] == count)
            found = smallest(self.tracer.line(goal, stage) for goal in concerned)
            if found is not None:
                return found
        direct, single = Returned(self.account, name), [goal for goal in goals if wrong[goal.name] == 1]
        for stage in range(3):
            found = self.tracer.line(direct, stage)
            if found is not None and found.cost <= 1:
                return found
            others = [self.tracer.line(goal, stage) for goal in single] if stage < 2 else []
            found = smallest([*others, found])
            if found is not None:
                return found
        return None

    def _may_be_hidden(self, name: str) -> bool:
        """Tell whether the function may have a line for a name that it does not return."""
        if name in self.read or not self.account.is_hidden(name):
            return False
        return not isinstance(self.rules.forms(name)[0].tree, syntax.Name | syntax.Number)

    def _agrees(self, name: str) -> bool:
        """Tell whether a result follows from the function's own values, or is true."""
        result = self.account.results[name]
        return result.is_all(self._true(name)) or any(
            self._follows(result, f) for f in self.rules.forms(name)
        )

    def _follows(self, result: Result, form: Fit) -> bool:
        return result.is_all([self.account.value(form.values[0], draw) for draw in self.account.draws])

    def _true(self, name: str) -> list[Array]:
        return [draw.true[name] for draw in self.world.draws]

    def _role(self, name: str) -> Role:
        if name in self.world.backward.gradients:
            return "gradient"
        return "loss" if name == self.world.objective else "forward"

    def _hidden(self, name: str) -> Finding:
        finding = Finding(
            name, self._role(name), Verdict.WRONG, is_returned=False, rule=self.rules.text(name)
        )
        return _explained(finding, self.lines.get(name))

    def _returned(self, name: str, before: tuple[str, ...]) -> Finding:
        base = Finding(name, self._role(name), Verdict.WRONG, rule=self.rules.text(name))
        if self.read[name].problem:
            return replace(base, verdict=Verdict.UNREAD, message=self.read[name].problem)
        result = self.results[name]
        if name not in self.account.results:
            return self._not_finite(base, result, before)
        if result.is_all(self._true(name)):
            return self._right(base)
        base = replace(base, element=_worst(result, self._true(name), self.world.draws))
        if before and any(self._follows(result, form) for form in self.rules.forms(name)):
            verb = "is" if len(before) == 1 else "are"
            message = f"the step is right, but {_listed(before)} before it {verb} not"
            return replace(base, verdict=Verdict.INHERITED, inherits=before, message=message)
        if result.is_all(self._true(name), rough=True):
            message = (
                "right only if six digits are enough: a small constant is added, or float32 is used within"
            )
            return replace(base, verdict=Verdict.CONDITIONAL, message=message)
        return replace(base, message=self._wrong_shape(name, result))

    def _right(self, base: Finding) -> Finding:
        if base.name not in self.reshaped:
            return replace(base, verdict=Verdict.RIGHT)
        message = f"right only if {self.reshaped[base.name]}"
        return replace(base, verdict=Verdict.CONDITIONAL, message=message)

    def _wrong_shape(self, name: str, result: Result) -> str:
        true = self.world.flat[name].shape
        if all(a.shape == t.shape for a, t in zip(result.arrays, self._true(name), strict=True)):
            return self.reshaped.get(name, "")
        return f"its shape is {self._symbolic(result.arrays)}, not {show_shape(true)}"

    def _not_finite(self, base: Finding, result: Result, before: tuple[str, ...]) -> Finding:
        bad = next(array for array in result.arrays if not _is_finite(array))
        message = f"{int(np.sum(~np.isfinite(bad)))} of {bad.size} elements are not finite"
        if before:
            return replace(base, verdict=Verdict.INHERITED, inherits=before, message=message)
        return replace(base, message=message)

    def _unknown(self) -> list[Finding]:
        """Return findings on names that are no results: unknown ones, and inputs that came back changed."""
        found: list[Finding] = []
        for name in self.names:
            if name in self.rules.names:
                continue
            message = self._refusal(name)
            if message:
                found.append(Finding(name, "definition", Verdict.UNREAD, message=message))
        return found

    def _refusal(self, name: str) -> str:
        """Say why a name cannot be judged, or "" for an input that comes back as it was given."""
        known = [*self.rules.names, *self.world.letters]
        if name not in self.world.flat and name not in self.world.letters:
            return f"the network has nothing called {name}: {nearest(name, known)}"
        arrays = self.read[name].arrays
        if not arrays:
            return self.read[name].problem
        trues = [d.true.get(name, np.array(d.sizes.get(name, 0))) for d in self.world.draws]
        if Result(arrays).is_all(trues):
            return ""
        gradient = f"d{name}"
        if gradient in self.rules.names and Result(arrays).is_all(self._true(gradient)):
            return f"it is the gradient {gradient}, so call it {gradient}"
        return f"it is not the {name} that was given; return gradients, dV for V, not parameters after a step"


class _Absent:
    """Stands for a name that one call returned and another did not."""


def _read(items: Sequence[Any]) -> Read:
    if any(item is _Absent for item in items):
        return Read(problem="it is returned for some inputs, but not for others")
    arrays: list[Array] = []
    for item in items:
        try:
            array: Array = np.asarray(item)
        except (TypeError, ValueError, RuntimeError):
            return Read(problem=f"it is no array of numbers, but {type(item).__name__}")
        if array.dtype.kind == "c":
            return Read(problem="it holds complex numbers, where real ones are expected")
        if array.dtype.kind not in _KINDS:
            what = f"an array of {array.dtype.name}" if isinstance(item, np.ndarray) else type(item).__name__
            return Read(problem=f"it is no array of numbers, but {what}")
        arrays.append(array)
    return Read(tuple(arrays))


def _is_real(array: Array) -> bool:
    return array.dtype.kind in _KINDS


def _is_finite(array: Array) -> bool:
    return bool(np.all(np.isfinite(array)))


def _worst(result: Result, trues: Sequence[Array], draws: Sequence[Any]) -> Element | None:
    """Return the element that differs most for the size of its array."""
    found: Element | None = None
    largest = -1.0
    for mine, true, draw in zip(result.arrays, trues, draws, strict=True):
        if mine.shape != true.shape or not true.size:
            continue
        off = np.abs(mine - true) / max(float(np.max(np.abs(true))), 1e-300)
        place = int(np.argmax(off))
        if off.ravel()[place] > largest:
            largest = float(off.ravel()[place])
            index = tuple(int(i) for i in np.unravel_index(place, true.shape))
            found = Element(index, float(mine[index]), float(true[index]), dict(draw.sizes))
    return found


def _explained(finding: Finding, line: CodeLine | None) -> Finding:
    if line is None:
        return finding
    computes = "" if line.text == finding.rule else line.text
    return replace(finding, mistakes=line.mistakes, computes=computes)


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
