"""Numbers left open are taken from the first input: said where another first input would change the answer, and only there."""

import pytest
from torch import nn

from whyshape import accepts

NOTE = " took what comes in from the first input, here H=28, W=28; after another first input the set is another."


@pytest.mark.parametrize("net, layer", [
    ("Conv2d(?, 10, 5) > Flatten > Linear(?, 50)", "Linear(?, 50)"),
    ("Conv2d(?, 10, 5) > MaxPool2d(2)", None),
    ("Conv2d(1, 10, 5) > AdaptiveAvgPool2d(2) > Flatten > Linear(?, 50)", None),
    (nn.Sequential(nn.LazyConv2d(10, 5), nn.Flatten(), nn.LazyLinear(50)), "LazyLinear"),
    (nn.Sequential(nn.LazyConv2d(10, 5), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.LazyLinear(50)), None),
], ids=["linear", "channels", "pooled", "lazy linear", "lazy pooled"])  # fmt: skip
def test_the_first_input_is_named_where_it_decides(net, layer):
    """A number that the free axes decide makes the set depend on the first input; channels and what an adaptive pool gives do not."""
    notes = [note for note in accepts(net, (1, 1, "H", "W")).notes if "first input" in note]
    assert notes == ([layer + NOTE] if layer else [])
