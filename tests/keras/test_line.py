"""Every line under IN KERAS is executed: the code in it runs, and gives the numbers it claims."""

import random

import keras
import numpy as np
import pytest
import torch
from torch import nn

from whyshape.analyses.translate_line import keras_line, twin_of
from whyshape.analyses.translate_weights import to_keras
from whyshape.readers.torch import read
from whyshape.rules.twins import NoTwin, Twin

WORDS = {**{k: v for k, v in vars(keras.layers).items() if k[0].isupper()}, "ops": keras.ops, "activations": keras.activations}


def maps_last(array):
    return array if array.ndim < 3 else np.moveaxis(array, 1, -1)


def run(steps, x, twin, module, spread_over=None):
    """Keras' numbers for the steps, with the module's weights moved in."""
    state = {k: v.detach().numpy() for k, v in module.state_dict().items()}
    weights = list(twin.weights)
    for step in steps:
        if step.startswith(("ops.", "activations.")):
            x = eval(step, {"x": x, **WORDS})
            continue
        layer = eval(step, dict(WORDS))
        y = layer(x)
        if layer.weights and weights:
            layer.set_weights([to_keras(state[m.argument], m, w.shape) for m, w in zip(weights, layer.weights)])
            y, weights = layer(x), []
        x = y
    assert not weights, "a weight found no place"
    return keras.ops.convert_to_numpy(x)


def both(module, shape):
    """(twin, PyTorch's numbers, Keras' numbers) for one layer, PyTorch's moved to Keras' order."""
    graph = read(module.eval(), shape, mode="eval")
    node = graph.nodes[-1]
    twin = twin_of(node, graph)
    if twin is None or isinstance(twin, NoTwin):
        return node, graph, twin, None, None, None
    x = torch.randn(shape) - (4 if "MaxPool" in type(module).__name__ else 0)  # numbers below zero: a zero that is added shows
    with torch.no_grad():
        wanted = module(x).numpy()
    last = twin.layout not in ("as is", "features")
    start = maps_last(x.numpy()) if last else x.numpy()
    got = run(twin.steps, start, twin, module)
    if twin.differs:
        wanted = np.moveaxis(x.numpy(), 1, -1).reshape(shape[0], -1)
    elif last:
        wanted = maps_last(wanted)
    return node, graph, twin, wanted, got, start


def unlike(twin, start, wanted, module, line):
    """Runs everything said to look alike: the same size, other numbers. How many there were."""
    for alike in twin.beware:
        other = run(alike.steps, start, twin, module)
        assert f"{', then '.join(alike.steps)} also gives" in line
        assert other.shape == wanted.shape and np.abs(other - wanted).max() > 1e-5, f"{module}: {line}"
    return len(twin.beware)


