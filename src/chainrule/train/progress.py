"""A progress bar with the loss of each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chainrule.train.loop import Epoch

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[Callable[[Epoch], None]]:
    """Show epochs as a bar with the last loss; the value is a callback for `fit(on_epoch=…)`.

    Args:
        console: where to show it; standard error if omitted, so that output can be piped.
    """
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console or RichConsole(stderr=True)) as progress:
        task = progress.add_task("training", total=None, loss="…")

        def show(epoch: Epoch) -> None:
            progress.update(task, total=epoch.of, completed=epoch.number, loss=f"{epoch.loss:.6g}")

        yield show
