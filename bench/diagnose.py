"""What a diagnosis costs: seconds of processor time, and the guard beside nothing.

    python bench/diagnose.py

A failing ResNet-152 with its fixes is to take less than one second; a guard around what does not fail, nothing that can be measured.
"""

from __future__ import annotations

import statistics
import sys
import time

import torch
from torch import nn

_LIBRARY = torch.library.Library("torchvision", "DEF")  # a CPU build of torch has no torchvision binary to define these
for _name in ("nms", "qnms"):
    _LIBRARY.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def broken():
    """(what is wrong, a ResNet-152 that has it, the input)"""
    import torchvision

    with torch.device("meta"):
        net = torchvision.models.resnet152().eval()
        yield "a grey picture", net, (2, 1, 224, 224)
        head, net.fc = net.fc, nn.Linear(1000, 10)
        yield "a head of another width", net, (2, 3, 224, 224)
        net.fc = head
        norm, net.layer4[1].bn2 = net.layer4[1].bn2, nn.BatchNorm2d(500)
        yield "a batch norm of another width", net, (2, 3, 224, 224)
        net.layer4[1].bn2 = norm
        net.layer3[20].conv2 = nn.Conv2d(256, 256, 5, padding=1, bias=False)
        yield "a kernel without its padding", net, (2, 3, 224, 224)
        net.layer4[1].bn2 = nn.BatchNorm2d(500)
        yield "two: and a batch norm", net, (2, 3, 224, 224)
        net.fc = nn.Linear(1000, 10)
        yield "three: and the head", net, (2, 3, 224, 224)
        net = torchvision.models.resnet152().eval()
        net.fc = nn.Linear(1000, 10)
        yield "two: a grey picture, and the head", net, (2, 1, 224, 224)


def main() -> int:
    import whyshape

    torch.set_num_threads(1)
    slow = 0
    for what, net, shape in broken():
        whyshape.diagnose(net, shape)
        times = []
        for _ in range(5):
            began = time.process_time()
            found = whyshape.diagnose(net, shape)
            times.append(time.process_time() - began)
        middle = statistics.median(times)
        slow += middle >= 1
        print(
            f"{what:32s} {middle:.2f} s of processor time (median of 5; {min(times):.2f} to {max(times):.2f}), {len(found.problems[0].fixes)} fixes"
        )

    net, x = nn.Sequential(nn.Linear(64, 64), nn.ReLU()), torch.rand(8, 64)

    def once(count=2000):
        began = time.process_time()
        for _ in range(count):
            net(x)
        return (time.process_time() - began) / count

    def guarded(count=2000):
        began = time.process_time()
        with whyshape.guard():
            for _ in range(count):
                net(x)
        return (time.process_time() - began) / count

    once(), guarded()
    ratio = statistics.median(guarded() / once() for _ in range(9))
    print(f"2,000 calls under a guard, to 2,000 without: {ratio:.3f} (median of 9)")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
