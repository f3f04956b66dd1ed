"""How parameters start: by name, by number, or by a function of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, NamingError, UnknownNameError, nearest
from chainrule.ir.graph import Graph
from chainrule.ir.names import normalized
from chainrule.ir.shape import letters_of
from chainrule.ir.value import Value

Array: TypeAlias = "NDArray[np.float64]"
Draw: TypeAlias = "Callable[[np.random.Generator, tuple[int, ...], int, int], Array]"
Initializer: TypeAlias = "str | float | tuple[str, float] | Draw"


def normal(variance: Callable[[int, int], float]) -> Draw:
    """Return the normal distribution of mean 0 and a variance that depends on fan_in and fan_out."""

    def draw(generator: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        return generator.normal(0.0, math.sqrt(variance(fan_in, fan_out)), shape)

    return draw


def uniform(variance: Callable[[int, int], float]) -> Draw:
    """Return the uniform distribution of mean 0 and a variance that depends on fan_in and fan_out."""

    def draw(generator: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
        limit = math.sqrt(3 * variance(fan_in, fan_out))
        return generator.uniform(-limit, limit, shape)

    return draw


def constant(number: float) -> Draw:
    """Return what fills an array with one number."""
    return lambda generator, shape, fan_in, fan_out: np.full(shape, float(number))


def orthogonal(generator: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """Draw a matrix with orthonormal rows or columns, whichever are fewer.

    Source: A. M. Saxe, J. L. McClelland, S. Ganguli, Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks, ICLR 2014; F. Mezzadri, How to generate random matrices from the
    classical compact groups, 2007.
    """
    rows, columns = math.prod(shape[:-1]), shape[-1]
    factor, triangle = np.linalg.qr(generator.normal(size=(max(rows, columns), min(rows, columns))))
    factor = factor * np.where(np.diag(triangle) < 0, -1.0, 1.0)
    return np.ascontiguousarray(factor if rows >= columns else factor.T).reshape(shape)


def _he(fan_in: int, fan_out: int) -> float:
    return 2 / fan_in


def _glorot(fan_in: int, fan_out: int) -> float:
    return 2 / (fan_in + fan_out)


def _lecun(fan_in: int, fan_out: int) -> float:
    return 1 / fan_in


INITIALIZERS: Mapping[str, Draw] = {
    "zeros": constant(0.0),
    "ones": constant(1.0),
    "he": normal(_he),
    "he_uniform": uniform(_he),
    "glorot": uniform(_glorot),
    "glorot_normal": normal(_glorot),
    "lecun": normal(_lecun),
    "lecun_uniform": uniform(_lecun),
    "orthogonal": orthogonal,
}
_SCALED: Mapping[str, Callable[[float], Draw]] = {
    "constant": constant,
    "normal": lambda deviation: normal(lambda fan_in, fan_out: deviation**2),
    "uniform": lambda limit: uniform(lambda fan_in, fan_out: limit**2 / 3),
}
_USUAL_SCALE = 0.05


def initializer(chosen: Initializer) -> Draw:
    """Return how to draw a parameter.

    | | each element |
    |---|---|
    | `"zeros"`, `"ones"`, a number, `("constant", c)` | that number |
    | `("normal", σ)`, `"normal"` | normal with deviation σ, 0.05 if not said |
    | `("uniform", a)`, `"uniform"` | uniform in [−a, a], 0.05 if not said |
    | `"he"`, `"he_uniform"` | variance 2 / fan_in, for relu (He et al., ICCV 2015) |
    | `"glorot"` (uniform), `"glorot_normal"` | variance 2 / (fan_in + fan_out) (Glorot, Bengio, 2010) |
    | `"lecun"`, `"lecun_uniform"` | variance 1 / fan_in, for selu (LeCun et al., Efficient backprop, 1998) |
    | `"orthogonal"` | orthonormal rows or columns (Saxe et al., ICLR 2014) |

    A function of one's own is called with a NumPy generator, the shape, fan_in and fan_out.

    Raises:
        UnknownNameError: no initializer has the name.
        DataError: it is neither a name nor a number, a pair or a function.
    """
    if isinstance(chosen, str):
        if chosen == "constant":
            raise DataError("which constant?", fix="a number, such as 0.1, or ('constant', 0.1).")
        if chosen in _SCALED:
            return _SCALED[chosen](_USUAL_SCALE)
        if chosen not in INITIALIZERS:
            known = [*INITIALIZERS, *_SCALED]
            raise UnknownNameError(f"there is no initializer {chosen}.", fix=nearest(chosen, known))
        return INITIALIZERS[chosen]
    if isinstance(chosen, int | float) and math.isfinite(chosen):
        return constant(chosen)
    if isinstance(chosen, tuple) and len(chosen) == 2 and chosen[0] in _SCALED and _is_scale(*chosen):
        return _SCALED[chosen[0]](chosen[1])
    if callable(chosen):
        return chosen
    raise DataError(
        f"an initializer is a name, a number, a pair such as ('normal', 0.01) or a function, not {chosen!r}."
    )


def _is_scale(name: str, number: object) -> bool:
    if not isinstance(number, int | float) or not math.isfinite(number):
        return False
    return number >= 0 or name == "constant"


def initialize(
    graph: Graph,
    sizes: Mapping[str, int] | None = None,
    scheme: Initializer | Mapping[str, Initializer] = "glorot",
    *,
    said: Mapping[str, Initializer] | None = None,
    seed: int = 0,
) -> dict[str, Array]:
    """Draw every parameter of a graph: matrices by the scheme, vectors and columns (biases) zero.

    A matrix W has fan_in rows where it stands right in a product, X W, and fan_in columns where it
    stands left, W X. The γ of a normalization starts from 1. States start from 0, a running variance from 1.

    Args:
        graph: the network.
        sizes: numbers for the letters in the shapes of parameters.
        scheme: see `initializer`; one for all matrices, or by the name of the parameter, "glorot" for a
            matrix whose name is missing.
        said: what the layers that made the graph said about their parameters, by name; `scheme` counts
            before it where it names a parameter.
        seed: of the random generator; each parameter draws from a stream of its own, so that adding
            one leaves the others as they were.

    Raises:
        UnknownNameError: no initializer has the name, or no parameter.
        NamingError: a letter has no size.
    """
    ordered = [*graph.leaves("parameter"), *graph.leaves("state")]
    leaves = {graph.names_of(leaf)[0]: leaf for leaf in ordered}
    named = cast("Mapping[str, Initializer]", scheme) if isinstance(scheme, Mapping) else {}
    asked = {**(said or {}), **{normalized(name): item for name, item in named.items()}}
    for name in asked:
        if name not in leaves:
            raise UnknownNameError(f"there is no parameter {name}.", fix=nearest(name, leaves))
    usual = initializer("glorot" if isinstance(scheme, Mapping) else scheme)
    chosen = {name: initializer(item) for name, item in asked.items()}
    return {
        name: _draw(graph, leaf, sizes or {}, chosen.get(name), usual, [seed, place])
        for place, (name, leaf) in enumerate(leaves.items())
    }


def random_generator(seed: int | Sequence[int]) -> np.random.Generator:
    """Return NumPy's generator for a seed.

    Raises:
        DataError: the seed is not a whole number from 0, or several of them.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise DataError(f"a seed is a whole number from 0, not {seed!r}.") from None


