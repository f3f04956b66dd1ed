"""What the fuzzers share: bytes to text, and changes that know the language's tokens."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

import atheris
from tests.support.documents import changed, words

_VOCABULARY = words()


def drive(promise: Callable[[str], object]) -> None:
    """Hold a promise to the texts that the fuzzer makes, until one breaks it; see libFuzzer's options."""

    def one_input(data: bytes) -> None:
        promise(data.decode("utf-8", "ignore"))

    atheris.Setup(sys.argv, one_input, custom_mutator=_mutated)
    atheris.Fuzz()


def _mutated(data: bytes, most: int, seed: int) -> bytes:
    """Change bytes as libFuzzer does, or tokens and lines."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    if chance.random() < 0.4:
        return atheris.Mutate(data, most)
    return changed(data.decode("utf-8", "ignore"), chance, _VOCABULARY).encode()[:most]
