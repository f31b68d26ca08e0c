"""What moves, joins, cuts and reduces axes."""

from __future__ import annotations

from whyshape.readers.onnx.known import Known, whole
from whyshape.readers.onnx.records import DTYPES, Constant
from whyshape.readers.onnx.scope import Op, Opaque, op
from whyshape.sizes import Size, ceil_div, product

FAR = 2**31 - 1  # how exporters write "to the end"


@op("Shape")
def shape(op: Op):
    x = op.x()
    sizes = op.net.sizes(x)
    start, end = op.attr("start", 0), op.attr("end", len(sizes))
    rank = len(sizes)
    start, end = (max(0, min(rank, a + rank if a < 0 else a)) for a in (start, end))
    return Known(sizes[start:end], (max(end - start, 0),))


@op("Size")
def size(op: Op):
    return Known((product(op.net.sizes(op.x())),), ())


@op("Reshape")
def reshape(op: Op):
    x, wanted = op.x(), op.attr("shape") if op.attr("shape") is not None else op.numbers(1)
    sizes = []
    for i, n in enumerate(wanted):
        if not isinstance(n, Size) and n == 0 and not op.attr("allowzero", 0):
            if i >= len(x.shape):
                raise Opaque("a size is to be kept that is not there")
            n = op.net.axis(x, i)
        sizes.append(n)
    return op.net.call("reshape", x, tuple(sizes))


@op("Flatten")
def flatten(op: Op):
    x, rank = op.x(), len(op.x().shape)
    axis = op.attr("axis", 1)
    axis = axis + rank if axis < 0 else axis
    if not 0 <= axis <= rank:
        op.net.refuse("Flatten", f"it is to be cut before axis {axis}, the tensor has {rank}", wanted=rank, arrived=axis)
    if rank == 0:
        return op.net.call("reshape", x, (1, 1))
    if axis == 1 and rank > 1:
        return op.net.call("flatten", x, 1, -1)
    if axis == 0:
        return op.net.call("unsqueeze", op.net.call("flatten", x, 0, -1), 0)
    sizes = op.net.sizes(x)
    return op.net.call("reshape", x, (product(sizes[:axis]), product(sizes[axis:])))


@op("Transpose")
def transpose(op: Op):
    x = op.x()
    return op.net.call("permute", x, tuple(op.attr("perm", tuple(range(len(x.shape)))[::-1])))


@op("Squeeze")
def squeeze(op: Op):
    x, axes = op.x(), op.listed("axes", 1)
    if axes is None:
        return op.net.call("squeeze", x)
    axes = tuple(whole(a) for a in axes)
    for a in axes:
        there(op, a, len(x.shape))
        if x.shape[a] != 1:
            op.net.refuse("Squeeze", f"axis {a} has {x.shape[a]}, only an axis of 1 can be left out", wanted=1, arrived=x.shape[a])
    return op.net.call("squeeze", x, axes)


@op("Unsqueeze")
def unsqueeze(op: Op):
    x = op.x()
    axes = [whole(a) for a in op.listed("axes", 1)]
    rank = len(x.shape) + len(axes)
    for a in axes:
        there(op, a, rank)
    if len({a % rank for a in axes}) < len(axes):
        op.net.refuse("Unsqueeze", f"an axis is made twice: {axes}", wanted=len(axes), arrived=len({a % rank for a in axes}))
    for a in sorted(a % rank for a in axes):
        x = op.net.call("unsqueeze", x, a)
    return x


def there(op: Op, axis: int, rank: int) -> None:
    """Refuses an axis that the tensor does not have."""
    if not -rank <= axis < rank:
        op.net.refuse(op.record.op, f"axis {axis} is not there, the tensor has {rank}", wanted=rank, arrived=axis)


@op("Concat")
def concat(op: Op):
    held = [op.x(i) for i in range(len(op.inputs))]
    return op.net.call("cat", held, op.attr("axis", 1))


