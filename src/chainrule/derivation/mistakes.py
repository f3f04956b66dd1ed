"""The mistakes that have a name."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.derivation.verdict import Mistake

MISTAKES: Mapping[str, str] = {
    "transpose missing": "a factor has to be transposed",
    "transpose misplaced": "a transpose stands at the wrong factor, or where none belongs",
    "order of factors": "the factors of a matrix product stand in the wrong order",
    "sign": "a sign is wrong",
    "factor": "a factor such as 1/m, m, 2 or ½ is missing or too many",
    "sum over the examples missing": "the gradient of what all examples share is a sum over the examples",
    "sum missing": "a sum over an axis is missing",
    "sum extra": "a sum is taken where none belongs",
    "sum over another axis": "a sum is taken over the wrong axis",
    "f' missing": "the derivative of an activation is missing",
    "f' extra": "a derivative of an activation is too many",
    "f' of another layer": "the derivative of an activation is that of another layer, or taken elsewhere",
    "f' of another function": "the derivative is that of another activation",
    "f for f'": "an activation stands where its derivative should, or the reverse",
    "shape of a sum": "a sum drops an axis that is to be kept, or the reverse",
    "shape of ones": "a matrix of ones has the wrong shape",
    "⊙ for a product": "the element-wise product stands where the matrix product should",
    "product for ⊙": "the matrix product stands where the element-wise one should",
    "mask missing": "the dropout mask of the forward pass is missing",
    "1/(1−p) missing": "the scaling 1/(1−p) of dropout is missing",
    "factor by elements missing": "an element-wise factor is missing",
    "factor by elements extra": "an element-wise factor is too many",
    "pair": "the rule holds for another pair of activation and loss",
    "softmax element by element": "softmax is differentiated as if it acted element by element",
    "loss": "the loss is not the one it is called",
    "term missing": "a term is missing: another path, or weight decay",
    "term extra": "a term is too many",
    "brackets": "brackets stand in the wrong place or are missing",
    "trace missing": "a product A Bᵀ stands where its trace should",
    "log(1 − x)": "1 − f(x) stands where f(1 − x) should, or the reverse",
    "norm for a vector": "a norm, which is a number, stands for the vector itself",
    "square": "a square is missing or too many",
    "another function": "a function stands where another should",
    "another symbol": "one symbol stands where another should",
    "updated too early": "a parameter is changed before its old value is used",
    "circular": "a gradient is derived from itself",
    "other": "several things are wrong",
}
INVERSES: Mapping[str, str] = {
    "transpose missing": "transpose misplaced",
    "transpose misplaced": "transpose missing",
    "sum over the examples missing": "sum extra",
    "sum missing": "sum extra",
    "sum extra": "sum missing",
    "f' missing": "f' extra",
    "f' extra": "f' missing",
    "⊙ for a product": "product for ⊙",
    "product for ⊙": "⊙ for a product",
    "mask missing": "factor by elements extra",
    "1/(1−p) missing": "factor",
    "factor by elements missing": "factor by elements extra",
    "factor by elements extra": "factor by elements missing",
    "term missing": "term extra",
    "term extra": "term missing",
}


def mistake(kind: str, text: str = "") -> Mistake:
    """Return a mistake of a kind that the table knows, described by the table unless a text is given."""
    return Mistake(kind, text or MISTAKES[kind])


def inverse(kind: str) -> Mistake:
    """Return the mistake that an edit of this kind makes, where it would mend one of this kind."""
    return mistake(INVERSES.get(kind, kind))
