"""Matrix products, recurrence, attention, spectra, losses."""

from __future__ import annotations

from whyshape.readers.onnx.records import DTYPES
from whyshape.readers.onnx.scope import Op, Opaque, op


@op("MatMul", "MatMulInteger", "QLinearMatMul")
def matmul(op: Op):
    other = 3 if op.record.op == "QLinearMatMul" else 1
    w = op.x(other)
    out = op.net.call("matmul", op.as_dtype(op.x(0), w.dtype) if op.record.op != "MatMul" else op.x(0), w)
    if op.record.op == "QLinearMatMul":
        return op.net.retyped(out, op.dtype_of(7))
    return op.net.retyped(out, "int32") if op.record.op == "MatMulInteger" else out


@op("Gemm")
def gemm(op: Op):
    a, b, c = op.x(0), op.x(1), op.maybe(2)
    if len(a.shape) != 2 and op.opset < 7:
        a = op.net.call("flatten", a, 1, -1)
    for name, x in (("the first", a), ("the second", b)):
        if len(x.shape) != 2:
            op.net.refuse("Gemm", f"{name} must have 2 axes, {len(x.shape)} arrive", wanted=2, arrived=len(x.shape))
    if op.attr("transA", 0):
        a = op.net.call("t", a)
    if op.attr("transB", 0) and (c is None or c.shape == (b.shape[0],)):
        return op.net.call("linear", a, b, c)
    if op.attr("transB", 0):
        b = op.net.call("t", b)
    out = op.net.call("matmul", a, b)
    if c is None:
        return out
    made = op.net.call("add", out, c)
    if tuple(made.shape) != tuple(out.shape):
        op.net.refuse("Gemm", "what is added is larger than the product", wanted=out.shape, arrived=c.shape)
    return made


@op("QGemm")
def quantised_gemm(op: Op):
    """onnxruntime's own: what comes in, the weight and the result each with a scale and a zero."""
    x, w = op.x(0), op.x(3)
    if op.attr("transA", 0):
        raise Opaque("a product whose first factor is turned")
    turned = w if op.attr("transB", 0) else op.net.call("t", w)
    out = op.net.call("linear", op.as_dtype(x, w.dtype), turned, op.as_dtype(op.maybe(6), w.dtype))
    return op.net.retyped(out, op.dtype_of(8) if op.has(8) else "float32")


@op("FusedMatMul")
def fused_matmul(op: Op):
    """A product whose factors may be turned, and that may be scaled."""
    if op.attr("transBatchA", 0) or op.attr("transBatchB", 0):
        raise Opaque("a product whose batch is turned")
    turned = lambda x, word: op.net.call("transpose", x, -2, -1) if op.attr(word, 0) and len(x.shape) > 1 else x
    return op.net.call("matmul", turned(op.x(0), "transA"), turned(op.x(1), "transB"))


@op("BiasGelu", "FastGelu", "QuickGelu")
def fused_gelu(op: Op):
    """A sum and GELU, in one."""
    x = op.x(0)
    return op.net.call("gelu", op.net.call("add", x, op.x(1)) if op.has(1) else x)


@op("Einsum")
def einsum(op: Op):
    return op.net.call("einsum", op.attr("equation", "").replace(" ", ""), *[op.x(i) for i in range(len(op.inputs))])


@op("Det")
def det(op: Op):
    x = op.x()
    return op.net.made("onnx.sized", op.net.sizes(x)[:-2], x.dtype, x)


@op("LSTM", "GRU", "RNN")
def recurrent(op: Op):
    x, w = op.x(0), op.x(1)
    hidden = op.attr("hidden_size") or op.x(2).shape[-1]
    directions = 2 if op.attr("direction", "forward") == "bidirectional" else 1
    first, second = op.net.axis(x, 0), op.net.axis(x, 1)
    if op.attr("layout", 0):
        whole: tuple = (first, second, directions, hidden)
        last: tuple = (first, directions, hidden)
    else:
        whole = (first, directions, second, hidden)
        last = (directions, second, hidden)
    weights = [w] + [op.x(i) for i in range(2, len(op.inputs)) if op.has(i)]
    outputs = [whole, last, last][: max(op.outputs, 1)]
    return [op.net.made("onnx.recurrent", sizes, x.dtype, x, *weights) for sizes in outputs]


@op("Attention", "ai.onnx.preview.FlexAttention", "LinearAttention")
def attention(op: Op):
    q, k, v = op.x(0), op.x(1), op.x(2)
    if len(q.shape) == 3:
        heads, groups = op.attr("q_num_heads"), op.attr("kv_num_heads")
        if not heads or not groups or v.shape[2] % groups or q.shape[2] % heads:
            raise Opaque("the numbers of heads are not said")
        width = op.net.axis(v, 2) // groups
        out: tuple = (op.net.axis(q, 0), op.net.axis(q, 1), heads * width)
    elif len(q.shape) == 4:
        heads, groups = op.net.axis(q, 1), op.net.axis(k, 1)
        width = op.net.axis(v, 3)
        out = (op.net.axis(q, 0), heads, op.net.axis(q, 2), width)
    else:
        raise Opaque("queries of 3 or 4 axes are wanted")
    made = [op.net.made("onnx.sized", out, q.dtype, q, k, v)]
    if op.outputs == 1:
        return made
    length = op.net.axis(k, len(k.shape) - 2)
    key_width = op.net.axis(k, 3) if len(k.shape) == 4 else op.net.axis(k, 2) // groups
    if op.record.op == "LinearAttention":  # its state is one matrix for each head
        dtype = op.dtype_of(3) if op.has(3) else q.dtype
        return [*made, op.net.made("onnx.sized", (op.net.axis(q, 0), groups, key_width, width), dtype, q, k, v)]
    past = [op.maybe(4), op.maybe(5)]
    total = op.net.axis(past[0], 2) + length if past[0] is not None else length
    batch, rows = op.net.axis(q, 0), op.net.axis(q, len(q.shape) - 2)
    more = [(batch, groups, total, key_width), (batch, groups, total, width), (batch, heads, rows, total)]
    return made + [op.net.made("onnx.sized", sizes, q.dtype, q, k, v) for sizes in more[: op.outputs - 1]]


