"""Training steps made a short time ago: making one takes longer than a short training."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from chainrule.ir.graph import Graph
from chainrule.notation.text import to_text
from chainrule.optim.optimizer import Optimizer
from chainrule.train.step import Step

GraphT = TypeVar("GraphT", bound=Graph)
_MOST = 8
_steps: dict[Hashable, Step[Any]] = {}


def remembered_step(
    graph: GraphT, optimizer: Optimizer, make: Callable[[Optimizer], Step[GraphT]]
) -> Step[GraphT]:
    """Return the training step of the same equations with a like optimizer, if there was one; else make it.

    It may not be changed, since others have it too. A rule or an optimizer from outside this library is never
    taken to be the same again: what it does may depend on anything.

    Args:
        graph: the network with its loss.
        optimizer: the update rule.
        make: makes the step.
    """
    own = isinstance(optimizer, Optimizer) and all(value.op.is_built_in for value in graph.document())  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
    key = optimizer.key() if own else None
    if key is None:
        return make(optimizer)
    return _found((type(graph), to_text(graph), key), lambda: make(optimizer))


def _found(key: Hashable, make: Callable[[], Step[GraphT]]) -> Step[GraphT]:
    """Return what is remembered under a key, which tells the kind of its graph, and forget the oldest."""
    step = _steps.pop(key, None) or make()
    _steps[key] = step
    while len(_steps) > _MOST:
        _steps.pop(next(iter(_steps)), None)
    return step
