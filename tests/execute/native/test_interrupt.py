"""Signals, other threads of Python and child processes, while machine code runs."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import chainrule as cr
from chainrule.execute.native.threads import Team
from tests.execute.native.test_steps import network_steps

ROOT = Path(__file__).parents[3]
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals and forks are those of POSIX systems")
CUTS = [(i, min(i + 64, 200)) for i in range(0, 200, 64)]


def digits(count: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    draw = np.random.default_rng(seed)
    return draw.normal(size=(count, 20)), draw.integers(0, 3, count)


def classifier(width: int = 33, seed: int = 0) -> cr.Network:
    return cr.Network(
        [cr.Dense(width, activation="relu"), cr.BatchNorm(), cr.Dropout(0.2), cr.Dense(3)],
        loss="softmax_cross_entropy",
        seed=seed,
    )


def in_a_process(call: str) -> None:
    """Run one of this module's functions in a process of its own, to its end."""
    code = f"from tests.execute.native.test_interrupt import *\n{call}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stdout + done.stderr[-3000:]


@posix
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_ctrl_c_in_a_long_epoch_leaves_a_usable_network(threads: int) -> None:
    in_a_process(f"interrupt_a_fit({threads})")


def interrupt_a_fit(threads: int) -> None:
    X, y = digits(100_000)
    net = classifier()
    net.fit(X[:64], y[:64], epochs=1, batch_size=16)  # all is compiled
    start = dict(net.arrays)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    history = net.fit(X, y, epochs=100_000, batch_size=16, threads=threads)
    assert history.interrupted
    assert len(history) < 1000
    assert any(not np.array_equal(array, start[name]) for name, array in net.arrays.items())
    assert all(np.isfinite(array).all() for array in net.arrays.values())
    probabilities = net.predict_proba(X[:10])
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert not net.fit(X[:64], y[:64], epochs=2, batch_size=16, threads=threads).interrupted
    assert all(np.isfinite(array).all() for array in net.arrays.values())
    print("done")


