"""Which nodes are computed together: functions of elements over one shape share a kernel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chainrule.execute.native.arrays import Layout, Node, Shape, View

_MOST_MAPS = 160
_AT_HAND = ("leaf", "number", "size", "count")


@dataclass
class Group:
    """Nodes computed by one kernel, or by a few that follow on one another.

    Attributes:
        shape: what the loops run over.
        maps: functions of elements.
        reductions: nodes that put elements together, over the axes `reduced`.
        node: the one node of a group of another kind.
    """

    shape: Shape
    maps: list[Node] = field(default_factory=list[Node])
    reductions: list[Node] = field(default_factory=list[Node])
    reduced: tuple[int, ...] = ()
    node: Node | None = None

    @property
    def members(self) -> list[Node]:
        """All nodes of the group."""
        return [*self.maps, *self.reductions, *([self.node] if self.node else [])]


class Grouping:
    """The groups of a program, in an order in which they can run.

    Args:
        layout: how arrays are stored.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.groups: list[Group] = []
        self.place: dict[Node, int] = {}

    def add(self, node: Node) -> None:
        """Put a node into the first group that can compute it, or into a new one at the end."""
        if node.kind in _AT_HAND:
            return
        if node.kind == "map":
            self._put(node, self._map_group(node))
        elif node.kind == "reduce":
            self._put(node, self._reduction_group(node))
        else:
            self._put(node, self._append(Group(node.shape, node=node)))

    def _put(self, node: Node, place: int) -> None:
        group = self.groups[place]
        self.place[node] = place
        if node.kind == "map":
            group.maps.append(node)
        elif node.kind == "reduce":
            group.reductions.append(node)
            group.reduced = node.detail

    def _append(self, group: Group) -> int:
        self.groups.append(group)
        return len(self.groups) - 1

    def _map_group(self, node: Node) -> int:
        earliest = max((self._ready(x, node.shape) for x in node.inputs), default=0)
        for place in range(earliest, len(self.groups)):
            group = self.groups[place]
            if group.shape == node.shape and self._admits(group, node):
                return place
        return self._append(Group(node.shape))

    def _admits(self, group: Group, node: Node) -> bool:
        """Tell whether a function of elements can be computed with a group of its shape."""
        if len(group.maps) >= _MOST_MAPS:
            return False
        if group.node is not None:
            return is_matrix_product(group.node) and all(_suits_a_tile(x) for x in node.inputs)
        return not group.reduced or _is_suffix(group.shape, group.reduced)

    def _reduction_group(self, node: Node) -> int:
        (x,) = node.inputs
        place = self._ready(x, x.shape)
        if _is_suffix(x.shape, node.detail) and place < len(self.groups):
            group = self.groups[place]
            same = group.node is None and group.shape == x.shape
            if same and group.reduced in ((), node.detail):
                return place
        return self._append(Group(x.shape))

    def _ready(self, view: View, shape: Shape) -> int:
        """Return the first group that can use a view: that of its node only if it is read in place."""
        node = view.node
        if node.kind in _AT_HAND:
            return 0
        place = self.place[node]
        at_hand = node.kind == "map" or is_matrix_product(node)
        in_place = at_hand and node.shape == shape and view == self.layout.view(node)
        return place if in_place else place + 1


def is_matrix_product(node: Node) -> bool:
    """Tell whether a node is a product whose tiles can be worked on before they are stored."""
    return node.kind == "product" and len(node.shape) == 2 and node.shape[1] > 1


def _suits_a_tile(view: View) -> bool:
    """Tell whether the elements of a row follow on one another, or are one."""
    return view.node.kind in ("count", "number") or view.strides[-1] in (0, 1)


def grouped(nodes: Sequence[Node], layout: Layout) -> Grouping:
    """Return the groups of nodes that are given in an order in which they can run."""
    grouping = Grouping(layout)
    for node in nodes:
        grouping.add(node)
    return grouping


def live(order: Sequence[Node], wanted: Iterable[View]) -> list[Node]:
    """Return the nodes on which some views depend, in their order."""
    needed: set[Node] = set()
    waiting = [view.node for view in wanted]
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            waiting.extend(x.node for x in node.inputs)
    return [node for node in order if node in needed]


def _is_suffix(shape: Shape, axes: Sequence[int]) -> bool:
    """Tell whether axes are the last ones of those that are longer than 1."""
    long = [axis for axis, size in enumerate(shape) if size > 1]
    chosen = [axis for axis in axes if shape[axis] > 1]
    return long[len(long) - len(chosen) :] == sorted(chosen)
