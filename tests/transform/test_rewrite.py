"""Rewriting: every rule is true and fires; dead values go; names and values stay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule as cr
from chainrule.transform.pattern import read_pattern
from chainrule.transform.rewrite import simplify
from chainrule.transform.rules import RULES, Rule

SIZES = {"r": 4, "s": 3, "c": 2}
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def draws(rule: Rule) -> Iterator[dict[str, np.ndarray]]:
    """Yield arrays for a rule's letters: positive, so that every logarithm exists, and below 1."""
    for seed in range(5):
        generator = np.random.default_rng(seed)
        yield {
            letter: draw(generator, shape, rule.targets.get(letter, ""))
            for letter, shape in rule.shapes.items()
            if letter not in rule.given
        }


def draw(generator: np.random.Generator, text: str, target: str) -> np.ndarray:
    shape = [SIZES.get(size, 1) for size in text.removesuffix(" index").strip("()").split(", ")]
    if text.endswith("index"):
        return generator.integers(0, SIZES["c"], shape)
    if target == "binary":
        return generator.integers(0, 2, shape).astype(float)
    array = generator.uniform(0.1, 0.9, shape)
    return array / array.sum(axis=-1, keepdims=True) if target == "distribution" else array


def sides(rule: Rule) -> cr.Graph:
    left, right = rule.equation.split(" = ")
    leaves = ", ".join(
        f"{letter} : {shape}" for letter, shape in rule.shapes.items() if letter not in rule.given
    )
    given = "".join(f"{letter} = {text}\n" for letter, text in reversed(rule.given.items()))
    checked = [letter for letter, holds in rule.targets.items() if holds == "distribution"]
    checks = "".join(f"C1 = cross_entropy({letter}, {letter})\n" for letter in checked)
    return cr.parse(f"sizes r, s, c\ndata {leaves}\n{given}L1 = {left}\nR1 = {right}\n{checks}")


@each_rule
def test_both_sides_of_the_equation_are_equal(rule: Rule) -> None:
    graph = sides(rule)
    for arrays in draws(rule):
        trace = graph.run(**arrays)
        assert trace["L1"].shape == trace["R1"].shape
        assert_allclose(trace["L1"], trace["R1"], rtol=1e-12, atol=1e-14)


@each_rule
def test_the_rule_fires_on_its_own_left_side(rule: Rule) -> None:
    graph = sides(rule)
    result, fired = simplify(graph, [rule])
    assert [firing.rule for firing in fired] == [rule.name]
    assert result["L1"] is result["R1"]
    assert fired[0].equation == rule.equation
    assert fired[0].given == rule.conditions
    assert fired[0].why == rule.why
    assert rule.why and not rule.why.endswith(".")


@each_rule
def test_the_rule_does_not_fire_elsewhere(rule: Rule) -> None:
    graph = cr.parse("parameter w : (3, 3), v : (3, 3)\nZ = tanh(w) ⊙ v + w v\nJ = sum(Z)").gradient("J")
    assert not simplify(graph, [rule])[1]


def test_a_wrong_rule_would_be_caught() -> None:
    class Wrong(Rule):
        """x + x = 3 x"""

        why = "it does not hold"
        shapes = {"x": "(r, c)"}  # noqa: RUF012 - as the rules themselves are written

    trace = sides(Wrong()).run(**next(draws(Wrong())))
    assert not np.allclose(trace["L1"], trace["R1"])


def test_a_pattern_reads_both_sides_over_the_same_letters() -> None:
    pattern = read_pattern("x + x = 2 x", {"x": "(r, c)"})
    assert pattern.left.graph is pattern.right.graph


def test_dead_values_are_removed_and_names_of_live_ones_stay() -> None:
    g = cr.Graph()
    g.X, g.W, g.V = cr.data("m", 3), cr.parameter(3, 2), cr.parameter(3, 2)
    g.unused = cr.tanh(g.X @ g.V)
    g.A = cr.tanh(g.X @ g.W)
    g.J = cr.mean(g.A)
    g.set_outputs([g.J])
    after = g.simplify()
    assert "unused" not in after
    assert [name for name in after.names if name in ("A", "J")] == ["A", "J"]
    assert {after.names_of(leaf)[0] for leaf in after.leaves()} == {"X", "W", "V"}


