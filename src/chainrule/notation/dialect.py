"""A dialect: how products, transposes, sums and updates are written; shared by printers and parser."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sign:
    """One sign in the three scripts."""

    text: str
    ascii: str
    latex: str


@dataclass(frozen=True)
class Dialect:
    """How a family of books writes equations.

    Attributes:
        name: what the dialect is called.
        hadamard: the element-wise product.
        transpose: what follows a transposed matrix.
        sigma: a sum over the axis whose letter follows as an index.
        update: between a leaf and its new value.
        keywords: the words that begin a declaration, with the role or "" for sizes and outputs.
    """

    name: str
    hadamard: Sign
    transpose: Sign
    sigma: Sign
    update: Sign
    keywords: tuple[str, ...]


PLAIN = Dialect(
    name="plain",
    hadamard=Sign("⊙", ".*", r"\odot"),
    transpose=Sign("ᵀ", "^T", r"^{\top}"),
    sigma=Sign("Σ", "sum_", r"\sum_"),
    update=Sign("←", "<-", r"\leftarrow"),
    keywords=("sizes", "data", "parameter", "state", "scalar", "hyperparameter", "outputs", "function"),
)

SUPERSCRIPTS = dict(zip("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))
SUBSCRIPTS = dict(zip("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
FROM_SUPERSCRIPT = {raised: plain for plain, raised in SUPERSCRIPTS.items()}
FROM_SUBSCRIPT = {lowered: plain for plain, lowered in SUBSCRIPTS.items()}


def raised(number: int) -> str:
    """Return a whole number in superscript digits.

    >>> raised(-12)
    '⁻¹²'
    """
    return "".join(SUPERSCRIPTS[digit] for digit in str(number))


def lowered(letter: str) -> str:
    """Return a size letter as an index: in subscript where Unicode has all its signs, else after `_`.

    >>> lowered("m"), lowered("n1"), lowered("d")
    ('ₘ', 'ₙ₁', '_d')
    """
    if all(sign in SUBSCRIPTS for sign in letter):
        return "".join(SUBSCRIPTS[sign] for sign in letter)
    return "_" + letter
