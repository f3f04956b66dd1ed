from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from chainrule.derivation.check import check
from chainrule.derivation.report import Report
from chainrule.derivation.verdict import Judgement, Verdict
from chainrule.ir.names import normalized

DERIVATIONS = Path(__file__).parents[2] / "examples" / "derivations"
RIGHT = sorted(path.name for path in DERIVATIONS.glob("*.eqn"))


@dataclass(frozen=True)
class Fault:
    """A line that does not hold: how it is to be judged, what is to be named, and what to write instead."""

    name: str
    verdict: Verdict
    kinds: tuple[str, ...] = ()
    correction: str = ""
    word: str = ""


@dataclass(frozen=True)
class Wrong:
    """A derivation with a mistake: which one, the lines that have it, and those that inherit it."""

    file: str
    mistake: str
    faults: tuple[Fault, ...]
    inherit: str = ""


ALL_AFTER_DZ2 = "dR2 db2 dA1 dW2 dZ1 dR1 db1 dX dW1"
BATCH_AFTER_DZ2 = "dW2 db2 dZ1 dW1 db1"
SUM_MISSING = ("sum over the examples missing",)
SWAPPED = ("order of factors", "transpose missing")

WRONG = (
    Wrong(
        "mse_without_its_factor.eqn",
        "MSE gives dA2 = A2 − y: that is half the sum of squares, the mean has 2/(m k)",
        (Fault("dA2", Verdict.WRONG, ("factor",), "dA2 = 2/(m k) (A2 − Y)"),),
        f"dZ2 {ALL_AFTER_DZ2}",
    ),
    Wrong(
        "derivative_without_layer_index.eqn",
        "f' without layer index: nothing is called f",
        (
            Fault("dZ2", Verdict.UNREAD, word="there is no function f"),
            Fault("dZ1", Verdict.UNREAD, word="there is no function f"),
        ),
    ),
    Wrong(
        "derivative_of_the_other_layer.eqn",
        "f' without layer index, read as f1' in both layers",
        (Fault("dZ2", Verdict.WRONG, ("f' of another layer",), "dZ2 = dA2 ⊙ f2'(Z2)"),),
        ALL_AFTER_DZ2,
    ),
    Wrong(
        "softmax_element_by_element.eqn",
        "the rule for element-wise activations, applied to softmax",
        (
            Fault(
                "dZ2",
                Verdict.WRONG,
                ("softmax element by element",),
                "dZ2 = A2 ⊙ (dA2 − sum(dA2 ⊙ A2, axis=-1, keepdims=true))",
            ),
        ),
        ALL_AFTER_DZ2,
    ),
    Wrong(
        "derivative_of_softmax.eqn",
        "the rule for element-wise activations, applied to softmax and written softmax'",
        (
            Fault(
                "dZ2",
                Verdict.WRONG,
                ("softmax element by element",),
                "dZ2 = A2 ⊙ (dA2 − sum(dA2 ⊙ A2, axis=-1, keepdims=true))",
            ),
        ),
        ALL_AFTER_DZ2,
    ),
    Wrong(
        "second_sign_of_the_loss.eqn",
        "the second sign of binary cross-entropy, with the exact derivative of the wrong loss",
        (
            Fault(
                "J",
                Verdict.WRONG,
                ("loss", "sign"),
                "J = 1/m sum(−y ⊙ log(a2) − (1 − y) ⊙ log(1 − a2))",
                "binary cross-entropy",
            ),
        ),
        "da2 dz2 dw2 db2 da1 dz1 dw1 db1",
    ),
    Wrong(
        "second_sign_of_the_derivative.eqn",
        "the second sign of the derivative of binary cross-entropy",
        (Fault("da2", Verdict.WRONG, ("sign",), "da2 = −1/m (y/a2 − (1 − y)/(1 − a2))"),),
        "dz2 dw2 db2 da1 dz1 dw1 db1",
    ),
    Wrong(
        "weights_without_transpose.eqn",
        "dw = dz a, which is dz aᵀ",
        (
            Fault("dw2", Verdict.WRONG, ("transpose missing",), "dw2 = dz2 a1ᵀ"),
            Fault("dw1", Verdict.WRONG, ("transpose missing",), "dw1 = dz1 a0ᵀ"),
        ),
    ),
    Wrong(
        "batch_without_its_mean.eqn",
        "a batch, but no 1/m",
        (Fault("da2", Verdict.WRONG, ("factor",), "da2 = 1/m (−y/a2 + (1 − y)/(1 − a2))"),),
        "dz2 dw2 db2 da1 dz1 dw1 db1",
    ),
    Wrong(
        "bias_of_one_example.eqn",
        "db = dz of one example, where the sum over all is meant",
        (
            Fault("db2", Verdict.WRONG, SUM_MISSING, "db2 = sum(dz2, axis=1, keepdims=true)"),
            Fault("db1", Verdict.WRONG, SUM_MISSING, "db1 = sum(dz1, axis=1, keepdims=true)"),
        ),
    ),
    Wrong(
        "back_without_transpose.eqn",
        "da of the layer before is w dz, which is wᵀ dz",
        (Fault("da1", Verdict.WRONG, ("transpose missing",), "da1 = w2ᵀ dz2"),),
        "dz1 dw1 db1",
    ),
    Wrong(
        "back_through_a_square_layer.eqn",
        "w dz for wᵀ dz where w is square, so that only the value betrays it",
        (Fault("da1", Verdict.WRONG, ("transpose missing",), "da1 = w2ᵀ dz2"),),
        "dz1 dw1 db1",
    ),
    Wrong(
        "order_for_one_output.eqn",
        "∇ W2ᵀ holds only for n2 = 1; W2ᵀ ∇ in general",
        (
            Fault(
                "dz1", Verdict.CONDITIONAL, ("order of factors",), "dz1 = (W2ᵀ dz2) ⊙ χ1'(z1)", "if n2 = 1."
            ),
            Fault(
                "db1", Verdict.CONDITIONAL, ("order of factors",), "db1 = (W2ᵀ dz2) ⊙ χ1'(z1)", "if n2 = 1."
            ),
        ),
    ),
    Wrong(
        "single_example_without_brackets.eqn",
        "the second line needs brackets, [W2ᵀ ∇ ⊙ χ'] a0ᵀ, and the other order",
        (
            Fault(
                "dW1",
                Verdict.CONDITIONAL,
                ("order of factors",),
                "dW1 = (W2ᵀ dz2) ⊙ (χ1'(z1) a0ᵀ)",
                "if n2 = 1.",
            ),
        ),
    ),
    Wrong(
        "batch_without_brackets.eqn",
        "W2ᵀ ∇ ⊙ χ' A0ᵀ for a batch: without brackets the shapes do not fit",
        (
            Fault(
                "dW1",
                Verdict.AMBIGUOUS,
                ("brackets",),
                "dW1 = ((W2ᵀ dZ2) ⊙ χ1'(Z1)) A0ᵀ",
                "the matrix product first",
            ),
        ),
    ),
    Wrong(
        "one_minus_the_log.eqn",
        "1 − log A for log(1 − A) in the loss",
        (
            Fault(
                "L",
                Verdict.WRONG,
                ("loss", "log(1 − x)"),
                "L = −1/m (sum(log(A2) ⊙ Y) + sum(log(1 − A2) ⊙ (1 − Y)))",
                "binary cross-entropy",
            ),
        ),
    ),
    Wrong(
        "loss_without_its_trace.eqn",
        "a product of matrices in the place of a loss is a number only for n2 = 1: a trace",
        (
            Fault(
                "L",
                Verdict.CONDITIONAL,
                ("trace missing",),
                "L = −1/m (sum(log(A2) ⊙ Y) + sum(log(1 − A2) ⊙ (1 − Y)))",
                "if n2 = 1.",
            ),
        ),
    ),
    Wrong(
        "ones_of_the_wrong_shape.eqn",
        "∇b with ones of shape (n, m), where they are (1, m)",
        (
            Fault(
                "db2",
                Verdict.CONDITIONAL,
                ("shape of ones",),
                "db2 = dZ2 expand(1, (1, m))ᵀ",
                "if n2 = 1.",
            ),
            Fault("db1", Verdict.WRONG, ("shape of ones",), "db1 = dZ1 expand(1, (1, m))ᵀ"),
        ),
    ),
    Wrong(
        "recursion_past_the_input.eqn",
        "the recursion at l = 1 needs χ0, which does not exist",
        (Fault("dZ0", Verdict.UNREAD, word="there is no function χ0"),),
    ),
    Wrong(
        "difference_for_any_pair.eqn",
        "(A − Y)/m whatever the pair of activation and loss",
        (
            Fault(
                "dZ2",
                Verdict.CONDITIONAL,
                ("pair",),
                "dZ2 = dA2 ⊙ χ2'(Z2)",
                "if χ2 is sigmoid and l is binary cross-entropy, or χ2 is softmax and l is cross-entropy, "
                "or χ2 is the identity and l is half the sum of squares.",
            ),
        ),
        BATCH_AFTER_DZ2,
    ),
    Wrong(
        "difference_for_another_pair.eqn",
        "(A − Y)/m for softmax with squares, which is no such pair",
        (
            Fault(
                "dZ2",
                Verdict.WRONG,
                ("pair",),
                "dZ2 = A2 ⊙ (dA2 − sum(dA2 ⊙ A2, axis=0, keepdims=true))",
            ),
        ),
        BATCH_AFTER_DZ2,
    ),
    Wrong(
        "difference_for_sigmoid_and_squares.eqn",
        "(A − Y)/m for sigmoid with squares, where the derivative of sigmoid remains",
        (Fault("dZ2", Verdict.WRONG, ("f' missing",), "dZ2 = (1/m (A2 − Y)) ⊙ sigmoid'(Z2)"),),
        BATCH_AFTER_DZ2,
    ),
    Wrong(
        "norm_for_a_vector.eqn",
        "‖x3 − y‖ stands for the vector x3 − y, and f3' is dropped",
        (
            Fault("dx3", Verdict.WRONG, ("norm for a vector",), "dx3 = x3 − y"),
            Fault(
                "dW3",
                Verdict.WRONG,
                ("norm for a vector", "f' missing"),
                "dW3 = ((x3 − y) ⊙ f3'(z3)) x2ᵀ",
            ),
        ),
        "dz3 dx2 dz2 dW2 dx1 dz1 dW1",
    ),
    Wrong(
        "last_derivative_dropped.eqn",
        "f3' is dropped, which is right for the identity alone",
        (
            Fault(
                "dz3", Verdict.CONDITIONAL, ("f' missing",), "dz3 = (x3 − y) ⊙ f3'(z3)", "f3 is the identity"
            ),
            Fault(
                "dW3",
                Verdict.CONDITIONAL,
                ("f' missing",),
                "dW3 = ((x3 − y) ⊙ f3'(z3)) x2ᵀ",
                "f3 is the identity",
            ),
        ),
        "dx2 dz2 dW2 dx1 dz1 dW1",
    ),
    Wrong(
        "order_of_jacobians.eqn",
        "the order of Jacobians; gradients need the factors reversed and transposed",
        (
            Fault("dW3", Verdict.WRONG, SWAPPED, "dW3 = dz3 x2ᵀ"),
            Fault("dx2", Verdict.WRONG, SWAPPED, "dx2 = W3ᵀ dz3"),
            Fault("dW2", Verdict.WRONG, SWAPPED, "dW2 = dz2 x1ᵀ"),
            Fault("dx1", Verdict.WRONG, SWAPPED, "dx1 = W2ᵀ dz2"),
            Fault("dW1", Verdict.WRONG, SWAPPED, "dW1 = dz1 x0ᵀ"),
        ),
        "dz2 dz1",
    ),
    Wrong(
        "weight_decay_for_every_example.eqn",
        "J = L + s for each example, summed over a batch, counts s m times",
        (
            Fault("J", Verdict.WRONG, ("brackets",), "J = sum(E) + s"),
            Fault("dW2", Verdict.WRONG, ("factor",), "dW2 = Hᵀ dO + λ W2"),
            Fault("dW1", Verdict.WRONG, ("factor",), "dW1 = Xᵀ dZ + λ W1"),
        ),
    ),
)
MENDED = [wrong for wrong in WRONG if all(fault.correction for fault in wrong.faults)]


