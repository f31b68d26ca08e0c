"""What tells one meaning of a mismatch from another, and the corrected lines that follow from it: what they compute, not only that they run."""

from __future__ import annotations

import pytest
import torch
from mistakes import seq
from torch import nn

from whyshape.analyses.diagnose import diagnose
from whyshape.readers.torch.edit import Edits


def first(model, *inputs):
    return diagnose(model, input_data=inputs).problems[0].fixes[0]


def repaired(fix, model, *inputs):
    """What the model gives with the fix made."""
    edits = Edits(model, list(inputs), real=True)
    edits.apply(fix.edits)
    with torch.no_grad():
        return edits.model(*edits.args)


class Cell(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.cell = kind(5, 7)

    def forward(self, series, state):
        out = self.cell(series, state)
        return out


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(5, 7)

    def forward(self, series):
        h, c = torch.zeros(3, 7), torch.zeros(3, 7)
        h, c = self.cell(series, (h, c))
        return h + c


class Alone(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.RNNCell(5, 7)

    def forward(self, series):
        return self.cell(series)


def over(cell, steps, state=None):
    """The loop people write."""
    with torch.no_grad():
        for step in steps:
            state = cell(step, state)
    return state


@pytest.mark.parametrize("axis", [0, 1])
def test_a_cell_is_called_once_for_each_step(axis):
    """The batch is where the state counts it, and the result is that of the loop."""
    model, series, state = Cell(nn.GRUCell), torch.rand((4, 3, 5) if axis == 0 else (3, 4, 5)), torch.rand(3, 7)
    fix = first(model, series, state)
    assert f"for step in series.unbind({axis}): state = self.cell(step, state)" in fix.to_dict()["forward"]
    assert torch.equal(repaired(fix, model, series, state), over(model.cell, series.unbind(axis), state))


def test_a_cell_with_two_states_and_one_without():
    """The pair of an LSTM goes round too, and where none is given the layer begins with zeros, as it does."""
    series, zeros = torch.rand(3, 4, 5), torch.zeros(3, 7)
    two, none = Pair(), Alone()
    assert torch.equal(repaired(first(two, series), two, series), sum(over(two.cell, series.unbind(1), (zeros, zeros))))
    assert torch.equal(repaired(first(none, series), none, series), over(none.cell, series.unbind(1)))


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, words, memory):
        hidden = torch.ones(memory.shape[1], memory.shape[1], dtype=torch.bool).triu(1)
        return self.attend(words, words, words, attn_mask=hidden)[0] + memory.mean(1, keepdim=True)


def test_a_size_asked_of_the_other_input():
    """The corrected line asks the input that has the size wanted."""
    fix = first(Masked(), torch.rand(2, 5, 8), torch.rand(2, 9, 8))
    assert "torch.ones(words.shape[1], words.shape[1]" in fix.to_dict()["new"] and fix.cost == "old weights load"


def test_channels_that_a_convolution_made_are_no_height():
    """As many places as the next layer wants channels do not make maps of a picture that lies channels last."""
    model = seq(nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 4, 3))
    assert first(model, torch.rand(2, 3, 16, 16)).edits == ({"layer": "2", "attr": "in_channels", "value": 12},)


