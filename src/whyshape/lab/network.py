"""The thread's network, as its tutorial wrote it: 28 x 28 x 1 in, 10 classes out, 21,840 learned numbers."""

from __future__ import annotations

import torch
from torch import nn

from whyshape.errors import WhyshapeError

HEADS = ("flatten", "view")


class ThreadNet(nn.Module):
    """Two convolutions, two pools, two linear layers: ``(N, 1, 28, 28)`` to ``(N, output_dim)`` scores.

    >>> net = ThreadNet()
    >>> sum(p.numel() for p in net.parameters())
    21840
    >>> net(torch.zeros(16, 1, 28, 28)).shape
    torch.Size([16, 10])

    ``head="view"`` is the tutorial's ``x.view(-1, 320)``. It hides mistakes: 16 images of 32 x 32 come out as 25 rows,
    where ``flatten`` stops at fc1.

    >>> ThreadNet(head="view")(torch.zeros(16, 1, 32, 32)).shape
    torch.Size([25, 10])
    """

    def __init__(self, output_dim: int = 10, head: str = "flatten"):
        super().__init__()
        if head not in HEADS:
            raise WhyshapeError(f"head is {head!r}, but it must be 'flatten' or 'view'")
        self.head = head

        self.conv = nn.Sequential()
        self.conv.add_module("conv_1", nn.Conv2d(1, 10, kernel_size=5))
        self.conv.add_module("maxpool_1", nn.MaxPool2d(kernel_size=2))
        self.conv.add_module("relu_1", nn.ReLU())
        self.conv.add_module("conv_2", nn.Conv2d(10, 20, kernel_size=5))
        self.conv.add_module("dropout_2", nn.Dropout())
        self.conv.add_module("maxpool_2", nn.MaxPool2d(kernel_size=2))
        self.conv.add_module("relu_2", nn.ReLU())

        self.fc = nn.Sequential()
        self.fc.add_module("fc1", nn.Linear(320, 50))
        self.fc.add_module("relu_3", nn.ReLU())
        self.fc.add_module("dropout_3", nn.Dropout())
        self.fc.add_module("fc2", nn.Linear(50, output_dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        x = x.view(-1, 320) if self.head == "view" else x.flatten(1)
        return self.fc(x)
