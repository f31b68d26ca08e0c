"""Training the thread's network: the same run on a CPU, a GPU or several, and the same end if it is killed half-way.

The loop engine is Lightning Fabric: it moves the model, joins the processes and launches them, and leaves the loop to us.
Each epoch begins from random numbers of its own (seed, epoch), so a resumed run needs no saved generator state.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from whyshape.errors import WhyshapeError
from whyshape.lab.data import Digits
from whyshape.lab.distort import distorted
from whyshape.lab.network import ThreadNet
from whyshape.lab.recipe import Recipe
from whyshape.lab.state import gathered, load_tensors, save_tensors, spread

STATE = "last.safetensors"


class Watch(Protocol):
    """Who is told how far the run is."""

    def batch(self) -> None: ...
    def epoch(self, row: dict) -> None: ...


class Nobody:
    def batch(self) -> None: ...
    def epoch(self, row: dict) -> None: ...


@dataclass(frozen=True)
class Trained:
    """The network of the best epoch, and one row per epoch: epoch, rate, losses, validation accuracy."""

    network: ThreadNet
    history: list[dict]
    best_epoch: int
    validation: tuple[float, float]  # loss, accuracy
    test: tuple[float, float]


def train(
    digits: Digits,
    recipe: Recipe,
    folder: Path,
    resume: bool = False,
    head: str = "flatten",
    fabric: Fabric | None = None,
    watch: Watch | None = None,
) -> Trained:
    """Run the recipe on the digits, keeping a checkpoint of every epoch in the folder; `resume` goes on from the last.

    The epoch with the lowest validation loss is kept. The test part is looked at once, after that choice.
    Errors: `WhyshapeError` if the folder holds a run and `resume` is not set, or holds a run of another recipe or data.
    """
    fabric = fabric or engine("cpu", "1")
    with own_random_numbers(fabric.device):
        run = Run(digits, recipe, folder, head, fabric, watch or Nobody())
        run.begin(resume)
        while not run.over:
            run.next_epoch()
        return run.result()


def engine(accelerator: str = "auto", devices: str = "auto", nodes: int = 1) -> Fabric:
    """Lightning Fabric on these devices; processes for several are started by Fabric itself or by ``fabric run``."""
    try:
        fabric = Fabric(accelerator=accelerator, devices=int(devices) if devices.isdigit() else devices, num_nodes=nodes)
    except (ValueError, TypeError, RuntimeError, MisconfigurationException) as problem:
        raise WhyshapeError(f"Lightning Fabric refuses these devices: {' '.join(str(problem).split())}") from None
    fabric.launch()
    return fabric


def begun(folder: Path) -> int:
    """How many epochs the run in this folder has behind it; 0 if there is none."""
    path = folder / STATE
    return len(load_tensors(path)[1]["history"]) if path.exists() else 0


class Run:
    """A run under way: what changes from epoch to epoch, and nothing else."""

    def __init__(self, digits: Digits, recipe: Recipe, folder: Path, head: str, fabric: Fabric, watch: Watch):
        self.digits, self.recipe, self.folder, self.fabric, self.watch = digits, recipe, folder, fabric, watch
        torch.manual_seed(recipe.seed)
        self.network = ThreadNet(head=head)
        self.names = [name for name, _ in self.network.named_parameters()]
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=recipe.peak_rate, weight_decay=recipe.weight_decay, foreach=True)
        self.model, self.optimizer = fabric.setup(self.network, optimizer)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(recipe.averaging))
        self.best = {name: tensor.clone() for name, tensor in self.average.module.state_dict().items()}
        self.history: list[dict] = []
        self.images, self.labels = (t.to(fabric.device) for t in digits.tensors(digits.train))
        self.checks = tuple(t.to(fabric.device) for t in digits.tensors(digits.validation))
        more = {"data": digits.sha256, "head": head, "processes": fabric.world_size}
        self.identity = recipe.to_dict() | more  # what must be equal for a resumed run to end the same

    # -- beginning and going on ------------------------------------------------------------------------------------

    def begin(self, resume: bool) -> None:
        """Make the folder; go on from its checkpoint, if there is one and that is what was asked."""
        path = self.folder / STATE
        if path.exists():
            if not resume:
                raise WhyshapeError(f"{self.folder} holds a run already: go on with --resume, or name another folder")
            self.go_on(*load_tensors(path))
        self.fabric.barrier()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise WhyshapeError(f"the folder {self.folder} cannot be made: {problem.strerror}") from None

    def go_on(self, tensors: dict[str, torch.Tensor], notes: dict) -> None:
        for name, wanted in self.identity.items():
            found = notes["identity"].get(name)
            if found != wanted:
                raise WhyshapeError(f"{self.folder} was begun with {name} = {found}, not {wanted}: it cannot be resumed so")
        self.network.load_state_dict(part(tensors, "model/"))
        self.average.load_state_dict(part(tensors, "average/"))
        self.best = {name: t.to(self.fabric.device) for name, t in part(tensors, "best/").items()}
        spread(self.optimizer.optimizer, self.names, tensors)
        self.history = notes["history"]

    def keep(self) -> None:
        """Write the checkpoint: all of it, or none of it."""
        if self.fabric.is_global_zero:
            parts = {"model/": self.network, "average/": self.average}
            tensors = {mark + name: t for mark, m in parts.items() for name, t in m.state_dict().items()}
            tensors |= {"best/" + name: t for name, t in self.best.items()}
            tensors |= gathered(self.optimizer.optimizer, self.names)
            save_tensors(self.folder / STATE, tensors, {"identity": self.identity, "history": self.history})
        self.fabric.barrier()

    # -- one epoch -------------------------------------------------------------------------------------------------

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) with the lowest validation loss so far; 0 before the first."""
        return min(self.history, key=lambda row: row["validation_loss"])["epoch"] if self.history else 0

    @property
    def over(self) -> bool:
        done = len(self.history)
        return done >= self.recipe.epochs or done - self.best_epoch >= self.recipe.patience

    def next_epoch(self) -> None:
        epoch = len(self.history)
        loss = self.learn(epoch)
        images, labels = self.checks
        checked, right = measured(self.average.module, images, labels, self.recipe.smoothing)
        row = {"epoch": epoch + 1, "rate": self.recipe.learning_rate((epoch + 1) / self.recipe.epochs)}
        row |= {"train_loss": loss, "validation_loss": checked, "validation_accuracy": right}
        self.history.append(row)
        if self.best_epoch == epoch + 1:
            self.best = {name: tensor.clone() for name, tensor in self.average.module.state_dict().items()}
        self.keep()
        self.watch.epoch(row)

    def learn(self, epoch: int) -> float:
        """One pass over the training part, in an order of this epoch's own; gives the mean loss."""
        batches = self.batches(epoch)
        torch.manual_seed(own_seed(self.recipe.seed, epoch, self.fabric.global_rank))
        empty = -self.digits.mean / self.digits.std
        total = torch.zeros((), device=self.fabric.device)
        self.model.train()
        for step, rows in enumerate(batches):
            rate = self.recipe.learning_rate((epoch + step / len(batches)) / self.recipe.epochs)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            images = distorted(self.images[rows], self.recipe.distortion, empty)
            loss = F.cross_entropy(self.model(images), self.labels[rows], label_smoothing=self.recipe.smoothing)
            self.optimizer.zero_grad()
            self.fabric.backward(loss)
            self.optimizer.step()
            self.average.update_parameters(self.network)
            total += loss.detach()
            self.watch.batch()
        mean = self.fabric.all_reduce(total / len(batches), reduce_op="mean")
        return float(torch.as_tensor(mean))

    def batches(self, epoch: int) -> list[torch.Tensor]:
        """The rows of each batch that this process learns from; every process gets an equal share of every batch."""
        shuffle = torch.Generator().manual_seed(own_seed(self.recipe.seed, epoch))
        order = torch.randperm(len(self.labels), generator=shuffle)
        processes, rank = self.fabric.world_size, self.fabric.global_rank
        shares = [rows[: len(rows) // processes * processes][rank::processes] for rows in order.split(self.recipe.batch_size)]
        return [rows.to(self.fabric.device) for rows in shares if len(rows)]

    def result(self) -> Trained:
        self.network.load_state_dict(self.best)
        self.network.eval()
        test = tuple(t.to(self.fabric.device) for t in self.digits.tensors(self.digits.test))
        images, labels = self.checks
        checked, tested = measured(self.network, images, labels), measured(self.network, test[0], test[1])
        return Trained(self.network.cpu(), self.history, self.best_epoch, checked, tested)


@torch.no_grad()
def measured(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> tuple[float, float]:
    """Mean cross-entropy and the share of right answers (0 to 1), in eval mode, a thousand images at a time."""
    network.eval()
    scores = torch.cat([network(some) for some in images.split(1000)])
    return float(F.cross_entropy(scores, labels, label_smoothing=smoothing)), float((scores.argmax(1) == labels).double().mean())


@contextmanager
def own_random_numbers(device: torch.device) -> Iterator[None]:
    """Random numbers and deterministic algorithms for the run alone; the caller's are put back."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS adds up in a fixed order only with this
    before = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)


def own_seed(seed: int, epoch: int, process: int = 0) -> int:
    """A seed for one epoch of one process; no two meet below 100,000 epochs and 1,000 processes."""
    return (seed * 100_003 + epoch) * 1_009 + process + 1


def part(tensors: dict[str, torch.Tensor], mark: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(mark): tensor for name, tensor in tensors.items() if name.startswith(mark)}
