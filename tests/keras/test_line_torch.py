"""Every line under IN TORCH is executed: its code runs in PyTorch, with the weights moved, and gives the numbers and sizes it claims."""

import random

import keras
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from whyshape import explain
from whyshape.analyses.words import Words
from whyshape.analyses.words_torch import alike, code, lines, spelled
from whyshape.graph.json import from_json, to_json
from whyshape.readers.keras import read

L = keras.layers
ROOMS = {"nn": nn, "F": F, "torch": torch}


def one(layer, shape):
    """A model of one layer with random weights."""
    model = keras.Sequential([keras.Input(shape[1:]), layer])
    draw = np.random.default_rng(1)
    for weight in model.weights:
        if "seed" not in weight.path:
            weight.assign(draw.uniform(0.5, 1.5, weight.shape) if "variance" in weight.path else draw.normal(0, 0.5, weight.shape))
    return model


def maps_first(array, moved):
    return np.moveaxis(array, -1, 1) if moved else array


def run(text, writer, model, x, module=False):
    """PyTorch's numbers for printed code: each module in it is made, given Keras' weights, and put in its place.

    ``module``: the text is a module, one that looks alike.
    """
    scope = dict(ROOMS, x=torch.from_numpy(np.ascontiguousarray(x)))
    made = dict(line[5:].split(" = ", 1) for line in writer.init)
    if module:
        made = dict.fromkeys(made, text) or {"module": text}
        text = f"{text}(x)"
    arrays = [keras.ops.convert_to_numpy(w) for w in model.layers[0].weights]
    for name, spelt in made.items():
        there = scope[name] = eval(spelt, scope).eval()
        text = text.replace(spelt, name)
        state = there.state_dict()
        for load in writer.loads:
            owner, _, parameter = load.parameter.partition(".")
            if owner == name:
                held = state[parameter]
                moved = np.zeros(held.shape, "float32") if load.place == -1 else load.joined(arrays)
                held.copy_(torch.from_numpy(moved).reshape(held.shape))
    with torch.no_grad():
        return eval(text, scope).numpy()


def checked(layer, shape, low=0.0):
    """One layer both ways: sizes and numbers as its line claims; how many look-alikes were run."""
    model = one(layer, shape)
    graph = read(model)
    notation = Words(graph).notation
    node = graph.nodes[0]
    told = lines(node, notation)
    found = spelled(node, notation)
    if found is None or found[1].missing:
        assert not told or told[0].startswith("no twin: "), told
        return told, 0
    made, writer, (first,), last = found
    x = np.random.default_rng(0).normal(low, 1, shape).astype("float32")
    wanted = maps_first(keras.ops.convert_to_numpy(model(x, training=False)), made.first)
    start = maps_first(x, notation.moved(first))
    got = run(code(writer), writer, model, start)
    assert code(writer) in told[0]
    assert f"on {start.shape[1:]} -> {got.shape[1:]}.".replace("'", "") in told[0], (told, got.shape)
    assert got.shape == wanted.shape
    same = np.abs(got - wanted).max() < 1e-4
    assert same == ("Same numbers" in told[0]), told
    others = alike(node, notation, first, last.outputs[0])
    for other, sentence in zip(others, told[1:], strict=True):
        assert sentence.startswith(f"{other.steps[0]} also gives ")
        found_there = run(other.steps[0], writer, model, start, module=True)
        assert found_there.shape == wanted.shape and np.abs(found_there - wanted).max() > 1e-6, sentence
    return told, len(others)


def drawn(kind, draw):
    """A random layer of Keras, and what it reads."""
    n = draw.choice([1, 2, 2, 2, 3])
    shape = (2, *(draw.randint(5, 9) for _ in range(n)), 4)
    k = tuple(draw.randint(1, 4) for _ in range(n))
    s, d = (draw.randint(1, 3), 1) if draw.random() < 0.7 else (1, draw.randint(1, 2))
    padding, bias = draw.choice(["valid", "same", "same"]), draw.random() < 0.5
    if kind == "conv":
        act = draw.choice([None, None, "relu", "silu"])
        return getattr(L, f"Conv{n}D")(
            6, k, s, padding, dilation_rate=d, groups=draw.choice([1, 1, 2]), use_bias=bias, activation=act
        ), shape
    if kind == "depthwise":
        n, shape, k = (2, (2, 7, 8, 4), k[:2] if len(k) > 1 else (3, 2))
        return L.DepthwiseConv2D(k, s, padding, depth_multiplier=draw.randint(1, 2), use_bias=bias), shape
    if kind == "transposed":
        return getattr(L, f"Conv{n}DTranspose")(3, k, s, padding, use_bias=bias), shape
    return getattr(L, f"{kind}Pooling{n}D")(k, draw.choice([None, s]), padding), shape


