"""Rows and columns added, cut away, or resampled: pad and interpolate."""

from __future__ import annotations

from whyshape.rules.base import Rule, layer, rule
from whyshape.sizes import need, scaled


@rule("pad")
class Pad(Rule):
    """Cells added (or, if negative, cut away) before and after; the last axis is named first."""

    title = "padding"

    @staticmethod
    def shape(input, pad, mode="constant", value=None):
        x = list(input.shape)
        need(len(pad) % 2 == 0, "padding comes in pairs, {arrived} numbers are given", arrived=len(pad), wanted=2)
        need(len(pad) // 2 <= len(x), "padding for {arrived} axes is given, the tensor has {wanted}", arrived=len(pad) // 2, wanted=len(x))
        if mode != "constant":
            ranks = (len(pad) // 2 + 1, len(pad) // 2 + 2)
            need(len(x) in ranks, "{mode} padding of {n} axes wants a tensor of {wanted} axes, {arrived} arrive",
                 mode=mode, n=len(pad) // 2, wanted=f"{ranks[0]} or {ranks[1]}", arrived=len(x))  # fmt: skip
        for i in range(len(pad) // 2):
            axis, before, after = len(x) - 1 - i, pad[2 * i], pad[2 * i + 1]
            size = x[axis]
            if mode == "constant":
                for side in (before, after):
                    need(size + side >= 0, "{arrived} cells cannot lose {wanted}", arrived=size, wanted=-int(side))
            for side in (before, after):
                if mode == "reflect":
                    need(side < size, "reflect padding {arrived} must be smaller than the size {wanted}", arrived=side, wanted=size)
                if mode == "circular":
                    need(side <= size, "circular padding {arrived} must not be larger than the size {wanted}", arrived=side, wanted=size)
            x[axis] = size + before + after
            need(x[axis] >= (0 if mode == "constant" else 1), "{arrived} cells are left of {size}", arrived=x[axis], size=size, wanted=0)
        return tuple(x)


@layer(*[f"{kind}Pad{n}d" for kind in ("Zero", "Constant", "Reflection", "Replication", "Circular") for n in (1, 2, 3)])
def pad_layer(net, input, padding, value=0.0):
    """The same on every side, or a number for each side."""
    n = int(net.name[-2])
    mode = {"Ref": "reflect", "Rep": "replicate", "Cir": "circular"}.get(net.name[:3], "constant")
    return net.call("pad", input, (padding,) * (2 * n) if isinstance(padding, int) else padding, mode, value)


@rule("interpolate", "upsample", "torch.nn.functional.upsample_nearest", "torch.nn.functional.upsample_bilinear")
class Interpolate(Rule):
    """The places resampled to a chosen size, or by a factor: ``floor(n * factor)``."""

    title = "resize"

    @staticmethod
    def shape(input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None, antialias=False):
        x = input.shape
        n = len(x) - 2
        axes = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}.get(mode)
        need(1 <= n <= 3 and (axes is None or n == axes), "{mode} wants a tensor of {wanted} axes, {arrived} arrive",
             mode=mode, wanted=(axes or 2) + 2, arrived=len(x))  # fmt: skip
        need((size is None) != (scale_factor is None), "exactly one of size and scale_factor is wanted", wanted=1, arrived=0)
        if size is not None:
            places = (size,) * n if isinstance(size, int) else tuple(size)
            need(len(places) == n, "size has {arrived} numbers, {wanted} are wanted", arrived=len(places), wanted=n)
        else:
            factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * n
            need(len(factors) == n, "scale_factor has {arrived} numbers, {wanted} are wanted", arrived=len(factors), wanted=n)
            places = tuple(size * f if isinstance(f, int) else scaled(size, f) for size, f in zip(x[2:], factors))
        for size, place in zip(x[2:], places):
            need(size > 0 and place > 0, "sizes of at least 1 are wanted: {arrived} becomes {place}", arrived=size, place=place, wanted=1)
        return (*x[:2], *places)


@layer("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")
def upsample_layer(net, input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
    """Resampling to a size or by a factor."""
    return net.call("interpolate", input, size, scale_factor, "bilinear" if "Bilinear" in net.name else mode)
