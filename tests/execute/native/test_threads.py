"""How many threads run, and that the result does not depend on it."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import chainrule as cr
from chainrule.execute.native.threads import VARIABLE, Tuning, most_threads


def test_a_prediction_shared_by_threads_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    X, y = draw.normal(size=(1025, 300)).astype(np.float32), draw.integers(0, 3, 1025)
    net = cr.Network([cr.Dense(257, "tanh"), cr.Dense(3)], loss="softmax_cross_entropy")
    net.fit(X[:100], y[:100], epochs=1)
    found: list[Any] = []
    for threads in ("1", "2", "3", "5"):
        monkeypatch.setenv(VARIABLE, threads)
        found.append(copy.deepcopy(net).predict_proba(X))
    for other in found[1:]:
        assert_array_equal(other, found[0])


@pytest.mark.parametrize(
    ("seconds", "most", "expected"),
    [
        ({1: 4.0, 2: 2.1, 4: 1.2, 8: 1.19}, 8, 4),
        ({1: 4.0, 2: 2.1, 4: 1.2, 8: 0.7}, 8, 8),
        ({1: 4.0, 2: 4.1}, 8, 1),
        ({1: 4.0, 2: 2.1, 3: 1.5}, 3, 3),
        ({1: 1e-6}, 8, 1),
        ({1: 1.0}, 1, 1),
    ],
)
def test_the_fastest_number_is_found(seconds: dict[int, float], most: int, expected: int) -> None:
    tuning = Tuning(most)
    turn = 0
    while not tuning.is_settled:
        slowed = 1 + 0.5 * math.sin(turn) ** 2 * (turn % 4 != 0)
        tuning.note(seconds[tuning.count] * slowed)
        turn += 1
    assert tuning.count == expected


def test_the_number_is_found_anew_when_others_come_and_go() -> None:
    tuning = Tuning(2)

    def work(seconds: dict[int, float], turns: int) -> None:
        for _ in range(turns):
            tuning.note(seconds[tuning.count])

    free, busy = {1: 0.010, 2: 0.006}, {1: 0.010, 2: 0.030}

    def settled() -> int:
        while not tuning.is_settled:
            work(seconds, 1)
        return tuning.count

    seconds = free
    assert settled() == 2
    seconds = busy
    work(seconds, 4)
    assert settled() == 1
    seconds = free
    work(seconds, 8)
    assert settled() == 2


def test_the_longer_a_number_has_proved_right_the_seldomer_others_are_tried() -> None:
    tuning, tried = Tuning(2), list[int]()
    for turn in range(10_000):
        if tuning.count == 1:
            tried.append(turn)
        tuning.note({1: 0.010, 2: 0.006}[tuning.count])
    assert len(tried) < 40
    assert max(tried) > 3000


def test_a_number_that_would_stop_the_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(cr.DataError, match="threads is 1000000, but"):
        most_threads(10**6)
    monkeypatch.setenv(VARIABLE, "999999")
    with pytest.raises(cr.DataError, match="CHAINRULE_THREADS is 999999, but"):
        most_threads()
    assert most_threads(64) == (64, True)
