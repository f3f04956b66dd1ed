"""Elementary functions in LLVM's instructions, for single numbers and for vectors of them.

An argument is brought into a short interval by an exact step, where a few terms of a series known since
Euler, Gregory and Lambert are enough; see J.-M. Muller, Elementary Functions, 3rd edition 2016, and, for
bringing arguments down without loss, W. J. Cody and W. Waite, Software Manual for the Elementary Functions,
1980. No branches: where two ways are needed, both are gone, and the result chosen. Subnormal numbers count
as 0.

Greatest errors seen on random arguments, in units in the last place, float32 / float64: exp 1.7 / 2.1,
expm1 3.0 / 4.0, log 2.0 / 2.0, log1p 1.9 / 1.9, tanh 4.3 / 5.4, sinh and cosh 5.1 / 6.1, sin and cos of
arguments up to 10⁵ 0.5 / 2.6. Sines and cosines of arguments beyond 10⁷ lose digits, and beyond 10¹⁵ all of
them, but stay between −1 and 1. A power is exact to 0.5 in float32, where it is computed in float64; in
float64 its relative error is at most 2⁻⁵¹ |b log a|.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from chainrule.execute.native.code import Code, Register, element
from chainrule.execute.native.series import (
    COSINE,
    EXPONENTIAL,
    FORMATS,
    GREGORY,
    HALF_PI,
    LN2,
    SINE,
    TANH_IS_ONE,
    TANH_IS_SMALL,
    Format,
    lambert,
)


def exp(code: Code, x: Register) -> Register:
    """Append eˣ = 2ᵏ eʳ with x = k ln 2 + r, |r| ≤ ½ ln 2."""
    form = _format(x)
    inside = _clamped(code, x, form.lowest - 1.0, form.highest + 1.0)
    k, r = _reduced(code, inside)
    result = _scaled(code, _series(code, r, EXPONENTIAL[: form.powers]), k)
    result = code.select(_is(code, "ogt", x, form.highest), _number(code, x, math.inf), result)
    result = code.select(_is(code, "olt", x, form.lowest), _number(code, x, 0.0), result)
    return _or_nan(code, x, result)


def expm1(code: Code, x: Register) -> Register:
    """Append eˣ − 1 = 2ᵏ (eʳ − 1) + (2ᵏ − 1), so that nothing cancels where x is small."""
    form = _format(x)
    low = -(form.fraction + 2) * math.log(2)
    k, r = _reduced(code, _clamped(code, x, low, 40.0))
    small = code.multiply(r, _series(code, r, EXPONENTIAL[1 : form.powers + 1]))
    power = _power_of_two(code, k)
    near = code.multiply_add(power, small, code.subtract(power, _number(code, x, 1.0)))
    far = code.subtract(exp(code, x), _number(code, x, 1.0))
    result = code.select(_is(code, "ogt", x, 30.0), far, near)
    result = code.select(_is(code, "oeq", x, 0.0), x, result)
    return _or_nan(code, x, result)


def log(code: Code, x: Register) -> Register:
    """Append log x = k ln 2 + 2 artanh((f − 1)/(f + 1)) with x = 2ᵏ f, f between √½ and √2."""
    k, f = _taken_apart(code, x)
    one = _number(code, x, 1.0)
    result = _logarithm(code, k, code.subtract(f, one), code.add(f, one))
    return _at_the_ends_of_log(code, x, result, x)


def log1p(code: Code, x: Register) -> Register:
    """Append log(1 + x); where 1 + x is near 1, 2 artanh(x/(2 + x))."""
    one = _number(code, x, 1.0)
    above = code.add(one, x)
    k, f = _taken_apart(code, above)
    # What 1 + x has lost in rounding is made good in the numerator: log(u + d) ≈ log u + d/u.
    lost = code.select(
        _is(code, "ogt", x, 1.0),
        code.subtract(one, code.subtract(above, x)),
        code.subtract(x, code.subtract(above, one)),
    )
    small = code.binary("and", _is(code, "ogt", x, math.sqrt(0.5) - 1), _is(code, "olt", x, math.sqrt(2) - 1))
    k = code.select(small, _number(code, x, 0.0), k)
    above_part = code.select(small, x, code.subtract(f, one))
    below_part = code.select(small, code.add(x, _number(code, x, 2.0)), code.add(f, one))
    result = _logarithm(code, k, above_part, below_part)
    rest = code.select(small, _number(code, x, 0.0), code.divide(lost, above))
    finite = _is(code, "olt", above, math.inf)
    result = code.add(result, code.select(finite, rest, _number(code, x, 0.0)))
    result = code.select(_is(code, "oeq", x, 0.0), x, result)
    return _at_the_ends_of_log(code, x, result, above)


def tanh(code: Code, x: Register) -> Register:
    """Append (e²ᵃ − 1)/(e²ᵃ + 1) for a = |x|, or Lambert's fraction a/(1 + a²/(3 + …)) where a is small."""
    form = _format(x)
    size = code.intrinsic("fabs", x)
    bounded = _clamped(code, size, 0.0, TANH_IS_ONE[element(x.type)])
    k, r = _reduced(code, code.add(bounded, bounded))
    power = _scaled_once(code, _series(code, r, EXPONENTIAL[: form.powers]), k)
    one = _number(code, x, 1.0)
    over, under = lambert(form.levels)
    square = code.multiply(bounded, bounded)
    small = _is(code, "olt", bounded, TANH_IS_SMALL)
    above = code.select(small, code.multiply(bounded, _series(code, square, over)), code.subtract(power, one))
    below = code.select(small, _series(code, square, under), code.add(power, one))
    result = code.intrinsic("copysign", code.divide(above, below), x)
    return _or_nan(code, x, result)


