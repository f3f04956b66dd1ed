"""From syntax trees to a graph: names get their values, products their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from chainrule.errors import ChainruleError, ParseError
from chainrule.ir.graph import Graph
from chainrule.ir.names import normalized
from chainrule.ir.shape import show_shape
from chainrule.ir.structural import Role, declare
from chainrule.notation import syntax
from chainrule.notation.dialect import PLAIN, Dialect
from chainrule.notation.expressions import Meaning
from chainrule.notation.parser import parse_statements
from chainrule.notation.syntax import Statement
from chainrule.notation.tokens import normalize_text

GraphT = TypeVar("GraphT", bound=Graph)

_ROLES: Mapping[str, Role] = {
    "data": "data",
    "parameter": "parameter",
    "state": "state",
    "scalar": "hyperparameter",
    "hyperparameter": "hyperparameter",
}
_PREFIXES = ("d", "d²", "d³", "d⁴", "d⁵", "d⁶", "d⁷", "d⁸", "d⁹")


def parse_into(graph: GraphT, text: str, *, source: str = "", dialect: Dialect = PLAIN) -> GraphT:
    """Read a document of declarations, equations and updates into an empty graph.

    Args:
        graph: where to put it.
        text: the document; see `docs/the-idea.md` for what one looks like.
        source: name of the file, for messages.
        dialect: how products, transposes and so on are written.

    Returns:
        The graph.

    Raises:
        ParseError: text that cannot be read, an unknown name, a mixed product without brackets.
        ShapeError: shapes that do not fit, with the line.
    """
    statements = parse_statements(text, source, dialect)
    reader = Reader(graph, normalize_text(text).splitlines(), source)
    reader.gather_letters(statements)
    for statement in statements:
        reader.read(statement)
    reader.finish()
    return graph


class Reader:
    """Reads statements in order; a name must be defined before it is used."""

    def __init__(self, graph: Graph, lines: list[str], source: str) -> None:
        self.graph, self.lines, self.source = graph, lines, source
        self.meaning = Meaning(graph, lines, source)
        self.outputs: list[syntax.Declared] = []

    def turn_to(self, lines: list[str], source: str) -> None:
        """Go on with statements of another text."""
        self.lines, self.source = lines, source
        self.meaning.lines, self.meaning.source = lines, source

    def gather_letters(self, statements: list[Statement]) -> None:
        """Note declared sizes, and the names that equations will define."""
        for statement in statements:
            if isinstance(statement, syntax.Equation):
                self.meaning.defined_later.add(normalized(statement.name))
            elif statement.keyword == "sizes":
                self.meaning.letters.update(item.name for item in statement.items)
                self.graph.declare_sizes(item.name for item in statement.items)

    def read(self, statement: Statement) -> None:
        """Enter one statement in the graph; any error gets the place in the text."""
        self.meaning.place = None
        try:
            if isinstance(statement, syntax.Declaration):
                self.declaration(statement)
            else:
                self.equation(statement)
        except ParseError:
            raise
        except ChainruleError as error:
            span = self.meaning.place or statement.span
            place = f"line {span.line}, column {span.start + 1}"
            place = f"{self.source}, {place}" if self.source else place
            error.where = f"{self.lines[span.line - 1].strip()}          {place}"
            raise

    def declaration(self, statement: syntax.Declaration) -> None:
        """Enter leaves; sizes were gathered before, outputs wait until all names are known."""
        if statement.keyword == "sizes":
            return
        if statement.keyword == "outputs":
            self.outputs.extend(statement.items)
            return
        if statement.keyword == "function":
            self.meaning.fail(
                f"{statement.items[0].name} is abstract: a network that runs needs a function that is known.",
                statement.items[0].span,
                expected="a function of the rule book",
                fix="name one, such as tanh; chainrule.check judges derivations with abstract functions.",
            )
        for item in statement.items:
            self.meaning.place = item.span
            self.meaning.check_letters(item.shape, item.span)
            kind: Any = item.kind
            role = _ROLES[statement.keyword]
            self.graph.declare(item.name, declare(role, item.shape, kind, frozen=item.frozen))

    def equation(self, statement: syntax.Equation) -> None:
        """Enter a named value or an update, once its stated shape is seen to hold."""
        value = self.meaning.value(statement.right)
        stated = statement.shape
        if stated is not None and stated != value.shape:
            shapes = f"the line says {show_shape(stated)}, but the right side is {show_shape(value.shape)}"
            expected = f"the shape {show_shape(value.shape)}"
            self.meaning.fail(f"{statement.name}: {shapes}.", statement.span, expected=expected)
        if statement.is_update:
            self.graph.update(self.meaning.known(statement.name, statement.span), value)
        elif statement.name in self.graph:
            fix = "an equation defines its name once; a step changes a parameter by ←."
            again = f"{statement.name} is defined already."
            self.meaning.fail(again, statement.span, expected="a name of its own", fix=fix)
        else:
            self.graph.name(statement.name, value)

    def finish(self) -> None:
        """State the outputs, and which names are gradients: dV of V, by the glossary."""
        if self.outputs:
            self.graph.set_outputs(self.meaning.known(item.name, item.span) for item in self.outputs)
        declared = {self.graph.names_of(leaf)[0] for leaf in self.graph.leaves()}
        for name, value in self.graph.names.items():
            for prefix in _PREFIXES:
                variable = name.removeprefix(prefix)
                shaped = variable in self.graph and self.graph[variable].shape == value.shape
                if variable != name and shaped and name not in declared:
                    self.graph.record_gradient(name, variable)
