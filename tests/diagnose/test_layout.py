"""Whether `view` may run depends on how the numbers lie: the trace agrees with plain eager PyTorch on maps whose channels lie last."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyshape.readers.torch import read

MAKES = {
    "nothing": lambda x: x,
    "conv2d": lambda x: F.conv2d(x, torch.ones(6, 4, 3, 3)),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x, torch.ones(4, 6, 2, 2)),
    "max_pool2d": lambda x: F.max_pool2d(x, 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 2),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 2),
    "adaptive to one": lambda x: F.adaptive_avg_pool2d(x, 1),
    "interpolate": lambda x: F.interpolate(x, scale_factor=2),
    "batch_norm": lambda x: F.batch_norm(x, torch.zeros(4), torch.ones(4)),
    "cat": lambda x: torch.cat([x, x], 1),
    "pad": lambda x: F.pad(x, (1, 1, 1, 1)),
    "relu of conv": lambda x: F.relu(F.conv2d(x, torch.ones(6, 4, 3, 3))),
}
LIES = {
    "row by row": torch.rand(2, 4, 8, 8),
    "channels last": torch.rand(2, 8, 8, 4).permute(0, 3, 1, 2),
    "width and height exchanged": torch.rand(2, 4, 8, 8).transpose(2, 3),
}


class Views(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x).view(x.shape[0], -1)


@pytest.mark.parametrize("lies", LIES)
@pytest.mark.parametrize("make", MAKES)
def test_view_is_refused_where_pytorch_refuses(make, lies):
    """The same answer as eager PyTorch, for what looks through a window and what works cell by cell."""
    model, x = Views(MAKES[make]), LIES[lies]
    try:
        model(x)
        fits = True
    except RuntimeError as error:
        assert "view size is not compatible" in str(error)
        fits = False
    assert (read(model, input_data=x).problem is None) == fits
