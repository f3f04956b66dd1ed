"""Training steps made a short time ago: making one takes longer than a short training."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, TypeVar

from chainrule.ir.graph import Graph
from chainrule.notation.text import to_text
from chainrule.optim.optimizer import Optimizer
from chainrule.train.step import Step

GraphT = TypeVar("GraphT", bound=Graph)
_MOST = 8


def remembered_step(
    graph: GraphT, optimizer: Optimizer, make: Callable[[Optimizer], Step[GraphT]]
) -> Step[GraphT]:
    """Return the training step of the same equations with a like optimizer, if there was one; else make it.

    It may not be changed, since others have it too. A rule, an optimizer or a `make` from outside this
    library is never taken to be the same again: what it does may depend on anything.

    Args:
        graph: the network with its loss.
        optimizer: the update rule.
        make: makes the step.
    """
    key = optimizer.key() if isinstance(optimizer, Optimizer) else None  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
    own = make.__module__.startswith("chainrule.") and all(value.op.is_built_in for value in graph.document())
    if key is None or not own:
        return make(optimizer)
    places: list[Step[GraphT]] = _places((type(graph), to_text(graph), key))
    if not places:
        places.append(make(optimizer))
    return places[0]


@lru_cache(maxsize=_MOST)
def _places(_: Hashable) -> list[Step[Any]]:
    """Return where the step of a key is kept, once it is made."""
    return []
