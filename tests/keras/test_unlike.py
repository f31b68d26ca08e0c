"""Equal sizes, other values: each sentence that says so is run in Keras (on the torch backend) and in PyTorch."""

import re

import keras
import numpy as np
import pytest
import torch
from torch import nn

from whyshape.analyses.translate_line import keras_line, spelled
from whyshape.analyses.translate_weights import recurrent
from whyshape.analyses.words import Words
from whyshape.analyses.words_notation import Notation
from whyshape.readers.torch import read
from whyshape.rules.twins import NoTwin

L = keras.layers
WORDS = {**{k: v for k, v in vars(L).items() if k[0].isupper()}, "ops": keras.ops, "activations": keras.activations}


def told(module, shape, mode="eval", dtypes=None):
    graph = read(module.train(mode == "train"), shape, mode=mode, dtypes=dtypes)
    return keras_line(graph.nodes[-1], graph)


@pytest.mark.parametrize("size, sides, uneven", [(27, (1, 1), False), (28, (0, 1), True), (29, (1, 1), False)])
def test_same_with_strides_is_warned_of_only_where_it_differs(size, sides, uneven):
    """On 27 'same' adds (1, 1) as padding=1 does, and the line says so; on 28 it adds (0, 1), and the values differ."""
    conv = nn.Conv2d(1, 10, 3, stride=2, padding=1)
    line = told(conv, (1, 1, size, size))
    there = f"Conv2D(10, 3, strides=2, padding='same') also gives (14, 14, 10), but not the same values: it adds {sides}, here (1, 1)."
    assert (there in line) == uneven
    assert (f"At this size padding='same' adds {sides}, as here." in line) == (not uneven)
    layer, x = L.Conv2D(10, 3, strides=2, padding="same"), torch.randn(1, 1, size, size)
    layer.build((1, size, size, 1))
    layer.set_weights([conv.weight.detach().permute(2, 3, 1, 0).numpy(), conv.bias.detach().numpy()])
    difference = np.abs(keras.ops.convert_to_numpy(layer(x.permute(0, 2, 3, 1).numpy())) - conv(x).detach().permute(0, 2, 3, 1).numpy())
    assert (difference.max() > 1e-3) == uneven


RESIZED = [
    (nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), (1, 4, 8, 8), "it samples at pixel centres, here corners lie on corners"),
    (nn.Upsample((5, 11), mode="bilinear", align_corners=True), (1, 4, 8, 8), "it samples at pixel centres, here corners lie on corners"),
    (nn.Upsample((5, 11), mode="bicubic", align_corners=True), (1, 4, 8, 8), "it samples at pixel centres, here corners lie on corners"),
    (nn.Upsample((5, 11), mode="bicubic"), (1, 4, 8, 8), ""),
    (nn.Upsample(scale_factor=1.3, mode="bilinear"), (1, 4, 8, 8), "it steps by the sizes, here by the factor"),
    (nn.AvgPool2d((3, 3), 2, padding=1, ceil_mode=True), (1, 4, 9, 8), ""),
]  # fmt: skip


@pytest.mark.parametrize("module, shape, because", RESIZED, ids=[f"{m}" for m, *_ in RESIZED])
def test_what_has_no_twin_may_have_a_lookalike(module, shape, because):
    """No twin; the code that gives the same size is run, and gives other numbers."""
    graph = read(module, shape)
    _, twin = spelled(graph.nodes[0], Notation(graph))
    assert isinstance(twin, NoTwin) and bool(twin.beware) == bool(because)
    x = torch.randn(shape)
    wanted = module(x).permute(0, 2, 3, 1).numpy()
    for alike in twin.beware:
        got = keras.ops.convert_to_numpy(eval(alike.steps[0], {"x": x.permute(0, 2, 3, 1).numpy(), **WORDS}))
        assert got.shape == wanted.shape and np.abs(got - wanted).max() > 1e-3
        assert alike.because == because and told(module, shape).endswith(f"but not the same values: {because}.")


RECURRENT = [
    (kind, {"num_layers": n, "bidirectional": both, "bias": bias, "batch_first": first})
    for kind in (nn.LSTM, nn.GRU, nn.RNN)
    for n, both, bias, first in [(1, False, True, True), (2, True, True, False), (1, True, False, True), (2, False, True, False)]
]


