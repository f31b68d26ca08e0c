"""Random settings of every common layer: our sizes and refusals are those of Keras' own `compute_output_shape`."""

import random

import keras
import numpy as np
import pytest

from whyshape.readers.keras import layer

L = keras.layers


def places(draw, n, low=1, high=12):
    return tuple(draw.randint(low, high) for _ in range(n))


def per_axis(draw, n, high):
    return draw.randint(1, high) if draw.random() < 0.4 else tuple(draw.randint(1, high) for _ in range(n))


def image(draw, n, channels=None):
    """A shape and how it lies."""
    c = channels or draw.choice([1, 2, 4, 6])
    if draw.random() < 0.25:
        return (draw.randint(1, 3), c, *places(draw, n)), "channels_first"
    return (draw.randint(1, 3), *places(draw, n), c), "channels_last"


def conv(draw, n):
    shape, lies = image(draw, n)
    s, d = (per_axis(draw, n, 3), 1) if draw.random() < 0.7 else (1, per_axis(draw, n, 2))
    padding = draw.choice(["valid", "same", "same", "causal"] if n == 1 and lies == "channels_last" else ["valid", "same"])
    words = {"filters": draw.choice([2, 4, 6]), "kernel_size": per_axis(draw, n, 4), "strides": s, "padding": padding, "dilation_rate": d,
             "groups": draw.choice([1, 1, 2]), "data_format": lies, "use_bias": draw.random() < 0.5,
             "activation": draw.choice([None, "relu", "gelu"])}  # fmt: skip
    return words, shape


def depthwise(draw, n):
    words, shape = conv(draw, n)
    words["strides"] = draw.randint(1, 3) if words["dilation_rate"] == 1 else 1
    words["padding"] = draw.choice(["valid", "same"])
    del words["filters"], words["groups"]
    return words | {"depth_multiplier": draw.randint(1, 3)}, shape


def separable(draw, n):
    words, shape = depthwise(draw, n)
    return words | {"filters": draw.randint(1, 5)}, shape


def transposed(draw, n):
    shape, lies = image(draw, n)
    s = draw.randint(1, 3)
    d = draw.randint(1, 2) if s == 1 else 1
    extra = draw.choice([None, None, draw.randint(0, s - 1)])
    words = {"filters": 3, "kernel_size": per_axis(draw, n, 4), "strides": s, "padding": draw.choice(["valid", "same"]), "dilation_rate": d,
             "output_padding": extra, "data_format": lies}  # fmt: skip
    return words, shape


def pool(draw, n):
    shape, lies = image(draw, n)
    strides = draw.choice([None, per_axis(draw, n, 3)])
    words = {"pool_size": per_axis(draw, n, 4), "strides": strides, "padding": draw.choice(["valid", "same"]), "data_format": lies}
    return words, shape


def whole(draw, n):
    shape, lies = image(draw, n)
    return {"data_format": lies, "keepdims": draw.random() < 0.5}, shape


def adaptive(draw, n):
    shape, lies = image(draw, n)
    return {"output_size": per_axis(draw, n, 5), "data_format": lies}, shape


def sides(draw, n, high):
    kind = draw.random()
    if kind < 0.3:
        return draw.randint(0, high)
    if kind < 0.6 and n > 1:
        return tuple(draw.randint(0, high) for _ in range(n))
    pairs = tuple((draw.randint(0, high), draw.randint(0, high)) for _ in range(n))
    return pairs[0] if n == 1 else pairs


def padding(draw, n):
    shape, lies = image(draw, n)
    return {"padding": sides(draw, n, 3)} | ({"data_format": lies} if n > 1 else {}), shape if n > 1 else (2, 5, 3)


def cropping(draw, n):
    shape, lies = image(draw, n)
    return {"cropping": sides(draw, n, 3)} | ({"data_format": lies} if n > 1 else {}), shape if n > 1 else (2, draw.randint(1, 9), 3)


def upsampling(draw, n):
    shape, lies = image(draw, n)
    return {"size": draw.randint(1, 3) if n == 1 else per_axis(draw, n, 3)} | ({"data_format": lies} if n > 1 else {}), shape


def any_shape(draw, low=2, high=4):
    return (draw.randint(1, 3), *places(draw, draw.randint(low, high) - 1, 1, 6))