@pytest.mark.parametrize("kind, least", [("conv", 3), ("depthwise", 1), ("transposed", 1), ("Max", 1), ("Average", 1)])
def test_random_windows_of_keras_give_the_numbers_claimed(kind, least):
    """Same numbers where the line says so; where it warns, the same size and other numbers."""
    draw = random.Random(f"torch {kind}")
    claimed = warned = 0
    for _ in range(25):
        layer, shape = drawn(kind, draw)
        if kind == "Average" and uneven(layer, shape):
            continue  # Keras' torch backend repeats the border there: no oracle
        told, others = checked(layer, shape, -4.0 if kind == "Max" else 0.0)
        claimed += "Same numbers" in told[0]
        warned += others
    assert claimed >= 10 and warned >= least, (claimed, warned)


def uneven(layer, shape):
    from whyshape.rules.twins import same_sides

    steps = zip(shape[1:], layer.pool_size, layer.strides)
    return layer.padding == "same" and any(a != b for a, b in (same_sides(*at) for at in steps))


LAYERS = [
    (L.Dense(3), (2, 4)), (L.Dense(3, activation="softmax"), (2, 4)), (L.Dense(3, use_bias=False), (2, 5, 4)),
    (L.BatchNormalization(), (3, 5)), (L.BatchNormalization(momentum=0.7, epsilon=1e-2), (3, 4, 4, 5)),
    (L.LayerNormalization(), (2, 6)), (L.LayerNormalization(epsilon=1e-5), (2, 6)), (L.LayerNormalization(), (2, 3, 6)),
    (L.Flatten(), (2, 4, 3, 5)), (L.Flatten(), (2, 4, 3, 1)), (L.Flatten(), (2, 5)), (L.Dropout(0.3), (2, 5)),
    (L.LeakyReLU(), (2, 5)), (L.LeakyReLU(negative_slope=0.01), (2, 5)), (L.ReLU(max_value=6), (2, 5)), (L.ELU(), (2, 5)),
    (L.Activation("gelu"), (2, 5)), (L.Softmax(), (2, 4, 4, 5)), (L.GlobalAveragePooling2D(), (2, 4, 4, 5)),
    (L.GlobalMaxPooling2D(keepdims=True), (2, 4, 4, 5)), (L.ZeroPadding2D(((1, 2), (3, 4))), (2, 4, 4, 5)), (L.Cropping2D(1), (2, 5, 5, 3)),
    (L.UpSampling2D(2), (2, 4, 4, 3)), (L.UpSampling2D((2, 3), interpolation="bilinear"), (2, 4, 4, 3)), (L.Reshape((6, 2)), (2, 3, 4)),
    (L.LSTM(5), (2, 3, 4)), (L.LSTM(5, return_sequences=True), (2, 3, 4)), (L.GRU(5), (2, 3, 4)), (L.SimpleRNN(5), (2, 3, 4)),
    (L.Bidirectional(L.LSTM(5, return_sequences=True)), (2, 3, 4)), (L.SeparableConv2D(6, 3, padding="same"), (2, 7, 7, 4)),
    (L.Permute((2, 1)), (2, 3, 4)), (L.Reshape((2, 2, 3)), (2, 12)),
]  # fmt: skip


@pytest.mark.parametrize("layer, shape", LAYERS, ids=[f"{type(layer).__name__} on {shape}" for layer, shape in LAYERS])
def test_every_layer_of_keras_gives_the_numbers_claimed(layer, shape):
    """One layer of each kind, with random weights; none is silent."""
    told, _ = checked(layer, shape)
    assert told and not told[0].startswith("no twin"), told


def small():
    """Two convolutions, one of them 'same' with strides, as a Keras user writes them."""
    return keras.Sequential([
        keras.Input((28, 28, 1)), L.Conv2D(10, 5, activation="relu", name="conv"), L.MaxPooling2D(name="pool"),
        L.Conv2D(20, 3, strides=2, padding="same", name="half"), L.Dropout(0.5, name="drop"), L.Flatten(name="flat"),
        L.Dense(50, activation="relu", name="dense"), L.Dense(10, name="head"),
    ])  # fmt: skip


