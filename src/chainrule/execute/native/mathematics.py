import math
from chainrule.execute.native.code import *


def K(c, x, v):
    return c.constant(x.type, v)


def nan(c, x):
    return c.compare("uno", x, x)


def nanmax(p):
    def f(c, a, b):
        u = nan(c, a)
        g = c.compare(p, a, b)
        ub = nan(c, b)
        o = c.binary("or", u, g)
        r = c.select(o, a, b)
        return c.select(c.binary("and", ub, c.binary("xor", u, c.constant(u.type, 1))), b, r)

    return f


def isf(x):
    return element(x.type) == "float"


def bits(x):
    return ("i32", 23, 127, 23) if isf(x) else ("i64", 52, 1023, 52)


def exp(c, x):
    ity, sh, bias, _ = bits(x)
    lo, hi = (-104.0, 89.0) if isf(x) else (-746.0, 710.0)
    mx = nanmax("ogt")
    mn = nanmax("olt")
    y = mn(c, mx(c, x, K(c, x, lo)), K(c, x, hi))
    n = c.intrinsic("floor", c.add(c.multiply(y, K(c, x, 1 / math.log(2))), K(c, x, 0.5)))
    h = 0.693359375
    l = -2.121944400546905827679e-4
    r = c.subtract(c.subtract(y, c.multiply(n, K(c, x, h))), c.multiply(n, K(c, x, l)))
    p = K(c, x, 1 / math.factorial(14))
    for k in range(13, -1, -1):
        p = c.multiply_add(p, r, K(c, x, 1 / math.factorial(k)))
    # two-step scale
    ni = c.convert("fptosi", n, ity)
    half = c.binary("ashr", ni, c.constant(ni.type, 1))
    rest = c.subtract(ni, half)

    def pw(i):
        return Register(
            x.type,
            c.make(
                x.type,
                f"bitcast {c.binary('shl', c.add(i, c.constant(i.type, bias)), c.constant(i.type, sh))} to {x.type}",
            ).name,
        )

    r = c.multiply(c.multiply(p, pw(half)), pw(rest))
    r = c.select(
        c.compare("ogt", x, K(c, x, 88.7228394 if isf(x) else 709.7827128933841)), K(c, x, float("inf")), r
    )
    r = c.select(c.compare("olt", x, K(c, x, lo)), K(c, x, 0.0), r)
    return c.select(nan(c, x), x, r)


def log(c, x):
    ity, sh, bias, _ = bits(x)
    b = c.make(like(x.type, ity), f"bitcast {x} to {like(x.type, ity)}")
    e = c.subtract(c.binary("lshr", b, c.constant(b.type, sh)), c.constant(b.type, bias))
    mant = c.binary(
        "or", c.binary("and", b, c.constant(b.type, (1 << sh) - 1)), c.constant(b.type, bias << sh)
    )
    f = c.make(x.type, f"bitcast {mant} to {x.type}")
    big = c.compare("ogt", f, K(c, x, math.sqrt(2)))
    f = c.select(big, c.multiply(f, K(c, x, 0.5)), f)
    ef = c.convert("sitofp", e, element(x.type))
    ef = c.select(big, c.add(ef, K(c, x, 1.0)), ef)
    s = c.divide(c.subtract(f, K(c, x, 1.0)), c.add(f, K(c, x, 1.0)))
    z = c.multiply(s, s)
    p = K(c, x, 1 / 27)
    for k in range(25, 0, -2):
        p = c.multiply_add(p, z, K(c, x, 1 / k))
    r = c.add(c.multiply(c.multiply(s, K(c, x, 2.0)), p), c.multiply(ef, K(c, x, math.log(2))))
    r = c.select(c.compare("oeq", x, K(c, x, 0.0)), K(c, x, float("-inf")), r)
    r = c.select(c.compare("oeq", x, K(c, x, float("inf"))), x, r)
    return c.select(c.binary("or", nan(c, x), c.compare("olt", x, K(c, x, 0.0))), K(c, x, float("nan")), r)


