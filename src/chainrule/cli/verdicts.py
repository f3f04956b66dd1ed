"""A report in colour on a terminal: one block for each equation, as wide as the window, nothing cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chainrule.derivation.grading import MISSING, Grade
from chainrule.derivation.report import Report
from chainrule.derivation.verdict import Judgement, Verdict
from chainrule.derivation.wording import Row, clean, rows

_COLORS = {
    Verdict.RIGHT: "green",
    Verdict.CONDITIONAL: "yellow",
    Verdict.WRONG: "red",
    Verdict.INHERITED: "magenta",
    Verdict.AMBIGUOUS: "yellow",
    Verdict.UNREAD: "red",
    Verdict.GIVEN: "blue",
    MISSING: "red",
}
_LABELS = 9
_NARROWEST = 20
_NARROWEST_WINDOW = 40
_BREAKS = re.compile(r"(?<!,) +|(?<=,) +(?![^()]*\))")
_LEFT_SIDE = re.compile(r".*? (?:=|←|<-) ")


class _Wrapped:
    """Text wrapped anywhere but within a shape; the right side of an equation stays to the right.

    Args:
        text: on one line.
        style: of the whole.
    """

    def __init__(self, text: str, style: str) -> None:
        self.text, self.style = text, style
        self.parts = _BREAKS.split(text)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = max(cell_len(part) for part in self.parts)
        return Measurement(min(longest, _NARROWEST), cell_len(self.text))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in self.lines(options.max_width):
            yield Text(line, style=self.style, no_wrap=True)

    def lines(self, width: int) -> Iterator[str]:
        """Yield the lines that the text takes in a width."""
        left = _LEFT_SIDE.match(self.text)
        margin = " " * cell_len(left.group()) if left and 3 * cell_len(left.group()) < width else ""
        line = ""
        for part in self.parts:
            if line.strip() and cell_len(f"{line} {part}") > width:
                yield line
                line = margin
            line = f"{line} {part}" if line.strip() else line + part
            *full, line = chop_cells(line, width) if cell_len(line) > width else [line]
            yield from full
        yield line


def terminal() -> Console | None:
    """Return the terminal that standard output is, or None if it is a file, a pipe or too narrow."""
    console = Console(highlight=False)
    return console if console.is_terminal and console.width >= _NARROWEST_WINDOW else None


def as_blocks(report: Report, graded: Grade | None) -> RenderableType:
    """Return a report and a grade, to be printed."""
    numbers = max((len(str(judgement.line)) for judgement in report), default=1)
    blocks = [_block(judgement, report, numbers) for judgement in report]
    color = "green" if report.ok else "red"
    summary = Text(clean(report.summary), style=f"bold {color}")
    return Group(*blocks, summary, *([Text(""), _points(graded)] if graded else []))


def _block(judgement: Judgement, report: Report, numbers: int) -> RenderableType:
    """Return the equation with its line number, and below it what there is to say."""
    said = Table.grid(padding=(0, 2, 0, 0))
    said.add_column(width=_LABELS, no_wrap=True)
    said.add_column(overflow="fold")
    for row in rows(judgement, report):
        said.add_row(*_styled(row, judgement))
    block = Table.grid(padding=(0, 2, 0, 0))
    block.add_column(width=numbers, justify="right", no_wrap=True, style="cyan")
    block.add_column(overflow="fold")
    equation = _Wrapped(clean(judgement.source), "bold")
    block.add_row(str(judgement.line), Group(equation, said))
    return Padding(block, (0, 0, 1, 1))


def _styled(row: Row, judgement: Judgement) -> tuple[Text, _Wrapped]:
    """Return a label and a text in the colors of what they say."""
    color = _COLORS[judgement.verdict]
    label, text = {
        "reading": ("dim", "dim"),
        "verdict": (f"bold {color}", color),
        "place": ("dim", ""),
        "fix": ("bold green", ""),
        "correction": ("bold green", "green"),
    }[row.kind]
    return Text(row.label, style=label), _Wrapped(row.text, text)


def _points(graded: Grade) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=False, overflow="fold", style="bold")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", style="dim")
    for row in graded.rows:
        verdict = Text(row.verdict, style=_COLORS[row.verdict])
        table.add_row(Text(row.name), Text(row.points), verdict, Text(clean(row.why)))
    color = "green" if graded.is_full else "red"
    total = Text(f"{graded.total:g} of {graded.possible:g} points", style=f"bold {color}")
    return Group(table, total)
