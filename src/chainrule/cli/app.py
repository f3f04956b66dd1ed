"""The commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="chainrule",
    help="A glass-box engine for feed-forward neural networks: what you read is what runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from chainrule import __version__

        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


@app.callback()
def chainrule(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A glass-box engine for feed-forward neural networks: what you read is what runs."""


@app.command()
def explain(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE.eqn]", help="A network as equations; or --layers.", show_default=False),
    ] = None,
    layers: Annotated[
        str,
        typer.Option(metavar='"784, 128 relu, 10 softmax"', help="A network as inputs and layers."),
    ] = "",
    loss: Annotated[str, typer.Option(help="With --layers; what suits the last activation.")] = "",
    weight_decay: Annotated[float, typer.Option(help="With --layers: λ of λ/2 Σ ‖W‖².", min=0)] = 0.0,
    optimizer: Annotated[
        str, typer.Option(help="sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw.")
    ] = "sgd",
    objective: Annotated[str, typer.Option(help="What is minimized; J, or the only scalar.")] = "",
    wrt: Annotated[str, typer.Option(help="Gradients wanted, such as W1,X; all parameters.")] = "",
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX.")] = False,
    ascii: Annotated[bool, typer.Option("--ascii", help="Print ASCII.")] = False,
    after: Annotated[
        bool, typer.Option("--after/--before", help="Show the graph after or before the rewrites.")
    ] = True,
    trace: Annotated[
        bool, typer.Option("--trace", help="Print every value on random or given data.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Arrays by name, for --trace.", show_default=False)
    ] = None,
    native: Annotated[
        bool, typer.Option("--native", help="Print what machine code makes of it: kernels, memory.")
    ] = False,
    sizes: Annotated[
        str, typer.Option(metavar="m=4,d=3", help="Sizes, for --native and for --trace on random data.")
    ] = "",
    dtype: Annotated[str, typer.Option(help="With --native: float32 or float64.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of the random data.", min=0)] = 0,
) -> None:
    """Print forward, backward and update equations of a network, with shapes."""
    from chainrule.cli.explain import Request, Sample, Source, run_explain
    from chainrule.cli.layers import optimizer_of

    sample = Sample(data, sizes, seed) if trace or data is not None else None
    source = Source(file, layers, loss, weight_decay)
    request = Request(source, optimizer_of(optimizer), objective, wrt, latex, ascii, after, sample)
    if native:
        from chainrule.cli.native import run_explain_native

        typer.echo(run_explain_native(request, sizes, dtype))
    else:
        typer.echo(run_explain(request))


@app.command()
def check(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A derivation: plain text, Markdown or .eqn; - for standard input."
        ),
    ],
    network: Annotated[
        Path | None,
        typer.Option(
            metavar="NET.eqn", help="The network, if the derivation does not state it.", show_default=False
        ),
    ] = None,
    grading: Annotated[
        Path | None,
        typer.Option(
            metavar="TEACHER.toml", help="What is asked for, and what it is worth.", show_default=False
        ),
    ] = None,
    annotate: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT", help="Where to write a copy with the verdicts below the lines.", show_default=False
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    hints: Annotated[
        bool, typer.Option("--hints/--no-hints", help="Say what is wrong, and what to write instead.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of the random numbers on which claims are judged.", min=0)] = 0,
) -> None:
    """Judge a derivation written by hand: which line is wrong, and what the mistake is.

    The exit status is 0 only if all holds, 1 if not, 2 if something cannot be read.
    """
    from chainrule.cli.check import Request, run_check

    raise typer.Exit(run_check(Request(file, network, grading, annotate, json, hints, seed)))


@app.command()
def rule(
    op: Annotated[str, typer.Argument(metavar="OP", help="Its name, such as relu or batch_norm.")],
) -> None:
    """Print an op's entry in the rule book: formula, derivative, signature, domain, kinks, source."""
    from chainrule.rulebook import rule as entry

    typer.echo(str(entry(op)))


@app.command()
def train(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="A CSV, TSV or Parquet file.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    task: Annotated[
        str, typer.Option(help="classification or regression; inferred from the target.", show_default=False)
    ] = "",
    hidden: Annotated[str, typer.Option(help="Units of each hidden layer; 0 for none.")] = "64,32",
    epochs: Annotated[int, typer.Option(help="How often each row is seen.", min=1)] = 60,
    batch_size: Annotated[int, typer.Option(help="Rows in a step; 0 for all.", min=0)] = 32,
    rate: Annotated[float, typer.Option(help="The learning rate α.")] = 0.05,
    weight_decay: Annotated[float, typer.Option(help="λ in J = L + λ/2 Σ ‖W‖².", min=0)] = 1e-4,
    held_out: Annotated[float, typer.Option(help="Share of rows kept for scoring.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Of the split, the weights and the order of rows.", min=0)] = 0,
    dtype: Annotated[str, typer.Option(help="The type of numbers, float32 or float64.")] = "float32",
    threads: Annotated[
        int | None,
        typer.Option(help="How many; as many as make steps fastest if omitted.", min=1, show_default=False),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            help="Go on with a saved model of this table, its network, task, split and seed.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Where to save the model; TABLE.safetensors in this folder.", show_default=False),
    ] = None,
) -> None:
    """Train a network on a table, score it on rows it has not seen, and save it."""
    from chainrule.cli.train import Request, run_train, widths
    from chainrule.estimators.tabular import Plan
    from chainrule.execute.executor import checked_dtype

    numbers = checked_dtype(dtype)
    plan = Plan(
        widths(hidden), epochs, batch_size or None, rate, weight_decay, held_out, seed, numbers, threads
    )
    run_train(Request(table, target, task, plan, resume, output))


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model that `train` saved.")],
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Rows with the columns trained on.")],
    output: Annotated[
        Path | None,
        typer.Option(help="Where to write the CSV; standard output if omitted.", show_default=False),
    ] = None,
) -> None:
    """Write a CSV of predictions, and of class probabilities, for the rows of a table."""
    from chainrule.cli.predict import run_predict

    run_predict(model, table, output)
