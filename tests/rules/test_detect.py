"""Regions of torchvision against its own functions, as far as they are written in Python, and against what its documentation says."""

from __future__ import annotations

import pytest
import torch
from torchvision.ops import boxes as box_functions
from torchvision.ops.roi_align import _roi_align as lazily_compiled

from whyshape.errors import DoesNotFit
from whyshape.rules import RULES, Made

BOXES = torch.tensor([[0.0, 0, 0, 4, 4], [1, 1, 1, 6, 7], [0, 2, 2, 5, 5]])
roi_align = lazily_compiled.__wrapped__
MAPS = torch.zeros(2, 8, 16, 16)


def shape(made):
    return tuple(made.shape if type(made) is Made else made)


@pytest.mark.parametrize("size", [7, (3, 2)])
def test_roi_align(size):
    """One map of the asked size for each box and channel."""
    height, width = (size, size) if isinstance(size, int) else size
    want = roi_align(MAPS, BOXES, 1.0, height, width, 2, False).shape
    assert shape(RULES["torchvision.ops.roi_align"].shape(MAPS, BOXES, size)) == tuple(want)
    per_image = [BOXES[:2, 1:], BOXES[2:, 1:]]
    assert shape(RULES["torchvision.ops.roi_align"].shape(MAPS, per_image, size)) == tuple(want)
    assert shape(RULES["torchvision.ops.roi_pool"].shape(MAPS, BOXES, size)) == tuple(want)


def test_position_sensitive():
    """Each of 2x2 places has channels of its own: 8 channels give 2."""
    assert shape(RULES["torchvision.ops.ps_roi_align"].shape(MAPS, BOXES, 2)) == (3, 2, 2, 2)
    with pytest.raises(DoesNotFit, match="8 channels cannot be shared out over 9 places"):
        RULES["torchvision.ops.ps_roi_align"].shape(MAPS, BOXES, 3)


def test_boxes_of_wrong_width():
    """A box in one table has five numbers: its image and its corners."""
    with pytest.raises(DoesNotFit, match="boxes of 5 numbers are wanted, 4 arrive"):
        RULES["torchvision.ops.roi_align"].shape(MAPS, BOXES[:, 1:], 7)


def test_box_iou():
    """Every box against every other."""
    a, b = BOXES[:, 1:], BOXES[:2, 1:]
    assert shape(RULES["torchvision.ops.box_iou"].shape(a, b)) == tuple(box_functions.box_iou(a, b).shape)
    assert shape(RULES["torchvision.ops.generalized_box_iou"].shape(a, b)) == tuple(box_functions.generalized_box_iou(a, b).shape)
