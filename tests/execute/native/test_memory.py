"""Where arrays lie, and that no kernel reads or writes anything else."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.execute.inputs import bind
from chainrule.execute.native.arrays import Layout, Node
from chainrule.execute.native.groups import Group
from chainrule.execute.native.memory import ALIGNMENT, SLACK, Span, arranged
from chainrule.execute.native.plan import Plan, planned
from chainrule.execute.native.program import machine_for
from chainrule.execute.native.steps import NativeSteps
from chainrule.execute.native.target import executable_targets
from chainrule.ir.op import Op
from chainrule.notation.text import to_text
from chainrule.testing.cases import Case, cases_of, whole_settings
from chainrule.testing.settings import fits
from chainrule.testing.trial import Trial
from chainrule.transform.lower import lower
from tests.execute.native.test_networks import step_inputs
from tests.support import guard_pages
from tests.support.agreement import bound_to, disagreements, giving_out_all
from tests.support.random_graphs import arrays_for, graphs, tame_graph
from tests.test_random_graphs import differentiated

ROOT = Path(__file__).parents[3]
DTYPES = [np.float32, np.float64]
SIZES = (1, 2, 3, 7, 15, 16, 17, 33, 64, 65, 256)
NETWORK = """
sizes      m, d, h, k
data       X : (m, d), y : (m) index, seed : () index
parameter  W1 : (d, h), b1 : (h), γ : (h), β : (h), W2 : (h, k), b2 : (k)
state      mean1 : (h), variance1 : (h), step : ()
scalar     λ

R1 = X W1
Z1 = R1 + b1
N1 = batch_norm(Z1, γ, β, mean1, variance1)
A1 = tanh(N1)
M1 = dropout_mask(seed, step, (m, h), p=0.3, id=1)
D1 = dropout(A1, M1, p=0.3)
Z2 = D1 W2 + b2
L  = 1/m sum(softmax_cross_entropy(Z2, y))
s  = λ/2 (‖W1‖² + ‖W2‖²)
J  = L + s

