"""Which functions a rule answers: those of extensions too, from their import on."""

import subprocess
import sys

from torchvision.extension import _has_ops

LATE = """
import sys, torch, whyshape
from whyshape.readers.torch.names import entry_of
whyshape.explain(torch.nn.Linear(2, 2), (1, 2))  # the table has been asked before torchvision is there
held = torch.library.Library("torchvision", "DEF")
boxes, places = "(Tensor dets, Tensor scores, float iou_threshold)", "(Tensor x, Tensor rois, float scale, int h, int w, int ratio, bool aligned)"
for name, takes in (("nms", boxes), ("qnms", boxes), ("roi_align", places)):
    if "none" in sys.argv:  # else torchvision's compiled part defines them
        held.define(f"{name}{takes} -> Tensor")
import torchvision
print(entry_of(torch.ops.torchvision.roi_align).op)
"""


def test_torchvision_may_be_imported_late():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LATE, "" if _has_ops() else "none"], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "torch.ops.torchvision.roi_align", done.stderr[-500:]
