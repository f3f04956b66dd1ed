from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.support.command import chainrule
from tests.support.networks import EXAMPLES, two_layer, two_layer_arrays

import chainrule as cr
from chainrule.cli.layers import network_of

FILE = str(EXAMPLES / "two_layer.eqn")


def test_it_prints_forward_backward_and_update_as_a_document_that_reads_back() -> None:
    result = chainrule("explain", FILE)
    assert result.returncode == 0
    assert cr.parse(result.stdout).same_as(two_layer().step(cr.SGD()).graph)
    for heading in ("# forward", "# backward, after rewriting", "# update", "# rules that fired"):
        assert heading in result.stdout
    assert "dZ2 = dA2 ⊙ A2 ⊙ (1 − A2)  becomes  dZ2 = 1/m (A2 − Y)" in result.stdout


def test_before_shows_every_gradient() -> None:
    result = chainrule("explain", FILE, "--before")
    assert "dA2 = 1/m ((1 − Y) / (1 − A2) − Y / A2) : (m, k)" in result.stdout
    assert cr.parse(result.stdout).same_as(two_layer().step(cr.SGD()).before)


def test_ascii_is_ascii_and_reads_back() -> None:
    text = chainrule("explain", FILE, "--ascii").stdout
    document = text.split("# rules")[0]
    assert document.isascii()
    assert cr.parse(document).same_as(two_layer().step(cr.SGD()).graph)


def test_gradients_are_those_asked_for() -> None:
    text = chainrule("explain", FILE, "--wrt", "X, A1").stdout
    assert "dX  = dR1 W1ᵀ" in text
    assert "dW1" not in text


def test_latex_has_an_environment_for_each_pass() -> None:
    text = chainrule("explain", FILE, "--latex").stdout
    assert text.count(r"\begin{aligned}") == text.count(r"\end{aligned}") == 3
    assert r"\mathrm{d}Z_{2} &= \frac{1}{m} \left(A_{2} - Y\right) &&\in \mathbb{R}^{m \times k}" in text


def test_trace_shows_every_value_on_random_data() -> None:
    text = chainrule("explain", FILE, "--trace", "--sizes", "m=2,h=3", "--seed", "4").stdout
    assert text.startswith("# random data, seed 4; m = 2")
    for name in ("X\n", "R1 ", "dZ1 ", "W1 ←"):
        assert f"\n{name}" in text


def test_trace_on_given_data_shows_its_numbers(tmp_path: Path) -> None:
    arrays = two_layer_arrays(m=2, d=2, h=2, k=1)
    np.savez(tmp_path / "data.npz", **arrays)
    text = chainrule("explain", FILE, "--data", str(tmp_path / "data.npz")).stdout
    value = two_layer().run(**arrays)["L"]
    assert f"{value:.4f}" in text.split("\nL ")[1].splitlines()[1]


def test_a_document_that_has_its_backward_pass_is_printed_as_it_is(tmp_path: Path) -> None:
    first = chainrule("explain", FILE).stdout
    (tmp_path / "step.eqn").write_text(first, encoding="utf-8")
    again = chainrule("explain", str(tmp_path / "step.eqn")).stdout
    assert cr.parse(again).same_as(cr.parse(first))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sizes m\ndata X : (m, 3)\nR = X X", "cannot multiply X (m, 3) by X (m, 3)"),
        ("sizes m\ndata X : (m, 3)\nR = Y X", "nothing is called Y"),
        ("sizes m\ndata X : (m, 3\nR = X", "line 3, column 1"),
        ("sizes m\ndata X : (m, 3)\nparameter W : (3, 1)\nZ = X W", "no scalar output"),
        ("data X : (2)\nparameter W : (2)\na = sum(X ⊙ W)\nb = sum(W)", "several scalars, a, b"),
    ],
)
def test_a_users_mistake_is_a_message_without_a_traceback(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "bad.eqn"
    file.write_text(text, encoding="utf-8")
    result = chainrule("explain", str(file))
    assert result.returncode == 1
    assert expected in result.stderr
    assert "Traceback" not in result.stderr
    assert "sys.exit" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "nowhere.eqn"),
        ("explain", "."),
        ("explain", FILE, "--objective", "Q"),
        ("explain", FILE, "--objective", "Z1"),
        ("explain", FILE, "--wrt", "Q"),
        ("explain", FILE, "--trace", "--sizes", "q=3"),
        ("explain", FILE, "--trace", "--sizes", "m=0"),
        ("explain", FILE, "--trace", "--sizes", "m"),
        ("explain", FILE, "--data", "nowhere.npz"),
        ("explain", FILE, "--data", FILE),
        ("explain", FILE, "--nonsense"),
        ("explain",),
        ("nonsense",),
    ],
)
def test_wrong_arguments_are_refused_kindly(arguments: tuple[str, ...]) -> None:
    result = chainrule(*arguments)
    assert result.returncode in (1, 2)
    assert result.stderr
    assert "Traceback" not in result.stderr


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.eqn").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in chainrule("explain", str(tmp_path / "a.eqn")).stderr


