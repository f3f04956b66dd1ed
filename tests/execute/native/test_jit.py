"""Machine code from text: right on every target, made once, shared by threads, processes and children."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.errors import ChainruleError, NativeUnavailableError
from chainrule.execute.native import jit
from chainrule.execute.native.code import COUNT, POINTER, Code, Register
from chainrule.execute.native.jit import Compiler
from chainrule.execute.native.target import TARGETS, Target, executable_targets, family_of, host_target, llvm

Kernel = Callable[[Any, int, int], None]
FOREIGN = next(
    target for target in TARGETS.values() if family_of(target.triple) != family_of(host_target().triple)
)


def scale_and_shift(scalar: str, lanes: int, factor: float = 1.5) -> str:
    """Return a kernel that sets row i of y to factor·x + (1, 2, 3, …), for rows of one vector."""
    code, ty = Code((POINTER, COUNT, COUNT)), f"<{lanes} x {scalar}>"
    x, y = code.argument(0, POINTER), code.argument(1, POINTER)
    shift = Register(ty, "<" + ", ".join(f"{scalar} {i + 1}.0" for i in range(lanes)) + ">")

    def row(i: Register, _: tuple[Register, ...]) -> tuple[Register, ...]:
        place = code.multiply(i, code.whole(lanes))
        row = code.load(ty, code.address(x, place, scalar))
        result = code.multiply_add(row, code.constant(ty, factor), shift)
        code.store(result, code.address(y, place, scalar))
        return ()

    code.loop(code.arguments[1], code.arguments[2], 1, (), row)
    return code.text()


def run(address: int, scalar: str, lanes: int, factor: float = 1.5) -> None:
    """Run such a kernel on rows 1 and 2 of four, and compare with NumPy."""
    x = np.arange(4 * lanes, dtype=np.float32 if scalar == "float" else np.float64).reshape(4, lanes)
    y = np.full_like(x, -1.0)
    arguments = (ctypes.c_void_p * 2)(x.ctypes.data, y.ctypes.data)
    function: Kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(address)
    function(ctypes.addressof(arguments), 1, 3)
    expected = np.full_like(x, -1.0)
    expected[1:3] = factor * x[1:3] + np.arange(1, lanes + 1)
    np.testing.assert_array_equal(y, expected)


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give each test an empty cache on disk, and nothing yet in memory."""
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "kernels"))
    libraries: dict[Target, Any] = {}

    def library(target: Target) -> Any:
        return libraries.setdefault(target, jit._Library(target))  # pyright: ignore[reportPrivateUsage]

    monkeypatch.setattr(jit, "_library", library)
    return tmp_path / "kernels"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of texts that are compiled from now on."""
    texts: list[str] = []
    library: Any = jit._Library  # pyright: ignore[reportPrivateUsage]
    compiles = library.compiled

    def listed(self: Any, text: str, name: str) -> bytes:
        texts.append(text)
        return compiles(self, text, name)

    monkeypatch.setattr(library, "compiled", listed)
    return texts


@pytest.mark.parametrize("scalar", ["float", "double"])
@pytest.mark.parametrize("target", executable_targets(), ids=lambda target: target.name)
def test_every_target_of_this_machine_computes_what_numpy_does(target: Target, scalar: str) -> None:
    lanes = target.lanes(scalar)
    run(Compiler(target).addresses([scale_and_shift(scalar, lanes)])[0], scalar, lanes)


@pytest.mark.parametrize("scalar", ["float", "double"])
@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_every_target_can_be_compiled_for(target: Target, scalar: str) -> None:
    text = scale_and_shift(scalar, target.lanes(scalar))
    llvm().parse_assembly(text).verify()
    code = Compiler(target).object_code(text)
    assert code.startswith(b"\x7fELF")
    assert code[18:20] == {"x86_64": b"\x3e\0", "aarch64": b"\xb7\0"}[family_of(target.triple)]
    assert b"kernel_" in code


def test_constants_lie_within_reach_of_the_code() -> None:
    for name in ("avx512", "avx2", "plain"):
        assembly = Compiler(TARGETS[name]).assembly(scale_and_shift("float", 16))
        assert "(%rip)" in assembly
        assert "movabs" not in assembly
        assert ".ltext" not in assembly


def test_a_target_of_another_machine_is_not_run() -> None:
    with pytest.raises(NativeUnavailableError, match="this machine cannot run code for") as caught:
        Compiler(FOREIGN).addresses([scale_and_shift("float", 4)])
    assert isinstance(caught.value, ChainruleError)


def test_each_text_is_compiled_once(compiled: list[str]) -> None:
    lanes = host_target().lanes("float")
    texts = [scale_and_shift("float", lanes, factor) for factor in (2.0, 3.0, 2.0)]
    first = Compiler(host_target()).addresses(texts)
    assert compiled == texts[:2]
    assert first[0] == first[2] != first[1]
    again = Compiler(host_target()).addresses([*reversed(texts), scale_and_shift("float", lanes, 4.0)])
    assert again[:3] == first[::-1]
    assert len(compiled) == 3
    for address, factor in zip(again, (2.0, 3.0, 2.0, 4.0), strict=True):
        run(address, "float", lanes, factor)
    assert Compiler(host_target()).addresses([]) == []


def test_the_cache_on_disk_saves_compiling(
    compiled: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes = host_target().lanes("double")
    text = scale_and_shift("double", lanes)
    for turn in range(3):
        library: Any = jit._Library(host_target())  # pyright: ignore[reportPrivateUsage]
        run(library.addresses([text])[0], "double", lanes)
        assert len(compiled) == 1, turn
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    for _ in range(2):
        library = jit._Library(host_target())  # pyright: ignore[reportPrivateUsage]
        run(library.addresses([text])[0], "double", lanes)
        assert len(compiled) == 2
    monkeypatch.setattr(jit, "_GENERATION", "another")
    library = jit._Library(host_target())  # pyright: ignore[reportPrivateUsage]
    library.addresses([text])
    assert len(compiled) == 3


def test_the_key_depends_on_the_target_and_the_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    library: Any = jit._Library  # pyright: ignore[reportPrivateUsage]
    targets = [*TARGETS.values(), *executable_targets(), replace(TARGETS["avx2"], features="-fma")]
    keys = {library(target).key("text") for target in targets}
    assert len(keys) == len(set(targets))
    old = library(host_target()).key("text")
    monkeypatch.setattr(jit, "_llvmlite_version", lambda: "0.0.1")
    assert library(host_target()).key("text") not in {old, *keys}


def test_a_text_that_llvm_cannot_read_harms_no_other(compiled: list[str]) -> None:
    lanes = host_target().lanes("float")
    good, bad = (
        scale_and_shift("float", lanes),
        scale_and_shift("float", lanes).replace("fmuladd", "fmul add"),
    )
    compiler = Compiler(host_target())
    with pytest.raises(RuntimeError, match="parsing error"):
        compiler.addresses([good, bad])
    with pytest.raises(ValueError, match="defines no function"):
        compiler.addresses(["define void @another(ptr %a0) {\n  ret void\n}\n"])
    run(compiler.addresses([good])[0], "float", lanes)


def test_threads_may_ask_at_once(compiled: list[str]) -> None:
    lanes = host_target().lanes("float")
    texts = [scale_and_shift("float", lanes, float(factor)) for factor in range(6)]
    found: list[list[int]] = []
    begin = threading.Barrier(4)

    def ask() -> None:
        begin.wait()
        found.append(Compiler(host_target()).addresses(texts))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [found[0]] * 4
    assert sorted(compiled) == sorted(texts)
    for factor, address in enumerate(found[0]):
        run(address, "float", lanes, float(factor))


PROGRAM = """
from tests.execute.native.test_jit import *
lanes = host_target().lanes("float")
texts = [scale_and_shift("float", lanes, float(factor)) for factor in range(8)]
"""
USE = """
for factor, address in enumerate(Compiler(host_target()).addresses(texts)):
    run(address, "float", lanes, float(factor))
