"""What works place by place, normalises, converts or quantises."""

from __future__ import annotations

from whyshape.readers.onnx.known import Known
from whyshape.readers.onnx.records import DTYPES
from whyshape.readers.onnx.scope import Op, Opaque, op

# ONNX name -> PyTorch name; every size stays.
SAME = {
    "Relu": "relu", "LeakyRelu": "leaky_relu", "Elu": "elu", "Selu": "selu", "Celu": "celu", "Sigmoid": "sigmoid", "Tanh": "tanh",
    "HardSigmoid": "hardsigmoid", "HardSwish": "hardswish", "Softplus": "softplus", "Softsign": "softsign", "Mish": "mish", "Gelu": "gelu",
    "Swish": "silu", "ThresholdedRelu": "threshold", "Shrink": "hardshrink", "Abs": "abs", "Neg": "neg", "Sign": "sign", "Floor": "floor",
    "Ceil": "ceil", "Round": "round", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Reciprocal": "reciprocal", "Erf": "erf", "Sin": "sin",
    "Cos": "cos", "Tan": "tan", "Asin": "asin", "Acos": "acos", "Atan": "atan", "Sinh": "sinh", "Cosh": "cosh", "Asinh": "asinh",
    "Acosh": "acosh", "Atanh": "atanh", "BitwiseNot": "bitwise_not", "LRN": "local_response_norm",
    "Softmax": "softmax", "LogSoftmax": "log_softmax", "Clip": "clamp_min",
}  # fmt: skip


@op(*SAME)
def same(op: Op):
    x, name = op.x(), SAME[op.record.op]
    if name == "threshold":
        return op.net.call(name, x, op.attr("alpha", 1.0), 0.0)
    if name == "local_response_norm":
        return op.net.call(name, x, op.attr("size"))
    if name in ("softmax", "log_softmax"):
        axis, rank = op.attr("axis", -1 if op.opset >= 13 else 1), len(x.shape)
        if rank and not -rank <= axis < rank:
            op.net.refuse(op.record.op, f"axis {axis} is not there, the tensor has {rank}", wanted=rank, arrived=axis)
        return op.net.call(name, x, axis if rank else 0)
    if name == "clamp_min":
        return clip(op, x)
    if name == "gelu":
        return op.net.call(name, x, approximate=str(op.attr("approximate", "none")))
    if name == "leaky_relu":
        return op.net.call(name, x, op.attr("alpha", 0.01))
    return op.net.retyped(op.net.call(name, x), x.dtype)


def clip(op: Op, x):
    """The limits, where the file says them; sizes need none."""
    limits = [op.inputs[i] if op.has(i) else op.attr(word) for i, word in ((1, "min"), (2, "max"))]
    plain = [v.items[0] if isinstance(v, Known) and len(v.items) == 1 else v for v in limits]
    if all(v is None or type(v) in (int, float) for v in plain) and plain != [None, None]:
        return op.net.call("clamp", x, *plain)
    return op.net.call("clamp_min", x, 0)


@op("Identity")
def identity(op: Op):
    if not op.has(0):
        raise Opaque("nothing arrives")
    return op.inputs[0]


ARITHMETIC = {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow", "Mod": "remainder", "BitwiseAnd": "bitwise_and",
    "BitwiseOr": "bitwise_or", "BitwiseXor": "bitwise_xor", "BitShift": "bitwise_left_shift", "Equal": "eq", "Less": "lt", "Greater": "gt",
    "LessOrEqual": "le", "GreaterOrEqual": "ge", "And": "logical_and", "Or": "logical_or", "Xor": "logical_xor",
}  # fmt: skip


