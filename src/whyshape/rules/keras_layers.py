"""Keras' own layers, maps last: the same windows, asked with the axes where Keras keeps them.

`window` is written once, in `rules.conv`; what stands here is Keras' order of axes and its meaning of ``padding="same"``:
``ceil(n/s)`` places, with as many cells added as that needs, the odd one after.
"""

from __future__ import annotations

from whyshape.rules.base import Rule, Window, axes_at_least, rule, told
from whyshape.rules.conv import window
from whyshape.rules.twins import same_sides
from whyshape.sizes import ceil_div, largest, need, product


def _axes(x, n: int, data_format):
    """(batch, places, maps) of a shape, whichever way it lies."""
    need(len(x) == n + 2, "{wanted:axes are} wanted, {arrived:arrive}", wanted=n + 2, arrived=len(x))
    return (x[0], x[2:], x[1]) if data_format == "channels_first" else (x[0], x[1:-1], x[-1])


def _put(batch, places, maps, data_format):
    return (batch, maps, *places) if data_format == "channels_first" else (batch, *places, maps)


def slid(n, k, s, padding, d=1):
    """How many places a window finds: all it can for 'valid', ``ceil(n/s)`` for 'same' and 'causal'.

    >>> slid(28, 5, 1, "valid"), slid(28, 3, 2, "same"), slid(5, 2, 2, "same")
    (24, 14, 3)
    """
    need(s >= 1, "strides of at least {wanted} are wanted, {arrived} is given", wanted=1, arrived=s)
    return window(n, k, s, 0, d) if padding == "valid" else ceil_div(n, s)


def _windows(call, k, s, d):
    """`reach` for the places of a layer, counted from the end."""
    last = getattr(call, "data_format", "channels_last") != "channels_first"
    n, found = len(k), {}
    for i in range(n):
        axis = i - n - last
        before, after = (0, 0) if call.padding == "valid" else same_sides(int(call.input.shape[axis]), int(k[i]), int(s[i]), int(d[i]))
        if call.padding == "causal":
            before, after = d[i] * (k[i] - 1), 0
        found[axis] = Window(k[i], s[i], before, d[i], after)
    return found


class Conv(Rule):
    """Slide ``filters`` kernels over the input, maps last; kernel (places, maps in, filters)."""

    title = "convolution"

    @staticmethod
    def shape(input, kernel, bias=None, strides=(1,), padding="valid", dilation_rate=(1,), groups=1, data_format="channels_last"):
        k = kernel.shape[:-2]
        batch, places, maps = _axes(input.shape, len(k), data_format)
        need(maps == kernel.shape[-2] * groups, "{wanted:channels are} wanted, {arrived:arrive}",
             wanted=kernel.shape[-2] * groups, arrived=maps)  # fmt: skip
        need(not (max(strides) > 1 and max(dilation_rate) > 1), "Keras refuses strides and dilation both above 1",
             wanted=1, arrived=max(strides))  # fmt: skip
        return _put(batch, _convolved(places, k, strides, padding, dilation_rate), kernel.shape[-1], data_format)

    @staticmethod
    def macs(call):
        return product(call.out.shape) * product(call.kernel.shape[:-1])

    @staticmethod
    def reach(call):
        return _windows(call, call.kernel.shape[:-2], call.strides, call.dilation_rate)

    @staticmethod
    def padded(call):
        return "0"


def _convolved(places, k, s, padding, d):
    out = []
    for i, n in enumerate(places):
        if padding == "valid":
            span = d[i] * (k[i] - 1) + 1
            need(n >= span, "the kernel spans {wanted:cells}, {arrived:are} there", wanted=span, arrived=n)
        else:
            need(n >= 1, "at least {wanted} cell is wanted, {arrived:are} there", wanted=1, arrived=n)
        out.append(slid(n, k[i], s[i], padding, d[i]))
    return out


class Depthwise(Rule):
    """Each map has its own kernels; kernel (places, maps, multiplier)."""

    title = "depthwise convolution"

    @staticmethod
    def shape(input, kernel, bias=None, strides=(1,), padding="valid", dilation_rate=(1,), data_format="channels_last"):
        k = kernel.shape[:-2]
        batch, places, maps = _axes(input.shape, len(k), data_format)
        need(maps == kernel.shape[-2], "{wanted:channels are} wanted, {arrived:arrive}", wanted=kernel.shape[-2], arrived=maps)
        need(not (max(strides) > 1 and max(dilation_rate) > 1), "Keras refuses strides and dilation both above 1",
             wanted=1, arrived=max(strides))  # fmt: skip
        return _put(batch, _convolved(places, k, strides, padding, dilation_rate), maps * kernel.shape[-1], data_format)

    @staticmethod
    def macs(call):
        return product(call.out.shape) * product(call.kernel.shape[:-2])

    @staticmethod
    def reach(call):
        return _windows(call, call.kernel.shape[:-2], call.strides, call.dilation_rate)

    @staticmethod
    def padded(call):
        return "0"


