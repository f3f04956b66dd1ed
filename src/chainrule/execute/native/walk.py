"""The loops around kernels, in machine code as well: one run of a program, and many training steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrule.execute.native.code import COUNT, FLAG, POINTER, Code, Register
from chainrule.execute.native.target import Target

ROW = 3
"""Cells of a call in a table: the kernel, its arguments, its units."""

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
) = range(11)
"""Cells of an epoch's arguments."""

_FLUSH_X86 = 0x8040
_FLUSH_ARM = 1 << 24


def run_text(target: Target) -> str:
    """Return the function `kernel(table, calls, unused)` that makes each call of a table in turn."""
    code = Code((POINTER, COUNT, COUNT))
    _flushing(code, target, lambda: _calls(code, code.arguments[0], code.arguments[1]))
    return code.text()


def epoch_text(target: Target) -> str:
    """Return the function `kernel(arguments, unused, unused)` that runs training steps.

    Each step puts the places of its examples where the program looks for them, runs the calls that end in the
    loss, and keeps the loss. Only if that is finite the step's updates are run; else no further step is. The
    cell DONE is the number of steps whose updates were run.
    """
    code = Code((POINTER, COUNT, COUNT))
    _flushing(code, target, lambda: _steps(code))
    return code.text()


def _calls(code: Code, table: Register, count: Register) -> None:
    def call(number: Register, _: tuple[Register, ...]) -> Sequence[Register]:
        row = code.address(table, code.multiply(number, code.whole(ROW)), COUNT)
        kernel, arguments, units = (
            code.load(ty, code.address(row, code.whole(i), COUNT))
            for i, ty in enumerate((POINTER, POINTER, COUNT))
        )
        code.effect(f"call void {kernel.name}({arguments}, i64 0, {units})")
        return ()

    code.loop(code.whole(0), count, 1, (), call)


def _steps(code: Code) -> None:
    order, chosen, losses, loss = (code.argument(cell, POINTER) for cell in (ORDER, CHOSEN, LOSSES, LOSS))
    forward, update = code.argument(FORWARD, POINTER), code.argument(UPDATE, POINTER)
    batch = code.argument(BATCH)

    def step(number: Register, carried: tuple[Register, ...]) -> Sequence[Register]:
        def run() -> Sequence[Register]:
            first = code.address(order, code.multiply(number, batch), COUNT)
            _copy(code, first, chosen, batch)
            _calls(code, forward, code.argument(FORWARD_CALLS))
            value = code.load("double", loss)
            code.store(value, code.address(losses, number, "double"))
            finite = code.compare("olt", code.intrinsic("fabs", value), code.constant("double", float("inf")))
            code.when(finite, lambda: _calls(code, update, code.argument(UPDATE_CALLS)) or ())
            return (code.select(finite, code.add(number, code.whole(1)), number), finite)

        return code.when(carried[1], run, lambda: carried)

    starts = (code.whole(0), Register(FLAG, "true"))
    done, _ = code.loop(code.whole(0), code.argument(STEPS), 1, starts, step)
    code.store(done, code.address(code.arguments[0], code.whole(DONE), COUNT))


def _copy(code: Code, source: Register, target: Register, count: Register) -> None:
    def one(i: Register, _: tuple[Register, ...]) -> Sequence[Register]:
        code.store(code.load(COUNT, code.address(source, i, COUNT)), code.address(target, i, COUNT))
        return ()

    code.loop(code.whole(0), count, 1, (), one)


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
