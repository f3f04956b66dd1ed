"""The prediction graph: one output, the leaves it needs, nothing of the loss."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GraphError, UnknownNameError

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


NORMALIZED = """
sizes      m, h
data       X : (m, h), Y : (m, h)
parameter  W : (h, h), g : (h), b : (h)
state      mean1 : (h), variance1 : (h)
D1 = dropout(X W, 0.5)
N1 = batch_norm(D1, g, b, mean1, variance1)
J  = mean_squared_error(N1, Y)
"""


def test_what_a_step_has_opened_cannot_predict() -> None:
    graph = cr.parse(NORMALIZED)
    assert "batch_norm" not in graph.for_prediction("N1").text()
    for opened in (graph.lower(), graph.step(cr.SGD()).graph):
        with pytest.raises(GraphError, match="a prediction cannot depend on M1, which is drawn at random"):
            opened.for_prediction("N1")
    with pytest.raises(GraphError, match="which is a statistic of the batch"):
        cr.parse(NORMALIZED.replace("dropout(X W, 0.5)", "X W")).lower().for_prediction("N1")


def test_a_step_moves_the_running_statistics_of_equations_too() -> None:
    text = cr.parse(NORMALIZED).step(cr.SGD()).graph.text(section="update")
    assert "mean1     ← 0.9 mean1 + 0.1 μ1" in text
    assert "variance1 ← 0.9 variance1 + 0.1 var1" in text
    stated = cr.parse(NORMALIZED + "mean1 ← mean(D1, axis=0)").step(cr.SGD()).graph.text(section="update")
    assert "mean1     ← μ1" in stated


def test_a_layer_without_a_number_is_opened_under_names_that_are_free() -> None:
    graph = cr.parse(
        "sizes m\ndata Z : (m, 3)\nparameter g : (3), b : (3)\nN = layer_norm(Z, g, b)\nJ = sum(N)"
    )
    assert {"μ", "var_N", "std", "Xhat"} <= set(graph.lower().names)
