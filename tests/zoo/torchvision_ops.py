"""What torchvision computes in C++, in Python: its binary is not there beside a CPU build of PyTorch, and detectors cannot run without."""

from __future__ import annotations

import sys
from contextlib import contextmanager

import torch


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """The best box, then the best of those that overlap none kept by more than the threshold, and so on."""
    from torchvision.ops import box_iou

    order = scores.argsort(descending=True, stable=True)
    apart = box_iou(boxes[order], boxes[order]) <= iou_threshold
    left, kept = torch.ones(len(order), dtype=torch.bool), []
    for i in range(len(order)):
        if left[i]:
            kept.append(i)
            left &= apart[i]
    return order[kept]


def roi_align(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, aligned):
    """torchvision's own formula in Python, which it means for compilers."""
    from torchvision.ops.roi_align import _roi_align

    return _roi_align.__wrapped__(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, aligned)


_LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
_LIBRARY.define("roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width, "
                "int sampling_ratio, bool aligned) -> Tensor")  # fmt: skip
_LIBRARY.impl("roi_align", roi_align, "CPU")
_LIBRARY.impl("nms", nms, "CPU")


@contextmanager
def present():
    """Inside, torchvision takes its operators for loaded."""
    import torchvision

    asked = [sys.modules[name] for name in ("torchvision.extension", "torchvision.ops.roi_align") if name in sys.modules]
    assert torchvision.extension in asked
    before = [m._has_ops for m in asked]
    for m in asked:
        m._has_ops = lambda: True
    try:
        yield
    finally:
        for m, has in zip(asked, before):
            m._has_ops = has
