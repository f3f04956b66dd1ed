"""`chainrule explain`: a network's passes as equations."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.cli.layers import network_of
from chainrule.errors import DataError, GraphError, UnknownNameError, nearest
from chainrule.execute.examples import example_inputs, example_sizes
from chainrule.execute.reference import Trace
from chainrule.graph import Graph, read
from chainrule.nn.summary import kept_rows
from chainrule.notation.text import as_ascii, declarations, equations_with_values, updates
from chainrule.optim.optimizer import Optimizer
from chainrule.transform.rewrite import Firing


@dataclass(frozen=True)
class Sample:
    """On which data values are shown: a file's, or random numbers of some sizes."""

    data: Path | None
    sizes: str
    seed: int


@dataclass(frozen=True)
class Source:
    """The network: a file of equations, or layers with their loss and weight decay."""

    file: Path | None
    layers: str
    loss: str
    weight_decay: float


@dataclass(frozen=True)
class Request:
    """What the user asked for; values are shown if there is a sample."""

    source: Source
    optimizer: Optimizer
    objective: str
    wrt: str
    latex: bool
    ascii: bool
    after: bool
    sample: Sample | None


def run_explain(request: Request) -> str:
    """Return what `chainrule explain` prints: a document that chainrule reads back, unless LaTeX."""
    network = network_from(request.source)
    graph, fired = explained(network, request)
    if request.sample is not None:
        return _with_values(graph, request.sample)
    parts = list(_latex_parts(graph)) if request.latex else list(_text_parts(graph, request))
    if fired and request.after and not request.latex:
        rules = _rules(fired)
        parts.append(as_ascii(rules) if request.ascii else rules)
    return "\n\n".join(parts)


def network_from(source: Source) -> Graph:
    """Return the network that the command line names.

    Raises:
        DataError: there is none, or more than one.
    """
    if (source.file is None) == (not source.layers):
        raise DataError(
            "one network is needed: a file of equations, or --layers.",
            where="",
            fix='chainrule explain FILE.eqn, or chainrule explain --layers "784, 128 relu, 10 softmax".',
        )
    if source.file is None:
        return network_of(source.layers, source.loss, source.weight_decay).graph
    if source.loss or source.weight_decay:
        raise DataError("--loss and --weight-decay go with --layers; a file states its own.", where="")
    return read(source.file)


def explained(network: Graph, request: Request) -> tuple[Graph, tuple[Firing, ...]]:
    """Return the step of a network, or its backward pass alone for gradients named by the user."""
    if network.gradients or any(leaf in network.updates for leaf in network.leaves("parameter")):
        return network, ()
    objective = _objective(network, request.objective)
    if request.wrt:
        before = network.gradient(objective, [name.strip() for name in request.wrt.split(",")])
    elif any(not leaf.attributes["frozen"] for leaf in network.leaves("parameter")):
        step = network.step(request.optimizer, objective)
        return (step.graph, step.fired) if request.after else (step.before, ())
    else:
        return network, ()
    after = before.simplify()
    return (after, after.fired) if request.after else (before, ())


def _objective(network: Graph, asked: str) -> str:
    if asked:
        return asked
    if "J" in network:
        return "J"
    scalars = [network.names_of(v)[0] for v in network.outputs if v.shape == () and v.kind == "real"]
    if len(scalars) == 1:
        return scalars[0]
    raise GraphError(
        "it is not plain what to minimize: there is no J, and "
        + (f"several scalars, {', '.join(scalars)}." if scalars else "no scalar output."),
        where="",
        fix="name it: --objective L, or define J.",
    )


def _text_parts(graph: Graph, request: Request) -> Iterator[str]:
    yield declarations(graph, ascii=request.ascii)
    stage = "" if not graph.gradients else (", after rewriting" if request.after else ", before rewriting")
    for section, title in (("forward", "forward"), ("backward", f"backward{stage}"), ("update", "update")):
        body = graph.text(section=section, ascii=request.ascii)
        if body:
            yield f"# {title}\n{body}"
        if section == "forward" and graph.gradients:
            yield _kept(graph)


