"""How many threads to use, and running a native function on several of them."""

from __future__ import annotations

import _thread
import ctypes
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.execute.native import walk

VARIABLE = "CHAINRULE_THREADS"
_GROUPS = Path("/sys/fs/cgroup")
_TOO_SHORT, _TRIALS, _CLEARLY = 20e-6, 4, 0.95
_MUCH, _SOON, _LATER, _LATE, _LONG = 1.5, 8, 64, 1024, 0.02
_ALWAYS = 64
"""So many threads may be asked for on any machine."""

_WORTH_A_THREAD = 20_000_000
_PATIENCE = 0.1
_LINE = 8
"""Cells of eight bytes in a cache line."""

_Native = Callable[[int, int, int], object]


def most_threads(wanted: int | None = None) -> tuple[int, bool]:
    """Return how many threads may be used, and whether that number was asked for.

    Args:
        wanted: what the caller asks for; else the environment variable CHAINRULE_THREADS is looked at, else
            it is what the process may use, by its affinity and its control group.

    Raises:
        DataError: the number is not a positive whole number, or far beyond what the machine has.
    """
    if wanted is None and os.environ.get(VARIABLE, "").strip():
        text = os.environ[VARIABLE].strip()
        if not text.isdecimal() or int(text) < 1:
            raise DataError(f"{VARIABLE} is {text}, which is no number of threads.", fix=f"{VARIABLE}=2.")
        return _checked(int(text), VARIABLE), True
    if wanted is not None:
        if isinstance(wanted, bool) or not isinstance(wanted, int | np.integer) or wanted < 1:  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
            raise DataError(f"threads is a positive whole number, not {wanted!r}.", fix="threads=2.")
        return _checked(int(wanted), "threads"), True
    return usable_processors(), False


def _checked(number: int, what: str) -> int:
    """Return a number of threads that a machine like this can start without coming to a standstill."""
    most = max(_ALWAYS, 4 * (os.cpu_count() or 1))
    if number > most:
        usable = usable_processors()
        raise DataError(
            f"{what} is {number}, but {usable} can work at once here; at most {most} may be asked for.",
            fix=f"{what}={usable}.",
        )
    return number


def usable_processors() -> int:
    """Return how many processors this process may keep busy."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _quota()))


def _quota() -> int:
    """Return how many processors' time the control group grants; a large number where there is no limit."""
    try:
        text = (_GROUPS / "cpu.max").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return _old_quota()
    share, _, period = text.strip().partition(" ")
    return sys.maxsize if share == "max" else math.ceil(int(share) / int(period or 100_000))


def _old_quota() -> int:
    try:
        share, period = (
            int((_GROUPS / "cpu" / f"cpu.cfs_{part}_us").read_text(encoding="ascii"))
            for part in ("quota", "period")
        )
    except (OSError, ValueError):
        return sys.maxsize
    return sys.maxsize if share <= 0 else math.ceil(share / period)


@cache
def _give_way() -> int:
    """Return the address of the system's function that lets other threads run."""
    if os.name == "nt":
        function: Any = ctypes.WinDLL("kernel32").SwitchToThread  # type: ignore[attr-defined]  # on Windows alone
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class Team:
    """Some threads that walk a table together."""

    def __init__(self) -> None:
        # Two counters, each alone on its cache line.
        self._state: NDArray[np.int64] = np.zeros(3 * _LINE, np.int64)

    def run(self, function: _Native, control: NDArray[np.int64], count: int) -> None:
        """Call a native function in each of `count` threads, this one included; return when all are done.

        What a signal's handler raises, as Ctrl-C does, is raised when the others are done as well.
        """
        address = self._state.ctypes.data
        control[walk.ARRIVED], control[walk.MEETING] = address + 8 * _LINE, address + 16 * _LINE
        control[walk.GIVE_WAY], control[walk.GATE] = _give_way(), walk.CLOSED
        self._state[:] = 0
        helpers = [_Helper(function, control, number, count) for number in range(1, count)]
        try:
            for helper in helpers:
                helper.start()
            function(control.ctypes.data, 0, count)
        except _NoThreadError:
            function(control.ctypes.data, 0, 1)
        finally:
            if control[walk.GATE] == walk.CLOSED:
                control[walk.GATE] = walk.CALLED_OFF
            _wait_for(helpers)


class _NoThreadError(Exception):
    """The system has no thread left."""


