"""The prediction graph: one output, the leaves it needs, nothing of the loss."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnknownNameError

TEXT = """
sizes m
data X : (m, 2), Y : (m, 1)
parameter W : (2, 1), V : (2, 1)
Z = X W
A = sigmoid(Z)
J = 1/m sum(binary_cross_entropy(A, Y))
"""


def test_targets_loss_and_other_parameters_are_gone() -> None:
    prediction = cr.parse(TEXT).for_prediction("A")
    assert list(prediction.names) == ["X", "W", "Z", "A"]
    assert prediction.outputs == (prediction["A"],)
    assert prediction.run(X=np.zeros((3, 2)), W=np.ones((2, 1)))["A"].tolist() == [[0.5]] * 3
    assert cr.parse(prediction.text()).same_as(prediction)


def test_an_unknown_output_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="nothing is called B"):
        cr.parse(TEXT).for_prediction("B")