@op(*ARITHMETIC)
def arithmetic(op: Op):
    a, b = op.x(0), op.x(1)
    if op.attr("broadcast") is not None and op.opset < 7:  # the second was stretched from an axis on
        axis = op.attr("axis", len(a.shape) - len(b.shape))
        for _ in range(len(a.shape) - axis - len(b.shape)):
            b = op.net.call("unsqueeze", b, -1)
    name = ARITHMETIC[op.record.op]
    if name == "bitwise_left_shift":
        name = "bitwise_and"  # sizes and dtype of any bit operation
    if name == "div" and a.dtype.startswith(("int", "uint")):
        return op.net.call("floor_divide", a, b)
    out = op.net.call(name, a, b)
    return out if op.record.op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor") else op.net.retyped(
        out, a.dtype)  # fmt: skip


@op("Not", "IsNaN", "IsInf")
def asked(op: Op):
    return op.net.call({"Not": "logical_not", "IsNaN": "isnan", "IsInf": "isinf"}[op.record.op], op.x())


@op("Sum", "Mean", "Max", "Min")
def several(op: Op):
    held = [op.x(i) for i in range(len(op.inputs))]
    if not held:
        raise Opaque("nothing to add up")
    name = {"Max": "maximum", "Min": "minimum"}.get(op.record.op, "add")
    out = held[0] if len(held) > 1 else op.net.call("clone", held[0])
    for other in held[1:]:
        out = op.net.call(name, out, other)
    return out


@op("Where")
def where(op: Op):
    return op.net.call("where", op.x(0), op.x(1), op.x(2))


@op("PRelu")
def prelu(op: Op):
    x, slope = op.x(0), op.x(1)
    for_each_map = len(x.shape) >= 2 and slope.shape[:1] == x.shape[1:2] and all(n == 1 for n in slope.shape[1:])
    if for_each_map and (len(slope.shape) == len(x.shape) - 1 or op.opset < 9):
        return op.net.call("prelu", x, slope)
    return op.net.call("mul", x, slope)


@op("Dropout")
def dropout(op: Op):
    y = op.net.call("dropout", op.x(), float(op.attr("ratio", 0.5)), False)
    return [y, op.net.call("ones_like", y, dtype="bool" if op.opset >= 10 else y.dtype)] if op.outputs > 1 else y


@op("Cast", "CastLike")
def cast(op: Op):
    dtype = (DTYPES.get(op.attr("to", 0)) if op.record.op == "Cast" else op.dtype_of(1)) or "float32"
    return op.net.retyped(op.net.call("Tensor.to", op.x(), dtype), dtype)  # ONNX knows dtypes that PyTorch does not


@op("BitCast")
def bit_cast(op: Op):
    return op.net.retyped(op.net.call("clone", op.x()), DTYPES.get(op.attr("to", 0), "int32"))


@op("BatchNormalization")
def batch_norm(op: Op):
    x = op.x()
    scale, shift, mean, var = (op.x(i) for i in range(1, 5))
    mean, var = op.net.kept_not_learned(mean), op.net.kept_not_learned(var)
    out = op.net.call("batch_norm", x, mean, var, scale, shift, False, 1 - op.attr("momentum", 0.9), op.attr("epsilon", 1e-5))
    return [out, mean, var, mean, var][: max(op.outputs, 1)]


@op("InstanceNormalization")
def instance_norm(op: Op):
    x, scale, shift = op.x(0), op.x(1), op.x(2)
    return op.net.call("instance_norm", x, None, None, scale, shift, False, 0.1, op.attr("epsilon", 1e-5))


@op("GroupNormalization")
def group_norm(op: Op):
    x, scale, shift = op.x(0), op.x(1), op.x(2)
    groups = op.attr("num_groups")
    if scale.shape[0] == x.shape[1]:
        return op.net.call("group_norm", x, groups, scale, shift, op.attr("epsilon", 1e-5))
    return op.net.call("group_norm", x, groups, None, None, op.attr("epsilon", 1e-5))  # before opset 21: one scale for each group


