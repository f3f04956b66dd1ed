"""Which targets there are, which of them this machine runs, and how one is forced."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest

from chainrule.errors import ChainruleError, UnknownNameError
from chainrule.execute.native import target as module
from chainrule.execute.native.jit import Compiler
from chainrule.execute.native.target import TARGETS, executable_targets, family_of, host_target

FULL: dict[str, bool] = dict.fromkeys(("sse2", *module._NEEDS["avx512"]), True)  # pyright: ignore[reportPrivateUsage]
WIDE = """define void @kernel(ptr %a0) {
  %x = load <16 x float>, ptr %a0, align 4
  %y = call <16 x float> @llvm.fmuladd.v16f32(<16 x float> %x, <16 x float> %x, <16 x float> %x)
  store <16 x float> %y, ptr %a0, align 4
  ret void
}
declare <16 x float> @llvm.fmuladd.v16f32(<16 x float>, <16 x float>, <16 x float>)
"""


class Machine:
    """Stands for llvmlite's binding on some other machine."""

    def __init__(self, triple: str, cpu: str, features: Mapping[str, bool]) -> None:
        self.triple, self.cpu, self.features = triple, cpu, features

    def get_process_triple(self) -> str:
        return self.triple

    def get_host_cpu_name(self) -> str:
        return self.cpu

    def get_host_cpu_features(self) -> Mapping[str, bool]:
        return self.features


def on(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    monkeypatch.setattr(module, "llvm", lambda: machine)
    monkeypatch.setattr(module, "family", module.family.__wrapped__)
    monkeypatch.setattr(module, "executable_targets", module.executable_targets.__wrapped__)
    monkeypatch.delenv("CHAINRULE_TARGET", raising=False)


@pytest.mark.parametrize(
    ("name", "floats", "doubles", "registers"),
    [("avx512", 16, 8, 32), ("avx2", 8, 4, 16), ("neon", 4, 2, 32), ("plain", 4, 2, 16)],
)
def test_a_vector_holds_as_many_numbers_as_fit(name: str, floats: int, doubles: int, registers: int) -> None:
    target = TARGETS[name]
    assert (target.lanes("float"), target.lanes("double"), target.registers) == (floats, doubles, registers)


@pytest.mark.parametrize(
    ("triple", "features", "names"),
    [
        ("x86_64-unknown-linux-gnu", FULL, ["avx512", "avx2", "plain"]),
        ("x86_64-unknown-linux-gnu", FULL | {"avx512vl": False}, ["avx2", "plain"]),
        ("x86_64-unknown-linux-gnu", FULL | {"avx512vl": False, "fma": False}, ["plain"]),
        ("x86_64-apple-darwin23.0.0", {}, ["plain"]),
        ("arm64-apple-darwin24.1.0", {"neon": True}, ["neon", "plain"]),
        ("aarch64-unknown-linux-gnu", {}, ["neon", "plain"]),
        ("riscv64-unknown-linux-gnu", {"v": True}, ["plain"]),
    ],
)
def test_a_machine_runs_what_its_features_allow(
    monkeypatch: pytest.MonkeyPatch, triple: str, features: dict[str, bool], names: list[str]
) -> None:
    on(monkeypatch, Machine(triple, "somecpu", features))
    able = module.executable_targets()
    assert [target.name for target in able] == names
    assert {target.triple for target in able} == {triple}
    assert module.host_target() == able[0]
    assert all(target.cpu != "somecpu" and not target.features for target in able[1:])


def test_the_widest_target_is_fitted_to_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, Machine("x86_64-unknown-linux-gnu", "znver3", FULL | {"avx512f": False}))
    widest = module.host_target()
    assert (widest.name, widest.cpu) == ("avx2", "znver3")
    assert {"+fma", "-avx512f"} <= set(widest.features.split(","))


def test_an_unknown_processor_gets_plain_code_for_its_own_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, Machine("riscv64-unknown-linux-gnu", "spacemit-x60", {"v": True}))
    assert module.host_target() == replace(TARGETS["plain"], triple="riscv64-unknown-linux-gnu", cpu="")


def test_on_windows_the_loader_is_given_elf(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, Machine("x86_64-pc-windows-msvc", "skylake", FULL))
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    assert {target.triple for target in module.executable_targets()} == {"x86_64-pc-windows-msvc-elf"}


@pytest.mark.parametrize(
    ("wanted", "why"), [("avx3", "is no target"), ("neon", "cannot be run on this machine")]
)
def test_a_target_that_cannot_be_had_is_refused(
    monkeypatch: pytest.MonkeyPatch, wanted: str, why: str
) -> None:
    on(monkeypatch, Machine("x86_64-unknown-linux-gnu", "znver5", FULL))
    monkeypatch.setenv("CHAINRULE_TARGET", wanted)
    with pytest.raises(UnknownNameError) as caught:
        module.host_target()
    assert isinstance(caught.value, ChainruleError)
    assert str(caught.value).startswith(f"CHAINRULE_TARGET is {wanted}, which {why}.\n")
    assert "Known: avx512, avx2, plain. Without the variable, avx512 is used." in caught.value.fix


def test_the_variable_may_name_any_target_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for target in executable_targets():
        monkeypatch.setenv("CHAINRULE_TARGET", f" {target.name.upper()} ")
        assert host_target() == target
    monkeypatch.setenv("CHAINRULE_TARGET", "")
    assert host_target() == executable_targets()[0]


@pytest.mark.parametrize("target", executable_targets(), ids=lambda target: target.name)
def test_a_forced_target_uses_nothing_wider(target: module.Target) -> None:
    environment = dict(os.environ, CHAINRULE_TARGET=target.name, CHAINRULE_CACHE="off")
    code = (
        "from chainrule.execute.native.target import host_target\n"
        "from chainrule.execute.native.jit import Compiler\n"
        f"text = {WIDE!r}\n"
        "compiler = Compiler(host_target())\n"
        "print(host_target().name, compiler.addresses([text])[0] > 0)\n"
        "print(compiler.assembly(text))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    name, _, assembly = done.stdout.partition("\n")
    assert name == f"{target.name} True", done.stderr
    assert ("zmm" in assembly) == (target.name == "avx512")
    assert ("ymm" in assembly) == (target.name == "avx2")
    if family_of(target.triple) == "x86_64":
        assert ("vfmadd" in assembly) == (target.name != "plain")


@pytest.mark.parametrize(
    ("name", "instruction"),
    [("avx512", "zmm"), ("avx2", "ymm"), ("neon", "fmla\tv0.4s"), ("plain", "mulps\t%xmm")],
)
def test_every_target_can_be_compiled_for(name: str, instruction: str) -> None:
    assert instruction in Compiler(TARGETS[name]).assembly(WIDE)