def test_factors_left_alone_stay_in_the_product() -> None:
    text = "sizes m\ndata Y : (m, 1), C : (m, 1)\nparameter Z : (m, 1)\nA = sigmoid(Z)\n"
    graph = cr.parse(text + "J = 1/m sum(C ⊙ binary_cross_entropy(A, Y))").gradient("J")
    after = graph.simplify()
    assert [firing.rule for firing in after.fired] == [
        "sigmoid cross entropy from logits",
        "sigmoid meets binary cross entropy",
    ]
    arrays = {"Y": [[1.0], [0.0]], "C": [[2.0], [3.0]], "Z": [[0.5], [-1.5]]}
    assert_allclose(after.run(**arrays)["dZ"], graph.run(**arrays)["dZ"], rtol=1e-14)


def test_constants_multiply_out_where_rules_meet() -> None:
    g = cr.Graph()
    g.X = cr.data(3, 3)
    doubled = g.X + g.X
    g.Z = 2 * (doubled * cr.tanh(g.X))
    after = g.simplify()
    assert after.text(section="forward", shapes=False) == "Z = 4 X ⊙ tanh(X)"
    assert cr.parse(after.text()).same_as(after)


def test_a_value_that_becomes_a_leaf_or_another_value() -> None:
    graph = cr.parse("parameter w : (3)\nA = tanh(w)\nJ = exp(log(w))\nK = exp(log(A))").simplify()
    assert graph["J"] is graph["w"]
    assert graph["K"] is graph["A"]
    assert [(f.name, f.before, f.after) for f in graph.fired] == [
        ("J", "exp(log(w))", "w"),
        ("K", "exp(log(A))", "A"),
    ]


def test_simplify_twice_is_simplify_once() -> None:
    text = "sizes m\ndata X : (m, 2), Y : (m, 1)\nparameter W : (2, 1)\nA = sigmoid(X W)\n"
    once = cr.parse(text + "J = 1/m sum(binary_cross_entropy(A, Y))").gradient("J").simplify()
    twice = once.simplify()
    assert twice.same_as(once)
    assert twice.fired == once.fired


def test_a_long_product_of_gradients_is_matched_in_reasonable_work() -> None:
    g = cr.Graph()
    g.w = cr.parameter(2)
    value = g.w
    for i in range(400):
        value = cr.sigmoid(value)
        g[f"A{i}"] = value
    g.J = cr.sum(value)
    assert g.gradient("J").simplify().fired == ()


def test_updates_survive() -> None:
    graph = cr.parse("parameter W : (2)\nscalar α\nJ = ‖W‖²\ndW = W + W\nW ← W − α dW")
    after = graph.simplify()
    assert after.text(section="update", shapes=False) == "W ← W − α dW"
    assert "dW = 2 W" in after.text(shapes=False)


def test_a_minus_among_the_factors_stays() -> None:
    graph = cr.parse("parameter w : (3)\nA = −1[w > 0] ⊙ tanh(w) ⊙ 1[w > 0]")
    after = graph.simplify()
    assert {firing.rule for firing in after.fired} == {"indicator twice"}
    w = np.array([0.5, -1.0, 2.0])
    assert_allclose(after.run(w=w)["A"], graph.run(w=w)["A"])


def test_rows_that_nobody_wants_to_have_the_sum_1_are_not_taken_to_have_it() -> None:
    text = "sizes m\ndata Y : (m, 3)\nparameter Z : (m, 3)\nP = softmax(Z)\nJ = −1/m sum(Y ⊙ log(P))"
    before = cr.parse(text).gradient("J")
    after = before.simplify()
    assert [firing.rule for firing in after.fired] == ["softmax meets logarithm"]
    assert after.text(only=["dZ"]) == "dZ = 1/m (P ⊙ sum(Y, axis=1, keepdims=true) − Y) : (m, 3)"
    draw = np.random.default_rng(0)
    arrays = {"Z": draw.normal(size=(4, 3)), "Y": draw.uniform(0, 2, (4, 3))}
    assert_allclose(after.run(**arrays)["dZ"], before.run(**arrays)["dZ"], rtol=1e-12)


@pytest.mark.parametrize(
    "loss", ["1/m sum(cross_entropy(softmax(Z), y))", "sum(cross_entropy(softmax(Z), y))"]
)
def test_an_unnamed_softmax_meets_cross_entropy_too(loss: str) -> None:
    text = f"sizes m\ndata y : (m) index\nparameter Z : (m, 3)\nJ = {loss}"
    after = cr.parse(text).gradient("J").simplify()
    factor = "1/m (softmax(Z) − one_hot(y, 3))" if "1/m" in loss else "softmax(Z) − one_hot(y, 3)"
    assert after.text(only=["dZ"], shapes=False) == f"dZ = {factor}"
    trace = after.run(Z=np.array([[1000.0, 0, -1000], [0, 1000, 0]]), y=np.array([1, 1]))
    assert np.isfinite(trace["dZ"]).all() and np.isfinite(trace["J"])
