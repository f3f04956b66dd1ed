"""What machine code makes of a graph: phases, kernels, and where every array lies, for a reader."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.errors import DataError
from chainrule.execute.executor import USUAL, checked_dtype
from chainrule.execute.native.arrays import Node, View
from chainrule.execute.native.groups import Group, is_matrix_product
from chainrule.execute.native.plan import Plan, Task, item_size, meetings, planned
from chainrule.execute.native.program import machine_for
from chainrule.ir.graph import Graph
from chainrule.notation.lines import Lines
from chainrule.notation.quantities import show_bytes
from chainrule.notation.text import equations_with_values, updates
from chainrule.notation.writer import Writer

_KINDS = {
    "product": "matrix product",
    "packed": "a transposed matrix laid down in panels",
    "assemble": "arrays put together",
    "take": "elements taken by their numbers",
    "scatter": "elements added up by their numbers",
    "scan": "running sums along an axis",
    "argmax": "places of the greatest",
    "call": "left to NumPy",
}
_REGISTERS = "in registers"
_SINGLE, _FEW = 8, 3
_WIDTH = 100
_INDENTED: Mapping[str, Any] = {
    "initial_indent": " " * 6,
    "subsequent_indent": " " * 8,
    "break_long_words": False,
    "break_on_hyphens": False,
}


@dataclass(frozen=True)
class Line:
    """An equation, and where its value is kept.

    Attributes:
        text: the equation.
        place: in words.
    """

    text: str
    place: str


@dataclass(frozen=True)
class KernelNote:
    """What one kernel does.

    Attributes:
        number: its turn, from 1.
        phase: threads meet after each phase, and nowhere else.
        kind: in words.
        lines: the equations whose values it finishes.
        reads: bytes by the name of each array in memory.
        writes: bytes by name.
        multiply_adds: of a matrix product; else 0.
    """

    number: int
    phase: int
    kind: str
    lines: tuple[Line, ...]
    reads: Mapping[str, int]
    writes: Mapping[str, int]
    multiply_adds: int


@dataclass(frozen=True)
class Room:
    """An array in the arena.

    Attributes:
        name: of the array.
        place: the byte at which it begins.
        size: its bytes, padding included.
        first: the kernel that writes it.
        last: the last kernel that reads it.
    """

    name: str
    place: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class NativeExplanation:
    """What machine code makes of a graph; printed, it is a page for a reader.

    Attributes:
        target: the instructions used.
        dtype: of the numbers.
        sizes: what the letters stand for.
        kernels: in the order in which they run.
        rooms: the arrays of the arena, by their places.
        arena: bytes of the arena, in which places are used again when their array is done with.
    """

    target: str
    dtype: str
    sizes: Mapping[str, int]
    kernels: tuple[KernelNote, ...]
    rooms: tuple[Room, ...]
    arena: int

    def __str__(self) -> str:
        return "\n".join(_page(self))


def explain_native(
    graph: Graph, sizes: Mapping[str, int] | None = None, dtype: Any = USUAL
) -> NativeExplanation:
    """Return what machine code makes of a graph, such as `net.step(cr.Adam()).graph`.

    Args:
        graph: any graph; a training step shows its updates too.
        sizes: numbers for its letters, {"m": 32, "d": 64}.
        dtype: float32 or float64.

    Raises:
        DataError: a letter has no number, or one that is no positive whole number.
        NativeUnavailableError: there is no LLVM.
    """
    settled = _settled(graph, dict(sizes or {}))
    numbers = checked_dtype(dtype)
    plan = planned(graph, settled, machine_for(numbers))
    return _Notes(graph, plan).explanation(numbers.name, settled)


def _settled(graph: Graph, sizes: dict[str, int]) -> dict[str, int]:
    missing = [letter for letter in graph.letters if letter not in sizes]
    if missing:
        raise DataError(
            f"nothing says how large {', '.join(missing)} is.", fix=f'sizes={{"{missing[0]}": 32}}.'
        )
    for letter, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
            raise DataError(f"the size of {letter} is a positive whole number, not {size!r}.")
    return {letter: sizes[letter] for letter in graph.letters}


class _Notes:
    """The notes being taken on a plan."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph, self.plan = graph, plan
        self.named = {line.value: line.name for line in reversed(Lines(graph).lines)}
        self.names = self._names()
        self.lines = self._lines()
        self.groups = self._in_turn()
        self.turns = {node: i for i, (group, _) in enumerate(self.groups, 1) for node in _members(group)}

    def explanation(self, dtype: str, sizes: Mapping[str, int]) -> NativeExplanation:
        """Return all notes."""
        kernels = tuple(self._kernel(i, *each) for i, each in enumerate(self.groups, 1))
        target, arena = self.plan.machine.target.name, self.plan.bytes
        return NativeExplanation(target, dtype, sizes, kernels, tuple(self._rooms()), arena)

    def _names(self) -> dict[Node, str]:
        """Return the name of each array in memory, as far as the equations give it one."""
        names: dict[Node, str] = {}
        for leaf in self.graph.leaves():
            if leaf in self.plan.traced.views:
                names[self.plan.traced.views[leaf].node] = self.graph.names_of(leaf)[0]
        for value, name in self.named.items():
            view = self.plan.traced.views.get(value)
            if view is not None:
                names.setdefault(view.node, name)
        for leaf, new in self.graph.updates.items():
            view = self.plan.traced.views[new]
            names.setdefault(view.node, f"new {self.graph.names_of(leaf)[0]}")
        writer = Writer(Lines(self.graph))
        for value, view in self.plan.traced.views.items():
            if view.node not in names and value.inputs and value.constant is None:
                names[view.node] = writer.expression(value)
        return names

    def _lines(self) -> dict[Node, list[str]]:
        """Return the equations by the node that is their value."""
        lines: dict[Node, list[str]] = {}
        changes = updates(self.graph, shapes=False).splitlines()
        stated = [
            *((value, _narrow(text)) for text, value in equations_with_values(self.graph)),
            *zip(self.graph.updates.values(), map(_narrow, changes), strict=True),
        ]
        for value, text in stated:
            view = self.plan.traced.views.get(value)
            if view is not None:
                lines.setdefault(view.node, []).append(text)
        return lines

    def _in_turn(self) -> list[tuple[Group | None, list[tuple[Task, int]]]]:
        """Return groups in the order in which they run, with their tasks and the phase of each."""
        turns: list[tuple[Group | None, list[tuple[Task, int]]]] = []
        phase = 1
        for tasks in (self.plan.forward, self.plan.update):
            for task, meet in zip(tasks, meetings(tasks), strict=True):
                if not turns or task.group is None or turns[-1][0] is not task.group:
                    turns.append((task.group, []))
                turns[-1][1].append((task, phase))
                phase += meet
        return turns

    def _kernel(self, number: int, group: Group | None, tasks: Sequence[tuple[Task, int]]) -> KernelNote:
        made = [(text, node) for node in _members(group) for text in self.lines.get(node, ())]
        lines = tuple(Line(text, self._place(node)) for text, node in made)
        kernels = [task.kernel for task, _ in tasks if task.kernel is not None]
        views = [cell for kernel in kernels for cell in kernel.cells if isinstance(cell, View)]
        # What a copy writes is a leaf; everything else writes what it makes.
        is_own = set(_members(group)).__contains__ if group is not None else _is_leaf
        reads = self._bytes(view.node for view in views if not is_own(view.node))
        writes = self._bytes(view.node for view in views if is_own(view.node))
        is_product = group is not None and group.node is not None and group.node.kind == "product"
        work = sum(kernel.work for kernel in kernels) if is_product else 0
        return KernelNote(number, tasks[0][1], _kind(group), lines, reads, writes, work)

    def _bytes(self, nodes: Iterator[Node]) -> dict[str, int]:
        found = dict.fromkeys(node for node in nodes if node.kind not in ("scratch", "number", "size"))
        return {self._name(node): self._size(node) for node in found}

    def _size(self, node: Node) -> int:
        return self.plan.machine.layout.elements(node.shape) * item_size(node, self.plan.machine.real)

    def _name(self, node: Node) -> str:
        if node in self.names:
            return self.names[node]
        if node.kind == "packed":
            return f"{self._name(node.inputs[0].node)}ᵀ in panels"
        if node.kind == "outside":
            return "the examples chosen"
        return f"something of kernel {self.turns[node]}" if node in self.turns else node.kind

    def _place(self, node: Node) -> str:
        if node in self.plan.homes:
            return f"in place of {self.graph.names_of(self.plan.homes[node])[0]}"
        if node in self.plan.places:
            return f"arena, {show_bytes(self._size(node))} at {self.plan.places[node]:,}"
        return _REGISTERS

    def _rooms(self) -> Iterator[Room]:
        last: dict[Node, int] = {}
        for i, (group, tasks) in enumerate(self.groups, 1):
            cells = [cell for task, _ in tasks if task.kernel is not None for cell in task.kernel.cells]
            inputs = [x for node in _members(group) for x in node.inputs]
            last.update(
                {
                    cell.node: i
                    for cell in [*cells, *inputs]
                    if isinstance(cell, View) and cell.node in self.turns
                }
            )
        for node, place in sorted(self.plan.places.items(), key=lambda item: item[1]):
            if node in self.turns:
                first = self.turns[node]
                yield Room(
                    self._name(node), place, self._size(node), first, max(first, last.get(node, first))
                )


