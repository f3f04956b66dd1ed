"""What the rule book says of one op, all of it read off its class or computed from its rule."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chainrule.ir.composite import Composite
from chainrule.ir.op import REALS, Op
from chainrule.ir.operands import operand_names
from chainrule.ir.registry import every_op
from chainrule.ir.signature import MismatchError, Signature
from chainrule.notation.latex import latex_rows
from chainrule.notation.text import equations
from chainrule.rulebook.example import Example, example_of

_ORDER = (
    "arithmetic", "elementary", "comparison", "linear", "decomposition", "reduction", "cumulative", "layout",
    "indexing", "joining", "activation", "rectifier", "normalization", "random", "loss", "cross_entropy",
)  # fmt: skip
_SPELLED = {"True": "true", "False": "false", "None": "none"}


@dataclass(frozen=True)
class Entry:
    """One op's entry.

    Attributes:
        name: the op's name.
        title: the first paragraph of its docstring, which holds its equation.
        notes: the paragraphs after it.
        equations: how the op is written, and its gradients, as the printer shows them; a composite's
            definition stands between the two, after an empty line.
        facts: labels and texts, code between backticks: signature, attributes, domain, kinks, and so on.
    """

    name: str
    title: str
    notes: tuple[str, ...]
    equations: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Family:
    """The ops of one module.

    Attributes:
        title: the first sentence of its docstring, without the list of its ops.
        notes: the paragraphs after it.
        entries: one for each op.
    """

    title: str
    notes: tuple[str, ...]
    entries: tuple[Entry, ...]


def entry_of(op: Op) -> Entry:
    """Return the entry of one op."""
    title, *notes = _paragraphs(inspect.getdoc(type(op)) or "")
    example = example_of(op)
    facts = tuple((label, text) for label, text in _facts(op, example) if text)
    return Entry(op.name, title, tuple(notes), _equations(example), facts)


def families() -> list[Family]:
    """Return all families of built-in ops, arithmetic first, losses last."""
    found: dict[str, list[Op]] = {f"chainrule.ops.{module}": [] for module in _ORDER}
    for op in every_op():
        if type(op).__module__.startswith("chainrule.ops."):
            found.setdefault(type(op).__module__, []).append(op)
    return [_family(module, ops) for module, ops in found.items() if ops]


def _family(module: str, ops: Sequence[Op]) -> Family:
    first, *notes = _paragraphs(inspect.getdoc(sys.modules[module]) or "")
    title = first.partition(":")[0].rstrip(".")
    return Family(title, tuple(notes), tuple(map(entry_of, ops)))


def _paragraphs(doc: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in doc.split("\n\n")]


def _equations(example: Example) -> str:
    shapes = not example.op.is_elementwise
    rule = equations(example.rule(), shapes=shapes)
    if not isinstance(example.op, Composite):
        return rule
    return f"{equations(example.applied(), shapes=shapes)}\n\n{rule}"


def _facts(op: Op, example: Example) -> Iterator[tuple[str, str]]:
    yield "Signature", ", or ".join(_signature(op, alternative, example) for alternative in op.signatures)
    yield "Attributes", ", ".join(_attributes(op))
    yield "LaTeX", f"`{_latex(example)}`"
    yield "Domain", ", ".join(_domains(op))
    yield "Kinks", ", ".join(f"{kink:g}".replace("-", "−") for kink in op.kinks)
    prediction = example.prediction()
    yield "Prediction", f"`{equations(prediction, shapes=False)}`" if prediction else ""
    yield "Source", op.source


def _signature(op: Op, alternative: Signature, example: Example) -> str:
    with contextlib.suppress(ValueError):
        example = example_of(op, alternative)
    shapes = example.shapes
    kinds = [op.operand_kind(i, *shapes) for i in range(op.arity)]
    parts = [
        f"{name} {_axes(axes, kind)}"
        for name, axes, kind in zip(operand_names(op), alternative.inputs, kinds, strict=True)
    ]
    least = len(parts) - op.optional
    parts = [f"[{part}]" if i >= least else part for i, part in enumerate(parts)]
    more = ", …" if op.variadic else ""
    kind = "real" if op.keeps_kind else op.kind
    result = f" {_axes(alternative.output, kind)}" if _is_told(alternative, example) else ""
    return f"`{', '.join(parts)}{more} → {example.result}{result}`"


def _is_told(alternative: Signature, example: Example) -> bool:
    """Tell whether the signature by itself says what shape the result has."""
    try:
        return alternative.infer(example.shapes) == example.applied()[example.result].shape
    except (MismatchError, KeyError):  # an example of another alternative, or a new axis
        return True


def _axes(axes: Sequence[str], kind: str) -> str:
    shown = ", ".join("…" if axis == "..." else axis for axis in axes)
    return f"({shown})" + ("" if kind == "real" else f" {kind}")


def _attributes(op: Op) -> Iterator[str]:
    for attribute in op.attributes:
        if attribute.default == "required":
            yield f"`{attribute.name}`"
        else:
            default = str(attribute.default)
            yield f"`{attribute.name} = {_SPELLED.get(default, default)}`"


def _latex(example: Example) -> str:
    left, sign, right, _ = latex_rows(example.applied(), shapes=False)[0]
    return f"{left} {sign} {right}"


def _domains(op: Op) -> Iterator[str]:
    for i, name in enumerate(operand_names(op)):
        domain = op.operand_domain(i)
        if domain != REALS:
            yield f"`{name}` in {domain}".replace("-", "−")
