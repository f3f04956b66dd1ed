"""Values of a network for new examples, asked for again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from chainrule.execute.executor import USUAL, program_for
from chainrule.execute.inputs import Bound, as_leaf, bind, check_domains, has_domains
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value
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
        self._leaves = [(self.graph.names_of(leaf)[0], leaf) for leaf in self.graph.leaves()]
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
        typed: dict[Value, Array] = {}
        look: list[tuple[int, ...]] = []
        for name, leaf in self._leaves:
            given = arrays.get(name)
            if given is None:
                return bind(self.graph, self._known(arrays), self.dtype)
            array = given if given is self._seen.get(name) else self._typed(name, leaf, given)
            typed[leaf] = array
            look.append(array.shape)
        sizes = self._looks.get(tuple(look))
        if sizes is None:
            return self._bound_anew(arrays, tuple(look))
        if self._has_domains:
            check_domains(self.graph, typed, sizes)
        return Bound(typed, sizes)

    def _bound_anew(self, arrays: Mapping[str, Any], look: tuple[Any, ...]) -> Bound:
        self._check(arrays)
        bound = bind(self.graph, self._known(arrays), self.dtype)
        if len(self._looks) < _MOST_LOOKS:
            self._looks[look] = bound.sizes
        return bound

    def _known(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        return {name: arrays[name] for name, _ in self._leaves if name in arrays}

    def _typed(self, name: str, leaf: Value, given: Any) -> Array:
        """Return an array as the leaf takes it; one that fits as it is and may come again is remembered."""
        array = as_leaf(name, leaf, given, self.dtype)
        if array is given and array.ndim and leaf.attributes["role"] != "data":
            self._seen[name] = array
        return array