def _is_leaf(node: Node) -> bool:
    return node.kind == "leaf"


def _members(group: Group | None) -> list[Node]:
    """Return the nodes of a group in the order in which their elements are made."""
    if group is None:
        return []
    first = [group.node] if group.node is not None else []
    return [*first, *group.maps, *group.reductions]


def _kind(group: Group | None) -> str:
    if group is None:
        return "a copy into a parameter or state"
    functions = (
        f"{len(group.maps)} functions of elements" if len(group.maps) != 1 else "a function of elements"
    )
    if group.node is not None:
        kind = _KINDS.get(group.node.kind, group.node.kind)
        if is_matrix_product(group.node) and group.maps:
            return f"{kind}, and on each finished tile {functions}"
        return kind
    if group.reductions:
        sums = " and ".join(dict.fromkeys(node.function for node in group.reductions))
        return f"{functions}, and {sums}" if group.maps else f"{sums} along an axis"
    return functions


def _narrow(line: str) -> str:
    """Return an equation without its shape and the spaces that aligned it."""
    text, _, _ = line.partition(" : ")
    return " ".join(text.split())


def _page(notes: NativeExplanation) -> Iterator[str]:
    sizes = ", ".join(f"{letter} = {size}" for letter, size in notes.sizes.items())
    yield f"machine code for {notes.target} in {notes.dtype}" + (f", with {sizes}" if sizes else "")
    phase = 0
    for kernel in notes.kernels:
        if kernel.phase != phase:
            phase = kernel.phase
            yield f"\nphase {phase}"
        yield from _kernel_lines(kernel)
    if notes.rooms:
        yield f"\narena, {show_bytes(notes.arena)}"
        yield from _table([_room_row(room) for room in notes.rooms])
    yield f"\n{_summary(notes)}"


