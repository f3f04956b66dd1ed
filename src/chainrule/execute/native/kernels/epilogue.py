"""What is made of a matrix product's elements while they are in registers."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.execute.native.arrays import Layout, Node, View
from chainrule.execute.native.code import COUNT, POINTER, Code, Register
from chainrule.execute.native.kernels.loops import LoopKernel, Work
from chainrule.execute.native.kernels.nest import Cell, Loops, Nest
from chainrule.execute.native.kernels.product import OWN


class Epilogue(LoopKernel):
    """The functions of elements that follow a product, computed vector by vector of a finished tile.

    Args:
        node: the product.
        work: the functions, and what of them and of the product itself is kept.
        layout: how arrays are stored.
        real: float or double.
    """

    def __init__(self, node: Node, work: Work, layout: Layout, real: str) -> None:
        self._product = node
        super().__init__(work, layout, real)

    @property
    def cells(self) -> list[Cell]:
        """What the kernel's arguments hold, from `OWN` on."""
        return self.nest.cells

    def function(self) -> Code:
        """Return the function that works on a tile; see `calling_kernel`."""
        code = Code((POINTER, COUNT, COUNT, COUNT, COUNT, POINTER))
        _, row, rows, column, vectors, sums = code.arguments
        self._open(Nest(self._loops, self._accesses, self.real, self.layout.lanes, code, OWN))
        self._define(0)
        vector = f"<{self.layout.lanes} x {self.real}>"

        def across(i: Register, _: Sequence[Register]) -> Sequence[Register]:
            self.nest.enter(code.add(row, i))
            self._define(1)
            first = code.address(sums, code.multiply(i, vectors), vector)

            def along(j: Register, _: Sequence[Register]) -> Sequence[Register]:
                self._values[self._product, ""] = code.load(vector, code.address(first, j, vector))
                self.nest.enter(code.add(column, code.multiply(j, code.whole(self.layout.lanes))))
                self._define(2)
                self._keep()
                self.nest.leave()
                return ()

            code.loop(code.whole(0), vectors, 1, (), along)
            self.nest.leave()
            return ()

        code.loop(code.whole(0), rows, 1, (), across)
        return code

    def fetch(self) -> Code | None:
        """Return the function that brings a tile of each array that is read near, while its sums are made."""
        far = [i for i in range(self._first_store) if all(self._accesses[i].strides)]
        if not far:
            return None
        code = Code((POINTER, COUNT, COUNT, COUNT, COUNT))
        _, row, rows, column, vectors = code.arguments
        nest = Nest(self._loops, self._accesses, self.real, self.layout.lanes, code, OWN)

        def across(i: Register, _: Sequence[Register]) -> Sequence[Register]:
            nest.enter(code.add(row, i))

            def along(j: Register, _: Sequence[Register]) -> Sequence[Register]:
                nest.enter(code.add(column, code.multiply(j, code.whole(self.layout.lanes))))
                for number in far:
                    code.prefetch(nest.places[number][-1], 1)
                nest.leave()
                return ()

            code.loop(code.whole(0), vectors, 1, (), along)
            nest.leave()
            return ()

        code.loop(code.whole(0), rows, 1, (), across)
        return code

    def _plan(self, views: Sequence[View]) -> tuple[Loops, list[tuple[int, ...]]]:
        return Loops(self.work.shape, (False, False), 1), [view.strides for view in views]

    def _is_own(self, view: View) -> bool:
        made_here = view.node is self._product or view.node in self._own
        return made_here and view == self.layout.view(view.node)

    def _given(self) -> dict[Node, int]:
        return {self._product: 2}
