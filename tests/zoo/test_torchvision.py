"""Every model of torchvision: shapes equal PyTorch's, parameters equal, nothing measured but what is listed with its reason."""

from __future__ import annotations

import warnings

import pytest
import torch
import torchvision
from torchvision.models import detection, get_model, list_models, optical_flow, video
from torchvision_ops import present

from whyshape.analyses.parameters import parameters
from whyshape.readers.torch import read
from whyshape.readers.torch.forward import follow, meta_copy, stand_ins
from whyshape.readers.torch.untouched import walk

NAMES = list_models()
DETECTORS = list_models(module=detection)
VIDEO, FLOW = list_models(module=video), list_models(module=optical_flow)
QUICK = ["resnet18", "vit_b_32", "lraspp_mobilenet_v3_large", "swin3d_t"]
# What no rule explains, with its reason: in detectors the values decide how many boxes there are.
MEASURED = {
    "nms": "which boxes overlap",
    "where": "with a condition alone: the places where it is true",
    "Tensor.__getitem__": "under a mask: as many as it holds",
    "nonzero": "the places of what is not zero",
    "unique": "how many numbers differ",
}

# What an untrained detector would take for hundreds of boxes, and images of 800 places, made few.
SCALED = {"min_size": 96, "max_size": 128}
ONE_LOOK = {"topk_candidates": 20, "detections_per_img": 10}
FEW = {
    "rcnn": SCALED | {"rpn_pre_nms_top_n_test": 40, "rpn_post_nms_top_n_test": 20, "box_detections_per_img": 10},
    "retinanet": SCALED | ONE_LOOK,
    "fcos": SCALED | ONE_LOOK,
    "ssd": ONE_LOOK,
}


def size(name: str):
    """An input the model takes."""
    if name in FLOW:
        return [(1, 3, 128, 136)] * 2
    if name in VIDEO:
        return (1, 3, 16, 224, 224) if name.startswith(("mvit", "s3d")) else (1, 3, 8, 112, 112)
    if name.startswith("vit"):
        return (2, 3, 518, 518) if name == "vit_h_14_518" else (2, 3, 224, 224)
    return (2, 3, 299, 299) if "inception" in name else (2, 3, 224, 224)


def built(name: str):
    """The model without weights, and without drawing random numbers where it can be made so."""
    settings = {"weights_backbone": None} if name in DETECTORS or name in list_models(module=torchvision.models.segmentation) else {}
    if "googlenet" in name or "inception" in name:
        settings["init_weights"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.device("meta"):
                return get_model(name, weights=None, **settings).eval()
        except (RuntimeError, NotImplementedError):  # a model that computes while it is made
            return get_model(name, weights=None, **settings).eval()


def outputs(value) -> list[tuple[int, ...]]:
    """The shapes of all tensors in a result, in order."""
    if isinstance(value, torch.Tensor):
        return [tuple(value.shape)]
    if isinstance(value, dict):
        value = list(value.values())
    return [s for part in value for s in outputs(part)] if isinstance(value, (tuple, list)) else []


def counted(graph, model):
    assert parameters(graph).total.value == sum(p.numel() for p in model.parameters())


def check(name: str) -> None:
    """Rules alone, and PyTorch's meta kernels beside every one of them."""
    model, shape = built(name), size(name)
    graph = read(model, shape)
    assert graph.problem is None
    assert {n.op: n.why for n in graph.nodes if n.by != "rule"} == {}
    counted(graph, model)
    args, kwargs = stand_ins(shape, None, None)
    tracer = follow(walk(meta_copy(model)), args, kwargs, execute=True).tracer
    assert tracer.differences == [] and tracer.refused is None
    assert tracer.checked > len(graph.nodes) // 2


def check_detector(name: str) -> None:
    """Values decide: followed on a copy with real numbers, where PyTorch's own run gives the same shapes."""
    torch.manual_seed(0)
    with warnings.catch_warnings(), present(), torch.no_grad():
        warnings.simplefilter("ignore")
        few = FEW[next(kind for kind in FEW if kind in name)]
        model = get_model(name, weights=None, weights_backbone=None, **few).eval()
        images = [torch.rand(3, 128, 160)]
        want = outputs(model(images))
        graph = read(model, input_data=(images,))
    assert graph.problem is None
    assert [tuple(graph.tensors[i].shape) for i in graph.outputs] == want
    assert {n.op for n in graph.nodes if n.by != "rule"} <= set(MEASURED)
    assert any("real numbers" in note for note in graph.notes)
    counted(graph, model)


@pytest.mark.parametrize("name", QUICK)
def test_a_sample(name):
    """A classifier, a transformer, segmentation and video."""
    check(name)


@pytest.mark.parametrize("name", ["ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_a_sample_of_detectors(name):
    """One that looks once, one that looks at regions."""
    check_detector(name)


@pytest.mark.full
@pytest.mark.parametrize("name", [n for n in NAMES if n not in QUICK])
def test_every_model(name):
    """All others."""
    (check_detector if name in DETECTORS else check)(name)


def test_there_are_121():
    """As many as this version of torchvision lists."""
    assert len(NAMES) == 121
