"""What training came to, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class History:
    """The course of a training.

    Attributes:
        losses: the mean objective of each epoch, as the steps saw it.
        validation_losses: the loss on the validation data after each epoch, by the prediction rules, NaN
            after epochs without such data; empty if there never was any.
        accuracies: likewise the share of validation examples whose class is predicted right.
        interrupted: whether Ctrl-C ended the last call early.
    """

    losses: list[float] = field(default_factory=list[float])
    validation_losses: list[float] = field(default_factory=list[float])
    accuracies: list[float] = field(default_factory=list[float])
    interrupted: bool = False

    def __len__(self) -> int:
        return len(self.losses)

    def note(self, measured: Mapping[str, float]) -> None:
        """Note what was measured on the validation data after the last epoch, "loss" and "accuracy"."""
        for name, numbers in (("loss", self.validation_losses), ("accuracy", self.accuracies)):
            if name in measured:
                numbers += [math.nan] * (len(self) - 1 - len(numbers)) + [measured[name]]

    def __str__(self) -> str:
        columns = {
            "loss": self.losses,
            "validation loss": self.validation_losses,
            "accuracy": self.accuracies,
        }
        shown = {name: numbers for name, numbers in columns.items() if numbers}
        head = "  ".join(["epoch", *(name.rjust(15) for name in shown)])
        rows = [
            "  ".join(
                [f"{i + 1:5d}", *(f"{numbers[i]:15.6g}" for numbers in shown.values() if i < len(numbers))]
            )
            for i in range(len(self))
        ]
        return "\n".join([head, *rows])
