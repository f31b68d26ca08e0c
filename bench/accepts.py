"""What `accepts` costs, beside brute force over the same sizes and beside `torch.export` with free sizes. Run by hand:

    PYTHONPATH=src python bench/accepts.py

Every figure is the smallest of several CPU times of this process, so that a busy machine disturbs least.
"""

import sys
import time
import warnings
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "accepts"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import conftest  # noqa: F401  (torchvision made importable)
import torchvision.models as zoo
from test_accepts import UNet

from whyshape.analyses.accepts import accepts
from whyshape.lab.network import ThreadNet
from whyshape.readers.again import again

MODELS = [
    ("the thread's network", ThreadNet, 1, 20),
    ("U-Net, depth 5", lambda: UNet(5, nn.MaxPool2d(2)), 3, 5),
    ("ResNet-50", lambda: zoo.resnet50(weights=None), 3, 5),
    ("MobileNetV3 large", lambda: zoo.mobilenet_v3_large(weights=None), 3, 5),
]


def cost(act, times):
    """The smallest CPU time of several calls, in milliseconds."""
    found = []
    for _ in range(times):
        start = time.process_time()
        act()
        found.append(time.process_time() - start)
    return 1000 * min(found)


def exported(model, channels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        free = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
        torch.export.export(model, (torch.zeros(2, channels, 224, 224, device="meta"),), dynamic_shapes=(free,))


def main():
    torch.set_num_threads(1)
    print(f"{'':24}{'accepts':>12}{'one read':>12}{'brute force, 1..512 squared':>32}{'torch.export':>16}")
    for name, make, channels, times in MODELS:
        model = make().to("meta").eval()
        shape = ("N", channels, "H", "W")
        reader = again(model, [shape])
        accepts(reader, shape)  # caches of Python and PyTorch filled
        mine = cost(lambda r=reader, s=shape: accepts(r, s), times)
        one = cost(lambda r=reader: r({"N": 2, "H": 224, "W": 224}), times)
        x = torch.zeros(1, channels, 64, 64, device="meta")
        with torch.no_grad():
            try:
                forward = cost(lambda m=model, x=x: m(x), times)
            except RuntimeError:  # the thread's network refuses 64 x 64
                forward = cost(lambda m=model: m(torch.zeros(1, 1, 28, 28, device="meta")), times)
        try:
            export = f"{cost(lambda m=model, c=channels: exported(m, c), 1):,.0f} ms"
        except Exception as refused:
            export = type(refused).__name__
        print(f"{name:24}{mine:>9.1f} ms{one:>9.2f} ms{512 * 512 * forward / 1000:>24,.0f} s (meta){export:>16}")


if __name__ == "__main__":
    main()