def _kept(graph: Graph) -> str:
    """Return which forward values the backward pass reads, with their bytes, as comments."""
    rows = kept_rows(graph, {}, np.dtype(np.float64).itemsize)
    widths = [max(len(row[column]) for row in rows) for column in range(3)] if rows else []
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    return "\n".join(
        ["# kept for the backward pass, in bytes of float64", *(f"#   {line}" for line in lines)]
    )


def _latex_parts(graph: Graph) -> Iterator[str]:
    for section in ("forward", "backward", "update"):
        if graph.text(section=section):
            yield f"% {section}\n\\[\n{graph.latex(section=section)}\n\\]"


def _rules(fired: tuple[Firing, ...]) -> str:
    lines = ["# rules that fired"]
    for number, firing in enumerate(fired, start=1):
        at = f"{firing.name} = " if firing.name else ""
        lines += [
            f"# {number}. {firing.rule}: {firing.equation}",
            *([f"#    where {firing.given}"] if firing.given else []),
            f"#    {firing.why}",
            f"#    {at}{firing.before}  becomes  {at}{firing.after}",
        ]
    return "\n".join(lines)


def _with_values(graph: Graph, sample: Sample) -> str:
    """Return each equation with its value below it."""
    inputs = _random(graph, sample) if sample.data is None else _given(graph, sample.data)
    trace = graph.run(**inputs)
    leaves = [f"{graph.names_of(leaf)[0]}\n{_shown(trace[leaf])}" for leaf in graph.leaves() if leaf in trace]
    shown = [f"{line}\n{_shown(trace[value])}" for line, value in equations_with_values(graph)]
    sizes = ", ".join(f"{letter} = {size}" for letter, size in trace.sizes.items())
    source = f"data from {sample.data}" if sample.data else f"random data, seed {sample.seed}"
    head = [f"# {source}; {sizes}" if sizes else f"# {source}"]
    after = _after_update(graph, trace)
    return "\n\n".join([*head, *leaves, *shown, *after])


def _after_update(graph: Graph, trace: Trace) -> Iterator[str]:
    lines = updates(graph).splitlines()
    for line, new in zip(lines, graph.updates.values(), strict=True):
        yield f"{line}\n{_shown(trace[new])}"


def _shown(array: Any) -> str:
    text = np.array2string(
        np.asarray(array), precision=4, suppress_small=True, threshold=60, edgeitems=3, max_line_width=100
    )
    return "\n".join("    " + line for line in text.splitlines())


def _random(graph: Graph, sample: Sample) -> dict[str, Any]:
    sizes = with_sizes(example_sizes(graph), sample.sizes)
    return dict(example_inputs(graph, sizes, sample.seed))


def with_sizes(sizes: dict[str, int], text: str) -> dict[str, int]:
    """Return sizes, those changed that a text such as "m=4, d=3" names.

    Raises:
        UnknownNameError: there is no such letter.
        DataError: a size is no positive whole number.
    """
    sizes = dict(sizes)
    for part in filter(None, (p.strip() for p in text.split(","))):
        letter, _, number = (p.strip() for p in part.partition("="))
        if letter not in sizes:
            raise UnknownNameError(f"there is no size {letter}.", where="", fix=nearest(letter, sizes))
        if not number.isdigit() or int(number) < 1:
            raise DataError(f"the size of {letter} is a positive whole number, not {number!r}.", where="")
        sizes[letter] = int(number)
    return sizes


def _given(graph: Graph, file: Path) -> dict[str, Any]:
    """Read arrays from an .npz file; hyperparameters that it leaves out are 0.1."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise DataError(f"there is no file {file}.", where="", fix="check the path.") from None
    except (OSError, ValueError, AttributeError, zipfile.BadZipFile):
        raise DataError(
            f"{file} is not an .npz file of numbers.",
            where="",
            fix='make one with numpy.savez("data.npz", X=X, Y=Y, W1=W1).',
        ) from None
    for leaf in graph.leaves("hyperparameter"):
        if leaf.shape == ():
            arrays.setdefault(graph.names_of(leaf)[0], np.array(0.1))
    return arrays
