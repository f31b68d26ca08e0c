"""Regions cut out of feature maps: the operators of torchvision whose sizes do not depend on values."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, rule, spread
from whyshape.sizes import need, total


def _regions(boxes):
    """How many boxes there are: rows of (image, x1, y1, x2, y2), or for each image its own rows of four."""
    if not hasattr(boxes, "shape"):
        for b in boxes:
            need(b.shape[-1] == 4, "boxes of {wanted:numbers} are wanted, {arrived:arrive}", wanted=4, arrived=b.shape[-1])
        return total(b.shape[0] for b in boxes)
    need(len(boxes.shape) == 2 and boxes.shape[1] == 5, "boxes of {wanted:numbers} are wanted, {arrived:arrive}",
         wanted=5, arrived=boxes.shape[-1])  # fmt: skip
    return boxes.shape[0]


class _Pool(Rule):
    title = "regions"


@rule("torchvision.ops.roi_align")
class RoIAlign(_Pool):
    """Every box resampled to the same number of places."""

    @staticmethod
    def shape(input, boxes, output_size, spatial_scale=1.0, sampling_ratio=-1, aligned=False):
        need(len(input.shape) == 4, "maps of {wanted:axes} are wanted, {arrived:arrive}", wanted=4, arrived=len(input.shape))
        return Made((_regions(boxes), input.shape[1], *spread(output_size, 2, "output_size")), input.dtype)


@rule("torchvision.ops.roi_pool")
class RoIPool(_Pool):
    """The largest of every part of a box."""

    @staticmethod
    def shape(input, boxes, output_size, spatial_scale=1.0):
        return RoIAlign.shape(input, boxes, output_size)


@rule("torchvision.ops.ps_roi_align")
class PSRoIAlign(_Pool):
    """Every box resampled, each place from channels of its own."""

    @staticmethod
    def shape(input, boxes, output_size, spatial_scale=1.0, sampling_ratio=-1):
        h, w = spread(output_size, 2, "output_size")
        need(
            input.shape[1] % (h * w) == 0,
            "{arrived:channels} cannot be shared out over {wanted:places}",
            arrived=input.shape[1],
            wanted=h * w,
        )
        return (_regions(boxes), input.shape[1] // (h * w), h, w)


@rule("torchvision.ops.box_iou", "torchvision.ops.generalized_box_iou")
class BoxIoU(_Pool):
    """How far each box covers each of the others."""

    @staticmethod
    def shape(boxes1, boxes2):
        return (boxes1.shape[0], boxes2.shape[0])
