"""How each Keras layer calls our rules. A layer is its class name and its config, read as data; nothing of it is ever run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whyshape.graph import Value
from whyshape.readers.net import Net
from whyshape.rules import RULES
from whyshape.rules.shelf import filed


class Unclear(Exception):
    """This layer's sizes cannot be said from its config; the file may state them."""


Make = Callable[[Net, dict, list], Any]
LAYERS: dict[str, Make] = {}
# Files how layers of these classes call rules: ``make(net, config, inputs)`` gives the result, or a list.
layer = filed(LAYERS)


def spread(value: Any, n: int) -> tuple[int, ...]:
    """One number for all of ``n`` axes, or one for each."""
    if type(value) is int:
        return (value,) * n
    numbers = tuple(value)
    if len(numbers) != n or not all(type(v) is int for v in numbers):
        raise Unclear(f"{n} whole numbers are wanted, {str(value)[:60]} is said")
    return numbers


def lies(config: dict) -> str:
    return config.get("data_format") or "channels_last"


def maps(x: Value, config: dict) -> int:
    return x.shape[1] if lies(config) == "channels_first" else x.shape[-1]


def rank(net: Net, x: Value, n: int) -> None:
    """Refuse a tensor of another rank than the layer takes."""
    if len(x.shape) != n:
        net.refuse(net.name, f"{n} axes are wanted, {len(x.shape)} arrive", wanted=n, arrived=len(x.shape))


def settings(net: Net, config: dict, n: int):
    s, d = spread(config.get("strides", 1), n), spread(config.get("dilation_rate", 1), n)
    k = spread(config["kernel_size"], n)
    if min((*k, *s, *d)) < 1:
        least = min((*k, *s, *d))
        net.refuse(net.name, f"kernel_size, strides and dilation_rate must be at least 1, {least} was chosen", wanted=1, arrived=least)
    return k, s, d


def bias(net: Net, config: dict, n: int) -> Value | None:
    return net.parameter("bias", (n,)) if config.get("use_bias", True) else None


# Keras' names of activations, and the rule that says them; a name not here leaves sizes as they are all the same.
ACTIVATIONS = {"swish": "silu", "hard_sigmoid": "hardsigmoid", "hard_silu": "hardswish", "hard_swish": "hardswish",
               "leaky_relu": "leaky_relu",
               "exponential": "exp", "log_sigmoid": "logsigmoid", "hard_tanh": "hardtanh", "soft_shrink": "softshrink",
               "hard_shrink": "hardshrink", "tanh_shrink": "tanhshrink", "squareplus": "softplus", "sparse_plus": "softplus"}  # fmt: skip


def activated(net: Net, config: dict, x: Value) -> Value:
    """The activation a layer carries along."""
    held = config.get("activation") or "linear"
    if isinstance(held, dict):
        held = str(held.get("class_name", held.get("config", ""))).lower()
    if held == "linear":
        return x
    op = ACTIVATIONS.get(held, held)
    if op in ("softmax", "log_softmax"):
        return net.call(op, x, -1)
    return net.call(op, x) if op in RULES and RULES[op].pointwise else net.call("clone", x)


