"""How far a run is: a bar on a terminal, a line now and then elsewhere. Always on stderr."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Bar:
    """Watches a run of so many epochs, each of so many batches. Use it in a ``with``."""

    def __init__(self, epochs: int, batches: int, done: int = 0, show: bool = True):
        console = Console(stderr=True)
        self.live = console.is_terminal and show
        self.show = show
        self.every = max(1, epochs // 10)
        self.epochs = epochs
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeRemainingColumn()
        self.progress = Progress(*columns, console=console, disable=not self.live, refresh_per_second=4)
        self.task = self.progress.add_task("training", total=epochs * batches, completed=done * batches, said="")

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(self, *problem) -> None:
        self.progress.stop()

    def batch(self) -> None:
        self.progress.advance(self.task)

    def epoch(self, row: dict) -> None:
        said = (
            f"epoch {row['epoch']} of {self.epochs}  loss {row['train_loss']:.3f}  "
            f"validation {row['validation_loss']:.3f}, {100 * row['validation_accuracy']:.1f} % right"
        )
        self.progress.update(self.task, said=said)
        if self.show and not self.live and row["epoch"] % self.every == 0:
            print(said, file=sys.stderr, flush=True)