def _kernel_lines(kernel: KernelNote) -> Iterator[str]:
    work = f", {kernel.multiply_adds:,} multiply-adds" if kernel.multiply_adds else ""
    yield f"{kernel.number:4}  {kernel.kind}{work}"
    width = min(60, max((len(line.text) for line in kernel.lines), default=0))
    for line in kernel.lines:
        yield f"        {line.text:{width}}   {line.place}"
    for verb, arrays in (("reads", kernel.reads), ("writes", kernel.writes)):
        single = [name for name, size in arrays.items() if size <= _SINGLE]
        listed = [f"{name} {show_bytes(size)}" for name, size in arrays.items() if size > _SINGLE]
        listed += single if len(single) <= _FEW else [f"{len(single)} single numbers"]
        if listed:
            yield from textwrap.wrap(f"{verb} {', '.join(listed)}", _WIDTH, **_INDENTED)


def _room_row(room: Room) -> tuple[str, str, str, str]:
    turns = f"{room.first}" if room.first == room.last else f"{room.first}–{room.last}"
    return f"at {room.place:,}", show_bytes(room.size), f"kernels {turns}", room.name


def _table(rows: Sequence[tuple[str, str, str, str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for place, size, turns, name in rows:
        yield f"      {place:>{widths[0]}}  {size:>{widths[1]}}  {turns:{widths[2]}}  {name}"


def _summary(notes: NativeExplanation) -> str:
    phases = len({kernel.phase for kernel in notes.kernels})
    work = sum(kernel.multiply_adds for kernel in notes.kernels)
    read, written = (
        sum(sum(getattr(kernel, way).values()) for kernel in notes.kernels) for way in ("reads", "writes")
    )
    return (
        f"{len(notes.kernels)} kernels in {phases} phases: {work:,} multiply-adds, "
        f"{show_bytes(read)} read, {show_bytes(written)} written"
    )