def windows(draw, n, pool=False):
    """Random settings of something that slides."""
    k = tuple(draw.randint(1, 4) for _ in range(n))
    s = draw.randint(1, 3)
    d = draw.choice([1, 1, 2])
    return k, s, tuple(draw.randint(0, v // 2 if pool else 2) for v in k), d


def random_layer(kind, draw):
    n = draw.choice([1, 2, 2, 2]) if kind != "cell" else 2
    size = tuple(draw.randint(7, 11) for _ in range(n))
    if kind == "conv":
        k, s, p, d = windows(draw, n)
        groups = draw.choice([1, 1, 2, 4])
        if draw.random() < 0.2:
            s, p = 1, "same"
        layer = getattr(nn, f"Conv{n}d")(4, 8, k, s, p, d, groups, bias=draw.random() < 0.5)
        return layer, (2, 4, *size)
    if kind == "transposed":
        (k, *_), s, p, d = windows(draw, n)
        d = 1 if s > 1 else d
        extra = draw.randint(0, s - 1)
        return getattr(nn, f"ConvTranspose{n}d")(4, 3, k, s, draw.randint(0, 1), extra, bias=draw.random() < 0.5, dilation=d), (2, 4, *size)
    k, s, p, d = windows(draw, n, pool=True)
    if kind == "max":
        return getattr(nn, f"MaxPool{n}d")(k, s, p, ceil_mode=draw.random() < 0.4), (2, 3, *size)
    if kind == "mean":
        words = {"count_include_pad": draw.random() < 0.5, "ceil_mode": draw.random() < 0.3}
        return getattr(nn, f"AvgPool{n}d")(k, s, p, **words), (2, 3, *size)
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["conv", "transposed", "max", "mean"])
def test_random_windows_give_the_numbers_claimed(kind):
    """Same numbers where the line says so; where it warns, the same size and other numbers."""
    draw = random.Random(kind)
    torch.manual_seed(1)
    claimed = warned = 0
    for _ in range(45):
        module, shape = random_layer(kind, draw)
        node, graph, twin, wanted, got, start = both(module, shape)
        if node.rule is None or wanted is None:
            assert isinstance(twin, NoTwin), module
            continue
        line = keras_line(node, graph)
        assert got.shape == wanted.shape and np.abs(got - wanted).max() < 1e-4, f"{module} {shape}: {line}"
        assert f"-> {tuple(got.shape[1:])}" in line and twin.steps[0] in line, line
        claimed += 1
        warned += unlike(twin, start, wanted, module, line)
    assert claimed >= 20 and warned


LAYERS = [
    (nn.Linear(4, 3), (2, 4)), (nn.Linear(4, 3, bias=False), (2, 5, 4)), (nn.Linear(6, 3), (2, 4, 5, 6)),
    (nn.BatchNorm1d(5), (3, 5)), (nn.BatchNorm2d(5, eps=1e-2, momentum=0.3), (3, 5, 4, 4)), (nn.BatchNorm2d(5, affine=False), (3, 5, 4, 4)),
    (nn.BatchNorm1d(5), (3, 5, 7)), (nn.BatchNorm3d(5), (2, 5, 3, 3, 3)),
    (nn.LayerNorm(6), (2, 3, 6)), (nn.LayerNorm(6), (2, 4, 5, 6)), (nn.LayerNorm((3, 4, 5)), (2, 3, 4, 5)),
    (nn.LayerNorm(6, elementwise_affine=False), (2, 6)), (nn.GroupNorm(2, 4), (2, 4, 5, 5)),
    (nn.Flatten(), (2, 5, 4, 3)), (nn.Flatten(), (2, 5)), (nn.Flatten(), (2, 5, 1, 1)), (nn.Flatten(), (2, 1, 4, 4)),
    (nn.Dropout(0.3), (2, 5)), (nn.Dropout2d(0.3), (2, 5, 4, 4)), (nn.AlphaDropout(0.3), (2, 5)),
    (nn.ReLU(), (2, 5, 4, 4)), (nn.ReLU6(), (2, 5)), (nn.LeakyReLU(0.2), (2, 5)), (nn.ELU(0.7), (2, 5)), (nn.CELU(0.7), (2, 5)),
    (nn.SELU(), (2, 5)), (nn.GELU(), (2, 5)), (nn.GELU("tanh"), (2, 5)), (nn.SiLU(), (2, 5)), (nn.Mish(), (2, 5)), (nn.Sigmoid(), (2, 5)),
    (nn.Tanh(), (2, 5)), (nn.Hardswish(), (2, 50)), (nn.Hardsigmoid(), (2, 50)), (nn.Hardtanh(-0.5, 2), (2, 50)), (nn.Softplus(), (2, 5)),
    (nn.Softsign(), (2, 5)), (nn.Tanhshrink(), (2, 5)), (nn.LogSigmoid(), (2, 5)), (nn.PReLU(5, 0.3), (2, 5, 4, 4)), (nn.PReLU(5), (2, 5)),
    (nn.Softmax(1), (2, 5, 4, 4)), (nn.Softmax(-1), (2, 5)), (nn.Softmax(2), (2, 5, 4, 3)), (nn.LogSoftmax(1), (2, 5)),
    (nn.LogSoftmax(1), (2, 5, 3, 3)), (nn.AdaptiveAvgPool2d(1), (2, 5, 4, 4)), (nn.AdaptiveAvgPool2d(3), (2, 5, 7, 7)),
    (nn.AdaptiveMaxPool2d(1), (2, 5, 4, 4)), (nn.AdaptiveAvgPool1d(1), (2, 5, 4)), (nn.ZeroPad2d((1, 2, 3, 4)), (2, 5, 4, 4)),
    (nn.ZeroPad2d(-1), (2, 5, 4, 4)), (nn.ReflectionPad2d((1, 2, 1, 0)), (2, 5, 4, 4)), (nn.ConstantPad2d(1, 0.5), (2, 5, 4, 4)),
    (nn.Upsample(scale_factor=2), (2, 5, 4, 4)), (nn.Upsample(scale_factor=3, mode="bilinear"), (2, 5, 4, 3)),
    (nn.Upsample((7, 9), mode="bilinear"), (2, 5, 4, 4)), (nn.Upsample((12, 4)), (2, 5, 4, 4)),
    (nn.Conv3d(2, 3, 2, padding=1), (1, 2, 4, 4, 4)),
    (nn.MaxPool3d(2), (1, 2, 4, 4, 4)),
]  # fmt: skip


@pytest.mark.parametrize("module, shape", LAYERS, ids=[f"{m} on {s}" for m, s in LAYERS])
def test_every_layer_gives_the_numbers_claimed(module, shape):
    """One layer of each kind, with random weights."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.rand_like(value) + 0.5 if "var" in name else torch.randn_like(value))
    node, graph, twin, wanted, got, start = both(module, shape)
    line = keras_line(node, graph)
    assert isinstance(twin, Twin), line
    unlike(twin, start, wanted, module, line)
    assert got.shape == wanted.shape and np.abs(got - wanted).max() < 1e-4, line
    assert twin.differs == (line.find("Same count") > 0)


NONE = [
    (nn.Conv2d(16, 32, 3, stride=2, padding=1, dilation=2), (1, 16, 32, 32), "Keras refuses strides and dilation both above 1"),
    (nn.ConvTranspose2d(4, 4, 3, groups=2), (1, 4, 5, 5), "Keras has no groups in a transposed convolution"),
    (nn.MaxPool2d(2, dilation=2), (1, 4, 9, 9), "pooling in Keras has no dilation"),
    (nn.MaxPool2d(2, return_indices=True), (1, 4, 8, 8), "max pooling in Keras does not say where the largest value stood"),
    (nn.AvgPool2d(2, divisor_override=3), (1, 4, 8, 8), "average pooling in Keras has no other divisor than the size of its window"),
    (nn.AvgPool2d(3, 2, ceil_mode=True), (1, 4, 8, 8), "where 'same' adds cells unevenly, Keras' torch backend repeats the border"),
    (nn.AvgPool2d(3, 2, 1, ceil_mode=True), (1, 4, 8, 8), "at the border Keras divides by another number of cells"),
    (nn.BatchNorm2d(4, track_running_stats=False), (2, 4, 8, 8), "BatchNormalization in Keras always keeps running values"),
    (nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), (1, 4, 8, 8), "Keras resizes at pixel centres, nearest or bilinear"),
]  # fmt: skip


@pytest.mark.parametrize("module, shape, reason", NONE, ids=[r for *_, r in NONE])
def test_what_has_no_twin_is_said_with_its_reason(module, shape, reason):
    """The whole sentence."""
    graph = read(module.eval(), shape, mode="eval")
    assert keras_line(graph.nodes[-1], graph).startswith(f"no twin: {reason}.")


def test_keras_itself_refuses_what_the_reasons_say_it_refuses():
    """Strides with dilation; groups in a transposed convolution; dilation in a pool."""
    x = np.zeros((1, 8, 8, 4), "float32")
    with pytest.raises(ValueError):
        keras.layers.Conv2D(4, 3, strides=2, dilation_rate=2)(x)
    with pytest.raises(ValueError):
        keras.layers.Conv2DTranspose(4, 3, strides=2, dilation_rate=2)(x)
    with pytest.raises((TypeError, ValueError)):
        keras.layers.Conv2DTranspose(4, 3, groups=2)(x)
    with pytest.raises((TypeError, ValueError)):
        keras.layers.MaxPooling2D(2, dilation_rate=2)(x)


def test_the_lines_of_the_thread():
    """What the thread's network prints, whole."""
    from whyshape.lab.network import ThreadNet

    graph = read(ThreadNet(), (1, 1, 28, 28), mode="eval")
    lines = [keras_line(n, graph) for n in graph.nodes]
    assert lines[0] == (
        "Conv2D(10, 5) on (28, 28, 1) -> (24, 24, 10). Same numbers, maps last. "
        "Kernel is stored (5, 5, 1, 10) there and (10, 1, 5, 5) here."
    )
    assert "Same count, maps last. The order differs: for each place, all 20 maps." in lines[7]
    assert all(lines)


def test_a_picture_without_a_batch_has_its_axes_one_further_on():
    """Axis 0 of three is axis 1 beside Keras' batch: what flattens all of it is `Flatten`, what keeps the maps is not."""
    line = lambda layer, i=1: keras_line((graph := read(nn.Sequential(nn.Conv2d(3, 10, 5), layer), (3, 28, 28))).nodes[i], graph)
    assert line(nn.Flatten(0)).startswith("Flatten() on (24, 24, 10) -> (5760,). Same count, maps last.")
    assert line(nn.Flatten()) == "no twin: Flatten in Keras keeps the first axis and flattens all others."
    there = keras.layers.Flatten()(keras.ops.zeros((1, 24, 24, 10)))
    assert tuple(there.shape) == (1, 5760)


def test_output_padding_hides_other_numbers():
    """VISUAL 4.4: equal size, other values, and the twin that is true."""
    graph = read(nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1), (1, 64, 14, 14))
    assert keras_line(graph.nodes[0], graph) == (
        "Conv2DTranspose(32, 3, strides=2), then Cropping2D(((1, 0), (1, 0))) on (14, 14, 64) -> (28, 28, 32). Same numbers, maps last. "
        "Kernel is stored (3, 3, 32, 64) there and (64, 32, 3, 3) here. "
        "Conv2DTranspose(32, 3, padding='same', strides=2) also gives (28, 28, 32), but not the same values: "
        "it cuts (0, 1) off, here (1, 0)."
    )
