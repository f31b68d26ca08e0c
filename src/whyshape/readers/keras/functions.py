"""`keras.ops` as they stand in a functional model: an operation's class name, its config, its arguments."""

from __future__ import annotations

from collections.abc import Callable

from whyshape.graph import Value
from whyshape.readers.keras.layers import Unclear
from whyshape.rules.shelf import filed

FUNCTIONS: dict[str, Callable] = {}
function = filed(FUNCTIONS)


PAIRS = {
    "Add": "add", "Subtract": "sub", "Multiply": "mul", "Divide": "div", "TrueDivide": "div", "Maximum": "maximum", "Minimum": "minimum",
    "Power": "pow", "Mod": "remainder", "Equal": "eq", "NotEqual": "ne", "Greater": "gt", "GreaterEqual": "ge", "Less": "lt",
    "LessEqual": "le", "LogicalAnd": "logical_and", "LogicalOr": "logical_or", "FloorDivide": "floor_divide",
}  # fmt: skip
ALONE = {
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Tanh": "tanh", "Silu": "silu", "Gelu": "gelu", "Elu": "elu", "Selu": "selu",
    "LeakyRelu": "leaky_relu", "HardSigmoid": "hardsigmoid", "HardSilu": "hardswish", "Softplus": "softplus", "Softsign": "softsign",
    "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Rsqrt": "rsqrt", "Square": "square", "Abs": "abs", "Absolute": "abs", "Negative": "neg",
    "Sin": "sin", "Cos": "cos", "Floor": "floor", "Ceil": "ceil", "Round": "round", "Sign": "sign",
    "Erf": "erf", "Reciprocal": "reciprocal",
    "Identity": "clone", "StopGradient": "clone", "Clip": "clone", "Cast": "clone", "Rescale": "clone",
}  # fmt: skip


@function(*PAIRS)
def pair(net, config, args, kwargs):
    a, b = args[0], args[1] if len(args) > 1 else kwargs["x2"]
    op = PAIRS[net.name]
    if isinstance(a, Value):
        return net.call(op, a, b if isinstance(b, Value) else float(b))
    return net.call(op, b, float(a))


@function(*ALONE)
def alone(net, config, args, kwargs):
    return net.call(ALONE[net.name], args[0])


@function("Softmax", "LogSoftmax")
def softmax(net, config, args, kwargs):
    return net.call("softmax" if net.name == "Softmax" else "log_softmax", args[0], config.get("axis", -1))


@function("Reshape")
def reshape(net, config, args, kwargs):
    shape = list(config["newshape"])
    if shape and shape[0] is None:
        shape[0] = net.axis(args[0], 0)
    return net.call("reshape", args[0], tuple(-1 if n is None else n for n in shape))


@function("Transpose")
def transpose(net, config, args, kwargs):
    axes = config.get("axes")
    return net.call("permute", args[0], tuple(axes if axes is not None else range(len(args[0].shape))[::-1]))


@function("Mean", "Sum", "Max", "Min", "Prod")
def reduce(net, config, args, kwargs):
    x, axis = args[0], config.get("axis")
    axes = tuple(range(len(x.shape))) if axis is None else (axis,) if type(axis) is int else tuple(axis)
    op = {"Mean": "mean", "Sum": "sum", "Max": "amax", "Min": "amin", "Prod": "sum"}[net.name]
    return net.call(op, x, axes, bool(config.get("keepdims", False)))


@function("Concatenate")
def concatenate(net, config, args, kwargs):
    return net.call("cat", list(args[0]), config.get("axis", -1))


@function("Stack")
def stack(net, config, args, kwargs):
    return net.call("stack", list(args[0]), config.get("axis", 0))


@function("ExpandDims")
def expand_dims(net, config, args, kwargs):
    return net.call("unsqueeze", args[0], config["axis"])


@function("Squeeze")
def squeeze(net, config, args, kwargs):
    axis = config.get("axis")
    return net.call("squeeze", args[0]) if axis is None else net.call("squeeze", args[0], axis)


@function("Matmul")
def matmul(net, config, args, kwargs):
    return net.call("matmul", args[0], args[1])


@function("Einsum")
def einsum(net, config, args, kwargs):
    return net.call("einsum", config["subscripts"], *args)


@function("Split")
def split(net, config, args, kwargs):
    x, axis = args[0], config.get("axis", 0)
    parts = config["indices_or_sections"]
    if type(parts) is not int:
        raise Unclear("a split at places")
    if x.shape[axis] % parts:
        net.refuse("Split", f"axis {axis} of {x.shape[axis]} cannot be cut into {parts} equal parts", wanted=parts, arrived=x.shape[axis])
    return net.call("split", x, net.axis(x, axis % len(x.shape)) // parts, axis)


@function("GetItem")
def get_item(net, config, args, kwargs):
    index = args[1] if len(args) > 1 else config["key"]
    if isinstance(index, list):
        index = tuple(index)
    return net.call("Tensor.__getitem__", args[0], index)


@function("Pad")
def pad(net, config, args, kwargs):
    sides = config["pad_width"]
    return net.call("pad", args[0], tuple(v for pair in reversed(sides) for v in pair), "constant", 0.0)


@function("Repeat")
def repeat(net, config, args, kwargs):
    return net.call("repeat_interleave", args[0], config["repeats"], config.get("axis"))


@function("Flatten")
def flatten(net, config, args, kwargs):
    return net.call("flatten", args[0], 0, -1)
