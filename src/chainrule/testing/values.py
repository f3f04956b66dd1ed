"""Checks of numbers: shape, kind, value, first and second derivative."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph import Graph
from chainrule.ir.composite import Composite, derived_vjp
from chainrule.ir.op import Op
from chainrule.ir.shape import show_shape
from chainrule.ir.structural import Declaration
from chainrule.ir.value import Value
from chainrule.testing.cases import Array
from chainrule.testing.trial import Trial, central_difference, evaluate, weights, with_second_objective
from chainrule.testing.words import at, both, operands_at, shape_of, worst

_DTYPES = {"real": "f", "bool": "b", "index": "iu"}


def shape_is_inferred(trial: Trial) -> Iterator[str]:
    """The inferred shape is the actual one."""
    trial.graph.verify()
    actual = shape_of(trial.forward(trial.operands()))
    inferred = show_shape(trial.graph["out"].shape)
    if actual != inferred:
        yield f"the value has the shape {actual}, but {inferred} is inferred from the signature or by infer"


def kind_is_stated(trial: Trial) -> Iterator[str]:
    """The value is of the kind that the op states."""
    found = np.asarray(trial.forward(trial.operands())).dtype
    kind = trial.graph["out"].kind
    if found.kind not in _DTYPES[kind]:
        yield f"the op's kind is {kind}, but forward returns {found}"


def operands_are_left_alone(trial: Trial) -> Iterator[str]:
    """Forward does not write into its operands, which others read as well."""
    arrays = trial.operands()
    before = [np.array(array) for array in arrays]
    trial.forward(arrays)
    for name, array, own in zip(trial.names, arrays, before, strict=True):
        if not np.array_equal(array, own, equal_nan=array.dtype.kind == "f"):
            yield f"forward writes into its operand {name}; return a new array"


def value_agrees_with_oracle(trial: Trial) -> Iterator[str]:
    """The value is the oracle's."""
    assert trial.oracle is not None  # noqa: S101 - the check is skipped otherwise
    arrays = trial.operands(1)
    found = trial.graph.run(**trial.inputs(1))["out"]
    expected = np.asarray(trial.oracle(*arrays, **trial.case.setting))
    if expected.shape != found.shape:
        yield f"the oracle returns the shape {shape_of(expected)}, forward {shape_of(found)}"
        return
    index = worst(found, expected, rtol=1e-12, atol=1e-14)
    if index is not None:
        a, b = both(found, expected, index)
        where = operands_at(trial, arrays, index)
        yield f"the value differs from the oracle{at(index)}: forward says {a}, the oracle says {b}{where}"


def no_oracle(trial: Trial) -> str:
    """Say that no oracle was given."""
    return "" if trial.oracle else "no oracle was given"


def not_real(trial: Trial) -> str:
    """Say that there is nothing to differentiate."""
    if trial.graph["out"].kind != "real":
        return f"the value is {trial.graph['out'].kind}"
    return "" if trial.real_places else "no operand is real"


def vjp_fits_operands(trial: Trial) -> Iterator[str]:
    """There is a gradient for each operand, None or real and shaped like it."""
    out = trial.graph["out"]
    if out.op is not trial.op:
        return
    sent = trial.op.vjp(trial.graph["C"], out, *out.inputs, **out.attributes)
    if len(sent) != len(trial.names):
        yield f"vjp returns {len(sent)} of {len(trial.names)} gradients, one for each operand"
        return
    for name, x, part in zip(trial.names, out.inputs, sent, strict=True):
        if part is not None and not isinstance(part, Value):
            yield f"the gradient of {name} is {type(part).__name__}, neither a value of the graph nor None"
        elif part is not None and (part.shape, part.kind) != (x.shape, "real"):
            found = f"{part.kind} {show_shape(part.shape)}"
            yield f"the gradient of {name} is {found}, but {name} is real {show_shape(x.shape)}"


def gradient_agrees_with_differences(trial: Trial) -> Iterator[str]:
    """The gradient is that of central differences in float64."""
    given = trial.inputs(3)
    found = evaluate(trial.backward, given)
    expected = {i: central_difference(trial.graph, given, "J", f"x{i}") for i in trial.real_places}
    for i, differences in expected.items():
        gradient = found[f"dx{i}"] if trial.differentiable else np.zeros(differences.shape)
        flat = trial.gradients is None
        index = worst(gradient, differences, rtol=1e-6, atol=1e-12 if flat else 1e-8)
        if index is not None:
            a, b = both(gradient, differences, index)
            yield (
                f"the gradient of {trial.names[i]} differs from central differences{at(index)}: "
                f"vjp says {a}, differences say {b}"
                f"{operands_at(trial, trial.operands(3), index, dy=given['C'])}"
                f"{_hint(trial, i, gradient, expected)}"
            )


