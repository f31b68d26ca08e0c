"""Pooling: one window per output cell, the channels left alone."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Window, layer, rule, spread
from whyshape.rules.conv import window, window_ceil
from whyshape.sizes import need


def _axes(x, n):
    need(len(x) == n + 2 or len(x) == n + 1, "{wanted} axes are wanted, or {unbatched} without a batch; {arrived} arrive",
         wanted=n + 2, unbatched=n + 1, arrived=len(x))  # fmt: skip
    for size in x[-n - 1 :]:
        need(size > 0, "every axis but the batch must hold something, one has {arrived}", arrived=size, wanted=1)
    return x[:-n]


def pooled(x, n, kernel_size, stride, padding, dilation, ceil_mode):
    """The sizes every sliding pool makes."""
    lead = _axes(x, n)
    k = spread(kernel_size, n, "kernel_size")
    s = k if stride is None or stride == () or stride == [] else spread(stride, n, "stride")
    p, d = spread(padding, n, "padding"), spread(dilation, n, "dilation")
    out = []
    for i in range(n):
        need(s[i] != 0, "stride should not be zero")
        need(k[i] > 0 and s[i] > 0 and d[i] > 0, "kernel_size, stride and dilation must be at least 1, {arrived} was chosen",
             arrived=(k[i], s[i], d[i]), wanted=1)  # fmt: skip
        need(p[i] >= 0, "padding must not be negative, {arrived} was chosen", arrived=p[i], wanted=0)
        need(p[i] <= k[i] // 2, "padding should be at most half of the kernel ({wanted}), {arrived} was chosen",
             wanted=k[i] // 2, arrived=p[i])  # fmt: skip
        size = x[i - n]
        if ceil_mode:
            places = window_ceil(size, k[i], s[i], p[i], d[i])
        else:
            places = window(size, k[i], s[i], p[i], d[i])
        need(places >= 1, "the window spans {wanted} cells, {arrived} are there after padding",
             wanted=d[i] * (k[i] - 1) + 1, arrived=size + 2 * p[i])  # fmt: skip
        out.append(places)
    return (*lead, *out)


def _reach(call, n, dilation=1):
    k = spread(call.kernel_size, n, "kernel_size")
    s = spread(call.stride, n, "stride") if call.stride not in (None, (), []) else k
    p, d = spread(getattr(call, "padding", 0), n, "padding"), spread(dilation, n, "dilation")
    return {i - n: Window(k[i], s[i], p[i], d[i], p[i]) for i in range(n)}


class _Pool(Rule):
    axes = 2

    @classmethod
    def reach(cls, call):
        return _reach(call, cls.axes, getattr(call, "dilation", 1))


class _MaxPool(_Pool):
    title = "max pooling"


def _max_pool(n: int):
    @rule(f"max_pool{n}d")
    class MaxPool(_MaxPool):
        """The largest value under each window."""

        axes = n

        @staticmethod
        def shape(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
            return pooled(input.shape, n, kernel_size, stride, padding, dilation, ceil_mode)

    @rule(f"max_pool{n}d_with_indices")
    class MaxPoolWithIndices(_MaxPool):
        """The largest value under each window, and where it stood."""

        axes = n

        @staticmethod
        def shape(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=True):
            out = pooled(input.shape, n, kernel_size, stride, padding, dilation, ceil_mode)
            return [out, Made(out, "int64")]

    @layer(f"MaxPool{n}d")
    def max_pool_layer(net, input, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        name = f"max_pool{n}d_with_indices" if return_indices else f"max_pool{n}d"
        return net.call(name, input, kernel_size, stride, padding, dilation, ceil_mode)

    @layer(f"LPPool{n}d")
    def lp_pool_layer(net, input, norm_type, kernel_size, stride=None, ceil_mode=False):
        return net.call(f"lp_pool{n}d", input, norm_type, kernel_size, stride, ceil_mode)

    @rule(f"lp_pool{n}d")
    class LPPool(_Pool):
        """The power average of each window."""

        title = "power-average pooling"
        axes = n

        @staticmethod
        def shape(input, norm_type, kernel_size, stride=None, ceil_mode=False):
            if n == 3:
                _unpadded_room(input.shape, spread(kernel_size, 3, "kernel_size"))
            return pooled(input.shape, n, kernel_size, stride, 0, 1, ceil_mode)

    for kind in ("avg", "max"):
        _adaptive(n, kind)


def _unpadded_room(x, k):
    # Of all pools only the 3-d average asks that the kernel fits the input before padding (EDGES, executed).
    for size, span in zip(x[-3:], k):
        need(size >= span, "the window spans {wanted} cells, {arrived} are there before padding", wanted=span, arrived=size)


@rule("avg_pool1d")
class AvgPool1d(_Pool):
    """The mean of each window."""

    title = "average pooling"
    axes = 1

    @staticmethod
    def shape(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        return pooled(input.shape, 1, kernel_size, stride, padding, 1, ceil_mode)


@rule("avg_pool2d")
class AvgPool2d(_Pool):
    """The mean of each window."""

    title = "average pooling"
    axes = 2

    @staticmethod
    def shape(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        need(divisor_override != 0, "divisor_override must not be zero")
        return pooled(input.shape, 2, kernel_size, stride, padding, 1, ceil_mode)


@rule("avg_pool3d")
class AvgPool3d(_Pool):
    """The mean of each window."""

    title = "average pooling"
    axes = 3

    @staticmethod
    def shape(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        need(divisor_override != 0, "divisor_override must not be zero")
        _unpadded_room(input.shape, spread(kernel_size, 3, "kernel_size"))
        return pooled(input.shape, 3, kernel_size, stride, padding, 1, ceil_mode)


@layer("AvgPool1d", "AvgPool2d", "AvgPool3d")
def avg_pool_layer(net, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    """An average pool; only the 2-d and 3-d ones know a divisor_override."""
    n = int(net.name[7])
    extra = () if n == 1 else (divisor_override,)
    return net.call(f"avg_pool{n}d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, *extra)


def _adaptive(n: int, kind: str):
    def sizes(input, output_size):
        x = input.shape
        lead = _axes(x, n)
        wanted = [output_size] * n if isinstance(output_size, int) or output_size is None else list(output_size)
        need(len(wanted) == n, "output_size has {arrived} numbers, {wanted} are wanted", arrived=len(wanted), wanted=n)
        out = [x[i - n] if o is None else o for i, o in enumerate(wanted)]
        for size in out:
            need(size >= 0, "output_size must not be negative, {arrived} was chosen", arrived=size, wanted=0)
        return (*lead, *out)

    class Adaptive(Rule):
        title = f"adaptive {'average' if kind == 'avg' else 'max'} pooling"
        adaptive = True  # output cell i looks at cells floor(i*n/o) up to ceil((i+1)*n/o)

        @staticmethod
        def reach(call):
            lead = len(call.input.shape) - n
            # Equal windows when the sizes divide; otherwise they vary by cell: `adaptive_windows`.
            pairs = zip(call.input.shape[lead:], call.out.shape[lead:])
            return {i - n: Window(a - (b - 1) * (a // b), a // b) if b else Window(0) for i, (a, b) in enumerate(pairs)}

    @rule(f"adaptive_{kind}_pool{n}d")
    class AdaptivePool(Adaptive):
        """A grid of a chosen size, whatever the input's: window i covers cells floor(i*n/o) up to ceil((i+1)*n/o)."""

        if kind == "avg":

            @staticmethod
            def shape(input, output_size):
                return sizes(input, output_size)
        else:

            @staticmethod
            def shape(input, output_size, return_indices=False):
                return sizes(input, output_size)

    if kind == "max":

        @rule(f"adaptive_max_pool{n}d_with_indices")
        class AdaptivePoolWithIndices(Adaptive):
            """The same, and where each largest value stood."""

            @staticmethod
            def shape(input, output_size, return_indices=True):
                out = sizes(input, output_size)
                return [out, Made(out, "int64")]

    @layer(f"Adaptive{kind.title()}Pool{n}d")
    def adaptive_layer(net, input, output_size, return_indices=False):
        suffix = "_with_indices" if return_indices else ""
        return net.call(f"adaptive_{kind}_pool{n}d{suffix}", input, output_size)


for _n in (1, 2, 3):
    _max_pool(_n)

__all__ = ["AvgPool1d", "AvgPool2d", "AvgPool3d", "pooled"]
