"""How PyTorch says each Keras layer: code, the shape in Keras' order, and whether the result lies maps first."""

from __future__ import annotations

from collections.abc import Callable

from whyshape.analyses.translate_keras import Missing
from whyshape.rules.shelf import filed
from whyshape.rules.twins import same_sides

LAYERS: dict[str, Callable] = {}
OPERATIONS: dict[str, Callable] = {}
layer = filed(LAYERS)


def spread(value, n):
    return (value,) * n if type(value) is int else tuple(value)


def number(value):
    """One number where all are equal."""
    return value[0] if len(set(value)) == 1 else value


def sized(w, kind, config, *shapes):
    """The shape this layer makes, asked of the reader's rules; the batch stays open."""
    from whyshape.readers.keras import layer as ask

    graph = ask(kind, config, *[tuple(2 if n is None else n for n in s) for s in shapes])
    if graph.problem is not None:
        raise Missing(graph.problem.sentence)
    return (None, *graph.tensors[graph.outputs[0]].shape[1:])


def image(h, n):
    """An image of n axes of places, maps first."""
    if len(h.shape) != n + 2:
        raise Missing(f"{n + 2} axes are wanted")
    if h.first:
        return h.name
    return f"{h.name}.permute({0}, {n + 1}, {', '.join(str(a) for a in range(1, n + 1))})"


def plain(h):
    """The value in Keras' order."""
    if not h.first:
        return h.name
    rank = len(h.shape)
    return f"{h.name}.permute(0, {', '.join(str(a) for a in range(2, rank))}, 1)"


def keras_order(config):
    if config.get("data_format") == "channels_first":
        raise Missing("maps first in Keras")


def fixed(h, n):
    if any(v is None for v in h.shape[1 : n + 1]):
        raise Missing("'same' with strides depends on the size, and the model leaves it open; give an input size")
    return h.shape[1 : n + 1]


def sides(h, n, config, k, s, d):
    """What 'same' adds on each axis."""
    padding = config.get("padding", "valid")
    if padding == "valid":
        return [(0, 0)] * n
    if padding == "causal":
        return [(d[0] * (k[0] - 1), 0)]
    places = fixed(h, n) if max(s) > 1 else [None] * n
    return [same_sides(1000 if p is None else p, k[i], s[i], d[i]) for i, p in enumerate(places)]


def padded(code, pads, value=None):
    if not any(v for pair in pads for v in pair):
        return code
    numbers = tuple(v for pair in reversed(pads) for v in pair)
    return f"F.pad({code}, {numbers}{'' if value is None else f', value={value}'})"


def even(pads):
    return all(a == b for a, b in pads)


@layer("Conv1D", "Conv2D", "Conv3D")
def conv(w, config, inputs):
    (h,) = inputs
    keras_order(config)
    n = len(h.shape) - 2
    k, s, d = (spread(config.get(word, 1), n) for word in ("kernel_size", "strides", "dilation_rate"))
    pads, groups, bias = sides(h, n, config, k, s, d), config.get("groups", 1), config.get("use_bias", True)
    words = {"stride": s, "padding": tuple(a for a, _ in pads) if even(pads) else (0,) * n, "dilation": d}
    said = "".join(f", {word}={number(v)}" for word, v in words.items() if set(v) != {0 if word == "padding" else 1})
    said += f", groups={groups}" if groups > 1 else ""
    code = f"nn.Conv{n}d({h.shape[-1]}, {config['filters']}, {number(k)}{said}{'' if bias else ', bias=False'})"
    order = (n + 1, n, *range(n))
    module = w.module(code, ("weight", 0, order), *([("bias", 1)] if bias else []))
    x = image(h, n) if even(pads) else padded(image(h, n), pads)
    return f"{module}({x})", sized(w, f"Conv{n}D", config, h.shape), True


