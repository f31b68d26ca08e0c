"""Multiply-adds: PyTorch's own counter where it is right, counted by hand where it is not."""

from __future__ import annotations

import warnings
from math import prod

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from whyshape.graph import Builder
from whyshape.rules import RULES, Call, Made, Spec

Z = lambda *shape: torch.zeros(shape, device="meta")


def first(made):
    """The first result as a stand-in."""
    made = made[0] if type(made) is list else made
    return Spec(tuple(made.shape if type(made) is Made else made))


def macs(op, *args, **kwargs):
    """What the rule counts for one call."""
    rule = RULES[op]
    return rule.macs(Call(rule, args, kwargs, first(rule.shape(*args, **kwargs)), op))


COUNTED = {
    "linear": (F.linear, (Z(8, 5, 7), Z(3, 7))),
    "matmul": (torch.matmul, (Z(2, 1, 4, 5), Z(3, 5, 6))),
    "mm": (torch.mm, (Z(4, 5), Z(5, 6))),
    "bmm": (torch.bmm, (Z(2, 4, 5), Z(2, 5, 6))),
    "addmm": (torch.addmm, (Z(6), Z(4, 5), Z(5, 6))),
    "baddbmm": (torch.baddbmm, (Z(2, 4, 6), Z(2, 4, 5), Z(2, 5, 6))),
    "einsum": (torch.einsum, ("bhqd,bhkd->bhqk", Z(2, 3, 4, 5), Z(2, 3, 6, 5))),
    "tensordot": (torch.tensordot, (Z(2, 3, 4), Z(3, 4, 5))),
    "torch.linalg.multi_dot": (torch.linalg.multi_dot, ([Z(10, 100), Z(100, 5), Z(5, 50), Z(50, 2)],)),
    "matrix_power": (torch.matrix_power, (Z(2, 3, 3), 13)),
    "cov": (torch.cov, (torch.ones(3, 5),)),
    "corrcoef": (torch.corrcoef, (torch.ones(3, 5),)),
    "scaled_dot_product_attention": (F.scaled_dot_product_attention, (Z(2, 3, 4, 8), Z(2, 3, 6, 8), Z(2, 3, 6, 16))),
}


@pytest.mark.parametrize("op", COUNTED)
def test_counter(op):
    """Half of PyTorch's flops on the meta device, where its counter sees every kernel."""
    function, args = COUNTED[op]
    with FlopCounterMode(display=False) as counter:
        function(*args)
    assert macs(op, *args) * 2 == counter.get_total_flops() > 0


@pytest.mark.parametrize("n", range(1, 20))
def test_powers_of_a_matrix(n):
    """As many products as PyTorch makes, whatever the exponent."""
    with FlopCounterMode(display=False) as counter:
        torch.matrix_power(Z(4, 4), n)
    assert macs("matrix_power", Z(4, 4), n) * 2 == counter.get_total_flops()


@pytest.mark.parametrize("shapes", [[(3,), (3, 4)], [(3,), (3, 4), (4,)], [(2, 3), (3, 4), (4,)], [(9, 2), (2, 9)]], ids=str)
def test_a_vector_at_an_end_of_a_chain(shapes):
    """A vector is a matrix of one row or one column."""
    matrices = [Z(*s) for s in shapes]
    with FlopCounterMode(display=False) as counter:
        torch.linalg.multi_dot(matrices)
    assert macs("torch.linalg.multi_dot", matrices) * 2 == counter.get_total_flops()


def test_attention_of_a_vision_transformer():
    """Twelve heads over 197 places of 64 numbers: 59,610,624, half of the 119,221,248 flops PyTorch's counter misses on the CPU."""
    heads = Spec((1, 12, 197, 64))
    assert macs("scaled_dot_product_attention", heads, heads, heads) == 59_610_624


@pytest.mark.parametrize("equation, shapes, count", [
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], 2 * 3 * 4 + 2 * 4 * 5), ("ij,ij->", [(3, 4), (3, 4)], 12), ("ij->ji", [(3, 4)], 0),
    ("i,j->ij", [(3,), (4,)], 12), ("bi,ij,bj->b", [(2, 3), (3, 4), (2, 4)], 2 * 3 * 4 + 2 * 4),
])  # fmt: skip
def test_einsum_two_by_two(equation, shapes, count):
    """Operands are contracted from the left, one pair after another."""
    assert macs("einsum", equation, *map(Spec, shapes)) == count