@pytest.mark.parametrize("kind, words", RECURRENT, ids=[f"{k.__name__} {w}" for k, w in RECURRENT])
def test_recurrent_layers_give_the_numbers_claimed(kind, words):
    """The printed layers one after another, with the gates put in Keras' order; without reset_after a GRU gives other numbers."""
    torch.manual_seed(0)
    module = kind(4, 5, **words).eval()
    x = torch.randn(2, 3, 4) if words["batch_first"] else torch.randn(3, 2, 4)
    graph = read(module, tuple(x.shape))
    node = graph.nodes[-1]
    _, twin = spelled(node, Notation(graph))
    wanted = module(x)[0].detach()
    wanted = (wanted if words["batch_first"] else wanted.transpose(0, 1)).numpy()
    start = (x if words["batch_first"] else x.transpose(0, 1)).numpy()
    line = keras_line(node, graph)
    wide = 10 if words["bidirectional"] else 5
    assert f"{', then '.join(twin.steps)} on (3, 4) -> (3, {wide})." in line
    assert ("batch first" in line) == (not words["batch_first"])
    assert np.abs(run(twin.steps, start, module) - wanted).max() < 1e-5
    for alike in twin.beware:
        assert kind is nn.GRU and "reset_after=False" in alike.steps[0]
        got = run(alike.steps, start, module)
        assert got.shape == wanted.shape and np.abs(got - wanted).max() > 1e-4
    assert bool(twin.beware) == (kind is nn.GRU and words["bias"])
    assert ("Its one bias is the sum of both here." in line) == (kind is not nn.GRU and words["bias"])


GATES = {nn.LSTM: (0, 1, 2, 3), nn.GRU: (1, 0, 2), nn.RNN: (0,)}


def run(steps, x, module):
    """Keras' numbers for layers one after another, with the module's weights."""
    state = {k: v.numpy() for k, v in module.state_dict().items()}
    for i, step in enumerate(steps):
        layer = eval(step, dict(WORDS))
        layer(x)
        arrays = []
        for way in ("", "_reverse")[: 2 if module.bidirectional else 1]:
            names = [[f"weight_ih_l{i}{way}"], [f"weight_hh_l{i}{way}"]]
            names += [[f"bias_ih_l{i}{way}", f"bias_hh_l{i}{way}"]] if module.bias else []
            for group in names:
                weight = layer.weights[len(arrays)]
                what = "bias" if "bias" in group[0] else "weight"
                arrays.append(recurrent([state[n] for n in group], what, GATES[type(module)], tuple(weight.shape)))
        layer.set_weights(arrays)
        x = layer(x)
    return keras.ops.convert_to_numpy(x)


def test_new_layers_start_at_other_numbers():
    """The forget gate's bias, the slopes of PReLU: as each side draws them."""
    assert "New biases of the forget gate start at 1 there, near 0 here." in told(nn.LSTM(4, 5), (3, 2, 4))
    layer = L.LSTM(5)
    layer.build((2, 3, 4))
    bias = keras.ops.convert_to_numpy(layer.weights[2])
    assert set(bias[5:10]) == {1.0} and set(bias[:5]) == {0.0}
    assert max(float(b.detach().abs().max()) for n, b in nn.LSTM(4, 5).named_parameters() if "bias" in n) <= 5**-0.5
    assert "New slopes start at 0 there, at 0.25 here." in told(nn.PReLU(4), (2, 4, 5, 5))
    slopes = L.PReLU(shared_axes=[1, 2])
    slopes.build((2, 5, 5, 4))
    assert set(keras.ops.convert_to_numpy(slopes.weights[0]).ravel()) == {0.0} and set(nn.PReLU(4).weight.tolist()) == {0.25}


@pytest.mark.parametrize("momentum", [0.1, 0.01, 0.4])
def test_batch_norm_remembers_as_said(momentum):
    """One step of training: the running mean of the printed layer is PyTorch's; its variance is divided by n, not n - 1."""
    module = nn.BatchNorm2d(3, momentum=momentum)
    line = told(module, (4, 3, 5, 5), "train")
    said = "" if momentum == 0.01 else "; unsaid, Keras takes 0.99"
    assert (
        f"Momentum {round(1 - momentum, 10)} there is {momentum} here{said}. In training PyTorch's running variance divides by n - 1, Keras' by n."
        in line
    )
    assert "divides" not in told(nn.BatchNorm2d(3), (4, 3, 5, 5))
    layer, x = eval(line.partition(" on ")[0], dict(WORDS)), torch.randn(4, 3, 5, 5)
    module.train()(x)
    layer(x.permute(0, 2, 3, 1).numpy(), training=True)
    *_, mean, variance = (keras.ops.convert_to_numpy(w) for w in layer.weights)
    n = 4 * 5 * 5
    np.testing.assert_allclose(mean, module.running_mean.numpy(), rtol=1e-4, atol=1e-6)
    mine = (module.running_var.numpy() - (1 - momentum)) * (n - 1) / n + (1 - momentum)
    np.testing.assert_allclose(variance, mine, rtol=1e-4)
    assert np.abs(variance - module.running_var.numpy()).max() > 1e-5