def checked_seed(seed: int) -> int:
    """Return the seed of a network.

    Raises:
        DataError: it is no whole number from 0, below 2³².
    """
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and 0 <= seed < 2**32:
        return int(seed)
    raise DataError(f"a seed is a whole number from 0, below 2³², not {seed!r}.")


def _draw(
    graph: Graph, leaf: Value, sizes: Mapping[str, int], chosen: Draw | None, usual: Draw, seed: list[int]
) -> Array:
    unknown = [letter for letter in letters_of(leaf.shape) if letter not in sizes]
    if unknown:
        name = graph.names_of(leaf)[0]
        raise NamingError(
            f"{name} needs the size of {', '.join(unknown)}.", fix=f"sizes={{'{unknown[0]}': 16}}."
        )
    shape = tuple(sizes[size] if isinstance(size, str) else size for size in leaf.shape)
    side = _side_in_product(graph, leaf)
    draw = chosen or _default(
        graph, leaf, usual, is_matrix=len(shape) == 2 and (side is not None or 1 not in shape)
    )
    fan_in, fan_out = _fans(shape, side)
    array = np.asarray(draw(random_generator(seed), shape, fan_in, fan_out), dtype=np.float64)
    if array.shape != shape:
        name = graph.names_of(leaf)[0]
        raise DataError(f"the initializer of {name} made an array {array.shape}, not {shape}.")
    return array


def _default(graph: Graph, leaf: Value, usual: Draw, *, is_matrix: bool) -> Draw:
    """Return how a leaf starts that is not spoken of: as its op says, matrices as usual, the rest zero."""
    for value in graph.document():
        for place, start in value.op.starts.items():
            if place < len(value.inputs) and value.inputs[place] is leaf:
                return constant(start)
    return usual if is_matrix and leaf.attributes["role"] == "parameter" else constant(0.0)


def _fans(shape: tuple[int, ...], side: str | None) -> tuple[int, int]:
    if len(shape) < 2:
        return (shape[0] if shape else 1), 1
    fan_in, fan_out = math.prod(shape[:-1]), shape[-1]
    return (fan_out, fan_in) if side == "left" else (fan_in, fan_out)


def _side_in_product(graph: Graph, leaf: Value) -> str | None:
    """Return on which side of its first matrix product a parameter stands."""
    uses: list[Any] = [
        value for value in graph.document() if leaf in value.inputs and value.op.name == "matmul"
    ]
    if not uses:
        return None
    return "left" if uses[0].inputs[0] is leaf else "right"
