"""A network as a table: layers, shapes, parameters, and what the backward pass needs to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chainrule.ir.constant import Constant
from chainrule.ir.form import Hidden
from chainrule.ir.graph import Graph
from chainrule.ir.shape import Shape, show_shape
from chainrule.ir.value import Value
from chainrule.nn.sequential import Record
from chainrule.notation.lines import Lines
from chainrule.notation.quantities import show_bytes


def cached_values(step: Graph) -> list[Value]:
    """Return the forward values that the backward pass of a step reads, in order.

    Leaves do not count, they are there anyway, and neither do numbers and broadcasts.
    """
    gradients = {step[name] for name in step.gradients if step[name].inputs}
    running = set(step.walk(new for new in step.updates.values() if gradients.isdisjoint(step.walk([new]))))
    stated = [line.value for line in Lines(step).lines if line.section == "forward"]
    forward = set(step.walk(stated))
    kept: dict[Value, None] = {}
    for value in step.live():
        if value in forward or value in running:
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


def bytes_of(values: Iterable[Value], sizes: Mapping[str, int], width: int) -> str:
    """Return the memory that values take: in a suitable unit, or with letters where sizes stay open."""
    shapes = [value.shape for value in values]
    text = count([(*shape, width) for shape in shapes], sizes)
    return show_bytes(int(text)) if text.isdigit() else f"{text} B"


def summary_table(
    graph: Graph, records: Sequence[Record], step: Graph, sizes: Mapping[str, int], width: int
) -> str:
    """Return the table of a network's layers.

    Args:
        graph: the forward graph.
        records: what each layer built.
        step: a training step of the graph.
        sizes: numbers for letters that are known.
        width: bytes of a number.
    """
    cached = cached_values(step)
    owners = _owners(step, records)
    rows = [("", "layer", "output", "parameters", "kept for the backward pass")]
    for place, record in enumerate(records):
        mine = [value for value in cached if owners.get(value) == place]
        rows.append((str(place + 1), record.label, *_columns(graph, step, record, mine, sizes, width)))
    rest = [value for value in cached if value not in owners]
    if rest:
        rows.append(("", "loss", "", "", _kept(step, rest, sizes, width)))
    parameters = count((leaf.shape for leaf in graph.leaves("parameter")), sizes)
    rows.append(("", "all", "", parameters, bytes_of(cached, sizes, width)))
    return _aligned(rows)


def _columns(
    graph: Graph, step: Graph, record: Record, mine: Sequence[Value], sizes: Mapping[str, int], width: int
) -> tuple[str, str, str]:
    """Return a layer's output, number of parameters, and what is kept."""
    own = [graph[name] for name in record.names]
    parameters = [value.shape for value in own if value.attributes.get("role") == "parameter"]
    computed = [name for name in record.names if graph[name].inputs]
    output = f"{computed[-1]} {show_shape(graph[computed[-1]].shape)}" if computed else ""
    return output, count(parameters, sizes) if parameters else "", _kept(step, mine, sizes, width)


def _kept(step: Graph, values: Sequence[Value], sizes: Mapping[str, int], width: int) -> str:
    if not values:
        return ""
    lines = {line.value: line.name for line in reversed(Lines(step).lines)}
    return f"{bytes_of(values, sizes, width)}: {', '.join(lines.get(v, v.op.name) for v in values)}"


def kept_rows(step: Graph, sizes: Mapping[str, int], width: int) -> list[tuple[str, str, str]]:
    """Return name, shape and bytes of each value kept for the backward pass, the sum of all last."""
    lines = {line.value: line.name for line in reversed(Lines(step).lines)}
    cached = cached_values(step)
    rows = [(lines.get(v, v.op.name), show_shape(v.shape), bytes_of([v], sizes, width)) for v in cached]
    return [*rows, ("all", "", bytes_of(cached, sizes, width))] if rows else []


def _owners(step: Graph, records: Sequence[Record]) -> dict[Value, int]:
    """Return which layer each forward value of a step belongs to: the one that names it or what it is for."""
    places = {name: place for place, record in enumerate(records) for name in record.names}
    owners: dict[Value, int] = {}
    waiting: list[Value] = []
    for line in Lines(step).lines:
        waiting.append(line.value)
        place = places.get(line.name)
        if place is not None:
            owners.update({value: place for value in waiting if value not in owners})
        if place is not None or line.section == "backward":
            waiting = []
    return owners


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])
