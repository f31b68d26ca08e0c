"""Multiply-adds and parameters of small cases, each derived by hand: the product is written out, not copied from a tool."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyshape.analyses.operations import operations
from whyshape.analyses.parameters import parameters
from whyshape.errors import WhyshapeError
from whyshape.readers.torch import read


class Run(nn.Module):
    """A function as a model, with its own parameters."""

    def __init__(self, forward, **own):
        super().__init__()
        self.run = forward
        for name, value in own.items():
            setattr(self, name, nn.Parameter(torch.empty(value)) if isinstance(value, tuple) else value)

    def forward(self, *args, **kwargs):
        return self.run(self, *args, **kwargs)


class Branch(nn.Module):
    """Chooses its layer by a size: a branch on data that shapes decide."""

    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Linear(8, 16), nn.Linear(8, 4)

    def forward(self, x):
        return self.wide(x) if x.shape[0] > 2 else self.narrow(x)


def tied():
    net = nn.Sequential(nn.Linear(16, 16, bias=False), nn.Linear(16, 16, bias=False))
    net[1].weight = net[0].weight
    return net


twice = nn.Linear(8, 8)
ENCODER = 2 * 5 * (16 * 48 + 16 * 16 + 16 * 32 + 32 * 16) + 2 * 2 * 5 * 5 * 16  # projections and feed-forward; scores and mixing
LEARNED = (48 * 16 + 48) + (16 * 16 + 16) + (32 * 16 + 32) + (16 * 32 + 16) + 2 * (16 + 16)

CASES = {
    "conv": (nn.Conv2d(1, 10, 5), [(1, 1, 28, 28)], 24 * 24 * 10 * 1 * 5 * 5, 10 * 25 + 10),
    "conv of the thread": (nn.Conv2d(10, 20, 5), [(1, 10, 12, 12)], 8 * 8 * 20 * 10 * 25, 20 * (10 * 5 * 5) + 20),
    "conv in a batch": (nn.Conv2d(3, 4, 3, padding=1), [(7, 3, 6, 5)], 7 * 6 * 5 * 4 * 3 * 9, 4 * 27 + 4),
    "conv without a batch": (nn.Conv2d(3, 4, 3), [(3, 6, 5)], 4 * 3 * 4 * 27, 112),
    "conv strided": (nn.Conv2d(3, 64, 7, 2, 3, bias=False), [(1, 3, 224, 224)], 112 * 112 * 64 * 147, 64 * 147),
    "conv dilated": (nn.Conv2d(2, 3, 3, dilation=2), [(1, 2, 9, 9)], 5 * 5 * 3 * 2 * 9, 57),
    "conv grouped": (nn.Conv2d(8, 12, 3, groups=4), [(1, 8, 6, 6)], 4 * 4 * 12 * 2 * 9, 12 * 18 + 12),
    "conv depthwise": (nn.Conv2d(16, 16, 3, groups=16, padding=1), [(1, 16, 8, 8)], 64 * 16 * 9, 16 * 9 + 16),
    "conv 1-d": (nn.Conv1d(4, 6, 3), [(2, 4, 10)], 2 * 8 * 6 * 4 * 3, 78),
    "conv 3-d": (nn.Conv3d(2, 3, 3), [(1, 2, 5, 6, 7)], 3 * 4 * 5 * 3 * 2 * 27, 165),
    "transposed": (nn.ConvTranspose2d(4, 6, 3, 2), [(1, 4, 5, 5)], 5 * 5 * 4 * 6 * 9, 4 * 6 * 9 + 6),
    "transposed grouped": (nn.ConvTranspose2d(4, 6, 2, 2, groups=2), [(1, 4, 5, 5)], 5 * 5 * 4 * 3 * 4, 4 * 3 * 4 + 6),
    "transposed 1-d": (nn.ConvTranspose1d(3, 5, 4, 2), [(2, 3, 6)], 2 * 6 * 3 * 5 * 4, 65),
    "linear": (nn.Linear(320, 50), [(1, 320)], 320 * 50, 320 * 50 + 50),
    "linear of tokens": (nn.Linear(64, 32), [(2, 7, 64)], 2 * 7 * 64 * 32, 64 * 32 + 32),
    "linear of one vector": (nn.Linear(6, 5, bias=False), [(6,)], 30, 30),
    "a module used twice": (Run(lambda m, x: m.layer(m.layer(x)), layer=twice), [(3, 8)], 2 * 3 * 64, 72),
    "tied weights": (tied(), [(2, 16)], 2 * 2 * 256, 256),
    "own parameter in F.conv2d": (Run(lambda m, x: F.conv2d(x, m.w), w=(5, 3, 3, 3)), [(1, 3, 8, 8)], 36 * 5 * 27, 135),
    "own parameter in @": (Run(lambda m, x: x @ m.w, w=(6, 4)), [(2, 3, 6)], 2 * 3 * 6 * 4, 24),
    "matmul of two inputs": (Run(lambda m, a, b: a @ b), [(2, 3, 4, 5), (2, 3, 5, 6)], 2 * 3 * 4 * 5 * 6, 0),
    "matmul stretched": (Run(lambda m, a, b: a @ b), [(2, 1, 4, 5), (3, 5, 6)], 2 * 3 * 4 * 5 * 6, 0),
    "bmm": (Run(lambda m, a, b: torch.bmm(a, b)), [(3, 4, 5), (3, 5, 6)], 3 * 4 * 5 * 6, 0),
    "matrix times vector": (Run(lambda m, a, b: torch.mv(a, b)), [(4, 5), (5,)], 20, 0),
    "einsum": (Run(lambda m, a, b: torch.einsum("bhid,bhjd->bhij", a, b)), [(2, 3, 4, 8), (2, 3, 5, 8)], 2 * 3 * 4 * 5 * 8, 0),
    "einsum with a sum": (Run(lambda m, a, b: torch.einsum("bij,bjd->bid", a, b)), [(2, 3, 5), (2, 5, 4)], 2 * 3 * 5 * 4, 0),
    "baddbmm": (Run(lambda m, c, a, b: torch.baddbmm(c, a, b)), [(3, 4, 6), (3, 4, 5), (3, 5, 6)], 3 * 4 * 5 * 6, 0),
    "fused attention": (
        Run(lambda m, q, k, v: F.scaled_dot_product_attention(q, k, v)), [(12, 1, 197, 64)] * 3, 2 * 12 * 197 * 197 * 64, 0),
    "attention written out": (
        Run(lambda m, q, k, v: (q @ k.transpose(-2, -1)).softmax(-1) @ v), [(2, 3, 5, 4)] * 3, 2 * 2 * 3 * 5 * 5 * 4, 0),
    "attention of other keys": (
        Run(lambda m, q, k: F.scaled_dot_product_attention(q, k, k)), [(2, 4, 6, 8), (2, 4, 9, 8)], 2 * 2 * 4 * 6 * 9 * 8, 0),
    "multi-head attention": (
        Run(lambda m, x: m.a(x, x, x, need_weights=False), a=nn.MultiheadAttention(16, 4, batch_first=True)), [(2, 5, 16)],
        2 * 5 * 16 * 48 + 2 * 2 * 5 * 5 * 16 + 2 * 5 * 16 * 16, 48 * 16 + 48 + 16 * 16 + 16),
    "encoder layer, eval": (nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), [(2, 5, 16)], ENCODER, LEARNED),
    "encoder layer, training": (nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).train(), [(2, 5, 16)], ENCODER, LEARNED),
    "lstm": (nn.LSTM(8, 16, batch_first=True), [(2, 5, 8)], 2 * 5 * 4 * 16 * (8 + 16), 4 * 16 * (8 + 16 + 2)),
    "lstm of two layers": (nn.LSTM(8, 16, 2), [(5, 2, 8)], 2 * 5 * 4 * 16 * (8 + 16 + 16 + 16), 4 * 16 * (8 + 16 + 2 + 16 + 16 + 2)),
    "lstm both ways": (nn.LSTM(8, 16, bidirectional=True), [(5, 2, 8)], 2 * 2 * 5 * 4 * 16 * (8 + 16), 2 * 4 * 16 * 26),
    "gru": (nn.GRU(8, 16), [(5, 2, 8)], 2 * 5 * 3 * 16 * (8 + 16), 3 * 16 * 26),
    "rnn": (nn.RNN(8, 16), [(5, 2, 8)], 2 * 5 * 16 * (8 + 16), 16 * 26),
    "embedding": (Run(lambda m, x: m.e(x.long()), e=nn.Embedding(100, 16)), [(2, 7)], 0, 1600),
    "a branch on a size, wide": (Branch(), [(3, 8)], 3 * 8 * 16, 8 * 16 + 16 + 8 * 4 + 4),
    "a branch on a size, narrow": (Branch(), [(2, 8)], 2 * 8 * 4, 180),
    "norms and activations multiply nothing": (nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)), [(1, 4, 6, 6)], 0, 8),
    "functional layers count": (Run(lambda m, x: F.linear(F.relu(x), m.w), w=(3, 4)), [(5, 4)], 60, 12),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_multiply_adds_and_parameters(name):
    """What the rules count is what the hand counts, and nothing is missing."""
    model, shapes, macs, count = CASES[name]
    mode = "train" if name == "encoder layer, training" else "eval"
    graph = read(model, shapes, mode=mode)
    assert graph.problem is None
    counted = operations(graph).forward()
    assert (counted.value, counted.status) == (macs, "complete")
    assert parameters(graph).total.value == count


def test_there_are_enough_cases():
    assert len(CASES) >= 35


@pytest.mark.parametrize("data", [(torch.zeros(2, 8),), [torch.zeros(2, 8)], {"x": torch.zeros(2, 8)}], ids=["tuple", "list", "keywords"])
def test_inputs_in_any_container(data):
    """The same model, its input given as PyTorch users give it."""
    graph = read(Run(lambda m, x: m.fc(x), fc=nn.Linear(8, 4)), input_data=data)
    assert operations(graph).forward().value == 2 * 8 * 4


def test_dictionaries_go_in_and_come_out():
    net = Run(lambda m, d: {"out": m.fc(d["a"] + d["b"])}, fc=nn.Linear(8, 4))
    graph = read(net, input_data=({"a": torch.zeros(2, 8), "b": torch.zeros(2, 8)},))
    assert operations(graph).forward().value == 2 * 8 * 4


# -- the other conventions, and the backward pass ------------------------------------------------------------------------
def counted(model, shape, how):
    return operations(read(model, shape, mode="eval")).forward(how).value


def test_flops_are_two_for_each_multiply_add_and_one_for_each_bias():
    assert counted(nn.Conv2d(1, 10, 5), (1, 1, 28, 28), "flops") == 2 * 144000 + 10 * 24 * 24


def test_flops_without_bias_are_twice_the_macs():
    assert counted(nn.Linear(6, 5, bias=False), (4, 6), "flops") == 2 * 120


def test_torch_counts_two_for_each_multiply_add_and_no_bias():
    assert counted(nn.Conv2d(1, 10, 5), (1, 1, 28, 28), "torch") == 2 * 144000


@pytest.mark.parametrize(
    "layer, shape, expected",
    [
        (nn.BatchNorm2d(4), (1, 4, 6, 6), 2 * 144),
        (nn.BatchNorm2d(4, affine=False), (1, 4, 6, 6), 144),
        (nn.LayerNorm(6), (2, 6), 5 * 12),
        (nn.GroupNorm(2, 4), (1, 4, 6, 6), 5 * 144),
        (nn.AdaptiveAvgPool2d(1), (1, 4, 6, 6), 144),
        (nn.Upsample(scale_factor=2), (1, 4, 6, 6), 4 * 144),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (1, 4, 6, 6), 4 * 4 * 144),
        (nn.ReLU(), (1, 4, 6, 6), 0),
    ],
)
def test_fvcore_counts_norms_and_resizing(layer, shape, expected):
    """The factors of fvcore's own table of operators."""
    assert counted(layer, shape, "fvcore") == expected


