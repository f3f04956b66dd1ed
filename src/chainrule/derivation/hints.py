"""The search for what is wrong: small edits, tried at every draw, ranked by their size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from chainrule.derivation.claim import Fit, fit, holds
from chainrule.derivation.coefficients import coefficients
from chainrule.derivation.context import Context
from chainrule.derivation.edits import STRUCTURE, Edit
from chainrule.derivation.edits_by_element import BY_ELEMENT
from chainrule.derivation.special import special
from chainrule.derivation.terms import named_terms, product_terms
from chainrule.derivation.tree import names_in, subtrees
from chainrule.derivation.verdict import Mistake, Suggestion
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression

_MOST_SUGGESTIONS = 3
_MOST_TRIALS = 1500
_MOST_SECOND = 40
_WORSE = 0.4
_ODD = 0.3


@dataclass(frozen=True)
class Corrections:
    """What is wrong with a claim, and how it can be mended.

    Attributes:
        mistakes: of the smallest correction.
        suggestions: corrections that hold at every draw, smallest first.
        trials: how many edits were tried.
    """

    mistakes: tuple[Mistake, ...]
    suggestions: tuple[Suggestion, ...]
    trials: int = 0


def corrections(tree: Expression, context: Context) -> Corrections:
    """Return the smallest edits that make a claim true at every draw of every world."""
    if context.name not in context.world.flat:
        return Corrections((), ())
    search = _Search(tree, context)
    found = search.run()
    suggestions = tuple(
        Suggestion(f"{context.style.spelled(context.name)} = {context.write(edit.tree)}", edit.mistakes)
        for edit in found[:_MOST_SUGGESTIONS]
    )
    return Corrections(found[0].mistakes if found else (), suggestions, search.trials)


class _Search:
    """One search: single edits first, then two where one is not enough."""

    def __init__(self, tree: Expression, context: Context) -> None:
        self.tree, self.context = tree, context
        self.tried: set[object] = set()
        self.trials = 0

    def run(self) -> list[Edit]:
        """Return edits that hold, smallest first."""
        singles = [*special(self.tree, self.context), *_edits(self.tree, self.context)]
        scaled = list(self._good(_measured(self.tree, self.context)))
        good = [*scaled, *self._good(e for e in singles if not (scaled and e.mistakes[0].kind == "pair"))]
        if not good:
            good = list(self._good(product_terms(self.tree, self.context)))
        if not good:
            good = list(self._good(self._scaled(singles)))
        if not good:
            good = list(self._good(self._doubled(singles)))
        sound = [edit for edit in good if not _is_circular(edit.tree, self.context)]
        return _ranked(sound, self.context)

    def _good(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        """Yield those edits that make the claim true."""
        for edit in edits:
            if self.trials > _MOST_TRIALS:
                return
            found = self._new(edit)
            if found is not None and self._is_true(found):
                yield edit

    def _new(self, edit: Edit) -> Fit | None:
        """Return the meaning of an edit's result, None if it has none or the wrong shape."""
        self.trials += 1
        found = fit(edit.tree, self.context.scenes)
        return found if found is not None and found.values[0].shape == self.context.true_shape else None

    def _is_true(self, found: Fit) -> bool:
        return holds(found, self.context.name, self.context.scenes)

    def _scaled(self, singles: list[Edit]) -> Iterator[Edit]:
        """Yield edits after which only coefficients are wrong, with these put right."""
        for edit in singles:
            if self._new(edit) is None:
                continue
            for more in _measured(edit.tree, self.context):
                yield Edit(more.tree, edit.cost + more.cost, (*edit.mistakes, *more.mistakes))

    def _doubled(self, singles: list[Edit]) -> Iterator[Edit]:
        """Yield pairs of edits, the cheapest first ones first."""
        for edit in sorted(singles, key=lambda edit: edit.cost)[:_MOST_SECOND]:
            for more in _edits(edit.tree, self.context):
                yield Edit(more.tree, edit.cost + more.cost, (*edit.mistakes, *more.mistakes))


def _measured(tree: Expression, context: Context) -> list[Edit]:
    """Return what makes a claim true by other coefficients, or else by one more term."""
    return list(coefficients(tree, context)) or list(named_terms(tree, context))


def _edits(tree: Expression, context: Context) -> Iterator[Edit]:
    for kind in (*STRUCTURE, *BY_ELEMENT):
        yield from kind(tree, context)


def _is_circular(tree: Expression, context: Context) -> bool:
    """Tell whether a correction would rest on the gradient itself, or on one that follows from it."""
    used = names_in(tree)
    return context.is_gradient(context.name) and any(n == context.name or n in context.derived for n in used)


def _ranked(edits: list[Edit], context: Context) -> list[Edit]:
    """Return edits by cost, one for each equation that they make."""
    by_text: dict[str, Edit] = {}
    edits = [replace(edit, cost=edit.cost + _odd(edit.tree, context)) for edit in edits]
    for edit in sorted(edits, key=lambda edit: (edit.cost, len(context.write(edit.tree)))):
        by_text.setdefault(context.write(edit.tree), edit)
    ranked = list(by_text.values())
    return [edit for edit in ranked if edit.cost <= ranked[0].cost + _WORSE]


def _odd(tree: Expression, context: Context) -> float:
    """Return what an unusual way of writing costs: a vector before a matrix that is no row."""
    for _, node in subtrees(tree):
        if not isinstance(node, syntax.Product):
            continue
        for place, sign in enumerate(node.signs):
            pair = node.factors[place : place + 2]
            ranks = [len(context.shape(factor) or ()) for factor in pair]
            if sign in ("", "@") and ranks == [1, 2] and not isinstance(pair[0], syntax.Transpose):
                return _ODD
    return 0.0
