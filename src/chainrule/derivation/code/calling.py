"""Calling a user's own function: which arrays its parameters get, what it returns, and where it fails."""

from __future__ import annotations

import inspect
import linecache
import re
import sysconfig
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from chainrule.derivation.world import Draw, World
from chainrule.errors import ChainruleError, DataError, KindError, UnknownNameError, nearest
from chainrule.execute.inputs import Array
from chainrule.ir.names import ascii_name, normalized

Bundle: TypeAlias = Literal["forward", "parameters", "data"]
_BUNDLES: Mapping[str, Bundle] = {
    "cache": "forward", "values": "forward", "forward": "forward", "forward_values": "forward",
    "params": "parameters", "parameters": "parameters", "weights": "parameters",
    "data": "data", "inputs": "data", "batch": "data",
}  # fmt: skip
_USUAL = {"lam": "λ", "lambd": "λ", "lamda": "λ", "eps": "ε"}
_DEEPEST = 3
_MOST_SHAPES = 8
_FOREIGN = tuple(
    str(path)
    for path in (
        Path(__file__).parents[1],
        Path(np.__file__).parent,
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("purelib"),
        "<frozen",
        "<__array_function__",
    )
)
_EXPECTED = 'return a dict of arrays by name, {"Z1": Z1, "dW1": dW1}, or several such dicts, (cache, grads).'


@dataclass(frozen=True)
class Failure:
    """An exception that a user's function raised.

    Attributes:
        kind: its type, such as "ValueError".
        message: what it says.
        place: file and line of the innermost frame that is the user's own, "homework.py:12"; "" if none is.
        line: the code there.
        shapes: of the arrays that this line mentions, by their names there.
        sizes: the numbers that stood for the size letters.
    """

    kind: str
    message: str
    place: str
    line: str
    shapes: Mapping[str, tuple[int, ...]]
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Outcome:
    """One call.

    Attributes:
        results: what was returned, by name; empty after a failure.
        failure: the exception, or None.
        changed: what the function left in the arrays that it was given, for those that it changed.
    """

    results: Mapping[str, Any] = field(default_factory=dict[str, Any])
    failure: Failure | None = None
    changed: Mapping[str, Array] = field(default_factory=dict[str, Array])


class Values(dict[str, Any]):
    """Arrays by name, found under every spelling: λ, lambda and lambda_ are one."""

    def __missing__(self, key: str) -> Any:
        for name in _spellings(key) if isinstance(key, str) else ():  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may look up
            if name in self.keys():
                return self[name]
        fix = nearest(str(key), self.keys())
        raise UnknownNameError(f"nothing is called {key!r} here.", fix=fix, where="")

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and any(name in self.keys() for name in _spellings(key))

    def get(self, key: str, default: Any = None) -> Any:
        """Return an array, or a default if nothing has that name."""
        try:
            return self[key]
        except UnknownNameError:
            return default


def _spellings(word: str) -> Iterator[str]:
    """Yield the names that a word of a user's code may stand for."""
    bare = word.removesuffix("_")
    yield from (word, normalized(word), normalized(bare))
    if bare in _USUAL:
        yield _USUAL[bare]


class Caller:
    """Calls a function with the true values of one draw, on copies.

    Args:
        function: the user's own.
        world: whose names its parameters have.

    Raises:
        KindError: it is no function.
        DataError: a parameter without a default stands for nothing in the network.
    """

    def __init__(self, function: Any, world: World) -> None:
        if not callable(function):
            raise KindError(
                f"a function is expected, not {type(function).__name__}.",
                fix="pass the function itself, not what it returns.",
            )
        self.function: Callable[..., Any] = function
        self.name = getattr(function, "__name__", type(function).__name__)
        gradients = world.backward.gradients
        leaves = world.backward.leaves
        self.world = world
        self.names = list(world.names())
        self.bundles: Mapping[Bundle, list[str]] = {
            "forward": [name for name in self.names if name not in gradients],
            "parameters": [world.backward.names_of(leaf)[0] for leaf in leaves("parameter")],
            "data": [world.backward.names_of(leaf)[0] for leaf in leaves("data")],
        }
        self.slots = list(self._slots())
        self.given = self._given()

    def _slots(self) -> Iterator[tuple[inspect.Parameter, str, Bundle | None]]:
        """Yield the parameters that get something: the name whose value it is, or a dict."""
        for parameter in _signature(self.function).parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                continue
            if parameter.kind is parameter.VAR_KEYWORD:
                yield parameter, "", "forward"
                continue
            name = next((n for n in _spellings(parameter.name) if self._is_known(n)), "")
            bundle = None if name else _BUNDLES.get(parameter.name)
            if name or bundle:
                yield parameter, name, bundle
            elif parameter.default is parameter.empty:
                raise self._unknown(parameter.name)

    def _is_known(self, name: str) -> bool:
        return name in self.names or name in self.world.letters

    def _unknown(self, word: str) -> DataError:
        known = [*self.names, *self.world.letters]
        return DataError(
            f"the parameter {word} of {self.name} stands for nothing in the network.",
            where="",
            fix=f"{nearest(normalized(word), known)} A dict of all values before the backward pass is called "
            "cache, one of the parameters params; anything else needs a default.",
        )

    def _given(self) -> frozenset[str]:
        """Return the names of all that the function gets."""
        found = {name for _, name, _ in self.slots if name}
        for _, _, bundle in self.slots:
            found.update(self.bundles[bundle] if bundle else ())
        return frozenset(found)

    def __call__(self, draw: Draw) -> Outcome:
        """Call the function with one draw.

        Raises:
            DataError: what it returns is no dict of arrays.
        """
        lent: list[tuple[str, Any, Values | None]] = []
        positional, keywords = self._arguments(draw, lent)
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                returned = self.function(*positional, **keywords)
        except Exception as error:
            return Outcome(failure=_failure(error, draw), changed=_changed(lent, draw))
        return Outcome(_results(returned, self.name), None, _changed(lent, draw))

    def _arguments(
        self, draw: Draw, lent: list[tuple[str, Any, Values | None]]
    ) -> tuple[list[Any], dict[str, Any]]:
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        for parameter, name, bundle in self.slots:
            if bundle:
                wanted = self.bundles[bundle]
                if parameter.kind is parameter.VAR_KEYWORD:
                    wanted = [n for n in wanted if n not in {slot for _, slot, _ in self.slots}]
                values = Values()
                for n in wanted:
                    values[n] = _lent(n, draw)
                    lent.append((n, values[n], values))
            else:
                values = _lent(name, draw)
                lent.append((name, values, None))
            if parameter.kind is parameter.VAR_KEYWORD:
                keywords |= {ascii_name(n): array for n, array in values.items()} | values
            elif parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(values)
            else:
                keywords[parameter.name] = values
        return positional, keywords


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        raise DataError(
            "the parameters of this function cannot be read.",
            where="",
            fix="wrap it: def backward(X, Y, W1): …",
        ) from None


