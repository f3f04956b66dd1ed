"""A network in one file: equations, what its parts are for, arrays, history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ChainruleError, ModelFileError, ParseError
from chainrule.graph import Graph, parse
from chainrule.io.safetensors import load_tensors, save_tensors
from chainrule.ir.shape import show_shape
from chainrule.nn.initializers import Initializer, initializer
from chainrule.nn.losses import Head, Task
from chainrule.nn.sequential import Blueprint, Record
from chainrule.train.history import History

Array = NDArray[Any]
_KIND = "network"


@dataclass(frozen=True)
class Training:
    """How a network was trained so far.

    Attributes:
        history: epoch by epoch.
        seed: of everything random.
        owner: the kind of optimizer whose states are among the arrays, "" if there are none.
        dtype: the floating-point type it is trained in.
    """

    history: History
    seed: int
    owner: str
    dtype: str


def save_network(
    path: str | Path, graph: Graph, blueprint: Blueprint, arrays: Mapping[str, Array], training: Training
) -> None:
    """Write a network as one safetensors file, atomically.

    How parameters start is kept as far as it is said by names and numbers; functions are not.

    Raises:
        DataError: the file cannot be written.
    """
    settings = {name: np.asarray(n, float).tolist() for name, n in blueprint.settings.items()}
    metadata = {
        "kind": _KIND,
        "graph": graph.text(),
        "inputs": blueprint.inputs,
        "heads": {name: asdict(head) for name, head in blueprint.heads.items()},
        "settings": settings,
        "records": [[record.label, list(record.names)] for record in blueprint.records],
        "flat": sorted(blueprint.flat),
        "schemes": {name: item for name, item in blueprint.schemes.items() if not callable(item)},
        "usual": "glorot" if callable(blueprint.usual) else blueprint.usual,
        "sizes": blueprint.sizes,
        "examples": blueprint.examples,
        **asdict(training),
    }
    save_tensors(path, arrays, metadata)


def load_network(path: str | Path) -> tuple[Graph, Blueprint, dict[str, Array], Training]:
    """Read what `save_network` wrote.

    Raises:
        ModelFileError: the file is missing, damaged, or no network.
    """
    tensors, metadata = load_tensors(path)
    if metadata.get("kind") == "table":
        raise ModelFileError(
            f"{path} is a model of a table.", where="", fix=f"chainrule predict {path} TABLE reads it."
        )
    if metadata.get("kind") != _KIND:
        _damaged("it is not a network")
    try:
        graph = parse(metadata["graph"], source="the network's equations")
        blueprint = _blueprint(metadata)
        training = _training(metadata)
    except ParseError as error:
        raise ModelFileError(
            f"this file holds no usable network: its equations cannot be read: {error.message}",
            where=error.where,
            fix="define or import your own ops before loading.",
        ) from None
    except ChainruleError as error:
        _damaged(f"it cannot be read: {error.message}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        _damaged(f"its description lacks something: {error}")
    _check(graph, blueprint, tensors)
    return graph, blueprint, tensors, training


def _training(metadata: Mapping[str, Any]) -> Training:
    fields = metadata["history"]
    numbers = {name: [float(x) for x in fields[name]] for name in fields if name != "interrupted"}
    history = History(**numbers, interrupted=bool(fields["interrupted"]))
    dtype = str(metadata.get("dtype", "float64"))
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype {dtype}")
    return Training(history, int(metadata["seed"]), str(metadata["owner"]), dtype)


def _blueprint(metadata: Mapping[str, Any]) -> Blueprint:
    schemes = {name: _scheme(item) for name, item in metadata["schemes"].items()}
    return Blueprint(
        tuple(map(str, metadata["inputs"])),
        {name: Head(**fields) for name, fields in metadata["heads"].items()},
        {name: np.asarray(n, float).tolist() for name, n in metadata["settings"].items()},
        schemes,
        _scheme(metadata["usual"]),
        {letter: int(size) for letter, size in metadata["sizes"].items()},
        str(metadata["examples"]),
        [Record(str(label), tuple(map(str, names))) for label, names in metadata["records"]],
        set(map(str, metadata["flat"])),
    )


def _scheme(item: Any) -> Initializer:
    """Return how a parameter starts; JSON has made a list of a pair."""
    scheme = tuple(item) if isinstance(item, list) else item
    initializer(scheme)
    return scheme


def _check(graph: Graph, blueprint: Blueprint, tensors: Mapping[str, Array]) -> None:
    heads = blueprint.heads.values()
    named = [*blueprint.inputs, *blueprint.settings, *blueprint.schemes, *blueprint.flat]
    named += [name for head in heads for name in (head.prediction, head.target)]
    named += [name for record in blueprint.records for name in record.names]
    unknown = [name for name in named if name not in graph]
    if unknown or not heads or "J" not in graph:
        _damaged(f"its equations do not define {unknown[0] if unknown else 'an output'}")
    if any(head.task not in get_args(Task) for head in heads):
        _damaged("it does not say how its predictions are read")
    for leaf in graph.leaves("parameter", "state"):
        name = graph.names_of(leaf)[0]
        if name not in tensors:
            _damaged(f"the array {name} is missing")
    for name, array in tensors.items():
        _check_array(graph, name, array)


def _check_array(graph: Graph, name: str, array: Array) -> None:
    """Check an array against its leaf; a name that the graph has not is a state of an optimizer."""
    shape = graph[name].shape if name in graph else array.shape
    fits = len(array.shape) == len(shape) and array.dtype.kind in "fiu"
    pairs = zip(shape, array.shape, strict=True) if fits else ()
    if not fits or any(isinstance(size, int) and size != actual for size, actual in pairs):
        _damaged(f"the array {name} is not of the shape {show_shape(shape)}")
    if name in graph and graph[name].attributes.get("role") not in ("parameter", "state"):
        _damaged(f"there is an array for {name}, which is neither parameter nor state")


def _damaged(reason: str) -> NoReturn:
    raise ModelFileError(f"this file holds no usable network: {reason}.", where="", fix="save it again.")
