"""Elementary functions in machine code: how far off they are, and what they make of 0, ∞ and NaN."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from chainrule.execute.native import walk
from chainrule.execute.native.code import COUNT, POINTER, Code, element
from chainrule.execute.native.jit import Compiler
from chainrule.execute.native.mathematics import FUNCTIONS
from chainrule.execute.native.target import Target, executable_targets

Array = NDArray[Any]
DTYPES = {"float": np.float32, "double": np.float64}
SPREAD = {"float": (-30.0, 37.0), "double": (-300.0, 307.0)}
"""Powers of ten between which numbers are drawn."""

# Units in the last place in float32 and in float64, as the module promises.
BOUNDS = {
    "exp": (1.7, 2.1),
    "expm1": (3.0, 4.0),
    "log": (2.0, 2.0),
    "log1p": (1.9, 1.9),
    "tanh": (4.3, 5.4),
    "sinh": (5.1, 6.1),
    "cosh": (5.1, 6.1),
    "sin": (0.51, 2.6),
    "cos": (0.51, 2.6),
    "sqrt": (0.51, 0.51),
}
ODD = ("expm1", "log1p", "tanh", "sinh", "sin", "sqrt")
"""Functions whose value at −0 is −0."""

needs_longdouble = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="there is nothing longer than float64 to compare with"
)
each_target = pytest.mark.parametrize("target", executable_targets(), ids=lambda target: target.name)
each_type = pytest.mark.parametrize("scalar", ["float", "double"])


def made(target: Target, scalar: str, name: str, *operands: Any, lanes: int | None = None) -> Array:
    """Return a function of arrays as a program computes it: in vectors, or one by one with lanes = 0."""
    dtype = DTYPES[scalar]
    arrays = [np.ascontiguousarray(x, dtype) for x in operands]
    lanes = target.lanes(scalar) if lanes is None else lanes
    count = -(-len(arrays[0]) // max(lanes, 1)) * max(lanes, 1)
    padded = [np.concatenate([x, np.ones(count - len(x), dtype)]) for x in arrays]
    result = np.zeros(count, dtype)
    kernel, run = addresses(target, _kernel(scalar, name, len(arrays), lanes), walk.run_text(target))
    cells = np.array([x.ctypes.data for x in (result, *padded)], np.int64)
    table = np.array([kernel, cells.ctypes.data, count, 1, 1], np.int64)
    control = np.zeros(walk.CELLS, np.int64)
    control[walk.FORWARD], control[walk.FORWARD_CALLS] = table.ctypes.data, 1
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(run)(control.ctypes.data, 0, 1)
    return result[: len(arrays[0])]


def addresses(target: Target, *texts: str) -> list[int]:
    return Compiler(target).addresses(texts)


def _kernel(scalar: str, name: str, arity: int, lanes: int) -> str:
    code = Code((POINTER, COUNT, COUNT))
    ty = f"<{lanes} x {scalar}>" if lanes else scalar
    result, *operands = [code.argument(i, POINTER) for i in range(arity + 1)]

    def body(i: Any, _: Any) -> tuple[()]:
        made = FUNCTIONS[name](code, *(code.load(ty, code.address(x, i, scalar)) for x in operands))
        made = made if element(made.type) != "i1" else code.convert("uitofp", made, scalar)
        code.store(made, code.address(result, i, scalar))
        return ()

    code.loop(*code.arguments[1:], max(lanes, 1), (), body)
    return code.text()


def arguments(name: str, scalar: str) -> Array:
    """Return numbers from all over a function's domain."""
    draw, count = np.random.default_rng(0), 20_000
    low, high = SPREAD[scalar]
    small = np.concatenate([draw.uniform(-2, 2, count), draw.normal(size=count) * 10])
    tiny = draw.choice([-1, 1], count) * 10.0 ** draw.uniform(low, 1.5, count)
    end = 88.7 if scalar == "float" else 709.7
    near_one = 1 + draw.normal(size=count) * 1e-3
    long = 10.0 ** draw.uniform(low, high, count)
    more = {
        "log": [long, near_one],
        "sqrt": [long],
        "log1p": [long, -draw.uniform(0, 1, count)],
        "sin": [draw.uniform(-1e5, 1e5, count)],
        "cos": [draw.uniform(-1e5, 1e5, count)],
    }
    numbers = np.concatenate([small, tiny, *more.get(name, [draw.uniform(-end, end, count)])])
    lowest = {"log": 0.0, "sqrt": 0.0, "log1p": -1.0}.get(name, -np.inf)
    return numbers[numbers > lowest].astype(DTYPES[scalar])


