"""What each equation of a document is for: it makes the network, defines a name, or claims something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainrule.derivation.document import Document, Entry, read_document
from chainrule.derivation.functions import Template, check_arity, instances, instantiated
from chainrule.derivation.tree import names_in
from chainrule.derivation.verdict import Role
from chainrule.derivation.world import Network, Stated, read_network
from chainrule.errors import ChainruleError, DataError, KindError
from chainrule.ir.graph import Graph
from chainrule.ir.names import normalized
from chainrule.notation import syntax
from chainrule.notation.parser import parse_statements
from chainrule.notation.syntax import Statement
from chainrule.notation.text import to_text
from chainrule.transform.lower import lower


@dataclass
class Plan:
    """The network of a document and the part that each of its entries plays.

    Attributes:
        document: what was read.
        network: the statements that make the network.
        roles: by place among the document's entries; declarations have none.
        refused: entries that cannot be read, with the reason.
        functions: abstract functions with the number of their arguments.
    """

    document: Document
    network: Network
    roles: dict[int, Role] = field(default_factory=dict[int, Role])
    refused: dict[int, ChainruleError] = field(default_factory=dict[int, ChainruleError])
    functions: dict[str, int] = field(default_factory=dict[str, int])


def plan(document: Document, network: Any) -> Plan:
    """Return what each entry of a document is for.

    Args:
        document: with or without the network's own equations.
        network: a graph, a Network, a file or text of equations, or None.

    Raises:
        DataError: nothing is declared.
    """
    outside, functions = _outside(network)
    sorter = _sorted(document, outside, frozenset())
    if not any(isinstance(s.statement, syntax.Declaration) for s in [*outside, *sorter.given.values()]):
        raise DataError(
            "nothing is declared, so there is no network to differentiate.",
            where="",
            fix="begin with `sizes m, d`, `data X : (m, d)`, `parameter W1 : (d, 3)`, or give the network.",
        )
    functions = {**functions, **document.functions}
    network_, refused = _readable(outside, sorter.given, instances(functions)[0])
    replaced = {place: error for place, error in refused.items() if _is_defined_later(document, place)}
    if replaced:
        sorter = _sorted(document, outside, frozenset(replaced))
        network_, more = _readable(outside, sorter.given, instances(functions)[0])
        refused = {**replaced, **more}
    return Plan(document, network_, sorter.roles, {**sorter.refused, **refused}, functions)


def _is_defined_later(document: Document, place: int) -> bool:
    """Tell whether another line defines what a line that makes no sense was to define."""
    name = document.entries[place].name
    return any(entry.name == name and entry.statement for entry in document.entries[place + 1 :])


def _sorted(document: Document, outside: list[Stated], unreadable: frozenset[int]) -> _Sorter:
    """Return the parts of all entries, those left out that make no sense."""
    sorter = _Sorter(document, outside)
    for place, entry in enumerate(document.entries):
        if place in unreadable:
            sorter.roles[place] = "forward"
        else:
            sorter.sort(place, entry)
    return sorter


def _readable(
    outside: list[Stated], given: dict[int, Stated], chosen: Mapping[str, Template]
) -> tuple[Network, dict[int, ChainruleError]]:
    """Return the network of all statements that can be read, and which entries cannot."""
    network = Network((*outside, *given.values()))
    _, refused = read_network(network.instantiated(lambda tree: instantiated(tree, chosen)))
    for place in refused:
        if place < len(outside):
            raise refused[place]
    places = list(given)
    kept = tuple(stated for place, stated in enumerate(network.stated) if place not in refused)
    return Network(kept), {places[place - len(outside)]: error for place, error in refused.items()}


def _outside(network: Any) -> tuple[list[Stated], dict[str, int]]:
    """Return the statements of a network that is given apart from the document."""
    if network is None:
        return [], {}
    if isinstance(network, str | Path):
        found = read_document(network, "eqn")
        for entry in found.entries:
            if entry.error is not None:
                raise entry.error
        statements = [entry.statement for entry in found.entries if entry.statement is not None]
        return _forward(statements, found.lines, found.source), found.functions
    graph = getattr(network, "graph", network)
    if not isinstance(graph, Graph):
        raise KindError(
            f"a network is a graph, a Network, a file or equations, not {type(network).__name__}."
        )
    text = to_text(lower(graph, opening=True))
    return _forward(parse_statements(text), text.splitlines(), ""), {}


def _forward(statements: Iterable[Statement], lines: list[str], source: str) -> list[Stated]:
    """Leave out updates, gradients, and what is made of gradients."""
    statements = list(statements)
    names = {normalized(s.name) for s in statements if isinstance(s, syntax.Equation)}
    names |= {normalized(i.name) for s in statements if isinstance(s, syntax.Declaration) for i in s.items}
    backward: set[str] = set()
    kept: list[Stated] = []
    for statement in statements:
        if isinstance(statement, syntax.Equation):
            name = normalized(statement.name)
            used = set(names_in(statement.right))
            if statement.is_update or is_gradient_of(name, names) or used & backward:
                backward.add(name)
                continue
        kept.append(Stated(statement, lines, source))
    return kept


def is_gradient_of(name: str, names: Iterable[str]) -> bool:
    """Tell whether a name is dV for one of the names V."""
    return name.startswith("d") and name[1:] in names


class _Sorter:
    """Goes through the entries in order and gives each its part."""

    def __init__(self, document: Document, outside: list[Stated]) -> None:
        self.entries = document.entries
        self.lines, self.source = document.lines, document.source
        self.roles: dict[int, Role] = {}
        self.refused: dict[int, ChainruleError] = {}
        self.given: dict[int, Stated] = {}
        statements = [*(s.statement for s in outside), *(e.statement for e in self.entries if e.statement)]
        self.movable = _declared(statements, ("parameter", "state"))
        self.defined = _defined(s.statement for s in outside)
        self.all_names = self.defined | _defined(e.statement for e in self.entries if e.statement)
        self.backward = {name for name in self.all_names if is_gradient_of(name, self.all_names)}

    def sort(self, place: int, entry: Entry) -> None:
        """Give one entry its part."""
        if entry.statement is None or entry.error is not None:
            self.roles[place] = self._role(entry)
            if entry.error is not None:
                self.refused[place] = entry.error
        elif isinstance(entry.statement, syntax.Declaration):
            self._declaration(place, entry, entry.statement)
        else:
            self._equation(place, entry, entry.statement)

    def _role(self, entry: Entry) -> Role:
        return "gradient" if is_gradient_of(entry.name, self.all_names) else "forward"

    def _declaration(self, place: int, entry: Entry, statement: syntax.Declaration) -> None:
        if statement.keyword == "function":
            for item in statement.items:
                try:
                    check_arity(item.name, len(item.shape), entry.line)
                except ChainruleError as error:
                    self.refused[place] = error
                    return
        new = tuple(item for item in statement.items if normalized(item.name) not in self.defined)
        if new:
            stated = syntax.Declaration(statement.keyword, new, statement.span)
            self.given[place] = Stated(stated, self.lines, self.source)
        if statement.keyword not in ("sizes", "outputs"):
            self.defined.update(normalized(item.name) for item in new)

    def _is_backward(self, name: str) -> bool:
        return name in self.backward or (name not in self.defined and is_gradient_of(name, self.all_names))

    def _updates(self, name: str, statement: syntax.Equation) -> bool:
        """Tell whether an equation changes a parameter or state: W ← W − α dW, also with an equals sign."""
        used = names_in(statement.right)
        return name in self.movable and (statement.is_update or (name in used and f"d{name}" in used))

    def _equation(self, place: int, entry: Entry, statement: syntax.Equation) -> None:
        name = entry.name
        if self._updates(name, statement):
            self.roles[place] = "update"
        elif is_gradient_of(name, self.all_names):
            self.roles[place] = "gradient"
        elif name in self.defined:
            self.roles[place] = "forward"
        elif any(self._is_backward(used) for used in names_in(statement.right)):
            self.roles[place] = "definition"
            self.backward.add(name)
        else:
            self.roles[place] = "forward"
            self.given[place] = Stated(statement, self.lines, self.source)
            self.defined.add(name)


def _declared(statements: Iterable[Statement], keywords: tuple[str, ...]) -> set[str]:
    """Return the names that declarations with these keywords declare."""
    declarations = (s for s in statements if isinstance(s, syntax.Declaration) and s.keyword in keywords)
    return {normalized(item.name) for declaration in declarations for item in declaration.items}


def _defined(statements: Iterable[Statement]) -> set[str]:
    names: set[str] = set()
    for statement in statements:
        if isinstance(statement, syntax.Equation):
            names.add(normalized(statement.name))
        elif statement.keyword not in ("sizes", "outputs"):
            names.update(normalized(item.name) for item in statement.items)
    return names
