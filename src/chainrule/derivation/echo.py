"""How a line was read: every operation in brackets, and the same with shapes."""

from __future__ import annotations

from chainrule.derivation.claim import Fit, Scene
from chainrule.derivation.verdict import Reading
from chainrule.derivation.writing import Style, as_shapes, bracketed
from chainrule.errors import ChainruleError
from chainrule.ir.shape import Shape, show_shape
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression


def echo(name: str, fit: Fit, scene: Scene, style: Style) -> Reading:
    """Return a reading of a claim as text and as shapes."""
    return _echo(name, fit.tree, show_shape(fit.values[0].shape), scene, style)


def echo_unfit(name: str, tree: Expression, scene: Scene, style: Style) -> Reading:
    """Return how a right side that has no meaning was read; its own shape is unknown."""
    return _echo(name, tree, "(?)", scene, style)


def _echo(name: str, tree: Expression, left: str, scene: Scene, style: Style) -> Reading:
    def shape_of(part: Expression) -> Shape | None:
        try:
            return scene.value(part).shape
        except ChainruleError:
            return None

    def is_scalar(part: Expression) -> bool:
        return shape_of(part) == ()

    def shown(part: Expression) -> str:
        if (
            isinstance(part, syntax.Name)
            and part.text in scene.world.letters
            and part.text not in scene.world.flat
        ):
            return part.text
        shape = shape_of(part)
        if shape is None and isinstance(part, syntax.Transpose):
            row = shape_of(part.operand)
            return "(?)" if row is None else show_shape((1, *row))
        return "(?)" if shape is None else show_shape(shape)

    text = bracketed(tree, style, is_scalar)
    shapes = as_shapes(tree, style, is_scalar, shown)
    return Reading(f"{style.spelled(name)} = {text}", f"{left} = {shapes}")
