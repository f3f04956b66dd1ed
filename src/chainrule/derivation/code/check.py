"""`cr.check_function`: a hand-written NumPy function against the chain rule.

The function is called with random float64 arrays at several draws: sizes that are letters are distinct
primes, then all equal. It gets copies. An array that is not true is put beside the true rule on the
function's own values, which tells a wrong step from one that inherits an error. What the wrong step computes
is found by small edits of its rule; values that the function does not return are looked through.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.derivation.claim import Scene
from chainrule.derivation.code.calling import Caller, Outcome
from chainrule.derivation.code.judge import FunctionJudge
from chainrule.derivation.code.report import FunctionReport
from chainrule.derivation.code.rules import Rules
from chainrule.derivation.code.square import squared
from chainrule.derivation.document import Document
from chainrule.derivation.plan import Plan, plan
from chainrule.derivation.world import Network as Stated
from chainrule.derivation.world import World
from chainrule.errors import ChainruleError, DataError

if TYPE_CHECKING:
    from chainrule.ir.graph import Graph
    from chainrule.network import Network

_NO_TEXT = Document("", "", [""], (), {})


def check_function(
    backward: Callable[..., Any],
    network: Graph | Network | str | Path,
    *,
    hints: bool = True,
    seed: int = 0,
) -> FunctionReport:
    """Judge a forward and backward pass written by hand in NumPy, array by array, and name its mistakes.

    Parameters of the function get what the network calls by their names: leaves (`X`, `W1`; λ is `lambda_`
    or `lam`), forward values (`A1`), gradients (`dA2`), sizes (`m`); `cache`, `values` and `**kwargs` get a
    dict of everything forward, `params` the parameters, `data` the data. It returns a dict of arrays by
    name, dV for ∂J/∂V, or several, as in `return cache, grads`; every parameter's gradient is required.

    Args:
        backward: the function, forward and backward or backward alone.
        network: what it is about: a graph, a Network, a file of equations or their text.
        hints: whether mistakes are named.
        seed: of the random draws, as for `check`.

    Returns:
        A report, true in a condition if everything is right and no parameter's gradient is missing.

    Raises:
        DataError: a parameter stands for nothing in the network, or what is returned has no names.
        KindError: `backward` is no function.

    Numerics: arrays agree to 1e-7 of each element and 1e-10 of the largest; float32 to 1e-4 and 1e-5.

        >>> import chainrule as cr
        >>> def backward(X, Y, W):
        ...     return {"dW": X.T @ (1 / (1 + np.exp(-X @ W)) - Y)}
        >>> report = cr.check_function(backward, '''
        ... sizes m, d, k
        ... data X : (m, d), Y : (m, k)
        ... parameter W : (d, k)
        ... J = 1/m sum(sigmoid_cross_entropy(X W, Y))
        ... ''')
        >>> report["dW"].verdict.value, report["dW"].mistakes[0].kind
        ('wrong', 'factor')
    """
    trial = _Trial(*_network(network), backward, seed)
    failure = next((outcome.failure for outcome in trial.outcomes if outcome.failure), None)
    if failure is None:
        return trial.report(hints=hints)
    square = _square(trial, seed)
    if square is None or any(outcome.failure for outcome in square.outcomes):
        return FunctionReport(trial.caller.name, (), (), failure, trial.notes())
    found = square.report(hints=hints)
    return FunctionReport(found.function, found.findings, found.missing, failure, found.notes, True)


def _network(network: Any) -> tuple[Plan, Stated]:
    """Return the plan of a network alone, all of whose functions must be known."""
    made = plan(_NO_TEXT, network)
    if made.functions:
        raise DataError(
            f"{', '.join(made.functions)} can be any function, which NumPy cannot compute.",
            where="",
            fix="give a network with known functions, such as tanh.",
        )
    return made, made.network


class _Trial:
    """One function called at every draw of one world."""

    def __init__(self, made: Plan, network: Stated, function: Callable[..., Any], seed: int) -> None:
        self.plan = Plan(made.document, network)
        self.scene = Scene(World(network, [""], seed=seed), {})
        self.world = self.scene.world
        if self.world.error is not None:
            raise self.world.error
        self.caller = Caller(function, self.world)
        self.outcomes = [self.caller(draw) for draw in self.world.draws]

    def report(self, *, hints: bool) -> FunctionReport:
        results = [outcome.results for outcome in self.outcomes]
        rules = Rules(self.scene, self.plan, self.caller.given.union(*results))
        findings = FunctionJudge(rules, self.outcomes, self.caller.given, hints=hints).findings()
        missing = tuple(name for name in self._required() if not any(name in found for found in results))
        return FunctionReport(self.caller.name, tuple(findings), missing, None, self.notes())

    def _required(self) -> list[str]:
        """Return the gradients of the parameters that are trained."""
        backward = self.world.backward
        leaves = [leaf for leaf in backward.leaves("parameter") if not leaf.attributes["frozen"]]
        return [f"d{backward.names_of(leaf)[0]}" for leaf in leaves]

    def notes(self) -> tuple[str, ...]:
        """Return sentences about what else the function does."""
        changed = dict.fromkeys(name for outcome in self.outcomes for name in outcome.changed)
        found = [f"{name} is changed in place: the caller's own array would be lost" for name in changed]
        first = self.outcomes[0]
        if first.failure is None and not _repeats(first, self.caller(self.world.draws[0])):
            found.append("two calls with the same arrays differ: it draws random numbers or keeps a state")
        return tuple(found)


def _repeats(first: Outcome, second: Outcome) -> bool:
    """Tell whether two calls returned the same."""
    if second.failure is not None or first.results.keys() != second.results.keys():
        return False
    return all(_is_same(first.results[name], second.results[name]) for name in first.results)


def _is_same(first: Any, second: Any) -> bool:
    if not (isinstance(first, np.ndarray) and isinstance(second, np.ndarray)):
        return type(first) is type(second) and repr(first) == repr(second)  # pyright: ignore[reportUnknownArgumentType]  # any two things
    return first.dtype.kind not in "biuf" or bool(np.array_equal(first, second, equal_nan=True))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # any arrays


def _square(trial: _Trial, seed: int) -> _Trial | None:
    """Return the same function tried where all sizes are equal, or None where that is not possible."""
    network = squared(trial.plan.network, trial.scene)
    try:
        return None if network is None else _Trial(trial.plan, network, trial.caller.function, seed)
    except ChainruleError:
        return None
