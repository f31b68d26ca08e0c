"""What slides a window or moves cells: convolution, pooling, padding, resizing."""

from __future__ import annotations

from whyshape.graph import Module
from whyshape.readers.onnx.known import number, whole
from whyshape.readers.onnx.scope import Op, Opaque, op
from whyshape.rules.conv import window_ceil
from whyshape.rules.dtypes import category
from whyshape.sizes import ceil_div, largest, product, scaled


def spatial(op: Op, x) -> int:
    """How many axes of places a tensor has."""
    n = len(x.shape) - 2
    if n < 1:
        raise Opaque("an image or a sequence is wanted")
    return n


def pairs(op: Op, x, k, s, d) -> list[tuple]:
    """The cells added before and after on each axis; with auto_pad they follow from the size."""
    n = len(k)
    auto = op.attr("auto_pad", "NOTSET")
    if auto in ("NOTSET", ""):
        given = op.attr("pads", (0,) * (2 * n))
        return [(given[i], given[i + n]) for i in range(n)]
    if auto == "VALID":
        return [(0, 0)] * n
    sides = []
    for i in range(n):
        size = op.net.axis(x, len(x.shape) - n + i)
        total = largest((ceil_div(size, s[i]) - 1) * s[i] + d[i] * (k[i] - 1) + 1 - size, 0)
        half = total // 2
        sides.append((half, total - half) if auto == "SAME_UPPER" else (total - half, half))
    return sides


def even(sides) -> bool:
    """Whether both sides of every axis get the same, known number of cells."""
    return all(type(a) is int and type(b) is int and a == b and a >= 0 for a, b in sides)


def padded(op: Op, x, sides, value=0.0):
    """The tensor with cells added; nothing is called where none are."""
    if all(type(v) is int and v == 0 for pair in sides for v in pair):
        return x
    return op.net.call("pad", x, tuple(v for pair in reversed(sides) for v in pair), "constant", value)


def settings(op: Op, n: int):
    return tuple(op.attr("strides", (1,) * n)), tuple(op.attr("dilations", (1,) * n))


FUSED = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "LeakyRelu": "leaky_relu", "Clip": "clamp", "HardSigmoid": "hardsigmoid"}


@op("Conv", "ConvInteger")
def conv(op: Op):
    x, w = op.x(0), op.x(1)
    if op.record.op == "ConvInteger":
        return op.net.retyped(_conv(op, op.as_dtype(x, w.dtype), w, None), "int32")
    return _conv(op, x, w, op.maybe(2))


@op("QLinearConv")
def quantised_conv(op: Op):
    if op.attr("channels_last", 0):
        raise Opaque("a convolution whose maps lie last")
    w = op.x(3)
    out = _conv(op, op.as_dtype(op.x(0), w.dtype), w, op.as_dtype(op.maybe(8), w.dtype))
    return op.net.retyped(out, op.x(7).dtype)


@op("FusedConv")
def fused_conv(op: Op):
    """A convolution, perhaps something added, and an activation, in one."""
    out = _conv(op, op.x(0), op.x(1), op.maybe(2))
    if op.has(3):
        out = op.net.call("add", out, op.x(3))
    word = op.attr("activation", "")
    if word and word not in FUSED:
        raise Opaque(f"no rule is known for the activation {word[:40]}")
    return op.net.call(FUSED[word], out) if word else out


def _conv(op: Op, x, w, bias):
    n = len(w.shape) - 2
    if len(x.shape) != n + 2:
        n = spatial(op, x)
    s, d = settings(op, n)
    k = tuple(op.attr("kernel_shape", w.shape[2:]))
    sides = pairs(op, x, k, s, d)
    group = op.attr("group", 1)
    if even(sides):
        out = op.net.call(f"conv{n}d", x, w, bias, s, tuple(a for a, _ in sides), d, group)
    else:
        out = op.net.call(f"conv{n}d", padded(op, x, sides), w, bias, s, (0,) * n, d, group)
    return out


