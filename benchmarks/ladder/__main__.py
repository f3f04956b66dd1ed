"""Run the ladder: `python -m benchmarks.ladder --peers jax,torch,sklearn,numpy`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ladder.contender import PEERS
from benchmarks.ladder.outcome import Outcome
from benchmarks.ladder.report import environment, of_json, put_into, to_json, to_markdown
from benchmarks.ladder.workloads import RUNGS, AnyRung

_OUTPUT = Path(__file__).parents[1] / "results" / "ladder.json"
_USUAL = "jax,torch,sklearn,numpy"
_ONE_CORE = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> int:
    """Run each rung in a process of its own; write JSON and Markdown after each of them."""
    given = _parser().parse_args()
    where = environment()
    kept = _earlier(given.output, where) if given.keep else {}
    failed = False
    for rung in _chosen(given.rungs.split(",")):
        print(f"{rung.name} …", file=sys.stderr, flush=True)
        outcome, broken = _measured(rung, given)
        failed = failed or broken
        if outcome is not None:
            kept[rung.name] = outcome
            _write(kept, where, given.output)
    outcomes = _in_order(kept)
    print(to_markdown(outcomes, where))
    if given.page is not None:
        put_into(given.page, to_markdown(outcomes, where))
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ladder", description=__doc__)
    parser.add_argument("--peers", default=_USUAL, type=_peers, help=f"some of {', '.join(PEERS)}")
    parser.add_argument("--rungs", default="", help="W1,W2,…; all if omitted. W3 and start are two each")
    parser.add_argument("--slices", type=int, default=0, help="for each contender; as the rung says if 0")
    parser.add_argument("--seconds", type=float, default=0.0, help="a rung takes at least as long")
    parser.add_argument("--output", type=Path, default=_OUTPUT, help="JSON; Markdown is put beside it")
    parser.add_argument("--page", type=Path, help="a page whose tables are replaced, between two markers")
    parser.add_argument("--data", type=Path, help="the folder of the MNIST test images, for the rung mnist")
    parser.add_argument("--keep", action="store_true", help="keep the output's other rungs")
    return parser


def _peers(text: str) -> str:
    unknown = set(filter(None, text.split(","))) - set(PEERS)
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: the peers are {', '.join(PEERS)}")
    return text


def _chosen(names: Sequence[str]) -> list[AnyRung]:
    """Return the rungs by name, or by the first word of it; all if none is named."""
    wanted = set(filter(None, names))
    found = [rung for rung in RUNGS if not wanted or {rung.name, rung.name.split()[0]} & wanted]
    known = {name for rung in RUNGS for name in (rung.name, rung.name.split()[0])}
    if wanted - known:
        raise SystemExit(f"no rung is called {', '.join(sorted(wanted - known))}.")
    return found


def _earlier(path: Path, where: dict[str, str]) -> dict[str, Outcome]:
    """Return the rungs of an earlier run in the same environment."""
    if not path.exists():
        return {}
    outcomes, before = of_json(path.read_text(encoding="utf-8"))
    if before != where:
        raise SystemExit(f"{path} was measured elsewhere or with other versions: {before}.")
    return {outcome.rung: outcome for outcome in outcomes}


def _measured(rung: AnyRung, given: argparse.Namespace) -> tuple[Outcome | None, bool]:
    """Return what a rung came to, if anything, and whether it broke."""
    cores = _cores(rung.cores)
    if len(cores) < rung.cores:
        print(f"{rung.name} needs {rung.cores} cores; left out.", file=sys.stderr)
        return None, False
    options = {"--peers": given.peers, "--slices": given.slices, "--seconds": given.seconds}
    command = [sys.executable, "-m", "benchmarks.ladder.worker", rung.name]
    command += [f"{name}={option}" for name, option in options.items()]
    command += [f"--data={given.data}"] if given.data else []
    done = subprocess.run(
        command,
        env=_environment(len(cores)),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        # Pinned before it starts, so that all of its threads are.
        preexec_fn=lambda: _pin(cores),
    )
    if done.returncode:
        return None, True
    data = json.loads(done.stdout.splitlines()[-1])
    if data is None:
        print(f"{rung.name} has no data; left out.", file=sys.stderr)
        return None, False
    return Outcome.of_data(data), False


def _cores(count: int) -> list[int]:
    """Return some cores this process may use, the last ones: the first has more of the system's work."""
    able = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return list(able)[-count:]


def _pin(cores: Sequence[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _environment(cores: int) -> dict[str, str]:
    """Return this environment, all libraries told how many threads to use; chainrule finds out by itself."""
    kept = {name: text for name, text in os.environ.items() if name not in ("XLA_FLAGS", "CHAINRULE_THREADS")}
    flags = {"XLA_FLAGS": _ONE_CORE} if cores == 1 else {}
    return {**kept, **dict.fromkeys(_LIBRARIES, str(cores)), **flags}


def _write(kept: dict[str, Outcome], where: dict[str, str], output: Path) -> None:
    outcomes = _in_order(kept)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(to_json(outcomes, where), encoding="utf-8")
    output.with_suffix(".md").write_text(to_markdown(outcomes, where), encoding="utf-8")


def _in_order(kept: dict[str, Outcome]) -> list[Outcome]:
    return [kept[rung.name] for rung in RUNGS if rung.name in kept]


if __name__ == "__main__":
    sys.exit(main())
