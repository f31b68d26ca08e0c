"""Every claim in every sentence is run: formulas are evaluated as printed, notes are tried on real tensors."""

from __future__ import annotations

import math
import random
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyshape import explain
from whyshape.analyses.words import Words

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # PyTorch's note on speed, once for each process


def told(text: str, shape) -> dict[str, str]:
    """The slots of a single layer, each as one text; None where it refuses."""
    graph = explain(text, shape).graph
    if graph.problem is not None:
        return {}
    return {slot: " ".join(lines) for slot, lines in Words(graph).slots(graph.nodes[-1]).items()}


def drawn(dice: random.Random) -> tuple[str, tuple[int, ...]]:
    """A random layer and an input it may or may not take."""
    c, k, s, p = dice.choice((1, 2, 4, 6)), dice.randint(1, 5), dice.randint(1, 4), dice.randint(0, 3)
    d, g = dice.randint(1, 3), dice.choice((1, 1, 2))
    sizes = (dice.randint(1, 4), c, dice.randint(1, 40), dice.randint(1, 40))
    kind = dice.randrange(6)
    if kind == 0:
        return f"Conv2d({c}, {2 * g * dice.randint(1, 4)}, {k}, stride={s}, padding={p}, dilation={d}, groups={g})", sizes
    if kind == 1:
        return f"MaxPool2d({k}, stride={s}, padding={min(p, k // 2)}, dilation={d}, ceil_mode={dice.random() < 0.5})", sizes
    if kind == 2:
        return f"AvgPool2d(({k}, {dice.randint(1, 4)}), stride={s}, ceil_mode={dice.random() < 0.5})", sizes
    if kind == 3:
        return f"ConvTranspose2d({c}, 3, {k}, stride={s}, padding={p}, output_padding={dice.randint(0, 1)})", sizes
    if kind == 4:
        return f"Conv2d({c}, 3, {k}, padding='same', dilation={d})", sizes
    return f"Conv1d({c}, 5, {k}, stride={s}, padding={p})", sizes[:3]


def evaluated(formula: str) -> int:
    """A printed formula, computed by Python."""
    return eval(formula, {"__builtins__": {}}, {"floor": math.floor, "ceil": math.ceil, "min": min, "max": max})


def compare_with_torch(seed: int) -> bool:
    """One random layer: PyTorch's sizes, and every printed formula evaluated. False where both refuse."""
    text, shape = drawn(random.Random(seed))
    try:
        layer = eval(f"nn.{text}")
        with torch.no_grad():
            out = layer(torch.zeros(shape))
    except (RuntimeError, ValueError):
        assert explain(text, shape).graph.problem is not None, text
        return False
    graph = explain(text, shape).graph
    assert graph.problem is None, (text, graph.problem)
    assert graph.tensors[graph.outputs[0]].shape == tuple(out.shape), text
    slots = Words(graph).slots(graph.nodes[-1])
    names = ("height", "width") if len(shape) == 4 else ("length",)
    known = dict(zip(names, out.shape[2:]))
    for axes, formula, value in re.findall(r"^([a-z ]+): (.+) = (\d+)$", "\n".join(slots["SIZE"]), re.M):
        assert evaluated(formula) == int(value), (text, formula)
        for axis in axes.split(" and "):
            assert known[axis] == int(value), (text, axes)
    weights = slots.get("WEIGHTS", [""])[0]
    count = sum(p.numel() for p in layer.parameters())
    assert weights.endswith(f"= {count}") if count else not weights, (text, weights)
    if weights:
        numbers = re.sub(r"[a-z]+", "", weights.rpartition("=")[0])
        assert evaluated(numbers) == count
    for span, room, more in re.findall(
        r"covers (\d+) of (\d+) \w+(?:, padding counted)?\. It can move (\d+) more", " ".join(slots["SIZE"])
    ):
        assert int(room) - int(span) == int(more), text
    return True


