"""A `view` that fits by its sizes and is refused for how the numbers lie: where they came to lie so."""

import pytest
import torch
from torch import nn

from whyshape import diagnose


class Net(nn.Module):
    """A convolution, something that turns its maps, and a view."""

    def __init__(self, turn):
        super().__init__()
        self.turn, self.conv, self.fc = turn, nn.Conv2d(3, 8, 3), nn.Linear(288, 10)

    def forward(self, x):
        x = torch.relu(self.turn(self.conv(x)))
        return self.fc(x.view(x.size(0), -1))


TURNS = {
    "permute": (lambda x: x.permute(0, 2, 3, 1), "permute gives 2x6x6x8 and moves no number: in memory they stay in their old order"),
    "transpose": (lambda x: x.transpose(1, 2), "transpose gives 2x6x8x6 and moves no number: in memory they stay in their old order"),
    "by itself": (lambda x: x, "conv gives 2x8x6x6, and in memory the channels lie last"),
}


@pytest.mark.parametrize("name", TURNS)
def test_where_they_came_to_lie_so(name):
    turn, said = TURNS[name]
    model = Net(turn)
    if name == "by itself":
        model = model.to(memory_format=torch.channels_last)
    with pytest.raises(RuntimeError, match="view size"):
        model(torch.rand(2, 3, 8, 8))
    (problem,) = diagnose(model, (2, 3, 8, 8)).problems
    assert [link.says for link in problem.because] == [said, "view moves no number either, so it cannot put these axes together"]
    assert problem.fixes[0].verified
