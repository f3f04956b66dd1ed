"""Random values, the same bits on every executor, and what is made of them: dropout and noise.

A random value is a function of the leaves `seed` and `step` and of its own `id`, so that a run can be
repeated and a gradient checked. Its source is the counter-based generator Threefry2x32-20 with the key
(seed, id) and the counter (step, place of the element in the batch).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from chainrule.errors import KindError
from chainrule.ir.composite import Composite
from chainrule.ir.form import Call
from chainrule.ir.op import Attribute, Domain, Primitive
from chainrule.ir.registry import lookup
from chainrule.ir.shape import Shape, Size
from chainrule.ir.signature import MismatchError
from chainrule.ir.structural import Declaration
from chainrule.ir.value import Value

if TYPE_CHECKING:
    from chainrule.ir.graph import Graph
    from chainrule.ir.value import Operand

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_WORDS = 2**32
_SELU_LOW = -1.7580993408473766


def threefry(xp: Any, key: tuple[Any, Any], counter: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return two random 32-bit words for each counter.

    Args:
        xp: an array namespace.
        key: two arrays of unsigned 32-bit words.
        counter: two arrays of unsigned 32-bit words, of shapes that broadcast with the key's.

    Source: J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011.
    """
    keys = (key[0], key[1], key[0] ^ key[1] ^ xp.asarray([_PARITY], dtype=xp.uint32))
    first, second = counter[0] + keys[0], counter[1] + keys[1]
    for block in range(5):
        for turn in _ROTATIONS[block % 2]:
            first = first + second
            second = first ^ ((second << turn) | (second >> (32 - turn)))
        first = first + keys[(block + 1) % 3]
        second = second + keys[(block + 2) % 3] + xp.asarray([block + 1], dtype=xp.uint32)
    return first, second


def _words(xp: Any, seed: Any, step: Any, shape: tuple[int, ...], number: int) -> tuple[Any, Any]:
    """Return two words for each element of a shape."""

    def word(array: Any) -> Any:
        return xp.reshape(xp.asarray(array), (1,)).astype(xp.uint32)

    places = xp.arange(math.prod(shape), dtype=xp.uint32)
    first, second = threefry(xp, (word(seed), word(number)), (word(step) + 0 * places, places))
    return xp.reshape(first, shape), xp.reshape(second, shape)


class Draw(Primitive, abstract=True):
    """A random array of a shape; it has no gradient."""

    signature = ", -> ..."
    operands = ("index", "real")
    domain = (Domain(0), Domain(0))

    def infer(self, *shapes: Shape, shape: Shape, **attributes: Any) -> Shape:
        if shapes != ((), ()):
            raise MismatchError("seed and step are scalars")
        return shape

    def index_limit(self, position: int, *shapes: Shape, **attributes: Any) -> Size | None:
        return _WORDS if position == 0 else None


class DropoutMask(Draw):
    """Random zeros and ones, M_ij = 1 with probability 1 − p, else 0, element by element.

    An element is kept where its 32-bit word is at least round(p · 2³²). A prediction needs no mask.
    """

    attributes = (Attribute("shape", "shape"), Attribute("p", "number"), Attribute("id", "number"))
    form = Call(r"\operatorname{dropout\_mask}")
    source = "N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        if not 0 <= attributes["p"] < 1:
            raise MismatchError(
                f"the probability p of dropping an element lies in [0, 1), not {attributes['p']}"
            )
        return {**attributes, "shape": tuple(attributes["shape"]), "id": _whole(attributes["id"])}

    def forward(self, xp: Any, seed: Any, step: Any, *, shape: tuple[int, ...], p: float, id: int) -> Any:
        word, _ = _words(xp, seed, step, shape, id)
        least = min(round(p * _WORDS), _WORDS - 1)
        return xp.where(word >= xp.asarray(least, dtype=xp.uint32), 1.0, 0.0)


class NormalNoise(Draw):
    """Random numbers of the standard normal distribution, G_ij = √(−2 log u) cos(2π v).

    u in (0, 1] and v in [0, 1) are made of an element's two 32-bit words.
    """

    attributes = (Attribute("shape", "shape"), Attribute("id", "number"))
    form = Call(r"\operatorname{normal\_noise}")
    source = "G. E. P. Box, M. E. Muller, A note on the generation of random normal deviates, 1958"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return {"shape": tuple(attributes["shape"]), "id": _whole(attributes["id"])}

    def forward(self, xp: Any, seed: Any, step: Any, *, shape: tuple[int, ...], id: int) -> Any:
        first, second = (word.astype(xp.float64) / _WORDS for word in _words(xp, seed, step, shape, id))
        return xp.sqrt(-2 * xp.log(1 - first)) * xp.cos(2 * math.pi * second)


def _whole(number: Any) -> int:
    if not isinstance(number, int) or not 0 <= number < _WORDS:
        raise MismatchError(f"an id is a whole number from 0, below 2³², not {number}")
    return number