def test_an_epsilon_is_warned_of_only_where_it_differs():
    """Keras' own epsilon is 0.001: said nothing about a layer that has it."""
    for module, shape in ((nn.BatchNorm2d(4), (2, 4, 5, 5)), (nn.LayerNorm(6), (2, 6)), (nn.GroupNorm(2, 4), (2, 4, 5, 5))):
        assert "its epsilon is 0.001, here it is 1e-05." in told(module, shape)
        module.eps = 1e-3
        assert "also gives" not in told(module, shape)
    for layer in (L.BatchNormalization(), L.LayerNormalization(), L.GroupNormalization(2)):
        assert layer.get_config()["epsilon"] == 1e-3
    assert "also gives" not in told(nn.LeakyReLU(0.3), (2, 4)) and L.LeakyReLU().get_config()["negative_slope"] == pytest.approx(0.3)
    assert "also gives" not in told(nn.Softmax(1), (2, 4)) and "Softmax() also gives" in told(nn.Softmax(1), (2, 4, 5))


def test_an_embedding_trains_every_row_there():
    """padding_idx keeps a row from learning here; in Keras it learns, and mask_zero hides steps instead."""
    module = nn.Embedding(5, 3, padding_idx=0)
    line = told(module, (2, 4), dtypes=["int64"])
    assert "Row 0 is trained there too. Keras' mask_zero hides steps from later layers, PyTorch hides none." in line
    assert "Row" not in told(nn.Embedding(5, 3), (2, 4), dtypes=["int64"])
    module(torch.tensor([0, 1])).sum().backward()
    assert module.weight.grad[0].abs().sum() == 0 and module.weight.grad[1].abs().sum() > 0
    layer = L.Embedding(5, 3)
    keras.ops.sum(layer(np.array([[0, 1]]))).backward()
    assert layer.weights[0].value.grad[0].abs().sum() > 0
    x = np.array([[3, 0, 0]])
    masked = L.Embedding(5, 3, mask_zero=True)
    assert keras.ops.convert_to_numpy(masked.compute_mask(x)).tolist() == [[True, False, False]]


def test_dropout_draws_on_both_sides():
    """In training the chances are the same, not the numbers; after it nothing happens on either side."""
    assert told(nn.Dropout(0.3), (2, 4), "train") == "Dropout(0.3) on (4,) -> (4,). Same chances."
    assert told(nn.Dropout(0.3), (2, 4)) == "Dropout(0.3) on (4,) -> (4,). Same numbers."
    x = np.ones((200, 200), "float32")
    here, there = nn.Dropout(0.3)(torch.from_numpy(x)).numpy(), keras.ops.convert_to_numpy(L.Dropout(0.3, seed=1)(x, training=True))
    for made in (here, there):
        assert np.allclose(np.unique(made), [0, 1 / 0.7]) and abs((made == 0).mean() - 0.3) < 0.02


@pytest.mark.parametrize("counts, because", [(True, "it does not count the cells it adds"), (False, "it adds (0, 1), here (1, 0)")])
def test_an_average_at_the_border_says_which_of_both_differs(counts, because):
    """With zeros counted it is what they are divided by; without, where the cells are added."""
    module = nn.AvgPool2d(3, 2, 1, count_include_pad=counts)
    assert told(module, (1, 4, 8, 8)).endswith(f"padding='same') also gives (4, 4, 4), but not the same values: {because}.")
    corner = torch.ones(1, 1, 8, 8)
    assert float(module(corner)[0, 0, 0, 0]) == pytest.approx(4 / 9 if counts else 1)
    same = L.AveragePooling2D(3, 2, padding="same")(corner.permute(0, 2, 3, 1).numpy())
    assert float(keras.ops.convert_to_numpy(same).min()) == 1  # no zero is counted, wherever the cells are added


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):
        return self.a(x, x, x)[0]


