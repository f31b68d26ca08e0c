"""Which input cells an output cell looks at, as the rules say and as PyTorch shows."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from whyshape.graph.builder import Builder
from whyshape.rules import Window
from whyshape.rules.pool import adaptive_windows

# Every layer in one dimension, the input's size chosen so that strides leave a rest. Two axes differ only in their number.
MODES = ("nearest", "nearest-exact", "linear", "area")
LAYERS = [
    ("Conv1d", (1, 1, 3), {}, 11),
    ("Conv1d", (1, 1, 3), {"stride": 2, "padding": 1}, 12),
    ("Conv1d", (1, 1, 3), {"stride": 3, "dilation": 2}, 17),
    ("Conv1d", (1, 1, 4), {"padding": "same"}, 9),
    ("Conv1d", (1, 1, 4), {"padding": "same", "dilation": 3}, 9),
    ("Conv1d", (1, 1, 2), {"padding": "valid"}, 9),
    ("ConvTranspose1d", (1, 1, 3), {}, 5),
    ("ConvTranspose1d", (1, 1, 3), {"stride": 2, "padding": 1, "output_padding": 1}, 6),
    ("ConvTranspose1d", (1, 1, 4), {"stride": 3, "padding": 2, "dilation": 2}, 6),
    ("ConvTranspose1d", (1, 1, 2), {"stride": 4}, 5),
    ("MaxPool1d", (3,), {"stride": 2, "padding": 1}, 11),
    ("MaxPool1d", (2,), {"dilation": 3}, 12),
    ("MaxPool1d", (3, 2), {"ceil_mode": True}, 10),
    ("AvgPool1d", (3,), {"stride": 2, "padding": 1}, 11),
    ("AvgPool1d", (2,), {}, 7),
    ("LPPool1d", (2, 3), {"stride": 2}, 9),
    ("AdaptiveAvgPool1d", (3,), {}, 12),
    ("AdaptiveMaxPool1d", (1,), {}, 7),
    ("ZeroPad1d", ((2, 1),), {}, 5),
    ("ConstantPad1d", ((-1, 3), 0.5), {}, 6),
    *[("Upsample", (), {"scale_factor": f, "mode": mode}, 7) for f in (1, 2, 3, 4, 5) for mode in MODES],
    *[("Upsample", (), {"size": 24 // f, "mode": mode}, 24) for f in (1, 2, 3, 4, 6) for mode in MODES],
]


def looked_at(module: nn.Module, n: int) -> list[set[int]]:
    """For every output cell, the input cells that move it: those whose gradient is not zero (or a rounding error) at some input."""
    seen: list[set[int]] = []
    for seed in range(100 if "Max" in type(module).__name__ else 1):
        x = (torch.rand(1, 1, n, generator=torch.Generator().manual_seed(seed)) + 0.5).requires_grad_()
        out = module(x)[0, 0]
        seen = seen or [set() for _ in out]
        for j, cell in enumerate(out):
            (slope,) = torch.autograd.grad(cell, x, retain_graph=True)
            seen[j] |= set((slope[0, 0].abs() > 1e-5).nonzero().flatten().tolist())
    return seen


def said(w: Window, n: int, o: int) -> list[set[int]]:
    """The cells a window of `rules.base.Window`'s convention means."""
    if w.stride >= 0:
        return [{j * w.stride - w.before + t * w.dilation for t in range(w.size)} & set(range(n)) for j in range(o)]
    spread = [[i * -w.stride - w.before + t * w.dilation for t in range(w.size)] for i in range(n)]
    return [{i for i in range(n) if j in spread[i]} for j in range(o)]