class Randomized(Composite, abstract=True):
    """An op on a value and a random array like it, which is drawn where it is left out; none to predict."""

    signature = "..., ... -> ..."
    optional = 1
    opens = True
    letter = "M"

    def complete(self, operands: tuple[Operand, ...], attributes: dict[str, Any]) -> tuple[Operand, ...]:
        """Draw the random array, with an id of its own, and give it a name."""
        x = operands[0]
        if len(operands) == 2 or not isinstance(x, Value):
            return operands
        drawn = self.draw(x, {**self._defaults(), **attributes})
        name = f"{self.letter}{drawn.attributes['id']}"
        if name not in x.graph:
            x.graph.name(name, drawn)
        return x, drawn

    def _defaults(self) -> dict[str, Any]:
        return {a.name: a.default for a in self.attributes if a.default != "required"}

    def draw(self, x: Value, attributes: Mapping[str, Any]) -> Value:
        """Return a fresh random array shaped like x."""
        raise NotImplementedError

    def predict(self, x: Value, *others: Value, **attributes: Any) -> Value:
        return x


class Dropout(Randomized):
    """Dropout, y = x ⊙ M / (1 − p): elements are dropped with probability p, the others grow in return.

    M is a random mask of zeros and ones; the gradient passes through the same mask, dx = dy ⊙ M / (1 − p).
    A prediction leaves x as it is.
    """

    attributes = (Attribute("p", "number"),)
    source = "N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return _checked_probability(attributes)

    def draw(self, x: Value, attributes: Mapping[str, Any]) -> Value:
        return draw("dropout_mask", x, p=attributes.get("p"))

    def definition(self, x: Value, mask: Value, *, p: float) -> Value:
        return 1 / (1 - exact(p)) * (x * mask)


class AlphaDropout(Randomized):
    """Dropout for selu, y = a (x ⊙ M + α′ (1 − M)) + b, which keeps mean 0 and variance 1.

    A dropped element becomes α′ = −λ α = −1.7581, the limit of selu; a = ((1 − p)(1 + p α′²))^(−½) and
    b = −a p α′. A prediction leaves x as it is.
    """

    attributes = (Attribute("p", "number"),)
    source = "G. Klambauer et al., Self-normalizing neural networks, NIPS 2017"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        return _checked_probability(attributes)

    def draw(self, x: Value, attributes: Mapping[str, Any]) -> Value:
        return draw("dropout_mask", x, p=attributes.get("p"))

    def definition(self, x: Value, mask: Value, *, p: float) -> Value:
        stretch = ((1 - p) * (1 + p * _SELU_LOW**2)) ** -0.5
        return stretch * (x * mask + _SELU_LOW * (1 - mask)) - stretch * p * _SELU_LOW


class GaussianNoise(Randomized):
    """Additive noise, y = x + σ G, with G standard normal; a prediction leaves x as it is."""

    attributes = (Attribute("stddev", "number"),)
    letter = "G"
    source = "C. M. Bishop, Training with noise is equivalent to Tikhonov regularization, 1995"

    def settle(self, shapes: Sequence[Shape], attributes: dict[str, Any]) -> dict[str, Any]:
        if attributes["stddev"] < 0:
            raise MismatchError(f"a standard deviation is not negative, as {attributes['stddev']} is")
        return attributes

    def draw(self, x: Value, attributes: Mapping[str, Any]) -> Value:
        return draw("normal_noise", x)

    def definition(self, x: Value, noise: Value, *, stddev: float) -> Value:
        return x + stddev * noise


def _checked_probability(attributes: dict[str, Any]) -> dict[str, Any]:
    if not 0 <= attributes["p"] < 1:
        raise MismatchError(f"the probability p of dropping an element lies in [0, 1), not {attributes['p']}")
    return attributes


def exact(number: float) -> Fraction:
    """Return a decimal number as the fraction it is written as, 0.2 as 1/5."""
    return Fraction(repr(number))


def draw(op: str, x: Value, **attributes: Any) -> Value:
    """Return a random array shaped like x, with the next free id; the leaves it needs are declared."""
    if None in attributes.values():
        raise KindError(f"{op} needs {' and '.join(attributes)}.")
    graph = x.graph
    seed = _leaf(graph, "seed", Declaration("data", (), "index"))
    step = _leaf(graph, "step", Declaration("state", ()))
    return lookup(op)(seed, step, shape=x.shape, id=_next_id(graph), **attributes)


def _leaf(graph: Graph, name: str, declaration: Declaration) -> Value:
    return graph[name] if name in graph else graph.declare(name, declaration)


def _next_id(graph: Graph) -> int:
    used = [v.attributes["id"] for v in graph.document() if isinstance(v.op, Draw)]
    return 1 + max((number for number in used if isinstance(number, int)), default=0)
