"""Machine code and the reference executor come to the same numbers: every op, with its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.execute.native.program import machine_for
from chainrule.execute.native.trace import traced
from chainrule.ir.op import Op
from chainrule.testing.trial import Trial
from tests.support.agreement import disagreements, giving_out_all
from tests.test_every_op import OPS, TRIALS, distinct

WITHOUT_NATIVE_PATH = {"solve", "cholesky"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("trial", distinct(), ids=lambda trial: str(trial.case))
def test_every_op_and_its_gradient(trial: Trial, dtype: Any) -> None:
    graph = giving_out_all(trial.backward)
    complaints = list(disagreements(graph, trial.inputs(), {}, dtype))
    assert not complaints, "\n".join([trial.case.description, *complaints])


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_op_has_a_native_path(op: Op) -> None:
    layout = machine_for(np.float32).layout
    called = {value.op.name for trial in TRIALS[op] for value in traced(trial.backward, {}, layout).called}
    assert called <= WITHOUT_NATIVE_PATH
