"""Pooling: one window per output cell, the channels left alone."""

from __future__ import annotations

from math import isfinite

from whyshape.rules.base import Made, Rule, Window, layer, rule, spread
from whyshape.rules.conv import at_least, sensible, slides, window, window_ceil
from whyshape.rules.dtypes import COMPLEX, FRACTION, WHOLE, default_float, kinds, name_of
from whyshape.sizes import need, scaled


def occupied_all(axes) -> None:
    """Demand at least one cell along each axis."""
    for size in axes:
        holds = size > 0
        if holds is not True:
            need(holds, "every axis but the batch must hold something, one has {arrived}", arrived=size, wanted=1)


def _stride(stride, kernel_size):
    return kernel_size if stride is None or stride == () or stride == [] else stride


def pooled(x, n, kernel_size, stride, padding, dilation, ceil_mode):
    """The sizes every sliding pool makes."""
    stride = _stride(stride, kernel_size)
    k = (kernel_size,) * n if kernel_size.__class__ is int else spread(kernel_size, n, "kernel_size")
    s = (stride,) * n if stride.__class__ is int else spread(stride, n, "stride")
    p = (padding,) * n if padding.__class__ is int else spread(padding, n, "padding")
    d = (dilation,) * n if dilation.__class__ is int else spread(dilation, n, "dilation")
    slides(x, n)
    occupied_all(x[-n - 1 :])
    out = [*x[:-n]]
    for i in range(n):
        size, ki, si, pi, di = x[i - n], k[i], s[i], p[i], d[i]
        sensible(ki, si, pi, di)
        half = pi <= ki // 2
        if half is not True:
            need(half, "padding should be at most half of the kernel ({wanted}), {arrived} was chosen", wanted=ki // 2, arrived=pi)
        room, span = size + 2 * pi, di * (ki - 1) + 1
        # With ceil_mode the one window may hang over the edge by less than a stride.
        fits = room + (si - 1) >= span if ceil_mode else room >= span
        if fits is not True:
            need(fits, "the window spans {wanted:cells}, {arrived:are} there after padding", wanted=span, arrived=room)
        out.append(window_ceil(size, ki, si, pi, di) if ceil_mode else window(size, ki, si, pi, di))
    return tuple(out)


def _unpadded_room(x, k):
    # Of all pools only the 3-d average asks that the kernel fits the input before padding.
    for size, span in zip(x[-3:], k):
        need(size >= span, "the window spans {wanted:cells}, {arrived:are} there before padding", wanted=span, arrived=size)


class _Pool(Rule):
    axes = 2

    @classmethod
    def reach(cls, call):
        n = cls.axes
        k, s = spread(call.kernel_size, n, "kernel_size"), spread(_stride(call.stride, call.kernel_size), n, "stride")
        p, d = spread(getattr(call, "padding", 0), n, "padding"), spread(getattr(call, "dilation", 1), n, "dilation")
        return {i - n: Window(k[i], s[i], p[i], d[i], p[i]) for i in range(n)}


def _averaged(dtype) -> None:
    """Demand what PyTorch's CPU takes a mean of: fractions, and of whole numbers int64 alone."""
    kinds(dtype, WHOLE if name_of(dtype) == "int64" else FRACTION, FRACTION, "an average pool")


def _max_pool(n: int) -> None:
    class _MaxPool(_Pool):
        title = "max pooling"
        axes = n

        @staticmethod
        def padded(call):
            return "-inf"  # so that it never wins

    def largest(input, *settings):
        kinds(input.dtype, WHOLE if n > 1 else FRACTION, FRACTION, "a max pool")
        return pooled(input.shape, n, *settings)

    @rule(f"max_pool{n}d")
    class MaxPool(_MaxPool):
        """The largest value under each window."""

        @staticmethod
        def shape(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
            return largest(input, kernel_size, stride, padding, dilation, ceil_mode)

    @rule(f"max_pool{n}d_with_indices")
    class MaxPoolWithIndices(_MaxPool):
        """The largest value under each window, and where it stood."""

        @staticmethod
        def shape(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=True):
            out = largest(input, kernel_size, stride, padding, dilation, ceil_mode)
            return [out, Made(out, "int64")]

    @layer(f"MaxPool{n}d")
    def max_pool_layer(net, input, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        name = f"max_pool{n}d_with_indices" if return_indices else f"max_pool{n}d"
        return net.call(name, input, kernel_size, kernel_size if stride is None else stride, padding, dilation, ceil_mode)


def _avg_pool(n: int) -> None:
    class AvgPool(_Pool):
        """The mean of each window."""

        title = "average pooling"
        axes = n

        @staticmethod
        def padded(call):
            return "0" if call.count_include_pad else "not counted"

    if n == 1:  # PyTorch gave the 1-d form no divisor_override

        @rule("avg_pool1d")
        class AvgPool1d(AvgPool):
            @staticmethod
            def shape(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
                _averaged(input.dtype)
                return pooled(input.shape, 1, kernel_size, stride, padding, 1, ceil_mode)
    else:

        @rule(f"avg_pool{n}d")
        class AvgPoolNd(AvgPool):
            @staticmethod
            def shape(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
                _averaged(input.dtype)
                need(divisor_override != 0, "divisor_override must not be zero")
                if n == 3:
                    _unpadded_room(input.shape, spread(kernel_size, 3, "kernel_size"))
                return pooled(input.shape, n, kernel_size, stride, padding, 1, ceil_mode)


@layer("AvgPool1d", "AvgPool2d", "AvgPool3d")
def avg_pool_layer(net, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    """An average pool; only the 2-d and 3-d ones know a divisor_override."""
    n = int(net.name[7])
    extra = () if n == 1 else (divisor_override,)
    stride = kernel_size if stride is None else stride
    return net.call(f"avg_pool{n}d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, *extra)


def _lp_pool(n: int) -> None:
    @rule(f"lp_pool{n}d")
    class LPPool(_Pool):
        """The power average of each window."""

        title = "power-average pooling"
        axes = n

        @staticmethod
        def shape(input, norm_type, kernel_size, stride=None, ceil_mode=False):
            largest = norm_type in (float("inf"), -float("inf"))  # then PyTorch takes the largest value instead of an average
            need(norm_type != 0, "norm_type must not be zero: the last step takes its root")
            if not isinstance(kernel_size, int):
                if n == 1:
                    need(largest, "lp_pool1d takes kernel_size as one number, not as {arrived}", arrived=kernel_size)
                else:
                    need(
                        len(kernel_size) == n, "kernel_size has {arrived:numbers}, {wanted:are} wanted", arrived=len(kernel_size), wanted=n
                    )
            if n == 3 and not largest:
                _unpadded_room(input.shape, spread(kernel_size, 3, "kernel_size"))
            shape = pooled(input.shape, n, kernel_size, stride, 0, 1, ceil_mode)
            if largest:
                kinds(input.dtype, WHOLE if n > 1 else FRACTION, FRACTION, "a max pool")
                return shape
            made = default_float(input.dtype)
            kinds(made, FRACTION, FRACTION, "a power average")
            return shape if made is input.dtype else Made(shape, made)

    @layer(f"LPPool{n}d")
    def lp_pool_layer(net, input, norm_type, kernel_size, stride=None, ceil_mode=False):
        return net.call(f"lp_pool{n}d", input, float(norm_type), kernel_size, stride, ceil_mode)


def adaptive_windows(n: int, o: int) -> list[range]:
    """Which of ``n`` cells each of ``o`` adaptive windows covers.

    >>> adaptive_windows(7, 3)
    [range(0, 3), range(2, 5), range(4, 7)]
    """
    return [range(i * n // o, -(-(i + 1) * n // o)) for i in range(o)]


def adaptive_sizes(x, n, output_size, averages):
    """The sizes adaptive pooling makes; averages and maxima ask for different things."""
    one = isinstance(output_size, int)
    need(output_size is not None and (n > 1 or one or None not in output_size), "output_size is wanted for the only axis", wanted=n)
    wanted = (output_size,) * n if one else output_size
    need(len(wanted) == n, "output_size has {arrived:numbers}, {wanted:are} wanted", arrived=len(wanted), wanted=n)
    # Averaging down to one cell is PyTorch's `mean`, which takes any rank and empty axes.
    is_mean = averages and all(o is not None and int(o) == 1 for o in wanted)
    if not (is_mean and n > 1 and len(x) >= n + (not one)):
        slides(x, n)
    if not is_mean:
        occupied_all(x[-n:] if averages and n < 3 else x[1:])
    for o in wanted:
        if o is not None and (o >= 0) is not True:
            at_least(0, output_size=o)
    return (*x[:-n], *[x[i - n] if o is None else o for i, o in enumerate(wanted)])


def _adaptive(n: int, kind: str) -> None:
    class Adaptive(Rule):
        title = f"adaptive {'average' if kind == 'avg' else 'max'} pooling"
        adaptive = True  # output cell i looks at the cells `adaptive_windows` says

        @staticmethod
        def reach(call):
            # Exact where the sizes divide; elsewhere the windows differ from cell to cell, and each lies inside this one.
            out = call.out[0] if isinstance(call.out, list) else call.out
            pairs = zip(call.input.shape[-n:], out.shape[-n:])
            return {i - n: Window(a - (b - 1) * (a // b), a // b) if b else Window(0) for i, (a, b) in enumerate(pairs)}

    class AdaptivePool(Adaptive):
        """A grid of a chosen size, whatever the input's: window i covers cells floor(i*n/o) up to ceil((i+1)*n/o)."""

    if kind == "avg":

        @rule(f"adaptive_avg_pool{n}d")
        class AdaptiveAvgPool(AdaptivePool):
            @staticmethod
            def shape(input, output_size):
                shape = adaptive_sizes(input.shape, n, output_size, averages=True)
                mean = name_of(input.dtype).startswith("complex") and all(out == 1 for out in shape[-n:])  # one number is PyTorch's `mean`
                kinds(input.dtype, FRACTION, COMPLEX if mean else FRACTION, "an average pool")
                return shape
    else:
        # PyTorch's own functions always give both results; those of torch.nn.functional only when asked.
        @rule("torch.adaptive_max_pool1d" if n == 1 else f"torch._C._nn.adaptive_max_pool{n}d", f"adaptive_max_pool{n}d_with_indices")
        class AdaptiveMaxPoolWithIndices(AdaptivePool):
            @staticmethod
            def shape(input, output_size, return_indices=True):
                out = AdaptiveMaxPool.shape(input, output_size)
                return [out, Made(out, "int64")]

        @rule(f"adaptive_max_pool{n}d")
        class AdaptiveMaxPool(AdaptivePool):
            @staticmethod
            def shape(input, output_size, return_indices=False):
                kinds(input.dtype, FRACTION, FRACTION, "an adaptive max pool")
                return adaptive_sizes(input.shape, n, output_size, averages=False)

    @layer(f"Adaptive{kind.title()}Pool{n}d")
    def adaptive_layer(net, input, output_size, return_indices=False):
        suffix = "_with_indices" if return_indices else ""
        return net.call(f"adaptive_{kind}_pool{n}d{suffix}", input, output_size)


def _fractional_sizes(x, n, kernel_size, output_size, output_ratio):
    k = (kernel_size,) * n if isinstance(kernel_size, int) else tuple(kernel_size)
    need(len(k) == n, "kernel_size has {arrived:numbers}, {wanted:are} wanted", arrived=len(k), wanted=n)
    need(output_size is not None or output_ratio is not None, "output_size or output_ratio is wanted")
    slides(x, n)
    occupied_all(x[1:])
    if output_size is None:
        ratios = (output_ratio,) * n if isinstance(output_ratio, (int, float)) else output_ratio
        for ratio in ratios:
            need(isfinite(ratio), "output_ratio is a share, {arrived} was chosen", arrived=ratio)
        need(len(ratios) == n, "output_ratio has {arrived:numbers}, {wanted:are} wanted", arrived=len(ratios), wanted=n)
        out = tuple([scaled(size, ratio) for size, ratio in zip(x[-n:], ratios)])
    else:
        out = (output_size,) * n if isinstance(output_size, int) else tuple(output_size)
        need(len(out) == n, "output_size has {arrived:numbers}, {wanted:are} wanted", arrived=len(out), wanted=n)
    for i in range(n):
        at_least(0, output_size=out[i])
        wanted = out[i] + k[i] - (n == 2)  # in 3-d PyTorch asks for one cell more than the windows need
        need(x[i - n] >= wanted, "{places:windows} of {k:cells} at random places take {wanted:cells}, {arrived:arrive}",
             places=out[i], k=k[i], wanted=wanted, arrived=x[i - n])  # fmt: skip
    return (*x[:-n], *out)


def _fractional(n: int) -> None:
    class FractionalMaxPool(Rule):
        """The largest value under windows whose places are drawn at random: a chosen number of them, or a share of the input's cells."""

        title = "fractional max pooling"

        @staticmethod
        def reach(call):
            return None  # where the windows stand is drawn anew each time

    @rule(f"torch._C._nn.fractional_max_pool{n}d", f"fractional_max_pool{n}d_with_indices")
    class FractionalMaxPoolWithIndices(FractionalMaxPool):
        @staticmethod
        def shape(input, kernel_size, output_size=None, output_ratio=None, return_indices=True, _random_samples=None):
            out = _fractional_sizes(input.shape, n, kernel_size, output_size, output_ratio)
            return [out, Made(out, "int64")]

    @rule(f"fractional_max_pool{n}d")
    class FractionalMaxPoolAlone(FractionalMaxPool):
        @staticmethod
        def shape(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
            return _fractional_sizes(input.shape, n, kernel_size, output_size, output_ratio)


@layer("FractionalMaxPool2d", "FractionalMaxPool3d")
def fractional_max_pool_layer(net, input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    """Max pooling over windows placed at random; a ratio must shrink."""
    n = int(net.name[17])
    need(output_size is None or output_ratio is None, "only one of output_size and output_ratio is wanted, both are given")
    if output_ratio is not None:
        output_ratio = (output_ratio,) * n if isinstance(output_ratio, (int, float)) else tuple(output_ratio)
        for ratio in output_ratio:
            need(0 < ratio < 1, "output_ratio must lie between 0 and 1, {arrived} was chosen", arrived=ratio)
    if n == 3:  # the 2-d layer lets any kernel_size pass
        at_least(1, **{f"kernel_size[{i}]": k for i, k in enumerate((kernel_size,) if isinstance(kernel_size, int) else kernel_size)})
    suffix = "_with_indices" if return_indices else ""
    return net.call(f"fractional_max_pool{n}d{suffix}", input, kernel_size, output_size, output_ratio)


for _n in (1, 2, 3):
    _max_pool(_n)
    _avg_pool(_n)
    _lp_pool(_n)
    for _kind in ("avg", "max"):
        _adaptive(_n, _kind)
for _n in (2, 3):
    _fractional(_n)

__all__ = ["adaptive_sizes", "adaptive_windows", "occupied_all", "pooled"]