def _hint(trial: Trial, place: int, found: Array, expected: dict[int, Array]) -> str:
    """Return what the disagreement looks like, where it looks like a common slip."""
    op = type(trial.op)
    if op.vjp is Op.vjp:
        return "; no vjp is written"
    wanted = expected[place]
    others = {i: d for i, d in expected.items() if i != place and d.shape == wanted.shape}
    swapped = [trial.names[i] for i, d in others.items() if worst(found, d, rtol=1e-6, atol=1e-8) is None]
    if swapped:
        return f"; it is the gradient of {swapped[0]}"
    if not np.any(found):
        return "; it is 0 everywhere"
    if _is_without_dy(trial, found, wanted):
        return "; the factor dy is missing"
    return _ratio(found, wanted)


def _is_without_dy(trial: Trial, found: Array, wanted: Array) -> bool:
    out = trial.graph["out"].shape
    if not trial.op.is_elementwise or found.shape != out:
        return False
    return worst(found * weights(out), wanted, rtol=1e-6, atol=1e-8) is None


def _ratio(found: Array, wanted: Array) -> str:
    """Say that one is a multiple of the other, where it is."""
    counts = np.abs(wanted) > 1e-8
    if counts.sum() < 2 or np.any(found[~counts]):
        return ""
    ratios = found[counts] / wanted[counts]
    if not np.allclose(ratios, ratios[0], rtol=1e-4):
        return ""
    if abs(ratios[0] + 1) < 1e-4:
        return "; it has the wrong sign everywhere"
    return f"; it is {ratios[0]:.4g} times the differences everywhere".replace("-", "−")


def second_derivative_agrees_with_differences(trial: Trial) -> Iterator[str]:
    """The gradient of the gradient is that of central differences of the first."""
    backward = with_second_objective(trial)
    assert backward is not None  # noqa: S101 - the check is skipped otherwise
    given = trial.inputs(5, backward)
    leaves = [f"x{i}" for i in trial.real_places]
    found = evaluate(_second_gradients(backward, leaves), given)
    for i, leaf in zip(trial.real_places, leaves, strict=True):
        expected = central_difference(backward, given, "S", leaf)
        second = found[f"d²{leaf}"] if f"d²{leaf}" in found.graph else np.zeros(expected.shape)
        index = worst(second, expected, rtol=1e-5, atol=1e-7)
        if index is not None:
            a, b = both(second, expected, index)
            yield (
                f"the second derivative by {trial.names[i]} differs from central differences of the first"
                f"{at(index)}: the gradient's gradient says {a}, differences say {b}"
                f"{operands_at(trial, trial.operands(5), index)}"
            )


def _second_gradients(backward: Graph, leaves: list[str]) -> Graph:
    """Return the graph with the gradient of S, or without, where S is constant."""
    try:
        return backward.gradient("S", wrt=leaves)
    except GraphError as error:
        if "does not depend on" not in error.message:
            raise
        return backward


def flat(trial: Trial) -> str:
    """Say that the op has no gradient."""
    return not_real(trial) or ("" if trial.differentiable else "the op is constant between jumps")


def written_vjp_is_the_derived_one(trial: Trial) -> Iterator[str]:
    """A composite's written vjp says the same as the chain rule through its definition."""
    op = trial.op
    assert isinstance(op, Composite)  # noqa: S101 - the check is skipped otherwise
    graph = Graph()
    declared = [Declaration("data", s, k) for s, k in zip(trial.case.shapes, trial.case.kinds, strict=True)]
    leaves = [graph.declare(f"x{i}", declaration) for i, declaration in enumerate(declared)]
    out = graph.name("out", op(*leaves, **trial.case.setting))
    dy = graph.declare("C", Declaration("data", out.shape))
    written = op.vjp(dy, out, *out.inputs, **out.attributes)
    derived = derived_vjp(op, dy, out.inputs, out.attributes)
    for name, x, one, other in zip(trial.names, leaves, written, derived, strict=True):
        yield from _unequal(trial, name, x.shape, one, other)


def _unequal(
    trial: Trial, name: str, shape: Any, written: Value | None, derived: Value | None
) -> Iterator[str]:
    parts = [part for part in (written, derived) if part is not None]
    if not parts:
        return
    graph = parts[0].graph
    graph.set_outputs([graph["out"], *parts])
    run = evaluate(graph, trial.inputs(9, graph))  # type: ignore[arg-type]  # made above as the public Graph
    a, b = (np.zeros(shape) if part is None else run[part] for part in (written, derived))
    index = worst(a, b, rtol=1e-9, atol=1e-11)
    if index is not None:
        x, y = both(a, b, index)
        yield (
            f"the gradient of {name} differs from the one derived from the definition{at(index)}: "
            f"vjp says {x}, the chain rule through the definition says {y}"
        )


def nothing_written(trial: Trial) -> str:
    """Say that there is no written vjp to hold to a definition."""
    if not isinstance(trial.op, Composite):
        return "the op is no Composite"
    return "the gradient is derived from the definition" if type(trial.op).vjp is Composite.vjp else ""
