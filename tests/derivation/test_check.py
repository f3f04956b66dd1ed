"""Verdicts, one line at a time: what is right, wrong, inherited, ambiguous, refused."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule.derivation.check import check
from chainrule.derivation.verdict import Judgement, Verdict
from chainrule.errors import DataError, KindError

ROWS = """
sizes      m, d, h, k
data       X : (m, d), Y : (m, k)
parameter  W1 : (d, h), b1 : (h), W2 : (h, k), b2 : (k)
scalar     λ, α

Z1 = X W1 + b1
A1 = tanh(Z1)
Z2 = A1 W2 + b2
A2 = sigmoid(Z2)
L  = 1/m sum(binary_cross_entropy(A2, Y))
J  = L + λ/2 (‖W1‖² + ‖W2‖²)

"""
SQUARE = ROWS.replace("m, d, h, k", "m, n").replace("(d, h)", "(n, n)").replace("(h, k)", "(n, n)")
SQUARE = (
    SQUARE.replace("(m, d)", "(m, n)").replace("(m, k)", "(m, n)").replace("(h)", "(n)").replace("(k)", "(n)")
)


def judged(*lines: str, network: str = ROWS) -> list[Judgement]:
    """Return the judgements on claims about a network."""
    return [j for j in check(network + "\n".join(lines) + "\n") if j.is_claim]


def verdicts(*lines: str, network: str = ROWS) -> list[str]:
    """Return the verdicts in words."""
    return [str(j.verdict) for j in judged(*lines, network=network)]


@pytest.mark.parametrize(
    "line",
    [
        "dZ2 = 1/m (A2 − Y)",
        "dZ2 = (A2 - Y) / m",
        "dZ2 = dA2 .* sigmoid'(Z2)",
        "dZ2 = dA2 ⊙ A2 − dA2 ⊙ A2²",
        "dW2 = A1^T dZ2 + lambda W2",
        "dW2 = (dZ2ᵀ A1)ᵀ + λ W2",
        "db2 = sum_m dZ2",
        "db2 = sum(dZ2, axis=0)",
        "db2 = m mean(dZ2, axis=0)",
        "dZ1 = dZ2 W2ᵀ ⊙ (1 − A1²)",
        "dZ1 = dA1 * tanh'(Z1)",
        "dX = dZ1 W1ᵀ",
        "dλ = 1/2 (‖W1‖² + ‖W2‖²)",
        "dL = 1",
        "∂J/∂W2 = A1ᵀ ∂J/∂Z2 + λ W2",
        "dJ/dZ1 = dA1 ⊙ tanh'(Z1)",
        "A1 = (exp(Z1) − exp(−Z1)) / (exp(Z1) + exp(−Z1))",
    ],
)
def test_any_right_way_to_write_a_line_is_right(line: str) -> None:
    assert verdicts(line) == ["right"]


@pytest.mark.parametrize(
    ("line", "kinds", "correction"),
    [
        ("dA1 = dZ2 W2", ["transpose missing"], "dA1 = dZ2 W2ᵀ"),
        ("dA1 = W2ᵀ dZ2", ["order of factors"], "dA1 = dZ2 W2ᵀ"),
        ("dA1 = W2 dZ2", ["order of factors", "transpose missing"], "dA1 = dZ2 W2ᵀ"),
        ("dZ2 = 1/m (Y − A2)", ["sign"], "dZ2 = −1/m (Y − A2)"),
        ("dW2 = A1ᵀ dZ2 − λ W2", ["sign"], "dW2 = A1ᵀ dZ2 + λ W2"),
        ("dW2 = A1ᵀ dZ2 + 2λ W2", ["factor"], "dW2 = A1ᵀ dZ2 + λ W2"),
        ("dW2 = A1ᵀ dZ2 + λ/2 W2", ["factor"], "dW2 = A1ᵀ dZ2 + λ W2"),
        ("dW2 = 1/m A1ᵀ dZ2 + λ W2", ["factor"], "dW2 = A1ᵀ dZ2 + λ W2"),
        ("dW2 = A1ᵀ dZ2", ["term missing"], "dW2 = A1ᵀ dZ2 + λ W2"),
        ("dW2 = A1ᵀ dZ2 + λ W2 + dZ2", ["term extra"], "dW2 = A1ᵀ dZ2 + λ W2"),
        ("db2 = dZ2", ["sum over the examples missing"], "db2 = Σₘ dZ2"),
        ("dZ2 = Σₘ (A2 − Y)", ["sum extra", "factor"], "dZ2 = 1/m (A2 − Y)"),
        ("db2 = Σ_k dZ2", ["sum over another axis"], "db2 = Σₘ dZ2"),
        ("dZ1 = dA1", ["f' missing"], "dZ1 = dA1 ⊙ tanh'(Z1)"),
        ("dZ1 = dA1 ⊙ tanh(Z1)", ["f for f'"], "dZ1 = dA1 ⊙ tanh'(Z1)"),
        ("dZ1 = dA1 ⊙ tanh'(Z2)", ["f' of another layer"], "dZ1 = dA1 ⊙ tanh'(Z1)"),
        ("dZ1 = dA1 ⊙ A1 ⊙ (1 − A1)", ["f' of another function"], "dZ1 = dA1 ⊙ tanh'(Z1)"),
        ("dZ1 = dA1 tanh'(Z1)", ["product for ⊙"], "dZ1 = dA1 ⊙ tanh'(Z1)"),
        ("dW1 = Xᵀ ⊙ dZ1 + λ W1", ["⊙ for a product"], "dW1 = Xᵀ dZ1 + λ W1"),
        ("dZ2 = 1/m A2 − Y", ["brackets"], "dZ2 = 1/m (A2 − Y)"),
        ("dX = dZ1 W2ᵀ", ["another symbol"], "dX = dZ1 W1ᵀ"),
    ],
)
def test_a_mistake_is_named_and_mended(line: str, kinds: list[str], correction: str) -> None:
    (judgement,) = judged(line)
    assert judgement.verdict is Verdict.WRONG
    assert [mistake.kind for mistake in judgement.mistakes] == kinds
    first = [suggestion.equation for suggestion in judgement.suggestions[:1]]
    assert first == ([correction] if correction else [])
    assert not correction or verdicts(correction) == ["right"]


def test_on_a_square_layer_only_the_value_betrays_a_missing_transpose() -> None:
    (judgement,) = judged("dA1 = dZ2 W2", network=SQUARE)
    assert (judgement.verdict, judgement.message) == (Verdict.WRONG, "")
    assert judgement.mistakes[0].kind == "transpose missing"


def test_a_right_step_inherits_until_the_value_is_mended() -> None:
    found = judged("dZ2 = A2 − Y", "db2 = Σₘ dZ2", "dZ2 = 1/m (A2 − Y)", "db2 = Σₘ dZ2")
    assert [str(j.verdict) for j in found] == ["wrong", "inherited", "right", "right"]
    assert found[1].inherits == ("dZ2",)


def test_two_errors_that_cancel_are_told_apart_from_one() -> None:
    first, second = judged("dZ2 = A2 − Y", "dW2 = 1/m A1ᵀ dZ2 + λ W2")
    assert (first.verdict, second.verdict) == (Verdict.WRONG, Verdict.WRONG)
    assert "gradient of m J" in first.mistakes[0].text
    assert "the errors cancel" in second.message


def test_a_line_with_two_values_is_ambiguous_and_both_readings_are_shown() -> None:
    network = "sizes n\ndata A : (n, n), B : (n, n)\nparameter W : (n, n)\nJ = sum(A W B)\n"
    (judgement,) = judged("dW = Aᵀ B ⊙ Bᵀ", network=network)
    assert judgement.verdict is Verdict.AMBIGUOUS
    assert [reading.text for reading in judgement.readings] == [
        "dW = (Aᵀ @ B) ⊙ Bᵀ",
        "dW = Aᵀ @ (B ⊙ Bᵀ)",
    ]


def test_half_m_may_be_read_in_two_ways() -> None:
    tight, spaced = judged("dZ2 = 1/2m (A2 − Y)", "dZ2 = 1/2 m (A2 − Y)")
    assert tight.verdict is Verdict.AMBIGUOUS
    assert [r.text for r in tight.readings] == [
        "dZ2 = ((1 / 2) m) (A2 − Y)",
        "dZ2 = (1 / (2 m)) (A2 − Y)",
    ]
    assert spaced.verdict is Verdict.WRONG


def test_the_echo_shows_brackets_and_shapes() -> None:
    (judgement,) = judged("dW2 = 1/m A1ᵀ (A2 − Y) + λ W2")
    (reading,) = judgement.readings
    assert reading.text == "dW2 = (((1 / m) A1ᵀ) @ (A2 − Y)) + (λ W2)"
    assert reading.shapes == "(h, k) = (((1 / m) (h, m)) @ ((m, k) − (m, k))) + (() (h, k))"


@pytest.mark.parametrize(
    ("line", "message", "fix"),
    [
        ("dZ2 = A3 − Y", "nothing is called A3.", "Did you mean A"),
        ("dZ2 = ReLU(Z2)", "there is no function ReLU.", "write relu"),
        ("dZ0 = dZ1 W1ᵀ ⊙ tanh'(Z0)", "nothing is called Z0.", "layer 0 is the input"),
        ("dZ2 = (A2 − Y", "found the end of the line", "expected ) or an operator"),
        ("db2 = Σ dZ2", "cannot read 'Σ'", "say over which axis"),
        ("dW1 = X.T dZ1", "cannot read '.'", "there is no np.sum(X), W.T"),
        ("∂Z2/∂W2 = A1", "a derivative of Z2 stands here.", "∂J/∂V"),
        ("$$ dZ2 = A2 - Y $$", "cannot read '$'", "LaTeX is printed"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(line: str, message: str, fix: str) -> None:
    (judgement,) = judged(line)
    assert judgement.verdict is Verdict.UNREAD
    assert message in judgement.message
    assert f"line {ROWS.count(chr(10)) + 1}, column " in judgement.message
    assert fix in judgement.fix


def test_a_line_that_needs_an_unread_one_says_which() -> None:
    network = ROWS.replace("tanh(Z1)", "Tanh(Z1)")
    found = {j.name: j for j in check(network + "dZ2 = 1/m (A2 − Y)\n")}
    assert found["A1"].verdict is Verdict.UNREAD
    assert "A1 comes from line 8, which cannot be read." in found["Z2"].message
    assert "so the network has no loss to differentiate" in found["dZ2"].message


def test_names_of_ones_own_are_neither_right_nor_wrong() -> None:
    own, right, wrong = check(ROWS + "δ2 = 1/m (A2 − Y)\ndb2 = Σₘ δ2\ndb2 = δ2\n").judgements[-3:]
    assert [str(j.verdict) for j in (own, right, wrong)] == ["given", "right", "wrong"]


def test_chained_equalities_and_several_equations_are_claims_of_their_own() -> None:
    found = judged("dZ2 = dA2 ⊙ A2 ⊙ (1 − A2) = A2 − Y; db2 = Σₘ dZ2, dX = dZ1 W1ᵀ")
    assert [(j.source, str(j.verdict)) for j in found] == [
        ("dZ2 = dA2 ⊙ A2 ⊙ (1 − A2)", "right"),
        ("dZ2 = A2 − Y", "wrong"),
        ("db2 = Σₘ dZ2", "inherited"),
        ("dX = dZ1 W1ᵀ", "right"),
    ]


def test_an_update_uphill_is_wrong() -> None:
    assert verdicts("W1 ← W1 + α dW1", "W1 <- W1 - alpha dW1") == ["wrong"]


def test_a_separate_network_is_taken_as_true() -> None:
    network = cr.parse(ROWS)
    report = check("A1 = relu(Z1)\nL = 1/m sum(binary_cross_entropy(A2, Y))\ndb2 = Σₘ dZ2\n", network)
    assert [str(j.verdict) for j in report.claims] == ["wrong", "right", "right"]
    assert report["A1"][0].suggestions[0].equation == "A1 = tanh(Z1)"


def test_a_network_of_layers_is_opened() -> None:
    net = cr.Network(
        [cr.Dense(3), cr.BatchNorm(), cr.Activation("tanh"), cr.Dense(2)], loss="squared_error", inputs=4
    )
    lines = "dZ2 = 1/(2 m) 2 (Z2 − Y)\ndγ1 = Σₘ dN1 ⊙ Xhat1\ndXhat1 = dN1 ⊙ γ1\ndβ1 = dN1\n"
    assert [str(j.verdict) for j in check(lines, net).claims] == ["right", "right", "right", "wrong"]


def test_hints_can_be_switched_off_without_changing_a_verdict() -> None:
    lines = "dZ2 = A2 − Y\ndb2 = dZ2\ndA1 = dZ2 W2\n"
    with_hints, without = check(ROWS + lines), check(ROWS + lines, hints=False)
    assert [j.verdict for j in with_hints] == [j.verdict for j in without]
    assert not any(j.mistakes or j.suggestions for j in without)


@pytest.mark.parametrize("seed", range(1, 6))
def test_verdicts_do_not_depend_on_the_draws(seed: int) -> None:
    lines = "dZ2 = 1/m (A2 − Y)\ndZ1 = dA1 ⊙ tanh'(Z1)\ndb1 = dZ1\ndA1 = dZ2 W2ᵀ\ndA1 = dZ2 W1ᵀ\n"
    assert [str(j.verdict) for j in check(ROWS + lines, seed=seed).claims] == [
        "right", "right", "wrong", "right", "wrong",
    ]  # fmt: skip


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(DataError, match="nothing is declared"):
        check("dW = X\n")
    with pytest.raises(DataError, match="there is no file"):
        check("nowhere.eqn")
    with pytest.raises(KindError, match="a network is a graph"):
        check("dW = X\n", 3)  # type: ignore[arg-type]  # what a user may pass
    with pytest.raises(DataError, match="at most"):
        check("x = 1\n" * 200_000)


def test_a_logarithm_of_negative_numbers_is_told() -> None:
    with pytest.raises(DataError, match="L is not finite on random data"):
        check(ROWS.replace("1/m sum(binary_cross_entropy(A2, Y))", "sum(log(A1))") + "dA1 = 1/A1\n")
