"""A progress bar with the loss of each epoch."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from chainrule.train.loop import Epoch


class ProgressBar:
    """Epochs as a bar with the last loss; itself the callback for `fit(on_epoch=…)`.

    Args:
        console: rich's console to show it on; standard error if omitted, so that output can be piped.

    Example:
        >>> with progress_bar() as bar:  # doctest: +SKIP
        ...     fit(step, arrays, epochs=20, on_epoch=bar)
    """

    def __init__(self, console: Any = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        self.console = console or Console(stderr=True)
        self._progress = Progress(*columns, console=self.console)
        self._task = self._progress.add_task("training", total=None, loss="…")

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, epoch: Epoch) -> None:
        """Show that an epoch is done."""
        self._progress.update(self._task, total=epoch.of, completed=epoch.number, loss=f"{epoch.loss:.6g}")


def progress_bar(console: Any = None) -> ProgressBar:
    """Return a progress bar for `with`; see `ProgressBar`."""
    return ProgressBar(console)