def sinh(code: Code, x: Register) -> Register:
    """Append (eˣ − e⁻ˣ)/2, of E = e^|x| − 1 as (E + E/(E + 1))/2; large ones as a square halved."""
    size = code.intrinsic("fabs", x)
    grown = expm1(code, size)
    half, one = _number(code, x, 0.5), _number(code, x, 1.0)
    near = code.multiply(half, code.add(grown, code.divide(grown, code.add(grown, one))))
    root = exp(code, code.multiply(half, size))
    far = code.multiply(code.multiply(half, root), root)
    result = code.select(_is(code, "ogt", size, 40.0), far, near)
    return _or_nan(code, x, code.intrinsic("copysign", result, x))


def cosh(code: Code, x: Register) -> Register:
    """Append (eˣ + e⁻ˣ)/2."""
    half = _number(code, x, 0.5)
    root = exp(code, code.multiply(half, code.intrinsic("fabs", x)))
    power = code.multiply(code.multiply(half, root), root)
    quarter = code.divide(_number(code, x, 0.25), power)
    return _or_nan(code, x, code.add(power, quarter))


def sin(code: Code, x: Register) -> Register:
    """Append sin x, by the quarter of the circle that x ends in."""
    return code.select(_is(code, "oeq", x, 0.0), x, _wave(code, x, 0))


def cos(code: Code, x: Register) -> Register:
    """Append cos x = sin(x + π/2)."""
    return _wave(code, x, 1)


def sqrt(code: Code, x: Register) -> Register:
    """Append √x, rounded correctly."""
    return code.intrinsic("sqrt", x)


def power(code: Code, a: Register, b: Register) -> Register:
    """Append aᵇ = e^(b log |a|), with the sign of a where b is odd; NaN for a < 0 and b not whole."""
    if element(a.type) == "float":
        wide = power(code, *(code.convert("fpext", x, "double") for x in (a, b)))
        return code.convert("fptrunc", wide, "float")
    result = exp(code, code.multiply(b, log(code, code.intrinsic("fabs", a))))
    half = code.multiply(b, _number(code, b, 0.5))
    whole = code.compare("oeq", code.intrinsic("floor", b), b)
    even = code.compare("oeq", code.intrinsic("floor", half), half)
    odd = code.binary("and", whole, _not(code, even))
    zero_or_less = _is(code, "ole", a, 0.0)
    signed = code.select(odd, code.intrinsic("copysign", result, a), result)
    below = code.binary("and", _is(code, "olt", a, 0.0), _not(code, whole))
    finite = code.binary("and", is_finite(code, a), is_finite(code, b))
    signed = code.select(zero_or_less, signed, result)
    signed = code.select(code.binary("and", below, finite), _number(code, a, math.nan), signed)
    return _certain_powers(code, a, b, signed)


def power_by_whole(code: Code, x: Register, n: int) -> Register:
    """Append xⁿ for a whole n, by squaring."""
    if n < 0:
        return code.divide(_number(code, x, 1.0), power_by_whole(code, x, -n))
    result, square = _number(code, x, 1.0), x
    first = True
    while n:
        if n % 2:
            result, first = (square if first else code.multiply(result, square)), False
        n //= 2
        square = code.multiply(square, square) if n else square
    return result


