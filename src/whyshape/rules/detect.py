"""Regions cut out of feature maps: torchvision's own operators, as its functions call them. Which boxes are kept (`nms`) the values decide."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, rule
from whyshape.rules.conv import kernels, weighted, window
from whyshape.rules.dtypes import one_dtype
from whyshape.sizes import need, product


class _Regions(Rule):
    title = "regions"


def _cut(input, rois, height, width, channels):
    """The sizes of what is cut out: one map of ``height`` x ``width`` for each box (image, x1, y1, x2, y2) and channel."""
    one_dtype(rois, input)
    boxes = rois.shape
    need(len(input.shape) == 4, "maps of {wanted:axes} are wanted, {arrived:arrive}", wanted=4, arrived=len(input.shape))
    need(len(boxes) == 2, "boxes come as rows, {arrived:axes arrive}", wanted=2, arrived=len(boxes))
    need(boxes[1] == 5, "boxes of {wanted:numbers} are wanted, {arrived:arrive}", wanted=5, arrived=boxes[1])
    return (boxes[0], channels, height, width)


def _shared(input, height, width):
    """Channels for each place of its own."""
    places = height * width
    need(
        input.shape[1] % places == 0, "{arrived:channels} cannot be shared out over {wanted:places}", arrived=input.shape[1], wanted=places
    )
    return input.shape[1] // places


@rule("torch.ops.torchvision.roi_align")
class RoIAlign(_Regions):
    """Every box resampled to the same number of places."""

    @staticmethod
    def shape(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, aligned):
        return _cut(input, rois, pooled_height, pooled_width, input.shape[1])


@rule("torch.ops.torchvision.roi_pool")
class RoIPool(_Regions):
    """The largest of every part of a box, and where it was."""

    @staticmethod
    def shape(input, rois, spatial_scale, pooled_height, pooled_width):
        made = _cut(input, rois, pooled_height, pooled_width, input.shape[1])
        return [made, Made(made, "int32")]


@rule("torch.ops.torchvision.ps_roi_align")
class PSRoIAlign(_Regions):
    """Every box resampled, each place from channels of its own, and from which."""

    @staticmethod
    def shape(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio):
        made = _cut(input, rois, pooled_height, pooled_width, _shared(input, pooled_height, pooled_width))
        return [made, Made(made, "int32")]


@rule("torch.ops.torchvision.ps_roi_pool")
class PSRoIPool(_Regions):
    """The mean of every part of a box, each from channels of its own, and from which."""

    @staticmethod
    def shape(input, rois, spatial_scale, pooled_height, pooled_width):
        return PSRoIAlign.shape(input, rois, spatial_scale, pooled_height, pooled_width, -1)


@rule("torch.ops.torchvision.deform_conv2d")
class DeformConv(Rule):
    """A convolution whose kernels read where the offsets say."""

    title = "deformable convolution"
    knobs = {"weight": ("out_channels", "in_channels", "kernel_size", "kernel_size"), "bias": ("out_channels",)}

    @staticmethod
    def shape(input, weight, offset, mask, bias, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, n_weight_grps, n_offset_grps,
              use_mask):  # fmt: skip
        one_dtype(offset, weight, input)
        x, w = input.shape, weight.shape
        kernels(2, w)
        weighted(2, x, w, bias, w[1] * n_weight_grps, w[0], n_weight_grps)
        settings = ((w[2], stride_h, pad_h, dilation_h), (w[3], stride_w, pad_w, dilation_w))
        out = [window(n, k, s, p, d) for n, (k, s, p, d) in zip(x[-2:], settings)]
        numbers = 2 * n_offset_grps * w[2] * w[3]
        for got, wanted in zip(offset.shape[1:], (numbers, *out)):
            need(got == wanted, "offsets of {wanted:numbers} are wanted, {arrived:arrive}", wanted=wanted, arrived=got)
        return (x[0], w[0], *out)

    @staticmethod
    def macs(call):
        return product(call.out.shape) * product(call.weight.shape[1:])