def ulps(made: Array, exact: Array) -> float:
    """Return the greatest distance from what is exact, in units in the last place of its float."""
    rounded = exact.astype(made.dtype)
    normal = np.isfinite(rounded) & (np.abs(rounded) > 2 * np.finfo(made.dtype).tiny)
    unit = np.spacing(np.abs(rounded[normal])).astype(np.longdouble)
    return float(np.max(np.abs(made[normal].astype(np.longdouble) - exact[normal]) / unit))


@needs_longdouble
@each_target
@each_type
@pytest.mark.parametrize("name", BOUNDS)
def test_errors_are_within_what_is_promised(name: str, scalar: str, target: Target) -> None:
    x = arguments(name, scalar)
    exact: Array = getattr(np, name)(x.astype(np.longdouble))
    assert ulps(made(target, scalar, name, x), exact) <= BOUNDS[name][scalar == "double"]


@needs_longdouble
@each_target
@each_type
def test_errors_of_powers(scalar: str, target: Target) -> None:
    draw = np.random.default_rng(0)
    a, b = 10 ** draw.uniform(-3, 3, 20_000), draw.uniform(-10, 10, 20_000)
    a, b = a.astype(DTYPES[scalar]), b.astype(DTYPES[scalar])
    power = made(target, scalar, "power", a, b)
    exact = np.power(a.astype(np.longdouble), b.astype(np.longdouble))
    if scalar == "float":
        assert ulps(power, exact) <= 0.51
    else:
        allowed = 2.0**-51 * np.abs(b * np.log(a)) + 2.0**-52
        assert np.all(np.abs(power / exact - 1) <= allowed)


def special(scalar: str) -> Array:
    limits = np.finfo(DTYPES[scalar])
    ends = (
        88.72283,
        88.722839,
        88.72285,
        709.7827,
        709.783,
        745.2,
        103.98,
        87.3365,
        87.33655,
        708.3964,
        708.3965,
    )
    plain = (0, 1, 2, 3, 0.5, 0.3, 0.625, 1e-3, 5, 20, 104, 1000, 1e4, 1e5)
    inexact = (
        limits.eps,
        limits.eps / 4,
        limits.tiny,
        2 * limits.tiny,
        limits.max,
        limits.max / 2,
        np.inf,
        np.nan,
    )
    numbers = np.array([*ends, *plain, *inexact])
    return np.concatenate([numbers, -numbers]).astype(DTYPES[scalar])


def expected(function: Callable[..., Any], dtype: Any, *operands: Array) -> Array:
    """Return what NumPy makes of arrays, in a longer type where there is one; subnormal results as 0."""
    with np.errstate(all="ignore"):
        exact = function(*(x.astype(np.longdouble) for x in operands)).astype(dtype)
    return np.where(np.abs(exact) < np.finfo(dtype).tiny, np.copysign(0, exact), exact).astype(dtype)


def assert_same(made: Array, wanted: Array, *operands: Array) -> None:
    with np.errstate(all="ignore"):
        near = np.abs(made - wanted) <= 64 * np.finfo(made.dtype).eps * np.abs(wanted)
        nothing = np.abs(made - wanted) <= 2 * np.finfo(made.dtype).tiny
        same = (made == wanted) | (np.isnan(made) & np.isnan(wanted)) | near | nothing
    wrong = [(*(x[i] for x in operands), made[i], wanted[i]) for i in np.flatnonzero(~same)]
    assert not wrong, wrong[:8]


