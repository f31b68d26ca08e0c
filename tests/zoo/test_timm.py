"""Every timm model that constructs: shapes equal PyTorch's own on the meta device, parameters equal, nothing measured but what is listed."""

from __future__ import annotations

import pytest
import torch

from whyshape.analyses.parameters import parameters
from whyshape.readers.torch import read
from whyshape.readers.torch.follow import follow
from whyshape.readers.torch.forward import meta_copy, stand_ins
from whyshape.readers.torch.untouched import walk

timm = pytest.importorskip("timm")

QUICK = ["convnext_atto", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "efficientvit_b0", "mixer_s16_224", "ghostnet_050"]
# What no rule explains, with its reason.
MEASURED: dict[str, str] = {}
# Models that PyTorch itself cannot run on the meta device or build here, with what it says.
OUT_OF_REACH: dict[str, str] = {}


def checked(name: str) -> tuple[int, int]:
    """Trace one model and let PyTorch's meta kernels answer beside every rule: (operators, shapes compared)."""
    with torch.device("meta"):
        model = timm.create_model(name).eval()
    size = (2, *model.default_cfg["input_size"])
    graph = read(model, size)
    assert graph.problem is None, graph.problem
    measured = {n.op for n in graph.nodes if n.by != "rule"}
    assert measured <= set(MEASURED), measured
    assert parameters(graph).total.value == sum(p.numel() for p in model.parameters())
    args, kwargs = stand_ins(size, None, None)
    tracer = follow(walk(meta_copy(model)), args, kwargs, execute=True).tracer
    assert tracer.differences == [] and tracer.refused is None
    return len(graph.nodes), tracer.checked


@pytest.mark.parametrize("name", QUICK)
def test_a_sample(name):
    """One of each kind."""
    operators, compared = checked(name)
    assert compared > operators // 2


@pytest.mark.full
@pytest.mark.parametrize("name", timm.list_models())
def test_every_model(name):
    """All of them; those out of reach are listed with PyTorch's own words."""
    if name in OUT_OF_REACH:
        with pytest.raises(Exception, match=OUT_OF_REACH[name]):
            checked(name)
        return
    checked(name)
