"""A graph as LaTeX, for amsmath."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from chainrule.ir import form as forms
from chainrule.ir.form import Level
from chainrule.ir.graph import Graph
from chainrule.ir.op import Op
from chainrule.ir.value import Value
from chainrule.notation.lines import Lines
from chainrule.notation.writer import Piece, Script, Writer

_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ",
        [
            r"\alpha",
            r"\beta",
            r"\gamma",
            r"\delta",
            r"\varepsilon",
            r"\zeta",
            r"\eta",
            r"\theta",
            r"\iota",
            r"\kappa",
            r"\lambda",
            r"\mu",
            r"\nu",
            r"\xi",
            r"o",
            r"\pi",
            r"\rho",
            r"\sigma",
            r"\tau",
            r"\upsilon",
            r"\varphi",
            r"\chi",
            r"\psi",
            r"\omega",
            r"\Gamma",
            r"\Delta",
            r"\Theta",
            r"\Lambda",
            r"\Xi",
            r"\Pi",
            r"\Sigma",
            r"\Upsilon",
            r"\Phi",
            r"\Psi",
            r"\Omega",
        ],
        strict=True,
    )
)
_ORDERS = {"²": "2", "³": "3", "⁴": "4", "⁵": "5", "⁶": "6", "⁷": "7", "⁸": "8", "⁹": "9"}
_SPACES = {"real": r"\mathbb{R}", "index": r"\mathbb{N}", "bool": r"\{0, 1\}"}


class LatexWriter(Writer):
    """Writes expressions as LaTeX mathematics."""

    script: Script = "latex"
    _words: ClassVar[re.Pattern[str]] = re.compile(r"([^\W\d_]+)([\d]*)(?:_(.*))?")

    def name(self, name: str) -> str:
        """Return a name: dW1 as dW_{1}, mu1 as \\mu_{1}, d²W1 as d^{2}W_{1}."""
        order = re.match(r"d([²³⁴⁵⁶⁷⁸⁹])", name)
        if order:
            return rf"\mathrm{{d}}^{{{_ORDERS[order.group(1)]}}}{self.name(name[2:])}"
        variable = self.lines.graph.gradients.get(name)
        if variable is not None and name == "d" + variable:
            return rf"\mathrm{{d}}{self._plain_name(variable)}"
        return self._moment(name) or self._plain_name(name)

    def _moment(self, name: str) -> str:
        """Return an optimizer's moment of a parameter, uW1 as u_{W_{1}}; "" if it is none."""
        parameter, _, new = name[1:].partition("_new")
        graph = self.lines.graph
        known = name[0] in "uv" and parameter in graph and "role" in graph[parameter].attributes
        mark = r"^{\mathrm{new}}" if name.endswith("_new") else ""
        return rf"{name[0]}_{{{self._plain_name(parameter)}}}{mark}" if known and not new else ""

    def _plain_name(self, name: str) -> str:
        match = self._words.fullmatch(name)
        if match is None:
            return _upright(name)
        letters, digits, rest = match.groups()
        marks = ", ".join(part for part in (digits, _upright(rest) if rest else "") if part)
        return _letters(letters) + (f"_{{{marks}}}" if marks else "")

    def size(self, letter: str) -> str:
        """Return a size letter."""
        return self._plain_name(letter)

    def bracketed(self, text: str) -> str:
        """Return a text in brackets that grow with it."""
        return rf"\left({text}\right)"

    def superscript(self, number: int) -> str:
        """Return a whole exponent."""
        return f"^{{{number}}}"

    def exponent(self, value: Value) -> str:
        """Return an exponent that is not a whole number."""
        return f"^{{{self._at(value, Level.COMPARISON)}}}"

    def call(self, op: Op, arguments: Sequence[str]) -> str:
        """Return a function call."""
        form = op.form
        command = (
            form.latex
            if isinstance(form, forms.Call) and form.latex
            else rf"\operatorname{{{_escaped(op.name)}}}"
        )
        return rf"{command}\left({', '.join(arguments)}\right)"

    def setting(self, name: str, text: str) -> str:
        """Return an attribute given by name."""
        return rf"\mathrm{{{_escaped(name)}}}={text}"

    def literal(self, item: object) -> str:
        """Return an attribute's value."""
        text = super().literal(item)
        return rf"\mathrm{{{text}}}" if isinstance(item, bool) else text

    def sigma(self, letter: str) -> str:
        """Return the sum sign for an axis."""
        return rf"\sum_{{{self.size(letter)}}} "

    def shape(self, value: Value) -> str:
        """Return the space a value lies in."""
        sizes = r" \times ".join(self.size(s) if isinstance(s, str) else str(s) for s in value.shape)
        return rf"\in {_SPACES[value.kind]}" + (f"^{{{sizes}}}" if sizes else "")

    def _quotient(self, above: Sequence[str], below: Sequence[str]) -> str:
        top, bottom = (r" \, ".join(_scientific(part) for part in parts) for parts in (above, below))
        return rf"\frac{{{top}}}{{{bottom}}}" if below else top

    def _fraction(self, value: Value) -> Piece:
        above, below = (self._at(x, Level.COMPARISON) for x in self._operands(value))
        return rf"\frac{{{above}}}{{{below}}}", Level.PRODUCT


def _scientific(part: str) -> str:
    """Return 1e-05 as a power of ten."""
    digits, _, exponent = part.partition("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}" if exponent and digits[0].isdigit() else part


def _letters(letters: str) -> str:
    if len(letters) == 1:
        return _GREEK.get(letters, letters)
    if all(sign in _GREEK for sign in letters):
        return " ".join(_GREEK[sign] for sign in letters)
    if letters[0] in _GREEK:
        return f"{_GREEK[letters[0]]}_{{{letters[1:]}}}"
    return rf"\mathit{{{letters}}}"


def _upright(text: str) -> str:
    return rf"\mathrm{{{_escaped(text)}}}"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")


def to_latex(graph: Graph, *, section: str | None = None, shapes: bool = True) -> str:
    """Return the equations of a graph as an `aligned` environment, one row a line.

    Args:
        graph: what to print.
        section: "forward", "backward" or "update" for that part alone.
        shapes: whether each row ends with the space its value lies in.
    """
    rows = latex_rows(graph, section=section, shapes=shapes)
    body = " \\\\\n".join(
        f"  {left} &{sign} {right}" + (f" &&{space}" if space else "") for left, sign, right, space in rows
    )
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def latex_rows(
    graph: Graph, *, section: str | None = None, shapes: bool = True
) -> list[tuple[str, str, str, str]]:
    """Return each equation's left side, sign, right side and space, as LaTeX."""
    lines = Lines(graph)
    writer = LatexWriter(lines)
    rows: list[tuple[str, str, str, str]] = []
    for line in lines.lines:
        if section in (None, line.section):
            right = writer.name(line.alias) if line.alias else writer.right_side(line.name, line.value)
            rows.append((writer.name(line.name), "=", right, writer.shape(line.value) if shapes else ""))
    if section in (None, "update"):
        arrow = writer.sign(writer.dialect.update)
        for leaf, new in graph.updates.items():
            space = writer.shape(leaf) if shapes else ""
            rows.append((writer.name(graph.names_of(leaf)[0]), arrow, writer.expression(new), space))
    return rows