def _name(wrong: Wrong) -> str:
    return wrong.file.removesuffix(".eqn")


def _faulty(report: Report) -> list[Judgement]:
    return [claim for claim in report.claims if not claim.holds and claim.verdict is not Verdict.INHERITED]


def test_every_wrong_derivation_is_in_the_table() -> None:
    assert sorted(wrong.file for wrong in WRONG) == sorted(
        path.name for path in (DERIVATIONS / "wrong").glob("*.eqn")
    )


def test_every_derivation_is_listed_for_readers() -> None:
    listed = (DERIVATIONS.parent / "README.md").read_text(encoding="utf-8")
    assert [name for name in [*RIGHT, *(wrong.file for wrong in WRONG)] if f"`{name}`" not in listed] == []


@pytest.mark.parametrize("file", RIGHT)
def test_a_right_derivation_is_right_in_every_line(file: str) -> None:
    report = check(DERIVATIONS / file)
    assert report.ok
    assert {claim.verdict for claim in report.claims} == {Verdict.RIGHT}
    assert [claim.source for claim in report.claims if claim.mistakes or claim.suggestions] == []


@pytest.mark.parametrize("file", RIGHT)
def test_a_right_derivation_has_the_gradient_of_every_parameter(file: str) -> None:
    lines = (DERIVATIONS / file).read_text(encoding="utf-8").splitlines()
    declared = next(line for line in lines if line.startswith("parameter"))
    parameters = [part.split()[-1] for part in declared.split(" : ")[:-1]]
    claimed = {claim.name for claim in check(DERIVATIONS / file).claims}
    assert len(parameters) >= 2
    assert [name for name in parameters if normalized(f"d{name}") not in claimed] == []


