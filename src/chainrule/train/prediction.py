"""Values of a network for new examples, asked for again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.execute.executor import USUAL, program_for
from chainrule.execute.inputs import Bound, as_leaf, bind, check_domains, has_domains
from chainrule.ir.graph import Graph
from chainrule.transform.prediction import for_prediction

Array = NDArray[Any]
_MOST_LOOKS = 100


class Prediction:
    """Values of a graph by their names, by the prediction rules; shapes seen before are not checked anew.

    Args:
        graph: the network.
        names: the values.
        dtype: floating-point type.
        check: what looks at arrays of shapes not seen before.
    """

    def __init__(
        self,
        graph: Graph,
        names: Sequence[str],
        dtype: Any = USUAL,
        check: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        self.graph, self.dtype, self._check = for_prediction(graph, names), dtype, check
        self.program = program_for(self.graph, dtype)
        values = list(self.graph.outputs)
        self._places = {name: values.index(self.graph[name]) for name in names}
        self._leaves = {self.graph.names_of(leaf)[0]: leaf for leaf in self.graph.leaves()}
        self._looks: dict[tuple[Any, ...], dict[str, int]] = {}
        self._seen: dict[str, Array] = {}
        self._has_domains = has_domains(self.graph)

    def __call__(self, arrays: Mapping[str, Any]) -> dict[str, Array]:
        """Return the values for these arrays, one a leaf; what no leaf is called is left aside.

        Raises:
            ChainruleError: an array is missing, or does not fit the graph.
        """
        outputs, _ = self.program(self._bound(arrays))
        return {name: outputs[place] for name, place in self._places.items()}

    def _bound(self, arrays: Mapping[str, Any]) -> Bound:
        known = {name: arrays[name] for name in self._leaves if name in arrays}
        if len(known) < len(self._leaves):
            return bind(self.graph, known, self.dtype)
        seen = self._seen
        typed = {
            leaf: known[name] if known[name] is seen.get(name) else self._typed(name, known[name])
            for name, leaf in self._leaves.items()
        }
        look = tuple(array.shape for array in typed.values())
        if look not in self._looks:
            return self._bound_anew(arrays, known, look)
        if self._has_domains:
            check_domains(self.graph, typed, self._looks[look])
        return Bound(typed, self._looks[look])

    def _bound_anew(
        self, arrays: Mapping[str, Any], known: Mapping[str, Any], look: tuple[Any, ...]
    ) -> Bound:
        self._check(arrays)
        bound = bind(self.graph, known, self.dtype)
        if len(self._looks) < _MOST_LOOKS:
            self._looks[look] = bound.sizes
        return bound

    def _typed(self, name: str, given: Any) -> Array:
        if isinstance(given, np.ndarray):
            array = cast("Array", given)
            leaf = self._leaves[name]
            if array.ndim and array.dtype == self.dtype and leaf.kind == "real":
                if leaf.attributes["role"] != "data":
                    self._seen[name] = array
                return array
        return as_leaf(name, self._leaves[name], given, self.dtype)