def test_columns_of_other_classes_are_not_picked_from():
    """One-hot rows of as many classes as are scored are class numbers; rows of more say that a score is missing; one column holds nothing to pick."""

    class Scored(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.loss = nn.Linear(6, 4), nn.CrossEntropyLoss()

        def forward(self, x, target):
            return self.loss(self.net(x), target)

    hot = torch.eye(5)[:5].long()
    assert first(Scored(), torch.rand(5, 6), hot[:, :4]).edits == ({"target": "argmax", "dim": 1},)
    assert first(Scored(), torch.rand(5, 6), torch.eye(5)).edits == ({"layer": "net", "attr": "out_features", "value": 5},)
    fixes = diagnose(Scored(), input_data=(torch.rand(5, 6), hot[:, :1])).problems[0].fixes
    assert fixes[0].edits == ({"target": "squeeze", "dim": 1},) and not any("argmax" in f.edits[0].values() for f in fixes)


def test_one_number_and_a_pair_of_it_are_one_fix():
    """kernel_size 2 and (2, 2) are told once."""
    model = seq(nn.Conv2d(1, 4, 2, 2), nn.Conv2d(4, 4, (4, 4)))
    sizes = [f.edits[0].get("value") for f in diagnose(model, input_data=torch.rand(1, 1, 5, 5)).problems[0].fixes if len(f.edits) == 1]
    assert sizes.count((2, 2)) + sizes.count(2) == 1


class Causal(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.ones(1, 9, 9).tril())

    def forward(self, scores):
        return scores.masked_fill(self.mask == 0, 0.0)


def test_a_mask_longer_than_the_text_is_cut():
    """As much of the model's own table is taken as the scores have rows and columns: the mask of a shorter text."""
    model, scores = Causal(), torch.rand(2, 5, 5)
    fix = first(model, scores)
    assert fix.to_dict()["new"] == "scores.masked_fill((self.mask == 0)[:, :scores.size(1), :scores.size(2)], 0.0)"
    assert torch.equal(repaired(fix, model, scores), scores.tril())


class Coded(nn.Module):
    def __init__(self):
        super().__init__()
        self.code, self.back = nn.Conv1d(1, 6, 4, 2, 1), nn.ConvTranspose1d(6, 1, 8, 2, 2)

    def forward(self, x):
        return nn.functional.mse_loss(self.back(self.code(x)), x)


def test_a_turn_that_compares_everything_with_everything_is_none():
    """(3, 1, 22) turned against (3, 1, 20) would broadcast both ways: every number with every other. What doubles exactly is meant."""
    fixes = diagnose(Coded(), input_data=torch.rand(3, 1, 20)).problems[0].fixes
    assert fixes[0].edits == ({"layer": "back", "attr": "padding", "value": 3},)
    assert not any("transpose(" in str(f.edits) for f in fixes)


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(4, 6, batch_first=True)

    def forward(self, x):
        out, _ = self.rnn(x, (torch.zeros(1, 8, 6), torch.zeros(1, 8, 6)))
        return out


def test_two_states_made_alike_in_one_line_are_both_corrected():
    """The batch as it is, for both; and nobody is advised to fill the batch up."""
    model, x = Stateful(), torch.rand(3, 5, 4)
    fix = first(model, x)
    assert fix.to_dict()["new"].count("torch.zeros(1, x.size(0), 6)") == 2
    assert torch.equal(repaired(fix, model, x), model.rnn(x)[0])


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 12, 3, padding=1), nn.Linear(12, 2)

    def forward(self, x):
        return self.fc(self.conv(x).mean(1).flatten(1))


def test_the_mean_goes_over_the_places_where_the_channels_are_wanted():
    model, x = Pooled(), torch.rand(2, 3, 8, 8)
    fix = first(model, x)
    assert fix.to_dict()["new"] == "self.conv(x).mean((2, 3))"
    assert torch.equal(repaired(fix, model, x), model.fc(model.conv(x).mean((2, 3))))


class Early(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(12, 2)

    def forward(self, heads):
        return self.fc(heads.transpose(1, 2).flatten(1))


def test_flattened_from_the_axis_that_makes_what_is_wanted():
    """Heads joined from axis 2 on keep the steps; a layer that flattens gets its start_dim."""
    model, heads = Early(), torch.rand(2, 3, 5, 4)
    fix = first(model, heads)
    assert repaired(fix, model, heads).shape == (2, 5, 2) and fix.to_dict()["new"].endswith(".flatten(2)")
    flat = seq(nn.Conv2d(1, 4, 3), nn.Flatten(2), nn.Linear(144, 2))
    assert first(flat, torch.rand(3, 1, 8, 8)).edits == ({"layer": "1", "attr": "start_dim", "value": 1},)
