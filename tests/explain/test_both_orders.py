"""Every size in both orders: maps first and maps last, told apart from sequences by the layers themselves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from whyshape import explain, layer, summary
from whyshape.analyses.costs import costs
from whyshape.analyses.words_notation import Notation
from whyshape.cli import main
from whyshape.readers.notation import THREAD


@pytest.fixture(scope="module")
def thread():
    return explain(THREAD, (1, 1, 28, 28))


def test_the_chain_stands_in_both_orders(thread):
    """Beneath PyTorch's sizes stand those Keras shows; --brief keeps to sizes."""
    said = "In Keras, maps last: 28x28x1 -> 24x24x10 -> 12x12x10 -> 8x8x20 -> 4x4x20 -> 320 -> 50 -> 10"
    assert thread.text(width=140).splitlines()[2] == said
    assert "Keras" not in thread.text("brief")
    assert "In Keras" not in explain("Linear(4, 3) > ReLU > Linear(3, 2)", (1, 4)).text("default").split("IN KERAS")[0]


def test_every_card_and_every_row_in_both_orders(thread, capsys):
    """--keras, in each command that shows sizes in a table, and on cards that have no line of their own."""
    assert "conv.relu_1   ReLU   10x12x12 (Keras: 12x12x10), unchanged" in thread.text(both=True)
    assert "conv.conv_1   Conv2d   1x28x28 -> 10x24x24   Keras: 24x24x10" in thread.text(both=True)
    table = costs(thread.graph)._replace(both=True).table()
    assert table.columns[2:4] == ("output", "in Keras") and table.rows[0][2:4] == ("1x10x24x24", "1x24x24x10")
    assert costs(thread.graph).table().columns[3] == "parameters"
    assert main(["summary", "--keras"]) == 0
    told = capsys.readouterr().out
    assert "In Keras" in told and "[1, 10, 24, 24]           [1, 24, 24, 10]" in told
    assert main(["layer", "Conv2d(1, 10, 5)", "--input", "1,28,28", "--keras"]) == 0
    assert "1x28x28 -> 10x24x24   Keras: 24x24x10" in capsys.readouterr().out
    assert str(summary(THREAD, (1, 1, 28, 28), col_names=("other_order",), verbose=0)).count("[1, 12, 12, 10]") == 2


def test_a_table_of_a_large_network_in_both_orders():
    """A column beside the output."""
    net = " > ".join(["Conv2d(4, 4, 3, padding=1)", "ReLU"] * 20)
    text = explain(net, (1, 4, 9, 8)).text(both=True)
    assert "output  in Keras" in text and "4x9x8   9x8x4" in text


class Attention(nn.Module):
    """Heads stand on the second axis of four: no picture."""

    def forward(self, x):
        q = x.view(x.shape[0], x.shape[1], 2, 4).transpose(1, 2)
        return torch.softmax(q @ q.transpose(-2, -1), -1)


class Moved(nn.Module):
    """Maps are put last by the model itself, as ConvNeXt does."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.point = nn.Conv2d(3, 8, 3), nn.LayerNorm(8), nn.Linear(8, 5)

    def forward(self, x):
        return self.point(self.norm(self.conv(x).permute(0, 2, 3, 1)))


class Sequence1d(nn.Module):
    """Maps and length, then a recurrent layer's steps and features."""

    def __init__(self):
        super().__init__()
        self.conv, self.gru = nn.Conv1d(4, 6, 3), nn.GRU(6, 7, batch_first=True)

    def forward(self, x):
        return self.gru(torch.relu(self.conv(x)).transpose(1, 2))[0]


class Skip(nn.Module):
    """What is joined with a picture is one: the sum, the part of three axes under its window."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(3, 3, 3, padding=1), nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        return x * torch.sigmoid(self.pool(self.conv(x) + x))


@pytest.mark.parametrize("model, shape, there", [
    (Attention(), (1, 5, 8), [(5, 2, 4), (2, 5, 4), (2, 4, 5), (2, 5, 5), (2, 5, 5)]),
    (Moved(), (1, 3, 9, 9), [(7, 7, 8), (7, 7, 8), (7, 7, 8), (7, 7, 5)]),
    (Sequence1d(), (1, 4, 9), [(7, 6), (7, 6), (7, 6), (1, 7), (7, 7)]),
    (Skip(), (1, 3, 8, 8), [(8, 8, 3), (8, 8, 3), (1, 1, 3), (1, 1, 3), (8, 8, 3)]),
    (nn.BatchNorm1d(4), (2, 4, 9), [(9, 4)]),
    (nn.Linear(4, 3), (2, 5, 4), [(5, 3)]), (nn.Linear(6, 3), (2, 4, 5, 6), [(4, 5, 3)]), (nn.ReLU(), (2, 4, 5, 6), [(5, 6, 4)]),
    (nn.Softmax(1), (2, 4, 9), [(4, 9)]),
    (nn.ZeroPad2d(1), (1, 3, 4, 5), [(6, 7, 3)]),
    (nn.ConstantPad3d(1, 0.0), (1, 3, 4, 5), [(6, 7, 5)]),  # a volume without its batch looks alike: a batch of pictures is taken
    (nn.Conv2d(3, 8, 3), (3, 9, 9), [(7, 7, 8)]),
], ids=lambda v: type(v).__name__ if isinstance(v, nn.Module) else None)  # fmt: skip
def test_pictures_are_told_from_sequences(model, shape, there):
    """Only what a layer treats as maps is moved; heads, steps and maps that the model itself put last stay."""
    graph = explain(model, shape).graph
    notation = Notation(graph)
    assert [notation.there(n.outputs[0]) for n in graph.nodes] == there


def test_a_layer_without_a_batch_has_a_twin():
    """As people write it: maps, height, width. Keras wants a batch, and that is said; a pool of three axes is a picture's."""
    text = layer("MaxPool2d(2)", (3, 8, 8)).text(width=200)
    assert "MaxPooling2D(2) on (8, 8, 3) -> (4, 4, 3). Same numbers, maps last. Keras wants a batch in front." in text
    assert "Conv2D(8, 3) on (9, 9, 3) -> (7, 7, 8)." in explain(nn.Conv2d(3, 8, 3), (3, 9, 9)).text(width=200)


def test_equal_layers_in_other_surroundings_are_told_apart():
    """Two Linear(8, 8): only the one behind a flattened picture has its rows in another order, so the other is not "as" it."""
    text = explain("Conv2d(2, 2, 2) > Flatten > Linear(8, 8) > Linear(8, 8) > Linear(8, 8) > Linear(8, 3)", (1, 2, 3, 3)).text(width=300)
    first, second, third = text.split("Linear   8 -> 8")[1:]
    assert "Its rows stand in the order of the flattened picture" in first
    assert "IN KERAS" in second and "Its rows" not in second
    assert third.startswith("   as 3")
