"""Channels and pixels changing places: nothing is computed."""

from __future__ import annotations

from whyshape.rules.base import Rule, Window, axes_at_least, layer, rule
from whyshape.rules.conv import at_least
from whyshape.sizes import need


@rule("pixel_shuffle")
class PixelShuffle(Rule):
    """Every r*r channels become an r*r block of pixels: C/r², H*r, W*r."""

    title = "pixel shuffle"

    @staticmethod
    def shape(input, upscale_factor):
        x, r = input.shape, upscale_factor
        axes_at_least(3, x)
        at_least(1, upscale_factor=r)
        need(x[-3] % (r * r) == 0, "{arrived:channels} cannot be shared out over blocks of {wanted:pixels}", wanted=r * r, arrived=x[-3])
        return (*x[:-3], x[-3] // (r * r), x[-2] * r, x[-1] * r)

    @staticmethod
    def reach(call):
        return dict.fromkeys((-2, -1), Window(call.upscale_factor, -call.upscale_factor))


@rule("pixel_unshuffle")
class PixelUnshuffle(Rule):
    """Every r*r block of pixels becomes r*r channels: C*r², H/r, W/r."""

    title = "pixel unshuffle"

    @staticmethod
    def shape(input, downscale_factor):
        x, r = input.shape, downscale_factor
        axes_at_least(3, x)
        at_least(1, downscale_factor=r)
        for word, size in (("rows", x[-2]), ("columns", x[-1])):
            need(size % r == 0, "{arrived} {word} cannot be cut into blocks of {wanted}", word=word, wanted=r, arrived=size)
        if any(size == 0 for size in x):  # PyTorch hands an empty tensor back as it came, its axes unchanged
            return tuple(x)
        return (*x[:-3], x[-3] * r * r, x[-2] // r, x[-1] // r)

    @staticmethod
    def reach(call):
        return dict.fromkeys((-2, -1), Window(call.downscale_factor, call.downscale_factor))


@rule("channel_shuffle", "native_channel_shuffle")
class ChannelShuffle(Rule):
    """The first channel of every group, then the second of every group, and so on."""

    title = "channel shuffle"

    @staticmethod
    def shape(input, groups):
        x = input.shape
        axes_at_least(3, x)
        at_least(1, groups=groups)
        need(x[1] % groups == 0, "{arrived:channels} cannot be shared out over {wanted:groups}", wanted=groups, arrived=x[1])
        return tuple(x)

    @staticmethod
    def reach(call):
        return {axis: Window(1) for axis in range(2 - len(call.input.shape), 0)}


@layer("PixelShuffle")
def pixel_shuffle_layer(net, input, upscale_factor):
    """Channels into pixels."""
    return net.call("pixel_shuffle", input, upscale_factor)


@layer("PixelUnshuffle")
def pixel_unshuffle_layer(net, input, downscale_factor):
    """Pixels into channels."""
    return net.call("pixel_unshuffle", input, downscale_factor)


@layer("ChannelShuffle")
def channel_shuffle_layer(net, input, groups):
    """Channels dealt out anew."""
    return net.call("channel_shuffle", input, groups)