"""


def start(code: str, folder: Path | str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM + code],
        env=dict(os.environ, CHAINRULE_CACHE=str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def test_processes_may_fill_one_cache_at_once(folder: Path) -> None:
    racing = [start(USE, folder) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in racing]
    assert [process.returncode for process in racing] == [0, 0], errors
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 8
    assert all(name.endswith(".kernel") for name in names)
    reading = "jit._Library.compiled = None  # what is in the cache is not compiled again\n"
    process = start(reading + USE, folder)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX forks")
def test_a_child_may_compile_though_its_parent_was_compiling(folder: Path) -> None:
    code = """
import warnings
warnings.simplefilter("ignore")  # forking while threads run is what is tested
compiling = threading.Thread(target=Compiler(host_target()).addresses, args=[texts])
compiling.start()
child = os.fork()
if child == 0:
    for factor, address in enumerate(Compiler(host_target()).addresses(texts[::-1])):
        run(address, "float", lanes, 7.0 - factor)
    os._exit(5)
compiling.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
"""
    process = start(code + USE, "off")
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0
    assert not folder.exists()


@pytest.mark.parametrize(
    "breakage",
    [
        'sys.modules["llvmlite"] = None',
        'import ctypes\ndef broken(*_): raise OSError("no such library")\nctypes.CDLL = broken',
        "import llvmlite.binding as b\ndef no(): raise OSError('forbidden')\nb.check_jit_execution = no",
    ],
    ids=["missing", "broken", "forbidden"],
)
def test_without_llvm_the_caller_can_tell(breakage: str) -> None:
    code = f"""
import sys
import chainrule
from chainrule.execute.native.target import host_target
{breakage}
try:
    host_target()
except chainrule.NativeUnavailableError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("machine code cannot be made here: "), done.stderr
    assert "pip install --upgrade llvmlite" in done.stdout
