"""Growth: time and memory per operator from ten thousand operators to a million; a billion parameters explained.

Run: ./dev bench growth
"""

from __future__ import annotations

import resource
import sys
import time

import torch
from models import torchvision


def used() -> float:
    """Peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def chains(most: int) -> None:
    """A chain of operators, followed and written down: time and memory for each, which must stay flat."""
    from whyshape.readers.torch import read

    class Chain(torch.nn.Module):
        def __init__(self, n):
            super().__init__()
            self.n = n

        def forward(self, x):
            for _ in range(self.n):
                x = torch.relu(x)
            return x

    n = 10_000
    while n <= most:
        before, start = used(), time.perf_counter()
        graph = read(Chain(n), (1, 8))
        followed = time.perf_counter() - start
        count = len(graph.nodes)
        written = time.perf_counter() - start
        print(f"{count:9,d} operators: followed {followed / n * 1e6:5.1f} us each, written down {written / n * 1e6:5.1f} us, "
              f"{max(used() - before, 0) / n * 1024:.2f} kB each")  # fmt: skip
        del graph
        n *= 10


def giant() -> None:
    """`explain` of a billion-parameter timm model, its weights on the meta device and real in memory."""
    torchvision()
    import timm

    from whyshape import explain

    for where in ("meta", "cpu"):
        with torch.device(where):
            model = timm.create_model("vit_giant_patch14_clip_224").eval()
        for turn in ("first", "second"):
            before, start = used(), time.perf_counter()
            text = str(explain(model, (1, 3, 224, 224)))
            seconds = time.perf_counter() - start
            print(
                f"vit_giant on {where}, {turn} explain: {seconds:.3f} s, {used() - before:.1f} MB above the built model, {len(text)} characters"
            )
        del model


if __name__ == "__main__":
    torch.set_num_threads(1)
    chains(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    if len(sys.argv) < 3:
        giant()
