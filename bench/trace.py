"""Our trace and our whole `explain`, against the model's own forward on the meta device, PyTorch's floor, and torchinfo.

Everything in one process, interleaved, medians; ratios, because machines are noisy.
Run: ./dev bench trace; ./dev bench trace first|startup; ./dev bench trace table "ResNet-50" "1,000 convolutions"
"""

from __future__ import annotations

import gc
import resource
import statistics
import subprocess
import sys
import time

import torch
from models import models, torchvision

ROUNDS = 9


def timed(f) -> float:
    gc.collect()
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def first_call() -> None:
    """The first `explain` of ResNet-50 in a process against the second; and PyTorch's own first meta call."""
    from whyshape import explain

    zoo = torchvision()
    with torch.device("meta"):
        model = zoo.models.resnet50().eval()
    used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name in ("first", "second"):
        before = used()
        seconds = timed(lambda: str(explain(model, (1, 3, 224, 224))))
        print(f"{name} explain of ResNet-50: {seconds * 1e3:.0f} ms, {used() - before:.1f} MB")
    before = used()
    with torch.no_grad():
        seconds = timed(lambda: model(torch.empty(1, 3, 224, 224, device="meta")))
    print(f"PyTorch's first meta forward: {seconds * 1e3:.0f} ms, {used() - before:.1f} MB")


def prepared(model, x):
    """The floor: the same calls of PyTorch, each answered with a result made beforehand; nothing is looked up and nothing remembered."""
    from torch.overrides import TorchFunctionMode

    answers: list = []

    class Recording(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            answers.append(func(*args, **(kwargs or {})))
            return answers[-1]

    class Floor(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return next(self.answers)

    with Recording(), torch.no_grad():
        model(x)

    def run():
        floor = Floor()
        floor.answers = iter(answers)
        with floor, torch.no_grad():
            model(x)

    return run


def table() -> None:
    from torchinfo import summary

    from whyshape import explain
    from whyshape.readers.torch import read

    print(f"{'model':20s} {'operators':>9s} {'meta ms':>8s} {'trace':>7s} {'explain':>8s} {'floor':>7s} {'torchinfo':>10s}")
    ratios = []
    for title, model, shape in models(sys.argv[2:] or None):
        x = torch.empty(shape, device="meta")

        def own(model=model, x=x):
            with torch.no_grad():
                model(x)

        jobs = {"own": own, "trace": lambda: read(model, shape), "explain": lambda: str(explain(model, shape))}  # noqa: B023 - used in this turn
        jobs["floor"] = prepared(model, x)
        operators = len(read(model, shape).nodes)
        taken = {name: [] for name in jobs}
        for _ in range(ROUNDS):
            for name, job in jobs.items():
                taken[name].append(timed(job))
        peer = timed(lambda: summary(model, input_size=shape, device="meta", verbose=0))  # noqa: B023 - used in this turn
        mid = {name: statistics.median(t) for name, t in taken.items()}
        ratios.append(mid["trace"] / mid["own"])
        cells = [mid["trace"], mid["explain"], mid["floor"], peer]
        print(
            f"{title:20s} {operators:9,d} {mid['own'] * 1e3:8.1f} "
            + " ".join(f"{c / mid['own']:{w}.2f}" for c, w in zip(cells, (7, 8, 7, 10)))
        )
    print(f"median trace / own meta forward: {statistics.median(ratios):.3f}")


def startup() -> None:
    """`whyshape layer` against a bare interpreter, from start to exit."""
    run = lambda *words: timed(lambda: subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL))
    bare, ours = [], []
    for _ in range(2 * ROUNDS):
        bare.append(run("-c", "pass"))
        ours.append(run("-m", "whyshape", "layer", "Conv2d(1, 10, 5)", "--input", "1,28,28"))
    b, o = statistics.median(bare), statistics.median(ours)
    print(f"start-up: bare interpreter {b * 1e3:.0f} ms, whyshape layer {o * 1e3:.0f} ms, ratio {o / b:.1f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    parts = {"first": first_call, "table": table, "startup": startup}
    for name in sys.argv[1:2] or parts:
        parts[name]()
