"""Symbols that a document uses without saying what they are."""

from __future__ import annotations

import difflib
import re

from chainrule.derivation.document import Entry
from chainrule.derivation.plan import Plan
from chainrule.derivation.tree import names_in, subtrees
from chainrule.derivation.verdict import Role
from chainrule.derivation.world import World
from chainrule.errors import ChainruleError, GraphError, ParseError, nearest
from chainrule.ir.names import normalized
from chainrule.ir.registry import every_op
from chainrule.notation import syntax
from chainrule.notation.syntax import Span

_OTHER_NAMES = {
    "σ": "sigmoid", "relu": "relu", "ln": "log", "logistic": "sigmoid", "bce": "binary_cross_entropy",
    "ce": "cross_entropy", "mse": "mean_squared_error", "swish": "silu", "norm": "squared_norm",
    "lrelu": "leaky_relu",
}  # fmt: skip
_MEANT = re.compile(r"[dD]_?(?:[A-Z]\w*?_?d_?)?(\w+)")
_ONE_LETTER = re.compile(r"d[^\W\d_]\d*")
_LAYER_0 = re.compile(r"d?[A-Za-zΑ-ω]+0")


def unknown_names(entry: Entry, role: Role, plan: Plan, world: World) -> ChainruleError | None:
    """Return the error for a target or symbol that is not known, or None if all are."""
    statement = entry.statement
    assert isinstance(statement, syntax.Equation)  # noqa: S101 - declarations have no right side
    if role == "gradient" and world.error is not None:
        return _without_objective(plan) or world.error
    for line, numerator in plan.document.quotients:
        if line == statement.span.line and normalized(numerator) != world.objective:
            return _error(
                f"a derivative of {numerator} stands here.",
                statement.span,
                plan,
                f"only gradients of the objective {world.objective} are read, ∂{world.objective}/∂V.",
            )
    if role == "forward" and entry.name not in world.flat and not _is_given(entry, plan):
        first = next((e for e in plan.document.entries if e.name == entry.name), entry)
        said = f"line {first.line}, which defines {entry.name}, cannot be read."
        return _error(said, statement.span, plan, "mend that line first.")
    if role == "gradient" and entry.name not in world.flat:
        return _error(
            f"there is no {entry.name} to compare with.", statement.span, plan, _why(entry.name, world)
        )
    return unknown_symbol(entry, plan, world)


def unknown_symbol(entry: Entry, plan: Plan, world: World) -> ChainruleError | None:
    """Return the error for the first symbol of a right side that is not known, or None."""
    if not isinstance(entry.statement, syntax.Equation):
        return None
    for _, node in subtrees(entry.statement.right):
        if isinstance(node, syntax.Name) and not _is_known(node.text, world):
            return _unknown(node, plan, world)
    return None


def misspelled_gradient(entry: Entry, plan: Plan, world: World) -> ChainruleError | None:
    """Return the error for a name of the document's own that seems to be meant for a gradient, or None.

    A value that the objective is made of may have any name.
    """
    assert isinstance(entry.statement, syntax.Equation)  # noqa: S101 - declarations define no gradient
    found = _MEANT.fullmatch(entry.name)
    if found is None or entry.name in _made_of(world.objective, plan):
        return None
    graph = world.backward
    variables = [n for n in graph.names if n not in graph.gradients and n != entry.name]
    alike = {name.lower(): name for name in reversed(variables)}.get(found.group(1).lower())
    if alike is None and not _ONE_LETTER.fullmatch(entry.name):
        return None
    fix = f"write d{alike}." if alike else _known(entry.name, variables)
    message = f"nothing is there that {entry.name} could be the gradient of."
    return _error(message, entry.statement.span, plan, fix)


def _made_of(name: str, plan: Plan) -> set[str]:
    """Return the names that an equation of the network mentions, and those that these are made of."""
    stated = (s.statement for s in plan.network.stated)
    right = {normalized(s.name): s.right for s in stated if isinstance(s, syntax.Equation)}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        tree = right.get(waiting.pop())
        fresh = [] if tree is None else [used for used in names_in(tree) if used not in found]
        found.update(fresh)
        waiting.extend(fresh)
    return found


def _is_given(entry: Entry, plan: Plan) -> bool:
    return any(stated.statement is entry.statement for stated in plan.network.stated)


def _is_known(name: str, world: World) -> bool:
    return name in world.flat or name in world.letters or normalized(name) in world.letters


def _why(name: str, world: World) -> str:
    return f"no rule gives a gradient with respect to {name[1:]}; {nearest(name, world.backward.gradients)}"


def _without_objective(plan: Plan) -> ChainruleError | None:
    """Return the error for a network that lacks its loss because of a line that cannot be read."""
    for place in plan.refused:
        entry = plan.document.entries[place]
        if plan.roles.get(place) != "gradient":
            message = f"line {entry.line} cannot be read, so the network has no loss to differentiate."
            return GraphError(message, where="", fix="mend that line first.")
    return None


def _unknown(node: syntax.Name, plan: Plan, world: World) -> ChainruleError:
    name = normalized(node.text)
    text = plan.document.lines[node.span.line - 1] if node.span.line <= len(plan.document.lines) else ""
    for place in plan.refused:
        entry = plan.document.entries[place]
        if entry.name == name:
            message = f"{node.text} comes from line {entry.line}, which cannot be read."
            return _error(message, node.span, plan, "mend that line first.")
    if text[node.span.end :].lstrip().startswith(("(", "'")):
        known = _OTHER_NAMES.get(name.lower()) or _nearest_op(name)
        fix = f"write {known}, or declare an abstract one: `function {node.text}(z)`."
        return _error(f"there is no function {node.text}.", node.span, plan, fix)
    known = [*world.flat.names, *world.letters]
    if _LAYER_0.fullmatch(name):
        layer = "layer 0 is the input: it has no pre-activation, activation function or bias."
        fix = f"{layer} {_known(name, known)}"
        return _error(f"nothing is called {node.text}.", node.span, plan, fix)
    return _error(f"nothing is called {node.text}.", node.span, plan, _known(name, known))


def _nearest_op(name: str) -> str:
    """Return the op whose name is spelled most alike, or one that everybody knows."""
    close = difflib.get_close_matches(name.lower(), [op.name for op in every_op()], n=1, cutoff=0.6)
    return close[0] if close else "a function of the rule book, such as tanh"


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