def test_bilinear():
    """Each of 5 outputs of 2 rows: 3 times 4 products with the weight, 4 with the second input."""
    assert macs("bilinear", Spec((2, 3)), Spec((2, 4)), Spec((5, 3, 4))) == 2 * 5 * (3 * 4 + 4)


RECURRENT = [("LSTM", 4), ("GRU", 3), ("RNN", 1)]


@pytest.mark.parametrize("kind, gates", RECURRENT)
@pytest.mark.parametrize("layers, both, bias", [(1, False, True), (2, True, True), (2, True, False)])
def test_recurrent(kind, gates, layers, both, bias):
    """At every step each gate meets the input and the state, in every layer and direction: counted by hand."""
    steps, batch, width, hidden = 7, 3, 10, 20
    net, ways = Builder(), 2 if both else 1
    net.layer(
        kind, "", net.input((steps, batch, width)), args=(width, hidden), kwargs={"num_layers": layers, "bidirectional": both, "bias": bias}
    )
    graph = net.graph()
    want = sum(ways * gates * hidden * ((width if level == 0 else ways * hidden) + hidden) for level in range(layers))
    node = next(n for n in graph.nodes if n.op.startswith(kind.lower()))
    assert node.rule.macs(graph.call(node)) == steps * batch * want


def test_lstm_with_projection():
    """The state shown is projected to 5 numbers: one product more for each step, and smaller states."""
    net = Builder()
    net.layer("LSTM", "", net.input((7, 3, 10)), args=(10, 20), kwargs={"proj_size": 5})
    graph = net.graph()
    node = next(n for n in graph.nodes if n.op == "lstm")
    assert node.rule.macs(graph.call(node)) == 7 * 3 * (80 * 10 + 80 * 5 + 5 * 20)


@pytest.mark.parametrize("settings", [{}, {"kdim": 6, "vdim": 10}, {"add_bias_kv": True, "add_zero_attn": True}], ids=str)
@pytest.mark.parametrize("batch_first", [False, True])
def test_multihead_attention(settings, batch_first):
    """The layer's parameters, sizes and products: four projections, the scores, and the weighted mean."""
    embed, heads, n, q, k = 8, 2, 3, 4, 5
    kdim, vdim = settings.get("kdim", embed), settings.get("vdim", embed)
    layer = torch.nn.MultiheadAttention(embed, heads, batch_first=batch_first, **settings)
    shapes = [(n, q, embed), (n, k, kdim), (n, k, vdim)]
    shapes = shapes if batch_first else [(s[1], s[0], s[2]) for s in shapes]
    with torch.no_grad():
        want = [tuple(t.shape) for t in layer(*map(torch.zeros, shapes))]
    net = Builder()
    made = net.layer(
        "MultiheadAttention", "", *map(net.input, shapes), args=(embed, heads), kwargs={"batch_first": batch_first, **settings}
    )
    assert [t.shape for t in made] == want
    assert {t.name: t.shape for t in net.tensors if t.kind == "parameter"} == {a: tuple(p.shape) for a, p in layer.named_parameters()}
    graph = net.graph()
    node = next(x for x in graph.nodes if x.op == "multi_head_attention_forward")
    seen = k + (2 if settings.get("add_bias_kv") else 0)
    want = n * embed * (q * embed + k * kdim + k * vdim + q * embed) + 2 * n * q * seen * embed
    assert node.rule.macs(graph.call(node)) == want


def test_transformer():
    """Encoder and decoder: the parameters by name, and the sizes of the output."""
    settings = {"d_model": 8, "nhead": 2, "num_encoder_layers": 2, "num_decoder_layers": 2, "dim_feedforward": 16}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        model = torch.nn.Transformer(**settings)
        want = model(torch.zeros(5, 3, 8), torch.zeros(4, 3, 8)).shape
    net = Builder()
    made = net.layer("Transformer", "", net.input((5, 3, 8)), net.input((4, 3, 8)), kwargs=settings)
    assert made.shape == tuple(want)
    assert {t.name: t.shape for t in net.tensors if t.kind == "parameter"} == {a: tuple(p.shape) for a, p in model.named_parameters()}
    assert sum(prod(t.shape) for t in net.tensors if t.kind == "parameter") == sum(p.numel() for p in model.parameters())
