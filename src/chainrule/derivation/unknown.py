"""Symbols that a document uses without saying what they are."""

from __future__ import annotations

import difflib
import re

from chainrule.derivation.document import Entry
from chainrule.derivation.plan import Plan
from chainrule.derivation.tree import subtrees
from chainrule.derivation.verdict import Role
from chainrule.derivation.world import World
from chainrule.errors import ChainruleError, ParseError, nearest
from chainrule.ir.names import normalized
from chainrule.notation import syntax
from chainrule.notation.syntax import Span

_LAYER_0 = re.compile(r"d?[A-Za-zΑ-ω]+0")


def unknown_names(entry: Entry, role: Role, plan: Plan, world: World) -> ChainruleError | None:
    """Return the error for a target or symbol that is not known, or None if all are."""
    statement = entry.statement
    assert isinstance(statement, syntax.Equation)  # noqa: S101 - declarations have no right side
    if role == "gradient" and world.error is not None:
        return world.error
    for line, numerator in plan.document.quotients:
        if line == statement.span.line and normalized(numerator) != world.objective:
            return _error(
                f"a derivative of {numerator} stands here.",
                statement.span,
                plan,
                f"only gradients of the objective {world.objective} are read, ∂{world.objective}/∂V.",
            )
    if role == "gradient" and entry.name not in world.flat:
        return _error(
            f"there is no {entry.name} to compare with.", statement.span, plan, _why(entry.name, world)
        )
    for _, node in subtrees(statement.right):
        if isinstance(node, syntax.Name) and not _is_known(node.text, world):
            return _unknown(node, plan, world)
    return None


def _is_known(name: str, world: World) -> bool:
    return name in world.flat or name in world.letters or normalized(name) in world.letters


def _why(name: str, world: World) -> str:
    return f"no rule gives a gradient with respect to {name[1:]}; {nearest(name, world.backward.gradients)}"


def _unknown(node: syntax.Name, plan: Plan, world: World) -> ChainruleError:
    name = normalized(node.text)
    text = plan.document.lines[node.span.line - 1] if node.span.line <= len(plan.document.lines) else ""
    for place, error in plan.refused.items():
        entry = plan.document.entries[place]
        if entry.name == name:
            return _error(
                f"{node.text} comes from line {entry.line}, which cannot be read: {error.message}",
                node.span,
                plan,
                "",
            )
    if text[node.span.end :].lstrip().startswith(("(", "'")):
        fix = f"declare it, `function {node.text}(z)`, or use a function of the rule book, such as tanh."
        return _error(f"there is no function {node.text}.", node.span, plan, fix)
    known = [*world.flat.names, *world.letters]
    if _LAYER_0.fullmatch(name):
        layer = "layer 0 is the input: it has no pre-activation, activation function or bias."
        fix = f"{layer} {_known(name, known)}"
        return _error(f"nothing is called {node.text}.", node.span, plan, fix)
    return _error(f"nothing is called {node.text}.", node.span, plan, _known(name, known))


def _known(name: str, known: list[str]) -> str:
    """Return the nearest known name and all that are known."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f"Did you mean {close[0]}? " if close else ""
    return f"{guess}Known: {', '.join(known)}."


def _error(message: str, span: Span, plan: Plan, fix: str) -> ParseError:
    line = plan.document.lines[span.line - 1] if span.line <= len(plan.document.lines) else ""
    return ParseError(
        message,
        line=span.line,
        column=span.start + 1,
        found=line[span.start : span.end],
        expected="a known name",
        text=line,
        source=plan.document.source,
        fix=fix,
    )