def test_random_layers_read_as_they_are():
    """Formulas, values, counts and walks of random layers, evaluated as printed, equal PyTorch's."""
    assert sum(compare_with_torch(seed) for seed in range(300)) > 150


@pytest.mark.full
def test_ten_thousand_layers_read_as_they_are():
    """The same for ten thousand."""
    assert sum(compare_with_torch(seed) for seed in range(1000, 11_000)) > 5000


@pytest.mark.parametrize("text, size", [
    ("Conv2d(1, 2, 3, stride=2, dilation=2)", 32),
    ("Conv2d(1, 2, 1, stride=2)", 56),
    ("Conv2d(1, 2, 11, stride=4)", 224),
    ("MaxPool2d(2)", 27),
    ("Conv2d(1, 2, 3, padding=1)", 9),
])  # fmt: skip
def test_unread_pixels(text, size):
    """ "Only n of m pixels are ever read" is what gradients say."""
    layer = eval(f"nn.{text}")
    if isinstance(layer, nn.MaxPool2d):
        layer = nn.AvgPool2d(layer.kernel_size, layer.stride)  # an average passes a gradient to every cell it reads
    else:
        nn.init.ones_(layer.weight)
    x = torch.ones(1, 1, size, size, requires_grad=True)
    layer(x).sum().backward()
    read = int((x.grad != 0).sum())
    note = told(text, (1, 1, size, size)).get("NOTE", "")
    said = re.search(r"Only ([\d,]+) of ([\d,]+)", note)
    assert (
        (int(said.group(1).replace(",", "")), int(said.group(2).replace(",", ""))) == (read, size * size) if said else read == size * size
    )


def test_where_flatten_puts_a_cell():
    """ "Number (map c, row i, column j) lands at c*16 + i*4 + j" is tried on every cell."""
    note = told("Flatten", (2, 20, 4, 4))["NOTE"]
    assert "lands at c*16 + i*4 + j" in note
    x = torch.arange(20 * 16).reshape(1, 20, 4, 4)
    flat = x.flatten(1)[0]
    assert all(flat[c * 16 + i * 4 + j] == x[0, c, i, j] for c in range(20) for i in range(4) for j in range(4))


def test_ceil_mode_hangs_over_the_edge():
    """The size without ceil_mode, and by how much the last window hangs over."""
    note = told("MaxPool2d(3, stride=2, ceil_mode=True)", (1, 64, 112, 112))["NOTE"]
    assert note == "The last window hangs over the edge by 1; it takes what is there. Without ceil_mode the size is 55."
    assert nn.MaxPool2d(3, 2)(torch.zeros(1, 1, 112, 112)).shape[-1] == 55
    assert (56 - 1) * 2 + 3 - 112 == 1


def test_transposed_turns_back():
    """ "A convolution turns each of 27 to 28 into 14; output_padding=1 picks 28" is run."""
    note = told("ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1)", (1, 64, 14, 14))["NOTE"]
    first, last, size, extra, picked = map(
        int, re.search(r"each of (\d+) to (\d+) into (\d+)\. output_padding=(\d+) picks (\d+)", note).groups()
    )
    conv = nn.Conv2d(1, 1, 3, stride=2, padding=1)
    assert {n for n in range(1, 40) if conv(torch.zeros(1, 1, n, n)).shape[-1] == size} == set(range(first, last + 1))
    assert nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=extra)(torch.zeros(1, 1, 14, 14)).shape[-1] == picked


def test_same_padding_is_uneven():
    """ "1 above, 2 below": shifting the picture by hand gives the same values."""
    note = told("Conv2d(3, 8, 4, padding='same')", (1, 3, 28, 28))["NOTE"]
    assert "3 rows are added. They cannot be split evenly: 1 above, 2 below." in note
    conv = nn.Conv2d(3, 8, 4, padding="same")
    x = torch.rand(1, 3, 28, 28)
    torch.testing.assert_close(conv(x), F.conv2d(F.pad(x, (1, 2, 1, 2)), conv.weight, conv.bias))


