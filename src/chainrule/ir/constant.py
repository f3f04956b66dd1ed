"""Exact constants: a rational or float times integer powers of size letters, such as 2/(m k)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

from chainrule.errors import KindError, NamingError
from chainrule.ir.shape import Shape

_LARGEST_EXPONENT = 64
_MOST_BITS = 512


@dataclass(frozen=True)
class Constant:
    """A number that may mention sizes: factor · m^p · k^q · …

    Attributes:
        factor: an exact fraction where the number was written as one, else a float.
        powers: letters with their exponents, sorted, none of them zero.
    """

    factor: Fraction | float
    powers: tuple[tuple[str, int], ...] = ()

    @staticmethod
    def of(number: float | Fraction | Constant) -> Constant:
        """Return a number as a constant; a float that is whole becomes an exact integer.

        Raises:
            KindError: the number is not finite.
        """
        if isinstance(number, Constant):
            return number
        if isinstance(number, Fraction | int):
            return Constant(_bounded(Fraction(number)))
        number = float(number)
        if not math.isfinite(number):
            raise KindError(f"a constant must be finite, not {number}.")
        return Constant(Fraction(int(number)) if number.is_integer() and abs(number) < 2**53 else number)

    @staticmethod
    def letter(name: str) -> Constant:
        """Return the constant that is the size `name` itself."""
        return Constant(Fraction(1), ((name, 1),))

    @staticmethod
    def count(shape: Shape) -> Constant:
        """Return the number of elements of a shape.

        >>> str(Constant.count(("m", 3)))
        '3 m'
        """
        sizes = (Constant.letter(s) if isinstance(s, str) else Constant.of(s) for s in shape)
        return reduce(lambda a, b: a * b, sizes, Constant.of(1))

    def __mul__(self, number: Constant | float | Fraction) -> Constant:
        if not isinstance(number, Constant | int | float | Fraction):  # pyright: ignore[reportUnnecessaryIsInstance]  # a value multiplies from the right
            return NotImplemented
        other = Constant.of(number)
        exponents = dict(self.powers)
        for letter, power in other.powers:
            exponents[letter] = exponents.get(letter, 0) + power
        return Constant(_product(self.factor, other.factor), _tidy(exponents))

    def reciprocal(self) -> Constant:
        """Return 1 / constant; the caller sees to it that the factor is not zero."""
        inverse = 1 / self.factor
        return Constant(_whole(inverse), tuple((letter, -power) for letter, power in self.powers))

    __rmul__ = __mul__

    def __truediv__(self, number: Constant | float | Fraction) -> Constant:
        if not isinstance(number, Constant | int | float | Fraction):  # pyright: ignore[reportUnnecessaryIsInstance]  # a value divides from the right
            return NotImplemented
        return self * Constant.of(number).reciprocal()

    def __rtruediv__(self, number: float | Fraction) -> Constant:
        return Constant.of(number) / self

    def __pow__(self, exponent: int) -> Constant:
        result = self.power(Constant.of(exponent))
        if result is None:
            raise KindError(f"({self})^{exponent} is not a constant that can be held exactly.")
        return result

    def __neg__(self) -> Constant:
        return Constant(-self.factor, self.powers)

    def power(self, exponent: Constant) -> Constant | None:
        """Return constant ^ exponent where that is exact and small, else None."""
        whole = exponent.as_integer()
        if whole is None or abs(whole) > _LARGEST_EXPONENT or (whole <= 0 and self.factor == 0):
            return None
        if isinstance(self.factor, float) and not _float_power_is_finite(self.factor, whole):
            return None
        if any(abs(power * whole) > _LARGEST_EXPONENT for _, power in self.powers):
            return None
        factor = _whole(_bounded(self.factor**whole))
        return Constant(factor, _tidy({letter: power * whole for letter, power in self.powers}))

    def as_integer(self) -> int | None:
        """Return the constant as an int if it is a whole number without letters, else None."""
        if self.powers or not isinstance(self.factor, Fraction) or self.factor.denominator != 1:
            return None
        return self.factor.numerator

    def is_number(self, number: int) -> bool:
        """Tell whether the constant is this whole number."""
        return self.as_integer() == number

    @property
    def letters(self) -> list[str]:
        """The size letters mentioned, sorted."""
        return [letter for letter, _ in self.powers]

    def value(self, sizes: Mapping[str, int]) -> float:
        """Return the number once the letters are bound.

        Raises:
            NamingError: a letter has no size.
            KindError: the number is beyond what a float holds.
        """
        unbound = [letter for letter in self.letters if letter not in sizes]
        if unbound:
            raise NamingError(f"the constant {self} needs the size of {', '.join(unbound)}.")
        exact = reduce(lambda a, p: a * Fraction(sizes[p[0]]) ** p[1], self.powers, Fraction(1))
        try:
            if isinstance(self.factor, Fraction):
                return float(self.factor * exact)
            return self.factor * float(exact)
        except OverflowError:
            bound = ", ".join(f"{letter} = {sizes[letter]}" for letter in self.letters)
            raise KindError(f"the constant {self} is beyond what a float holds for {bound}.") from None

    def __str__(self) -> str:
        above, below = self.halves()
        if not below:
            return " ".join(above)
        divisor = below[0] if len(below) == 1 else f"({' '.join(below)})"
        return f"{' '.join(above)}/{divisor}"

    def halves(self, order: Sequence[str] = ()) -> tuple[list[str], list[str]]:
        """Return the factors above and below the fraction bar as text; a leading minus stays above.

        Args:
            order: letters in the order in which they are to be written; others follow.
        """
        place = {letter: i for i, letter in enumerate(order)}
        powers = sorted(self.powers, key=lambda power: place.get(power[0], len(place)))
        sign = "-" if self.factor < 0 else ""
        size = abs(self.factor)
        up, down = (size.numerator, size.denominator) if isinstance(size, Fraction) else (size, 1)
        above = [_raised(letter, power) for letter, power in powers if power > 0]
        below = [_raised(letter, -power) for letter, power in powers if power < 0]
        if down != 1:
            below.insert(0, str(down))
        if up != 1 or not above:
            above.insert(0, repr(up))
        above[0] = sign + above[0]
        return above, below


def _raised(letter: str, power: int) -> str:
    return letter if power == 1 else f"{letter}^{power}"


def _tidy(exponents: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    for letter, power in exponents.items():
        if abs(power) > _LARGEST_EXPONENT:
            raise KindError(f"a power of the size {letter} is at most {_LARGEST_EXPONENT}, not {power}.")
    return tuple(sorted((letter, power) for letter, power in exponents.items() if power))


def _bounded(number: Fraction | float) -> Fraction | float:
    """Keep exactness only while it is cheap: a fraction of very many digits becomes a float."""
    if isinstance(number, float):
        return number
    bits = max(number.numerator.bit_length(), number.denominator.bit_length())
    if bits <= _MOST_BITS:
        return number
    try:
        return float(number)
    except OverflowError:
        raise KindError("a constant of this size is beyond what a float holds.") from None


def _product(a: Fraction | float, b: Fraction | float) -> Fraction | float:
    """Multiply; a float product stays a float unless it is whole, so that 1·x is recognized."""
    result = _whole(_bounded(a * b))
    if isinstance(result, float) and not math.isfinite(result):
        raise KindError(f"the constant {a} · {b} is beyond what a float holds.")
    return result


def _whole(number: Fraction | float) -> Fraction | float:
    return Constant.of(number).factor if isinstance(number, float) and math.isfinite(number) else number


def _float_power_is_finite(base: float, exponent: int) -> bool:
    try:
        return math.isfinite(base**exponent) and base**exponent != 0.0
    except OverflowError:
        return False