@layer("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(w, config, inputs, suffix="", kind=None):
    (h,) = inputs
    keras_order(config)
    n = len(h.shape) - 2
    k, s, d = (spread(config.get(word, 1), n) for word in ("kernel_size", "strides", "dilation_rate"))
    pads, times = sides(h, n, config, k, s, d), config.get("depth_multiplier", 1)
    bias = config.get("use_bias", True) and not suffix
    words = {"stride": s, "padding": tuple(a for a, _ in pads) if even(pads) else (0,) * n, "dilation": d}
    said = "".join(f", {word}={number(v)}" for word, v in words.items() if set(v) != {0 if word == "padding" else 1})
    c = h.shape[-1]
    code = f"nn.Conv{n}d({c}, {c * times}, {number(k)}{said}, groups={c}{'' if bias else ', bias=False'})"
    module = w.module(code, ("weight", 0, (n, n + 1, *range(n))), *([("bias", 1)] if bias else []), suffix=suffix)
    x = image(h, n) if even(pads) else padded(image(h, n), pads)
    shape = sized(w, f"DepthwiseConv{n}D", config, h.shape) if not suffix else None
    return f"{module}({x})", shape, True


@layer("SeparableConv1D", "SeparableConv2D")
def separable(w, config, inputs):
    (h,) = inputs
    n = len(h.shape) - 2
    deep, _, _ = depthwise(w, config, inputs, suffix="_depthwise")
    middle, bias = h.shape[-1] * config.get("depth_multiplier", 1), config.get("use_bias", True)
    code = f"nn.Conv{n}d({middle}, {config['filters']}, 1{'' if bias else ', bias=False'})"
    module = w.module(code, ("weight", 1, (n + 1, n, *range(n))), *([("bias", 2)] if bias else []), suffix="_pointwise")
    return f"{module}({deep})", sized(w, f"SeparableConv{n}D", config, h.shape), True


@layer("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def conv_transpose(w, config, inputs):
    (h,) = inputs
    keras_order(config)
    n = len(h.shape) - 2
    k, s, d = (spread(config.get(word, 1), n) for word in ("kernel_size", "strides", "dilation_rate"))
    if config.get("output_padding") is not None:
        raise Missing("an output_padding that is said")
    spans = [d[i] * (k[i] - 1) + 1 for i in range(n)]
    extra = tuple(max(s[i] - spans[i], 0) for i in range(n))
    bias = config.get("use_bias", True)
    words = {"stride": (s, 1), "output_padding": (extra, 0), "dilation": (d, 1)}
    said = "".join(f", {word}={number(v)}" for word, (v, usual) in words.items() if set(v) != {usual})
    code = f"nn.ConvTranspose{n}d({h.shape[-1]}, {config['filters']}, {number(k)}{said}{'' if bias else ', bias=False'})"
    module = w.module(code, ("weight", 0, (n + 1, n, *range(n))), *([("bias", 1)] if bias else []))
    x = f"{module}({image(h, n)})"
    if config.get("padding") == "same":
        cut = [max(spans[i] - s[i], 0) for i in range(n)]
        pads = [(-(c // 2), -(c - c // 2)) for c in cut]
        x = padded(x, pads)
    return x, sized(w, f"Conv{n}DTranspose", config, h.shape), True


@layer(*[f"MaxPooling{n}D" for n in (1, 2, 3)], *[f"AveragePooling{n}D" for n in (1, 2, 3)])
def pool(w, config, inputs):
    (h,) = inputs
    keras_order(config)
    n = len(h.shape) - 2
    k = spread(config["pool_size"], n)
    s = k if config.get("strides") is None else spread(config["strides"], n)
    pads = sides(h, n, config, k, s, (1,) * n)
    kind = "Max" if w.kind.startswith("Max") else "Average"
    x, shape = image(h, n), sized(w, f"{kind}Pooling{n}D", config, h.shape)
    inside = even(pads) and all(a <= k[i] // 2 for i, (a, _) in enumerate(pads))
    said = f", padding={number(tuple(a for a, _ in pads))}" if inside and any(a for a, _ in pads) else ""
    if kind == "Max":
        x = x if inside else padded(x, pads, 'float("-inf")')
        return f"F.max_pool{n}d({x}, {number(k)}, {number(s)}{said})", shape, True
    if inside:
        return f"F.avg_pool{n}d({x}, {number(k)}, {number(s)}{said}{', count_include_pad=False' if said else ''})", shape, True
    w.notes.append(
        "average pooling with 'same' leaves out what is padded, as TensorFlow does; Keras' torch backend repeats the border instead"
    )
    mean = lambda v: f"F.avg_pool{n}d({padded(v, pads)}, {number(k)}, {number(s)})"
    return f"{mean(x)} / {mean(f'torch.ones_like({x})')}", shape, True


@layer(*[f"Global{kind}Pooling{n}D" for kind in ("Average", "Max") for n in (1, 2, 3)])
def global_pool(w, config, inputs):
    (h,) = inputs
    keras_order(config)
    n = len(h.shape) - 2
    keep = bool(config.get("keepdims", False))
    op = "amax" if "Max" in w.kind else "mean"
    dims = tuple(range(2, n + 2))
    shape = (None, *(1,) * n, h.shape[-1]) if keep else (None, h.shape[-1])
    return f"{image(h, n)}.{op}({dims}{', keepdim=True' if keep else ''})", shape, keep


@layer("BatchNormalization")
def batch_norm(w, config, inputs):
    (h,) = inputs
    rank = len(h.shape)
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    if axis not in (-1, rank - 1) or rank > 5:
        raise Missing("a batch norm over another axis than the maps")
    scale, center = config.get("scale", True), config.get("center", True)
    n = {2: 1, 3: 1, 4: 2, 5: 3}[rank]
    names = ["weight"] * scale + ["bias"] * center + ["running_mean", "running_var"]
    affine = "" if scale or center else ", affine=False"
    momentum = round(1 - config.get("momentum", 0.99), 10)
    code = f"nn.BatchNorm{n}d({h.shape[-1]}, eps={config.get('epsilon', 0.001)}, momentum={momentum}{affine})"
    module = w.module(code, *[(name, i) for i, name in enumerate(names)])
    x = h.name if h.first or rank == 2 else image(h, rank - 2)
    return f"{module}({x})", h.shape, rank > 2


@layer("LayerNormalization")
def layer_norm(w, config, inputs):
    (h,) = inputs
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, len(h.shape) - 1):
        raise Missing("a layer norm over another axis than the last")
    names = ["weight"] * config.get("scale", True) + ["bias"] * config.get("center", True)
    affine = "" if names else ", elementwise_affine=False"
    module = w.module(f"nn.LayerNorm({h.shape[-1]}, eps={config.get('epsilon', 0.001)}{affine})", *[(v, i) for i, v in enumerate(names)])
    return f"{module}({plain(h)})", h.shape, False


@layer("Dense")
def dense(w, config, inputs):
    (h,) = inputs
    bias = config.get("use_bias", True)
    code = f"nn.Linear({h.shape[-1]}, {config['units']}{'' if bias else ', bias=False'})"
    if w.met.setdefault(w.path, h.image) != h.image:
        raise Missing("it is called on flattened images of several sizes, or on one and on something else")
    module = w.module(code, ("weight", 0, (1, 0), None, (), None, h.image), *([("bias", 1)] if bias else []))
    return f"{module}({plain(h)})", (*h.shape[:-1], config["units"]), False


@layer("Embedding")
def embedding(w, config, inputs):
    (h,) = inputs
    if config.get("mask_zero"):
        raise Missing("mask_zero, which hides steps from the layers behind")
    w.rows[h.name] = min(config["input_dim"], w.rows.get(h.name, config["input_dim"]))
    module = w.module(f"nn.Embedding({config['input_dim']}, {config['output_dim']})", ("weight", 0))
    return f"{module}({h.name}.long())", (*h.shape, config["output_dim"]), False


@layer("Flatten")
def flatten(w, config, inputs):
    (h,) = inputs
    count = 1
    for n in h.shape[1:]:
        if n is None:
            raise Missing("a Flatten of a size that is open; give an input size")
        count *= n
    if h.first and count > h.shape[-1] > 1:
        w.image = h.shape[1:]
    return f"{h.name}.flatten(1)", (None, count), False


@layer("Reshape")
def reshape(w, config, inputs):
    (h,) = inputs
    shape = sized(w, "Reshape", config, h.shape)
    return f"{plain(h)}.reshape(-1, {', '.join(map(str, shape[1:]))})", shape, False


@layer("Permute")
def permute(w, config, inputs):
    (h,) = inputs
    dims = config["dims"]
    return f"{plain(h)}.permute(0, {', '.join(map(str, dims))})", (None, *[h.shape[d] for d in dims]), False


@layer(*[f"{kind}{n}D" for kind in ("ZeroPadding", "Cropping") for n in (1, 2, 3)])
def pad(w, config, inputs):
    from whyshape.readers.keras.layers import pairs

    (h,) = inputs
    keras_order(config)
    n, crop = len(h.shape) - 2, w.kind.startswith("Cropping")
    given = pairs(config["cropping" if crop else "padding"], n)
    shape = tuple(None if v is None else v + (-a - b if crop else a + b) for v, (a, b) in zip(h.shape[1:-1], given))
    return padded(image(h, n), [(-a, -b) for a, b in given] if crop else given), (None, *shape, h.shape[-1]), True


@layer("UpSampling1D", "UpSampling2D", "UpSampling3D")
def upsample(w, config, inputs):
    (h,) = inputs
    keras_order(config)
    n = len(h.shape) - 2
    factor, mode = spread(config["size"], n), config.get("interpolation", "nearest")
    if mode not in ("nearest", "bilinear"):
        raise Missing(f"interpolation {mode}")
    shape = tuple(None if v is None else v * f for v, f in zip(h.shape[1:-1], factor))
    said = ', mode="bilinear", align_corners=False' if mode == "bilinear" else ""
    return f"F.interpolate({image(h, n)}, scale_factor={number(factor)}{said})", (None, *shape, h.shape[-1]), True
