"""The error function and its complement against any array namespace; NumPy itself has neither.

Rational approximations on three intervals; see W. J. Cody, Rational Chebyshev approximations for the error
function, Mathematics of Computation 23, 1969. The polynomials are listed from the highest power down.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

_SMALL, _LARGE, _VANISHES = 0.46875, 4.0, 28.0
_NUMERATOR_SMALL = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
_DENOMINATOR_SMALL = (
    1.0,
    2.36012909523441209e1,
    2.44024637934444173e2,
    1.28261652607737228e3,
    2.84423683343917062e3,
)
_NUMERATOR_MIDDLE = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
_DENOMINATOR_MIDDLE = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)
_NUMERATOR_LARGE = (
    1.63153871373020978e-2,
    3.05326634961232344e-1,
    3.60344899949804439e-1,
    1.25781726111229246e-1,
    1.60837851487422766e-2,
    6.58749161529837803e-4,
)
_DENOMINATOR_LARGE = (
    1.0,
    2.56852019228982242e0,
    1.87295284992346725e0,
    5.27905102951428412e-1,
    6.05183413124413191e-2,
    2.33520497626869185e-3,
)


def erf(xp: Any, x: Any) -> Any:
    """Return 2/√π ∫₀ˣ exp(−t²) dt, element by element."""
    tail = _tail(xp, xp.abs(x))
    return xp.where(xp.abs(x) <= _SMALL, _middle(xp, x), xp.where(x < 0, tail - 1.0, 1.0 - tail))


def erfc(xp: Any, x: Any) -> Any:
    """Return 1 − erf(x), without the cancellation where x is large."""
    tail = _tail(xp, xp.abs(x))
    return xp.where(xp.abs(x) <= _SMALL, 1.0 - _middle(xp, x), xp.where(x < 0, 2.0 - tail, tail))


def _middle(xp: Any, x: Any) -> Any:
    """Return erf(x) for a small x, as an odd rational function."""
    square = xp.minimum(xp.abs(x), _SMALL) ** 2
    return x * (_polynomial(_NUMERATOR_SMALL, square) / _polynomial(_DENOMINATOR_SMALL, square))


def _tail(xp: Any, x: Any) -> Any:
    """Return erfc(x) for an x that is not small, as exp(−x²) times a rational function."""
    x = xp.minimum(xp.maximum(x, _SMALL), _VANISHES)
    near, far = xp.minimum(x, _LARGE), xp.maximum(x, _LARGE)
    square = 1.0 / far**2
    large = _polynomial(_NUMERATOR_LARGE, square) / _polynomial(_DENOMINATOR_LARGE, square)
    factor = xp.where(
        x <= _LARGE,
        _polynomial(_NUMERATOR_MIDDLE, near) / _polynomial(_DENOMINATOR_MIDDLE, near),
        (1.0 / math.sqrt(math.pi) - square * large) / far,
    )
    return _gaussian(xp, x) * factor


def _gaussian(xp: Any, x: Any) -> Any:
    """Return exp(−x²); the leading bits of x are squared apart, so that rounding x² costs no digits."""
    leading = xp.floor(16.0 * x) / 16.0
    return xp.exp(-leading * leading) * xp.exp(-(x - leading) * (x + leading))


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    return reduce(lambda total, coefficient: total * x + coefficient, coefficients)
