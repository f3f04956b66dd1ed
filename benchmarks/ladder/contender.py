"""What a contender is, and where each is found."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from benchmarks.ladder.setting import Setting

Array = NDArray[Any]


TOLERANCE = 1e-3


class Contender(Protocol):
    """A network in the hands of one library.

    Attributes:
        whole: whether a slice is a whole epoch, because a call has a cost of its own that a user pays once
            an epoch; otherwise it is as many steps as take a short time.
        tolerance: how far weights may be from the reference's after some steps, relative to their norm.
    """

    whole: bool
    tolerance: float

    def run(self, order: Array) -> float:
        """Run a step on each batch, given as rows (steps, batch) of the data; return the mean loss."""
        ...

    def weights(self) -> dict[str, Array]:
        """Return the parameters by name, as copies."""
        ...

    def is_settled(self) -> bool:
        """Tell whether steps are as fast now as they will be."""
        ...


_PACKAGES: Mapping[str, tuple[str, str]] = {
    "chainrule": ("chainrule_", "chainrule"),
    "jax": ("jax_", "jax"),
    "torch": ("torch_", "torch"),
    "torch-compile": ("torch_", "torch"),
    "sklearn": ("sklearn_", "sklearn"),
    "numpy": ("numpy_", "numpy"),
    "onnx": ("onnx_", "onnxruntime"),
}
PEERS = tuple(name for name in _PACKAGES if name != "chainrule")


def installed(peers: Sequence[str]) -> list[str]:
    """Return those peers whose library is there."""
    return [peer for peer in peers if importlib.util.find_spec(_PACKAGES[peer][1]) is not None]


def maker(name: str) -> Callable[[Setting], Contender | None]:
    """Return what makes a contender; that returns None for a network the library does not have."""
    module = importlib.import_module(f"benchmarks.ladder.{_PACKAGES[name][0]}")
    return getattr(module, "compiled" if name == "torch-compile" else "contender")
