"""How parameters start: He and Glorot for matrices, zero for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, NamingError, UnknownNameError, nearest
from chainrule.ir.graph import Graph
from chainrule.ir.shape import letters_of
from chainrule.ir.value import Value

Draw: TypeAlias = "Callable[[np.random.Generator, tuple[int, ...], int, int], NDArray[np.float64]]"


def he_normal(
    generator: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> NDArray[np.float64]:
    """Draw from a normal distribution with variance 2 / fan_in, for relu.

    Source: K. He et al., Delving deep into rectifiers, ICCV 2015.
    """
    return generator.normal(0.0, math.sqrt(2 / fan_in), shape)


def he_uniform(
    generator: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> NDArray[np.float64]:
    """Draw uniformly with variance 2 / fan_in, for relu."""
    limit = math.sqrt(6 / fan_in)
    return generator.uniform(-limit, limit, shape)


def glorot_normal(
    generator: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> NDArray[np.float64]:
    """Draw from a normal distribution with variance 2 / (fan_in + fan_out), for tanh and sigmoid.

    Source: X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010.
    """
    return generator.normal(0.0, math.sqrt(2 / (fan_in + fan_out)), shape)


def glorot_uniform(
    generator: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int
) -> NDArray[np.float64]:
    """Draw uniformly with variance 2 / (fan_in + fan_out), for tanh and sigmoid."""
    limit = math.sqrt(6 / (fan_in + fan_out))
    return generator.uniform(-limit, limit, shape)


INITIALIZERS: Mapping[str, Draw] = {
    "he": he_normal,
    "he_uniform": he_uniform,
    "glorot": glorot_uniform,
    "glorot_normal": glorot_normal,
}


def initialize(
    graph: Graph,
    sizes: Mapping[str, int] | None = None,
    scheme: str | Mapping[str, str] = "glorot",
    *,
    seed: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """Draw every parameter of a graph: matrices by the scheme, vectors and columns (biases) zero.

    A matrix W has fan_in rows where it stands right in a product, X W, and fan_in columns where it
    stands left, W X.

    Args:
        graph: the network.
        sizes: numbers for the letters in the shapes of parameters.
        scheme: "he", "he_uniform", "glorot" (uniform) or "glorot_normal"; one for all matrices, or by
            the name of the parameter, "glorot" where a name is missing.
        seed: of the random generator; each parameter draws from a stream of its own, so that adding
            one leaves the others as they were.

    Raises:
        UnknownNameError: no initializer has the name, or no parameter.
        NamingError: a letter has no size.
    """
    parameters = {graph.names_of(leaf)[0]: leaf for leaf in graph.leaves("parameter")}
    if not isinstance(scheme, str | Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
        raise DataError(f"an initializer is a name, or names by parameter, not {scheme!r}.")
    schemes = dict.fromkeys(parameters, scheme) if isinstance(scheme, str) else dict(scheme)
    for name, chosen in schemes.items():
        if name not in parameters:
            raise UnknownNameError(f"there is no parameter {name}.", fix=nearest(name, parameters))
        if chosen not in INITIALIZERS:
            raise UnknownNameError(f"there is no initializer {chosen}.", fix=nearest(chosen, INITIALIZERS))
    return {
        name: _draw(graph, leaf, sizes or {}, INITIALIZERS[schemes.get(name, "glorot")], [seed, place])
        for place, (name, leaf) in enumerate(parameters.items())
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


def _draw(
    graph: Graph, leaf: Value, sizes: Mapping[str, int], draw: Draw, seed: list[int]
) -> NDArray[np.float64]:
    unknown = [letter for letter in letters_of(leaf.shape) if letter not in sizes]
    if unknown:
        name = graph.names_of(leaf)[0]
        raise NamingError(
            f"{name} needs the size of {', '.join(unknown)}.", fix=f"sizes={{'{unknown[0]}': 16}}."
        )
    shape = tuple(sizes[size] if isinstance(size, str) else size for size in leaf.shape)
    side = _side_in_product(graph, leaf)
    if len(shape) != 2 or (side is None and 1 in shape):
        return np.zeros(shape)
    fan_in, fan_out = shape if side != "left" else shape[::-1]
    return draw(random_generator(seed), shape, fan_in, fan_out)


def _side_in_product(graph: Graph, leaf: Value) -> str | None:
    """Return on which side of its first matrix product a parameter stands."""
    uses: list[Any] = [
        value for value in graph.document() if leaf in value.inputs and value.op.name == "matmul"
    ]
    if not uses:
        return None
    return "left" if uses[0].inputs[0] is leaf else "right"
