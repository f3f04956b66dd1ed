"""From a network with abstract functions to the worlds in which claims are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.derivation.claim import Scene
from chainrule.derivation.functions import Template, instances, instantiated
from chainrule.derivation.plan import Plan
from chainrule.derivation.world import Network, World, with_size_1
from chainrule.errors import ChainruleError, DataError

_DRAWS = 3


class Staging:
    """Makes the worlds of a plan.

    Args:
        plan: the document and its network.
        seed: of the random draws.
    """

    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan, self.seed = plan, seed
        self.chosen = instances(plan.functions)
        self._narrow: dict[str, list[Scene]] = {}
        self._special: dict[tuple[tuple[str, str], ...], list[Scene]] = {}

    def first(self) -> list[Scene]:
        """Return the scenes of the network; where logarithms need it, functions are between 0 and 1.

        Raises:
            DataError: values are not finite whatever the functions.
        """
        try:
            return self.scenes(self.plan.network)
        except DataError:
            if not self.plan.functions:
                raise
        self.chosen = instances(self.plan.functions, in_unit_interval=True)
        return self.scenes(self.plan.network)

    def scenes(
        self, network: Network, objective: str = "", chosen: Sequence[Mapping[str, Template]] = ()
    ) -> list[Scene]:
        """Return one scene for each choice of known functions; the plan's own choices if none is given."""
        return [self._scene(network, objective, functions) for functions in chosen or self.chosen]

    def narrow(self, letter: str, objective: str) -> list[Scene]:
        """Return the scenes in which a letter is the size 1, none if the network has no meaning there."""
        if letter not in self._narrow:
            try:
                self._narrow[letter] = self.scenes(with_size_1(self.plan.network, letter), objective)
            except ChainruleError:
                self._narrow[letter] = []
        return self._narrow[letter]

    def special(self, special: Mapping[str, Template], objective: str) -> list[Scene]:
        """Return the scenes with one choice for some abstract functions and each choice for the others."""
        key = tuple((name, template.name) for name, template in special.items())
        if key not in self._special:
            try:
                chosen = [{**choice, **special} for choice in self.chosen]
                self._special[key] = self.scenes(self.plan.network, objective, chosen)
            except ChainruleError:
                self._special[key] = []
        return self._special[key]

    def _scene(self, network: Network, objective: str, functions: Mapping[str, Template]) -> Scene:
        running = network.instantiated(lambda tree: instantiated(tree, functions))
        draws = _DRAWS if len(self.chosen) == 1 else _DRAWS - 1
        return Scene(
            World(running, self.plan.document.lines, objective, draws=draws, seed=self.seed), functions
        )
