"""Whether LaTeX is well formed, by matplotlib's own typesetter."""

from __future__ import annotations

import re
from functools import cache

from matplotlib.mathtext import MathTextParser

import chainrule as cr
from chainrule.notation.latex import latex_rows

_TYPESETTER = MathTextParser("agg")
_LACKING = {r"\lVert": r"\|", r"\rVert": r"\|", r"\top": "T"}


def assert_renders(graph: cr.Graph) -> None:
    """Typeset every cell of every row of a graph; one that cannot be raises ValueError."""
    for row in latex_rows(graph):
        for cell in filter(None, row):
            _typeset(cell)


@cache
def _typeset(cell: str) -> None:
    tex = re.sub(r"\\operatorname\{((?:[^{}])*)\}", r"\\mathrm{\1}", cell)
    for command, spelling in _LACKING.items():
        tex = tex.replace(command, spelling)
    assert tex.count("{") - tex.count(r"\{") == tex.count("}") - tex.count(r"\}")
    _TYPESETTER.parse(f"${tex}$")
