"""Every op of the rule book passes these tests merely by existing; built-in ops also meet an oracle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule as cr
from chainrule.ir.op import Op
from chainrule.ir.registry import every_op
from chainrule.testing.cases import cases_of, wrong_shapes
from chainrule.testing.check import Check
from chainrule.testing.table import CHECKS
from chainrule.testing.trial import Trial, weights
from tests.support.mathtext import assert_renders
from tests.support.oracles import ORACLES

jax.config.update("jax_enable_x64", True)
OPS = [
    op for op in every_op() if op.name not in ("leaf", "constant") and op.__module__.startswith("chainrule.")
]
TRIALS = {op: [Trial(case, ORACLES.get(op.name)) for case in cases_of(op)] for op in OPS}
NAN_PASSES_THROUGH = ("arithmetic", "elementary", "activation", "rectifier")

each_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)


def distinct() -> list[Trial]:
    """Return one trial for every graph, however its attributes are spelled."""
    return [trial for trials in TRIALS.values() for trial in trials if not trial.case.again]


def questions() -> Iterator[Any]:
    """Yield every check with every case it looks at."""
    for check in CHECKS:
        for trials in TRIALS.values():
            for trial in check.chosen(trials):
                yield pytest.param(check, trial, id=f"{check.name}-{trial.case}".replace(" ", "_"))


@pytest.mark.parametrize(("check", "trial"), list(questions()))
def test_the_table_of_checks(check: Check, trial: Trial) -> None:
    if not check.skip(trial):
        complaints = list(check.complaints(trial))
        assert not complaints, "\n".join([trial.case.description, *complaints])


@each_op
def test_an_op_has_cases_and_an_oracle(op: Op) -> None:
    assert TRIALS[op], f"no shape made from the signature of {op.name} fits"
    assert op.name in ORACLES, f"add {op.name} to tests/support/oracles.py"


@pytest.mark.parametrize("trial", distinct(), ids=lambda trial: str(trial.case))
def test_latex_renders(trial: Trial) -> None:
    assert_renders(trial.backward)


def test_ops_that_fix_their_operands_shapes_have_wrong_ones() -> None:
    free = {op.name for op in OPS if not wrong_shapes(op)}
    fixed = {"add", "matmul", "outer", "softmax", "huber", "cross_entropy", "softmax_cross_entropy"}
    assert fixed.isdisjoint(free)


@each_op
def test_nan_passes_through_arithmetic_and_activations(op: Op) -> None:
    if not op.__module__.endswith(NAN_PASSES_THROUGH):
        return
    setting = TRIALS[op][0].case.setting
    for place in range(op.arity):
        arrays = [np.full(6, np.nan if i == place else 2.0) for i in range(op.arity)]
        assert np.isnan(op.forward(np, *arrays, **setting)).all()


@pytest.mark.parametrize("size", [1e4, 1e300])
def test_sigmoid_and_softmax_do_not_overflow(size: float) -> None:
    g = cr.Graph()
    g.z, g.y = cr.parameter(2, 3), cr.data(2, kind="index")
    g.p, g.q = cr.sigmoid(g.z), cr.softmax(g.z)
    g.L = cr.sum(cr.softmax_cross_entropy(g.z, g.y)) + cr.sum(g.p) + cr.sum(g.q)
    logits = np.array([[size, -size, 0.0], [-size, 0.0, size]])
    with np.errstate(all="raise", under="ignore"):
        for value in g.document():
            if value.op.name in ("sigmoid", "softmax"):
                value.op.forward(np, logits, **value.attributes)
        cr.softmax_cross_entropy.forward(np, logits, np.array([0, 0]), label_smoothing=0)
    trace = g.gradient("L").run(z=logits, y=np.array([0, 0]))
    assert_allclose(trace["p"], [[1, 0, 0.5], [0, 0.5, 1]])
    assert_allclose(trace["q"], [[1, 0, 0], [0, 0, 1]])
    assert trace["L"] == 2 * size + 3 + 2
    assert np.isfinite(trace["dz"]).all()


@each_op
def test_the_docstring_states_an_equation(op: Op) -> None:
    text = type(op).__doc__ or ""
    assert re.search(r"[=Σ−½‖]", text), f"{op.name}: {text!r} holds no equation"
    assert text.strip().endswith((".", "!"))


def test_no_oracle_is_left_over() -> None:
    assert set(ORACLES) <= {op.name for op in OPS}


def test_weights_are_not_all_one() -> None:
    assert np.ptp(weights((3, 2))) > 0.1
