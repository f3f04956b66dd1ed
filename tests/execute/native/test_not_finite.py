"""NaN and infinity go through machine code as they go through NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import chainrule as cr
from chainrule.execute.native.program import NativeProgram
from chainrule.execute.native.target import Target, executable_targets
from chainrule.execute.program import Program
from chainrule.ir.op import Op
from chainrule.notation.text import to_text
from chainrule.transform.lower import lower
from tests.support.agreement import bound_to, complaint_on, giving_out_all
from tests.support.random_graphs import SIZES, arrays_for, tame_graph
from tests.test_every_op import OPS, TRIALS
from tests.test_random_graphs import differentiated

Array = NDArray[Any]
DTYPES = [np.float32, np.float64]
NOT_FINITE = (np.nan, np.inf, -np.inf)


def poisoned(inputs: Mapping[str, Array]) -> Iterator[tuple[str, Mapping[str, Array]]]:
    """Yield inputs one element of which is not finite, and which one."""
    for name, array in inputs.items():
        if array.dtype.kind == "f":
            for number in NOT_FINITE:
                for place in {0, array.size // 2, array.size - 1}:
                    changed = np.array(array)
                    changed.reshape(-1)[place] = number
                    yield f"{name}[{place}] = {number}", {**inputs, name: changed}


def complaints(
    graph: cr.Graph,
    cases: Iterable[tuple[str, Mapping[str, Any]]],
    dtype: Any,
    sizes: Mapping[str, int] | None = None,
) -> Iterator[str]:
    """Yield what machine code makes otherwise than the reference executor of inputs that are not finite."""
    native, reference = NativeProgram(graph, dtype), Program(graph, dtype)
    for what, inputs in cases:
        bound = bound_to(graph, inputs, sizes or {}, dtype)
        with np.errstate(all="ignore"):
            ours, theirs = native(bound)[0], reference(bound)[0]
        for value, a, b in zip(graph.outputs, ours, theirs, strict=True):
            wrong = complaint_on(a, b, b, 1e-4 if dtype == np.float32 else 1e-11, least=1.0)
            if wrong:
                yield f"{what}: {graph.describe(value)} ({value.op.name}) {wrong}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_an_op_and_its_gradient(op: Op, dtype: Any) -> None:
    found = [
        f"{trial.case}: {text}"
        for trial in TRIALS[op]
        if not trial.case.again
        for text in complaints(giving_out_all(trial.backward), poisoned(trial.inputs()), dtype)
    ]
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs(seed: int) -> None:
    graph = tame_graph(seed)
    backward = giving_out_all(lower(differentiated(graph) or graph))
    cases = list(poisoned(arrays_for(backward, 5)))[::5]
    found = list(complaints(backward, cases, np.float32, SIZES))
    assert not found, "\n".join([to_text(backward), *found])


@pytest.mark.parametrize("target", executable_targets(), ids=lambda target: target.name)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 2, 5, 16, 33])
def test_one_example_does_not_touch_the_others(rows: int, dtype: Any, target: Target) -> None:
    graph = cr.parse(
        "sizes m\ndata X : (m, 7)\n"
        "parameter W : (7, 33), b : (33), V : (33, 33), U : (33, 5), w : (5)\n"
        "A = relu(X W + b)\nB = tanh(A V)\nP = softmax(B U)\ny = P w\nt = sum(P, axis=1)\nk = argmax(P)"
    )
    graph.set_outputs([graph[name] for name in "ABPytk"])
    draw = np.random.default_rng(0)
    given = {
        graph.names_of(leaf)[0]: draw.normal(size=[rows if n == "m" else n for n in leaf.shape])
        for leaf in graph.leaves()
    }
    program = NativeProgram(graph, dtype, target)
    clean, _ = program(bound_to(graph, given, {"m": rows}, dtype))
    for number in NOT_FINITE:
        for row in {0, rows // 2, rows - 1}:
            X = np.array(given["X"])
            X[row] = number
            made, _ = program(bound_to(graph, {**given, "X": X}, {"m": rows}, dtype))
            for before, after in zip(clean, made, strict=True):
                assert np.array_equal(np.delete(before, row, 0), np.delete(after, row, 0))
            assert np.isnan(made[2][row]).all() and np.isnan(made[3][row])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 40])
def test_what_chooses_an_element_is_not_misled(width: int, dtype: Any) -> None:
    """The greatest, the least and the place of the greatest of rows that hold NaN and infinities anywhere."""
    draw = np.random.default_rng(width)
    rows = draw.normal(size=(60, width))
    for row in rows[:50]:
        row[draw.integers(0, width, 3)] = draw.choice([np.nan, np.inf, -np.inf], 3)
    rows[50] = -np.inf
    graph = cr.Graph()
    graph.x = cr.data(60, width)
    x = graph.x
    values = [cr.max(x, axis=1), cr.min(x, axis=1), cr.argmax(x, axis=1), cr.argmax(x, axis=0), cr.relu(x)]
    values += [cr.maximum(x, 0.5), cr.minimum(x, 0.5), cr.max(x), cr.min(x), cr.max(x, axis=0)]
    values += [cr.clip(x, low=-1, high=1), cr.sign(x), cr.abs(x), cr.floor(x)]
    for i, value in enumerate(values):
        graph[f"v{i}"] = value
    graph.set_outputs(values)
    x = rows.astype(dtype)
    wanted = [np.max(x, 1), np.min(x, 1), np.argmax(x, 1), np.argmax(x, 0), np.maximum(x, 0)]
    wanted += [np.maximum(x, 0.5), np.minimum(x, 0.5), np.max(x), np.min(x), np.max(x, 0)]
    wanted += [np.clip(x, -1, 1), np.sign(x), np.abs(x), np.floor(x)]
    made, _ = NativeProgram(graph, dtype)(bound_to(graph, {"x": x}, {}, dtype))
    for ours, numpys in zip(made, wanted, strict=True):
        assert np.array_equal(ours, numpys, equal_nan=True)