def window_of(name: str, args: tuple, kwargs: dict, shape: tuple[int, ...]):
    builder = Builder()
    made = builder.layer(name, "layer", builder.input(shape), args=args, kwargs=kwargs)
    graph = builder.graph(made)
    return graph.nodes[-1].rule.reach(graph.call(graph.nodes[-1])), made.shape


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name, args, kwargs, n", LAYERS, ids=lambda value: str(value).replace(" ", ""))
def test_windows_are_where_gradients_are(name, args, kwargs, n):
    """The cells a rule says an output cell looks at are the cells whose gradient is not zero; padding accounts for the size."""
    module = getattr(nn, name)(*args, **kwargs)
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    windows, shape = window_of(name, args, kwargs, (1, 1, n))
    window, o = windows[-1], shape[-1]
    assert said(window, n, o) == looked_at(module, n)
    if not kwargs.get("ceil_mode") and window.stride > 0:
        assert (n + window.before + window.after - window.dilation * (window.size - 1) - 1) // window.stride + 1 == o
    if window.stride < 0:
        assert (n - 1) * -window.stride + window.dilation * (window.size - 1) + 1 - window.before - window.after == o


@pytest.mark.parametrize("n, o", [(7, 3), (5, 3), (3, 5), (10, 4), (4, 10)])
def test_adaptive_windows_lie_inside_the_one_said(n, o):
    """Where sizes do not divide, adaptive windows differ: `adaptive_windows` names them, and the one window of the rule holds them all."""
    windows, _ = window_of("AdaptiveAvgPool1d", (o,), {}, (1, 1, n))
    seen = looked_at(nn.AdaptiveAvgPool1d(o), n)
    assert [set(cells) for cells in adaptive_windows(n, o)] == seen
    assert all(cells <= around for cells, around in zip(seen, said(windows[-1], n, o)))