def test_heads_are_counted_one_by_one():
    """key_dim is what one head has: with the whole embed_dim Keras takes four times the weights, and gives the same size."""
    graph = read(Attends(), (2, 5, 16))
    node = next(n for n in graph.nodes if "attention" in n.op)
    line = keras_line(node, graph)
    assert line.startswith(
        "MultiHeadAttention(4, 4) on (5, 16) -> (5, 16). Same numbers, batch first. One head has key_dim=4 numbers there, 16/4."
    )
    assert line.endswith("MultiHeadAttention(4, 16) also gives (5, 16), but not the same values: its 4 heads have 16 numbers each.")
    x, counts = np.zeros((2, 5, 16), "float32"), []
    for size in (4, 16):
        layer = L.MultiHeadAttention(4, size)
        assert layer(x, x).shape == (2, 5, 16)
        counts.append(layer.count_params())
    assert counts[0] == sum(p.numel() for p in nn.MultiheadAttention(16, 4).parameters()) != counts[1]


def test_the_rows_behind_a_flatten():
    """The order the line prints is the one that makes both sides agree."""
    net = nn.Sequential(nn.Conv2d(3, 20, 3), nn.Flatten(), nn.Dropout(0.5), nn.Linear(320, 50)).eval()
    graph = read(net, (1, 3, 6, 6))
    line = keras_line(graph.nodes[-1], graph)
    order = "weight.T[torch.arange(320).reshape(20, 4, 4).permute(1, 2, 0).flatten()]"
    assert line.endswith(f"Its rows stand in the order of the flattened picture there: {order}.")
    weight, picture = net[3].weight.detach(), torch.randn(2, 20, 4, 4)
    kernel = eval(order, {"torch": torch, "weight": weight})
    torch.testing.assert_close(picture.permute(0, 2, 3, 1).flatten(1) @ kernel, picture.flatten(1) @ weight.T, rtol=1e-4, atol=1e-4)
    assert "rows" not in told(nn.Linear(320, 50), (1, 320))


# -- how it reads ---------------------------------------------------------------------------------------------------------

SAID = [
    (nn.Conv2d(3, 8, 3, 2, 1), (1, 3, 28, 28)), (nn.Conv2d(3, 8, 3, 2, 1), (1, 3, 27, 27)), (nn.Conv2d(3, 8, 3, 2, dilation=2), (1, 3, 28, 28)),
    (nn.ConvTranspose2d(4, 4, 3, 2, 1, 1), (1, 4, 7, 7)), (nn.MaxPool2d(3, 2, 1), (1, 4, 8, 8)), (nn.AvgPool2d(3, 2, 1), (1, 4, 8, 8)),
    (nn.AvgPool2d(3, 2, ceil_mode=True), (1, 4, 8, 8)), (nn.BatchNorm2d(4), (2, 4, 8, 8)), (nn.LayerNorm(4), (2, 4)), (nn.PReLU(4), (1, 4, 5, 5)),
    (nn.LSTM(4, 5), (3, 2, 4)), (nn.GRU(4, 5), (3, 2, 4)), (nn.GELU(), (2, 4)), (nn.LeakyReLU(), (2, 4)), (nn.Softmax(1), (2, 4, 5)),
    (nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), (1, 4, 8, 8)), (nn.Flatten(), (1, 20, 4, 4)), (nn.Linear(4, 3), (2, 4)),
    (nn.Conv2d(3, 8, 3), (3, 9, 9)), (Attends(), (2, 5, 16)), (nn.Dropout(0.2), (2, 4)),
]  # fmt: skip
BANNED = ("simply", "just", "obviously", "trivial", "easy", "easily", "invalid")


def grade(sentences):
    """Flesch and Kincaid's grade of plain words."""
    words = [w for s in sentences for w in re.findall(r"[A-Za-z']+", s)]
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", w.lower())))) for w in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


def test_the_lines_read_as_easily_as_the_rest():
    """Sentences of at most twenty words, together at most grade six, once code and numbers are taken out."""
    sentences = []
    for module, shape in SAID:
        graph = read(module, shape, mode="train")
        for line in (line for n in graph.nodes for line in Words(graph).keras(n)):
            plain = re.sub(r"\S*\([^ ]*(?:\([^()]*\)|[^()])*\)+\S*|\S*[=\d_]\S*", " ", line)
            sentences += [s for s in re.split(r"[.:;]\s+|\.$", plain) if len(re.findall(r"[A-Za-z]{2,}", s)) > 1]
    assert len(sentences) > 50
    assert [s for s in sentences if len(s.split()) > 20] == []
    assert not {w for s in sentences for w in re.findall(r"[a-z]+", s.lower())} & set(BANNED)
    assert grade(sentences) <= 6, grade(sentences)