@each_target
@each_type
@pytest.mark.parametrize("lanes", [None, 0], ids=["vectors", "singles"])
@pytest.mark.parametrize("name", [*BOUNDS, "sign", "abs", "floor", "ceil", "isnan", "isinf", "isfinite"])
def test_special_values_are_numpys(name: str, scalar: str, target: Target, lanes: int | None) -> None:
    x = special(scalar)
    if name in ("sin", "cos"):
        x = x[~(np.abs(x) > 1e6) | np.isinf(x)]
    wanted = expected(getattr(np, name), DTYPES[scalar], x)
    assert_same(made(target, scalar, name, x, lanes=lanes), wanted, x)


@each_target
@each_type
@pytest.mark.parametrize("name", ["power", "maximum", "minimum"])
def test_special_values_of_pairs_are_numpys(name: str, scalar: str, target: Target) -> None:
    a, b = (grid.ravel() for grid in np.meshgrid(special(scalar), special(scalar)))
    wanted = expected(getattr(np, name), DTYPES[scalar], a, b)
    if name == "power":  # whose error grows with its logarithm
        with np.errstate(all="ignore"):
            is_far = np.abs(b * np.log(np.abs(a))) > 30
        keeps = ~is_far | ~np.isfinite(wanted) | (wanted == 0)
        a, b, wanted = a[keeps], b[keeps], wanted[keeps]
    assert_same(made(target, scalar, name, a, b), wanted, a, b)


@each_target
@each_type
@pytest.mark.parametrize("name", ODD)
def test_zeros_keep_their_sign(name: str, scalar: str, target: Target) -> None:
    zeros = made(target, scalar, name, [0.0, -0.0])
    assert list(zeros) == [0, 0]
    assert list(np.signbit(zeros)) == [False, True]


@each_target
@each_type
def test_powers_of_zero_have_the_sign_of_odd_ones(scalar: str, target: Target) -> None:
    a, b = np.array(
        [(-0.0, 3), (-0.0, -3), (0.0, -3), (-0.0, 2), (-0.0, 0.5), (-2, 3), (-2, 2), (-np.inf, 3)]
    ).T
    powers = made(target, scalar, "power", a, b)
    assert_allclose(powers, [0, -np.inf, np.inf, 0, 0, -8, 4, -np.inf], rtol=1e-14)
    assert list(np.signbit(powers)) == [True, True, False, False, False, True, False, True]


@each_target
@each_type
def test_subnormal_numbers_count_as_zero(scalar: str, target: Target) -> None:
    limits = np.finfo(DTYPES[scalar])
    tiny = np.array([limits.smallest_subnormal, limits.tiny / 2, -limits.tiny / 2], limits.dtype)
    values = {"log": [-np.inf] * 3, "exp": [1] * 3, "cosh": [1] * 3, "cos": [1] * 3, "isfinite": [1] * 3}
    for name, wanted in values.items():
        assert list(made(target, scalar, name, tiny)) == wanted, name
    for name in ("sqrt", "sin", "tanh", "expm1", "log1p", "sinh", "sign"):
        assert np.all(np.abs(made(target, scalar, name, tiny)) <= limits.tiny), name
    assert list(made(target, scalar, "exp", [np.log(limits.tiny) - 1])) == [0]


@each_target
@each_type
def test_growth_overflows_where_numbers_end(scalar: str, target: Target) -> None:
    """The last argument with a finite power of e, and the first one without, are neighbors."""
    dtype = DTYPES[scalar]
    x = np.log(np.finfo(dtype).max.astype(np.longdouble)).astype(dtype)
    around = x + np.arange(-20, 20, dtype=dtype) * np.spacing(x)
    with np.errstate(over="ignore"):
        finite = np.exp(around.astype(np.longdouble)) <= np.finfo(dtype).max
    assert list(np.isfinite(made(target, scalar, "exp", around))) == list(finite)
    assert list(np.isfinite(made(target, scalar, "expm1", around))) == list(finite)


@each_target
@each_type
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_waves_of_huge_arguments_stay_bounded(name: str, scalar: str, target: Target) -> None:
    huge = np.concatenate([10.0 ** np.arange(6, SPREAD[scalar][1]), [np.finfo(DTYPES[scalar]).max]])
    with np.errstate(over="ignore"):
        waves = made(target, scalar, name, np.concatenate([huge, -huge]))
    assert np.all(np.abs(waves) <= 1)