def reshape(draw, _):
    target = draw.choice([(-1,), (6, -1), (2, 3, -1), (12, 2), (-1, 5), (4, 6)])
    return {"target_shape": target}, (2, *draw.choice([(24,), (4, 6), (2, 3, 4), (5, 5)]))


def permute(draw, _):
    shape = any_shape(draw)
    dims = list(range(1, len(shape)))
    draw.shuffle(dims)
    return {"dims": tuple(dims)}, shape


def recurrent(draw, _):
    words = {"units": draw.randint(1, 6), "return_sequences": draw.random() < 0.5, "return_state": draw.random() < 0.4}
    return words | {"go_backwards": draw.random() < 0.3}, (2, draw.randint(1, 6), draw.randint(1, 5))


def norm(draw, _):
    shape = any_shape(draw)
    return {"axis": draw.choice([-1, 1, len(shape) - 1]), "center": draw.random() < 0.5, "scale": draw.random() < 0.5}, shape


def group(draw, _):
    return {"groups": draw.choice([1, 2, 3, -1])}, (*any_shape(draw, 3, 4)[:-1], draw.choice([2, 3, 4, 6]))


def merged(draw, _):
    shape = any_shape(draw, 3, 4)
    other = list(shape)
    if draw.random() < 0.5:
        other[draw.randrange(1, len(other))] = draw.choice([1, 2, 5])
    return {}, [shape, tuple(other)]


def concatenated(draw, _):
    shape = any_shape(draw, 3, 4)
    axis = draw.choice([-1, 1])
    other = list(shape)
    other[axis] = draw.randint(1, 4)
    return {"axis": axis}, [shape, tuple(other), shape]


def dotted(draw, _):
    a, b, c = places(draw, 3, 1, 5)
    return draw.choice([({"axes": 1}, [(2, a, b), (2, a, c)]), ({"axes": (2, 1)}, [(2, a, b), (2, b, c)]), ({"axes": 1}, [(2, a), (2, a)])])


def attended(draw, _):
    q, v, width = places(draw, 3, 1, 6)
    return {}, [(2, q, width), (2, v, width)]


