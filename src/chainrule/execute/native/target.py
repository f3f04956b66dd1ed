"""Which processor to write code for: how wide its vectors are, and what this machine can run."""

from __future__ import annotations

import functools
import importlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chainrule.errors import NativeUnavailableError, UnknownNameError, nearest

VARIABLE = "CHAINRULE_TARGET"
_BYTES = {"float": 4, "double": 8}


@dataclass(frozen=True)
class Target:
    """A kind of processor, as kernels are written for it.

    Attributes:
        name: avx512, avx2, neon or plain.
        triple: LLVM's name of processor, vendor and system.
        cpu: LLVM's name of the processor; its features are used, and code is arranged for it.
        features: more features, or fewer, as LLVM writes them: `+fma,-avx512f`.
        vector_bytes: the size of a vector.
        registers: how many vectors the processor holds.
    """

    name: str
    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int

    def lanes(self, scalar: str) -> int:
        """Return how many numbers a vector holds.

        >>> TARGETS["avx2"].lanes("float"), TARGETS["avx2"].lanes("double")
        (8, 4)
        """
        return self.vector_bytes // _BYTES[scalar]


_X86, _ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target("avx512", _X86, "x86-64-v4", "", 64, 32),
        Target("avx2", _X86, "x86-64-v3", "", 32, 16),
        Target("neon", _ARM, "generic", "", 16, 32),
        Target("plain", _X86, "x86-64-v2", "", 16, 16),
    )
}
"""Every target, widest first, as it is compiled where it cannot run."""

# What LLVM's names of processors above stand for, as far as kernels could meet it.
_AVX2 = ("avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt", "movbe", "popcnt")
_NEEDS = {
    "avx2": _AVX2,
    "avx512": (*_AVX2, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
}
_FAMILIES = {"x86_64": ("avx512", "avx2", "plain"), "aarch64": ("neon", "plain")}
_PLAIN_CPU = {"x86_64": "x86-64-v2", "aarch64": "generic"}


@functools.cache
def llvm() -> Any:
    """Return llvmlite's binding to LLVM, imported when first asked for.

    Raises:
        NativeUnavailableError: llvmlite is missing or broken, or the system forbids code made at run time.
    """
    try:
        binding: Any = importlib.import_module("llvmlite.binding")
        binding.check_jit_execution()
    except Exception as reason:
        raise NativeUnavailableError(
            f"machine code cannot be made here: {reason}",
            fix="python -m pip install --upgrade llvmlite",
            where="",
        ) from reason
    return binding


@functools.cache
def family() -> str:
    """Return the kind of processor this process runs on: x86_64, aarch64, or what LLVM calls it."""
    return family_of(str(llvm().get_process_triple()))


def family_of(triple: str) -> str:
    """Return the kind of processor a triple begins with.

    >>> family_of("arm64-apple-darwin24.1.0")
    'aarch64'
    """
    arch = triple.split("-")[0]
    return "aarch64" if arch.startswith(("aarch64", "arm64")) else arch


@functools.cache
def executable_targets() -> tuple[Target, ...]:
    """Return the targets whose code this machine can run, widest first; the first is fitted to it exactly."""
    features: Mapping[str, bool] = llvm().get_host_cpu_features()
    names = _FAMILIES.get(family(), ("plain",))
    able = [name for name in names if all(features.get(need) for need in _NEEDS.get(name, ()))]
    widest, *narrower = [_here(TARGETS[name]) for name in able]
    if widest.name == "plain":
        return (widest,)
    exact = ",".join(f"{'+' if there else '-'}{name}" for name, there in sorted(features.items()))
    return replace(widest, cpu=str(llvm().get_host_cpu_name()), features=exact), *narrower


def host_target() -> Target:
    """Return the widest target this machine can run, or the one that CHAINRULE_TARGET names.

    Raises:
        UnknownNameError: the environment variable names no target, or one that cannot be run here.
    """
    able = {target.name: target for target in executable_targets()}
    wanted = os.environ.get(VARIABLE, "").strip().lower()
    if not wanted:
        return next(iter(able.values()))
    if wanted not in able:
        why = "cannot be run on this machine" if wanted in TARGETS else "is no target"
        raise UnknownNameError(
            f"{VARIABLE} is {wanted}, which {why}.",
            fix=f"{nearest(wanted, able)} Without the variable, {next(iter(able))} is used.",
            where="",
        )
    return able[wanted]


def _here(target: Target) -> Target:
    """Return a target as this machine's system and, if it is the plain one, its processor need it."""
    triple = str(llvm().get_process_triple())
    # LLVM's loader reads ELF alone on Windows.
    triple += "-elf" if platform.system() == "Windows" and not triple.endswith("-elf") else ""
    cpu = _PLAIN_CPU.get(family(), "") if target.name == "plain" else target.cpu
    return replace(target, triple=triple, cpu=cpu)
