"""Random graphs: every one prints, parses, rewrites and differentiates as it should."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, assume, given, note, settings
from numpy.typing import NDArray

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.notation.text import to_text
from tests.support.jax_oracle import gradients_by_jax
from tests.support.random_graphs import arrays_for, graphs, is_near_a_kink


def checked(examples: int) -> settings:
    unhealthy = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    return settings(
        max_examples=examples, deadline=None, derandomize=True, suppress_health_check=unhealthy, database=None
    )


def assert_reads_back(graph: cr.Graph) -> None:
    graph.verify()
    for ascii in (False, True):
        text = to_text(graph, ascii=ascii)
        note(text)
        again = cr.parse(text)
        again.verify()
        assert again.same_as(graph)
        assert to_text(again, ascii=ascii) == text


def differentiated(graph: cr.Graph) -> cr.Graph | None:
    """Return the graph with its backward pass, or None where J depends on no parameter."""
    try:
        return graph.gradient("J")
    except GraphError as error:
        assert "does not depend on" in error.message
        return None


def assert_close(left: NDArray[Any], right: NDArray[Any], tolerance: float) -> None:
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    assert left.shape == right.shape
    scale = max(1.0, float(np.max(np.abs(right), initial=0.0)))
    assert np.max(np.abs(left - right), initial=0.0) <= tolerance * scale


@checked(2000)
@given(graphs())
def test_print_then_parse_is_the_same_graph(graph: cr.Graph) -> None:
    assert_reads_back(graph)


@checked(1000)
@given(graphs(most=6))
def test_gradients_and_simplified_graphs_read_back(graph: cr.Graph) -> None:
    note(to_text(graph))
    assert_reads_back(graph.simplify())
    backward = differentiated(graph)
    if backward is not None:
        assert_reads_back(backward)
        assert_reads_back(backward.simplify())


@checked(300)
@given(graphs(most=4))
def test_gradients_of_gradients_read_back(graph: cr.Graph) -> None:
    backward = differentiated(graph)
    assume(backward is not None)
    assert backward is not None
    wanted = [name for name in backward.gradients if backward[name].op.name != "constant"][-1:]
    assume(wanted)
    backward["J2"] = cr.squared_norm(backward[wanted[0]])
    try:
        second = backward.gradient("J2")
    except GraphError as error:
        assert "does not depend on" in error.message
        return
    assert_reads_back(second)
    assert_reads_back(second.simplify())


@checked(500)
@given(graphs(tame=True))
def test_simplify_keeps_the_values(graph: cr.Graph) -> None:
    backward = differentiated(graph) or graph
    note(to_text(backward))
    after = backward.simplify()
    arrays = arrays_for(graph, seed=1)
    old, new = backward.run(**arrays), after.run(**arrays)
    assume(all(np.isfinite(old[value]).all() for value in backward.document() if value.kind == "real"))
    for before, simpler in zip(backward.outputs, after.outputs, strict=True):
        assert_close(new[simpler], old[before], 1e-10)


@checked(100)
@given(graphs(tame=True, most=6))
def test_gradients_are_those_of_jax(graph: cr.Graph) -> None:
    backward = differentiated(graph)
    assume(backward is not None)
    assert backward is not None
    note(to_text(backward))
    arrays = arrays_for(graph, seed=2)
    forward, trace = graph.run(**arrays), backward.run(**arrays)
    assume(not is_near_a_kink(forward))
    assume(all(np.isfinite(trace[value]).all() for value in backward.document()))
    expected = gradients_by_jax(graph, arrays)
    names = {variable: name for name, variable in backward.gradients.items()}
    for name, gradient in expected.items():
        note(name)
        assert_close(trace[names[name]], gradient, 1e-9)
