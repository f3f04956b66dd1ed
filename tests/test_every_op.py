"""Every op of the rule book passes these tests merely by existing; built-in ops also meet an oracle."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

import chainrule as cr
from chainrule.errors import GraphError, ShapeError
from chainrule.ir.op import Op
from chainrule.notation.text import to_text
from tests.support.cases import (
    OPS,
    Case,
    cases_of,
    central_difference,
    evaluate,
    graph_of,
    inputs_of,
    operands_for,
    weights,
    wrong_shapes,
)
from tests.support.mathtext import assert_renders
from tests.support.oracles import ORACLES

jax.config.update("jax_enable_x64", True)
CASES = [case for op in OPS for case in cases_of(op)]
EXTREMES = np.array([1e300, -1e300, 1e4, -1e4, 0.0, -0.0, np.inf, -np.inf, np.nan])
NAN_PASSES_THROUGH = ("arithmetic", "activation")

each_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_real_case = pytest.mark.parametrize("case", [case for case in CASES if case.op.kind == "real"], ids=str)


def real_leaves(graph: cr.Graph) -> list[str]:
    return [graph.names_of(leaf)[0] for leaf in graph.leaves("parameter")]


def differentiable(graph: cr.Graph) -> bool:
    """Tell whether J depends on some parameter by way of real values."""
    if "J" not in graph or not real_leaves(graph):
        return False
    try:
        graph.gradient("J")
    except GraphError as error:
        assert "does not depend on" in error.message
        return False
    return True


@each_case
def test_the_inferred_shape_and_kind_are_the_actual_ones(case: Case) -> None:
    graph = graph_of(case)
    graph.verify()
    out = graph.run(**inputs_of(graph, operands_for(case)))["out"]
    assert out.shape == graph["out"].shape
    assert out.dtype == {"real": np.float64, "bool": np.bool_, "index": np.int64}[graph["out"].kind]


@each_case
def test_forward_agrees_with_an_oracle(case: Case) -> None:
    assert case.op.name in ORACLES, f"add {case.op.name} to tests/support/oracles.py"
    arrays = operands_for(case, seed=1)
    graph = graph_of(case)
    out = graph.run(**inputs_of(graph, arrays))["out"]
    expected = ORACLES[case.op.name](*arrays, **case.setting)
    assert_allclose(out, expected, rtol=1e-12, atol=1e-14)


@each_case
def test_forward_agrees_under_jax(case: Case) -> None:
    arrays = operands_for(case, seed=2)
    graph = graph_of(case)
    out = graph.run(**inputs_of(graph, arrays))["out"]
    setting = case.op.settle(case.shapes, dict(case.setting))
    assert_allclose(
        out, case.op.forward(jnp, *map(jnp.asarray, arrays), **setting) + 0, rtol=1e-12, atol=1e-14
    )


@each_real_case
def test_vjp_agrees_with_central_differences(case: Case) -> None:
    graph = graph_of(case)
    if not differentiable(graph):
        return assert_flat(graph, case)
    backward = graph.gradient("J")
    given = inputs_of(graph, operands_for(case, seed=3))
    found = evaluate(backward, given)
    for leaf in real_leaves(graph):
        assert found[f"d{leaf}"].shape == graph[leaf].shape
        assert_allclose(found[f"d{leaf}"], central_difference(graph, given, "J", leaf), rtol=1e-6, atol=1e-8)
    return None


def assert_flat(graph: cr.Graph, case: Case) -> None:
    """An op without a gradient is constant between jumps."""
    given = inputs_of(graph, operands_for(case, seed=3))
    for leaf in real_leaves(graph):
        assert_allclose(central_difference(graph, given, "J", leaf), 0.0, atol=1e-12)


@each_real_case
def test_vjp_agrees_with_jax(case: Case) -> None:
    graph = graph_of(case)
    arrays = operands_for(case, seed=4)
    given = inputs_of(graph, arrays)
    places = [i for i in range(case.op.arity) if case.op.operand_kind(i, *case.shapes) == "real"]
    setting = case.op.settle(case.shapes, dict(case.setting))

    def forward(*moving: Any) -> Any:
        operands = list(map(jnp.asarray, arrays))
        for place, x in zip(places, moving, strict=True):
            operands[place] = x
        return case.op.forward(jnp, *operands, **setting)

    _, pull = jax.vjp(forward, *(jnp.asarray(arrays[i]) for i in places))
    expected = dict(zip(places, pull(jnp.asarray(given["C"])), strict=True))
    found = evaluate(graph.gradient("J") if differentiable(graph) else graph, given)
    for place in places:
        gradient = found[f"dx{place}"] if f"dx{place}" in found.graph else 0.0
        if not case.op.operand_domain(place).members:  # jax differentiates only the branch at the member
            assert_allclose(gradient, expected[place], rtol=1e-11, atol=1e-13)


def with_second_objective(case: Case) -> cr.Graph | None:
    """Return the gradient graph with S, a weighted sum of all gradients; None if it is constant."""
    graph = graph_of(case)
    if not differentiable(graph):
        return None
    backward = graph.gradient("J")
    leaves = real_leaves(graph)
    for leaf in leaves:
        backward[f"C{leaf[1:]}"] = cr.data(*graph[leaf].shape)
    parts = [cr.sum(backward[f"C{leaf[1:]}"] * backward[f"d{leaf}"]) for leaf in leaves]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    backward["S"] = total
    return backward


@each_real_case
def test_second_derivative_agrees_with_central_differences_of_the_first(case: Case) -> None:
    backward = with_second_objective(case)
    if backward is None:
        return
    given = inputs_of(backward, operands_for(case, seed=5))
    leaves = real_leaves(backward)
    try:
        found = evaluate(backward.gradient("S", wrt=leaves), given)
    except GraphError as error:
        assert "does not depend on" in error.message
        found = evaluate(backward, given)
    for leaf in leaves:
        second = found[f"d²{leaf}"] if f"d²{leaf}" in found.graph else 0.0
        assert_allclose(second, central_difference(backward, given, "S", leaf), rtol=1e-5, atol=1e-7)


@each_case
def test_print_then_parse_is_the_same_graph(case: Case) -> None:
    graph = graph_of(case)
    graphs = [graph, *([graph.gradient("J")] if differentiable(graph) else [])]
    for each in [*graphs, *(g.simplify() for g in graphs)]:
        each.verify()
        assert cr.parse(to_text(each)).same_as(each)
        assert cr.parse(to_text(each, ascii=True)).same_as(each)
        assert to_text(each, ascii=True).isascii()


@each_case
def test_latex_renders(case: Case) -> None:
    graph = graph_of(case)
    assert_renders(graph.gradient("J") if differentiable(graph) else graph)


@each_case
def test_float32_stays_float32(case: Case) -> None:
    graph = graph_of(case)
    backward = graph.gradient("J") if differentiable(graph) else graph
    arrays = operands_for(case, seed=6)
    low = backward.run(dtype=np.float32, **inputs_of(graph, arrays))
    high = backward.run(**inputs_of(graph, arrays))
    for value in backward.document():
        if value.kind == "real":
            assert low[value].dtype == np.float32
            assert_allclose(low[value], high[value], rtol=2e-5, atol=2e-5)


@each_op
def test_wrong_shapes_raise_shape_error(op: Op) -> None:
    setting = cases_of(op)[0].setting
    for shapes in wrong_shapes(op):
        graph = cr.Graph()
        for i, shape in enumerate(shapes):
            graph[f"x{i}"] = cr.data(*shape, kind=op.operand_kind(i, *shapes))
        with pytest.raises(ShapeError, match=r"^cannot ") as caught:
            op(*(graph[f"x{i}"] for i in range(op.arity)), **setting)
        assert all(f"x{i}" in caught.value.message for i in range(op.arity))


def test_ops_that_fix_their_operands_shapes_have_wrong_ones() -> None:
    free = {op.name for op in OPS if not wrong_shapes(op)}
    assert {"add", "matmul", "outer", "one_hot", "softmax", "softmax_cross_entropy"}.isdisjoint(free)


@each_op
def test_extremes_do_not_crash(op: Op) -> None:
    for case in cases_of(op):
        arrays = operands_for(case, seed=7)
        for place, array in enumerate(arrays):
            if case.op.operand_kind(place, *case.shapes) == "real":
                arrays[place] = np.resize(np.roll(EXTREMES, place), array.shape)
        graph = graph_of(case)
        out = evaluate(graph, inputs_of(graph, arrays))["out"]
        assert out.shape == graph["out"].shape


@pytest.mark.parametrize("value", EXTREMES)
@each_op
def test_each_extreme_does_not_crash_forward_or_backward(op: Op, value: float) -> None:
    case = cases_of(op)[0]
    kinds = [op.operand_kind(i, *case.shapes) for i in range(op.arity)]
    drawn = operands_for(case, seed=8)
    arrays = [np.full_like(x, value) if kind == "real" else x for x, kind in zip(drawn, kinds, strict=True)]
    graph = graph_of(case)
    evaluate(graph.gradient("J") if differentiable(graph) else graph, inputs_of(graph, arrays))


@each_op
def test_nan_passes_through_arithmetic_and_activations(op: Op) -> None:
    if not op.__module__.endswith(NAN_PASSES_THROUGH):
        return
    setting = cases_of(op)[0].setting
    for place in range(op.arity):
        arrays = [np.full(4, np.nan if i == place else 2.0) for i in range(op.arity)]
        assert np.isnan(op.forward(np, *arrays, **setting)).all()


@pytest.mark.parametrize("size", [1e4, 1e300])
def test_sigmoid_and_softmax_do_not_overflow(size: float) -> None:
    g = cr.Graph()
    g.z, g.y = cr.parameter(2, 3), cr.data(2, kind="index")
    g.p, g.q = cr.sigmoid(g.z), cr.softmax(g.z)
    g.L = cr.sum(cr.softmax_cross_entropy(g.z, g.y)) + cr.sum(g.p) + cr.sum(g.q)
    logits = np.array([[size, -size, 0.0], [-size, 0.0, size]])
    with np.errstate(all="raise", under="ignore"):
        for value in g.document():
            if value.op.name in ("sigmoid", "softmax"):
                value.op.forward(np, logits, **value.attributes)
        cr.softmax_cross_entropy.forward(np, logits, np.array([0, 0]))
    trace = g.gradient("L").run(z=logits, y=np.array([0, 0]))
    assert_allclose(trace["p"], [[1, 0, 0.5], [0, 0.5, 1]])
    assert_allclose(trace["q"], [[1, 0, 0], [0, 0, 1]])
    assert trace["L"] == 2 * size + 3 + 2
    assert np.isfinite(trace["dz"]).all()


@each_op
def test_the_docstring_states_an_equation(op: Op) -> None:
    text = type(op).__doc__ or ""
    assert re.search(r"[=Σ−½‖]", text), f"{op.name}: {text!r} holds no equation"
    assert text.strip().endswith((".", "!"))


@each_op
def test_every_oracle_is_of_an_op_and_every_op_has_one(op: Op) -> None:
    assert op.name in ORACLES


def test_no_oracle_is_left_over() -> None:
    assert set(ORACLES) <= {op.name for op in OPS}


def test_weights_are_not_all_one() -> None:
    assert np.ptp(weights((3, 2))) > 0.1