@pytest.mark.parametrize("wrong", WRONG, ids=_name)
def test_a_mistake_is_found_where_it_is_and_nowhere_else(wrong: Wrong) -> None:
    report = check(DERIVATIONS / "wrong" / wrong.file)
    assert not report.ok
    assert [(claim.name, claim.verdict) for claim in _faulty(report)] == [
        (fault.name, fault.verdict) for fault in wrong.faults
    ]
    inherited = [claim.name for claim in report.claims if claim.verdict is Verdict.INHERITED]
    assert sorted(inherited) == sorted(wrong.inherit.split())


@pytest.mark.parametrize("wrong", WRONG, ids=_name)
def test_a_mistake_is_named(wrong: Wrong) -> None:
    faulty = _faulty(check(DERIVATIONS / "wrong" / wrong.file))
    for claim, fault in zip(faulty, wrong.faults, strict=True):
        assert tuple(mistake.kind for mistake in claim.mistakes) == fault.kinds
        assert fault.word in claim.message + claim.fix
        assert [s.equation for s in claim.suggestions[:1]] == [fault.correction][: bool(fault.correction)]


def _mended(text: str) -> str:
    lines = text.splitlines()
    for claim in _faulty(check(text)):
        lines[claim.line - 1] = claim.suggestions[0].equation
    return "\n".join(lines)


