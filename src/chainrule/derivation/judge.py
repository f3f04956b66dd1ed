"""Judging the claims of a document, line by line, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.derivation.circles import circles
from chainrule.derivation.claim import Fit, Scene, agree, fits, holds, is_zero
from chainrule.derivation.conditions import condition
from chainrule.derivation.context import Context
from chainrule.derivation.document import Entry
from chainrule.derivation.echo import echo, echo_unfit
from chainrule.derivation.hints import Corrections, corrections
from chainrule.derivation.losses import Misnamed, misnamed
from chainrule.derivation.misfit import misfit
from chainrule.derivation.mistakes import mistake
from chainrule.derivation.own import Own
from chainrule.derivation.plan import Plan
from chainrule.derivation.readings import usual
from chainrule.derivation.scenes import Staging
from chainrule.derivation.tree import names_in, subtrees
from chainrule.derivation.unknown import misspelled_gradient, unknown_names, unknown_symbol
from chainrule.derivation.verdict import Judgement, Role, Suggestion, Verdict
from chainrule.derivation.writing import Style, style_of, write
from chainrule.errors import ChainruleError, ParseError
from chainrule.ir.names import normalized
from chainrule.ir.shape import Shape
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression

_MOST_TRIALS = 40_000


class Judge:
    """Judges each entry of a plan; what earlier lines made wrong is remembered for later ones.

    Args:
        plan: the document, and the network it is about.
        hints: whether corrections are looked for.
        seed: of the random draws.
    """

    def __init__(self, plan: Plan, *, hints: bool, seed: int) -> None:
        self.plan, self.hints, self.trials = plan, hints, 0
        self.staging = Staging(plan, seed)
        self.written = self.staging.first()
        self.circles = circles(plan)
        self.misnamed: dict[str, Misnamed] = misnamed(plan, self.written)
        self.scenes = self._corrected()
        self.own = Own(self.scenes)
        self.document_style = style_of(" ".join(e.source for e in plan.document.entries), _spellings(plan))
        self.style: Style = self.document_style
        self.stated: Shape | None = None

    def _corrected(self) -> list[Scene]:
        """Return the worlds in which losses are what they are called."""
        network = self.plan.network
        for name, fault in self.misnamed.items():
            network = network.with_equation(name, fault.right)
        return self.staging.scenes(network) if self.misnamed else self.written

    def judgements(self) -> list[Judgement]:
        """Return one judgement for each equation, in order."""
        plan = self.plan
        wanted = plan.roles.keys() | plan.refused.keys()
        return [
            self._judged(place, entry) for place, entry in enumerate(plan.document.entries) if place in wanted
        ]

    def _judged(self, place: int, entry: Entry) -> Judgement:
        role = self.plan.roles.get(place, "forward")
        self.style = self.document_style.of_line(entry.source)
        if place in self.plan.refused:
            unknown = unknown_symbol(entry, self.plan, self.scenes[0].world) or self.plan.refused[place]
            return self._unread(entry, role, unknown)
        assert isinstance(entry.statement, syntax.Equation)  # noqa: S101 - only equations have roles
        problem = unknown_names(entry, role, self.plan, self.scenes[0].world)
        defines = role == "definition" or (role == "forward" and self._defines(entry))
        if problem is None and defines:
            problem = misspelled_gradient(entry, self.plan, self.scenes[0].world)
        if problem is not None:
            return self._unread(entry, role, problem)
        if role == "forward" and defines:
            return self._given(entry)
        if role == "definition":
            return self._definition(entry, entry.statement.right)
        if role == "update":
            return self._update(entry, entry.statement.right)
        self.stated = entry.statement.shape
        judged = self._claim(entry, role, entry.statement.right)
        return self._circular(judged, place) if judged.holds and place in self.circles else judged

    def _circular(self, judged: Judgement, place: int) -> Judgement:
        """A gradient that is derived from itself is not derived, though the equation holds."""
        way = " from ".join(self.style.spelled(name) for name in self.circles[place])
        wrong = (mistake("circular", f"it rests on itself: {way}"),)
        message = f"it rests on itself: {way}."
        return replace(judged, verdict=Verdict.WRONG, message=message, mistakes=wrong if self.hints else ())

    def _defines(self, entry: Entry) -> bool:
        return any(stated.statement is entry.statement for stated in self.plan.network.stated)

    def _base(self, entry: Entry, role: Role, verdict: Verdict, **more: Any) -> Judgement:
        return Judgement(entry.line, entry.column, entry.source, entry.name, role, verdict, **more)

    def _unread(self, entry: Entry, role: Role, error: ChainruleError) -> Judgement:
        place, fix = "", error.fix
        if isinstance(error, ParseError):
            place = f"line {error.line}, column {error.column}: "
            fix = fix or (f"expected {error.expected}." if error.expected else "")
        return self._base(entry, role, Verdict.UNREAD, message=place + error.message, fix=fix)

    def _given(self, entry: Entry) -> Judgement:
        assert isinstance(entry.statement, syntax.Equation)  # noqa: S101 - see _judged
        found = fits(entry.statement.right, self.written).found
        readings = (echo(entry.name, found[0], self.written[0], self.style),) if found else ()
        role: Role = "loss" if entry.name == self.scenes[0].world.objective else "forward"
        if any(not agree(found[0], other, self.written) for other in found[1:]):
            return self._two_readings(entry, role, found)
        fault = self.misnamed.get(entry.name)
        if fault is None:
            return self._base(entry, role, Verdict.GIVEN, readings=readings)
        self.own.wrong.add(entry.name)
        suggestions = fault.suggestions(entry, self.style) if self.hints else ()
        mistakes = fault.mistakes if self.hints else ()
        return self._base(
            entry, "loss", Verdict.WRONG, readings=readings, message=fault.message, mistakes=mistakes,
            suggestions=suggestions,
        )  # fmt: skip

    def _two_readings(self, entry: Entry, role: Role, found: tuple[Fit, ...]) -> Judgement:
        """An equation of the network that can be read in two ways; what follows takes the first."""
        readings = tuple(echo(entry.name, fit, self.written[0], self.style) for fit in found)
        message = "it can be read in two ways with different values; the first is taken."
        return self._base(
            entry, role, Verdict.AMBIGUOUS, readings=readings, message=message, fix="write brackets."
        )

    def _definition(self, entry: Entry, tree: Expression) -> Judgement:
        """Let a name of the document's own stand for what it is worth, on true values and on its own."""
        found = fits(tree, self.scenes)
        if not found.found:
            reading = echo_unfit(entry.name, tree, self.scenes[0], self.style)
            message = misfit(tree, self.scenes[0], self.style)
            self.plan.refused[self.plan.document.entries.index(entry)] = ChainruleError(message, where="")
            return self._base(entry, "definition", Verdict.WRONG, readings=(reading,), message=message)
        fit = found.found[0]
        for scene, value in zip(self.scenes, fit.values, strict=True):
            scene.world.add(entry.name, value.shape, value.kind)
            for draw in scene.world.draws:
                draw.true[entry.name] = scene.world.true(value, draw)
        self.own.define(entry.name, fit, names_in(tree))
        readings = (echo(entry.name, fit, self.scenes[0], self.style),)
        return self._base(entry, "definition", Verdict.GIVEN, readings=readings)

    def _update(self, entry: Entry, tree: Expression) -> Judgement:
        """An update that goes uphill is wrong; any other is the reader's choice."""
        found = fits(tree, self.scenes)
        if not found.found:
            return self._unread(entry, "update", found.error or ChainruleError("it has no meaning."))
        readings = (echo(entry.name, found.found[0], self.scenes[0], self.style),)
        if not _goes_uphill(entry.name, found.found[0], self.scenes, names_in(tree)):
            return self._base(entry, "update", Verdict.GIVEN, readings=readings)
        message = f"this step goes along d{entry.name}, so the objective grows."
        return self._base(entry, "update", Verdict.WRONG, readings=readings, message=message)

    def _claim(self, entry: Entry, role: Role, tree: Expression) -> Judgement:
        base = self._base(entry, role, Verdict.WRONG)
        if self._vanishes(entry.name):
            message = f"{entry.name} is 0 for all random data, so nothing can be judged."
            fix = "use smaller exponents or sizes."
            return replace(base, verdict=Verdict.UNREAD, message=message, fix=fix)
        try:
            found = fits(tree, self.scenes)
        except ChainruleError as error:
            return self._unread(entry, role, error)
        judged = self._by_readings(base, tree, found.found)
        known = found.found[0] if len(found.found) == 1 else None
        self.own.claim(entry.name, known, names_in(tree), holds=judged.verdict is Verdict.RIGHT)
        return judged

    def _vanishes(self, name: str) -> bool:
        """Tell whether a value that is not 0 by its equation came out as 0 at every draw."""
        value = self.scenes[0].world.backward.names.get(name)
        plainly = value is None or value.repeated_constant is not None
        return not plainly and all(is_zero(d.true[name]) for s in self.scenes for d in s.world.draws)

    def _by_readings(self, base: Judgement, tree: Expression, found: tuple[Fit, ...]) -> Judgement:
        """Judge a claim by the readings that have a meaning: none, one, or several."""
        scene = self.scenes[0]
        if not found or not _may_be_meant(found, base.name, self.scenes):
            reading = echo_unfit(base.name, tree, scene, self.style)
            message = misfit(tree, scene, self.style)
            return self._wrong(replace(base, readings=(reading,), message=message), usual(tree))
        readings = tuple(echo(base.name, fit, scene, self.style) for fit in found)
        differ = any(not agree(found[0], other, self.scenes) for other in found[1:])
        if differ or not found[0].is_customary:
            return self._ambiguous(replace(base, readings=readings), found)
        return self._one(replace(base, readings=readings[:1]), found[0])

    def _ambiguous(self, base: Judgement, found: tuple[Fit, ...]) -> Judgement:
        right = [write(fit.tree, self.style) for fit in found if holds(fit, base.name, self.scenes)]
        if len(found) > 1:
            message = "it can be read in two ways with different values."
        else:
            message = "read as usual, the matrix product first, its shapes do not fit; another order does."
        base = replace(base, verdict=Verdict.AMBIGUOUS, message=message, fix="write brackets.")
        if not right or not self.hints:
            return base
        missing = (mistake("brackets", "brackets are missing"),)
        suggestion = Suggestion(f"{self.style.spelled(base.name)} = {right[0]}", missing)
        return replace(base, mistakes=missing, suggestions=(suggestion,))

    def _one(self, base: Judgement, fit: Fit) -> Judgement:
        """Judge a claim that can be read in one way: first on true values, then on the document's own."""
        used = names_in(fit.tree)
        if self.stated not in (None, self.scenes[0].world.flat[base.name].shape):
            message = f"the shape that the line states is not that of {self.style.spelled(base.name)}."
            return replace(base, message=message)
        if holds(fit, base.name, self.scenes):
            inherited = self.own.inherited(base.name, fit, used)
            verdict = Verdict.INHERITED if inherited else Verdict.RIGHT
            message = f"the step is right, but {_listed(inherited)} before it is not." if inherited else ""
            return replace(base, verdict=verdict, inherits=inherited, message=message)
        if self.misnamed and self._holds_as_written(base.name, fit):
            names = tuple(self.misnamed)
            message = f"right for {_listed(names)} as written, which is not what it is called."
            return replace(base, verdict=Verdict.INHERITED, inherits=names, message=message)
        if self.own.cancels(base.name, fit, used):
            base = replace(
                base, message="with the document's own values the errors cancel: its result is right."
            )
        return self._wrong(base, fit.tree)

    def _holds_as_written(self, name: str, fit: Fit) -> bool:
        values = tuple(scene.value(fit.tree) for scene in self.written)
        return holds(Fit(fit.tree, values), name, self.written)

    def _wrong(self, base: Judgement, tree: Expression) -> Judgement:
        """Look for a condition under which the claim holds, and for what is wrong with it."""
        wanted = condition(base.name, tree, self.plan, self.staging, self.scenes)
        if wanted:
            base = replace(base, verdict=Verdict.CONDITIONAL, message=f"right only if {wanted}.")
        context = Context(base.name, self.plan, self.scenes, self.style)
        looks = self.hints and self.trials < _MOST_TRIALS
        found = corrections(tree, context) if looks else Corrections((), ())
        self.trials += found.trials
        if self.hints and not looks:
            base = replace(base, fix="mend the lines above first; no further corrections were looked for.")
        return replace(base, mistakes=found.mistakes, suggestions=found.suggestions)


def _may_be_meant(found: tuple[Fit, ...], name: str, scenes: Sequence[Scene]) -> bool:
    """Tell whether a reading is one that custom allows, or at least right."""
    return any(fit.is_customary or holds(fit, name, scenes) for fit in found)


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _spellings(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return each name as the document first spells it."""
    spelled: dict[str, str] = {}
    for entry in plan.document.entries:
        if isinstance(entry.statement, syntax.Equation):
            spelled.setdefault(entry.name, entry.statement.name)
            used = (node for _, node in subtrees(entry.statement.right) if isinstance(node, syntax.Name))
            spelled.update((normalized(node.text), node.text) for node in used)
        elif entry.statement is not None:
            spelled.update((normalized(item.name), item.name) for item in entry.statement.items)
    return tuple(spelled.items())


def _goes_uphill(name: str, fit: Fit, scenes: list[Scene], used: list[str]) -> bool:
    """Tell whether a step that uses the gradient moves along it at every draw."""
    if f"d{name}" not in used:
        return False
    for scene, value in zip(scenes, fit.values, strict=True):
        for draw in scene.world.draws:
            move = scene.world.true(value, draw) - draw.true[name]
            if float(np.sum(move * draw.true[f"d{name}"])) <= 0:
                return False
    return True
