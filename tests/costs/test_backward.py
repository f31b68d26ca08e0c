"""The multiply-adds of the backward pass against PyTorch's own counter, operator by operator, whichever tensors want gradients."""

from __future__ import annotations

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from whyshape.analyses.operations import operations
from whyshape.readers.torch import read
from whyshape.rules import RULES
from whyshape.rules.base import TOLD, Rule


class Does(nn.Module):
    """One line on parameters; a frozen one comes behind a `detach`."""

    def __init__(self, line, shapes, learn):
        super().__init__()
        self.line = line
        self.held = nn.ParameterList(nn.Parameter(torch.rand(shape, dtype=torch.float64), wants) for shape, wants in zip(shapes, learn))

    def forward(self, x):
        return self.line(*self.held) + 0 * x


PRODUCTS = {
    "matmul": (lambda a, b: a @ b, [(2, 3, 4), (4, 5)]),
    "mm": (torch.mm, [(3, 4), (4, 5)]),
    "addmm": (lambda a, b: torch.addmm(torch.zeros(3, 5, dtype=a.dtype), a, b), [(3, 4), (4, 5)]),
    "baddbmm": (lambda a, b: torch.baddbmm(torch.zeros(2, 3, 5, dtype=a.dtype), a, b), [(2, 3, 4), (2, 4, 5)]),
    "einsum": (lambda a, b: torch.einsum("bij,bjk->bik", a, b), [(2, 3, 4), (2, 4, 5)]),
    "einsum over shared letters": (lambda a, b: torch.einsum("bid,bjd->bij", a, b), [(2, 3, 4), (2, 5, 4)]),
    "tensordot": (lambda a, b: torch.tensordot(a, b, dims=2), [(2, 3, 4), (3, 4, 5)]),
    "conv2d": (lambda a, b: F.conv2d(a, b), [(2, 3, 8, 8), (5, 3, 3, 3)]),
}


def counted(model, *inputs) -> int:
    """What PyTorch counts of one backward pass, in multiply-adds."""
    with FlopCounterMode(display=False) as both:
        made = model(*inputs)
        (made[0] if isinstance(made, tuple) else made).sum().backward()
    with FlopCounterMode(display=False) as forward:
        model(*inputs)
    return (both.get_total_flops() - forward.get_total_flops()) // 2


@pytest.mark.parametrize("learn", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name, learn):
    line, shapes = PRODUCTS[name]
    model = Does(line, shapes, learn)
    x = torch.zeros((), dtype=torch.float64)
    assert operations(read(model, input_data=(x,))).backward().value == counted(model, x)


@pytest.mark.parametrize("learn", list(product([True, False], repeat=3))[:-1])
def test_attention(learn):
    """Written out, PyTorch counts each of its two products; the operator is counted as these."""
    shapes = [(2, 4, 5, 8), (2, 4, 7, 8), (2, 4, 7, 6)]
    out = Does(lambda q, k, v: (q @ k.transpose(-2, -1)).softmax(-1) @ v, shapes, learn)
    whole = Does(F.scaled_dot_product_attention, shapes, learn)
    x = torch.zeros((), dtype=torch.float64)
    assert operations(read(whole, input_data=(x,))).backward().value == counted(out, x)


@pytest.mark.parametrize("frozen", [(), ("in_proj_weight",), ("out_proj.weight",)])
@pytest.mark.parametrize("learns", [True, False])
def test_multi_head_attention(frozen, learns):
    """Against the same sums written out by hand, where the operator takes a short cut of its own."""
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(8, 2, bias=False).double()
    for name, p in layer.named_parameters():
        p.requires_grad_(name not in frozen)

    class Written(nn.Module):
        def __init__(self):
            super().__init__()
            self.mha = layer

        def forward(self, x):
            q, k, v = (F.linear(x, w) for w in self.mha.in_proj_weight.chunk(3))
            q, k, v = (t.reshape(5, 3 * 2, 4).transpose(0, 1) for t in (q, k, v))
            y = (torch.bmm(q / 2, k.transpose(1, 2)).softmax(-1) @ v).transpose(0, 1).reshape(5, 3, 8)
            return F.linear(y, self.mha.out_proj.weight)

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.mha = layer

        def forward(self, x):
            return self.mha(x, x, x, need_weights=False)[0]

    x = torch.rand(5, 3, 8, dtype=torch.float64)
    assert torch.allclose(Written()(x), Own()(x))
    before = nn.Linear(8, 8, bias=False).double() if learns else nn.Identity()
    told = operations(read(nn.Sequential(before, Own()), input_data=(x,), mode="train")).backward().value
    assert told == counted(nn.Sequential(before, Written()).train(), x)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"num_layers": 2}, {"batch_first": True}])
@pytest.mark.parametrize("learns", [True, False])
def test_recurrent_layers(kind, options, learns):
    """In float64, where PyTorch runs them as products it counts. The first step's state wants no gradient."""
    if kind is not nn.LSTM and options.get("num_layers"):
        options = {"num_layers": 3}
    layer = kind(4, 6, **options).double()
    model = nn.Sequential(nn.Linear(4, 4, bias=False).double() if learns else nn.Identity(), layer)
    x = torch.rand(5, 3, 4, dtype=torch.float64)
    assert operations(read(model, input_data=(x,), mode="train")).backward().value == counted(model.train(), x)


def test_unknown_is_never_zero():
    """Rules that multiply and say nothing of their backward pass: a list to be kept short, and each says that it is unknown."""
    told = {*TOLD["factors"], *TOLD["backward"]}
    silent = {name for name, rule in RULES.items() if rule.macs is not Rule.macs and name not in told}
    chains = {"torch.linalg.multi_dot", "chain_matmul", "matrix_power", "torch.linalg.matrix_power"}
    assert silent == {"cdist", "cov", "corrcoef", "keras.recurrent", "onnx.recurrent", *chains}
    graph = read(Does(torch.cdist, [(3, 4), (5, 4)], (True, True)), input_data=(torch.zeros((), dtype=torch.float64),))
    found = operations(graph).backward()
    assert found.value == 0 and found.status == "partial" and "cdist" in found.missing