def sign(code: Code, x: Register) -> Register:
    """Append −1, 0 or 1; 0 and NaN stay."""
    up = code.select(_is(code, "ogt", x, 0.0), _number(code, x, 1.0), x)
    return code.select(_is(code, "olt", x, 0.0), _number(code, x, -1.0), up)


def maximum(code: Code, a: Register, b: Register) -> Register:
    """Append the greater one; NaN if one is NaN."""
    return _extreme(code, "ogt", a, b)


def minimum(code: Code, a: Register, b: Register) -> Register:
    """Append the smaller one; NaN if one is NaN."""
    return _extreme(code, "olt", a, b)


def is_nan(code: Code, x: Register) -> Register:
    """Append the flag of x ≠ x."""
    return code.compare("uno", x, x)


def is_inf(code: Code, x: Register) -> Register:
    """Append the flag of |x| = ∞."""
    return _is(code, "oeq", code.intrinsic("fabs", x), math.inf)


def is_finite(code: Code, x: Register) -> Register:
    """Append the flag of |x| < ∞."""
    return _is(code, "olt", code.intrinsic("fabs", x), math.inf)


def _intrinsic(name: str) -> Callable[[Code, Register], Register]:
    return lambda code, x: code.intrinsic(name, x)


FUNCTIONS: Mapping[str, Callable[..., Register]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "tanh": tanh,
    "sinh": sinh,
    "cosh": cosh,
    "sin": sin,
    "cos": cos,
    "sqrt": sqrt,
    "power": power,
    "sign": sign,
    "abs": _intrinsic("fabs"),
    "floor": _intrinsic("floor"),
    "ceil": _intrinsic("ceil"),
    "maximum": maximum,
    "minimum": minimum,
    "isnan": is_nan,
    "isinf": is_inf,
    "isfinite": is_finite,
}
"""The functions by NumPy's names."""


def _format(x: Register) -> Format:
    return FORMATS[element(x.type)]


def _number(code: Code, like_this: Register, value: float) -> Register:
    return code.constant(like_this.type, value)


def _is(code: Code, predicate: str, x: Register, value: float) -> Register:
    return code.compare(predicate, x, _number(code, x, value))


def _not(code: Code, flag: Register) -> Register:
    return code.binary("xor", flag, code.constant(flag.type, -1))


def _or_nan(code: Code, x: Register, result: Register) -> Register:
    return code.select(is_nan(code, x), x, result)


def _extreme(code: Code, predicate: str, a: Register, b: Register) -> Register:
    # A comparison with NaN fails, so that b, or the NaN a, is taken.
    chosen = code.select(code.compare(predicate, a, b), a, b)
    return code.select(is_nan(code, a), a, chosen)


def _clamped(code: Code, x: Register, low: float, high: float) -> Register:
    """Append x brought between two numbers; NaN becomes the first of them."""
    above = code.select(_is(code, "ogt", x, low), x, _number(code, x, low))
    return code.select(_is(code, "olt", above, high), above, _number(code, x, high))


