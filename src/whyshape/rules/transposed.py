"""Transposed convolution: the window turned round. Each input cell is spread over a window of the output."""

from __future__ import annotations

from whyshape.rules.base import Rule, Window, layer, rule, spread, told
from whyshape.rules.conv import Convolving, at_least, convolved, each, kernel_axes, kernels, occupied, sensible, shared_out, weighted
from whyshape.rules.dtypes import name_of, one_dtype
from whyshape.sizes import largest, need, product


def transposed(n, k, s=1, p=0, d=1, extra=0):
    """The size a transposed convolution makes: the smallest that `window` turns back into ``n``, plus ``extra``.

    >>> transposed(14, 3, s=2, p=1, extra=1)
    28
    """
    return (n - 1) * s - 2 * p + d * (k - 1) + extra + 1


def spread_back(n, x, w, bias, stride, padding, output_padding, groups, dilation):
    """The sizes a transposed convolution over the last ``n`` axes makes."""
    need(not isinstance(padding, str), "a transposed convolution takes a number as padding; {arrived!r} was chosen", arrived=padding)
    kernels(n, w)
    weighted(n, x, w, bias, w[0], w[1] * groups, groups)
    need(w[1] >= 1, "at least {wanted} map is wanted of each kernel, {arrived} was chosen", wanted=1, arrived=w[1])
    s, p = spread(stride, n, "stride"), spread(padding, n, "padding")
    d, extra = spread(dilation, n, "dilation"), spread(output_padding, n, "output_padding")
    out = []
    for i in range(n):
        occupied(x[i - n])
        sensible(w[i + 2], s[i], p[i], d[i])
        if not ((extra[i] >= 0) is (extra[i] < s[i]) is True):
            at_least(0, output_padding=extra[i])
            limit = largest(s[i], d[i])
            need(extra[i] < limit, "output_padding must be smaller than stride or dilation ({wanted}), {arrived} was chosen",
                 wanted=limit, arrived=extra[i])  # fmt: skip
        size = transposed(x[i - n], w[i + 2], s[i], p[i], d[i], extra[i])
        if (size >= 1) is not True:
            need(size >= 1, "the padding {p} cuts away all of the output: {arrived:cells are} left", p=p[i], arrived=size, wanted=1)
        out.append(size)
    return (*x[: -n - 1], w[1] * groups, *out)


class Transposing(Rule):
    """What all transposed convolutions answer alike."""

    title = "transposed convolution"
    knobs = {"weight": ("in_channels", "out_channels", "kernel_size", "kernel_size", "kernel_size"), "bias": ("out_channels",)}

    @staticmethod
    def macs(call):
        return product(call.input.shape) * product(call.weight.shape[1:])

    @staticmethod
    def reach(call):
        n = len(call.weight.shape) - 2
        s, p = spread(call.stride, n, "stride"), spread(call.padding, n, "padding")
        d, extra = spread(call.dilation, n, "dilation"), spread(call.output_padding, n, "output_padding")
        return {i - n: Window(call.weight.shape[i + 2], -s[i], p[i], d[i], p[i] - extra[i]) for i in range(n)}


def _conv_transpose(n: int) -> None:
    @rule(f"conv_transpose{n}d")
    class ConvTranspose(Transposing):
        """Spread each input cell over a window of the output and add up where windows meet."""

        @staticmethod
        def shape(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
            if input.dtype is not weight.dtype:
                one_dtype(input, weight)
            if bias is not None and bias.dtype is not weight.dtype and name_of(weight.dtype) != "float64":  # then PyTorch does not look
                one_dtype(bias, weight)
            return spread_back(n, input.shape, weight.shape, bias, stride, padding, output_padding, groups, dilation)


for _n in (1, 2, 3):
    _conv_transpose(_n)


@rule("convolution", "_convolution")
class Convolution(Rule):
    """A convolution in either direction, as PyTorch's own functions end up calling it."""

    title = "convolution"

    @staticmethod
    def shape(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups, *flags):
        x, w = input.shape, weight.shape
        if transposed:
            return spread_back(len(w) - 2, x, w, bias, stride, padding, output_padding, groups, dilation)
        return convolved(len(w) - 2, x, w, bias, stride, padding, dilation, groups)

    @staticmethod
    def macs(call):
        return (Transposing if call.transposed else Convolving).macs(call)

    @staticmethod
    def reach(call):
        return (Transposing if call.transposed else Convolving).reach(call)

    @staticmethod
    def padded(call):
        return (Transposing if call.transposed else Convolving).padded(call)


told("factors", lambda call: (call.input, call.weight), "convolution", "_convolution")


@layer("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
def conv_transpose_layer(net, input, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1,
                         bias=True, dilation=1, padding_mode="zeros"):  # fmt: skip
    """A transposed convolution whose kernels are parameters."""
    n = int(net.name[13])
    need(padding_mode == "zeros", "a transposed convolution pads with zeros only; {arrived!r} was chosen", arrived=padding_mode)
    shared_out(in_channels, out_channels, groups)
    weight = net.parameter("weight", (in_channels, out_channels // groups, *kernel_axes(kernel_size, n)))
    offset = net.parameter("bias", (out_channels,)) if bias else None
    p = padding if isinstance(padding, str) else each(padding, n)
    return net.call(f"conv_transpose{n}d", input, weight, offset, each(stride, n), p, each(output_padding, n), groups, each(dilation, n))
