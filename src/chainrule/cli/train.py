"""`chainrule train`: from a table to a saved model."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chainrule.cli.say import counted, say
from chainrule.errors import DataError, NotFiniteError
from chainrule.estimators.preprocess import Preprocessor
from chainrule.estimators.score import baseline, score, split
from chainrule.estimators.table import Table, read_table
from chainrule.estimators.tabular import Plan, TabularModel
from chainrule.estimators.task import Task, infer_task
from chainrule.io.files import check_writable
from chainrule.train.loop import Epoch
from chainrule.train.progress import progress_bar

_MOST_COLUMNS_LISTED = 12
_WIDEST = 100_000


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    table: Path
    target: str
    task: str
    plan: Plan
    resume: Path | None
    output: Path | None


def run_train(request: Request) -> None:
    """Read, say what is inferred, train, score on held-out rows, save."""
    plan = request.plan
    _check(plan)
    output = _output(request)
    table = _table(request)
    if request.resume is None:
        model, training, held_out = _new(request, table)
    else:
        model, training, held_out = _resumed(request.resume, request.target, table)
    _say_network(model, training, held_out)
    _train(model, training, plan, output)
    _save(model, output)
    _say_scores(model, training, held_out)


def _new(request: Request, table: Table) -> tuple[TabularModel, Table, Table]:
    """Return an untrained model for a table, and the two parts of the table."""
    task = infer_task(request.target, table.values(request.target), request.task or None)
    say(task.explain())
    training, held_out = _parts(table, task, request.plan.seed, request.plan.held_out)
    preprocessor = Preprocessor.fit(training, request.target)
    preprocessor.transform(held_out)  # a cell that is no number is found now, not after the training
    _say_columns(preprocessor)
    return TabularModel.untrained(preprocessor, task, request.plan, len(table)), training, held_out


def _resumed(file: Path, target: str, table: Table) -> tuple[TabularModel, Table, Table]:
    """Return a saved model, and the parts into which its seed cuts the table."""
    model = TabularModel.load(file)
    if model.task.target != target:
        raise DataError(
            f"{file} predicts {model.task.target}, not {target}.",
            where="",
            fix=f"--target {model.task.target}, or train without --resume.",
        )
    if len(table) != model.rows:
        raise DataError(
            f"{file} was trained on a table of {counted(model.rows, 'row')}, this one has {len(table)}, "
            "so rows held out before might now be trained on.",
            where="",
            fix="resume with the table it was trained on.",
        )
    say(f"{model.task.explain()}; going on after {counted(len(model.losses), 'epoch')}")
    say("the model's own network, task, split and seed are used, whatever else was asked for")
    return (model, *_parts(table, model.task, model.seed, model.held_out))


def _parts(table: Table, task: Task, seed: int, held_out: float) -> tuple[Table, Table]:
    """Return the rows to train on and those held out."""
    first, second = split(task, task.encode(table.values(task.target)), seed, held_out)
    return table.take(first), table.take(second)


def _check(plan: Plan) -> None:
    if not np.isfinite(plan.rate) or plan.rate <= 0:
        raise DataError(f"the learning rate must be positive, not {plan.rate:g}.", where="")
    if not np.isfinite(plan.weight_decay):
        raise DataError(f"--weight-decay must be finite, not {plan.weight_decay:g}.", where="")
    if not 0 < plan.held_out < 1:
        raise DataError(f"--held-out is a share between 0 and 1, not {plan.held_out:g}.", where="")


def widths(hidden: str) -> tuple[int, ...]:
    """Return the widths in a text such as "64,32"; none for "0".

    Raises:
        DataError: it is no such list.
    """
    parts = [part.strip() for part in hidden.split(",") if part.strip()]
    if parts == ["0"] or not parts:
        return ()
    if all(part.isdecimal() for part in parts) and max(map(int, parts)) > _WIDEST:
        raise DataError(f"a layer of --hidden {hidden} is wider than {_WIDEST}.", where="")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise DataError(
            f"--hidden is a list of layer widths, not {hidden!r}.", where="", fix="for example --hidden 64,32"
        )
    return tuple(int(part) for part in parts)


def _output(request: Request) -> Path:
    """Return where the model goes; a place that cannot be written to is found out before training."""
    output = request.output or request.resume or Path(request.table.name.split(".")[0] + ".safetensors")
    check_writable(output, request.table)
    return output


def _table(request: Request) -> Table:
    """Return the rows that have a target."""
    table = read_table(request.table)
    table.require([request.target])
    say(f"{request.table}: {counted(len(table), 'row')}, {counted(len(table.names), 'column')}")
    table, without = table.drop_missing(request.target)
    if without:
        say(f"{counted(without, 'row')} without {request.target} left out")
    return table


def _say_columns(preprocessor: Preprocessor) -> None:
    lines = preprocessor.explain()
    for line in lines[:_MOST_COLUMNS_LISTED]:
        say(f"  {line}")
    if len(lines) > _MOST_COLUMNS_LISTED:
        say(f"  … and {len(lines) - _MOST_COLUMNS_LISTED} more columns")


def _say_network(model: TabularModel, training: Table, held_out: Table) -> None:
    weights = [array.shape for name, array in model.parameters.items() if name.startswith("W")]
    widths = " – ".join(map(str, [weights[0][0], *(shape[1] for shape in weights)]))
    count = sum(array.size for array in model.parameters.values())
    relu = " relu" if len(weights) > 1 else ""
    say(f"network: {widths}{relu}, {count} parameters")
    say(f"training on {len(training)} rows, {len(held_out)} held out; Ctrl-C stops and keeps what is learned")


def _train(model: TabularModel, training: Table, plan: Plan, output: Path) -> None:
    every = max(1, plan.epochs // 10)
    try:
        with progress_bar() as bar:

            def show(epoch: Epoch) -> None:
                bar(epoch)
                if epoch.number < epoch.of and (epoch.number % every == 0 or epoch.number == 1):
                    bar.console.print(f"epoch {epoch.number:4d}  loss {epoch.loss:.4f}", highlight=False)

            model.train(training, plan, show)
    except NotFiniteError:
        model.save(output)
        sys.stderr.write(f"the last weights with a finite loss are saved in {output}\n")
        raise
    if model.interrupted:
        say(f"stopped after {len(model.losses)} epochs")


def _say_scores(model: TabularModel, training: Table, held_out: Table) -> None:
    task = model.task
    truth = task.encode(held_out.values(task.target))
    reached = score(task, truth, model.predict(held_out).encoded)
    plain = baseline(task, task.encode(training.values(task.target)), truth)
    guess = "always the majority class" if task.kind == "classification" else "always the mean"
    say(f"on {counted(len(held_out), 'held-out row')}:")
    for name, number in reached.items():
        say(f"  {name}: {number:.4g}, {guess}: {plain[name]:.4g}")
    main = next(iter(reached))
    better = reached[main] > plain[main] if task.kind == "classification" else reached[main] < plain[main]
    if not better:
        say("  the model is no better than that guess; more rows, other columns or fewer epochs may help")


def _save(model: TabularModel, output: Path) -> None:
    model.save(output)
    say(f"saved {output}; chainrule predict {output} TABLE uses it")
