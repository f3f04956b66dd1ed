"""A network as a table: layers, shapes, parameters, and what the backward pass needs to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chainrule.ir.constant import Constant
from chainrule.ir.form import Hidden
from chainrule.ir.graph import Graph
from chainrule.ir.shape import Shape, show_shape
from chainrule.ir.value import Value
from chainrule.nn.sequential import Record

_UNITS = ("B", "kB", "MB", "GB", "TB")


def cached_values(step: Graph, objective: str) -> list[Value]:
    """Return the forward values that the backward pass and the updates of a step read, in order.

    Leaves do not count, they are there anyway, and neither do numbers and broadcasts.
    """
    forward = set(step.walk([step[objective]]))
    kept: dict[Value, None] = {}
    for value in step.live():
        if value in forward:
            continue
        for x in value.inputs:
            source = x.inputs[0] if isinstance(x.op.form, Hidden) else x
            if source in forward and source.inputs and source.repeated_constant is None:
                kept[source] = None
    return sorted(kept, key=lambda value: value.order)


def count(shapes: Iterable[Shape], sizes: Mapping[str, int]) -> str:
    """Return the number of elements of several shapes together, as a sum where letters stay open.

    >>> count([("d", 128), (128,), (3,)], {}), count([("m", 2)], {"m": 5})
    ('128 d + 131', '10')
    """
    totals: dict[tuple[tuple[str, int], ...], Constant] = {}
    for shape in shapes:
        known: Shape = tuple(sizes.get(size, size) if isinstance(size, str) else size for size in shape)
        number = Constant.count(known)
        before = totals.get(number.powers)
        total = number.factor + (before.factor if before is not None else 0)
        totals[number.powers] = Constant(total, number.powers)
    ordered = sorted(totals.values(), key=lambda number: -len(number.powers))
    return " + ".join(str(number) for number in ordered) or "0"


def show_bytes(number: int) -> str:
    """Return a number of bytes in the unit that suits it.

    >>> show_bytes(800), show_bytes(49_152), show_bytes(3_000_000)
    ('800 B', '49.2 kB', '3 MB')
    """
    unit, size = 0, float(number)
    while size >= 1000 and unit < len(_UNITS) - 1:
        unit, size = unit + 1, size / 1000
    return f"{size:.3g} {_UNITS[unit]}"


def bytes_of(values: Iterable[Value], sizes: Mapping[str, int], width: int) -> str:
    """Return the memory that values take: in a suitable unit, or with letters where sizes stay open."""
    shapes = [value.shape for value in values]
    text = count([(*shape, width) for shape in shapes], sizes)
    return show_bytes(int(text)) if text.isdigit() else f"{text} B"


def summary_table(
    graph: Graph, records: Sequence[Record], cached: Mapping[str, Value], sizes: Mapping[str, int], width: int
) -> str:
    """Return the table of a network's layers.

    Args:
        graph: the forward graph.
        records: what each layer built.
        cached: the values kept for the backward pass, by name.
        sizes: numbers for letters that are known.
        width: bytes of a number.
    """
    kept = dict(cached)
    rows = [("", "layer", "output", "parameters", "kept for the backward pass")]
    for place, record in enumerate(records, start=1):
        own = [graph[name] for name in record.names if name in graph]
        parameters = [value.shape for value in own if value.attributes.get("role") == "parameter"]
        computed = [name for name in record.names if graph[name].inputs]
        output = f"{computed[-1]} {show_shape(graph[computed[-1]].shape)}" if computed else ""
        numbers = {graph[name] for name in record.names}
        mine = [name for name in kept if name in record.names or (name in graph and graph[name] in numbers)]
        values = [kept.pop(name) for name in mine]
        amount = f"{', '.join(mine)}: {bytes_of(values, sizes, width)}" if mine else ""
        rows.append((str(place), record.label, output, count(parameters, {}) if parameters else "", amount))
    rows.append(_last_row(graph, kept, cached, sizes, width))
    return _aligned(rows)


def _last_row(
    graph: Graph, rest: Mapping[str, Value], cached: Mapping[str, Value], sizes: Mapping[str, int], width: int
) -> tuple[str, str, str, str, str]:
    parameters = [leaf.shape for leaf in graph.leaves("parameter")]
    total = bytes_of(cached.values(), sizes, width) if cached else "0 B"
    others = f" with {', '.join(rest)}" if rest else ""
    return "", "all", "", count(parameters, {}), f"{total}{others}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])
