"""`cr.check`: a derivation written by hand against the chain rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.derivation.document import read_document
from chainrule.derivation.judge import Judge
from chainrule.derivation.plan import plan
from chainrule.derivation.report import Report

if TYPE_CHECKING:
    from chainrule.ir.graph import Graph
    from chainrule.network import Network


def check(
    document: str | Path,
    network: Graph | Network | str | Path | None = None,
    *,
    hints: bool = True,
    seed: int = 0,
) -> Report:
    """Judge a derivation written by hand, equation by equation, and name its mistakes.

    A claim dV = … is compared with ∂J/∂V, shaped like V, where J is the document's objective: J, else
    L, else its only scalar. Declarations and equations of new names make the network; every other
    equation is a claim. Each is evaluated in float64 at several draws: sizes are distinct primes, then
    all equal, nothing is near a kink. Abstract functions, `function φ(z), l(o, y)`, are judged under two
    choices. A line is first judged on true values of what it uses, then on the document's own.

    Args:
        document: a file (.eqn, Markdown, plain text), or the text itself.
        network: what the derivation is about, if the document does not state it: a graph, a Network,
            a file of equations or their text. It is taken as true.
        hints: whether mistakes are named and corrections offered.
        seed: of the random draws.

    Returns:
        A report, true in a condition if there is a claim and every claim is right.

    Raises:
        DataError: no such file, no text, nothing declared, or random values that are not finite.
        ParseError, KindError: the network given cannot be read, or is something else.

    Numerics: arrays agree if no element differs by more than 1e-7 of itself and 1e-10 of the largest.

        >>> import chainrule as cr
        >>> report = cr.check('''
        ... sizes      m, d, k
        ... data       X : (m, d), Y : (m, k)
        ... parameter  W : (d, k)
        ...
        ... A = sigmoid(X W)
        ... J = 1/m sum(binary_cross_entropy(A, Y))
        ...
        ... dW = 1/m X (A − Y)
        ... ''')
        >>> report.ok
        False
        >>> report["dW"][0].suggestions[0].equation
        'dW = 1/m Xᵀ (A − Y)'
    """
    read = read_document(document)
    judge = Judge(plan(read, network), hints=hints, seed=seed)
    return Report(read.source, read.text, tuple(judge.judgements()))
