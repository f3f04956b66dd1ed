"""PyTorch as a contender: eager with fused optimizers, or the forward pass and the loss compiled."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.ladder.contender import TOLERANCE, Array
from benchmarks.ladder.setting import Setting
from benchmarks.ladder.workloads import EPSILON, KEEP, MU, RHO1, RHO2, VARIANCE_EPSILON, Model, Training

torch: Any = importlib.import_module("torch")
nn: Any = torch.nn


class Torch:
    """The usual loop, without anything in it that only a person would look at."""

    whole = False
    tolerance = TOLERANCE

    def __init__(self, setting: Setting, *, compiled: bool = False) -> None:
        torch.set_num_threads(setting.threads)
        torch.set_flush_denormal(True)
        self.X, self.y = torch.from_numpy(setting.X), torch.from_numpy(setting.y)
        self.net, self.names = _network(setting.model)
        with torch.no_grad():
            for name, place in self.names.items():
                start = torch.from_numpy(setting.start[name])
                place.copy_(start.T if name.startswith("W") else start)
        self.optimizer = _optimizer(setting.training, self.net.parameters())
        loss = _LOSSES[setting.model.loss]

        def forward(x: Any, y: Any) -> Any:
            return loss(self.net(x), y)

        self.forward = torch.compile(forward) if compiled else forward

    def run(self, order: Array) -> float:
        """Run a step on each batch."""
        rows, losses = torch.from_numpy(np.ascontiguousarray(order)), []
        for chosen in rows:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.forward(self.X.index_select(0, chosen), self.y.index_select(0, chosen))
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    def weights(self) -> dict[str, Array]:
        """Return the parameters by name."""
        found = {name: place.detach().numpy() for name, place in self.names.items()}
        return {name: (a.T if name.startswith("W") else a).copy() for name, a in found.items()}

    def is_settled(self) -> bool:
        """It is compiled, if at all, once it has run."""
        return True


def contender(setting: Setting) -> Torch:
    """Return PyTorch, eager."""
    return Torch(setting)


def compiled(setting: Setting) -> Torch:
    """Return PyTorch with `torch.compile`, which needs a compiler of C++."""
    return Torch(setting, compiled=True)


def _network(model: Model) -> tuple[Any, dict[str, Any]]:
    """Return the network, and its parameters by name."""
    layers: list[Any] = []
    names: dict[str, Any] = {}
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[model.activation]
    for number, (inputs, units) in enumerate(model.layers, start=1):
        hidden = number < len(model.layers)
        normalized = hidden and model.normalized
        dense = nn.Linear(inputs, units, bias=not normalized)
        names[f"W{number}"] = dense.weight
        layers.append(dense)
        if normalized:
            norm = nn.BatchNorm1d(units, eps=VARIANCE_EPSILON, momentum=1 - KEEP)
            names |= {f"gamma{number}": norm.weight, f"beta{number}": norm.bias}
            layers.append(norm)
        else:
            names[f"b{number}"] = dense.bias
        if hidden:
            layers.append(activation())
        if hidden and model.dropout:
            layers.append(nn.Dropout(model.dropout))
    return nn.Sequential(*layers), names


def _optimizer(training: Training, parameters: Any) -> Any:
    rate, optim = training.rate, torch.optim
    made: Mapping[str, Callable[[], Any]] = {
        "SGD": lambda: optim.SGD(parameters, rate, fused=True),
        "Momentum": lambda: optim.SGD(parameters, rate, momentum=MU, fused=True),
        "Adam": lambda: optim.Adam(parameters, rate, (RHO1, RHO2), EPSILON, fused=True),
    }
    return made[training.optimizer]()


_LOSSES: Mapping[str, Callable[[Any, Any], Any]] = {
    "binary": nn.functional.binary_cross_entropy_with_logits,
    "classes": nn.functional.cross_entropy,
    "values": nn.functional.mse_loss,
}