def test_a_call_is_as_many_steps_as_a_moment_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python takes notice of signals, and shows progress, between two calls."""
    steps, lengths = network_steps(1), list[int]()
    call = steps._call

    def watched(batch: Any, order: Any, losses: NDArray[np.float64]) -> int:
        lengths.append(len(losses))
        return call(batch, order, losses)

    order, cuts = np.arange(64_000) % 200, [(i, i + 64) for i in range(0, 64_000, 64)]
    steps._seconds = 1e-3
    monkeypatch.setattr(steps, "_call", watched)
    next(steps.run(order, cuts))
    assert lengths == [50]


@pytest.mark.parametrize("after", [1, 2])
def test_ctrl_c_while_threads_are_started_calls_them_off(after: int) -> None:
    in_a_process(f"interrupt_the_start({after})")


def interrupt_the_start(after: int) -> None:
    """A signal comes when one helper or two are at the gate already, and the first thread never comes."""
    wanted = [losses for losses, _ in network_steps(3).run(np.arange(200), CUTS)]
    start, started = _thread.start_new_thread, list[Any]()

    def interrupted(work: Any, arguments: tuple[()]) -> int:
        started.append(start(work, arguments))
        if len(started) == after:
            time.sleep(0.1)
            raise KeyboardInterrupt
        return started[-1]

    _thread.start_new_thread = interrupted
    steps = network_steps(3)
    with pytest.raises(KeyboardInterrupt):
        list(steps.run(np.arange(200), CUTS))
    made = [losses for losses, _ in steps.run(np.arange(200), CUTS)]
    assert np.array_equal(np.concatenate(made), np.concatenate(wanted))
    print("done")


@posix
@pytest.mark.parametrize("threads", [2, 3])
def test_ctrl_c_at_any_moment_ends_a_call_of_several_threads(threads: int) -> None:
    in_a_process(f"interrupt_again_and_again({threads})")


def interrupt_again_and_again(threads: int) -> None:
    """Threads start, meet and end all the time, and signals come in between."""
    steps, order, cuts = network_steps(threads), np.arange(200), [(0, 8), (8, 16), (16, 24)]
    go, draw = threading.Event(), np.random.default_rng(0)

    def send() -> None:
        while go.wait():
            go.clear()
            end = time.perf_counter() + draw.uniform(0, 0.002)
            while time.perf_counter() < end:
                pass
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=send, daemon=True).start()
    for _ in range(100):
        try:
            go.set()
            while True:
                list(steps.run(order, cuts))
        except KeyboardInterrupt:
            pass
    assert all(np.isfinite(array).all() for array in steps.arrays().values())
    assert all(np.isfinite(losses).all() for losses, _ in steps.run(order, CUTS))
    print("done")


@pytest.mark.parametrize("threads", [1, 2])
def test_two_trainings_at_once_are_as_one_after_the_other(threads: int) -> None:
    def train(seed: int, found: dict[int, dict[str, NDArray[Any]]]) -> None:
        X, y = digits(300, seed)
        net = classifier(seed=seed)
        net.fit(X, y, epochs=3, batch_size=32, threads=threads)
        found[seed] = dict(net.arrays)

    alone: dict[int, dict[str, NDArray[Any]]] = {}
    at_once: dict[int, dict[str, NDArray[Any]]] = {}
    for seed in (1, 2):
        train(seed, alone)
    workers = [threading.Thread(target=train, args=(seed, at_once)) for seed in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for seed, arrays in alone.items():
        for name, array in arrays.items():
            assert np.array_equal(array, at_once[seed][name]), name


def test_other_threads_go_on_while_an_epoch_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread of Python is made to give way here: another one runs only if a call lets it."""
    count, ended = [0], threading.Event()

    def go_on() -> None:
        while not ended.is_set():
            count[0] += 1
            time.sleep(0)

    seen: list[int] = []
    run = Team.run

    def watched(*arguments: Any) -> None:
        before = count[0]
        run(*arguments)
        seen.append(count[0] - before)

    steps = network_steps(1)
    list(steps.run(np.arange(200), CUTS))
    steps._seconds = 1e-9  # so that all steps are one call
    monkeypatch.setattr(Team, "run", watched)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    other = threading.Thread(target=go_on)
    try:
        other.start()
        list(steps.run(np.arange(64_000) % 200, [(i, i + 64) for i in range(0, 64_000, 64)]))
    finally:
        ended.set()
        sys.setswitchinterval(interval)
        other.join()
    assert max(seen) > 10


@posix
@pytest.mark.parametrize("busy", [False, True], ids=["at rest", "while another thread predicts"])
def test_a_child_process_can_predict_and_train(busy: bool) -> None:
    in_a_process(f"fork({busy})")


def fork(busy: bool) -> None:
    X, y = digits(200)
    net = classifier()
    net.fit(X, y, epochs=1, batch_size=32, threads=2)
    wanted, ended = net.predict_proba(X), threading.Event()

    def predict() -> None:
        while not ended.is_set():
            net.predict_proba(X)

    other = threading.Thread(target=predict)
    if busy:
        other.start()
    for _ in range(5):
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            same = np.array_equal(net.predict_proba(X), wanted)
            net.fit(X, y, epochs=1, batch_size=32, threads=2)
            os._exit(0 if same else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    ended.set()
    assert np.array_equal(net.predict_proba(X), wanted)
    print("done")


def test_what_no_thread_is_left_for_is_done_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    wanted = [losses for losses, _ in network_steps(1).run(np.arange(200), CUTS)]
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    made = [losses for losses, _ in network_steps(3).run(np.arange(200), CUTS)]
    assert np.array_equal(np.concatenate(made), np.concatenate(wanted))


@pytest.mark.parametrize("wrong", ["0", "-2", "1.5", "two", "٣ ١"])
def test_a_wrong_number_of_threads_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("CHAINRULE_THREADS", wrong)
    X, y = digits(20)
    with pytest.raises(
        cr.DataError, match=f"CHAINRULE_THREADS is {wrong}, which is no number of threads"
    ) as caught:
        classifier().fit(X, y, epochs=1)
    assert "CHAINRULE_THREADS=2" in str(caught.value)