@layer("Conv1D", "Conv2D", "Conv3D")
def conv(net, config, inputs):
    (x,) = inputs
    n = int(net.name[4])
    rank(net, x, n + 2)
    k, s, d = settings(net, config, n)
    groups, filters = config.get("groups", 1), config["filters"]
    for what, count in (("filters", filters), ("channels", maps(x, config))):
        if count % groups:
            net.refuse(net.name, f"{count} {what} cannot be shared out over {groups} groups", wanted=groups, arrived=count)
    kernel = net.parameter("kernel", (*k, maps(x, config) // groups, filters))
    out = net.call(f"keras.conv{n}d", x, kernel, bias(net, config, filters), s, config.get("padding", "valid"), d, groups, lies(config))
    return activated(net, config, out)


@layer("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(net, config, inputs):
    (x,) = inputs
    n = int(net.name[13])
    rank(net, x, n + 2)
    k, s, d = settings(net, config, n)
    times = config.get("depth_multiplier", 1)
    kernel = net.parameter("kernel", (*k, maps(x, config), times))
    offset = bias(net, config, maps(x, config) * times)
    return activated(net, config, net.call(f"keras.depthwise{n}d", x, kernel, offset, s, config.get("padding", "valid"), d, lies(config)))


@layer("SeparableConv1D", "SeparableConv2D")
def separable(net, config, inputs):
    (x,) = inputs
    n = int(net.name[13])
    rank(net, x, n + 2)
    k, s, d = settings(net, config, n)
    times, filters = config.get("depth_multiplier", 1), config["filters"]
    deep = net.parameter("depthwise_kernel", (*k, maps(x, config), times))
    between = net.call(f"keras.depthwise{n}d", x, deep, None, s, config.get("padding", "valid"), d, lies(config))
    points = net.parameter("pointwise_kernel", (*(1,) * n, maps(x, config) * times, filters))
    ones = (1,) * n
    return activated(
        net, config, net.call(f"keras.conv{n}d", between, points, bias(net, config, filters), ones, "valid", ones, 1, lies(config))
    )


@layer("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def conv_transpose(net, config, inputs):
    (x,) = inputs
    n = int(net.name[4])
    rank(net, x, n + 2)
    k, s, d = settings(net, config, n)
    kernel = net.parameter("kernel", (*k, config["filters"], maps(x, config)))
    extra = config.get("output_padding")
    extra = None if extra is None else spread(extra, n)
    if extra is not None and any(e >= step for e, step in zip(extra, s)):
        net.refuse(net.name, f"output_padding must be smaller than strides, {extra} was chosen", wanted=s, arrived=extra)
    padding = config.get("padding", "valid")
    out = net.call(f"keras.conv_transpose{n}d", x, kernel, bias(net, config, config["filters"]), s, padding, extra, d, lies(config))
    return activated(net, config, out)


@layer(*[f"{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)])
def pool(net, config, inputs):
    (x,) = inputs
    n = int(net.name[-2])
    rank(net, x, n + 2)
    k = spread(config.get("pool_size", 2), n)
    s = k if config.get("strides") is None else spread(config["strides"], n)
    if min((*k, *s)) < 1:
        net.refuse(net.name, f"pool_size and strides must be at least 1, {min((*k, *s))} was chosen", wanted=1, arrived=min((*k, *s)))
    return net.call("keras.pool", x, k, s, config.get("padding", "valid"), lies(config))


def places(x: Value, config: dict) -> tuple[int, ...]:
    return tuple(range(2, len(x.shape))) if lies(config) == "channels_first" else tuple(range(1, len(x.shape) - 1))


@layer(*[f"Global{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)])
def global_pool(net, config, inputs):
    (x,) = inputs
    rank(net, x, int(net.name[-2]) + 2)
    op = "amax" if "Max" in net.name else "mean"
    return net.call(op, x, places(x, config), bool(config.get("keepdims", False)))


@layer(*[f"Adaptive{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)])
def adaptive(net, config, inputs):
    (x,) = inputs
    n = int(net.name[-2])
    rank(net, x, n + 2)
    sizes = list(net.sizes(x))
    for a, size in zip(places(x, config), spread(config["output_size"], n)):
        sizes[a] = size
    return net.made("keras.sized", sizes, x.dtype, x)


@layer("Dense")
def dense(net, config, inputs):
    (x,) = inputs
    units = config["units"]
    return activated(net, config, net.call("keras.dense", x, net.parameter("kernel", (x.shape[-1], units)), bias(net, config, units)))


@layer("EinsumDense")
def einsum_dense(net, config, inputs):
    (x,) = inputs
    wanted = config["output_shape"]
    wanted = [wanted] if type(wanted) is int else list(wanted)
    equation = config["equation"].replace(" ", "")
    left, _, right = equation.partition("->")
    into, _, inner = left.partition(",")
    if "..." in equation:
        raise Unclear("an equation with an ellipsis")
    known = dict(zip(into, net.sizes(x))) if len(into) == len(x.shape) else None
    if known is None:
        net.refuse(net.name, f"{len(into)} axes are wanted, {len(x.shape)} arrive", wanted=len(into), arrived=len(x.shape))
    out = []
    for i, letter in enumerate(right):
        said = wanted[i - len(right)] if len(right) - i <= len(wanted) else None
        if said is None and letter not in known:
            raise Unclear(f"the size of {letter} is not said")
        out.append(known.get(letter, said))
        known.setdefault(letter, said)
    kernel = net.parameter("kernel", tuple(int(known[letter]) for letter in inner))
    return activated(net, config, net.made("keras.sized", out, x.dtype, x, kernel))


@layer("Embedding")
def embedding(net, config, inputs):
    (x,) = inputs
    table = net.parameter("embeddings", (config["input_dim"], config["output_dim"]))
    return net.made("keras.sized", (*net.sizes(x), config["output_dim"]), "float32", x, table)


@layer("Flatten")
def flatten(net, config, inputs):
    (x,) = inputs
    return net.call("flatten", x, 1, -1) if len(x.shape) > 1 else net.call("unsqueeze", x, 1)


@layer("Reshape")
def reshape(net, config, inputs):
    (x,) = inputs
    return net.call("reshape", x, (net.axis(x, 0), *config["target_shape"]))


@layer("Permute")
def permute(net, config, inputs):
    (x,) = inputs
    dims = tuple(config["dims"])
    rank(net, x, len(dims) + 1)
    return net.call("permute", x, (0, *dims))


@layer("RepeatVector")
def repeat_vector(net, config, inputs):
    (x,) = inputs
    rank(net, x, 2)
    return net.made("keras.sized", (net.axis(x, 0), config["n"], net.axis(x, 1)), x.dtype, x)


def pairs(value: Any, n: int) -> list[tuple[int, int]]:
    """Cells before and after each axis: a number, one for each axis, or a pair for each."""
    if type(value) is int:
        return [(value, value)] * n
    if n == 1 and len(value) == 2 and all(type(v) is int for v in value):
        value = [value]
    return [(v, v) if type(v) is int else tuple(v) for v in value]


@layer(*[f"{kind}{n}D" for kind in ("ZeroPadding", "Cropping") for n in (1, 2, 3)])
def pad(net, config, inputs):
    (x,) = inputs
    n = int(net.name[-2])
    rank(net, x, n + 2)
    crop = net.name.startswith("Cropping")
    sides = [(0, 0)] * len(x.shape)
    for a, (before, after) in zip(places(x, config), pairs(config["cropping" if crop else "padding"], n)):
        sides[a] = (-before, -after) if crop else (before, after)
        if crop and x.shape[a] - before - after < 1:
            net.refuse(net.name, f"{before} and {after} of {x.shape[a]} cells are cut away: at least one must be left",
                       wanted=before + after + 1, arrived=x.shape[a])  # fmt: skip
    return net.call("pad", x, tuple(v for pair in reversed(sides[1:]) for v in pair), "constant", 0.0)


@layer("UpSampling1D", "UpSampling2D", "UpSampling3D")
def upsample(net, config, inputs):
    (x,) = inputs
    n = int(net.name[-2])
    rank(net, x, n + 2)
    sizes = list(net.sizes(x))
    for a, factor in zip(places(x, config), spread(config.get("size", 2), n)):
        sizes[a] = sizes[a] * factor
    return net.made("keras.sized", sizes, x.dtype, x)


@layer("Resizing", "CenterCrop", "RandomCrop")
def resized(net, config, inputs):
    (x,) = inputs
    sizes = list(net.sizes(x))
    at = len(sizes) - 3 if lies(config) != "channels_first" else len(sizes) - 2
    if at < 0:
        rank(net, x, 4)
    sizes[at : at + 2] = config["height"], config["width"]
    return net.made("keras.sized", sizes, x.dtype, x)
