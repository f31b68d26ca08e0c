"""One epoch's throughput of `whyshape train` against the plain PyTorch loop it replaces, as a ratio in one process.

    python bench/train.py            # prints images per second of both and their ratio; the bar is 0.95

The plain loop does the same work (distort, forward, loss, backward, step, average) without engine, watcher and checkpoints.
Measured is the process's CPU time on one thread, which other programs on the machine disturb less than the clock on the wall.
Epochs alternate, the order within each pair too. Two ratios are given: of the fastest epochs, and the median over pairs.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from whyshape.lab.data import Digits, load
from whyshape.lab.distort import distorted
from whyshape.lab.network import ThreadNet
from whyshape.lab.progress import Bar
from whyshape.lab.recipe import Recipe
from whyshape.lab.train import Run, engine

PAIRS = 25


class PlainLoop:
    """The loop as a tutorial would write it."""

    def __init__(self, digits: Digits, recipe: Recipe):
        self.recipe, self.empty = recipe, -digits.mean / digits.std
        self.network = ThreadNet()
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=recipe.peak_rate, weight_decay=recipe.weight_decay, foreach=True)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(recipe.averaging))
        self.images, self.labels = digits.tensors(digits.train)

    def learn(self) -> float:
        self.network.train()
        total, batches = 0.0, torch.randperm(len(self.labels)).split(self.recipe.batch_size)
        for rows in batches:
            images = distorted(self.images[rows], self.recipe.distortion, self.empty)
            loss = F.cross_entropy(self.network(images), self.labels[rows], label_smoothing=self.recipe.smoothing)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.average.update_parameters(self.network)
            total += loss.detach()
        return float(total / len(batches))


def seconds(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    torch.set_num_threads(1)
    digits, recipe = load(), Recipe(epochs=1000)
    with tempfile.TemporaryDirectory() as folder, Bar(recipe.epochs, 17) as bar:
        run, plain = Run(digits, recipe, Path(folder), "flatten", engine("cpu", "1"), bar), PlainLoop(digits, recipe)
        ours, theirs = [], []
        for pair in range(PAIRS + 2):
            works = [(ours, lambda epoch=pair: run.learn(epoch)), (theirs, plain.learn)]
            for times, work in works if pair % 2 else reversed(works):
                times.append(seconds(work))
    ratios = [plain_time / our_time for our_time, plain_time in zip(ours[2:], theirs[2:])]  # the first two pairs warm up
    for name, times in (("whyshape", ours[2:]), ("plain", theirs[2:])):
        fastest, median = (len(digits.train) / pick(times) for pick in (min, statistics.median))
        print(f"{name:<9} {fastest:6.0f} images/s in the fastest epoch, {median:6.0f} in the median one")
    best = min(theirs[2:]) / min(ours[2:])
    print(
        f"{'ratio':<9} {best:6.3f} of the fastest epochs, {statistics.median(ratios):.3f} in the median of {PAIRS} pairs; the bar is 0.95"
    )


if __name__ == "__main__":
    main()
