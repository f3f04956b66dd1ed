"""What can be a name, and how one is spelled: λ and lambda, d²W1 and d2_W1 are the same."""

from __future__ import annotations

import re
import unicodedata

from chainrule.errors import NamingError
from chainrule.ir.registry import is_op

_GENERATED = re.compile(r"t[0-9]+")
_ORDERS = re.compile(r"(?:d[²³⁴⁵⁶⁷⁸⁹])*")
_ASCII_ORDER = re.compile(r"d([2-9])_")
_NOT_IN_NAMES = set("Σᵀₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
_RAISED = dict(zip("23456789", "²³⁴⁵⁶⁷⁸⁹", strict=True))

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ",
    "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π",
    "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_SPELLED = re.compile(rf"([duv]?)({'|'.join(sorted(GREEK, key=len, reverse=True))})([0-9]*(?:_.*)?)")
_LETTERS = {letter: word for word, letter in GREEK.items()}


def is_generated(name: str) -> bool:
    """Tell whether a name is one the printer makes, t1, t2, …, which does not count as given."""
    return _GENERATED.fullmatch(name) is not None


def is_name(text: str) -> bool:
    """Tell whether a text can name a value: an identifier, perhaps after d², d³, …"""
    rest = _ORDERS.sub("", text, count=1)
    return rest.isidentifier() and not rest.startswith("_") and not _NOT_IN_NAMES & set(rest)


def normalized(name: str) -> str:
    """Return the one spelling under which a name is kept.

    Letters that look alike become one, as Python itself does it; a Greek letter may be spelled out,
    also after the d of a gradient and the u or v of a moment, and d2_ before a name means d².

    >>> normalized("lambda"), normalized("dbeta1"), normalized("d2_W1"), normalized("\\u00b5")
    ('λ', 'dβ1', 'd²W1', 'μ')
    """
    prefix = _ORDERS.match(name)
    start = prefix.end() if prefix else 0
    orders, rest = name[:start], name[start:]
    while match := _ASCII_ORDER.match(rest):
        orders, rest = orders + "d" + _RAISED[match.group(1)], rest[match.end() :]
    rest = unicodedata.normalize("NFKC", rest)
    spelled = _SPELLED.fullmatch(rest)
    return orders + (spelled.expand(rf"\1{GREEK[spelled.group(2)]}\3") if spelled else rest)


def ascii_name(name: str) -> str:
    """Return a name with Greek letters spelled out and d² as d2_; `normalized` undoes it.

    >>> ascii_name("λ"), ascii_name("d²W1"), ascii_name("α_W1")
    ('lambda', 'd2_W1', 'alpha_W1')
    """
    orders = {raised: digit for digit, raised in _RAISED.items()}
    text = "".join(f"{orders[sign]}_" if sign in orders else sign for sign in name)
    spelled = "".join(_LETTERS.get(sign, sign) for sign in text)
    return spelled if normalized(spelled) == name else name


def checked_name(name: str) -> str:
    """Return a name in its one spelling.

    Raises:
        NamingError: the text cannot be a name, or is a function's.
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
        raise NamingError(f"a name is text, not {type(name).__name__}.")
    given, name = name, normalized(name)
    if not is_name(given) or not is_name(name) or name.startswith("sum_"):
        raise NamingError(
            f"{name!r} cannot be a name.",
            fix="a name starts with a letter and goes on with letters and digits, like Z1 or λ; "
            "sum_ is kept for sums over an axis.",
        )
    if is_op(name) or name == "size":
        raise NamingError(f"{name} is a function, not a name.", fix=f"call the value {name}1, for example.")
    return name