def test_a_pickle_in_the_data_is_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.array([{"a": 1}], dtype=object))
    result = chainrule("explain", FILE, "--data", str(tmp_path / "a.npz"))
    assert result.returncode == 1
    assert "not an .npz file of numbers" in result.stderr


GOLDEN = Path(__file__).parents[1] / "golden"
LAYERS = ["--layers", "784, 128 relu, dropout 0.2, batchnorm, 10 softmax", "--optimizer", "adam"]


@pytest.mark.parametrize("stage", ["after", "before"])
def test_layers_print_as_recorded_and_read_back(stage: str) -> None:
    result = chainrule("explain", f"--{stage}", *LAYERS, "--loss", "cross_entropy")
    assert result.stdout == (GOLDEN / f"layers.{stage}.txt").read_text(encoding="utf-8")
    graph = cr.parse(result.stdout)
    assert cr.parse(graph.text(ascii=True)).same_as(graph)


@pytest.mark.parametrize(
    ("layers", "loss", "message"),
    [
        ("784, 128 rleu, 10", "", "layer 1: there is no layer or activation rleu."),
        ("784, 128 relu relu", "", "layer 1: there is no layer 128 relu relu."),
        ("784", "", "a network needs at least one layer after its inputs."),
        ("relu, 10", "", "the inputs come first, a number such as 784 or 28x28, not relu."),
        ("", "", "the inputs come first, a number such as 784 or 28x28, not nothing."),
        ("784, dropout 2, 10", "", "layer 1: Dropout needs a number from 0, below 1, not 2.0."),
        ("784, dropout, 10", "", "layer 1: dropout is followed by one number."),
        ("784, batchnorm 1, 10", "", "layer 1: batchnorm is followed by nothing."),
        ("784, dropout x, 10", "", "layer 1: x is no number."),
        ("784, , 10", "", "layer 1 is empty."),
        ("28x28, 10, batchnorm", "", "layer 2, BatchNorm(): BatchNorm takes examples in rows"),
        ("4, 3 softmax", "softmax_cross_entropy", "the last layer ends in softmax"),
        ("4, 3", "hub", "there is no loss hub."),
    ],
)
def test_layers_that_are_refused(layers: str, loss: str, message: str) -> None:
    with pytest.raises(cr.ChainruleError) as caught:
        network_of(layers, loss, 0.0)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layers", "4, 3", "--optimizer", "adm"], "there is no optimizer adm."),
        ([], "one network is needed: a file of equations, or --layers."),
        ([FILE, "--layers", "4, 3"], "one network is needed"),
        ([FILE, "--loss", "huber"], "--loss and --weight-decay go with --layers"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], message: str) -> None:
    result = chainrule("explain", *arguments)
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_the_loss_follows_from_the_last_activation() -> None:
    losses = {
        layers: network_of(layers, "", 0.0).graph["L"] for layers in ("4, 3 softmax", "4, 1 sigmoid", "4, 1")
    }
    ops = [[v.op.name for v in loss.graph.walk([loss]) if "entropy" in v.op.name] for loss in losses.values()]
    assert ops == [["cross_entropy"], ["binary_cross_entropy"], []]
    assert losses["4, 1"].op.name == "mean_squared_error"