plain = lambda **words: lambda draw, _: (dict(words), any_shape(draw))
images = lambda **words: lambda draw, n: (dict(words), image(draw, 2)[0])
SETTINGS = {
    **{f"Conv{n}D": (conv, n) for n in (1, 2, 3)}, **{f"Conv{n}DTranspose": (transposed, n) for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": (depthwise, n) for n in (1, 2)}, **{f"SeparableConv{n}D": (separable, n) for n in (1, 2)},
    **{f"{k}Pooling{n}D": (pool, n) for k in ("Max", "Average") for n in (1, 2, 3)},
    **{f"Global{k}Pooling{n}D": (whole, n) for k in ("Max", "Average") for n in (1, 2, 3)},
    **{f"AdaptiveAveragePooling{n}D": (adaptive, n) for n in (1, 2)}, **{f"ZeroPadding{n}D": (padding, n) for n in (1, 2, 3)},
    **{f"Cropping{n}D": (cropping, n) for n in (1, 2, 3)}, **{f"UpSampling{n}D": (upsampling, n) for n in (1, 2)},
    "Dense": (lambda draw, _: ({"units": draw.randint(1, 7), "use_bias": draw.random() < 0.5}, any_shape(draw)), 0),
    "Flatten": (plain(), 0), "Reshape": (reshape, 0), "Permute": (permute, 0), "LSTM": (recurrent, 0), "GRU": (recurrent, 0),
    "SimpleRNN": (recurrent, 0), "BatchNormalization": (norm, 0), "LayerNormalization": (norm, 0), "GroupNormalization": (group, 0),
    "RepeatVector": (lambda draw, _: ({"n": draw.randint(1, 5)}, (2, draw.randint(1, 6))), 0),
    "Embedding": (lambda draw, _: ({"input_dim": 5, "output_dim": draw.randint(1, 6)}, (2, draw.randint(1, 6))), 0),
    "Add": (merged, 0), "Multiply": (merged, 0), "Maximum": (merged, 0), "Average": (merged, 0), "Subtract": (merged, 0),
    "Concatenate": (concatenated, 0), "Dot": (dotted, 0), "Attention": (attended, 0), "ReLU": (plain(), 0), "LeakyReLU": (plain(), 0),
    "ELU": (plain(), 0), "Softmax": (plain(), 0), "PReLU": (plain(), 0), "Dropout": (plain(rate=0.3), 0),
    "GaussianNoise": (plain(stddev=0.1), 0),
    "SpatialDropout2D": (images(rate=0.2), 0), "Activation": (plain(activation="hard_silu"), 0), "Rescaling": (plain(scale=2.0), 0),
    "UnitNormalization": (plain(), 0), "RMSNormalization": (plain(), 0), "Identity": (plain(), 0), "ActivityRegularization": (plain(), 0),
    "Resizing": (lambda draw, _: ({"height": draw.randint(1, 5), "width": draw.randint(1, 5)}, (2, *places(draw, 2), 3)), 0),
}  # fmt: skip
EACH = 24


def keras_says(name, words, shape):
    """Keras' output shapes as a list, or None where it refuses."""
    try:
        made = getattr(L, name)(**words)
        out = made.compute_output_shape(shape)
    except (ValueError, TypeError, IndexError, ZeroDivisionError):
        return None
    return [tuple(s) for s in out] if isinstance(out[0], (tuple, list)) else [tuple(out)]


def keras_runs(name, words, shape) -> bool:
    zeros = lambda s: np.zeros(s, "float32")
    try:
        getattr(L, name)(**words)([zeros(s) for s in shape] if isinstance(shape, list) else zeros(shape))
    except Exception:  # whatever it raises: it refuses
        return False
    return True


@pytest.mark.parametrize("name", SETTINGS)
def test_random_settings(name):
    """Sizes equal, refusals included; one that only we make is made by Keras' own call as well."""
    make, n = SETTINGS[name]
    draw = random.Random(name)
    answered = 0
    for _ in range(EACH):
        words, shape = make(draw, n)
        said = keras_says(name, words, shape)
        graph = layer(name, {**words, "name": "it"}, *(shape if isinstance(shape, list) else [shape]))
        ours = None if graph.problem else [graph.tensors[i].shape for i in graph.outputs]
        if ours is None and said is not None:
            assert not keras_runs(name, words, shape), (words, shape, graph.problem.sentence, said)
            continue
        assert ours == said, (words, shape, graph.problem)
        answered += ours is not None
    assert answered >= EACH // 3


@pytest.mark.parametrize("name", ["Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "Dense", "LSTM", "GRU", "SimpleRNN",
                                  "BatchNormalization", "LayerNormalization", "GroupNormalization", "PReLU", "Embedding"])  # fmt: skip
def test_weights_have_the_shapes_that_keras_gives_them(name):
    """Every weight, in Keras' order of axes."""
    draw = random.Random(name)
    make, n = SETTINGS[name]
    compared = 0
    for _ in range(12):
        words, shape = make(draw, n)
        if keras_says(name, words, shape) is None:
            continue
        graph = layer(name, words, shape)
        if graph.problem:
            continue
        made = getattr(L, name)(**words)
        made.build(shape)
        ours = sorted(tuple(t.shape) for t in graph.tensors if t.kind in ("parameter", "buffer"))
        assert ours == sorted(tuple(w.shape) for w in made.weights), (words, shape)
        compared += 1
    assert compared >= 4


def test_enough_is_compared():
    """At least 1,000 settings of at least 35 layers."""
    assert len(SETTINGS) >= 35 and len(SETTINGS) * EACH >= 1000


def test_heads_and_wrappers():
    """Multi-head attention and layers around layers, which take more than one shape or a layer as config."""
    graph = layer("MultiHeadAttention", {"num_heads": 2, "key_dim": 4}, (2, 3, 5), (2, 7, 6))
    made = L.MultiHeadAttention(2, 4)
    made.build((2, 3, 5), (2, 7, 6))
    assert graph.tensors[graph.outputs[0]].shape == made.compute_output_shape((2, 3, 5), (2, 7, 6)) == (2, 3, 5)
    assert sorted(t.shape for t in graph.parameters()) == sorted(tuple(w.shape) for w in made.weights)
    for outer, config in (
        (L.Bidirectional(L.LSTM(3, return_sequences=True)), None), (L.Bidirectional(L.GRU(3), merge_mode="sum"), None),
        (L.TimeDistributed(L.Dense(2)), None),
    ):  # fmt: skip
        config = outer.get_config()
        graph = layer(type(outer).__name__, config, (2, 4, 5))
        assert graph.tensors[graph.outputs[0]].shape == outer.compute_output_shape((2, 4, 5)), config
