"""How floating-point numbers are made, and the coefficients of the series that functions are computed by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Format:
    """How a type of floating-point numbers is made, and how far series go for it.

    Attributes:
        whole: the type of whole numbers of the same size.
        fraction: bits after the point.
        bias: what is added to an exponent.
        lowest: below this, the power of e is 0.
        highest: above this, it is infinite.
        powers: terms of the series of e to a small power.
        logarithms: terms of the series of the logarithm.
        levels: levels of the continued fraction of tanh.
        waves: terms of the series of sine and cosine.
    """

    whole: str
    fraction: int
    bias: int
    lowest: float
    highest: float
    powers: int
    logarithms: int
    levels: int
    waves: int


FORMATS: Mapping[str, Format] = {
    "float": Format("i32", 23, 127, -87.33654, 88.72283, 8, 6, 5, 7),
    "double": Format("i64", 52, 1023, -708.3964185322641, 709.782712893384, 14, 12, 9, 11),
}
# ln 2 and π/2 as sums: the first parts have so few bits that whole multiples of them are exact.
LN2 = {
    "float": (0.693359375, -2.1219444005469057e-4),
    "double": (0.6931471803691238, 1.9082149292705877e-10),
}
HALF_PI = (1.5707963109016418, 1.5893254712295857e-8, 6.123233995736766e-17)
EXPONENTIAL = [1 / math.factorial(k) for k in range(20)]
GREGORY = [1 / (2 * k + 1) for k in range(14)]
SINE = [(-1) ** k / math.factorial(2 * k + 1) for k in range(12)]
COSINE = [(-1) ** k / math.factorial(2 * k) for k in range(13)]
TANH_IS_SMALL = 0.625
TANH_IS_ONE = {"float": 10.0, "double": 20.0}


def lambert(levels: int) -> tuple[list[float], list[float]]:
    """Return numerator and denominator, in a², of tanh a / a = 1/(1 + a²/(3 + a²/(5 + …))), cut off."""
    above, below = [Fraction(1)], [Fraction(2 * levels - 1)]
    for odd in range(2 * levels - 3, 0, -2):
        longest = max(len(above) + 1, len(below))
        shifted = [Fraction(0), *above]
        padded = [
            odd * (below[i] if i < len(below) else 0) + (shifted[i] if i < len(shifted) else 0)
            for i in range(longest)
        ]
        above, below = below, padded
    return [float(c / below[0]) for c in above], [float(c / below[0]) for c in below]