def expm1(c, x):
    small = c.compare("olt", c.intrinsic("fabs", x), K(c, x, 0.35))
    xs = c.select(small, x, K(c, x, 0.0))
    p = K(c, x, 1 / math.factorial(15))
    for k in range(14, 0, -1):
        p = c.multiply_add(p, xs, K(c, x, 1 / math.factorial(k)))
    return c.select(small, c.multiply(p, xs), c.subtract(exp(c, x), K(c, x, 1.0)))


def log1p(c, x):
    small = c.compare("olt", c.intrinsic("fabs", x), K(c, x, 0.3))
    xs = c.select(small, x, K(c, x, 0.0))
    s = c.divide(xs, c.add(xs, K(c, x, 2.0)))
    z = c.multiply(s, s)
    p = K(c, x, 1 / 27)
    for k in range(25, 0, -2):
        p = c.multiply_add(p, z, K(c, x, 1 / k))
    return c.select(small, c.multiply(c.multiply(s, K(c, x, 2.0)), p), log(c, c.add(x, K(c, x, 1.0))))


def tanh(c, x):
    a = c.intrinsic("fabs", x)
    e = expm1(c, c.multiply(K(c, x, 2.0), nanmax("olt")(c, a, K(c, x, 20.0))))
    return c.intrinsic("copysign", c.divide(e, c.add(e, K(c, x, 2.0))), x)


def sinh(c, x):
    e = expm1(c, x)
    return c.multiply(K(c, x, 0.5), c.add(e, c.divide(e, c.add(e, K(c, x, 1.0)))))


def cos(c, x):
    n = c.intrinsic("floor", c.add(c.multiply(x, K(c, x, 1 / (2 * math.pi))), K(c, x, 0.5)))
    r = c.subtract(x, c.multiply(n, K(c, x, 2 * math.pi)))
    z = c.multiply(r, r)
    p = K(c, x, -1 / math.factorial(26))
    for k in range(24, -1, -2):
        p = c.multiply_add(p, z, K(c, x, (-1) ** (k // 2) / math.factorial(k)))
    return p


def power(c, a, b):
    ab = c.intrinsic("fabs", a)
    r = exp(c, c.multiply(b, log(c, ab)))
    isint = c.compare("oeq", c.intrinsic("floor", b), b)
    hb = c.multiply(b, K(c, b, 0.5))
    odd = c.binary("and", isint, c.compare("une", c.intrinsic("floor", hb), hb))
    neg = c.compare("olt", a, K(c, a, 0.0))
    r = c.select(c.binary("and", neg, odd), c.negate(r), r)
    r = c.select(
        c.binary("and", neg, c.binary("xor", isint, c.constant(isint.type, 1))), K(c, a, float("nan")), r
    )
    r = c.select(c.compare("oeq", a, K(c, a, 1.0)), K(c, a, 1.0), r)
    return c.select(c.compare("oeq", b, K(c, b, 0.0)), K(c, b, 1.0), r)


def sign(c, x):
    r = c.select(c.compare("ogt", x, K(c, x, 0.0)), K(c, x, 1.0), x)
    return c.select(c.compare("olt", x, K(c, x, 0.0)), K(c, x, -1.0), r)


FUNCTIONS = {
    "sqrt": lambda c, x: c.intrinsic("sqrt", x),
    "abs": lambda c, x: c.intrinsic("fabs", x),
    "floor": lambda c, x: c.intrinsic("floor", x),
    "maximum": nanmax("ogt"),
    "minimum": nanmax("olt"),
    "isnan": nan,
    "isinf": lambda c, x: c.compare("oeq", c.intrinsic("fabs", x), K(c, x, float("inf"))),
    "isfinite": lambda c, x: c.compare("olt", c.intrinsic("fabs", x), K(c, x, float("inf"))),
    "exp": exp,
    "log": log,
    "expm1": expm1,
    "log1p": log1p,
    "tanh": tanh,
    "sinh": sinh,
    "cos": cos,
    "power": power,
    "sign": sign,
}


def pw(c, x, n):
    r = c.constant(x.type, 1.0)
    for _ in range(abs(n)):
        r = c.multiply(r, x)
    return r if n >= 0 else c.divide(c.constant(x.type, 1.0), r)


power_by_whole = pw
