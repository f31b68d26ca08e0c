"""Everything that slides a window: the one formula, and convolution."""

from __future__ import annotations

from whyshape.rules.base import Rule, Window, layer, rule, spread, told
from whyshape.rules.dtypes import one_dtype
from whyshape.sizes import CALCULATED, Size, ceil_div, leaf, need, product, smallest


def window(n, k, s=1, p=0, d=1):
    """How many places a window of ``k`` cells, ``d`` apart, fits when it moves by ``s`` over ``n`` cells padded by ``p`` on both sides.

    >>> window(28, 5), window(224, 7, s=2, p=3), window(32, 3, s=2, p=1, d=2)
    (24, 112, 15)
    """
    return (n + 2 * p - d * (k - 1) - 1) // s + 1


def window_between(n, k, s, before, after, d=1):
    """The same for padding that differs on the two sides.

    >>> window_between(28, 4, 1, 1, 2)
    28
    """
    return (n + before + after - d * (k - 1) - 1) // s + 1


def window_ceil(n, k, s, p, d=1):
    """The same when the last window may hang over the edge (``ceil_mode``), but must start inside the input or its left padding.

    >>> window_ceil(112, 3, 2, 0), window_ceil(5, 2, 2, 1)
    (56, 3)
    """
    hanging = ceil_div(n + 2 * p - d * (k - 1) - 1, s) + 1
    # With m = n + p - 1 the two counts are ceil((m + p - d(k-1))/s) + 1 and floor(m/s) + 1, and
    # ceil((m + c)/s) = floor((m + c + s - 1)/s) never passes floor(m/s) when c + s - 1 <= 0: then nothing is ever dropped.
    if p + s <= d * (k - 1) + 1:
        return hanging
    return smallest(hanging, (n + p - 1) // s + 1)


def same_padding(k, d):
    """The rows added before and after so that a window moving by 1 keeps the size; the odd one goes after.

    >>> same_padding(4, 1)
    (1, 2)
    """
    total = d * (k - 1)
    return total // 2, total - total // 2


def at_least(least: int, **knobs: int) -> None:
    """Demand that numbers somebody chose are not smaller than ``least``."""
    for name, value in knobs.items():
        need(value >= least, "{name} must be at least {wanted}, {arrived} was chosen", name=name, arrived=value, wanted=least)


def sensible(k, s, p, d) -> None:
    """Demand settings a window can have. One test tells plain numbers that are (a rule is asked for every call of a trace)."""
    if not ((k >= 1) is (s >= 1) is (d >= 1) is (p >= 0) is True):
        at_least(1, kernel_size=k, stride=s, dilation=d)
        at_least(0, padding=p)


def fitted(n, k, s, p, d):
    """`window`, after demanding that the padded input has room for the kernel."""
    room, span = n + 2 * p, d * (k - 1) + 1
    fits = room >= span
    if fits is not True:
        need(fits, "the kernel spans {wanted:cells}, {arrived:are} there after padding", wanted=span, arrived=room)
    return window(n, k, s, p, d)


def slides(x, n: int) -> None:
    """Demand ``n`` axes to slide over, channels, and perhaps a batch."""
    if len(x) != n + 2 and len(x) != n + 1:
        need(
            False,
            "{wanted:axes are} wanted, or {unbatched} without a batch; {arrived:arrive}",
            wanted=n + 2,
            unbatched=n + 1,
            arrived=len(x),
        )


def occupied(size) -> None:
    """Demand at least one cell along an axis."""
    holds = size >= 1
    if holds is not True:
        need(holds, "an axis the window moves over must hold something, it has {arrived:cells}", arrived=size, wanted=1)


def kernels(n, w) -> None:
    """Demand kernels over ``n`` axes."""
    need(len(w) == n + 2, "kernels of {wanted:axes} are wanted, {arrived:arrive}", wanted=n + 2, arrived=len(w))


def weighted(n, x, w, bias, wanted, made, groups):
    """What convolutions of both directions demand of their kernels."""
    slides(x, n)
    shared = w[0] % groups == 0 if groups >= 1 else False
    if not ((x[-n - 1] == wanted) is shared is (w[0] >= 1) is True):
        at_least(1, groups=groups)
        need(x[-n - 1] == wanted, "{wanted:channels are} wanted, {arrived:arrive}", wanted=wanted, arrived=x[-n - 1])
        need(shared, "{arrived:kernels} cannot be shared out over {wanted:groups}", wanted=groups, arrived=w[0])
        need(w[0] >= 1, "at least {wanted} kernel is wanted, {arrived:arrive}", wanted=1, arrived=w[0])
    if bias is not None:
        b = bias.shape
        need(len(b) == 1, "a bias has {wanted:axes}, {arrived:arrive}", wanted=1, arrived=len(b))
        if (b[0] == made) is not True:
            need(b[0] == made, "{wanted:numbers are} wanted as bias, {arrived:arrive}", wanted=made, arrived=b[0])


def convolved(n, x, w, bias, stride, padding, dilation, groups):
    """The sizes a convolution over the last ``n`` axes makes."""
    if len(w) != n + 2:
        kernels(n, w)
    weighted(n, x, w, bias, w[1] * groups, w[0], groups)
    s = stride if stride.__class__ is tuple and len(stride) == n else spread(stride, n, "stride")
    d = dilation if dilation.__class__ is tuple and len(dilation) == n else spread(dilation, n, "dilation")
    p = padding if padding.__class__ is str or (padding.__class__ is tuple and len(padding) == n) else spread(padding, n, "padding")
    # Without channels to read there is nothing to add up: PyTorch then makes no maps either, whatever the kernels say.
    out = [w[0]] if w[1] != 0 else [0]
    for i in range(n):
        size, k = x[i - n], w[i + 2]
        occupied(size)
        if p.__class__ is str:
            out.append(_named_padding(p, size, k, s[i], d[i]))
        else:
            sensible(k, s[i], p[i], d[i])
            out.append(fitted(size, k, s[i], p[i], d[i]))
    return (*x[: -n - 1], *out)


def _named_padding(name, size, k, s, d):
    need(name in ("same", "valid"), "padding is a number, 'same' or 'valid'; {arrived!r} was chosen", arrived=name, wanted="same")
    sensible(k, s, 0, d)
    if name == "valid":
        return fitted(size, k, s, 0, d)
    need(s == 1, "padding='same' is not supported for strided convolutions: stride {arrived} was chosen", arrived=s, wanted=1)
    return window_between(size, k, s, *map(_calculated, same_padding(k, d)), d)


def _calculated(side):
    # A side calculated from chosen numbers is printed as its number: floor((28 + 1 + 2 - 1*(4-1) - 1)/1) + 1.
    return leaf(int(side), "padding", CALCULATED) if isinstance(side, Size) else side


class Convolving(Rule):
    """What all convolutions answer alike."""

    title = "convolution"
    knobs = {"weight": ("out_channels", "in_channels", "kernel_size", "kernel_size", "kernel_size"), "bias": ("out_channels",)}

    @staticmethod
    def macs(call):
        return product(call.out.shape) * product(call.weight.shape[1:])

    @staticmethod
    def reach(call):
        n = len(call.weight.shape) - 2
        s, d = spread(call.stride, n, "stride"), spread(call.dilation, n, "dilation")
        windows = {}
        for i in range(n):
            k = call.weight.shape[i + 2]
            if isinstance(call.padding, str):
                before, after = same_padding(k, d[i]) if call.padding == "same" else (0, 0)
            else:
                before = after = spread(call.padding, n, "padding")[i]
            windows[i - n] = Window(k, s[i], before, d[i], after)
        return windows

    @staticmethod
    def padded(call):
        return "0"


def _conv(n: int) -> None:
    @rule(f"conv{n}d")
    class Conv(Convolving):
        """Slide ``out_channels`` kernels over the input; each reads all the channels of its group and makes one map."""

        @staticmethod
        def shape(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
            if input.dtype is not weight.dtype:
                one_dtype(input, weight)
            if bias is not None and bias.dtype is not weight.dtype:
                one_dtype(bias, weight)
            return convolved(n, input.shape, weight.shape, bias, stride, padding, dilation, groups)


for _n in (1, 2, 3):
    _conv(_n)


@rule("conv_tbc")
class ConvTBC(Rule):
    """A convolution along time, laid out as time, batch, channels."""

    title = "convolution"
    knobs = {"weight": ("kernel_size", "in_channels", "out_channels")}

    @staticmethod
    def shape(input, weight, bias, pad=0):
        x, w = input.shape, weight.shape
        need(len(x) == 3, "{wanted:axes are} wanted (time, batch, channels), {arrived:arrive}", wanted=3, arrived=len(x))
        need(x[2] == w[1], "{wanted:channels are} wanted, {arrived:arrive}", wanted=w[1], arrived=x[2])
        return fitted(x[0], w[0], 1, pad, 1), x[1], w[2]

    @staticmethod
    def macs(call):
        return product(call.out.shape) * product(call.weight.shape[:2])

    @staticmethod
    def reach(call):
        return {-3: Window(call.weight.shape[0], 1, call.pad, 1, call.pad)}

    @staticmethod
    def padded(call):
        return "0"


told("factors", lambda call: (call.input, call.weight), "conv_tbc")


def shared_out(in_channels, out_channels, groups) -> None:
    at_least(1, groups=groups)
    at_least(0, in_channels=in_channels, out_channels=out_channels)
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        need(
            channels % groups == 0, "{name} {arrived} cannot be shared out over {wanted:groups}", name=name, arrived=channels, wanted=groups
        )


def kernel_axes(kernel_size, n) -> tuple[int, ...]:
    k = (kernel_size,) * n if isinstance(kernel_size, int) else tuple(kernel_size)
    need(len(k) == n, "kernel_size has {arrived:numbers}, {wanted:are} wanted", arrived=len(k), wanted=n)
    at_least(0, **{f"kernel_size[{i}]": size for i, size in enumerate(k)})
    return k


def each(value, n) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


@layer("Conv1d", "Conv2d", "Conv3d")
def conv_layer(net, input, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
               padding_mode="zeros"):  # fmt: skip
    """A convolution whose kernels are parameters; other padding modes pad first."""
    n = int(net.name[4])
    shared_out(in_channels, out_channels, groups)
    k, s, d = kernel_axes(kernel_size, n), each(stride, n), each(dilation, n)
    if isinstance(padding, str):
        need(padding in ("same", "valid"), "padding is a number, 'same' or 'valid'; {arrived!r} was chosen", arrived=padding)
        strided = next((one for one in s if one != 1), 1)
        need(
            padding == "valid" or strided == 1,
            "padding='same' is not supported for strided convolutions: stride {arrived} was chosen",
            arrived=strided, wanted=1,
        )  # fmt: skip
    modes = ("zeros", "reflect", "replicate", "circular")
    need(padding_mode in modes, "padding_mode is one of {wanted}; {arrived!r} was chosen", wanted=", ".join(modes), arrived=padding_mode)
    weight = net.parameter("weight", (out_channels, in_channels // groups, *k))
    offset = net.parameter("bias", (out_channels,)) if bias else None
    p = padding if isinstance(padding, str) else each(padding, n)
    if padding_mode != "zeros":
        if p == "same":
            pairs = [same_padding(k[i], d[i] if i < len(d) else 0) for i in range(n)]
        else:
            pairs = [(0, 0)] * n if p == "valid" else [(side, side) for side in p]
        input = net.call("pad", input, tuple(side for pair in reversed(pairs) for side in pair), mode=padding_mode)
        p = (0,) * n
    return net.call(f"conv{n}d", input, weight, offset, s, p, d, groups)
