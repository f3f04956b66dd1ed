"""The rungs of the ladder, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

MU, RHO1, RHO2, EPSILON = 0.9, 0.9, 0.999, 1e-8
"""What every contender's momentum and Adam are given."""
KEEP, VARIANCE_EPSILON = 0.9, 1e-5
"""What is kept of running statistics in each step, and what is added to a variance."""


@dataclass(frozen=True)
class Model:
    """A network.

    Attributes:
        widths: inputs, hidden units, outputs.
        activation: tanh or relu, after each layer but the last.
        loss: binary, classes or values: cross-entropy of a logit, of softmax, or the mean squared error.
        dropout: None for a plain network; else a hidden layer is a product without a bias, batch
            normalization, the activation, and dropout with this probability.
    """

    widths: tuple[int, ...]
    activation: str
    loss: str
    dropout: float | None = None

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Inputs and outputs of each matrix."""
        return list(pairwise(self.widths))

    @property
    def normalized(self) -> bool:
        """Whether hidden layers have batch normalization and dropout."""
        return self.dropout is not None

    def forward_flops(self, rows: int) -> int:
        """Return the additions and multiplications in the products of a forward pass."""
        return 2 * rows * sum(i * o for i, o in self.layers)

    def step_flops(self, rows: int) -> int:
        """Return those of a step: forward, dW, and dX of all layers but the first."""
        first, *others = (2 * rows * i * o for i, o in self.layers)
        return 2 * first + 3 * sum(others)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the parameters' shapes by their names, layer by layer."""
        found: dict[str, tuple[int, ...]] = {}
        for number, (inputs, units) in enumerate(self.layers, start=1):
            hidden = number < len(self.layers) and self.normalized
            found[f"W{number}"] = (inputs, units)
            names = (f"gamma{number}", f"beta{number}") if hidden else (f"b{number}",)
            found |= dict.fromkeys(names, (units,))
        return found


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes:
        optimizer: SGD, Momentum or Adam.
        rate: the learning rate.
        batch: examples in a step.
        steps: steps in an epoch.
    """

    optimizer: str
    rate: float
    batch: int
    steps: int

    @property
    def examples(self) -> int:
        """Number of examples."""
        return self.batch * self.steps


@dataclass(frozen=True)
class Goal:
    """What is to be reached.

    Attributes:
        ratio: best peer's time over chainrule's, at least.
        share: chainrule's share of the multiply-add peak, at least.
        most: chainrule's own figure, at most.
    """

    ratio: float | None = None
    share: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Rung:
    """A network and its training, to be timed.

    Attributes:
        name: in the table.
        cores: how many the contenders are pinned to.
        slices: how many each contender has, at least.
        checked: steps after which weights are compared.
    """

    name: str
    model: Model
    training: Training
    goal: Goal
    cores: int = 1
    slices: int = 30
    checked: int = 20

    @property
    def title(self) -> str:
        """Say what the network is."""
        model, training = self.model, self.training
        extra = f", batch norm and dropout {model.dropout:g}" if model.dropout is not None else ""
        widths = "-".join(map(str, model.widths))
        loss = {"binary": "BCE", "classes": "CE", "values": "MSE"}[model.loss]
        return f"{widths} {model.activation}{extra}, {loss}, {training.optimizer}, batch {training.batch}"

    @property
    def flops(self) -> int:
        """Additions and multiplications in the products of one step."""
        return self.model.step_flops(self.training.batch)

    def without_masks(self) -> Rung:
        """Return the same without dropout: what can be compared weight by weight."""
        return replace(self, model=replace(self.model, dropout=0.0)) if self.model.normalized else self


@dataclass(frozen=True)
class PredictionRung:
    """Prediction to be timed.

    Attributes:
        name: in the table.
        rows: examples at once.
    """

    name: str
    rows: int
    goal: Goal
    cores: int = 1
    slices: int = 30

    @property
    def title(self) -> str:
        """Say what is predicted."""
        return f"prediction with W3's network, {self.rows} row{'s' * (self.rows > 1)}"


@dataclass(frozen=True)
class ProcessRung:
    """Processes to be measured from their start to the end of an epoch.

    Attributes:
        name: in the table.
        title: what is measured.
        measured: warm, cold or memory.
    """

    name: str
    title: str
    measured: str
    goal: Goal
    cores: int = 2
    slices: int = 7


@dataclass(frozen=True)
class RealRung:
    """Real data, trained on until a share of what is held out is right.

    Attributes:
        name: digits or mnist.
        model: its network.
        training: `steps` is what the data has.
        accuracy: to be reached.
        slices: how many times each contender is trained.
    """

    name: str
    model: Model
    training: Training
    accuracy: float
    cores: int = 1
    slices: int = 7

    @property
    def title(self) -> str:
        """Say what is trained, and how far."""
        widths, training = "-".join(map(str, self.model.widths)), self.training
        return (
            f"{widths} {self.model.activation}, {training.optimizer}, batch {training.batch}, "
            f"until {self.accuracy:.0%} of what is held out is right"
        )


AnyRung = Rung | PredictionRung | ProcessRung | RealRung

_W3 = Model((784, 128, 10), "relu", "classes")
_W3_TRAINING = Training("Momentum", 0.01, batch=128, steps=48)
_W1 = Model((10, 32, 32, 1), "tanh", "binary")
W2 = Rung(
    "W2",
    Model((30, 128, 64, 2), "relu", "classes"),
    Training("Adam", 1e-3, batch=64, steps=300),
    Goal(2.3),
)
LARGE = (4096, 4096, 4096, 4096)

RUNGS: tuple[AnyRung, ...] = (
    Rung("W1", _W1, Training("SGD", 0.05, batch=32, steps=2000), Goal(5.0)),
    Rung("W1s", _W1, Training("SGD", 0.01, batch=1, steps=20000), Goal(5.0)),
    W2,
    Rung("W3", _W3, _W3_TRAINING, Goal(1.6, share=0.75)),
    Rung("W3 two cores", _W3, _W3_TRAINING, Goal(1.8), cores=2),
    Rung(
        "W4",
        Model((784, 512, 256, 10), "relu", "classes", dropout=0.2),
        Training("Adam", 1e-3, batch=128, steps=16),
        Goal(2.0),
        cores=2,
    ),
    Rung(
        "W5",
        Model((1024, 2048, 2048, 10), "relu", "classes"),
        Training("Adam", 1e-4, batch=512, steps=4),
        Goal(1.15, share=0.8),
        cores=2,
        slices=8,
    ),
    Rung(
        "W6",
        Model(LARGE, "relu", "values"),
        Training("SGD", 10.0, batch=1024, steps=2),
        Goal(1.15, share=0.8),
        cores=2,
        slices=6,
        checked=2,
    ),
    PredictionRung("P1", 1, Goal(2.0)),
    PredictionRung("P1024", 1024, Goal(1.3)),
    ProcessRung(
        "start warm",
        "start of a process to the end of an epoch, 64-64-10 on the digits, kernels cached",
        "warm",
        Goal(3.0),
    ),
    ProcessRung("start cold", "the same, no kernels cached", "cold", Goal(1.0)),
    ProcessRung("memory", "peak resident size, W2", "memory", Goal(most=110.0), slices=3),
    RealRung(
        "digits",
        Model((64, 64, 10), "relu", "classes"),
        Training("Adam", 1e-3, batch=32, steps=0),
        accuracy=0.97,
    ),
    RealRung(
        "mnist",
        Model((784, 128, 10), "relu", "classes"),
        Training("Adam", 1e-3, batch=64, steps=0),
        accuracy=0.94,
    ),
)
BY_NAME: Mapping[str, AnyRung] = {rung.name: rung for rung in RUNGS}
