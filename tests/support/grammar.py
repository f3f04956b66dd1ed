"""Random documents by the grammar of the language, most of them with a meaning."""

from __future__ import annotations

import random
from collections.abc import Callable

from chainrule.ir.registry import every_op

_HEADS = (
    "sizes m\ndata X : (m, m), Y : (m, m), u : (m)\nparameter W : (m, m), b : (m)\nscalar s, λ\n",
    "sizes m, d\ndata X : (d, d), Y : (d, d), c : (m) index\nparameter W : (d, d), b : (d), u : (d)\n"
    "scalar s, λ\n",
    "sizes m\ndata X : (2, 2), q : (2, 2) bool\nstate Y : (2, 2), u : (2)\n"
    "parameter W : (2, 2), b : (2) frozen\nscalar s, λ\n",
)
_MATRICES, _VECTORS, _SCALARS = ("X", "Y", "W"), ("b", "b", "u"), ("s", "λ", "m", "2", "0.5", "1/m", "sum(X)")
_OPS = [op for op in every_op() if op.is_built_in and op.name not in ("leaf", "constant")]
_UNARY = [op.name for op in _OPS if op.is_elementwise and op.arity == 1 and not op.operands]
_SETTINGS = ("0", "1", "-1", "axis=0", "axis=1", "keepdims=true", "0.5", "(1, 0)", "(m, m)", "none", "p=0.5")
_DEEPEST = 4


def document(chance: random.Random, lines: int = 5) -> str:
    """Return declarations and a few equations, each of which uses what stands above it."""
    head = chance.choice(_HEADS)
    names: list[str] = []
    text = ""
    for place in range(chance.randint(1, lines)):
        name = chance.choice(
            (f"Z{place}", f"dZ{place}", f"A{place}", chance.choice(("J", "t1", "dW", "d²W")))
        )
        sign = " = " if chance.random() < 0.98 else " ← "
        text += (
            name + sign + expression(chance, [*_MATRICES, *names]) + chance.choice(("",) * 9 + (" : (m, m)",))
        )
        text += "\n"
        names.append(name)
    return head + text + chance.choice(("", "", f"W ← W − 0.1 {names[-1]}\n", f"outputs {names[0]}\n"))


def expression(chance: random.Random, names: list[str], depth: int = 0) -> str:
    """Return an expression that is often a matrix."""
    if depth >= _DEEPEST or chance.random() < 0.25:
        return chance.choice(names)
    return chance.choice(_FORMS)(chance, lambda: expression(chance, names, depth + 1))


_Part = Callable[[], str]


def _sum(chance: random.Random, part: _Part) -> str:
    return f"{part()} {chance.choice(('+', '−', '-', '+'))} {chance.choice((part, _vector(chance)))()}"


def _product(chance: random.Random, part: _Part) -> str:
    return chance.choice((" ", " @ ", "ᵀ ", " ")).join(f"({part()})" for _ in range(chance.randint(2, 3)))


def _elements(chance: random.Random, part: _Part) -> str:
    return chance.choice((" ⊙ ", " .* ", " / ")).join(f"({part()})" for _ in range(chance.randint(2, 3)))


def _scaled(chance: random.Random, part: _Part) -> str:
    minus = chance.choice(("", "", "−"))
    return f"{minus}{chance.choice(_SCALARS)} ({part()})"


def _applied(chance: random.Random, part: _Part) -> str:
    prime = chance.choice(("", "", "", "'"))
    return f"{chance.choice(_UNARY)}{prime}({part()})"


def _called(chance: random.Random, part: _Part) -> str:
    op = chance.choice(_OPS)
    operands = [chance.choice((part, part, _vector(chance)))() for _ in range(max(1, op.arity))]
    settings = [chance.choice(_SETTINGS) for _ in range(chance.choice((0, 0, 1, 2)))]
    return f"{op.name}({', '.join([*operands, *settings])})"


def _marked(chance: random.Random, part: _Part) -> str:
    return f"({part()}){chance.choice(('ᵀ', '^T', '²', '^0.5', '⁻¹', '^-2', '^(s)', '³ᵀ'))}"


def _fenced(chance: random.Random, part: _Part) -> str:
    norm = f"‖{chance.choice((part, _vector(chance)))()}‖{chance.choice(('²', '₁', '^2'))}"
    return chance.choice((f"{norm} X", f"1[{part()} {chance.choice('<>')} {part()}]", f"Y + {norm}"))


def _summed(chance: random.Random, part: _Part) -> str:
    sigma = chance.choice(("Σₘ", "sum_m", "Σ_d"))
    return chance.choice(
        (f"sum({part()}, axis=0) + X", f"{sigma} (W b) X", f"{sigma} u ⊙ b", f"{sigma} {part()}")
    )


def _vector(chance: random.Random) -> _Part:
    return lambda: chance.choice((*_VECTORS, "b bᵀ", "2 bᵀ b", "bᵀ W", "3", "s"))


_FORMS: tuple[Callable[[random.Random, _Part], str], ...] = (
    _sum, _product, _elements, _sum, _scaled, _scaled, _product, _elements,
    _applied, _applied, _applied, _called, _marked, _marked, _fenced, _summed,
)  # fmt: skip
