"""What the document itself makes of its names, right or wrong."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.derivation.claim import Fit, Scene
from chainrule.derivation.world import Draw, World, same
from chainrule.execute.inputs import Array


class Own:
    """The document's own values, by scene and draw, and the names whose value is not the true one.

    Attributes:
        wrong: names with a wrong value, or with none.
        lost: names whose value cannot be computed.
    """

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self.scenes = scenes
        self.arrays = [[dict(draw.true) for draw in scene.world.draws] for scene in scenes]
        self.wrong: set[str] = set()
        self.lost: set[str] = set()

    def claim(self, name: str, fit: Fit | None, used: Sequence[str], *, holds: bool) -> None:
        """Take over what a line makes of a name."""
        self.wrong.discard(name)
        self.lost.discard(name)
        if fit is None or self.lost.intersection(used):
            if not holds:
                self.wrong.add(name)
                self.lost.add(name)
            return
        if holds:
            self._restore(name)
        elif not self._set(name, fit):
            self.wrong.add(name)

    def _restore(self, name: str) -> None:
        for scene, kept in zip(self.scenes, self.arrays, strict=True):
            for draw, arrays in zip(scene.world.draws, kept, strict=True):
                arrays[name] = draw.true[name]

    def define(self, name: str, fit: Fit, used: Sequence[str]) -> None:
        """Take over a name of the document's own."""
        if self.lost.intersection(used):
            self.wrong.add(name)
            self.lost.add(name)
        elif not self._set(name, fit):
            self.wrong.add(name)

    def _set(self, name: str, fit: Fit) -> bool:
        """Store the own values of a name; tell whether they are true."""
        good = True
        for place, (scene, value) in enumerate(zip(self.scenes, fit.values, strict=True)):
            for draw, arrays in zip(scene.world.draws, self.arrays[place], strict=True):
                found = scene.world.given(value, draw, arrays)
                good = good and same(found, draw.true[name])
                if found.shape == draw.true[name].shape:
                    arrays[name] = found
                else:
                    self.lost.add(name)
        return good

    def inherited(self, name: str, fit: Fit, used: Sequence[str]) -> tuple[str, ...]:
        """Return the wrong names because of which a right step has a wrong result."""
        guilty = tuple(n for n in used if n in self.wrong)
        if not guilty or (not self.lost.intersection(used) and self._is_true(name, fit)):
            return ()
        return guilty

    def cancels(self, name: str, fit: Fit, used: Sequence[str]) -> bool:
        """Tell whether a wrong step has a right result because of wrong values before it."""
        concerned = self.wrong.intersection(used) and not self.lost.intersection(used)
        return bool(concerned) and self._is_true(name, fit)

    def _is_true(self, name: str, fit: Fit) -> bool:
        return all(
            same(self._own(scene.world, fit, place, draw, arrays), draw.true[name])
            for place, scene in enumerate(self.scenes)
            for draw, arrays in zip(scene.world.draws, self.arrays[place], strict=True)
        )

    def _own(self, world: World, fit: Fit, place: int, draw: Draw, arrays: dict[str, Array]) -> Array:
        return world.given(fit.values[place], draw, arrays)
