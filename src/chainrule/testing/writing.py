"""Checks of what is written: the text reads back, the LaTeX is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chainrule.errors import ChainruleError
from chainrule.graph import Graph, parse
from chainrule.notation.latex import latex_rows
from chainrule.notation.text import to_text
from chainrule.testing.trial import Trial

_PAIRS = ((r"(?<!\\)\{", r"(?<!\\)\}", "{ }"), (r"\\left\b", r"\\right\b", r"\left \right"))


def text_reads_back(trial: Trial) -> Iterator[str]:
    """What prints parses to the same graph, in Unicode and ASCII, before and after rewriting."""
    graphs = list(dict.fromkeys([trial.graph, trial.backward]))
    for graph in [*graphs, *(g.simplify() for g in graphs)]:
        graph.verify()
        for ascii in (False, True):
            complaint = _lost_in_print(graph, ascii=ascii)
            if complaint:
                yield complaint
                return


def _lost_in_print(graph: Graph, *, ascii: bool) -> str:
    text = to_text(graph, ascii=ascii)
    line = next((line for line in text.splitlines() if line.startswith("out ")), text.splitlines()[-1])
    if ascii and not text.isascii():
        return f"the ASCII text is not ASCII: {line}"
    try:
        return "" if parse(text).same_as(graph) else f"the text reads back as another graph: {line}"
    except ChainruleError as error:
        return f"the text does not read back: {error.message} The line is: {line}"


def latex_is_balanced(trial: Trial) -> Iterator[str]:
    """LaTeX is made of every equation, and each bracket closes."""
    for row in latex_rows(trial.backward):
        text = " ".join(row)
        for opening, closing, shown in _PAIRS:
            if len(re.findall(opening, text)) != len(re.findall(closing, text)):
                yield f"{shown} do not balance in the LaTeX {text}"
                return
