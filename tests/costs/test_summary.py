"""`summary`: torchinfo's arguments and totals; rows that add up; where the two differ, ours proved by hand."""

from __future__ import annotations

import warnings

import pytest
import torch
import torch.nn.functional as F
import torchinfo
from torch import nn

from whyshape import summary
from whyshape.errors import WhyshapeError


class Single(nn.Module):
    """Convolutions and linear layers, activations as functions."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.drop = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5), nn.Dropout2d(0.3)
        self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.drop(self.conv2(x)), 2))
        return F.log_softmax(self.fc2(F.relu(self.fc1(x.view(-1, 320)))), dim=1)


class Several(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(8, 4)

    def forward(self, image, vector):
        return self.conv(image), self.fc(vector)


class Recursive(nn.Module):
    """One layer called three times."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        return self.conv(self.conv(self.conv(x)))


class Container(nn.Module):
    """Layers in lists and dicts, one of them never called."""

    def __init__(self):
        super().__init__()
        self.listed = nn.ModuleList([nn.Linear(6, 6) for _ in range(3)])
        self.named = nn.ModuleDict({"used": nn.Linear(6, 2), "unused": nn.Linear(6, 60)})

    def forward(self, x):
        for layer in self.listed:
            x = layer(x)
        return self.named["used"](x)


class Parameter(nn.Module):
    """Its own parameter beside a layer's."""

    def __init__(self):
        super().__init__()
        self.weight, self.fc = nn.Parameter(torch.rand(4, 6)), nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x @ self.weight.t())


class Dictionary(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 2)

    def forward(self, data):
        return {"out": self.fc(data["a"] + data["b"])}


class Half(nn.Module):
    """A frozen first layer."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 2)
        self.a.requires_grad_(False)

    def forward(self, x):
        return self.b(self.a(x))


def tied():
    net = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    net[1].weight = net[0].weight
    return net


def autoencoder():
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.ConvTranspose2d(16, 3, 2, 2))


MACS = {  # (model, what it is given, multiply-adds by hand, or None where torchinfo's number must be ours)
    "single input": (Single, {"input_size": (2, 1, 28, 28)}, None),
    "several inputs": (Several, {"input_size": [(1, 1, 8, 8), (1, 8)]}, None),
    "a layer called again": (Recursive, {"input_size": (1, 8, 6, 6)}, None),
    "containers": (Container, {"input_size": (5, 6)}, None),
    "a dictionary": (Dictionary, {"input_data": [{"a": torch.zeros(3, 6), "b": torch.zeros(3, 6)}]}, None),
    "a frozen layer": (Half, {"input_size": (3, 6)}, None),
    "tied weights": (tied, {"input_size": (3, 6)}, None),
    "an autoencoder": (autoencoder, {"input_size": (1, 3, 8, 8)}, 64 * 16 * 27 + 16 * 16 * 3 * 4),  # each input place of the second is spread over 2x2
    "its own parameter": (Parameter, {"input_size": (3, 6)}, 3 * 6 * 4 + 3 * 4 * 2),  # torchinfo sees no multiplication outside of layers
    "a norm": (lambda: nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6)), {"input_size": (3, 6)}, 3 * 36),  # torchinfo counts the norm's weights
    "batch norm": (lambda: nn.BatchNorm2d(4), {"input_size": (2, 4, 3, 3)}, 0),
    "an embedding": (lambda: nn.Embedding(10, 4), {"input_data": torch.zeros(2, 3, dtype=torch.long)}, 0),  # looked up, not multiplied
    "an LSTM": (lambda: nn.LSTM(8, 16, batch_first=True), {"input_size": (2, 5, 8)}, 2 * 5 * 4 * 16 * 24),  # torchinfo adds the biases
}  # fmt: skip


@pytest.mark.parametrize("name", MACS)
@pytest.mark.filterwarnings("ignore")
def test_totals_against_torchinfo(name):
    """Parameters equal; multiply-adds equal, or by hand. (A bias is no multiplication: torchinfo counts it as one.)"""
    make, given, by_hand = MACS[name]
    ours = summary(make(), verbose=0, **given)
    theirs = torchinfo.summary(make(), verbose=0, **given)
    unused = 60 * 6 + 60 if name == "containers" else 0  # torchinfo leaves out what is not called
    shared = 36 if name == "tied weights" else 0  # and counts shared weights again
    assert ours.total_params == theirs.total_params + (unused if theirs.total_params < ours.total_params else 0) - shared
    assert ours.trainable_params == sum(p.numel() for p in make().parameters() if p.requires_grad)
    if by_hand is None:
        biases = sum(_bias_additions(row) for row in ours.rows)
        assert ours.total_mult_adds + biases == theirs.total_mult_adds
    else:
        assert ours.total_mult_adds == by_hand


def _bias_additions(row) -> int:
    """What torchinfo adds for a layer's bias: one for each place, times the maps; one for each output of a linear layer and row."""
    if row.type not in ("Conv2d", "Linear"):
        return 0
    size = 1
    for n in row.outputs[0]:
        size *= n
    return size


@pytest.mark.parametrize("name", ["single input", "a layer called again", "containers", "its own parameter"])
def test_rows_add_up_to_the_totals(name):
    """The leaves' multiply-adds are the total's; every parameter is owned by one first row."""
    make, given, _ = MACS[name]
    made = summary(make(), verbose=0, **given)
    assert sum(row.macs.value for row in made.rows if row.leaf) == made.total_mult_adds
    first = [row for row in made.rows if not row.again]
    unused = 60 * 6 + 60 if name == "containers" else 0
    assert sum(row.own for row in first) + unused == made.total_params