class _Helper:
    """A thread that joins in a native function, where it waits for the first one.

    Args:
        function: the native function.
        control: its arguments.
        number: of the thread.
        count: how many threads there are.
    """

    def __init__(self, function: _Native, control: NDArray[np.int64], number: int, count: int) -> None:
        self._function, self._control, self._place = function, control, (number, count)
        self._claims: list[str] = []
        self._over = threading.Lock()
        self._over.acquire()
        self._has_left = False

    def start(self) -> None:
        """Start the thread."""
        try:
            _thread.start_new_thread(self._work, ())
        except RuntimeError as reason:
            raise _NoThreadError from reason

    def _work(self) -> None:
        if self._is_first_claim("begun"):
            self._function(self._control.ctypes.data, *self._place)
            self._has_left = True
            self._over.release()

    def has_left(self) -> bool:
        """Wait a while for the end of the thread, and tell whether it has come; it may not begin any more."""
        if self._has_left or self._is_first_claim("called off"):
            return True
        self._over.acquire(timeout=_PATIENCE)
        return self._has_left

    def _is_first_claim(self, claim: str) -> bool:
        """Tell whether this claim was made before any other; made again, it is what it was."""
        self._claims.append(claim)
        return self._claims[0] == claim


def _wait_for(helpers: Sequence[_Helper]) -> None:
    """Return when all have left; what a signal's handler raises in the meantime is raised then."""
    raised: BaseException | None = None
    left = list(helpers)
    while left:
        try:
            left = [helper for helper in left if not helper.has_left()]
        except BaseException as failure:
            raised = failure
    if raised is not None:
        raise raised


class Tuning:
    """The number of threads that makes steps fastest, found by timing some, and again from time to time.

    Twice as many threads are tried as long as that helps, each number several times; steps that are over
    before a second thread is awake are left to one. What others do on the machine may have spoilt the answer,
    or may change it: numbers are tried anew after some calls, twice as many each time that the answer is the
    same, and as soon as steps take much longer than they did. Long steps are seldom disturbed in all trials,
    and the trials cost more: they are repeated later.

    Args:
        most: how many there may be.
        fixed: whether it is to be that many, whatever the time.
    """

    def __init__(self, most: int, *, fixed: bool = False) -> None:
        self.most, self.count = most, most if fixed else 1
        self.is_settled = self._is_fixed = fixed or most == 1
        self._best: dict[int, float] = {}
        self._trials = self._slow = self._before = 0
        self._wanted, self._patience = _TRIALS, _SOON

    def note(self, seconds: float) -> None:
        """Take notice of how long each step of a call took; `count` is for the next call."""
        if self._is_fixed:
            return
        if self.is_settled:
            self._watch(seconds)
            return
        self._best[self.count] = min(seconds, self._best.get(self.count, math.inf))
        self._trials += 1
        if seconds < _TOO_SHORT:
            self._settle()
        elif self._trials % self._wanted == 0:
            self._go_on()

    def _watch(self, seconds: float) -> None:
        """Begin anew after a while, or where steps have become much slower."""
        self._slow = self._slow + 1 if seconds > _MUCH * self._best[self.count] else 0
        self._trials += 1
        if self._slow == _TRIALS or self._trials == self._patience:
            self._before, self.count, self.is_settled = self.count, 1, False
            self._best.clear()
            self._trials, self._slow, self._wanted = 0, 0, _TRIALS // 2

    def _go_on(self) -> None:
        before = [seconds for count, seconds in self._best.items() if count < self.count]
        helps = self._best[self.count] < _CLEARLY * min(before, default=math.inf)
        if helps and self.count < self.most:
            self.count = min(2 * self.count, self.most)
        else:
            self._settle()

    def _settle(self) -> None:
        least = min(self._best.values())
        self.count = min(count for count, seconds in self._best.items() if _CLEARLY * seconds <= least)
        soon = _SOON if least < _LONG else _LATER
        self._patience = min(2 * self._patience, _LATE) if self.count == self._before else soon
        self.is_settled, self._trials = True, 0


class Run:
    """One table of calls, made by as many threads as make it fastest, if it is long enough to share.

    Args:
        function: the native function that walks a table.
        table: the calls.
        work: about how many operations on numbers they take together.
    """

    def __init__(self, function: _Native, table: NDArray[np.int64], work: int) -> None:
        self._function, self._table = function, table
        self._control: NDArray[np.int64] = np.zeros(walk.CELLS, np.int64)
        self._control[walk.FORWARD], self._control[walk.FORWARD_CALLS] = table.ctypes.data, len(table)
        self._address: int = self._control.ctypes.data
        most, fixed = most_threads()
        self._tuning = Tuning(max(1, min(most, work // _WORTH_A_THREAD)), fixed=fixed)
        self._team = Team()

    def __call__(self) -> None:
        """Make the calls, and return when all are done."""
        if self._tuning.most > 1:
            start = time.perf_counter()
            self._team.run(self._function, self._control, self._tuning.count)
            self._tuning.note(time.perf_counter() - start)
        elif len(self._table):
            self._function(self._address, 0, 1)
