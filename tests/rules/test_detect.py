"""Regions of torchvision: its operators are written in C++; what they make is written down in its own shape functions, in Python."""

from __future__ import annotations

import pytest
import torch
from torchvision import _meta_registrations as theirs
from torchvision.ops.roi_align import _roi_align as lazily_compiled

from whyshape.errors import DoesNotFit
from whyshape.rules import RULES, Made

BOXES = torch.tensor([[0.0, 0, 0, 4, 4], [1, 1, 1, 6, 7], [0, 2, 2, 5, 5]])
MAPS = torch.zeros(2, 8, 16, 16)
o = torch.ones


def shapes(made, like):
    """Sizes and dtypes of the results."""
    made = made if type(made) is list else [made]
    parts = [m if type(m) is Made else Made(m, like.dtype) for m in made]
    return [(tuple(p.shape), str(p.dtype).removeprefix("torch.")) for p in parts]


CALLS = [
    ("roi_align", (MAPS, BOXES, 1.0, 7, 7, 2, False)),
    ("roi_align", (MAPS, BOXES, 0.5, 3, 2, -1, True)),
    ("roi_pool", (MAPS, BOXES, 1.0, 3, 2)),
    ("ps_roi_align", (MAPS, BOXES, 1.0, 2, 2, -1)),
    ("ps_roi_pool", (MAPS, BOXES, 1.0, 4, 2)),
    ("deform_conv2d", (o(2, 4, 9, 8), o(6, 2, 3, 2), o(2, 12, 5, 4), o(2, 6, 5, 4), o(6), 2, 2, 1, 0, 1, 1, 2, 1, True)),
]


@pytest.mark.parametrize("name, args", CALLS, ids=[f"{i} {name}" for i, (name, _) in enumerate(CALLS)])
def test_sizes_and_dtypes(name, args):
    """As torchvision's own shape function says."""
    made = getattr(theirs, f"meta_{name}")(*args)
    want = [(tuple(t.shape), str(t.dtype).removeprefix("torch.")) for t in (made if isinstance(made, tuple) else (made,))]
    assert shapes(RULES[f"torch.ops.torchvision.{name}"].shape(*args), args[0]) == want


def test_values():
    """torchvision's formula in Python makes the same sizes."""
    want = lazily_compiled.__wrapped__(MAPS, BOXES, 1.0, 7, 3, 2, False).shape
    assert RULES["torch.ops.torchvision.roi_align"].shape(MAPS, BOXES, 1.0, 7, 3, 2, False) == tuple(want)


@pytest.mark.parametrize(
    "name, args, sentence",
    [
        ("roi_align", (MAPS, BOXES[:, 1:], 1.0, 7, 7, 2, False), "boxes of 5 numbers are wanted, 4 arrive"),
        ("ps_roi_align", (MAPS, BOXES, 1.0, 3, 3, -1), "8 channels cannot be shared out over 9 places"),
        ("roi_align", (MAPS, BOXES.double(), 1.0, 7, 7, 2, False), "float64 numbers meet float32 ones, both must have the same dtype"),
    ],
)
def test_refusals(name, args, sentence):
    """Boxes of another width or dtype, channels that do not share out: refused by both."""
    with pytest.raises((RuntimeError, TypeError)):  # torchvision stumbles over its own message where channels do not share out
        getattr(theirs, f"meta_{name}")(*args)
    with pytest.raises(DoesNotFit) as refused:
        RULES[f"torch.ops.torchvision.{name}"].shape(*args)
    assert refused.value.sentence == sentence


def test_offsets_of_a_deformable_convolution():
    """Two numbers for each place of the kernel."""
    args = list(CALLS[-1][1])
    args[2] = o(2, 13, 5, 4)
    with pytest.raises(DoesNotFit, match=r"^offsets of 12 numbers are wanted, 13 arrive$"):
        RULES["torch.ops.torchvision.deform_conv2d"].shape(*args)
