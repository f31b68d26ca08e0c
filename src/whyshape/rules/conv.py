"""Everything that slides a window: the one formula, and convolution."""

from __future__ import annotations

from whyshape.rules.base import Rule, Window, layer, rule, spread
from whyshape.sizes import ceil_div, largest, need, product, smallest


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
    starts_inside = (n + p - 1) // s + 1
    return smallest(hanging, starts_inside)


def same_padding(k, d):
    """The rows added before and after so that a window moving by 1 keeps the size; the odd one goes after.

    >>> same_padding(4, 1)
    (1, 2)
    """
    total = d * (k - 1)
    return total // 2, total - total // 2


@rule("conv1d", "conv2d", "conv3d")
class Conv(Rule):
    """Slide ``out_channels`` kernels over the input; each reads all the channels of its group and makes one map."""

    title = "convolution"
    knobs = {"weight": ("out_channels", "in_channels", "kernel_size", "kernel_size", "kernel_size"), "bias": ("out_channels",)}

    @staticmethod
    def shape(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        x, w = input.shape, weight.shape
        n = len(w) - 2
        need(
            len(x) == n + 2 or len(x) == n + 1,
            "{wanted} axes are wanted, or {unbatched} without a batch; {arrived} arrive",
            wanted=n + 2, unbatched=n + 1, arrived=len(x),
        )  # fmt: skip
        channels = x[-n - 1]
        need(channels == w[1] * groups, "{wanted} channels are wanted, {arrived} arrive", wanted=w[1] * groups, arrived=channels)
        need(w[0] % groups == 0, "{arrived} kernels cannot be shared out over {wanted} groups", wanted=groups, arrived=w[0])
        if n == 2 and type(stride) is tuple is type(padding) is type(dilation):
            s, p, d = stride, padding, dilation
        else:
            s, d = spread(stride, n, "stride"), spread(dilation, n, "dilation")
            p = padding if isinstance(padding, str) else spread(padding, n, "padding")
        out = []
        for i in range(n):
            need(s[i] > 0 and d[i] > 0, "stride and dilation must be at least 1, {arrived} was chosen", arrived=(s[i], d[i]), wanted=1)
            size, k = x[i - n], w[i + 2]
            if p.__class__ is str:
                out.append(_named_padding(p, size, k, s[i], d[i]))
                continue
            need(p[i] >= 0, "padding must not be negative, {arrived} was chosen", arrived=p[i], wanted=0)
            room, span = size + 2 * p[i], d[i] * (k - 1) + 1
            need(room >= span, "the kernel spans {wanted} cells, {arrived} are there after padding", wanted=span, arrived=room)
            out.append(window(size, k, s[i], p[i], d[i]))
        return (*x[: -n - 1], w[0], *out)

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


def _named_padding(name, size, k, s, d):
    need(name in ("same", "valid"), "padding is a number, 'same' or 'valid'; {arrived!r} was chosen", arrived=name, wanted="same")
    if name == "valid":
        need(size >= d * (k - 1) + 1, "the kernel spans {wanted} cells, {arrived} are there", wanted=d * (k - 1) + 1, arrived=size)
        return window(size, k, s, 0, d)
    need(s == 1, "padding='same' is not supported for strided convolutions: stride {arrived} was chosen", arrived=s, wanted=1)
    return window_between(size, k, s, *same_padding(k, d), d)


@layer("Conv1d", "Conv2d", "Conv3d")
def conv_layer(net, input, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
               padding_mode="zeros"):  # fmt: skip
    """A convolution whose kernels are parameters; other padding modes pad first."""
    n = int(net.name[4])
    need(groups >= 1 and in_channels % groups == 0, "in_channels {arrived} cannot be shared out over {wanted} groups",
         arrived=in_channels, wanted=groups)  # fmt: skip
    need(
        out_channels % groups == 0, "out_channels {arrived} cannot be shared out over {wanted} groups", arrived=out_channels, wanted=groups
    )
    k = spread(kernel_size, n, "kernel_size")
    if padding == "same":
        need(all(s == 1 for s in spread(stride, n, "stride")), "padding='same' is not supported for strided convolutions")
    weight = net.parameter("weight", (out_channels, in_channels // groups, *k))
    offset = net.parameter("bias", (out_channels,)) if bias else None
    if padding_mode != "zeros":
        d = spread(dilation, n, "dilation")
        if padding == "same":
            sides = [side for i in range(n - 1, -1, -1) for side in same_padding(k[i], d[i])]
        else:
            sides = [side for p in reversed(spread(padding, n, "padding")) for side in (p, p)]
        input = net.call("pad", input, sides, mode=padding_mode)
        padding = 0
    stride, dilation = spread(stride, n, "stride"), spread(dilation, n, "dilation")
    return net.call(f"conv{n}d", input, weight, offset, stride, padding if isinstance(padding, str) else spread(padding, n, "padding"),
                    dilation, groups)  # fmt: skip


def transposed(n, k, s=1, p=0, d=1, extra=0):
    """The size a transposed convolution makes: the smallest that `window` turns back into ``n``, plus ``extra``.

    >>> transposed(14, 3, s=2, p=1, extra=1)
    28
    """
    return (n - 1) * s - 2 * p + d * (k - 1) + extra + 1


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
class ConvTranspose(Rule):
    """Spread each input cell over a window of the output and add up where windows meet."""

    title = "transposed convolution"
    knobs = {"weight": ("in_channels", "out_channels", "kernel_size", "kernel_size", "kernel_size")}

    @staticmethod
    def shape(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        x, w = input.shape, weight.shape
        n = len(w) - 2
        need(
            len(x) == n + 2 or len(x) == n + 1,
            "{wanted} axes are wanted, or {unbatched} without a batch; {arrived} arrive",
            wanted=n + 2, unbatched=n + 1, arrived=len(x),
        )  # fmt: skip
        need(x[-n - 1] == w[0], "{wanted} channels are wanted, {arrived} arrive", wanted=w[0], arrived=x[-n - 1])
        need(not isinstance(padding, str), "a transposed convolution takes a number as padding; {arrived!r} was chosen", arrived=padding)
        s, p = spread(stride, n, "stride"), spread(padding, n, "padding")
        d, extra = spread(dilation, n, "dilation"), spread(output_padding, n, "output_padding")
        out = []
        for i in range(n):
            need(s[i] > 0 and d[i] > 0, "stride and dilation must be at least 1, {arrived} was chosen", arrived=(s[i], d[i]), wanted=1)
            need(p[i] >= 0, "padding must not be negative, {arrived} was chosen", arrived=p[i], wanted=0)
            need(
                extra[i] < largest(s[i], d[i]),
                "output_padding must be smaller than stride or dilation ({wanted}), {arrived} was chosen",
                wanted=largest(s[i], d[i]), arrived=extra[i],
            )  # fmt: skip
            size = transposed(x[i - n], w[i + 2], s[i], p[i], d[i], extra[i])
            need(size >= 1, "the padding {p} cuts away all of the output: {arrived} cells are left", p=p[i], arrived=size, wanted=1)
            out.append(size)
        return (*x[: -n - 1], w[1] * groups, *out)

    @staticmethod
    def macs(call):
        return product(call.input.shape) * product(call.weight.shape[1:])

    @staticmethod
    def reach(call):
        n = len(call.weight.shape) - 2
        s, p = spread(call.stride, n, "stride"), spread(call.padding, n, "padding")
        d = spread(call.dilation, n, "dilation")
        return {i - n: Window(call.weight.shape[i + 2], -s[i], p[i], d[i], p[i]) for i in range(n)}


@layer("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
def conv_transpose_layer(net, input, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1,
                         bias=True, dilation=1, padding_mode="zeros"):  # fmt: skip
    """A transposed convolution whose kernels are parameters."""
    n = int(net.name[13])
    need(padding_mode == "zeros", "a transposed convolution pads with zeros only; {arrived!r} was chosen", arrived=padding_mode)
    need(in_channels % groups == 0 and out_channels % groups == 0, "{arrived} channels cannot be shared out over {wanted} groups",
         arrived=(in_channels, out_channels), wanted=groups)  # fmt: skip
    weight = net.parameter("weight", (in_channels, out_channels // groups, *spread(kernel_size, n, "kernel_size")))
    offset = net.parameter("bias", (out_channels,)) if bias else None
    return net.call(f"conv_transpose{n}d", input, weight, offset, spread(stride, n, "stride"), spread(padding, n, "padding"),
                    spread(output_padding, n, "output_padding"), groups, spread(dilation, n, "dilation"))  # fmt: skip