@pytest.mark.parametrize("f", [2, 3, 4])
@pytest.mark.parametrize("up", [True, False])
def test_bicubic_windows(up, f):
    """Bicubic resizing by a whole factor is one window as well, except upwards by an odd one: that window has holes."""
    kwargs = {"scale_factor": f, "mode": "bicubic"} if up else {"size": (24 // f, 24 // f), "mode": "bicubic"}
    n = 6 if up else 24
    windows, shape = window_of("Upsample", (), kwargs, (1, 1, n, n))
    x = torch.rand(1, 1, n, n, requires_grad=True)
    row = nn.Upsample(**kwargs)(x)[0, 0, :, 0]
    slopes = [torch.autograd.grad(cell, x, retain_graph=True)[0][0, 0].abs().sum(1) for cell in row]
    if up and f % 2:
        assert windows is None
        assert (slopes[4] > 1e-5).sum() == 1 < (slopes[3] > 1e-5).sum()
        return
    assert said(windows[-2], n, shape[-2]) == [set((slope > 1e-5).nonzero().flatten().tolist()) for slope in slopes]


@pytest.mark.parametrize("name, args, kwargs, n", [
    ("Upsample", (), {"scale_factor": 1.5}, 6), ("Upsample", (), {"scale_factor": 3, "mode": "linear", "align_corners": True}, 9),
    ("Upsample", (), {"size": 5}, 7), ("ReflectionPad1d", (2,), {}, 6), ("CircularPad1d", (2,), {}, 6), ("ReplicationPad1d", (1,), {}, 6),
])  # fmt: skip
def test_no_window_is_named_where_cells_differ(name, args, kwargs, n):
    """Where output cells do not all look alike the rule says so, and names no window."""
    windows, shape = window_of(name, args, kwargs, (1, 1, n))
    assert windows is None
    seen = looked_at(getattr(nn, name)(*args, **kwargs), n)
    assert not any(said(Window(k, s, p), n, shape[-1]) == seen for k in range(1, 9) for s in (1, 2, 3, -1, -2, -3) for p in range(-4, 9))


@pytest.mark.parametrize("name, shape", [("PixelShuffle", (1, 4, 3, 3)), ("PixelUnshuffle", (1, 1, 6, 6))])
def test_shuffled_pixels(name, shape):
    """A pixel shuffle by 2 looks at rows as its window says, whatever the channel."""
    module = getattr(nn, name)(2)
    windows, out = window_of(name, (2,), {}, shape)
    x = torch.rand(shape, requires_grad=True)
    made = module(x)
    seen = []
    for j in range(out[-2]):
        (slope,) = torch.autograd.grad(made[0, :, j].sum(), x, retain_graph=True)
        seen.append(set(slope[0].abs().sum((0, 2)).nonzero().flatten().tolist()))
    assert said(windows[-2], shape[-2], out[-2]) == seen


def test_windows_of_functions():
    """Windows along an axis, along time, and back from a pool."""
    builder = Builder()
    row = builder.input((2, 9))
    windows = builder.call("Tensor.unfold", row, 1, 4, 2)
    time = builder.call("conv_tbc", builder.input((9, 1, 4)), builder.parameter("w", (3, 4, 2)), builder.parameter("b", (2,)), 1)
    small = builder.input((1, 1, 4))
    back = builder.call("max_unpool1d", small, builder.input((1, 1, 4), "int64"), 3, 2, 1)
    graph = builder.graph(windows, time, back)
    reach = [node.rule.reach(graph.call(node)) for node in graph.nodes]
    assert reach[0] == {-3: Window(1), -2: Window(4, 2)}
    cells = torch.arange(18).view(2, 9).unfold(1, 4, 2)[0]
    assert said(reach[0][-2], 9, windows.shape[-2]) == [set(places.tolist()) for places in cells]
    x = torch.rand(9, 1, 4, requires_grad=True)
    made = torch.conv_tbc(x, torch.ones(3, 4, 2), torch.zeros(2), 1)
    slopes = [torch.autograd.grad(step.sum(), x, retain_graph=True)[0].sum((1, 2)) for step in made]
    assert said(reach[1][-3], 9, time.shape[0]) == [set(slope.nonzero().flatten().tolist()) for slope in slopes]
    # A value may go back to any cell its pool's window covered, and to no other.
    pool = said(Window(3, 2, 1), back.shape[-1], 4)
    assert said(reach[2][-1], 4, back.shape[-1]) == [{i for i in range(4) if j in pool[i]} for j in range(back.shape[-1])]


@pytest.mark.parametrize("name, args, shape", [
    ("Conv2d", (4, 6, 3, 2, 1, 1, 2), (2, 4, 9, 11)), ("Conv1d", (3, 5, 2), (1, 3, 7)), ("Conv3d", (2, 2, 3, 1, 1), (1, 2, 4, 5, 6)),
    ("ConvTranspose2d", (4, 6, 3, 2, 1, 1, 2), (2, 4, 5, 7)), ("ConvTranspose1d", (3, 5, 2), (1, 3, 7)),
])  # fmt: skip
def test_multiply_adds_are_half_the_flops_pytorch_counts(name, args, shape):
    """A convolution's multiply-adds are half of what PyTorch's own flop counter says."""
    builder = Builder()
    graph = builder.graph(builder.layer(name, "layer", builder.input(shape), args=args))
    with FlopCounterMode(display=False) as counter:
        getattr(nn, name)(*args, device="meta")(torch.empty(shape, device="meta"))
    assert 2 * graph.nodes[0].rule.macs(graph.call(graph.nodes[0])) == counter.get_total_flops() > 0


def test_multiply_adds_of_the_other_spellings():
    """conv_tbc and torch.convolution count what conv1d and its transpose count."""
    builder = Builder()
    line, weight = builder.input((1, 4, 9)), builder.parameter("w", (2, 4, 3))
    builder.call("conv1d", line, weight)
    builder.call("conv_tbc", builder.input((9, 1, 4)), builder.parameter("v", (3, 4, 2)), builder.parameter("b", (2,)))
    builder.call("convolution", line, weight, None, [1], [0], [1], False, [0], 1)
    turned = builder.parameter("t", (4, 2, 3))
    builder.call("conv_transpose1d", line, turned)
    builder.call("convolution", line, turned, None, [1], [0], [1], True, [0], 1)
    graph = builder.graph()
    assert [node.rule.macs(graph.call(node)) for node in graph.nodes] == [7 * 2 * 12] * 3 + [4 * 9 * 6] * 2
    assert [node.rule.reach(graph.call(node))[-1] for node in graph.nodes[2:]] == [Window(3), Window(3, -1), Window(3, -1)]