@op("ConvTranspose")
def conv_transpose(op: Op):
    x, w, bias = op.x(0), op.x(1), op.maybe(2)
    n = spatial(op, x)
    s, d = settings(op, n)
    k = w.shape[2:]
    extra = tuple(op.attr("output_padding", (0,) * n))
    spans = [d[i] * (k[i] - 1) + 1 for i in range(n)]
    auto, wanted = op.attr("auto_pad", "NOTSET"), op.attr("output_shape")
    if wanted is None and auto.startswith("SAME"):
        wanted = [x.shape[2 + i] * s[i] for i in range(n)]
        cut = [s[i] * (x.shape[2 + i] - 1) + extra[i] + spans[i] - wanted[i] for i in range(n)]
        # The size cancels: what is cut away depends on the settings alone.
    elif wanted is not None:
        wanted = wanted[-n:]
        cut = [s[i] * (x.shape[2 + i] - 1) + extra[i] + spans[i] - wanted[i] for i in range(n)]
    if wanted is None:
        given = op.attr("pads", (0,) * (2 * n)) if auto != "VALID" else (0,) * (2 * n)
        sides = [(given[i], given[i + n]) for i in range(n)]
    else:
        sides = [(c // 2, c - c // 2) if auto == "SAME_UPPER" else (c - c // 2, c // 2) for c in cut]
    group = op.attr("group", 1)
    if even(sides) and all(e < max(s[i], d[i]) for i, e in enumerate(extra)):
        return op.net.call(f"conv_transpose{n}d", x, w, bias, s, tuple(a for a, _ in sides), extra, group, d)
    full = op.net.call(f"conv_transpose{n}d", x, w, bias, s, (0,) * n, (0,) * n, group, d)
    return padded(op, full, [(-a, extra[i] - b) for i, (a, b) in enumerate(sides)])


@op("DeformConv")
def deform_conv(op: Op):
    x, w = op.x(0), op.x(1)
    n = spatial(op, x)
    s, d = settings(op, n)
    given = op.attr("pads", (0,) * (2 * n))
    sides = [(given[i], given[i + n]) for i in range(n)]
    return op.net.call(f"conv{n}d", padded(op, x, sides), w, op.maybe(3), s, (0,) * n, d, op.attr("group", 1))


@op("MaxPool", "AveragePool", "LpPool")
def pool(op: Op):
    x = op.x()
    n = spatial(op, x)
    k = tuple(op.attr("kernel_shape"))
    s, d = settings(op, n)
    kind = op.record.op
    sides = pairs(op, x, k, s, d)
    ceil = bool(op.attr("ceil_mode", 0)) and op.attr("auto_pad", "NOTSET") in ("NOTSET", "", "VALID")
    if ceil and (not even(sides) or kind == "LpPool" or any(a > k[i] // 2 for i, (a, _) in enumerate(sides))):
        # The last window may hang over: just as many cells are added after as it needs.
        for i, (before, after) in enumerate(sides):
            size = op.net.axis(x, 2 + i)
            places = window_ceil_between(size, k[i], s[i], before, after, d[i])
            sides[i] = (before, (places - 1) * s[i] + d[i] * (k[i] - 1) + 1 - size - before)
        ceil = False
    direct = even(sides) and all(a <= k[i] // 2 for i, (a, _) in enumerate(sides))
    p = tuple(a for a, _ in sides) if direct else (0,) * n
    y = x if direct else padded(op, x, sides, float("-inf") if kind == "MaxPool" else 0.0)
    if kind == "MaxPool":
        if op.outputs > 1:
            return op.net.call(f"max_pool{n}d_with_indices", y, k, s, p, d, ceil)
        return op.net.call(f"max_pool{n}d", y, k, s, p, d, ceil)
    if kind == "AveragePool" and all(v == 1 for v in d):
        if n == 3 and any(p):  # PyTorch's own asks that the window fits before padding
            y, p = padded(op, x, sides), (0,) * n
        return op.net.call(f"avg_pool{n}d", y, k, s, p, ceil, bool(op.attr("count_include_pad", 0)))
    # An average with dilation, or a power average with padding: PyTorch has no such pool; its window moves as a max pool's.
    return op.net.call(f"onnx.pool{n}d", y, k, s, p, d, ceil)


def window_ceil_between(size, k, s, before, after, d):
    """`window_ceil` where the sides differ."""
    if before == after:
        return window_ceil(size, k, s, before, d)
    from whyshape.sizes import smallest

    return smallest(ceil_div(size + before + after - d * (k - 1) - 1, s) + 1, (size + before - 1) // s + 1)


@op("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(op: Op):
    x = op.x()
    n = spatial(op, x)
    if op.record.op == "GlobalLpPool":
        return op.net.call("amax", x, tuple(range(2, n + 2)), True)
    if n > 3:
        return op.net.call("mean", x, tuple(range(2, n + 2)), True)
    kind = "avg" if op.record.op == "GlobalAveragePool" else "max"
    op.net.modules.append(Module(op.net.path, op.record.op, filled=(("output_size", f"{op.record.op} keeps one number of each map"),)))
    return op.net.call(f"adaptive_{kind}_pool{n}d", x, (1,) * n)


@op("MaxUnpool")
def unpool(op: Op):
    x = op.x()
    n = spatial(op, x)
    if op.has(2):
        return op.net.made("onnx.sized", op.numbers(2), x.dtype, x)
    k = op.attr("kernel_shape")
    s, given = op.attr("strides", (1,) * n), op.attr("pads", (0,) * (2 * n))
    sizes = [(op.net.axis(x, 2 + i) - 1) * s[i] - given[i] - given[i + n] + k[i] for i in range(n)]
    return op.net.made("onnx.sized", (op.net.axis(x, 0), op.net.axis(x, 1), *sizes), x.dtype, x)


@op("Pad")
def pad(op: Op):
    x = op.x()
    rank = len(x.shape)
    given = op.listed("pads", 1) or op.attr("paddings")
    if given is None:
        raise Opaque("how much is added is not said")
    axes = [whole(a) % rank for a in op.numbers(3)] if op.has(3) else list(range(rank))
    n = len(axes)
    sides = [(0, 0)] * rank
    for i, a in enumerate(axes):
        sides[a] = (given[i], given[i + n])
    mode = {"edge": "replicate", "reflect": "reflect", "wrap": "circular"}.get(op.attr("mode", "constant"), "constant")
    if mode == "constant":
        return padded(op, x, sides)
    first = next((a for a in range(rank) if sides[a] != (0, 0)), rank)
    if first == rank:
        return x
    if rank - first in (1, 2, 3) and first >= rank - 3 and rank - first in (rank - 1, rank - 2):
        return op.net.call("pad", x, tuple(v for pair in reversed(sides[first:]) for v in pair), mode)
    return padded(op, x, sides)  # PyTorch pads places only in this way; the sizes are those of any padding


@op("Resize", "Upsample")
def resize(op: Op):
    x = op.x()
    rank = len(x.shape)
    upsample = op.record.op == "Upsample"
    at = 2 if not upsample and op.opset >= 11 else 1
    factors = op.attr("scales") if upsample and not op.has(1) else op.numbers(at) if op.has(at) else ()
    sizes = op.numbers(3) if op.has(3) else ()
    axes = [a % rank for a in op.attr("axes", tuple(range(rank)))]
    if bool(factors) == bool(sizes):
        op.net.refuse(op.record.op, f"{'both scales and sizes arrive' if factors else 'neither scales nor sizes arrive'}; one of them is wanted",
                      wanted=1, arrived=2 if factors else 0)  # fmt: skip
    if len(factors or sizes) != len(axes):
        op.net.refuse(op.record.op, f"{'scales' if factors else 'sizes'} for {len(factors or sizes)} axes arrive, for {len(axes)} they are wanted",
                      wanted=len(axes), arrived=len(factors or sizes))  # fmt: skip
    have = op.net.sizes(x)
    policy = op.attr("keep_aspect_ratio_policy", "stretch")
    if sizes and policy != "stretch":
        ratios = [int(n) / x.shape[a] for n, a in zip(sizes, axes)]
        factor = min(ratios) if policy == "not_larger" else max(ratios)
        sizes = tuple(int(x.shape[a] * factor + 0.5) for a in axes)
    out = list(have)
    for i, a in enumerate(axes):  # a roi says what is looked at, not how much is made of it: whatever runs ONNX leaves it out of the sizes
        if sizes:
            out[a] = sizes[i]
        else:
            factor = float(number(factors[i]))
            out[a] = have[a] * int(factor) if factor.is_integer() else scaled(have[a], factor)
    n = rank - 2
    places_only = 1 <= n <= 3 and all(out[a] is have[a] or bool(out[a] == have[a]) for a in (0, 1))  # of sizes this is remembered
    mode = op.attr("mode", "nearest")
    mode = {"linear": {1: "linear", 2: "bilinear", 3: "trilinear"}.get(n), "cubic": "bicubic" if n == 2 else None}.get(mode, "nearest")
    floating = category(x.dtype) >= 2  # PyTorch resizes fractions; ONNX any numbers
    if places_only and mode and floating and min(map(int, out[2:]), default=0) > 0:
        if factors:
            by = {a: float(number(f)) for a, f in zip(axes, factors)}
            scale = tuple(int(f) if f.is_integer() else f for f in (by.get(a, 1.0) for a in range(2, rank)))
            return op.net.call("interpolate", x, None, scale, mode)
        return op.net.call("interpolate", x, tuple(out[2:]), None, mode)
    return op.net.made("onnx.sized", tuple(out), x.dtype, x)


@op("DepthToSpace")
def depth_to_space(op: Op):
    return op.net.call("pixel_shuffle", op.x(), op.attr("blocksize"))


@op("SpaceToDepth")
def space_to_depth(op: Op):
    return op.net.call("pixel_unshuffle", op.x(), op.attr("blocksize"))


@op("Col2Im")
def fold_back(op: Op):
    x, image, block = op.x(), op.numbers(1), op.numbers(2)
    channels = op.net.axis(x, 1) // product(block)
    return op.net.made("onnx.sized", (op.net.axis(x, 0), channels, *image), x.dtype, x)


@op("GridSample")
def grid_sample(op: Op):
    x, grid = op.x(0), op.x(1)
    places = tuple(op.net.axis(grid, i) for i in range(1, len(grid.shape) - 1))
    return op.net.made("onnx.sized", (op.net.axis(x, 0), op.net.axis(x, 1), *places), x.dtype, x, grid)


@op("AffineGrid")
def affine_grid(op: Op):
    theta, size = op.x(0), op.numbers(1)
    return op.net.made("onnx.sized", (size[0], *size[2:], len(size) - 2), theta.dtype, theta)


@op("RoiAlign", "MaxRoiPool")
def roi(op: Op):
    x, boxes = op.x(0), op.x(1)
    if op.has(2) and op.x(2).shape != boxes.shape[:1]:
        op.net.refuse("RoiAlign", f"{boxes.shape[0]} boxes and {op.x(2).shape[0]} images of boxes arrive; they must be as many",
                      wanted=boxes.shape[0], arrived=op.x(2).shape[0])  # fmt: skip
    h, w = (op.attr("output_height", 1), op.attr("output_width", 1)) if op.record.op == "RoiAlign" else op.attr("pooled_shape")
    return op.net.made("onnx.sized", (op.net.axis(boxes, 0), op.net.axis(x, 1), h, w), x.dtype, x, boxes)


@op("CenterCropPad")
def centre(op: Op):
    x, wanted = op.x(), op.numbers(1)
    out = list(op.net.sizes(x))
    for a, n in zip(op.attr("axes", tuple(range(len(wanted)))), wanted):
        out[a % len(out)] = n
    return op.net.made("onnx.sized", tuple(out), x.dtype, x)


@op("AffineTransform", "ImageScaler", "Crop")
def old(op: Op):
    raise Opaque(f"{op.record.op} was experimental and is no longer part of ONNX")
