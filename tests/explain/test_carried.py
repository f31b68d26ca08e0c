"""Sizes that no formula makes: "unchanged" is said where nothing changed, and nowhere else."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from whyshape import explain
from whyshape.analyses.words import Words


class Does(nn.Module):
    """One line on one input."""

    def __init__(self, line, **parts):
        super().__init__()
        self.line = line
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.line(self, x)


def slots(model, shape, op):
    answer = explain(model, shape)
    node = next(n for n in answer.graph.nodes if n.op == op)
    return Words(answer.graph).slots(node, "default")["SIZE"]


@pytest.mark.parametrize(
    "line, shape, op, said",
    [
        (lambda m, x: x.transpose(1, 2), (3, 4, 4), "transpose", "the axes change places: 3x4x4 -> 3x4x4."),
        (lambda m, x: x.permute(2, 0, 1), (3, 4, 5), "permute", "the axes change places: 3x4x5 -> 5x3x4."),
        (lambda m, x: x[:, 0], (3, 4, 5), "Tensor.__getitem__", "3x5: carried over from what comes in."),
        (lambda m, x: torch.relu(x), (3, 4), "relu", "unchanged"),
        (lambda m, x: x.expand_as(x), (3, 4), "Tensor.expand_as", "unchanged"),
    ],
)
def test_what_became_of_the_sizes(line, shape, op, said):
    assert slots(Does(line), shape, op) == [said]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN, nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_a_recurrent_layer_says_what_was_chosen(kind):
    """Eight numbers come in, five are remembered: you chose the five, and the eight must be what comes in."""
    model = kind(8, 5)
    shape = (2, 8) if "Cell" in kind.__name__ else (6, 2, 8)
    op = next(n.op for n in explain(model, shape).graph.nodes if n.op != "zeros")
    size = slots(model, shape, op)
    assert "input_size=8: typed, must equal the 8 numbers of the input." in size
    assert any(line.startswith("5: ") and "hidden_size" in line for line in size)


def test_a_tensor_made_on_the_spot_has_no_input():
    text = str(explain(nn.LSTM(8, 5), (6, 2, 8)))
    assert "LSTM (zeros)   1x2x5, made here" in text and "one number" not in text


@pytest.mark.parametrize(
    "made, said",
    [
        (6272, "view lays them in rows of 128*7*7 = 6272 numbers: one row for each input."),
        (12544, "the 12544 of each input are cut up among them."),
    ],
)
def test_a_view_decides_what_a_linear_layer_makes(made, said):
    """128*7*7 is nobody's free choice; and with twice as many numbers PyTorch makes twice as many rows, unnoticed."""
    model = Does(lambda m, x: m.fc(x).view(-1, 128, 7, 7), fc=nn.Linear(100, made))
    assert said in " ".join(explain(model, (2, 100)).why(str(made)).sentences)
    assert len(model(torch.rand(2, 100))) == 2 * made // 6272
