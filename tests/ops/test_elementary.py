"""The error function to its last digits, and what limits refuse."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

import chainrule as cr
from chainrule.errors import ShapeError
from chainrule.ops.error_function import erf, erfc

jax.config.update("jax_enable_x64", True)
_GRID = np.concatenate(
    [np.linspace(-7, 7, 200_001), *(sign * np.logspace(-320, 2, 5001) for sign in (1, -1))]
)


def units_apart(found: Any, expected: Any) -> Any:
    return np.abs(np.asarray(found) - expected) / np.spacing(np.abs(expected))


@pytest.mark.parametrize("xp", [np, jnp])
def test_erf_is_exact_to_a_few_units_in_the_last_place(xp: Any) -> None:
    x = _GRID[np.abs(_GRID) > 1e-300]
    assert units_apart(erf(xp, xp.asarray(x)), special.erf(x)).max() <= 5


def test_erf_of_subnormal_numbers_and_beyond_all_numbers() -> None:
    tiny = _GRID[np.abs(_GRID) <= 1e-300]
    assert units_apart(erf(np, tiny), special.erf(tiny)).max() <= 2
    edge = np.array([0.0, -0.0, np.inf, -np.inf, 1e300, -1e300, np.nan])
    assert_array_equal(erf(np, edge), [0, 0, 1, -1, 1, -1, np.nan])
    assert np.signbit(erf(np, np.array(-0.0)))
    assert_array_equal(erfc(np, edge), [1, 1, 0, 2, 0, 2, np.nan])


def test_erfc_does_not_cancel() -> None:
    """Against logarithms as well: SciPy's own loses some digits to the rounding of x²."""
    x = np.linspace(-5, 26, 5001)
    assert_allclose(erfc(np, x), special.erfc(x), rtol=1e-13)
    far = x[x > 1]
    assert_allclose(np.log(erfc(np, far)), special.log_ndtr(-far * np.sqrt(2)) + np.log(2), rtol=2e-15)


def test_erf_in_single_precision_is_exact_to_its_last_digits() -> None:
    x = np.linspace(-5, 5, 20_001, dtype=np.float32)
    assert erf(np, x).dtype == np.float32
    assert np.abs(erf(np, x) - special.erf(x.astype(float))).max() < 2.5e-7


def test_the_gradient_of_clip_is_zero_at_and_beyond_its_limits() -> None:
    g = cr.parse("parameter x : (5)\nJ = sum(clip(x, -1, 2))")
    found = g.gradient("J").run(x=np.array([-3.0, -1.0, 0.5, 2.0, 7.0]))
    assert_array_equal(found["dx"], [0, 0, 1, 0, 0])
    assert found["J"] == -1 - 1 + 0.5 + 2 + 2


def test_clip_refuses_limits_in_the_wrong_order() -> None:
    with pytest.raises(ShapeError, match="low must be less than high, not 2 ≥ 1"):
        cr.parse("parameter x : (5)\nJ = sum(clip(x, 2, 1))")


def test_square_root_in_latex_has_a_bar() -> None:
    latex = cr.parse("parameter x : (5)\ny = sqrt(1 + x)").latex()
    assert r"\sqrt{1 + x}" in latex
