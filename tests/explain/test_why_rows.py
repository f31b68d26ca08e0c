"""The 320 of `view(-1, 320)`: derived from what is laid out, however the line is written."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from whyshape import explain

CUTS = {
    "view(-1, 320)": lambda x, n: x.view(-1, 320),
    "view(16, 320)": lambda x, n: x.view(16, 320),
    "view(x.size(0), 320)": lambda x, n: x.view(x.size(0), 320),
    "view(x.size(0), -1)": lambda x, n: x.view(x.size(0), -1),
    "view(n, -1), n read at the top": lambda x, n: x.view(n, -1),
    "reshape(len(x), -1)": lambda x, n: x.reshape(len(x), -1),
    "view(16, -1)": lambda x, n: x.view(16, -1),
    "reshape(-1, 20 * 4 * 4)": lambda x, n: x.reshape(-1, 20 * 4 * 4),
    "flatten(1)": lambda x, n: torch.flatten(x, 1),
}
DERIVED = "320 = 20 * 4 * 4. 20 [chosen] is conv2's number of maps. 4 [=] comes from 28 -> 24 -> 12 -> 8 -> 4: "


class Net(nn.Module):
    def __init__(self, cut):
        super().__init__()
        self.conv1, self.conv2, self.pool = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5), nn.MaxPool2d(2)
        self.fc1, self.cut = nn.Linear(320, 50), cut

    def forward(self, x):
        n = x.shape[0]
        return self.fc1(self.cut(self.pool(self.conv2(self.pool(self.conv1(x)))), n))


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("what", [320, "fc1.in_features"])
def test_however_rows_are_written(cut, what):
    """Twenty maps of four by four, and each of those in turn; said once."""
    answer = explain(Net(cut), (16, 1, 28, 28)).why(what)
    assert answer.sentences[0].startswith(DERIVED)
    assert "You typed 320, but it is not free: with 28x28 images it must be 320" in answer.sentences[0]
    assert len([s for s in answer.sentences if "320 = 20" in s]) == 1


def test_typed_rows_say_what_another_number_does():
    """`view(-1, 320)`: a row that is no whole input changes the batch, as PyTorch shows."""
    said = explain(Net(CUTS["view(-1, 320)"]), (16, 1, 28, 28)).why(320).sentences[0]
    assert said.endswith(
        "fc1 reads the rows of 320 that Tensor.view makes. Tensor.view reads the output of pool: 20 maps of 4 x 4 numbers, laid in one row. "
        "You typed 320, but it is not free: with 28x28 images it must be 320, or the batch changes unnoticed, or it fails."
    )
    net = Net(CUTS["view(-1, 320)"])
    assert net(torch.zeros(16, 1, 28, 28)).shape == (16, 50)
    assert net(torch.zeros(16, 1, 32, 32)).shape == (25, 50)
    with pytest.raises(RuntimeError):
        net(torch.zeros(1, 1, 32, 32))


def test_rows_that_mix_inputs():
    """At 32 x 32 the same line mixes images, and 320 is no product of what is laid out."""
    answer = explain(Net(CUTS["view(-1, 320)"]), (16, 1, 32, 32)).why(320)
    assert "Each input has 20 * 5 * 5 = 500 numbers: rows of 320 mix different inputs." in str(answer).replace("\n", " ")


def test_rows_for_every_place_are_free_of_it():
    """Rows of the last axis, one for each place, mix nothing and are not said to."""

    class Places(nn.Module):
        def forward(self, x):
            return x.reshape(-1, 8)

    assert "mix" not in str(explain(Places(), (2, 5, 8)).why(8))
