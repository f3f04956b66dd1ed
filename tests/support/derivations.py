"""Right derivations, and their truth: central differences of an objective evaluated here, in NumPy alone.

Nothing but the parser is shared with the checker: no shapes, no gradients, no derivatives of functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.ir.names import normalized
from chainrule.notation import syntax
from chainrule.notation.parser import parse_statement
from chainrule.notation.syntax import Equation, Expression, Statement
from chainrule.notation.tokens import normalize_text, tokenize

Array = NDArray[np.float64]
Values = dict[str, Array]

FILES = Path(__file__).parents[1] / "derivation" / "right"
_PRIMES = (5, 3, 7, 11, 13)
_STEP = 1e-4
_CLOSE = 1e-6
_FUNCTION = re.compile(r"(\S+)\((.*?)\)")


class Row(np.ndarray):  # type: ignore[type-arg]  # of any shape
    """A vector that is written as a row."""


class MisfitError(Exception):
    """A right side has no value: its shapes do not fit together."""


@dataclass(frozen=True)
class Line:
    """An equation of a derivation.

    Attributes:
        text: as it is written.
        name: what it defines or claims to be.
        right: its right side.
    """

    text: str
    name: str
    right: Expression


@dataclass(frozen=True)
class Derivation:
    """A right derivation: the lines of its network, then claims, of which several may say the same.

    Attributes:
        title: name of the file without its ending.
        header: the lines of the network, as text.
        leaves: shapes of what is declared, by name.
        functions: number of arguments of the abstract functions.
        forward: equations of the network.
        claims: all other equations.
    """

    title: str
    header: str
    leaves: Mapping[str, tuple[Any, ...]]
    functions: Mapping[str, int]
    forward: tuple[Line, ...]
    claims: tuple[Line, ...]

    @cached_property
    def letters(self) -> dict[str, int]:
        """A different prime for every size."""
        names = dict.fromkeys(size for shape in self.leaves.values() for size in shape if size != 1)
        return dict(zip(names, _PRIMES, strict=False))

    @property
    def examples(self) -> str:
        """The letter of the examples, or of any size where there is one example."""
        return "m" if "m" in self.letters else next(iter(self.letters))

    @cached_property
    def worlds(self) -> tuple[World, ...]:
        """Two choices for abstract functions, one where there are none."""
        return tuple(World(self, seed) for seed in range(2 if self.functions else 1))

    def parse(self, text: str) -> Line:
        """Return an equation of this derivation."""
        statement = _statement(normalize_text(text), self.functions)
        assert isinstance(statement, Equation)
        return Line(text, normalized(statement.name), statement.right)

    def is_true(self, name: str, right: Expression) -> bool:
        """Tell whether central differences confirm a claim."""
        return all(world.confirms(name, right) for world in self.worlds)

    def equation(self, name: str) -> Line | None:
        """Return the line that defines a name."""
        return next((line for line in self.forward if line.name == name), None)

    @property
    def objective(self) -> str:
        """Name of what is differentiated: the last line of the network."""
        return self.forward[-1].name


class World:
    """Random numbers for a derivation, what follows from them, and the gradients by central differences."""

    def __init__(self, derivation: Derivation, seed: int) -> None:
        self.derivation = derivation
        self.evaluator = Evaluator(derivation, seed)
        generator = np.random.default_rng(seed)
        while True:
            leaves = {name: self._leaf(name, shape, generator) for name, shape in derivation.leaves.items()}
            self.values = self.run(leaves)
            if all(name[0] not in "Zz" or np.min(np.abs(v)) > 1e-3 for name, v in self.values.items()):
                break
        for name in list(self.values):
            self.values[f"d{name}"] = self._differences(name)

    def _leaf(self, name: str, shape: tuple[Any, ...], generator: np.random.Generator) -> Array:
        sizes = tuple(self.derivation.letters.get(size, size) for size in shape)
        if name[0] == "M":
            return (generator.random(sizes) < 0.5) * 1.0
        if not shape:
            return generator.uniform(0.2, 0.8, sizes)
        if name not in ("Y", "y"):
            return generator.normal(size=sizes) / np.sqrt(sizes[0])
        targets = generator.uniform(0.1, 0.9, sizes)
        softmax = re.search(r"softmax\(\w+(, axis=0)?\)", self.derivation.header)
        if softmax is None:
            return targets
        return targets / targets.sum(axis=0 if softmax.group(1) else -1, keepdims=True)

    def run(self, leaves: Values, moved: str = "", by: Array | float = 0.0) -> Values:
        """Return the values of all names, one of them moved as soon as it is known."""
        values = dict(leaves)
        if moved in values:
            values[moved] = values[moved] + by
        for line in self.derivation.forward:
            values[line.name] = self.evaluator.value(line.right, values)
            if line.name == moved:
                values[moved] = values[moved] + by
        return values

    def _differences(self, name: str) -> Array:
        """Return the objective's gradient by a name: central differences of fourth order, by element."""
        leaves = {leaf: self.values[leaf] for leaf in self.derivation.leaves}
        gradient = np.zeros_like(self.values[name])
        for place in np.ndindex(gradient.shape):
            step = np.zeros_like(gradient)
            step[place] = _STEP
            near, far = (self._difference(leaves, name, scale * step) for scale in (1, 2))
            gradient[place] = (8 * near - far) / (12 * _STEP)
        return gradient

    def _difference(self, leaves: Values, name: str, step: Array) -> float:
        return self._objective(leaves, name, step) - self._objective(leaves, name, -step)

    def _objective(self, leaves: Values, moved: str, by: Array) -> float:
        return float(self.run(leaves, moved, by)[self.derivation.objective])

    def confirms(self, name: str, right: Expression) -> bool:
        """Tell whether a claim has the true shape and, to what differences can tell, the true value."""
        true = self.values[name]
        try:
            mine = self.evaluator.value(right, self.values)
        except MisfitError:
            return False
        if mine.shape != true.shape or not np.all(np.isfinite(mine)):
            return False
        return float(np.max(np.abs(mine - true))) <= _CLOSE * max(float(np.max(np.abs(true))), 1e-3)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0.0)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _softmax(x: Array, axis: int = -1) -> Array:
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "relu": _relu, "sigmoid": _sigmoid, "tanh": np.tanh, "softplus": lambda x: np.log1p(np.exp(x)),
    "log": np.log, "sqrt": np.sqrt, "exp": np.exp, "softmax": _softmax, "sum": np.sum, "mean": np.mean,
    "binary_cross_entropy": lambda a, y: -y * np.log(a) - (1 - y) * np.log(1 - a),
    "cross_entropy": lambda p, y: -np.sum(y * np.log(p), axis=-1),
    "mean_squared_error": lambda a, y: np.mean((a - y) ** 2),
    "expand": lambda x, shape: np.broadcast_to(x, shape),
}  # fmt: skip
_ABSTRACT: tuple[Callable[[Array], Array], ...] = (
    lambda x: np.sin(x) + x**2 / 5,
    lambda x: np.arctan(2 * x) + x / 3,
    lambda x: np.exp(x / 3),
)
_ABSTRACT_LOSSES: tuple[Callable[[Array, Array], Array], ...] = (
    lambda a, y: np.cosh(a - y) + a * y / 3,
    lambda a, y: (a - 2 * y) ** 2 + np.sin(a),
)


