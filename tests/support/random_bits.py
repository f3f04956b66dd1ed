"""Threefry2x32-20 in whole numbers of Python, written from the paper's description; one counter at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_MOD = 2**32


def threefry_in_whole_numbers(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """Return two 32-bit words."""
    schedule = [*key, 0x1BD11BDA ^ key[0] ^ key[1]]
    turns = [13, 15, 26, 6, 17, 29, 16, 24]
    x, y = (counter[0] + key[0]) % _MOD, (counter[1] + key[1]) % _MOD
    for number in range(20):
        x = (x + y) % _MOD
        turn = turns[number % 8]
        y = ((y * 2**turn) % _MOD + y // 2 ** (32 - turn)) ^ x
        if number % 4 == 3:
            injection = number // 4 + 1
            x = (x + schedule[injection % 3]) % _MOD
            y = (y + schedule[(injection + 1) % 3] + injection) % _MOD
    return x, y


def words(seed: int, step: float, shape: tuple[int, ...], number: int) -> Iterator[tuple[int, int]]:
    """Yield the words of each element of an array."""
    for place in range(math.prod(shape)):
        yield threefry_in_whole_numbers((int(seed), number), (int(step), place))


def dropout_mask(seed: int, step: float, *, shape: tuple[int, ...], p: float, id: int) -> NDArray[np.float64]:
    limit = round(p * _MOD)
    return np.array([float(first >= limit) for first, _ in words(seed, step, shape, id)]).reshape(shape)


def normal_noise(seed: int, step: float, *, shape: tuple[int, ...], id: int) -> NDArray[np.float64]:
    pairs = ((first / _MOD, second / _MOD) for first, second in words(seed, step, shape, id))
    numbers = [math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v) for u, v in pairs]
    return np.array(numbers).reshape(shape)
