"""The multiply-add peak: chains of them in registers, as code that chainrule's own generator writes."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from chainrule.errors import NativeUnavailableError
from chainrule.execute.native.code import COUNT, POINTER, Code, Register
from chainrule.execute.native.jit import Compiler
from chainrule.execute.native.target import Target, executable_targets

_CHAINS, _SPARE = 24, 4
_TURNS = 400_000


class Calibration:
    """A call says how many operations a second some cores do at this moment.

    Args:
        cores: how many run at once.

    Raises:
        NativeUnavailableError: no machine code can be made here.
    """

    def __init__(self, cores: int) -> None:
        target = executable_targets()[0]
        chains = min(_CHAINS, target.registers - _SPARE)
        (address,) = Compiler(target).addresses([_text(target, chains)])
        self._kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(address)
        self._out = np.zeros((cores, 16 * target.lanes("float")), np.float32)
        self._flops = 2.0 * chains * target.lanes("float") * _TURNS
        self._cores, self._pool = cores, ThreadPoolExecutor(cores)

    def __call__(self) -> float:
        """Return operations a second."""
        if self._cores == 1:
            return self._flops / self._seconds(0)
        return sum(self._flops / s for s in self._pool.map(self._seconds, range(self._cores)))

    def _seconds(self, core: int) -> float:
        start = time.perf_counter()
        self._kernel(self._out[core].ctypes.data, _TURNS)
        return time.perf_counter() - start


def calibration(cores: int) -> Callable[[], float | None]:
    """Return a calibration; where no machine code can be made, one that knows nothing."""
    try:
        return Calibration(cores)
    except NativeUnavailableError:
        return lambda: None


def _text(target: Target, chains: int) -> str:
    """Return a function that repeats a ← a·x + y for each of some vectors a and writes their sum."""
    code = Code((POINTER, COUNT))
    place, turns = code.arguments
    vector = f"<{target.lanes('float')} x float>"
    # Read from memory, so that the generator cannot work out what becomes of them.
    read = code.load(vector, place)
    factor, summand = code.add(read, code.constant(vector, 0.5)), code.add(read, code.constant(vector, 1.0))
    starts = [code.add(read, code.constant(vector, float(i))) for i in range(chains)]

    def turn(_: Register, sums: tuple[Register, ...]) -> list[Register]:
        return [code.multiply_add(a, factor, summand) for a in sums]

    total, *others = code.loop(code.whole(0), turns, 1, starts, turn)
    for a in others:
        total = code.add(total, a)
    code.store(code.multiply(total, code.constant(vector, 0.0)), place)
    return code.text()