@op("RotaryEmbedding")
def rotary(op: Op):
    x = op.x()
    return op.net.made("onnx.sized", op.net.sizes(x), x.dtype, x)


@op("CausalConvWithState")
def causal(op: Op):
    x, w = op.x(0), op.x(1)
    out = [op.net.made("onnx.sized", op.net.sizes(x), x.dtype, x, w)]
    if op.outputs > 1:
        kept = (op.net.axis(x, 0), op.net.axis(x, 1), w.shape[-1] - 1)
        out.append(op.net.made("onnx.sized", kept, x.dtype, x, w))
    return out


@op("DFT")
def dft(op: Op):
    x = op.x()
    rank = len(x.shape)
    axis = op.attr("axis", 1) if op.opset < 20 else op.plain(2)[0] if op.has(2) else -2
    if not -rank <= axis < rank or axis in (-1, rank - 1):  # the last axis holds real and imaginary part
        op.net.refuse("DFT", f"axis {axis} is asked for, one before the last of {rank} is wanted", wanted=rank - 2, arrived=axis)
    axis = axis % rank
    inverse, onesided = op.attr("inverse", 0), op.attr("onesided", 0)
    have = op.net.axis(x, axis)
    length = op.numbers(1)[0] if op.has(1) else (have - 1) * 2 if onesided and inverse else have
    sizes = list(op.net.sizes(x))
    sizes[axis] = length // 2 + 1 if onesided and not inverse else length
    sizes[-1] = 1 if onesided and inverse else 2
    return op.net.made("onnx.sized", tuple(sizes), x.dtype, x)


@op("STFT")
def stft(op: Op):
    x, step = op.x(), op.numbers(1)[0]
    if op.has(3):
        length = op.numbers(3)[0]
    elif op.has(2):
        length = op.net.axis(op.x(2), 0)
    else:
        raise Opaque("how long a frame is, is not said")
    frames = (op.net.axis(x, 1) - length) // step + 1
    bins = length // 2 + 1 if op.attr("onesided", 1) else length
    return op.net.made("onnx.sized", (op.net.axis(x, 0), frames, bins, 2), x.dtype, x)


@op("HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix")
def window(op: Op):
    dtype = DTYPES.get(op.attr("output_datatype", 1), "float32")
    if op.record.op == "MelWeightMatrix":
        bins, length = op.numbers(0)[0], op.numbers(1)[0]
        return op.net.call("zeros", (length // 2 + 1, bins), dtype=dtype)
    return op.net.call("zeros", (op.numbers(0)[0],), dtype=dtype)


@op("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(op: Op):
    x, target = op.x(0), op.x(1)
    if len(target.shape) != len(x.shape) - 1:
        op.net.refuse(op.record.op, f"targets of {len(x.shape) - 1} axes are wanted, {len(target.shape)} arrive",
                      wanted=len(x.shape) - 1, arrived=len(target.shape))  # fmt: skip
    for i, n in enumerate(target.shape):
        if n != x.shape[i if i == 0 else i + 1]:
            op.net.refuse(op.record.op, f"axis {i} of the targets has {n}, {x.shape[i if i == 0 else i + 1]} are wanted",
                          wanted=x.shape[i if i == 0 else i + 1], arrived=n)  # fmt: skip
    sizes = op.net.sizes(target) if op.attr("reduction", "mean") == "none" else ()
    out = [op.net.made("onnx.sized", sizes, x.dtype, x, target)]
    return out + ([op.net.call("log_softmax", x, 1)] if op.outputs > 1 else [])


@op("Multinomial")
def multinomial(op: Op):
    return op.net.made("onnx.sized", (op.net.axis(op.x(), 0), op.attr("sample_size", 1)), DTYPES.get(op.attr("dtype", 6), "int32"), op.x())


@op("ai.onnx.preview.training.Adam", "ai.onnx.preview.training.Adagrad", "ai.onnx.preview.training.Momentum")
def optimiser(op: Op):
    """What is learned and what is remembered of it keep their sizes: T and R in, X, G and more for each."""
    held = [op.x(i) for i in range(2, len(op.inputs))]
    kinds = {"Adam": 4, "Adagrad": 3, "Momentum": 3}[op.record.op]
    each = len(held) // kinds
    made = held[:each] + held[2 * each :]
    return [op.net.call("clone", x) for x in made]


@op("ai.onnx.ml.ArrayFeatureExtractor")
def picked(op: Op):
    x, index = op.x(0), op.x(1)
    sizes = (1, index.shape[-1]) if len(x.shape) == 1 else (*op.net.sizes(x)[:-1], index.shape[-1])
    return op.net.made("onnx.sized", sizes, x.dtype, x, index)


@op("ai.onnx.ml.TreeEnsemble", "ai.onnx.ml.TreeEnsembleRegressor", "ai.onnx.ml.LinearRegressor")
def trees(op: Op):
    x = op.x()
    return op.net.made("onnx.sized", (op.net.axis(x, 0) if len(x.shape) > 1 else 1, op.attr("n_targets", 1)),
                       "float32" if op.record.op != "TreeEnsemble" else x.dtype, x)  # fmt: skip