def _lent(name: str, draw: Draw) -> Any:
    """Return a copy of a true value; a scalar as a plain number, a size as an int."""
    if name not in draw.true:
        return draw.sizes[name]
    array = draw.true[name]
    return array.item() if array.ndim == 0 else np.array(array)


def _changed(lent: list[tuple[str, Any, Values | None]], draw: Draw) -> dict[str, Array]:
    """Return what became of the arrays that a function was lent, for those that it changed."""
    found: dict[str, Array] = {}
    for name, array, values in lent:
        now = array if values is None else values.get(name)
        if name not in draw.true or not isinstance(now, np.ndarray):
            continue
        if now.dtype.kind not in "biuf" or not np.array_equal(now, draw.true[name]):  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # any array
            found[name] = np.array(now)  # pyright: ignore[reportUnknownArgumentType]  # any array
    return found


def _results(returned: Any, function: str) -> dict[str, Any]:
    """Return what a function returned by name, arrays copied.

    Raises:
        DataError: it is no dict, nor several dicts.
    """
    several = isinstance(returned, list | tuple)
    parts: list[Any] = list(cast("list[Any]", returned)) if several else [returned]
    odd = [part for part in parts if not isinstance(part, Mapping)]
    if odd or not parts:
        among = f" among {len(parts)} values" if several and parts else ""
        what = _described(odd[0]) if odd else "nothing"
        raise DataError(f"{function} returns {what}{among}, which has no name.", where="", fix=_EXPECTED)
    found: dict[str, Any] = {}
    for part in parts:
        _gather(part, found, function, 0)
    return found


def _gather(part: Mapping[Any, Any], found: dict[str, Any], function: str, depth: int) -> None:
    """Add the entries of a dict, and of dicts within it."""
    for key, item in part.items():
        if not isinstance(key, str):
            raise DataError(
                f"{function} returns a dict with the key {key!r}, which is no name.", where="", fix=_EXPECTED
            )
        if isinstance(item, Mapping):
            if depth < _DEEPEST:
                _gather(cast("Mapping[Any, Any]", item), found, function, depth + 1)
            continue
        name = normalized(key)
        if name in found and not _is_same(found[name], item):
            raise DataError(
                f"{function} returns {name} twice, with different values.",
                where="",
                fix="the gradient of W1 is called dW1; W1 is W1 itself.",
            )
        found[name] = np.array(cast("Array", item)) if isinstance(item, np.ndarray) else item


def _is_same(first: Any, second: Any) -> bool:
    try:
        return bool(np.array_equal(first, second))
    except (TypeError, ValueError):
        return first is second


def _described(thing: Any) -> str:
    if thing is None:
        return "None"
    if isinstance(thing, np.ndarray):
        return f"an array {_shown(cast('Array', thing).shape)}"
    return f"a value of type {type(thing).__name__}"


def _shown(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"


def _failure(error: Exception, draw: Draw) -> Failure:
    frame, number = _own_frame(error.__traceback__)
    said = f"{error.message} {error.fix}" if isinstance(error, ChainruleError) else str(error)
    message = " ".join(said.split())
    if frame is None:
        return Failure(type(error).__name__, message, "", "", {}, draw.sizes)
    file = frame.f_code.co_filename
    line = linecache.getline(file, number).strip()
    place = f"{Path(file).name}:{number}"
    return Failure(type(error).__name__, message, place, line, _shapes(frame, line), draw.sizes)


def _own_frame(traceback: TracebackType | None) -> tuple[FrameType | None, int]:
    """Return the innermost frame that is neither a library's nor this package's, and its line."""
    found: tuple[FrameType | None, int] = None, 0
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(_FOREIGN):
            found = traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next
    return found


def _shapes(frame: FrameType, line: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays that a line mentions; all if none is seen."""
    found: dict[str, tuple[int, ...]] = {}
    for name, item in frame.f_locals.items():
        if isinstance(item, np.ndarray):
            found[name] = cast("Array", item).shape
        elif isinstance(item, Mapping):
            entries = cast("Mapping[Any, Any]", item).items()
            found |= {key: array.shape for key, array in entries if isinstance(array, np.ndarray)}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # any array
    words = set(re.findall(r"\w+", line))
    seen = {name: shape for name, shape in found.items() if name in words}
    return dict(list((seen or found).items())[:_MOST_SHAPES])