mean1     ← 0.9 mean1 + 0.1 mean(Z1, axis=0)
variance1 ← 0.9 variance1 + 0.1 var(Z1, axis=0)
"""
spans = st.builds(
    lambda size, first, length: Span(size, first, first + length),
    st.integers(0, 10_000) | st.sampled_from([64, 4096, 4096 - SLACK]),
    st.integers(-1, 12),
    st.integers(0, 6),
)


def quiet(examples: int) -> settings:
    unhealthy = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    return settings(
        max_examples=examples, deadline=None, derandomize=True, suppress_health_check=unhealthy, database=None
    )


@quiet(300)
@given(st.lists(spans, max_size=25))
def test_arrays_that_live_at_the_same_time_lie_apart(given: list[Span]) -> None:
    places, size = arranged(dict(enumerate(given)))
    for key, span in enumerate(given):
        begin, end = places[key], places[key] + span.size + SLACK
        assert begin >= 0 and begin % ALIGNMENT == 0 and end <= size
        for other, another in enumerate(given[:key]):
            at_once = span.first <= another.last and another.first <= span.last
            apart = end <= places[other] or places[other] + another.size + SLACK <= begin
            assert apart or not at_once, (key, other)


def test_places_are_used_again() -> None:
    chain = {i: Span(4096, i, i + 1) for i in range(20)}
    _, size = arranged(chain)
    assert size <= 3 * (4096 + 2048)


@quiet(60)
@given(graphs(tame=True, most=7), st.sampled_from([{"m": 3, "k": 2, "d": 4}, {"m": 17, "k": 1, "d": 33}]))
def test_whatever_is_read_was_made_before(graph: cr.Graph, sizes: Mapping[str, int]) -> None:
    backward = differentiated(graph) or graph
    made = planned(giving_out_all(backward), sizes, machine_for(np.float32))
    assert_each_is_made_once_and_before_its_use(made)
    assert_places_hold_until_the_last_use(made)


@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Adam(0.1)], ids=repr)
def test_whatever_a_step_reads_was_made_before(optimizer: cr.Optimizer) -> None:
    made = planned(
        cr.parse(NETWORK).step(optimizer).graph, {"m": 9, "d": 5, "h": 17, "k": 3}, machine_for(np.float32)
    )
    assert_each_is_made_once_and_before_its_use(made)
    assert_places_hold_until_the_last_use(made)
    assert made.homes, "no parameter is changed where it lies"


def assert_each_is_made_once_and_before_its_use(plan: Plan) -> None:
    made: set[Node] = set()
    for group in plan.groups:
        for member in in_order(group):
            assert member not in made
            for node in (view.node for view in member.inputs):
                assert node in made or node.kind in ("leaf", "number", "size", "count"), member
            made.add(member)
    assert all(view.node in made or view.node.kind == "leaf" for view in plan.outputs)


def in_order(group: Group) -> list[Node]:
    """Return the members of a group, the product that the others are made of first."""
    return [*([group.node] if group.node else []), *group.maps, *group.reductions]


def assert_places_hold_until_the_last_use(plan: Plan) -> None:
    """No group writes over what it, or a later one, still reads; outputs are left alone to the end."""
    last = {member: i for i, group in enumerate(plan.groups) for member in group.members}
    first = dict(last)
    for i, group in enumerate(plan.groups):
        last.update((view.node, i) for member in group.members for view in member.inputs)
    last.update((view.node, len(plan.groups)) for view in plan.outputs)
    spans = {
        node: (place, place + plan_bytes(plan, node)) for node, place in plan.places.items() if node in first
    }
    for node, other in itertools.combinations(spans, 2):
        if first[node] <= last[other] and first[other] <= last[node]:
            apart = spans[node][1] <= spans[other][0] or spans[other][1] <= spans[node][0]
            assert apart, (node, other)


def plan_bytes(plan: Plan, node: Node) -> int:
    item = {"real": 4, "double": 8, "index": 8, "word": 4, "bool": 1}[node.dtype.name]
    return plan.machine.layout.elements(node.shape) * item


@pytest.mark.parametrize("lanes", [2, 4, 16])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 1, 7), (2, 256), (4, 250), (2, 3, 16), (1, 1)])
def test_no_two_elements_lie_at_one_place(shape: tuple[int, ...], lanes: int) -> None:
    layout = Layout(lanes)
    steps = layout.strides(shape)
    places = [sum(i * step for i, step in zip(index, steps, strict=True)) for index in np.ndindex(*shape)]
    assert len(set(places)) == len(places)
    assert max(places) < layout.elements(shape)
    assert layout.elements(shape) % lanes == 0 or layout.elements(shape) == 1
    long = [step for size, step in zip(shape, steps, strict=True) if size > 1]
    assert all(step % lanes == 0 for step in long[:-1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="pages are guarded by a call of POSIX systems")
@pytest.mark.parametrize(
    "what",
    [
        "every_op()",
        *(f"{name}(np.{dtype.__name__})" for name in ("training", "products", "random") for dtype in DTYPES),
    ],
)
def test_nothing_else_is_read_or_written(what: str) -> None:
    """In a process of its own, which a read or a write beyond an array ends; garbage shows in results."""
    code = f"from tests.execute.native.test_memory import *\nrun_guarded({what})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    said = done.stdout.splitlines()
    assert done.returncode == 0, "\n".join([*said[-1:], done.stderr[-3000:]])
    assert said[-1].startswith("all "), said


def run_guarded(cases: Iterator[str]) -> None:
    """Run cases, each of which is announced before, on guarded memory."""
    guard_pages.install()
    count = 0
    for name in cases:
        print(name, flush=True)
        count += 1
    print("all", count)


def every_op() -> Iterator[str]:
    """Yield every op with its gradient, also on rows longer than a vector and not whole ones."""
    from tests.test_every_op import OPS, distinct

    trials = [*distinct(), *(Trial(case) for op in OPS for case in long_cases(op))]
    kinds = itertools.cycle(itertools.product(executable_targets(), DTYPES))
    for trial, (target, dtype) in zip(trials, kinds, strict=False):
        yield f"{trial.case} for {target.name}"
        assert_guarded(giving_out_all(trial.backward), trial.inputs(), {}, dtype, target)


def long_cases(op: Op) -> Iterator[Case]:
    """Yield cases of an op with one of its axes longer."""
    for shapes in dict.fromkeys(case.shapes for case in cases_of(op)):
        for short, long in ((3, 17), (2, 33)):
            grown = tuple(tuple(long if size == short else size for size in shape) for shape in shapes)
            if grown != shapes and fits(op, grown):
                for setting in whole_settings(op, grown)[:2]:
                    yield Case(op, grown, setting)


def assert_guarded(
    graph: cr.Graph, arrays: Mapping[str, Any], sizes: Mapping[str, int], dtype: Any, target: Any = None
) -> None:
    given = bound_to(graph, arrays, sizes, dtype)
    exact = {name: guard_pages.exact(given.arrays[graph[name]]) for name in arrays if name in graph}
    complaints = list(disagreements(graph, exact, sizes, dtype, target, least=0.1))
    assert not complaints, "\n".join(complaints)


def training(dtype: Any) -> Iterator[str]:
    step = cr.parse(NETWORK).step(cr.Momentum(0.1))
    for target in executable_targets():
        for turn in range(len(SIZES)):
            sizes = {letter: SIZES[(turn + 4 * i) % len(SIZES)] for i, letter in enumerate("mdhk")}
            yield f"a step for {target.name}, {sizes}"
            assert_guarded(step.graph, step_inputs(step, sizes), sizes, dtype, target)
    for threads in (1, 2, 3):
        for m, batch in ((1, 1), (33, 16), (65, 64), (17, 17)):
            yield f"an epoch of {m} by {batch} on {threads} threads"
            run_epoch(step, {"m": m, "d": 7, "h": 16, "k": 3}, batch, threads, dtype)


def run_epoch(step: Any, sizes: Mapping[str, int], batch: int, threads: int, dtype: Any) -> None:
    arrays = step_inputs(step, sizes)
    bound = bind(step.graph, arrays, dtype)
    bound.arrays.update({leaf: guard_pages.exact(array) for leaf, array in bound.arrays.items()})
    axes = {leaf: 0 for leaf in step.graph.leaves("data") if leaf.ndim}
    steps = NativeSteps(step.graph, bound, axes, "m", dtype, threads)
    m = sizes["m"]
    cuts = [(i, min(i + batch, m)) for i in range(0, m, batch)]
    order = guard_pages.exact(np.arange(m)[::-1])
    losses = np.concatenate([some for some, _ in steps.run(order, cuts)])
    assert np.isfinite(losses).all() and all(np.isfinite(a).all() for a in steps.arrays().values())


PRODUCTS = ((2, 2, 2), (16, 32, 48), (48, 16, 16), (8, 24, 64), (17, 33, 5), (3, 800, 16), (128, 48, 128))


class BackwardAndSkipping(cr.Primitive):
    """Each row from its end, less every second element of it twice over, y_i = x_(n−i) − x_(2⌊i/2⌋)."""

    signature = "... n -> ... n"

    def forward(self, xp: Any, x: Any) -> Any:
        n = x.shape[-1]
        even = x[..., ::2]
        pairs = xp.reshape(xp.stack([even, even], axis=-1), (*x.shape[:-1], -1))
        return x[..., ::-1] - pairs[..., :n]


def parts_and_products(m: int, d: int, h: int) -> cr.Graph:
    """Return products of operands as they lie, transposed, and of parts of them, and other uses of parts."""
    graph = cr.Graph()
    graph.X, graph.Y, graph.W = cr.data(m, d), cr.data(m, h), cr.parameter(d, h)
    graph.x, graph.v, graph.w = cr.data(m), cr.parameter(d), cr.parameter(h)
    X, Y, W = graph.X, graph.Y, graph.W
    part = cr.slice
    right, below = (lambda x, axis=axis: part(x, axis=axis, start=1, stop=None) for axis in (-1, 0))
    values = [X @ W, X.T @ Y, Y @ W.T, W.T @ X.T, Y @ graph.w, Y.T @ graph.x, X @ graph.v]
    values += [right(X) @ below(W), right(X).T @ right(Y), right(Y) @ right(W).T, below(X) @ W]
    values += [right(X) @ below(graph.v), right(below(Y)).T @ below(graph.x), right(X) + 1, below(X) * 2]
    values += [cr.sum(right(X), axis=0), cr.sum(right(X), axis=1), cr.max(right(X)), cr.argmax(right(X))]
    values += [cr.cumulative_sum(right(X), axis=axis) for axis in (0, 1)]
    values += [cr.cumulative_sum(cr.expand_dims(X, axis=-1), axis=axis) for axis in (0, 1, 2)]
    values += [BackwardAndSkipping()(x) for x in (X, right(X), X.T)]
    for i, value in enumerate(values):
        graph[f"v{i}"] = value
    graph.set_outputs(values)
    return graph


def products(dtype: Any) -> Iterator[str]:
    """Yield what is done with arrays of the exact size, in which there is nothing behind the last element."""
    draw = np.random.default_rng(0)
    for target in executable_targets():
        for m, d, h in PRODUCTS:
            yield f"products for {target.name}, {m} {d} {h}"
            shapes = (m, d), (m, h), (d, h), m, d, h
            given = {name: draw.normal(size=shape) for name, shape in zip("XYWxvw", shapes, strict=True)}
            assert_guarded(parts_and_products(m, d, h), given, {}, dtype, target)


def random(dtype: Any) -> Iterator[str]:
    """Yield random graphs on sizes around those of vectors."""
    for seed in range(12):
        graph = tame_graph(seed)
        backward = giving_out_all(lower(differentiated(graph) or graph))
        yield to_text(graph)
        for sizes in ({"m": 17, "k": 2, "d": 33}, {"m": 2, "k": 65, "d": 16}):
            arrays = arrays_for(backward, 5, sizes)
            assert_guarded(backward, arrays, sizes, dtype)