class Evaluator:
    """Values of right sides in NumPy; an abstract function is another one in each world.

    Args:
        derivation: whose letters and abstract functions are known.
        seed: chooses what stands for abstract functions.
    """

    def __init__(self, derivation: Derivation, seed: int) -> None:
        self.letters = derivation.letters
        self.functions = dict(_FUNCTIONS)
        self.losses: dict[str, Callable[[Array, Array], Array]] = {}
        for place, (name, arity) in enumerate(derivation.functions.items(), start=seed):
            if arity == 1:
                self.functions[name] = _ABSTRACT[place % len(_ABSTRACT)]
            else:
                self.losses[name] = _ABSTRACT_LOSSES[seed]

    def value(self, tree: Expression, values: Values) -> Array:
        """Return the value of a right side.

        Raises:
            MisfitError: it has none.
        """
        try:
            with np.errstate(all="ignore"):
                return np.asarray(self._of(tree, values), dtype=float)
        except (ValueError, IndexError, TypeError) as error:
            raise MisfitError from error

    def _of(self, node: Any, values: Values) -> Any:
        return getattr(self, f"_{type(node).__name__.lower()}")(node, values)

    def _number(self, node: syntax.Number, values: Values) -> Any:
        return np.float64(node.text)

    def _name(self, node: syntax.Name, values: Values) -> Any:
        name = normalized(node.text)
        return values[name] if name in values else np.float64(self.letters[name])

    def _call(self, node: syntax.Call, values: Values) -> Any:
        arguments = [self._of(part, values) for part in node.arguments]
        if node.function in self.losses:
            return self._loss(self.losses[node.function], arguments, node.derivative)
        settings = {s.name: self._setting(s.item) for s in node.settings if s.name}
        by_place = [self._setting(s.item) for s in node.settings if not s.name]
        function = self.functions[node.function]
        if not node.derivative:
            return function(*arguments, *by_place, **settings)
        if node.function == "relu":
            return (arguments[0] > 0) * 1.0
        return _derivative(lambda x: function(x, *by_place, **settings), arguments[0])

    def _setting(self, item: Any) -> Any:
        if isinstance(item, tuple):
            return tuple(self.letters.get(size, size) for size in item)
        return item

    def _loss(self, loss: Callable[[Array, Array], Array], arguments: list[Array], derivative: bool) -> Any:
        a, y = arguments
        if derivative:
            return _derivative(lambda x: loss(x, y), a)
        return np.sum(loss(a, y))

    def _infix(self, node: syntax.Infix, values: Values) -> Any:
        left, right = self._of(node.left, values), self._of(node.right, values)
        _check_fit(left, right)
        signs: Mapping[str, Callable[[Any, Any], Any]] = {
            "+": np.add, "-": np.subtract, ">": np.greater, "<": np.less,
        }  # fmt: skip
        return signs[node.sign](left, right)

    def _negation(self, node: syntax.Negation, values: Values) -> Any:
        return -self._of(node.operand, values)

    def _product(self, node: syntax.Product, values: Values) -> Any:
        """Read a chain from left to right, matrix products first where both kinds meet."""
        factors = [self._of(factor, values) for factor in node.factors]
        signs = list(node.signs)
        if ".*" in signs:
            while any(_is_matrix(signs, factors, i) for i in range(len(signs))):
                place = next(i for i in range(len(signs)) if _is_matrix(signs, factors, i))
                factors[place : place + 2] = [_matrix_product(factors[place], factors[place + 1])]
                del signs[place]
        total = factors[0]
        for sign, factor in zip(signs, factors[1:], strict=True):
            total = _multiplied(total, sign, factor)
        return total

    def _power(self, node: syntax.Power, values: Values) -> Any:
        return self._of(node.base, values) ** self._of(node.exponent, values)

    def _transpose(self, node: syntax.Transpose, values: Values) -> Any:
        array = np.asarray(self._of(node.operand, values))
        return array[None, :].view(Row) if array.ndim == 1 else array.T

    def _sumover(self, node: syntax.SumOver, values: Values) -> Any:
        array = self._of(node.operand, values)
        return np.sum(array, axis=np.shape(array).index(self.letters[node.letter]))

    def _fenced(self, node: syntax.Fenced, values: Values) -> Any:
        array = self._of(node.operand, values)
        return array * 1.0 if node.op == "indicator" else np.sum(np.square(array))


