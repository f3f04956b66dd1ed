"""Abstract functions, such as φ and l: symbols in a document, known functions where it is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.derivation.tree import rewritten
from chainrule.errors import ParseError
from chainrule.notation import syntax
from chainrule.notation.parser import parse_statement
from chainrule.notation.syntax import Expression
from chainrule.notation.tokens import tokenize

Instance: TypeAlias = Callable[[Expression], Expression]


@dataclass(frozen=True)
class Template:
    """A function in the place of an abstract one: its value and its derivative by the first argument."""

    name: str
    value: Expression
    derivative: Expression


def expression(text: str) -> Expression:
    """Return a right side as a tree."""
    statement = parse_statement(tokenize(f"t = {text}", 1), [text])
    assert isinstance(statement, syntax.Equation)  # noqa: S101 - the text is an equation
    return statement.right


def _of_one(name: str) -> Template:
    return Template(name, expression(f"{name}(a)"), expression(f"{name}'(a)"))


_ELEMENTWISE = tuple(
    _of_one(name) for name in ("tanh", "softplus", "sigmoid", "gelu_tanh", "silu", "softsign")
)
_IN_UNIT_INTERVAL = (
    _of_one("sigmoid"),
    Template("sigmoid_2", expression("sigmoid(2 a)"), expression("2 sigmoid'(2 a)")),
    Template("softsign_01", expression("1/2 (1 + softsign(a))"), expression("1/2 softsign'(a)")),
    Template("sigmoid_3", expression("sigmoid(1/2 a)"), expression("1/2 sigmoid'(1/2 a)")),
)
_LOSSES = (
    Template("half_sum_of_squares", expression("1/2 ‖a − b‖²"), expression("a − b")),
    Template("log_cosh", expression("sum(softplus(a − b))"), expression("sigmoid(a − b)")),
    Template("logits", expression("sum(softplus(a) − b ⊙ a)"), expression("sigmoid(a) − b")),
)
_POOLS: Mapping[int, tuple[Template, ...]] = {1: _ELEMENTWISE, 2: _LOSSES}
SOFTMAX = _of_one("softmax")
LINKS: Mapping[str, Template] = {
    "the identity": _of_one("identity"),
    **{template.name: template for template in (*_ELEMENTWISE, _of_one("exp"))},
}
PAIRS: tuple[tuple[str, str, Template, Template], ...] = (
    (
        "sigmoid",
        "binary cross-entropy",
        _of_one("sigmoid"),
        Template(
            "binary_cross_entropy",
            expression("−sum(b ⊙ log(a) + (1 − b) ⊙ log(1 − a))"),
            expression("(1 − b)/(1 − a) − b/a"),
        ),
    ),
    (
        "softmax",
        "cross-entropy",
        SOFTMAX,
        Template("cross_entropy", expression("−sum(b ⊙ log(a))"), expression("−b/a")),
    ),
    ("the identity", "half the sum of squares", _of_one("identity"), _LOSSES[0]),
)


def check_arity(name: str, arity: int, line: int) -> None:
    """Refuse an abstract function of more than two arguments.

    Raises:
        ParseError: with what an abstract function can be.
    """
    if arity not in _POOLS:
        raise ParseError(
            f"{name} has {arity} arguments.",
            line=line,
            column=1,
            expected="one argument (element by element) or two (a loss of prediction and target)",
            fix="function f(z) works element by element; function l(a, y) is a loss, a scalar.",
        )


def instances(
    functions: Mapping[str, int], *, in_unit_interval: bool = False
) -> list[Mapping[str, Template]]:
    """Return two choices of known functions, different for each abstract one; one empty choice if none is.

    Args:
        functions: names with the number of their arguments.
        in_unit_interval: whether element-wise ones must have values between 0 and 1.
    """
    pools = {**_POOLS, 1: _IN_UNIT_INTERVAL} if in_unit_interval else _POOLS
    known = {name: arity for name, arity in functions.items() if arity in pools}
    return [_choice(known, pools, round_) for round_ in range(2)] if known else [{}]


def _choice(
    functions: Mapping[str, int], pools: Mapping[int, tuple[Template, ...]], round_: int
) -> Mapping[str, Template]:
    taken: dict[int, int] = {}
    chosen: dict[str, Template] = {}
    for name, arity in functions.items():
        pool = pools[arity]
        place = taken.get(arity, 0)
        taken[arity] = place + 1
        chosen[name] = pool[(place + round_ * (1 + place // len(pool))) % len(pool)]
    return chosen


def instantiated(tree: Expression, chosen: Mapping[str, Template]) -> Expression:
    """Return a tree in which known functions stand for the abstract ones."""

    def change(node: Expression) -> Expression | None:
        if not isinstance(node, syntax.Call) or node.function not in chosen:
            return None
        template = chosen[node.function]
        return _applied(template.derivative if node.derivative else template.value, node.arguments)

    return rewritten(tree, change) if chosen else tree


def _applied(body: Expression, arguments: Sequence[Expression]) -> Expression:
    by_name: dict[str, Expression] = dict(zip("ab", arguments, strict=False))
    return rewritten(body, lambda node: by_name.get(node.text) if isinstance(node, syntax.Name) else None)
