"""Which executor runs a graph: machine code where it can be made, NumPy elsewhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from chainrule.errors import KindError, NativeUnavailableError, UnknownNameError, nearest
from chainrule.execute.inputs import Array, Bound
from chainrule.execute.program import Program
from chainrule.execute.steps import ReferenceSteps, Steps
from chainrule.ir.graph import Graph
from chainrule.ir.value import Value

VARIABLE = "CHAINRULE_EXECUTOR"
USUAL = np.float32
"""The type of numbers in training and prediction, unless another is asked for."""
ExecutorName: TypeAlias = Literal["native", "reference"]
_NAMES = ("native", "reference")
_NATIVE_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


class Runnable(Protocol):
    """A graph made ready to run many times."""

    def __call__(self, bound: Bound) -> tuple[list[Array], dict[Value, Array]]:
        """Return the outputs, and the new value of each leaf that has an update."""
        ...


def program_for(graph: Graph, dtype: Any = USUAL) -> Runnable:
    """Return a graph made ready to run many times, on the executor in use."""
    if _executor(dtype) == "native":
        from chainrule.execute.native.program import NativeProgram

        return NativeProgram(graph, dtype)
    return Program(graph, dtype)


def laid_out(arrays: Mapping[str, Array], dtype: Any = USUAL) -> dict[str, Array]:
    """Return arrays, copied to where the executor in use can read them without copying them again."""
    if _executor(dtype) == "reference":
        return dict(arrays)
    from chainrule.execute.native.program import laid_down

    return {name: laid_down(array, dtype) for name, array in arrays.items()}


def steps_for(
    graph: Graph,
    bound: Bound,
    axes: Mapping[Value, int],
    examples: str,
    dtype: Any,
    threads: int | None = None,
) -> Steps:
    """Return a training step ready to run over batches, on the executor in use."""
    if _executor(dtype) == "native":
        from chainrule.execute.native.steps import NativeSteps

        return NativeSteps(graph, bound, axes, examples, dtype, threads)
    return ReferenceSteps(graph, bound, axes, examples, dtype)


def checked_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the floating-point type that a user asks for."""
    with contextlib.suppress(TypeError):
        if dtype is not None and np.dtype(dtype) in _NATIVE_DTYPES:
            return np.dtype(dtype)
    raise KindError(f"{dtype!r} is no type a network is trained in.", fix="float32 and float64 are.")


def _executor(dtype: Any) -> ExecutorName:
    """Return the executor that the environment variable CHAINRULE_EXECUTOR names, or the fastest there is.

    Raises:
        UnknownNameError: the variable names no executor.
        NativeUnavailableError: it asks for machine code where none can be made.
    """
    wanted = os.environ.get(VARIABLE, "").strip().lower()
    if wanted and wanted not in _NAMES:
        raise UnknownNameError(
            f"{VARIABLE} is {wanted}, which is no executor.", fix=nearest(wanted, _NAMES), where=""
        )
    if wanted == "reference" or np.dtype(dtype) not in _NATIVE_DTYPES:
        return "reference"
    from chainrule.execute.native.target import llvm

    try:
        llvm()
    except NativeUnavailableError:
        if wanted:
            raise
        return "reference"
    return "native"
