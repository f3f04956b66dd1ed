"""scikit-learn as a contender: its multi-layer perceptron, trained by `partial_fit`."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from benchmarks.ladder.contender import TOLERANCE, Array
from benchmarks.ladder.setting import Setting
from benchmarks.ladder.workloads import EPSILON, MU, RHO1, RHO2, Model, Training

# Its Adam adds ε before the second moment's bias is taken out, which counts where gradients are small.
_ADAM_TOLERANCE = 2e-2
networks: Any = importlib.import_module("sklearn.neural_network")


class Sklearn:
    """An epoch of `partial_fit` over the rows of the batches, in their order."""

    whole = False

    def __init__(self, setting: Setting) -> None:
        self.tolerance = _ADAM_TOLERANCE if setting.training.optimizer == "Adam" else TOLERANCE
        # It says half the mean squared error.
        self.loss_scale = 2.0 if setting.model.loss == "values" else 1.0
        self.X = setting.X
        self.y = setting.y[:, 0] if setting.model.loss == "binary" else setting.y
        classes = {"binary": [0.0, 1.0], "classes": list(range(setting.model.widths[-1]))}
        self.options = {"classes": classes[setting.model.loss]} if setting.model.loss in classes else {}
        self.model = _perceptron(setting)
        self._start(setting)

    def _start(self, setting: Setting) -> None:
        """Make the arrays by a step, then put the starting weights into them and forget the rest."""
        batch, count = setting.training.batch, len(setting.model.layers)
        self.model.partial_fit(self.X[:batch], self.y[:batch], **self.options)
        names = [f"W{i}" for i in range(1, count + 1)] + [f"b{i}" for i in range(1, count + 1)]
        for name, place in zip(names, self._places(), strict=True):
            assert place.dtype == np.float32
            place[...] = setting.start[name]
        del self.model._optimizer

    def _places(self) -> list[Array]:
        return [*self.model.coefs_, *self.model.intercepts_]

    def run(self, order: Array) -> float:
        """Run a step on each batch."""
        rows = order.ravel()
        self.model.partial_fit(self.X[rows], self.y[rows], **self.options)
        return self.loss_scale * float(self.model.loss_)

    def weights(self) -> dict[str, Array]:
        """Return the parameters by name."""
        count = len(self.model.coefs_)
        names = [f"W{i}" for i in range(1, count + 1)] + [f"b{i}" for i in range(1, count + 1)]
        return {name: np.array(place) for name, place in zip(names, self._places(), strict=True)}

    def is_settled(self) -> bool:
        """It is as fast as it is."""
        return True


def contender(setting: Setting) -> Sklearn | None:
    """Return scikit-learn; None for batch normalization, and for two classes, which get one output here."""
    model = setting.model
    two = model.loss == "classes" and model.widths[-1] == 2
    return None if model.normalized or two else Sklearn(setting)


def _perceptron(setting: Setting) -> Any:
    model, training = setting.model, setting.training
    kind = networks.MLPRegressor if model.loss == "values" else networks.MLPClassifier
    return kind(
        hidden_layer_sizes=model.widths[1:-1],
        activation=model.activation,
        solver="adam" if training.optimizer == "Adam" else "sgd",
        alpha=0.0,
        batch_size=training.batch,
        learning_rate_init=_rate(model, training),
        shuffle=False,
        momentum=MU if training.optimizer == "Momentum" else 0.0,
        nesterovs_momentum=False,
        beta_1=RHO1,
        beta_2=RHO2,
        epsilon=EPSILON,
    )


def _rate(model: Model, training: Training) -> float:
    """Return the rate; the squared error is half a sum over outputs here, instead of their mean."""
    return training.rate * (2 / model.widths[-1] if model.loss == "values" else 1.0)