def test_adaptive_windows():
    """ "columns 0-2, 2-4, 4-6": each output is the mean of those columns."""
    note = told("AdaptiveAvgPool2d(3)", (1, 5, 7, 7))["NOTE"]
    spans = [tuple(map(int, s.split("-"))) for s in re.findall(r"\d+-\d+", note)]
    x = torch.rand(1, 1, 1, 7)
    out = nn.AdaptiveAvgPool2d((1, 3))(x)[0, 0, 0]
    torch.testing.assert_close(out, torch.stack([x[0, 0, 0, a : b + 1].mean() for a, b in spans]))


def test_batch_norm_gives_two_answers():
    """ "In training it uses the mean of the batch, so one image can give two answers"."""
    assert "one image can give two answers" in told("BatchNorm2d(3)", (2, 3, 4, 4))["NOTE"]
    norm, x = nn.BatchNorm2d(3), torch.rand(2, 3, 4, 4)
    assert not torch.allclose(norm(x), norm.eval()(x))


def test_dropout_scales_the_rest():
    """ "set to 0 by chance, and the rest are scaled up; after eval() it does nothing"."""
    drop, x = nn.Dropout(0.5), torch.ones(1000)
    assert set(drop(x).tolist()) == {0.0, 2.0} and torch.equal(drop.eval()(x), x)


def test_a_linear_layer_on_more_axes():
    """ "It works on the last axis only: the same weights serve 7 places"."""
    assert "serve 7 places" in told("Linear(4, 50)", (2, 7, 4))["NOTE"]
    fc, x = nn.Linear(4, 50), torch.rand(2, 7, 4)
    torch.testing.assert_close(fc(x)[1, 3], fc(x[1, 3]))


def test_an_axis_of_one_is_stretched():
    """The sentence stands where shapes differ, and PyTorch indeed runs it."""

    class Gate(nn.Module):
        def forward(self, x, g):
            return x * g

    graph = explain(Gate(), [(1, 64, 8, 8), (1, 64, 1, 1)]).graph
    assert "1x64x8x8 and 1x64x1x1. An axis of 1 is stretched" in Words(graph).slots(graph.nodes[0])["NOTE"][0]
    assert (torch.zeros(1, 64, 8, 8) * torch.zeros(1, 64, 1, 1)).shape == (1, 64, 8, 8)


SAMPLES = [
    ("Conv2d(16, 32, 3, stride=2, padding=1, dilation=2)", (1, 16, 32, 32)), ("Conv2d(3, 8, 4, padding='same')", (1, 3, 28, 28)),
    ("MaxPool2d(3, stride=2, ceil_mode=True)", (1, 64, 112, 112)), ("Conv2d(32, 64, 3, padding=1, groups=4)", (1, 32, 28, 28)),
    ("ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1)", (1, 64, 14, 14)), ("AdaptiveAvgPool2d(3)", (1, 512, 7, 7)),
    ("Flatten", (1, 20, 4, 4)), ("Linear(320, 50)", (1, 320)), ("BatchNorm2d(20)", (1, 20, 8, 8)), ("Dropout(0.5)", (1, 20, 8, 8)),
    ("Conv2d(32, 32, 3, groups=32)", (1, 32, 28, 28)), ("AvgPool2d(2)", (1, 4, 9, 9)),
]  # fmt: skip
BANNED = ("simply", "just", "obviously", "trivial", "easy", "easily")


@pytest.mark.parametrize("text, shape", SAMPLES, ids=[t for t, _ in SAMPLES])
def test_plain_words(text, shape):
    """Short sentences, no word that belittles the reader, one idea each."""
    for slot, body in told(text, shape).items():
        if slot in ("WEIGHTS", "IN KERAS"):
            continue
        prose = re.sub(r"[a-z ]+: \S.* = \d+", "", body)
        for sentence in re.split(r"(?<=[.!?;:])\s+", prose):
            assert len(sentence.split()) <= 20, sentence
            assert not set(re.findall(r"[a-z]+", sentence.lower())) & set(BANNED), sentence
