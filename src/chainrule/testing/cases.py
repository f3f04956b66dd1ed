"""Cases for any op, made from its signature, domain, kinks and attributes: the op is tested by existing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.ir.op import Domain, Op
from chainrule.ir.operands import operand_names
from chainrule.ir.shape import Kind, show_shape
from chainrule.ir.signature import Signature
from chainrule.testing.settings import fits, settings_for

Array = NDArray[Any]
Shapes = tuple[tuple[int, ...], ...]
_PRIMES = (3, 2, 5, 7, 4, 6)
_LEADING: tuple[tuple[int, ...], ...] = ((3, 2), (), (5,))
_STRETCHED: tuple[Shapes, ...] = (((3, 2), (2,)), ((), (3, 2)), ((3, 1), (3, 2)))
_MOST_SETTINGS = 9
_GAP = 0.05
_MOST_DRAWS = 1000
_DEFINITE = {("solve", 0), ("cholesky", 0)}


@dataclass(frozen=True)
class Case:
    """One op with operand shapes and attributes.

    Attributes:
        op: the op.
        shapes: of its operands.
        setting: the attributes as a caller would write them.
        again: whether an earlier case has the same shapes and, in another spelling, the same attributes.
    """

    op: Op
    shapes: Shapes
    setting: dict[str, Any] = field(hash=False)
    again: bool = False

    @property
    def settled(self) -> dict[str, Any]:
        """The attributes in their canonical form."""
        return self.op.settle(self.shapes, dict(self.setting))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kind of each operand."""
        return tuple(self.op.operand_kind(i, *self.shapes) for i in range(len(self.shapes)))

    @property
    def is_typical(self) -> bool:
        """Whether an op on each element by itself does here what it does at any shape."""
        return self.op.is_elementwise and set(self.shapes) == {_LEADING[0]}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the operands, as the rule writes them."""
        return operand_names(self.op, len(self.shapes))

    @property
    def description(self) -> str:
        """The operands with their shapes, and the attributes, for a reader."""
        operands = (f"{n} {show_shape(s)}" for n, s in zip(self.names, self.shapes, strict=True))
        return ", ".join([*operands, *(f"{name} = {item}" for name, item in self.setting.items())])

    def __str__(self) -> str:
        setting = ",".join(f"{name}={item}" for name, item in self.setting.items())
        return f"{self.op.name}{''.join(map(str, self.shapes))}{setting}".replace(" ", "")


def cases_of(op: Op) -> list[Case]:
    """Return cases for every alternative of an op's signature and a selection of its settings."""
    cases: list[Case] = []
    known: set[Any] = set()
    for shapes in dict.fromkeys(_shapes_of(op)):
        for setting in whole_settings(op, shapes):
            key = (shapes, *op.settle(shapes, dict(setting)).values())
            cases.append(Case(op, shapes, setting, again=key in known))
            known.add(key)
    return cases


def _shapes_of(op: Op) -> Iterator[Shapes]:
    for alternative, leading in itertools.product(op.signatures, _LEADING):
        yield _concrete(alternative, leading)
    if op.broadcasts:
        yield from (shapes + shapes[:1] * (op.arity - 2) for shapes in _STRETCHED)


def _concrete(alternative: Signature, leading: tuple[int, ...]) -> Shapes:
    letters = dict.fromkeys(axis for axes in alternative.inputs for axis in axes if axis != "...")
    sizes: dict[str, tuple[int, ...]] = {a: (p,) for a, p in zip(letters, _PRIMES, strict=False)}
    sizes |= {"...": leading, "1": (1,)}
    return tuple(tuple(size for axis in axes for size in sizes[axis]) for axes in alternative.inputs)


def whole_settings(op: Op, shapes: Shapes) -> list[dict[str, Any]]:
    """Return some settings that suit an op on operands of these shapes and mention no letter."""
    plain = (s for s in settings_for(op, shapes) if not any(isinstance(x, str) for x in _parts(s)))
    return list(itertools.islice(plain, _MOST_SETTINGS))


def _parts(setting: dict[str, Any]) -> Iterator[Any]:
    for item in setting.values():
        yield from item if isinstance(item, tuple) else (item,)


def shapes_at_large(op: Op) -> Iterator[Shapes]:
    """Yield small shapes for an op's operands, whether they fit or not."""
    candidates: Shapes = ((), (2,), (3,), (2, 3), (2, 1, 3))
    yield from itertools.product(candidates, repeat=op.arity)


def wrong_shapes(op: Op) -> list[Shapes]:
    """Return operand shapes that no setting of an op admits."""
    return [shapes for shapes in shapes_at_large(op) if not fits(op, shapes)]


def operands_for(case: Case, seed: int = 0) -> list[Array]:
    """Return arrays from an op's domains, away from its kinks."""
    generator = np.random.default_rng(seed)
    arrays: list[Array] = []
    for _ in range(_MOST_DRAWS):
        arrays = [_operand(case, i, generator) for i in range(len(case.shapes))]
        if not _near_a_kink(case, arrays, generator):
            break
    return arrays


def _operand(case: Case, position: int, generator: np.random.Generator) -> Array:
    shape, kind = case.shapes[position], case.kinds[position]
    if kind == "bool":
        return np.asarray(generator.random(shape) < 0.5)
    if kind == "index":
        limit = case.op.index_limit(position, *case.shapes, **case.setting)
        others = [size for i, other in enumerate(case.shapes) if i != position for size in other]
        below = limit if isinstance(limit, int) else min((4, *others))
        return np.asarray(generator.integers(0, below, shape))
    drawn = np.asarray(draw(case.op.operand_domain(position), shape, generator))
    return drawn + 2 * len(drawn) * np.eye(len(drawn)) if (case.op.name, position) in _DEFINITE else drawn


def draw(domain: Domain, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Return real numbers of a domain, neither tiny nor huge, and not close to its ends."""
    if domain.members:
        return generator.choice(domain.members, shape)
    if np.isfinite(domain.low) and np.isfinite(domain.high):
        drawn = domain.low + (domain.high - domain.low) * generator.uniform(0.1, 0.9, shape)
        return drawn / drawn.sum(axis=-1, keepdims=True) if domain.of_sum_1 and drawn.ndim else drawn
    if np.isfinite(domain.low):
        return domain.low + generator.uniform(0.3, 2.0, shape)
    drawn = generator.uniform(0.3, 1.5, shape) * generator.choice([-1.0, 1.0], shape)
    return np.where(np.isin(drawn, domain.without), drawn + _GAP, drawn)


def _near_a_kink(case: Case, arrays: Sequence[Array], generator: np.random.Generator) -> bool:
    """Tell whether a small step of some operand crosses a kink."""
    setting = case.settled
    here = case.op.branches(np, *arrays, **setting)
    if here is None:
        return False
    for position in (i for i, kind in enumerate(case.kinds) if kind == "real"):
        step = _GAP * generator.choice([-1.0, 1.0], arrays[position].shape)
        for moved in (arrays[position] + step, arrays[position] - step):
            there = case.op.branches(np, *arrays[:position], moved, *arrays[position + 1 :], **setting)
            if not np.array_equal(here, there):
                return True
    return False