def _series(code: Code, x: Register, coefficients: Sequence[float]) -> Register:
    """Append c₀ + c₁ x + c₂ x² + … by pairs, pairs of pairs and so on: that waits least."""
    terms = [_number(code, x, c) for c in coefficients]
    while len(terms) > 1:
        pairs = [code.multiply_add(x, b, a) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + ([terms[-1]] if len(terms) % 2 else [])
        x = code.multiply(x, x) if len(terms) > 1 else x
    return terms[0]


def _reduced(code: Code, x: Register) -> tuple[Register, Register]:
    """Append k and r with x = k ln 2 + r, k whole and |r| ≤ ½ ln 2."""
    k = code.intrinsic("rint", code.multiply(x, _number(code, x, 1 / math.log(2))))
    first, second = LN2[element(x.type)]
    r = code.subtract(x, code.multiply(k, _number(code, x, first)))
    return k, code.subtract(r, code.multiply(k, _number(code, x, second)))


def _power_of_two(code: Code, k: Register) -> Register:
    """Append 2ᵏ for a whole k whose power is a normal number, by writing its bits."""
    form = _format(k)
    whole = code.convert("fptosi", k, form.whole)
    biased = code.add(whole, code.constant(whole.type, form.bias))
    shifted = code.binary("shl", biased, code.constant(whole.type, form.fraction))
    return code.make(k.type, f"bitcast {shifted} to {k.type}")


def _scaled(code: Code, x: Register, k: Register) -> Register:
    """Append 2ᵏ x in two steps, as 2ᵏ alone may be out of range."""
    half = code.intrinsic("floor", code.multiply(k, _number(code, k, 0.5)))
    once = code.multiply(x, _power_of_two(code, half))
    return code.multiply(once, _power_of_two(code, code.subtract(k, half)))


def _scaled_once(code: Code, x: Register, k: Register) -> Register:
    return code.multiply(x, _power_of_two(code, k))


def _taken_apart(code: Code, x: Register) -> tuple[Register, Register]:
    """Append k and f with x = 2ᵏ f, f between √½ and √2."""
    form = _format(x)
    bits = code.convert("bitcast", x, form.whole)
    # Counted from the bits of √½, the exponent is k.
    root = int(Fraction(math.sqrt(0.5)) * 2 ** (form.fraction + 1)) - 2**form.fraction
    start = ((form.bias - 1) << form.fraction) + root
    apart = code.subtract(bits, code.constant(bits.type, start))
    k = code.binary("ashr", apart, code.constant(bits.type, form.fraction))
    shifted = code.binary("shl", k, code.constant(bits.type, form.fraction))
    f = code.convert("bitcast", code.subtract(bits, shifted), element(x.type))
    return code.convert("sitofp", k, element(x.type)), f


def _logarithm(code: Code, k: Register, above: Register, below: Register) -> Register:
    """Append k ln 2 + 2 artanh(above/below)."""
    s = code.divide(above, below)
    square = code.multiply(s, s)
    rest = code.multiply(square, _series(code, square, GREGORY[1 : _format(s).logarithms + 1]))
    twice = code.add(s, s)
    first, second = LN2[element(s.type)]
    low = code.multiply_add(k, _number(code, s, second), code.multiply(twice, rest))
    return code.add(code.multiply(k, _number(code, s, first)), code.add(twice, low))


def _at_the_ends_of_log(code: Code, x: Register, result: Register, u: Register) -> Register:
    """Append a logarithm with −∞ at u = 0, ∞ at ∞, and NaN below 0."""
    result = code.select(_is(code, "oeq", u, 0.0), _number(code, x, -math.inf), result)
    result = code.select(_is(code, "oeq", u, math.inf), u, result)
    result = code.select(_is(code, "olt", u, 0.0), _number(code, x, math.nan), result)
    return _or_nan(code, x, result)


def _wave(code: Code, x: Register, quarters: int) -> Register:
    """Append sin(x + quarters · π/2); in float32 by way of float64."""
    if element(x.type) == "float":
        return code.convert("fptrunc", _wave(code, code.convert("fpext", x, "double"), quarters), "float")
    form = _format(x)
    k = code.intrinsic("rint", code.multiply(x, _number(code, x, 2 / math.pi)))
    r = x
    for part in HALF_PI:
        r = code.subtract(r, code.multiply(k, _number(code, x, part)))
    # Of what is left of a huge argument no digit counts, but it may be huge itself.
    r = _clamped(code, r, -1.0, 1.0)
    square = code.multiply(r, r)
    sine = code.multiply(r, _series(code, square, SINE[: form.waves]))
    cosine = _series(code, square, COSINE[: form.waves + 1])
    bounded = _clamped(code, k, -(2.0**62), 2.0**62)
    turn = code.convert("fptosi", bounded, form.whole)
    turn = code.add(turn, code.constant(turn.type, quarters))
    one, two = (code.constant(turn.type, n) for n in (1, 2))
    odd = code.compare("ne", code.binary("and", turn, one), code.constant(turn.type, 0))
    down = code.compare("ne", code.binary("and", turn, two), code.constant(turn.type, 0))
    value = code.select(odd, cosine, sine)
    value = code.select(down, code.negate(value), value)
    return code.select(is_finite(code, x), value, code.subtract(x, x))


def _certain_powers(code: Code, a: Register, b: Register, result: Register) -> Register:
    """Append the powers that logarithms do not give: a⁰ = 1ᵇ = 1, even of NaN, and (−1)^±∞ = 1."""
    unknown = code.binary("or", is_nan(code, a), is_nan(code, b))
    result = code.select(unknown, code.add(a, b), result)
    unit = _is(code, "oeq", code.intrinsic("fabs", a), 1.0)
    sure = code.binary("and", unit, is_inf(code, b))
    for flag in (sure, _is(code, "oeq", a, 1.0), _is(code, "oeq", b, 0.0)):
        result = code.select(flag, _number(code, a, 1.0), result)
    return result
