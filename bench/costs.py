"""How much the costs add to a trace: medians of one process's own time, as ratios of the trace itself.

together: parameters, multiply-adds and memory, as one question asks for them.

python bench/costs.py [model ...]
"""

from __future__ import annotations

import sys
from functools import partial
from statistics import median
from time import process_time

import torch

from whyshape.analyses.field import fields
from whyshape.analyses.live import live
from whyshape.analyses.memory import kept, memory
from whyshape.analyses.operations import operations
from whyshape.analyses.parameters import parameters
from whyshape.readers.torch import read

MODELS = ("resnet50", "resnet152", "densenet201", "efficientnet_b7", "vit_b_16", "swin_t")


def timed(runs, times=15) -> list[float]:
    """The median of each, taken in turns: a machine that slows down slows all of them."""
    found: list[list[float]] = [[] for _ in runs]
    for _ in range(times):
        for run, seconds in zip(runs, found):
            start = process_time()
            run()
            seconds.append(process_time() - start)
    return [median(seconds) for seconds in found]


def main() -> None:
    torch.set_num_threads(1)
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        try:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:  # a torchvision with its own kernels
            break
    from torchvision.models import get_model

    print(f"{'model':18s} nodes  trace ms   operations  parameters  kept   all of memory   together   field   (as shares of the trace)")
    for name in sys.argv[1:] or MODELS:
        with torch.device("meta"):
            model = get_model(name)
        nodes, trace, shares = measured(model, (1, 3, 224, 224))
        print(f"{name:18s} {nodes:5d}  {1000 * trace:8.2f}   " + "  ".join(f"{share:9.2f}" for share in shares))


def counted(graph) -> None:
    operations(graph).forward()


def everything(graph) -> None:
    """Parameters, multiply-adds and memory, as one question asks for them."""
    graph = graph.settled()
    held = live(graph)
    parameters(graph).total.words()
    operations(graph, held=held).forward()
    memory(graph, held=held)


def measured(model, shape) -> tuple[int, float, list[float]]:
    """Operators, seconds of a trace written down, and each part of the costs as a share of it."""
    graph = read(model, shape, mode="train")
    parts = (counted, lambda graph: parameters(graph).total, lambda graph: kept(graph, live(graph)), memory, everything, fields)
    trace, *seconds = timed([lambda: len(read(model, shape, mode="train").nodes), *[partial(part, graph) for part in parts]])
    return len(graph.nodes), trace, [s / trace for s in seconds]


if __name__ == "__main__":
    main()