def test_a_network_of_keras_is_told_in_the_words_of_pytorch():
    """The slot is IN TORCH; a layer that activates is told once; what nobody typed is not called typed."""
    answer = explain(small())
    text = answer.text(width=400)
    assert "IN KERAS" not in text and text.count("IN TORCH") == 7
    assert "IN TORCH F.relu(nn.Conv2d(1, 10, 5)(x)) on (1, 28, 28) -> (10, 24, 24). Same numbers, maps first." in text
    assert "nn.Conv2d(10, 20, 3, stride=2)(F.pad(x, (0, 1, 0, 1))) on (10, 12, 12) -> (20, 6, 6)." in text
    assert "nn.Conv2d(10, 20, 3, stride=2, padding=1) also gives (20, 6, 6), but not the same values: it adds (1, 1), here (0, 1)." in text
    assert "in_channels=10: found, not typed: it must equal the 10 maps of conv." in text and "typed, must equal" not in text
    assert answer.graph.notes == ("N is free and stands at 1",)


def test_where_the_numbers_stand_after_flatten():
    """ "Number (row i, column j, map c) lands at ..." is tried on every cell, and the order said for the next kernel on random weights."""
    model = small()
    text = explain(model).text(width=400)
    assert "Number (row i, column j, map c) lands at i*120 + j*20 + c." in text
    x = np.arange(6 * 6 * 20).reshape(1, 6, 6, 20)
    flat = keras.ops.convert_to_numpy(L.Flatten()(x))[0]
    assert all(flat[i * 120 + j * 20 + c] == x[0, i, j, c] for i in range(6) for j in range(6) for c in range(20))
    told = "kernel[torch.arange(720).reshape(6, 6, 20).permute(2, 0, 1).flatten()].T"
    assert f"Its columns stand in the order of the flattened picture there: {told}." in text
    kernel, picture = torch.randn(720, 50), torch.randn(2, 6, 6, 20)
    weight = eval(told, {"torch": torch, "kernel": kernel})
    torch.testing.assert_close(picture.permute(0, 3, 1, 2).flatten(1) @ weight.T, picture.flatten(1) @ kernel, rtol=1e-4, atol=1e-4)


def test_the_numbers_of_a_keras_network_in_the_words_of_pytorch():
    """Its own words are understood, PyTorch's too, and what PyTorch wants typed is said."""
    answer = explain(small())
    assert answer.why("conv.filters").elsewhere == ("In PyTorch it is out_channels of nn.Conv2d(1, 10, 5).",)
    assert answer.why("conv.out_channels").sentences[0].startswith("out_channels is filters here. 10 [chosen]")
    assert answer.why("dense.in_features").elsewhere == ("In PyTorch you type it: in_features of nn.Linear(720, 50).",)
    assert "20 maps of 6 x 6 numbers, laid in one row. Dense found 720, and it is not free: with 28x28 images" in str(
        answer.why("dense.in_features")).replace("\n", " ")  # fmt: skip
    assert answer.why("conv.parameters").elsewhere == ("In PyTorch: weight is stored (10, 1, 5, 5) there and (5, 5, 1, 10) here.",)
    assert nn.Linear(720, 50).weight.shape == (50, 720) and nn.Conv2d(1, 10, 5).weight.shape == (10, 1, 5, 5)
    assert "1 [found" not in answer.why("channels").sentences[0] and "5 x 5 x 1 = 25" in answer.why("channels").sentences[1]
    assert answer.why("torch").sentences[1].startswith("conv: F.relu(nn.Conv2d(1, 10, 5)(x))")


def test_sizes_that_run_are_those_keras_runs():
    """What `why input` says of a Keras network holds in Keras: it takes other sizes than the model states."""
    model = small()
    told = explain(model).why("input").sentences
    assert told[0] == "The model states it: 28x28x1, maps last." and told[-1].startswith("Sizes that run: H and W 26..29;")
    for size, fits in [(26, True), (29, True), (25, False), (30, False)]:
        x = np.zeros((1, size, size, 1), "float32")
        if fits:
            assert model(x).shape == (1, 10)
        else:
            with pytest.raises(ValueError):
                model(x)


def test_a_graph_in_json_is_told_alike():
    """The settings travel with the graph: another machine needs no Keras to say it in PyTorch's words."""
    graph = read(small())
    again = from_json(to_json(graph))
    assert again == graph and again.framework == "keras"
    tell = lambda g: [lines(n, Words(g).notation) for n in g.nodes]
    assert tell(again) == tell(graph)


@pytest.mark.parametrize("config", ["{", "[]", '"x"', '{"filters":"a","kernel_size":[3]}', '{"kernel_size":{}}', "{}", '{"filters":1e999}'])
def test_settings_that_keras_never_writes_say_nothing(config):
    """A damaged setting costs the line, nothing else."""
    graph = read(small())
    modules = [m._replace(config=config) if m.path == "conv" else m for m in graph.modules]
    damaged = graph._replace(modules=tuple(modules))
    told = lines(damaged.nodes[0], Words(damaged).notation)
    assert told == [] or told[0].startswith("no twin: ")
