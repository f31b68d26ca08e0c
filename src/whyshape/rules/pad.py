"""Cells added around, or cut away."""

from __future__ import annotations

from whyshape.rules.base import Rule, Window, layer, rule
from whyshape.rules.dtypes import COMPLEX, WHOLE, kinds
from whyshape.rules.pool import occupied_all
from whyshape.sizes import largest, need

MODES = ("constant", "reflect", "replicate", "circular")


@rule("pad", "constant_pad_nd")
class Pad(Rule):
    """Cells added (or, if negative, cut away) before and after; the last axis is named first."""

    title = "padding"

    @staticmethod
    def shape(input, pad, mode="constant", value=None):
        x = list(input.shape)
        n = len(pad) // 2
        need(len(pad) % 2 == 0, "padding comes in pairs, {arrived:numbers are} given", arrived=len(pad), wanted=2)
        if mode.__class__ is not str:  # constant_pad_nd has no mode: its third argument is the value
            mode = "constant"
        if mode == "constant":
            need(n <= len(x), "padding for {arrived:axes} is given, the tensor has {wanted}", arrived=n, wanted=len(x))
        else:
            _moded(x, n, mode, value)
            if mode != "circular":
                kinds(input.dtype, WHOLE, COMPLEX, f"{mode} padding")
        for i in range(n):
            axis, before, after = len(x) - 1 - i, pad[2 * i], pad[2 * i + 1]
            size = x[axis]
            _sides(size, before, after, mode)
            out = x[axis] = size + before + after
            if (out >= 0) is not True:
                need(out >= 0, "{size:cells} cannot lose {wanted}", size=size, wanted=-(before + after), arrived=out)
        if mode == "reflect" or mode == "replicate":  # at least one of the axes, says PyTorch: a slip it has kept
            left = x[-1]
            for out in x[len(x) - n : -1]:
                left = largest(out, left)
            need(left >= 1, "padding cuts away all of the input: {arrived:cells are} left", arrived=left, wanted=1)
        return tuple(x)

    @staticmethod
    def reach(call):
        if getattr(call, "mode", "constant") != "constant" and isinstance(call.mode, str):
            return None  # cells added at one end are read from elsewhere
        rank, pad = len(call.out.shape), call.pad
        windows = {axis: Window(1) for axis in range(2 - rank, 0)}
        windows.update({-1 - i: Window(1, 1, pad[2 * i], 1, pad[2 * i + 1]) for i in range(len(pad) // 2)})
        return windows


def _moded(x, n, mode, value) -> None:
    """What the modes that read other cells demand of the whole."""
    need(mode in MODES, "mode is one of {wanted}; {arrived!r} was chosen", wanted=", ".join(MODES), arrived=mode)
    need(n in (1, 2, 3), "{mode} padding is for {wanted:axes}, {arrived:are} given", mode=mode, wanted="1 to 3", arrived=n)
    need(not value, "{mode} padding takes no value", mode=mode)
    need(len(x) in (n + 1, n + 2), "{mode} padding of {n:axes} wants a tensor of {wanted:axes}, {arrived:arrive}",
         mode=mode, n=n, wanted=f"{n + 1} or {n + 2}", arrived=len(x))  # fmt: skip
    if mode != "circular":
        occupied_all(x[-n - 1 :])


def _sides(size, before, after, mode) -> None:
    """What a mode demands along one axis."""
    if mode == "constant":
        for side in (before, after):
            if (size + side >= 0) is not True:
                need(size + side >= 0, "{arrived:cells} cannot lose {wanted}", arrived=size, wanted=-side)
    elif mode == "reflect":
        for side in (before, after):
            need(side < size, "reflect padding {arrived} must be smaller than the size {wanted}", arrived=side, wanted=size)
    elif mode == "circular":
        for side in (before, after):
            need(side <= size, "circular padding {arrived} must not be larger than the size {wanted}", arrived=side, wanted=size)


def _pad(net, input, padding, mode, value=None):
    n = int(net.name[-2])
    return net.call("pad", input, (padding,) * (2 * n) if isinstance(padding, int) else tuple(padding), mode=mode, value=value)


@layer("ZeroPad1d", "ZeroPad2d", "ZeroPad3d")
def zero_pad_layer(net, input, padding):
    """Zeros, the same on every side or a number for each side."""
    return _pad(net, input, padding, "constant", 0.0)


@layer("ConstantPad1d", "ConstantPad2d", "ConstantPad3d")
def constant_pad_layer(net, input, padding, value):
    """One value on every side."""
    return _pad(net, input, padding, "constant", value)


@layer(*[f"{kind}Pad{n}d" for kind in ("Reflection", "Replication", "Circular") for n in (1, 2, 3)])
def pad_layer(net, input, padding):
    """The input's own cells: mirrored, repeated or taken from the other end."""
    n, mode = int(net.name[-2]), {"Ref": "reflect", "Rep": "replicate", "Cir": "circular"}[net.name[:3]]
    if mode == "circular":
        need(len(input.shape) in (n + 1, n + 2), "{wanted:axes are} wanted, {arrived:arrive}",
             wanted=f"{n + 1} or {n + 2}", arrived=len(input.shape))  # fmt: skip
    return _pad(net, input, padding, mode)