def _derivative(function: Callable[[Array], Array], x: Array) -> Array:
    """Return a derivative element by element, by central differences of fourth order."""
    near, far = (function(x + h) - function(x - h) for h in (_STEP, 2 * _STEP))
    return (8 * near - far) / (12 * _STEP)


def _is_matrix(signs: list[str], factors: list[Any], place: int) -> bool:
    return signs[place] in ("", "@") and all(np.ndim(f) > 0 for f in factors[place : place + 2])


def _multiplied(left: Any, sign: str, right: Any) -> Any:
    if sign in ("", "@", "*") and np.ndim(left) and np.ndim(right):
        return _matrix_product(left, right)
    _check_fit(left, right)
    return left / right if sign == "/" else left * right


def _matrix_product(left: Array, right: Array) -> Array:
    """Multiply; a vector written as a row stays a vector before a matrix, and makes one after a vector."""
    if isinstance(left, Row):
        return np.asarray(left)[0] @ right
    is_outer = isinstance(right, Row) and np.ndim(left) == 1
    return np.outer(left, right) if is_outer else left @ right


def _check_fit(left: Any, right: Any) -> None:
    """Refuse what NumPy would broadcast and a derivation does not: a column against a row."""
    if np.broadcast_shapes(np.shape(left), np.shape(right)) not in (np.shape(left), np.shape(right)):
        raise MisfitError


def _statement(text: str, functions: Mapping[str, int]) -> Statement:
    return parse_statement(tokenize(text, 1), [text], functions=functions)


def derivations() -> list[Derivation]:
    """Return every right derivation."""
    return [_read(path) for path in sorted(FILES.glob("*.eqn"))]


def _read(path: Path) -> Derivation:
    """Read a file: comments, declarations, the network, and after a blank line the claims."""
    parts = normalize_text(path.read_text(encoding="utf-8")).strip().split("\n\n")
    header = "\n\n".join(parts[:-1])
    functions: dict[str, int] = {}
    leaves: dict[str, tuple[Any, ...]] = {}
    for text in parts[0].splitlines():
        keyword, _, rest = text.partition(" ")
        if keyword == "function":
            functions.update((name, arguments.count(",") + 1) for name, arguments in _FUNCTION.findall(rest))
        elif keyword not in ("#", "sizes"):
            statement = _statement(text, {})
            assert isinstance(statement, syntax.Declaration)
            leaves.update((normalized(item.name), item.shape) for item in statement.items)
    bare = Derivation(path.stem, header, leaves, functions, (), ())
    forward, claims = ([bare.parse(text) for text in part.splitlines()] for part in parts[1:])
    return Derivation(path.stem, header, leaves, functions, tuple(forward), tuple(claims))