def test_the_whole_table(capsys):
    """The text of a small network, every line."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 4))
    made = summary(
        net,
        (1, 1, 6, 6),
        col_names=("output_size", "num_params", "mult_adds"),
        col_width=16,
        row_settings=("depth", "var_names", "ascii_only"),
    )
    rule = "=" * (40 + 3 * 17)
    assert str(made).split("\n") == [
        rule, "Layer (type (var_name):depth-idx)        Output Shape     Param #          Mult-Adds", rule,
        "Sequential                               [1, 4]           --               --",
        "+ Conv2d (0): 1-1                        [1, 2, 4, 4]     20               288",
        "+ ReLU (1): 1-2                          [1, 2, 4, 4]     --               --",
        "+ Flatten (2): 1-3                       [1, 32]          --               --",
        "+ Linear (3): 1-4                        [1, 4]           132              128",
        rule, "Total params: 152", "Trainable params: 152", "Non-trainable params: 0", "Total mult-adds (M): 0.00", rule,
        "Input size (MB): 0.00", "Kept for backward pass (MB): 0.00", "Params size (MB): 0.00", "Estimated Total Size (MB): 0.00", rule,
    ]  # fmt: skip
    assert capsys.readouterr().out.rstrip("\n") == str(made)


def test_functional_operators_have_rows():
    rows = [row.type for row in summary(Single(), (2, 1, 28, 28), verbose=0).rows]
    assert rows == [
        "Single",
        "Conv2d",
        "max_pool2d()",
        "relu()",
        "Conv2d",
        "Dropout2d",
        "max_pool2d()",
        "relu()",
        "Linear",
        "relu()",
        "Linear",
        "log_softmax()",
    ]


def test_depth_closes_modules():
    """A closed module stands for everything inside it."""
    net = nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), nn.Linear(4, 2))
    made = summary(net, (1, 4), depth=1, verbose=0)
    shown = [line.split() for line in str(made).split("\n") if "1-1" in line]
    assert shown[0][-1] == "40"


def test_a_layer_called_again_is_recursive():
    text = str(summary(Recursive(), (1, 8, 6, 6), verbose=0))
    assert text.count("(recursive)") == 2
    hidden = str(summary(Recursive(), (1, 8, 6, 6), verbose=0, row_settings=("hide_recursive_layers",)))
    assert hidden.count("Conv2d") == 1


def test_batch_dim_puts_a_batch_in():
    assert summary(Single(), (1, 28, 28), batch_dim=0, verbose=0).rows[0].inputs == ((1, 1, 28, 28),)


def test_keyword_arguments_go_to_forward():
    made = summary(Several(), verbose=0, image=torch.zeros(1, 1, 8, 8), vector=torch.zeros(1, 8))
    assert made.total_mult_adds == 36 * 4 * 9 + 32


def test_without_an_input_the_parameters_are_counted():
    made = summary(Single(), verbose=0)
    assert made.total_params == 21840 and "Total mult-adds" not in str(made)


def test_lazy_layers_are_known_after_the_run_and_said_to_be_unknown_before():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make = lambda: nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(2))
        assert "at least: 4 lazy parameters are not known yet" in str(summary(make(), verbose=0))
        assert summary(make(), (1, 3, 8, 8), verbose=0).total_params == 4 * 27 + 4 + 2 * 144 + 2


@pytest.mark.parametrize(
    "given, text",
    [
        (
            {"col_names": ("output",)},
            "col_names are kernel_size, input_size, output_size, other_order, num_params, params_percent, mult_adds, trainable; 'output' was given",
        ),
        ({"row_settings": ("deep",)}, "row_settings are depth, var_names, ascii_only, hide_recursive_layers; 'deep' was given"),
        ({"mode": "test"}, "mode is 'eval', 'train' or 'same'; 'test' was given"),
    ],
)
def test_arguments_nobody_knows_are_refused(given, text):
    with pytest.raises(WhyshapeError) as refused:
        summary(Single(), (2, 1, 28, 28), verbose=0, **given)
    assert str(refused.value) == text


def test_every_argument_of_torchinfo_is_taken():
    import inspect

    assert set(inspect.signature(torchinfo.summary).parameters) <= set(inspect.signature(summary).parameters)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"input_size": (1, 4), "input_data": torch.zeros(1, 4)}, "input_size and input_data are given; one of them is wanted"),
        ({"input_size": (1, 4), "col_width": 0}, "col_width is 1 or more; 0 was given"),
        ({"input_size": (1, 4), "verbose": 7}, "verbose is 0, 1 or 2; 7 was given"),
    ],
)
def test_what_torchinfo_refuses_is_refused(given, said, capsys):
    with pytest.raises(WhyshapeError) as refused:
        summary(nn.Linear(4, 2), **given)
    assert str(refused.value) == said and capsys.readouterr().out == ""


class Masked(nn.Module):
    """A forward with an argument by name."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)

    def forward(self, x, scale=1.0, mask=None):
        return self.fc(x * scale) * (1 if mask is None else mask)


def test_arguments_of_the_forward():
    """They go beside an input size and beside input data; a name the forward has not is told."""
    wanted = 2 * 3 * 4
    assert summary(Masked(), (2, 3), mask=torch.ones(2, 4), verbose=0).total_mult_adds >= wanted
    assert summary(Masked(), input_data=torch.ones(2, 3), scale=2.0, mask=torch.ones(2, 4), verbose=0).total_mult_adds >= wanted
    assert summary(Masked(), input_data={"x": torch.ones(2, 3)}, mask=torch.ones(2, 4), verbose=0).total_mult_adds >= wanted
    with pytest.raises(WhyshapeError, match="the model's forward takes x, scale, mask; 'colour' was given"):
        summary(Masked(), (2, 3), colour=1, verbose=0)
