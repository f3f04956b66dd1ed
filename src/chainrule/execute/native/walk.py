"""The loops around kernels, in machine code as well: one run of a program, and many training steps.

Several threads may walk the same table: each does its part of every call, and waits for the others where what
comes next may need what they have done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrule.execute.native.code import COUNT, FLAG, POINTER, Code, Register
from chainrule.execute.native.target import Target

KERNEL, ARGUMENTS, UNITS, GRAIN, MEETS = range(5)
ROW = 5
"""Cells of a call in a table: the kernel, its arguments, its units, by how many they are handed out, and
whether the threads meet after it."""

(
    FORWARD,
    FORWARD_CALLS,
    UPDATE,
    UPDATE_CALLS,
    ORDER,
    CHOSEN,
    BATCH,
    STEPS,
    LOSSES,
    LOSS,
    DONE,
    ARRIVED,
    MEETING,
    GIVE_WAY,
    GATE,
) = range(15)
"""Cells of the arguments of a run or an epoch."""

CELLS = 15
CLOSED, OPEN, CALLED_OFF = range(3)
"""What is in the cell GATE: whether the first thread has come, or never will."""

_SPINS = 4000
_FLUSH_X86 = 0x8040
_FLUSH_ARM = 1 << 24


def run_text(target: Target) -> str:
    """Return the function `kernel(arguments, thread, threads)` that makes each call of the forward table."""
    code = Code((POINTER, COUNT, COUNT))
    walk = _Walk(code, target)
    walk.together(lambda: _flushing(code, target, lambda: walk.calls(FORWARD, FORWARD_CALLS)))
    return code.text()


def epoch_text(target: Target) -> str:
    """Return the function `kernel(arguments, thread, threads)` that runs training steps.

    Each step puts the places of its examples where the program looks for them, runs the calls that end in the
    loss, and keeps the loss. Only if that is finite the step's updates are run; else no further step is. The
    cell DONE is the number of steps whose updates were run.
    """
    code = Code((POINTER, COUNT, COUNT))
    walk = _Walk(code, target)
    walk.together(lambda: _flushing(code, target, walk.steps))
    return code.text()


class _Walk:
    """The function being written."""

    def __init__(self, code: Code, target: Target) -> None:
        self.code, self.target = code, target
        _, self.thread, self.threads = code.arguments
        self.several = code.compare("sgt", self.threads, code.whole(1))
        self.is_first = code.compare("eq", self.thread, code.whole(0))

    def together(self, body: Callable[[], None]) -> None:
        """Append what all threads run when the first one has come, or none if it never will."""
        (is_on,) = self.code.when(self.several, self._come, lambda: (Register(FLAG, "true"),))
        self.code.when(is_on, lambda: body() or ())

    def _come(self) -> tuple[Register]:
        """Append the opening of the gate by the first thread, for which the others wait."""
        code = self.code
        gate = code.address(code.arguments[0], code.whole(GATE), COUNT)
        opening = f"store atomic i64 {OPEN}, {gate} release, align 8"
        code.when(self.is_first, lambda: code.effect(opening) or ())
        self._wait(gate, code.whole(CLOSED))
        return (code.compare("ne", code.load(COUNT, gate), code.whole(CALLED_OFF)),)

    def calls(self, table: int, count: int) -> None:
        """Append the loop over a table."""
        code = self.code
        first = code.argument(table, POINTER)

        def call(number: Register, _: tuple[Register, ...]) -> Sequence[Register]:
            row = code.address(first, code.multiply(number, code.whole(ROW)), COUNT)
            kernel, arguments, units, grain, meets = (
                code.load(ty, code.address(row, code.whole(i), COUNT))
                for i, ty in enumerate((POINTER, POINTER, COUNT, COUNT, COUNT))
            )

            def share() -> Sequence[Register]:
                begin, end = self._share(units, grain)
                busy = code.compare("slt", begin, end)
                code.when(busy, lambda: self._call(kernel, arguments, begin, end))
                meet = code.compare("ne", meets, code.whole(0))
                code.when(meet, self._meet)
                return ()

            code.when(self.several, share, lambda: self._call(kernel, arguments, code.whole(0), units))
            return ()

        code.loop(code.whole(0), code.argument(count), 1, (), call)

    def _call(self, kernel: Register, arguments: Register, begin: Register, end: Register) -> tuple[()]:
        self.code.effect(f"call void {kernel.name}({arguments}, {begin}, {end})")
        return ()

    def _share(self, units: Register, grain: Register) -> tuple[Register, Register]:
        """Append this thread's part of some units, handed out by whole grains."""
        code = self.code
        grains = code.binary("udiv", code.add(units, code.subtract(grain, code.whole(1))), grain)
        edges = [
            code.multiply(code.binary("udiv", code.multiply(grains, number), self.threads), grain)
            for number in (self.thread, code.add(self.thread, code.whole(1)))
        ]
        return edges[0], code.intrinsic("smin", edges[1], units)

    def _meet(self) -> tuple[()]:
        """Append a barrier: whoever comes last opens it; the others spin a while, then give way in turn."""
        code = self.code
        arrived, meeting = code.argument(ARRIVED, POINTER), code.argument(MEETING, POINTER)
        number = code.make(COUNT, f"load atomic i64, {meeting} acquire, align 8")
        before = code.make(COUNT, f"atomicrmw add {arrived}, i64 1 acq_rel, align 8")
        last = code.compare("eq", code.add(before, code.whole(1)), self.threads)

        def opening() -> tuple[()]:
            code.effect(f"store atomic i64 0, {arrived} monotonic, align 8")
            following = code.add(number, code.whole(1))
            code.effect(f"store atomic {following}, {meeting} release, align 8")
            return ()

        code.when(last, opening, lambda: self._wait(meeting, number))
        return ()

    def _wait(self, meeting: Register, number: Register) -> tuple[()]:
        code = self.code
        give_way = code.argument(GIVE_WAY, POINTER)

        def turn(carried: tuple[Register, ...]) -> tuple[Register, Sequence[Register]]:
            spins = code.add(carried[0], code.whole(1))
            patient = code.compare("slt", spins, code.whole(_SPINS))
            code.when(patient, self._pause, lambda: self._call_out(give_way))
            now = code.make(COUNT, f"load atomic i64, {meeting} acquire, align 8")
            return code.compare("eq", now, number), (spins,)

        code.repeat((code.whole(0),), turn)
        return ()

    def _pause(self) -> tuple[()]:
        if self.target.triple.startswith("x86_64"):
            self.code.call("llvm.x86.sse2.pause")
        return ()

    def _call_out(self, function: Register) -> tuple[()]:
        self.code.make("i32", f"call i32 {function.name}()")
        return ()

    def steps(self) -> None:
        """Append the loop over training steps."""
        code = self.code
        losses, loss = code.argument(LOSSES, POINTER), code.argument(LOSS, POINTER)

        def step(number: Register, carried: tuple[Register, ...]) -> Sequence[Register]:
            def run() -> Sequence[Register]:
                code.when(self.is_first, lambda: self._choose(number))
                code.when(self.several, self._meet)
                self.calls(FORWARD, FORWARD_CALLS)
                value = code.load("double", loss)
                code.when(
                    self.is_first,
                    lambda: code.store(value, code.address(losses, number, "double")) or (),
                )
                size = code.intrinsic("fabs", value)
                finite = code.compare("olt", size, code.constant("double", float("inf")))
                code.when(finite, lambda: self.calls(UPDATE, UPDATE_CALLS) or ())
                return (code.select(finite, code.add(number, code.whole(1)), number), finite)

            return code.when(carried[1], run, lambda: carried)

        starts = (code.whole(0), Register(FLAG, "true"))
        done, _ = code.loop(code.whole(0), code.argument(STEPS), 1, starts, step)
        place = code.address(code.arguments[0], code.whole(DONE), COUNT)
        code.when(self.is_first, lambda: code.store(done, place) or ())

    def _choose(self, number: Register) -> tuple[()]:
        """Append the copy of a step's part of the order of examples."""
        code, batch = self.code, self.code.argument(BATCH)
        source = code.address(code.argument(ORDER, POINTER), code.multiply(number, batch), COUNT)
        target = code.argument(CHOSEN, POINTER)

        def one(i: Register, _: tuple[Register, ...]) -> Sequence[Register]:
            code.store(code.load(COUNT, code.address(source, i, COUNT)), code.address(target, i, COUNT))
            return ()

        code.loop(code.whole(0), batch, 1, (), one)
        return ()


def _flushing(code: Code, target: Target, body: Callable[[], None]) -> None:
    """Run the body with denormal numbers taken and made as 0; its setting is put back after it."""
    family = target.triple.split("-")[0]
    if family == "x86_64":
        _flushing_x86(code, body)
    elif family == "aarch64":
        _flushing_arm(code, body)
    else:
        body()


def _flushing_x86(code: Code, body: Callable[[], None]) -> None:
    before, inside = (code.make(POINTER, "alloca i32, align 4") for _ in range(2))
    code.call("llvm.x86.sse.stmxcsr", before)
    setting = code.binary("or", code.load("i32", before), Register("i32", str(_FLUSH_X86)))
    code.store(setting, inside)
    code.call("llvm.x86.sse.ldmxcsr", inside)
    body()
    code.call("llvm.x86.sse.ldmxcsr", before)


def _flushing_arm(code: Code, body: Callable[[], None]) -> None:
    before = code.call("llvm.aarch64.get.fpcr", result=COUNT)
    code.call("llvm.aarch64.set.fpcr", code.binary("or", before, code.whole(_FLUSH_ARM)))
    body()
    code.call("llvm.aarch64.set.fpcr", before)
