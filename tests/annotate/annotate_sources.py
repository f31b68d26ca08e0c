"""Sources to annotate: each a file as people write them."""

THREAD = """\
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, 5)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = self.conv1(x)
        x = self.pool(x)  # half
        x = self.conv2(x)
        x = self.pool(x)
        x = x.view(x.size(0), -1)
        x = self.fc1(x)
        return self.fc2(x)
"""

THREAD_ANNOTATED = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, 5)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = self.conv1(x)  # -> 10x24x24
        x = self.pool(x)  # half  # -> 10x12x12
        x = self.conv2(x)  # -> 20x8x8
        x = self.pool(x)  # -> 20x4x4
        x = x.view(x.size(0), -1)  # -> 320
        x = self.fc1(x)  # -> 50
        return self.fc2(x)  # -> 10
"""

# Every way a line can bind, wait, share its place or end; `# = ` says what is wanted behind it, `# = nothing` that it stays bare.
EVERY_WAY = '''\
# -*- coding: utf-8 -*-
import contextlib

import torch
import torch.nn.functional as F
from torch import nn


def halved(x):
    return F.max_pool2d(x, 2)  # = 3x4x4; 3x2x2; 3x1x1


class Part(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            return x + 1  # = 3x8x8

    def steps(self, x):
        for i in range(2):
            y = x[:, i]  # = 8x8
            got = x  # = 3x8x8
            got = yield y


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = Part()
        self.scale = 2
        self.kept = {}

    def helper(self, x):
        try:
            return x * 2, None  # = 3x8x8
        finally:
            self.scale = 2

    def fails(self, x):
        y = x  # = 3x8x8
        try:
            y = torch.cat([x, x[:, :2, :4]], 1)  # = nothing
        except RuntimeError:
            pass
        return y  # = 3x8x8

    def forward(self, x):
        """A docstring
        # of two lines."""
        x = self.part(x)  # = 3x8x8
        a, (b, _) = x[:, :1], (x[:, 1:], x)  # = 1x8x8, 2x8x8
        x, nothing = self.helper(x)  # = 3x8x8
        h = w = x.size(2)
        x = self.fails(x)  # = 3x8x8
        y = torch.cat(
            [a, b],  # both
            dim=1,
        )  # = 3x8x8
        y = x + \\
            y  # = 3x8x8
        text = """ # -> 1x2
        """; z = y
        u = x[:, :1]; v = x[:, :2]
        if h > 4: z = z[:, :1]
        for i in range(4): z = z + 0
        many = []
        for i in range(3):
            y = halved(y)  # = 3x4x4; 3x2x2; 3x1x1
            many.append(y.mean(1))  # = 4x4; 2x2; 1x1
        for i in range(1, 5):
            part = x[:, :, :i]  # = 3x1x8; 3x2x8; 3x3x8; ...
        feats = {"a": x, "b": [a, b]}  # = 3x8x8, 1x8x8, 2x8x8
        feats["c"] = x[:, :, 0]  # = 3x8
        self.kept["c"] = a
        self.last = a  # = 1x8x8
        squares = [v for v in (x, a, b, x, a)]  # = 3x8x8, 1x8x8, 2x8x8, 3x8x8, ...
        x += 1  # = 3x8x8
        x.clamp_(0)  # = 3x8x8
        x: torch.Tensor = x.flatten(1)  # = 192
        f = lambda t: t[:, :2]
        x = f(x)  # = 2
        for part in self.part.steps(feats["a"]):
            x = x.add(0)  # = 2
        with contextlib.suppress(ValueError):
            x = x.nothing_of_that_name if False else x  # = 2
        if h < 4:
            x = x * 100
        return {"x": x, "more": feats}  # = 2, 3x8x8, 1x8x8, 2x8x8, ...
'''
