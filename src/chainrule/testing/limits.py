"""Checks at the limits: float32, shapes that do not fit, numbers at the ends of the range."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph import Graph
from chainrule.ir.op import REALS, Op
from chainrule.ir.shape import show_shape
from chainrule.ir.structural import Declaration
from chainrule.testing.cases import Case, Shapes, operands_for, shapes_at_large, whole_settings
from chainrule.testing.check import raised
from chainrule.testing.settings import fits
from chainrule.testing.trial import Trial, evaluate, graph_of, inputs_of
from chainrule.testing.words import at, both, number, shape_of, worst

_FAR = (-800.0, -40.0, 40.0, 800.0)
EXTREMES = np.array([1e300, -1e300, 1e4, -1e4, 0.0, -0.0, np.inf, -np.inf, np.nan])


def float32_stays_float32(trial: Trial) -> Iterator[str]:
    """Operands in float32 give a value in float32, which agrees with float64, and so do gradients."""
    arrays = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in trial.operands(6)]
    found = np.asarray(trial.forward(arrays)).dtype
    if found == np.float64 and type(trial.op).vjp is not Op.vjp:
        yield (
            f"forward returns {found} for operands in float32; an array or a NumPy number in it is {found}, "
            "where a Python number would take the operands' type"
        )
    graph = trial.backward
    low, high = (evaluate(graph, trial.inputs(6, graph), dtype) for dtype in (np.float32, np.float64))
    for value in graph.document():
        index = worst(low[value], high[value], rtol=2e-5, atol=2e-5) if value.kind == "real" else None
        if index is not None:
            a, b = both(low[value], high[value], index)
            what = graph.describe(value).replace("out", "the value")
            yield f"float32 and float64 disagree{at(index)} of {what}: {a} and {b}"
            return


def wrong_shapes_are_refused(trial: Trial) -> Iterator[str]:
    """Shapes that fit no setting raise a ShapeError that names the operands."""
    for shapes in shapes_at_large(trial.op):
        try:
            complaint = "" if fits(trial.op, shapes) else _not_refused(trial, shapes)
        except Exception as error:  # whatever an op's rule raises is reported
            complaint = f"{raised(error)}; infer and settle refuse shapes by MismatchError"
        if complaint:
            yield f"{_shown(trial, shapes)} should raise a ShapeError, but {complaint}"
            return


def _shown(trial: Trial, shapes: Shapes) -> str:
    return ", ".join(f"{n} {show_shape(s)}" for n, s in zip(trial.names, shapes, strict=True))


def admitted_shapes_run(trial: Trial) -> Iterator[str]:
    """Whatever shapes the op admits, its value can be computed and has the shape inferred."""
    for shapes in shapes_at_large(trial.op):
        for setting in whole_settings(trial.op, shapes)[:1]:
            graph = graph_of(Case(trial.op, shapes, setting))
            arrays = inputs_of(graph, operands_for(Case(trial.op, shapes, setting), trial.seed))
            try:
                found = shape_of(evaluate(graph, arrays)["out"])
            except Exception as error:  # whatever an op's rule raises is reported
                yield f"{_shown(trial, shapes)} are admitted, but raise {raised(error)}"
                return
            if found != show_shape(graph["out"].shape):
                inferred = show_shape(graph["out"].shape)
                yield f"{_shown(trial, shapes)} give a value of the shape {found}, not {inferred} as inferred"
                return


def _not_refused(trial: Trial, shapes: Shapes) -> str:
    """Return what happens instead of a ShapeError that names all operands, or ""."""
    graph = Graph()
    leaves = [
        graph.declare(f"x{i}", Declaration("data", shape, trial.op.operand_kind(i, *shapes)))
        for i, shape in enumerate(shapes)
    ]
    try:
        trial.op(*leaves, **trial.case.setting)
    except ShapeError as error:
        named = all(f"x{i}" in error.message for i in range(len(shapes)))
        return (
            "" if named and error.message.startswith("cannot ") else f"the error says only: {error.message}"
        )
    except Exception as error:  # whatever an op's rule raises is reported
        return raised(error)
    return "nothing is raised"


def far_values_agree_with_oracle(trial: Trial) -> Iterator[str]:
    """Where operands are far from 0 and the oracle is finite, so is the value."""
    assert trial.oracle is not None  # noqa: S101 - the check is skipped otherwise
    for far in _FAR:
        arrays = trial.operands(9)
        for i in trial.real_places:
            if trial.op.operand_domain(i) == REALS:
                arrays[i] = np.full_like(arrays[i], far)
        try:
            with np.errstate(all="ignore"):
                expected = np.asarray(trial.oracle(*arrays, **trial.case.setting))
        except Exception:  # noqa: S112 - an oracle may refuse what no rule need be good at, a singular matrix
            continue
        found = np.asarray(trial.forward(arrays))
        if found.dtype.kind == "f" and (np.isfinite(expected) & ~np.isfinite(found)).any():
            yield f"at x = {far:g} forward says {found.flat[0]:g}, where the oracle is finite"
            return


def extremes_do_not_crash(trial: Trial) -> Iterator[str]:
    """Huge, infinite and missing numbers, mixed, give a value of the right shape."""
    arrays = trial.operands(7)
    for i in trial.real_places:
        arrays[i] = np.resize(np.roll(EXTREMES, i), arrays[i].shape)
    found = shape_of(trial.forward(arrays))
    if found != show_shape(trial.graph["out"].shape):
        yield f"for huge, infinite and missing numbers forward returns the shape {found}"


def each_extreme_does_not_crash(trial: Trial) -> Iterator[str]:
    """Operands filled with one extreme number go through forward and backward."""
    drawn = trial.operands(8)
    for extreme in EXTREMES:
        arrays = {f"x{i}": x for i, x in enumerate(drawn)}
        arrays.update({f"x{i}": np.full_like(drawn[i], extreme) for i in trial.real_places})
        try:
            evaluate(trial.backward, {**trial.inputs(8), **arrays})
        except Exception as error:  # whatever an op's rule raises is reported
            yield f"operands full of {number(extreme)}: {raised(error)}"
            return
