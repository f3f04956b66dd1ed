"""A program made ready for one set of sizes: groups, kernels, and where every array lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chainrule.execute.native.arrays import Node, View
from chainrule.execute.native.groups import Group, Grouping, grouped, live
from chainrule.execute.native.kernels.calls import copy_kernel, kernels_of
from chainrule.execute.native.kernels.loops import Kernel
from chainrule.execute.native.kernels.machine import Machine
from chainrule.execute.native.kernels.matrix import keeps_sums
from chainrule.execute.native.memory import Span, arranged
from chainrule.execute.native.symbols import copied
from chainrule.execute.native.trace import Traced, traced
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value

_SMALL, _REMEMBERED = 20_000, 16


@dataclass(frozen=True)
class Task:
    """One entry of a plan: a kernel, or a value left to the forward rule of its op.

    Attributes:
        kernel: the kernel, or None.
        group: what it computes, or a part of that; None for a copy.
        node: the node of the value.
    """

    kernel: Kernel | None
    group: Group | None = None
    node: Node | None = None

    @property
    def is_alone(self) -> bool:
        """Whether it is too small, or too much of one piece, to be shared by threads."""
        kernel = self.kernel
        return kernel is None or kernel.units <= kernel.grain or kernel.work < _SMALL


def meetings(tasks: Sequence[Task]) -> list[bool]:
    """Tell of each task whether the threads meet after it: not between two that one thread does alone."""
    alone = [task.is_alone for task in tasks]
    return [not (here and after) for here, after in zip(alone, [*alone, False][1:], strict=True)]


@dataclass
class Plan:
    """What to run for one set of sizes.

    Attributes:
        machine: what it is written for.
        traced: the program it comes from.
        groups: nodes computed together, in order.
        forward: tasks up to the last one that the outputs need, and all others but those that change a leaf.
        update: tasks that change leaves.
        outputs: where the outputs of the graph are found.
        places: the byte in the arena at which each stored array begins.
        homes: nodes whose array is a leaf's own, which they replace.
        changed: leaves that have an update.
        bytes: the size of the arena.
    """

    machine: Machine
    traced: Traced
    groups: list[Group]
    forward: list[Task]
    update: list[Task]
    outputs: list[View]
    places: dict[Node, int]
    homes: dict[Node, Value]
    changed: frozenset[Value]
    bytes: int

    @property
    def tasks(self) -> list[Task]:
        """All tasks, in order."""
        return [*self.forward, *self.update]


def planned(graph: Graph, sizes: Mapping[str, int], machine: Machine) -> Plan:
    """Return the plan of a graph whose letters have these sizes; one made a short time ago is given again."""
    plan = _planned if all(value.op.is_built_in for value in graph.document()) else _planned.__wrapped__
    return plan(graph, graph.outputs, tuple(graph.updates.items()), tuple(sizes.items()), machine)


@lru_cache(maxsize=_REMEMBERED)
def _planned(
    graph: Graph,
    outputs: Sequence[Value],
    updates: Sequence[tuple[Value, Value]],
    sizes: Sequence[tuple[str, int]],
    machine: Machine,
) -> Plan:
    """Return the plan of a graph with these outputs and updates, which may change as long as it lives."""
    return _Planning(graph, traced(graph, dict(sizes), machine.layout), machine).plan()


class _Planning:
    def __init__(self, graph: Graph, program: Traced, machine: Machine) -> None:
        self.graph, self.program, self.machine = graph, program, machine
        self.layout = machine.layout
        self.outputs = [self._in_memory(program.views[value]) for value in graph.outputs]
        self.updates = self._updates()
        order = live(program.nodes.order, [*self.outputs, *self.updates.values()])
        wanted = frozenset(view.node for view in (*self.outputs, *self.updates.values()))
        self.grouping: Grouping = grouped(order, self.layout, wanted)
        self.groups = self.grouping.groups
        self.readers = self._readers()
        self.last_output = max((self._place(view.node) for view in self.outputs), default=-1)
        self.homes = self._homes()
        self.stored = self._stored()

    def plan(self) -> Plan:
        """Return the plan."""
        first_change = min((self.grouping.place[node] for node in self.homes), default=len(self.groups))
        tasks = [self._tasks(group) for group in self.groups]
        forward = [task for some in tasks[:first_change] for task in some]
        update = [task for some in tasks[first_change:] for task in some]
        update += [
            Task(copy_kernel(view, home, self.machine, guarded=False)) for view, home in self._copies()
        ]
        places, size = arranged({**self._spans(), **self._scratch(tasks)})
        return Plan(
            self.machine,
            self.program,
            self.groups,
            forward,
            update,
            self.outputs,
            places,
            self.homes,
            frozenset(self.updates),
            size,
        )

    def _tasks(self, group: Group) -> list[Task]:
        if group.node is not None and group.node.kind == "call":
            return [Task(None, group, group.node)]
        return [Task(kernel, group, group.node) for kernel in kernels_of(group, self.stored, self.machine)]

    def _updates(self) -> dict[Value, View]:
        """Return the new value of each leaf, apart from those that stay; another leaf's is copied first."""
        updates: dict[Value, View] = {}
        for leaf, new in self.graph.updates.items():
            view = self.program.views[new]
            if view.node.kind in ("leaf", "number", "count", "size"):
                view = copied(self.program.nodes, view)
            updates[leaf] = view
        return updates

    def _in_memory(self, view: View) -> View:
        loose = view.node.kind in ("number", "count", "size")
        return copied(self.program.nodes, view) if loose else view

    def _place(self, node: Node) -> int:
        return self.grouping.place.get(node, -1)

    def _readers(self) -> dict[Node, list[tuple[int, View, Node]]]:
        """Return, for each node, the groups that read it from memory, how, and for which of theirs."""
        readers: dict[Node, list[tuple[int, View, Node]]] = {}
        for place, group in enumerate(self.groups):
            for member in group.members:
                for view in member.inputs:
                    if not self._in_registers(view, member, place):
                        readers.setdefault(view.node, []).append((place, view, member))
        return readers

    def _in_registers(self, view: View, user: Node, place: int) -> bool:
        node = view.node
        made_here = node.kind in ("map", "product") and self._place(node) == place
        return made_here and view == self.layout.view(node) and user.kind in ("map", "reduce")

    def _homes(self) -> dict[Node, Value]:
        """Return the nodes that may be written over the leaf they replace.

        Nobody may read the leaf after them, they must read it element by element themselves, and what the
        step gives out must be known before.
        """
        homes: dict[Node, Value] = {}
        used = [view.node for view in self.outputs]
        for leaf, view in self.updates.items():
            node, own = view.node, self.program.views.get(leaf)
            place = self._place(node)
            alone = node.kind == "map" and view == self.layout.view(node) and node not in homes
            if own is None or not alone or node in used or own.node in used or place <= self.last_output:
                continue
            reads = self.readers.get(own.node, ())
            if all(
                at < place or (at == place and self._is_by_element(own, x, user)) for at, x, user in reads
            ):
                homes[node] = leaf
        return homes

    def _is_by_element(self, own: View, read: View, user: Node) -> bool:
        return user.kind == "map" and read == own and user.shape == own.shape

    def _stored(self) -> set[Node]:
        wanted = [view.node for view in (*self.outputs, *self.updates.values())]
        deep = [group.node for group in self.groups if group.node is not None and keeps_sums(group.node)]
        return {node for node in (*self.readers, *wanted, *deep) if node in self.grouping.place}

    def _copies(self) -> list[tuple[View, View]]:
        """Return the new values that have to be copied into their leaf, and the leaf."""
        views = self.program.views
        return [(new, views[leaf]) for leaf, new in self.updates.items() if new.node not in self.homes]

    def _spans(self) -> dict[Node, Span]:
        """Return how long each stored array is needed."""
        end = len(self.groups)
        kept = {view.node for view in (*self.outputs, *self.updates.values())}
        spans: dict[Node, Span] = {}
        for node in self.stored - set(self.homes):
            last = max((at for at, *_ in self.readers.get(node, ())), default=0)
            first = self.grouping.place[node]
            spans[node] = Span(self.bytes_of(node), first, end if node in kept else max(last, first))
        for node in self.program.nodes.order:
            if node.kind == "size" and node in self.readers:
                spans[node] = Span(8, -1, end)
        return spans

    def _scratch(self, tasks: Sequence[Sequence[Task]]) -> dict[Node, Span]:
        """Return the room that kernels need while they run."""
        kernels = [(place, task.kernel) for place, some in enumerate(tasks) for task in some if task.kernel]
        cells = [(place, cell) for place, kernel in kernels for cell in kernel.cells]
        views = [(place, cell) for place, cell in cells if isinstance(cell, View)]
        return {
            view.node: Span(self.bytes_of(view.node), place, place)
            for place, view in views
            if view.node.kind == "scratch"
        }

    def bytes_of(self, node: Node) -> int:
        """Return the bytes of a stored array."""
        return self.layout.elements(node.shape) * item_size(node, self.machine.real)


def item_size(node: Node, real: str) -> int:
    """Return the bytes of one element of a node's array."""
    sizes = {"real": 4 if real == "float" else 8, "double": 8, "index": 8, "word": 4, "bool": 1}
    return sizes[node.dtype.name]


def unreadable(plan: Plan) -> Sequence[str]:
    """Return the names of ops left to their forward rules."""
    return sorted({value.op.name for value in plan.traced.called})
