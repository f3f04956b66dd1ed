from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.nn.perceptron import multilayer_perceptron


def test_a_classifier_prints_as_the_glossary_names_it() -> None:
    graph = multilayer_perceptron(cr.Graph(), [4, 3, 2], "classification")
    assert graph.text(section="forward", shapes=False).splitlines() == [
        "R1 = X W1",
        "Z1 = R1 + b1",
        "A1 = relu(Z1)",
        "R2 = A1 W2",
        "Z2 = R2 + b2",
        "P  = softmax(Z2)",
        "L  = 1/m sum(softmax_cross_entropy(Z2, y))",
        "s  = λ/2 (‖W1‖² + ‖W2‖²)",
        "J  = L + s",
    ]


def test_its_logits_get_the_textbooks_gradient() -> None:
    graph = multilayer_perceptron(cr.Graph(), [4, 3, 2], "classification").gradient().simplify()
    assert "dZ2 = 1/m (P − one_hot(y, 2))" in graph.text(shapes=False)


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("widths", [(3, 2), (3, 5, 2), (3, 4, 5, 2)])
def test_gradients_of_any_depth_agree_with_differences(task: str, widths: tuple[int, ...]) -> None:
    graph = multilayer_perceptron(cr.Graph(), widths, task, "tanh")  # type: ignore[arg-type]  # parametrized
    draw = np.random.default_rng(0)
    target = {"y": draw.integers(0, 2, 6)} if task == "classification" else {"Y": draw.normal(size=(6, 2))}
    check = graph.check_gradients(X=draw.normal(size=(6, 3)), **target, **graph.initialize(), λ=0.1)
    assert check.ok, str(check)


def test_widths_must_make_a_network() -> None:
    for widths in ([3], [], [3, 0, 2]):
        with pytest.raises(cr.ShapeError, match="positive widths"):
            multilayer_perceptron(cr.Graph(), widths, "regression")
