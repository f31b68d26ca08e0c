"""Layers that leave every place where it is: normalisation, activations, noise; and layers that merge several tensors."""

from __future__ import annotations

from whyshape.readers.keras.layers import activated, layer, rank


def normalised(net, config, x, axes, **vectors):
    """Any normalisation: what it learns or keeps has the sizes of its axes."""
    for a in axes:
        if not -len(x.shape) <= a < len(x.shape):
            net.refuse(net.name, f"axis {a} is asked for, the tensor has {len(x.shape)}", wanted=len(x.shape), arrived=a)
    shape = tuple(x.shape[a] for a in axes)
    made = [getattr(net, kind)(name, shape) for name, kind in vectors.items() if kind]
    return net.call("keras.norm", x, tuple(axes), *made)


def listed(axis) -> list[int]:
    return [axis] if type(axis) is int else list(axis)


@layer("BatchNormalization")
def batch_norm(net, config, inputs):
    (x,) = inputs
    return normalised(net, config, x, listed(config.get("axis", -1)), gamma=config.get("scale", True) and "parameter",
                      beta=config.get("center", True) and "parameter", moving_mean="buffer", moving_variance="buffer")  # fmt: skip


@layer("LayerNormalization", "RMSNormalization")
def layer_norm(net, config, inputs):
    (x,) = inputs
    rms = net.name == "RMSNormalization" or config.get("rms_scaling")
    scale = ("scale" if net.name == "RMSNormalization" else "gamma") if config.get("scale", True) else ""
    vectors = {scale: "parameter"} if scale else {}
    if not rms and config.get("center", True):
        vectors["beta"] = "parameter"
    return normalised(net, config, x, listed(config.get("axis", -1)), **vectors)


@layer("GroupNormalization")
def group_norm(net, config, inputs):
    (x,) = inputs
    axis = config.get("axis", -1)
    size, groups = x.shape[axis], config.get("groups", 32)
    groups = size if groups == -1 else groups
    if size < groups or size % groups:
        net.refuse(net.name, f"{size} channels cannot be shared out over {groups} groups", wanted=groups, arrived=size)
    return normalised(net, config, x, [axis], gamma=config.get("scale", True) and "parameter",
                      beta=config.get("center", True) and "parameter")  # fmt: skip


@layer("PReLU")
def prelu(net, config, inputs):
    (x,) = inputs
    shape = list(x.shape[1:])
    for a in config.get("shared_axes") or ():
        shape[a - 1] = 1
    return net.call("mul", x, net.parameter("alpha", shape))


SAME = {
    "ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "Dropout": "dropout", "AlphaDropout": "dropout", "GaussianDropout": "dropout",
    "GaussianNoise": "clone", "ActivityRegularization": "clone", "Identity": "clone", "Masking": "clone", "Rescaling": "clone",
    "UnitNormalization": "clone", "RandomFlip": "clone", "RandomRotation": "clone", "RandomZoom": "clone", "RandomTranslation": "clone",
    "RandomContrast": "clone", "RandomBrightness": "clone", "SpatialDropout1D": "dropout", "SpatialDropout2D": "dropout",
    "SpatialDropout3D": "dropout", "Discretization": "clone",
}  # fmt: skip


@layer(*SAME)
def same(net, config, inputs):
    (x,) = inputs
    if net.name.startswith("SpatialDropout"):
        rank(net, x, int(net.name[-2]) + 2)
    if SAME[net.name] == "clone":
        return net.call("clone", x)
    return net.call(SAME[net.name], x, float(config.get("rate", 0.5)), False) if "Dropout" in net.name else net.call(SAME[net.name], x)


@layer("Activation")
def activation(net, config, inputs):
    (x,) = inputs
    return activated(net, config, x)


@layer("Softmax")
def softmax(net, config, inputs):
    axis = config.get("axis", -1)
    return net.call("softmax", inputs[0], axis if type(axis) is int else axis[-1])


@layer("Normalization")
def normalization(net, config, inputs):
    (x,) = inputs
    axes = [] if config.get("axis", -1) is None else listed(config.get("axis", -1))
    out = normalised(net, config, x, axes, mean="buffer", variance="buffer")
    net.buffer("count", (), "int32")
    return out


MERGES = {"Add": "add", "Subtract": "sub", "Multiply": "mul", "Average": "add", "Maximum": "maximum", "Minimum": "minimum"}


@layer(*MERGES)
def merge(net, config, inputs):
    if net.name == "Subtract" and len(inputs) != 2:
        net.refuse(net.name, f"2 tensors are wanted, {len(inputs)} arrive", wanted=2, arrived=len(inputs))
    out = inputs[0]
    for other in inputs[1:]:
        if len(out.shape) != len(other.shape):  # Keras stretches after the batch
            small, large = sorted((out, other), key=lambda v: len(v.shape))
            for _ in range(len(large.shape) - len(small.shape)):
                small = net.call("unsqueeze", small, 1)
            out, other = (small, large) if len(out.shape) < len(other.shape) else (large, small)
        out = net.call(MERGES[net.name], out, other)
    return out


@layer("Concatenate")
def concatenate(net, config, inputs):
    return net.call("cat", list(inputs), config.get("axis", -1))


@layer("Dot")
def dot(net, config, inputs):
    a, b = inputs
    axes = config["axes"]
    left, right = (axes, axes) if type(axes) is int else axes
    left, right = left % len(a.shape), right % len(b.shape)
    if a.shape[left] != b.shape[right]:
        net.refuse(net.name, f"{a.shape[left]} and {b.shape[right]} are summed over; they must be equal",
                   wanted=a.shape[left], arrived=b.shape[right])  # fmt: skip
    sizes = [n for i, n in enumerate(net.sizes(a)) if i != left] + [n for i, n in enumerate(net.sizes(b)) if i not in (0, right)]
    return net.made("keras.sized", sizes if len(sizes) > 1 else [*sizes, 1], a.dtype, a, b)
