"""A network in one file: equations, what its parts are for, arrays, history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from numpy.typing import NDArray

from chainrule.errors import ChainruleError, ModelFileError
from chainrule.graph import Graph, parse
from chainrule.io.safetensors import load_tensors, save_tensors
from chainrule.nn.losses import Head
from chainrule.nn.sequential import Blueprint, Record
from chainrule.train.history import History

Array = NDArray[Any]
_KIND = "network"


def save_network(
    path: str | Path,
    graph: Graph,
    blueprint: Blueprint,
    arrays: Mapping[str, Array],
    history: History,
    seed: int,
) -> None:
    """Write a network as one safetensors file, atomically.

    Raises:
        DataError: the file cannot be written.
    """
    settings = {
        name: [float(x) for x in n] if isinstance(n, list) else float(n)
        for name, n in blueprint.settings.items()
    }
    metadata = {
        "kind": _KIND,
        "graph": graph.text(),
        "inputs": blueprint.inputs,
        "heads": {name: asdict(head) for name, head in blueprint.heads.items()},
        "settings": settings,
        "records": [[record.label, list(record.names)] for record in blueprint.records],
        "flat": sorted(blueprint.flat),
        "history": asdict(history),
        "seed": seed,
    }
    save_tensors(path, arrays, metadata)


def load_network(path: str | Path) -> tuple[Graph, Blueprint, dict[str, Array], History, int]:
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
        history = History(**metadata["history"])
        seed = int(metadata["seed"])
    except ChainruleError as error:
        _damaged(f"its equations cannot be read: {error.message}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        _damaged(f"its description lacks something: {error}")
    _check(graph, blueprint, tensors)
    return graph, blueprint, tensors, history, seed


def _blueprint(metadata: Mapping[str, Any]) -> Blueprint:
    heads = {name: Head(**fields) for name, fields in metadata["heads"].items()}
    records = [Record(label, tuple(names)) for label, names in metadata["records"]]
    return Blueprint(
        tuple(metadata["inputs"]), heads, dict(metadata["settings"]), {}, records, set(metadata["flat"])
    )


def _check(graph: Graph, blueprint: Blueprint, tensors: Mapping[str, Array]) -> None:
    named = [
        *blueprint.inputs,
        *(n for head in blueprint.heads.values() for n in (head.prediction, head.target)),
    ]
    unknown = [name for name in (*named, *blueprint.settings) if name not in graph]
    if unknown or not blueprint.heads:
        _damaged(f"its equations do not define {unknown[0] if unknown else 'an output'}")
    for leaf in graph.leaves("parameter", "state"):
        name = graph.names_of(leaf)[0]
        fits = name in tensors and len(tensors[name].shape) == leaf.ndim
        if not fits or any(
            isinstance(size, int) and size != actual
            for size, actual in zip(leaf.shape, tensors[name].shape, strict=True)
        ):
            _damaged(f"the array {name} is missing or of the wrong shape")


def _damaged(reason: str) -> NoReturn:
    raise ModelFileError(f"this file holds no usable network: {reason}.", where="", fix="save it again.")
