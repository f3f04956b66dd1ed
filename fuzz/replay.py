"""Hold a promise to the files of folders, without a fuzzer: `python -m fuzz.replay parse FOLDER …`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.promises import checks_or_refuses, parses_or_refuses

_PROMISES: dict[str, Callable[[str], object]] = {"parse": parses_or_refuses, "check": checks_or_refuses}


def replay(promise: Callable[[str], object], folders: list[str]) -> str:
    """Return how many files were read, how many refused, and the seconds of the slowest."""
    read, seconds = list[bool](), list[float]()
    for path in sorted(path for folder in folders for path in Path(folder).iterdir()):
        text = path.read_bytes().decode("utf-8", "ignore")
        start = time.perf_counter()
        read.append(promise(text) not in (None, False))
        seconds.append(time.perf_counter() - start)
    return f"{sum(read)} read, {len(read) - sum(read)} refused, the slowest took {max(seconds):.2f} s"


if __name__ == "__main__":
    print(replay(_PROMISES[sys.argv[1]], sys.argv[2:]))
