"""`chainrule rule`: one op's entry in the rule book."""

from __future__ import annotations

from tests.support.command import chainrule


def test_it_prints_the_formula_and_the_derivative() -> None:
    result = chainrule("rule", "relu")
    assert result.returncode == 0
    assert "y  = relu(x)\n    dx = dy ⊙ 1[x > 0]" in result.stdout


def test_an_unknown_op_gets_the_nearest_name() -> None:
    result = chainrule("rule", "rleu")
    assert result.returncode == 1
    assert "there is no op named rleu." in result.stderr
    assert "Did you mean relu?" in result.stderr