@op("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
def layer_norm(op: Op):
    x, scale = op.x(0), op.x(1)
    axis = op.attr("axis", -1) % len(x.shape)
    sizes = op.net.sizes(x)
    if tuple(scale.shape) == tuple(x.shape[axis:]):
        out = op.net.call("layer_norm", x, scale.shape, scale, op.maybe(2), op.attr("epsilon", 1e-5))
    else:  # a scale that is stretched
        out = op.net.call("layer_norm", x, sizes[axis:], None, None, op.attr("epsilon", 1e-5))
    statistic = (*sizes[:axis], *(1 for _ in sizes[axis:]))
    more = [op.net.made("onnx.sized", statistic, "float32", x) for _ in range(op.outputs - 1)]
    return [out, *more]


@op("SkipLayerNormalization")
def skip_norm(op: Op):
    return op.net.call("add", op.x(0), op.x(1))


@op("QLinearAdd", "QLinearMul")
def quantised_pair(op: Op):
    """Two tensors, each with a scale and a zero before the other: onnxruntime's own."""
    x = op.x(0)
    return op.net.retyped(op.net.call("add" if op.record.op == "QLinearAdd" else "mul", x, op.x(3)), x.dtype)


@op("QLinearSigmoid", "QLinearLeakyRelu")
def quantised_activation(op: Op):
    x = op.x(0)
    word = "sigmoid" if op.record.op == "QLinearSigmoid" else "leaky_relu"
    return op.net.retyped(op.net.call(word, op.as_dtype(x, "float32")), x.dtype)


@op("QLinearGlobalAveragePool")
def quantised_average(op: Op):
    if op.attr("channels_last", 0):
        raise Opaque("an average whose maps lie last")
    x = op.x(0)
    made = op.net.call("mean", op.as_dtype(x, "float32"), tuple(range(2, len(x.shape))), True)
    return op.net.retyped(made, x.dtype)


@op("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
def quantise(op: Op):
    x, kind = op.x(), op.record.op
    if kind == "DynamicQuantizeLinear":
        return [op.net.made("onnx.sized", s, d, x) for s, d in ((op.net.sizes(x), "uint8"), ((), "float32"), ((), "uint8"))]
    if kind == "DequantizeLinear":
        dtype = DTYPES.get(op.attr("output_dtype", 0)) or op.dtype_of(1)
    else:
        dtype = DTYPES.get(op.attr("output_dtype", 0)) or (op.dtype_of(2) if op.has(2) else "uint8")
    return op.net.made("onnx.sized", op.net.sizes(x), dtype, x)


@op("SwiGLU")
def swiglu(op: Op):
    x = op.x()
    if op.has(1):
        return op.net.call("mul", x, op.x(1))
    return op.net.call("glu", x, op.attr("axis", -1))


@op("StringConcat", "StringNormalizer", "RegexFullMatch", "LabelEncoder", "ai.onnx.ml.LabelEncoder", "ai.onnx.ml.Binarizer",
    "ai.onnx.ml.CategoryMapper", "ai.onnx.ml.Imputer", "ai.onnx.ml.Normalizer", "ai.onnx.ml.Scaler")  # fmt: skip
def text(op: Op):
    """Words or features in, as many out."""
    x, kind = op.x(), op.record.op
    if kind == "StringNormalizer" and op.attr("stopwords"):
        raise Opaque("how many words are left depends on the words")
    if kind == "StringConcat":
        return op.net.retyped(op.net.call("add", x, op.x(1)), "string")
    dtype = {"RegexFullMatch": "bool", "StringNormalizer": "string"}.get(kind, x.dtype)
    if kind == "LabelEncoder":
        dtype = next((d for n, d in (("values_strings", "string"), ("values_int64s", "int64"), ("values_floats", "float32"))
                      if op.attr(n) is not None), dtype)  # fmt: skip
        tensor = op.attr("values_tensor")
        dtype = tensor.dtype if tensor is not None else dtype
    elif kind == "CategoryMapper":
        dtype = "int64" if x.dtype == "string" else "string"
    return op.net.made("onnx.sized", op.net.sizes(x), dtype, x)
