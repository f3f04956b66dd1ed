"""A graph as a whole document of text: declarations, equations with shapes, updates."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chainrule.ir.graph import Graph
from chainrule.ir.names import ascii_name
from chainrule.ir.value import Value
from chainrule.notation.dialect import PLAIN, SUPERSCRIPTS
from chainrule.notation.lines import Line, Lines, Section
from chainrule.notation.writer import AsciiWriter, Writer

_ASCII_SIGNS = (
    ("-", "−"), (PLAIN.hadamard.ascii, PLAIN.hadamard.text), (PLAIN.transpose.ascii, PLAIN.transpose.text),
    ("||", "‖"), (">=", "≥"), ("<=", "≤"), ("!=", "≠"), *((f"^{d}", r) for d, r in SUPERSCRIPTS.items()),
)  # fmt: skip
_ROLE_WORDS = {"data": "data", "parameter": "parameter", "state": "state", "hyperparameter": "scalar"}


def to_text(graph: Graph, *, ascii: bool = False, shapes: bool = True) -> str:
    """Return a graph as text that `parse` reads back to an equal graph.

    Args:
        graph: what to print.
        ascii: write with the signs of an English keyboard alone.
        shapes: whether each equation ends with its shape.
    """
    parts = [
        declarations(graph, ascii=ascii),
        equations(graph, ascii=ascii, shapes=shapes),
        updates(graph, ascii=ascii),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def declarations(graph: Graph, *, ascii: bool = False) -> str:
    """Return the lines that declare sizes, leaves and, where they are not plain to see, outputs."""
    rows: list[tuple[str, str]] = []
    if graph.letters:
        rows.append(("sizes", ", ".join(graph.letters)))
    for role, word in _ROLE_WORDS.items():
        leaves = [leaf for leaf in graph.leaves() if leaf.attributes["role"] == role]
        plain = [leaf for leaf in leaves if word != "scalar" or leaf.shape == ()]
        shaped = [leaf for leaf in leaves if leaf not in plain]
        rows += [(word, ", ".join(_declared(graph, leaf, ascii) for leaf in plain))] if plain else []
        rows += [(role, ", ".join(_declared(graph, leaf, ascii) for leaf in shaped))] if shaped else []
    if set(graph.outputs) != set(graph.sinks()) or not all(map(graph.is_named, graph.outputs)):
        rows.append(("outputs", ", ".join(_spelled(name, ascii) for name in _output_names(graph))))
    width = max((len(word) for word, _ in rows), default=0) + 2
    return "\n".join(word.ljust(width) + rest for word, rest in rows)


def _spelled(name: str, ascii: bool) -> str:
    return ascii_name(name) if ascii else name


def _output_names(graph: Graph) -> list[str]:
    spelled = {line.value: line.name for line in reversed(Lines(graph).lines)}
    return [spelled.get(v) or graph.names_of(v)[0] for v in graph.outputs]


def _declared(graph: Graph, leaf: Value, ascii: bool) -> str:
    name = _spelled(graph.names_of(leaf)[0], ascii)
    if leaf.attributes["role"] == "hyperparameter" and leaf.shape == ():
        return name
    sizes = ", ".join(map(str, leaf.shape))
    kind = "" if leaf.kind == "real" else f" {leaf.kind}"
    frozen = " frozen" if leaf.attributes["frozen"] else ""
    return f"{name} : ({sizes}){kind}{frozen}"


def equations(
    graph: Graph,
    *,
    ascii: bool = False,
    shapes: bool = True,
    section: Section | None = None,
    only: Collection[str] | None = None,
) -> str:
    """Return the equations, one a line, aligned; of one section or of some names if asked for."""
    lines = Lines(graph)
    writer = AsciiWriter(lines) if ascii else Writer(lines)
    wanted = [
        line
        for line in lines.lines
        if (section is None or line.section == section) and (only is None or line.name in only)
    ]
    rows = [(writer.name(line.name), _right_side(writer, line), writer.shape(line.value)) for line in wanted]
    return align(rows, "=", shapes=shapes)


def equations_with_values(graph: Graph) -> list[tuple[str, Value]]:
    """Return every equation as text, unnamed values with a line of their own included, with its value."""
    values = [line.value for line in Lines(graph).lines]
    return list(zip(equations(graph).splitlines(), values, strict=True))


def equation(graph: Graph, value: Value) -> str:
    """Return the one equation that defines a value, without its shape."""
    lines = Lines(graph)
    writer = Writer(lines)
    for line in lines.lines:
        if line.value is value:
            return f"{line.name} = {_right_side(writer, line)}"
    return writer.expression(value)


def _right_side(writer: Writer, line: Line) -> str:
    return writer.name(line.alias) if line.alias else writer.right_side(line.name, line.value)


def updates(graph: Graph, *, ascii: bool = False, shapes: bool = True) -> str:
    """Return the updates, one a line, such as W1 ← W1 − α dW1."""
    lines = Lines(graph)
    writer = AsciiWriter(lines) if ascii else Writer(lines)
    rows = [
        (writer.name(graph.names_of(leaf)[0]), writer.expression(new), writer.shape(leaf))
        for leaf, new in graph.updates.items()
    ]
    return align(rows, writer.sign(writer.dialect.update), shapes=shapes)


def as_ascii(text: str) -> str:
    """Return a printed equation in ASCII; for single equations in messages, where spacing is free."""
    for plain, sign in _ASCII_SIGNS:
        text = text.replace(sign, plain)
    return "".join(ascii_name(sign) for sign in text)


def align(rows: Sequence[tuple[str, str, str]], sign: str, *, shapes: bool = True) -> str:
    """Return rows of name, expression and shape with the signs and the shapes under each other.

    A row much longer than the others does not push their shapes away.
    """
    if not rows:
        return ""
    names = max(len(name) for name, _, _ in rows)
    width = max((len(text) for _, text, _ in rows if len(text) <= 60), default=0)
    lines = (
        f"{name.ljust(names)} {sign} {text.ljust(width)} : {shape}"
        if shapes
        else f"{name.ljust(names)} {sign} {text}"
        for name, text, shape in rows
    )
    return "\n".join(lines)
