"""Which nodes are computed together: functions of elements over one shape share a kernel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

    def delay(self, order: Sequence[Node], pinned: frozenset[Node]) -> None:
        """Move functions of elements to the one group that uses them, if that spares them a place in memory.

        Args:
            order: all nodes, inputs before users.
            pinned: nodes that are wanted for themselves.
        """
        users: dict[Node, list[Node]] = {}
        for node in order:
            for x in node.inputs:
                users.setdefault(x.node, []).append(node)
        for node in reversed(order):
            later = self._later(node, users, pinned)
            if later is not None and self._can_move(node, later, users, pinned):
                self.place[node] = later
        self._sort(order)

    def _later(self, node: Node, users: Mapping[Node, Sequence[Node]], pinned: frozenset[Node]) -> int | None:
        """Return the one later group in which all users of a map read it element by element."""
        if node.kind != "map" or node in pinned:
            return None
        places = {self.place[user] for user in users.get(node, ())}
        if len(places) != 1 or not all(self._reads_in_place(user, node) for user in users[node]):
            return None
        (place,) = places
        return place if place > self.place[node] else None

    def _reads_in_place(self, user: Node, node: Node) -> bool:
        views = [x for x in user.inputs if x.node is node]
        return user.kind in ("map", "reduce") and all(
            view == self.layout.view(node) and self.groups[self.place[user]].shape == node.shape
            for view in views
        )

    def _can_move(
        self, node: Node, later: int, users: Mapping[Node, Sequence[Node]], pinned: frozenset[Node]
    ) -> bool:
        """Tell whether what a map is made of is in memory anyway, or can move with it."""
        return self._admits(self.groups[later], node) and all(
            x.node.kind in _AT_HAND
            or self._is_kept(x, node, later, users, pinned)
            or (
                x.node.kind == "map"
                and x == self.layout.view(x.node)
                and x.node.shape == node.shape
                and self._can_move(x.node, later, users, pinned)
            )
            for x in node.inputs
        )

    def _is_kept(
        self,
        view: View,
        user: Node,
        later: int,
        users: Mapping[Node, Sequence[Node]],
        pinned: frozenset[Node],
    ) -> bool:
        """Tell whether somebody else needs an array in memory before, or whether it is but one number."""
        node = view.node
        others = [other for other in users[node] if other is not user]
        elsewhere = [other for other in others if self.place[other] not in (self.place[node], later)]
        apart = [other for other in others if not self._reads_in_place(other, node)]
        return (
            node in pinned
            or node.shape == ()
            or bool(elsewhere or apart)
            or node.kind not in ("map", "product")
        )

    def _sort(self, order: Sequence[Node]) -> None:
        """Put nodes into the groups they have been moved to; groups that are left empty go."""
        for group in self.groups:
            group.maps.clear()
        for node in order:
            if node.kind == "map":
                self.groups[self.place[node]].maps.append(node)
        left = [group for group in self.groups if group.members]
        number = {id(group): i for i, group in enumerate(left)}
        self.place = {node: number[id(self.groups[place])] for node, place in self.place.items()}
        self.groups = left

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


def grouped(nodes: Sequence[Node], layout: Layout, pinned: frozenset[Node] = frozenset()) -> Grouping:
    """Return the groups of nodes that are given in an order in which they can run.

    Args:
        nodes: inputs before users.
        layout: how arrays are stored.
        pinned: nodes that are wanted for themselves.
    """
    grouping = Grouping(layout)
    for node in nodes:
        grouping.add(node)
    grouping.delay(nodes, pinned)
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