@pytest.mark.parametrize("wrong", MENDED, ids=_name)
def test_with_the_suggestions_in_place_the_derivation_is_right(wrong: Wrong) -> None:
    once = _mended((DERIVATIONS / "wrong" / wrong.file).read_text(encoding="utf-8"))
    assert check(once).ok != (wrong.file == "second_sign_of_the_loss.eqn")


def test_a_derivative_of_a_wrong_loss_is_wrong_once_the_loss_is_mended() -> None:
    once = _mended((DERIVATIONS / "wrong" / "second_sign_of_the_loss.eqn").read_text(encoding="utf-8"))
    (claim,) = _faulty(check(once))
    assert (claim.name, claim.verdict) == ("da2", Verdict.WRONG)
    assert claim.suggestions[0].equation == "da2 = −1/m (y/a2 − (1 − y)/(1 − a2))"
    assert check(_mended(once)).ok


@pytest.mark.parametrize("wrong", WRONG, ids=_name)
def test_the_verdicts_are_the_same_without_hints(wrong: Wrong) -> None:
    path = DERIVATIONS / "wrong" / wrong.file
    plain = check(path, hints=False)
    assert [claim.verdict for claim in plain.claims] == [claim.verdict for claim in check(path).claims]
    assert [claim.source for claim in plain.claims if claim.mistakes or claim.suggestions] == []