@pytest.mark.parametrize(
    "layer, shape, expected",
    [
        (nn.ReLU(), (2, 8), 16),
        (nn.BatchNorm1d(8), (2, 8), 2 * 16),
        (nn.LayerNorm(8), (2, 8), 7 * 16),
        (nn.LayerNorm(8, elementwise_affine=False), (2, 8), 5 * 16),
        (nn.Softmax(-1), (2, 8), 5 * 16),
        (nn.MaxPool2d(2), (1, 1, 4, 4), 4 * 4),
        (nn.Flatten(), (2, 2, 4), 0),
        (nn.Dropout(), (2, 8), 0),
    ],
)
def test_elementary_work(layer, shape, expected):
    """The work besides multiply-adds, as `rules/work.py` states it."""
    assert counted(layer, shape, "flops") == expected


def test_the_backward_pass_costs_each_factor_once_more():
    """The first layer's input wants no gradient; the second layer's does."""
    net = nn.Sequential(nn.Linear(8, 4, bias=False), nn.Linear(4, 2, bias=False))
    assert operations(read(net, (3, 8))).backward().value == 3 * 8 * 4 + 2 * 3 * 4 * 2


def test_frozen_weights_cost_nothing_backward():
    net = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 2))
    net[0].requires_grad_(False)
    assert operations(read(net, (3, 8))).backward().value == 3 * 4 * 2