@op("Split")
def split(op: Op):
    x = op.x()
    axis = op.attr("axis", 0) % len(x.shape)
    sizes = op.listed("split", 1)
    if sizes is not None:
        return op.net.call("split", x, tuple(sizes), axis)
    parts = op.attr("num_outputs")
    if parts is None:  # before opset 18 the parts are all of one size, to the end
        return op.net.call("split", x, (op.net.axis(x, axis) // op.outputs,) * op.outputs, axis)
    return op.net.call("split", x, ceil_div(op.net.axis(x, axis), parts), axis)


@op("Slice")
def cut(op: Op):
    x = op.x()
    rank = len(x.shape)
    starts, ends = op.listed("starts", 1), op.listed("ends", 2)
    axes = op.listed("axes", 3, tuple(range(len(starts))))
    steps = op.listed("steps", 4, (1,) * len(starts))
    index: list = [slice(None)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps):
        a, step = whole(axis) % rank, whole(step)
        if step > 0:
            low = None if not isinstance(start, Size) and start == 0 else start
            high = None if not isinstance(end, Size) and end >= FAR else end
            index[a] = slice(low, high, None if step == 1 else step)
            continue
        low, high = whole(start), whole(end)
        count = len(range(*slice(low, None if high <= -FAR else high, step).indices(x.shape[a])))
        if step == -1 and count == x.shape[a]:
            x = op.net.call("flip", x, (a,))
        else:
            sizes = list(op.net.sizes(x))
            sizes[a] = count
            x = op.net.made("onnx.sized", tuple(sizes), x.dtype, x)
    return x if all(s == slice(None) for s in index) else op.net.call("Tensor.__getitem__", x, tuple(index))


@op("Gather")
def gather(op: Op):
    x, axis = op.x(), op.attr("axis", 0)
    held = op.inputs[1] if op.has(1) else None
    if isinstance(held, Known) and held.shape == () and not isinstance(held.items[0], Size):
        return op.net.call("select", x, axis, int(held.items[0]))
    if isinstance(held, Known) and len(x.shape) == 1 and held.items == tuple(range(int(x.shape[0]))):  # every number, in its order
        return op.net.call("reshape", x, tuple(held.shape))
    index = op.x(1)
    if len(x.shape) == 2 and axis == 0 and op.net.tensors[x.index].kind == "parameter" and index.dtype in ("int32", "int64"):
        return op.net.call("embedding", index, x)
    if len(index.shape) == 1:
        return op.net.call("index_select", x, axis, index)
    before = (slice(None),) * (axis % len(x.shape))
    return op.net.call("Tensor.__getitem__", x, (*before, index))


@op("GatherElements")
def gather_elements(op: Op):
    return op.net.call("gather", op.x(), op.attr("axis", 0), op.x(1))


@op("GatherND")
def gather_nd(op: Op):
    x, index, lead = op.x(), op.x(1), op.attr("batch_dims", 0)
    depth = index.shape[-1]
    sizes = op.net.sizes(index)[:-1] + op.net.sizes(x)[lead + depth :]
    return op.net.made("onnx.sized", sizes, x.dtype, x, index)


@op("ScatterElements", "Scatter", "ScatterND", "TensorScatter", "ReverseSequence", "Trilu", "Hardmax", "LpNormalization",
    "MeanVarianceNormalization", "CumSum", "CumProd", "Bernoulli", "RandomNormalLike", "RandomUniformLike", "EyeLike")  # fmt: skip
def unchanged(op: Op):
    """Every size stays; the numbers are other ones."""
    x, kind = op.x(), op.record.op
    dtype = DTYPES.get(op.attr("dtype", 0)) if kind in ("Bernoulli", "RandomNormalLike", "RandomUniformLike", "EyeLike") else None
    if kind == "Trilu":
        return op.net.call("triu" if op.attr("upper", 1) else "tril", x)
    if kind in ("CumSum", "CumProd"):
        axis = op.plain(1)[0] if isinstance(op.inputs[1], Known) else -1
        return op.net.retyped(op.net.call(kind.lower(), x, axis), x.dtype)
    return op.net.made("onnx.sized", op.net.sizes(x), dtype or x.dtype, x, *[op.x(i) for i in range(1, len(op.inputs)) if op.has(i)])


@op("Expand")
def expand(op: Op):
    x, wanted = op.x(), op.numbers(1)
    have: tuple = op.net.sizes(x)
    rank = max(len(have), len(wanted))
    have = (None,) * (rank - len(have)) + have
    wanted = (1,) * (rank - len(wanted)) + tuple(wanted)
    return op.net.call("Tensor.expand", x, tuple(matched(h, n) for h, n in zip(have, wanted)))


def matched(have, wanted):
    """One size as PyTorch's expand is told it. ONNX matches both ways: an asked-for 1 keeps the size that is there, expand says -1 for that."""
    if have is None or wanted is have:
        return wanted if have is None else -1
    return -1 if wanted == 1 else wanted  # of a size with history it is remembered that this was asked


@op("Tile")
def tile(op: Op):
    return op.net.call("tile", op.x(), tuple(op.numbers(1)))


@op("ConstantOfShape")
def full(op: Op):
    value = op.attr("value")
    dtype = value.dtype if isinstance(value, Constant) else "float32"
    sizes = tuple(op.numbers(0))
    if not any(isinstance(n, Size) for n in sizes):
        return op.net.tensor(sizes, dtype, "constant", op.record.outputs[0])
    return op.net.call("zeros", sizes, dtype=dtype)


@op("RandomNormal", "RandomUniform")
def random(op: Op):
    return op.net.tensor(op.attr("shape"), DTYPES.get(op.attr("dtype", 1), "float32"), "constant", op.record.outputs[0])


@op("Range")
def arange(op: Op):
    start, limit, step = (op.numbers(i)[0] for i in range(3))
    dtype = op.known(0).dtype
    return op.net.call("arange", start, limit, step, dtype=dtype)


REDUCE = {
    "ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "amax", "ReduceMin": "amin", "ReduceProd": "sum", "ReduceL1": "sum",
    "ReduceL2": "sum", "ReduceLogSum": "sum", "ReduceLogSumExp": "sum", "ReduceSumSquare": "sum",
}  # fmt: skip


@op(*REDUCE)
def reduce(op: Op):
    x = op.x()
    axes = op.listed("axes", 1)
    keep = bool(op.attr("keepdims", 1))
    if not axes and op.attr("noop_with_empty_axes", 0):
        return op.net.call("clone", x)
    dims = tuple(whole(a) for a in axes) if axes else tuple(range(len(x.shape)))
    if any(not -max(len(x.shape), 1) <= d < max(len(x.shape), 1) for d in dims):
        op.net.refuse(op.record.op, f"an axis of {dims} is not there, the tensor has {len(x.shape)}", wanted=len(x.shape), arrived=dims)
    if not dims or (REDUCE[op.record.op] in ("amax", "amin") and 0 in x.shape):
        sizes = list(op.net.sizes(x))
        for d in dims:
            sizes[d] = 1
        gone = {d % max(len(sizes), 1) for d in dims}
        return op.net.made("onnx.sized", tuple(n for a, n in enumerate(sizes) if keep or a not in gone), x.dtype, x)
    name = {"ReduceProd": "prod", "ReduceL1": "norm", "ReduceL2": "norm", "ReduceLogSumExp": "logsumexp"}.get(op.record.op)
    if name == "norm":
        return op.net.call("norm", x, 1 if op.record.op == "ReduceL1" else 2, dims, keep)
    if name == "logsumexp":
        return op.net.call("logsumexp", x, dims, keep)
    if name == "prod" and len(dims) == 1:
        return op.net.retyped(op.net.call("prod", x, dims[0], keep), x.dtype)
    kind = REDUCE[op.record.op]
    y = op.net.call(kind, x, dims, keep)
    return op.net.retyped(y, x.dtype)


@op("ArgMax", "ArgMin")
def arg(op: Op):
    return op.net.call(op.record.op.lower(), op.x(), op.attr("axis", 0), bool(op.attr("keepdims", 1)))


@op("TopK")
def top(op: Op):
    x = op.x()
    k = op.attr("k") if op.attr("k") is not None else op.numbers(1)[0]
    return op.net.call("topk", x, k, op.attr("axis", -1))


@op("OneHot")
def one_hot(op: Op):
    index, depth = op.x(0), op.numbers(1)[0]
    axis = op.attr("axis", -1)
    sizes = list(op.net.sizes(index))
    sizes.insert(axis if axis >= 0 else len(sizes) + 1 + axis, depth if isinstance(depth, Size) else whole(depth))
    return op.net.made("onnx.sized", tuple(sizes), op.inputs[2].dtype if op.has(2) else "float32", index)


@op("Compress")
def compress(op: Op):
    x, kept = op.x(), op.numbers(1)
    count = sum(1 for v in kept if bool(v))
    axis = op.attr("axis")
    if axis is None:
        return op.net.made("onnx.sized", (count,), x.dtype, x)
    sizes = list(op.net.sizes(x))
    sizes[axis] = count
    return op.net.made("onnx.sized", tuple(sizes), x.dtype, x)
