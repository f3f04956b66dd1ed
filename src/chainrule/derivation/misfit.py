"""Why a right side has no meaning, in the words and signs of its document."""

from __future__ import annotations

from chainrule.derivation.claim import Scene
from chainrule.derivation.tree import children, product
from chainrule.derivation.writing import Style, write
from chainrule.errors import ChainruleError, ShapeError
from chainrule.ir.shape import show_shape
from chainrule.notation import syntax
from chainrule.notation.syntax import Expression


def misfit(tree: Expression, scene: Scene, style: Style) -> str:
    """Return what does not fit in a right side: the innermost part without a meaning, with its shapes."""
    part = _innermost(tree, scene)
    error = _error(part, scene)
    if error is None:
        return "the right side has no meaning."
    if not isinstance(error, ShapeError):
        return f"{error.message} {error.fix}".rstrip()
    reason = error.message.rpartition(": ")[2]
    pieces = _pieces(part, scene)
    shown = " and ".join(f"{write(piece, style)} {_shape(piece, scene)}" for piece in pieces)
    return f"{shown} do not fit together: {reason}" if len(pieces) == 2 else error.message


def _innermost(tree: Expression, scene: Scene) -> Expression:
    """Return the smallest part that has no meaning though all its parts have one."""
    for part in children(tree):
        if _error(part, scene) is not None and not isinstance(part, syntax.Transpose):
            return _innermost(part, scene)
    return tree


def _error(part: Expression, scene: Scene) -> ChainruleError | None:
    try:
        scene.value(part)
    except ChainruleError as error:
        return error
    return None


def _pieces(part: Expression, scene: Scene) -> tuple[Expression, ...]:
    """Return the two operands that do not fit."""
    if isinstance(part, syntax.Infix):
        return (part.left, part.right)
    if not isinstance(part, syntax.Product):
        return ()
    for place in range(1, len(part.factors)):
        before = product(part.factors[:place], part.signs[: place - 1])
        so_far = product(part.factors[: place + 1], part.signs[:place])
        if _error(so_far, scene) is not None and _error(before, scene) is None:
            return (before, part.factors[place])
    return ()


def _shape(part: Expression, scene: Scene) -> str:
    try:
        return show_shape(scene.value(part).shape)
    except ChainruleError:
        return "as a row"
