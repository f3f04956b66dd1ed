"""The printed update is what a book would print, and reads back."""

from __future__ import annotations

import pytest

import chainrule as cr
from tests.support.mathtext import assert_renders
from tests.support.networks import two_layer

TINY = """
sizes m
data X : (m, 2), Y : (m)
parameter W1 : (2)
Z1 = X W1
J = 1/m ‖Z1 − Y‖²
"""
ADAM = """\
sizes      m
data       X : (m, 2), Y : (m)
parameter  W1 : (2)
state      step : (), uW1 : (2), vW1 : (2)
scalar     α, ρ1, ρ2, ε

Z1      = X W1                   : (m)
t1      = Z1 − Y                 : (m)
J       = 1/m ‖t1‖²              : ()
dJ      = 1                      : ()
dZ1     = 2/m t1                 : (m)
dW1     = Xᵀ dZ1                 : (2)
c1      = 1 − ρ1^(step + 1)      : ()
c2      = 1 − ρ2^(step + 1)      : ()
uW1_new = ρ1 uW1 + (1 − ρ1) dW1  : (2)
vW1_new = ρ2 vW1 + (1 − ρ2) dW1² : (2)

uW1  ← uW1_new                                        : (2)
vW1  ← vW1_new                                        : (2)
W1   ← W1 − α uW1_new / c1 / (sqrt(vW1_new / c2) + ε) : (2)
step ← step + 1                                       : ()
"""
MOMENTUM = """\
vW1_new = μ vW1 + dW1 : (2)

vW1 ← vW1_new        : (2)
W1  ← W1 − α vW1_new : (2)
"""
ADAGRAD = """\
vW1_new = vW1 + dW1² : (2)

vW1 ← vW1_new                          : (2)
W1  ← W1 − α dW1 / (sqrt(vW1_new) + ε) : (2)
"""
EVERY = [
    cr.SGD(weight_decay=0.1),
    cr.Momentum(),
    cr.Nesterov({1: 0.1, "others": 0.2}),
    cr.AdaGrad(),
    cr.RMSProp({"W1": 0.1, "others": 0.2}),
    cr.Adam(),
    cr.AdamW({2: 0.1, "W1": 0.2, "others": 0.3}),
]
every_optimizer = pytest.mark.parametrize("optimizer", EVERY, ids=lambda optimizer: type(optimizer).__name__)


def test_adam_prints_as_an_algorithm() -> None:
    assert str(cr.parse(TINY).step(cr.Adam())) == ADAM


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [(cr.Momentum(), MOMENTUM), (cr.AdaGrad(), ADAGRAD)],
    ids=["momentum", "adagrad"],
)
def test_what_follows_the_gradients(optimizer: cr.Optimizer, expected: str) -> None:
    text = str(cr.parse(TINY).step(optimizer))
    assert text[text.index("vW1_new =") :] == expected


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (cr.SGD(weight_decay=0.1), "W1 ← W1 − α dW1 − α λ_decay W1"),
        (cr.Momentum(weight_decay=0.1), "W1  ← W1 − α vW1_new − α λ_decay W1"),
        (cr.Nesterov(), "W1  ← W1 − α (dW1 + μ vW1_new)"),
        (cr.RMSProp(), "W1  ← W1 − α dW1 / (sqrt(vW1_new) + ε)"),
        (cr.AdamW(), "W1   ← W1 − α uW1_new / c1 / (sqrt(vW1_new / c2) + ε) − α λ_decay W1"),
        (cr.Momentum({1: 0.1, "others": 1}), "W2  ← W2 − α_others vW2_new"),
        (cr.Momentum({1: 0.1, "others": 1}), "b1  ← b1 − α_1 vb1_new"),
    ],
)
def test_updates_of_two_layers(optimizer: cr.Optimizer, expected: str) -> None:
    assert expected in [
        line.split(" :")[0].rstrip() for line in str(two_layer().step(optimizer)).splitlines()
    ]


@every_optimizer
@pytest.mark.parametrize("ascii", [False, True])
def test_every_step_reads_back(optimizer: cr.Optimizer, ascii: bool) -> None:
    step = two_layer().step(optimizer)
    for graph in (step.graph, step.before):
        graph.verify()
        text = graph.text(ascii=ascii)
        again = cr.parse(text)
        assert again.same_as(graph)
        assert again.text(ascii=ascii) == text
        assert text.isascii() == ascii


@every_optimizer
def test_every_step_is_typeset(optimizer: cr.Optimizer) -> None:
    assert_renders(two_layer().step(optimizer).graph)


def test_states_of_greek_parameters_have_an_ascii_spelling() -> None:
    graph = cr.parse("data x : (2)\nparameter γ1 : (2), β1 : (2)\nJ = ‖γ1 ⊙ x + β1‖²").step(cr.Adam()).graph
    text = graph.text(ascii=True)
    assert text.isascii()
    assert "vbeta1_new  = rho2 vbeta1 + (1 - rho2) dbeta1^2 " in text
    assert cr.parse(text).same_as(graph)


@pytest.mark.parametrize(
    ("optimizer", "shown"),
    [
        (cr.SGD(0.5), "SGD(rate=0.5, weight_decay=0.0)"),
        (cr.Momentum(), "Momentum(rate=0.1, mu=0.9, weight_decay=0.0)"),
        (cr.Nesterov({1: 0.5}), "Nesterov(rate={1: 0.5}, mu=0.9, weight_decay=0.0)"),
        (cr.AdaGrad(start=1), "AdaGrad(rate=0.01, epsilon=1e-10, start=1.0, weight_decay=0.0)"),
        (cr.RMSProp(), "RMSProp(rate=0.001, rho=0.9, epsilon=1e-08, weight_decay=0.0)"),
        (cr.Adam(), "Adam(rate=0.001, rho1=0.9, rho2=0.999, epsilon=1e-08)"),
        (cr.AdamW(), "AdamW(rate=0.001, rho1=0.9, rho2=0.999, epsilon=1e-08, weight_decay=0.01)"),
    ],
)
def test_repr_shows_the_arguments(optimizer: cr.Optimizer, shown: str) -> None:
    assert repr(optimizer) == shown