def test_operations_as_functions_of_the_input():
    """Free axes: the same graph at other sizes, and the formula itself."""
    graph = read(nn.Conv2d(1, 10, 5), (1, 1, 28, 28), letters=[("N", "", "H", "W")])
    assert operations(graph, N=4, H=32, W=40).forward().value == 4 * 28 * 36 * 10 * 25
    formula = operations(graph, symbolic=True).forward().value
    assert int(formula) == 144000 and {"N", "H", "W"} <= set("NHW") & set(formula.formula.names())


def test_an_operator_without_a_rule_is_missing_and_not_zero():
    """A sum with an unknown part says "at least" and names the part; alone, it is unknown."""
    graph = read(nn.Sequential(nn.Linear(8, 4), nn.ReLU()), (3, 8))
    linear, relu = graph.nodes
    strange = relu._replace(op="strange", by="measured", why="no rule explains it")
    partly = operations(graph._replace(nodes=(linear, strange))).forward()
    assert (partly.value, partly.status, partly.missing) == (96, "partial", ("strange",))
    alone = operations(graph._replace(nodes=(strange,))).forward()
    assert (alone.value, alone.status) == (None, "unavailable")


def test_an_unknown_convention_is_refused():
    with pytest.raises(WhyshapeError) as refused:
        operations(read(nn.ReLU(), (3, 8))).forward("flop")
    assert str(refused.value) == "operations are counted as macs, flops, fvcore, torch; 'flop' was asked for"
