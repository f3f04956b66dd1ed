"""What the fuzzers share: bytes to text, and changes that know the language's tokens."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

import atheris
from tests.support.documents import changed, words
from tests.support.grammar import document

_VOCABULARY = words()
_BYTES, _ANEW = 0.3, 0.05


def drive(promise: Callable[[str], object]) -> None:
    """Hold a promise to the texts that the fuzzer makes, until one breaks it; see libFuzzer's options."""

    def one_input(data: bytes) -> None:
        promise(data.decode("utf-8", "ignore"))

    atheris.Setup(sys.argv, one_input, custom_mutator=_mutated)
    atheris.Fuzz()


def _mutated(data: bytes, most: int, seed: int) -> bytes:
    """Change bytes as libFuzzer does, or tokens and lines, or begin anew."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    manner = chance.random()
    if manner < _BYTES:
        return atheris.Mutate(data, most)
    if manner > 1 - _ANEW:
        return document(chance).encode()[:most]
    return changed(data.decode("utf-8", "ignore"), chance, _VOCABULARY).encode()[:most]
