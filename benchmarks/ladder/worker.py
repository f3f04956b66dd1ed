"""One rung in a process of its own, `python -m benchmarks.ladder.worker W1`; its last line is JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.ladder import predict, processes, real, train
from benchmarks.ladder.contender import installed
from benchmarks.ladder.others import Others
from benchmarks.ladder.outcome import Outcome
from benchmarks.ladder.slices import Plan
from benchmarks.ladder.workloads import BY_NAME, AnyRung, PredictionRung, ProcessRung, RealRung, Rung


def main() -> None:
    """Measure the rung that the arguments name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rung", choices=BY_NAME)
    parser.add_argument("--peers", default="")
    parser.add_argument("--slices", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    rung = BY_NAME[given.rung]
    plan = Plan(given.slices or rung.slices, given.seconds, pause=rung.cores > 1)
    peers = installed([peer for peer in given.peers.split(",") if peer])
    others = Others()
    outcome = _measured(rung, peers, plan, given.data)
    if warning := others.warning():
        print(f"{rung.name}: {warning}", file=sys.stderr)
    print(json.dumps(None if outcome is None else outcome.as_data()))


def _measured(rung: AnyRung, peers: list[str], plan: Plan, data: Path | None) -> Outcome | None:
    match rung:
        case Rung():
            return train.measure(rung, peers, plan)
        case PredictionRung():
            return predict.measure(rung, peers, plan)
        case ProcessRung():
            return processes.measure(rung, peers, plan)
        case RealRung():
            return real.measure(rung, peers, plan, data)


if __name__ == "__main__":
    main()
