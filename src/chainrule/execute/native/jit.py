"""From LLVM's representation to machine code in memory."""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.errors import NativeUnavailableError
from chainrule.execute.native.cache import key, user_cache
from chainrule.execute.native.target import Target, executable_targets, family, family_of, llvm

_DEFINED = re.compile(r"define void @kernel(\([^)]*\))")
# Raised whenever the same text and target are compiled in another way than before.
_GENERATION = "1"
# Constants are reached relative to the instruction, which LLVM's own choice for run-time code does not do.
_NEAR = {"reloc": "pic", "codemodel": "small"}

_lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    # A child has only the thread that forked: no other may be compiling, or hold LLVM's lock, at that moment.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class Compiler:
    """Compiles kernels for a target and keeps the machine code for the life of the process.

    What was compiled once is taken from memory, or from the cache on disk. Compilers of one target share
    everything, and may be used from several threads.

    Attributes:
        target: what to compile for.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._library = _library(target)

    def addresses(self, texts: Sequence[str]) -> list[int]:
        """Return where the machine code of each module's function begins.

        Args:
            texts: modules, each with one function `void kernel(…)`.

        Raises:
            NativeUnavailableError: this machine cannot run the target's code, or has no working LLVM.
        """
        with _lock:
            return self._library.addresses(texts)

    def object_code(self, text: str) -> bytes:
        """Return a module as an object file, compiled anew."""
        with _lock:
            return self._library.compiled(text, self._library.key(text))

    def assembly(self, text: str) -> str:
        """Return a module as the target's assembly."""
        with _lock:
            return str(self._library.machine.emit_assembly(llvm().parse_assembly(text)))


class _Library:
    """The machine code of one target that is in memory."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._addresses: dict[str, int] = {}

    def addresses(self, texts: Sequence[str]) -> list[int]:
        """Return where each text's code begins, after bringing into memory what is not there yet."""
        unknown = {text: self.key(text) for text in texts if text not in self._addresses}
        if unknown:
            # All are compiled before any is loaded: an error then leaves nothing half done.
            engine, objects = self._engine, self._objects(unknown)
            for data in objects.values():
                engine.add_object_file(llvm().ObjectFileRef.from_data(data))
            engine.finalize_object()
            for text, name in unknown.items():
                self._addresses[text] = int(engine.get_function_address(_symbol(name)))
        return [self._addresses[text] for text in texts]

    def key(self, text: str) -> str:
        """Return the name of a text's object, the same in every process."""
        return key(text, *self._circumstances)

    def compiled(self, text: str, name: str) -> bytes:
        """Return a text's object, whose function bears a name of its own."""
        named, found = _DEFINED.subn(rf"define void @{_symbol(name)}\1 nounwind", text, count=1)
        if not found:
            raise ValueError("the module defines no function `void kernel(…)`.")
        return bytes(self.machine.emit_object(llvm().parse_assembly(named)))

    @functools.cached_property
    def machine(self) -> Any:
        """What LLVM compiles with."""
        if family_of(self.target.triple) != family():
            llvm().initialize_all_targets()
            llvm().initialize_all_asmprinters()
        return self._new_machine()

    @functools.cached_property
    def _engine(self) -> Any:
        """What holds the code in memory; never closed, since addresses into it have been given away."""
        if self.target not in executable_targets():
            raise NativeUnavailableError(f"this machine cannot run code for {self.target.name}.", where="")
        # The last argument has each object's sections lie side by side, within reach of each other.
        return llvm().create_mcjit_compiler(llvm().parse_assembly(""), self._new_machine(), True)

    @functools.cached_property
    def _circumstances(self) -> tuple[str, ...]:
        target = self.target
        versions = (str(llvm().llvm_version_info), _llvmlite_version(), _GENERATION)
        return (target.triple, target.cpu, target.features, *versions)

    def _objects(self, texts: Mapping[str, str]) -> dict[str, bytes]:
        """Return the object of each text by its name, from the cache or compiled and put there."""
        cache = user_cache()
        objects = cache.read(texts.values())
        for text, name in texts.items():
            if name not in objects:
                objects[name] = self.compiled(text, name)
                cache.write(name, objects[name])
        return objects

    def _new_machine(self) -> Any:
        binding = llvm()
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        target = binding.Target.from_triple(self.target.triple)
        placed = _NEAR if family_of(self.target.triple) in ("x86_64", "aarch64") else {}
        return target.create_target_machine(
            cpu=self.target.cpu, features=self.target.features, opt=2, jit=True, **placed
        )


@functools.cache
def _library(target: Target) -> _Library:
    return _Library(target)


def _symbol(name: str) -> str:
    return f"kernel_{name}"


def _llvmlite_version() -> str:
    import llvmlite

    return str(llvmlite.__version__)