class ConvTranspose(Rule):
    """Spread each cell over a window: ``n*s`` cells for 'same', all there are for 'valid'; kernel (places, filters, maps in)."""

    title = "transposed convolution"

    @staticmethod
    def shape(
        input, kernel, bias=None, strides=(1,), padding="valid", output_padding=None, dilation_rate=(1,), data_format="channels_last"
    ):
        k = kernel.shape[:-2]
        batch, places, maps = _axes(input.shape, len(k), data_format)
        need(maps == kernel.shape[-1], "{wanted:channels are} wanted, {arrived:arrive}", wanted=kernel.shape[-1], arrived=maps)
        need(not (max(strides) > 1 and max(dilation_rate) > 1), "Keras refuses strides and dilation both above 1",
             wanted=1, arrived=max(strides))  # fmt: skip
        out = []
        for i, n in enumerate(places):
            span, s = dilation_rate[i] * (k[i] - 1) + 1, strides[i]
            if output_padding is None:
                size = n * s if padding == "same" else n * s + largest(span - s, 0)
            else:
                size = (n - 1) * s + span + output_padding[i] - (2 * (span // 2) if padding == "same" else 0)
            need(size >= 1, "{arrived:cells are} left of the output", wanted=1, arrived=size)
            out.append(size)
        return _put(batch, out, kernel.shape[-2], data_format)

    @staticmethod
    def macs(call):
        return product(call.input.shape) * product(call.kernel.shape[:-1])

    @staticmethod
    def reach(call):
        return None


@rule("keras.pool")
class Pool(Rule):
    """One window per output cell, each map by itself."""

    title = "pooling"

    @staticmethod
    def shape(input, pool_size, strides, padding="valid", data_format="channels_last"):
        batch, places, maps = _axes(input.shape, len(pool_size), data_format)
        out = []
        for n, k, s in zip(places, pool_size, strides):
            if padding == "valid":
                need(n >= k, "the window spans {wanted:cells}, {arrived:are} there", wanted=k, arrived=n)
            out.append(slid(n, k, s, padding))
        return _put(batch, out, maps, data_format)

    @staticmethod
    def reach(call):
        return _windows(call, call.pool_size, call.strides, (1,) * len(call.pool_size))


@rule("keras.dense")
class Dense(Rule):
    """Every output is one weighted sum over the last axis; kernel (features in, units)."""

    title = "linear"
    knobs = {"kernel": ("in_features", "units"), "bias": ("units",)}

    @staticmethod
    def shape(input, kernel, bias=None):
        x = input.shape
        axes_at_least(2, x)
        need(x[-1] == kernel.shape[0], "{wanted:features are} wanted on the last axis, {arrived:arrive}",
             wanted=kernel.shape[0], arrived=x[-1])  # fmt: skip
        return (*x[:-1], kernel.shape[1])

    @staticmethod
    def macs(call):
        return product(call.out.shape) * call.kernel.shape[0]


@rule("keras.norm")
class Norm(Rule):
    """Shifted and scaled; every size stays. What is learned or kept has the sizes of ``axis``."""

    title = "normalisation"

    @staticmethod
    def shape(input, axis, *vectors):
        x = input.shape
        for v in vectors:
            for a, n in zip(axis, v.shape):
                need(x[a] == n, "{wanted} is wanted on axis {axis}, {arrived:arrive}", wanted=n, arrived=x[a], axis=a)
        return x


@rule("keras.recurrent")
class Recurrent(Rule):
    """One step after the other: the last state, or all of them."""

    title = "recurrent layer"

    @staticmethod
    def shape(input, kernel, recurrent_kernel, bias=None, units=1, return_sequences=False):
        x = input.shape
        need(len(x) == 3, "{wanted:axes are} wanted, {arrived:arrive}", wanted=3, arrived=len(x))
        need(x[2] == kernel.shape[0], "{wanted:features are} wanted, {arrived:arrive}", wanted=kernel.shape[0], arrived=x[2])
        return (x[0], x[1], units) if return_sequences else (x[0], units)

    @staticmethod
    def macs(call):
        steps = call.input.shape[0] * call.input.shape[1]
        return steps * (product(call.kernel.shape) + product(call.recurrent_kernel.shape))

    @staticmethod
    def reach(call):
        return None


# What a kernel's axes are called depends on how many places it has: one rule for each, all the same arithmetic.
KERNELS = {
    "conv": (Conv, ("in_channels", "filters"), ("filters",)),
    "depthwise": (Depthwise, ("in_channels", "depth_multiplier"), ()),
    "conv_transpose": (ConvTranspose, ("filters", "in_channels"), ("filters",)),
}
for _name, (_rule, _last, _bias) in KERNELS.items():
    for _n in (1, 2, 3):
        _knobs = {"kernel": ("kernel_size",) * _n + _last, "bias": _bias}
        rule(f"keras.{_name}{_n}d")(type(f"{_rule.__name__}{_n}D", (_rule,), {"knobs": _knobs, "__doc__": _rule.__doc__}))
        told("nouns", {"kernel": "kernel rows", "bias": "biases"}, f"keras.{_name}{_n}d")
told("nouns", {"kernel": "inputs", "bias": "biases"}, "keras.dense")
told("maps", "", "keras.pool", *[f"keras.{name}{n}d" for name in KERNELS for n in (1, 2, 3)])  # there are some; nothing more to say
