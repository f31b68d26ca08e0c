"""Published numbers of whole networks: torchvision's weights, timm's results, PyTorch's own counter."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from whyshape.analyses.operations import operations
from whyshape.analyses.parameters import parameters
from whyshape.readers.torch import read

TIMM = json.loads((Path(__file__).parent / "timm_published.json").read_text())["rows"]
SAMPLE = ("resnet18", "googlenet", "vit_b_32", "efficientnet_b0", "shufflenet_v2_x0_5", "swin_t")
# Where the published number is not what the model computes, and why.
EXPLAINED = {
    "vit_small_patch16_rope_mixed_ape_224": "its frequencies were a matrix product then and are a multiplication now",
    "convmixer_1536_20": "fvcore leaves out convolutions with padding='same'",
}


def built(name, **settings):
    """A torchvision classifier, on the meta device where it can be."""
    from torchvision.models import get_model

    if name in ("googlenet", "inception_v3"):
        settings["init_weights"] = False
    try:
        with torch.device("meta"):
            return get_model(name, **settings)
    except (RuntimeError, NotImplementedError):
        return get_model(name, **settings)


def weights(names=None):
    """Every ImageNet classification weight of torchvision, with its model's name."""
    import torchvision
    from torchvision.models import get_model_weights, list_models
    from torchvision.models._api import WeightsEnum  # noqa: F401

    return [(name, w) for name in names or list_models(module=torchvision.models) for w in get_model_weights(name)]


def check_torchvision(pairs):
    wrong = []
    for name, w in pairs:
        crop = w.transforms().crop_size[0]
        model = built(name, **({"image_size": crop} if name.startswith("vit") else {}))
        graph = read(model, (1, 3, crop, crop), mode="eval")
        macs, count = operations(graph).forward(), parameters(graph).total
        published = 13004888 if name == "googlenet" else w.meta["num_params"]  # published without its two auxiliary heads
        if macs.status != "complete" or round(macs.value / 1e9, 3) != w.meta["_ops"] or count.value != published:
            wrong.append((str(w), macs, w.meta["_ops"], count, published))
    return wrong


def test_torchvision_sample():
    """GMACs to three decimals, parameters exactly, for a few weights."""
    assert check_torchvision(weights(SAMPLE)) == []


@pytest.mark.full
def test_torchvision_every_weight():
    """All ImageNet weights of torchvision: GMACs to the printed three decimals, parameters exactly."""
    pairs = weights()
    assert len(pairs) >= 114
    assert check_torchvision(pairs) == []


def timm_counts(model, size):
    graph = read(model, (1, 3, size, size), mode="eval")
    assert graph.problem is None, graph.problem
    counted = operations(graph)
    gmacs = counted.forward("fvcore")
    assert gmacs.status == "complete", gmacs.missing
    return [round(parameters(graph).total.value / 1e6, 2), round(gmacs.value / 1e9, 2), round(counted.activations() / 1e6, 2)]


def create(name, size):
    import timm

    try:
        return timm.create_model(name, exportable=True, img_size=size)
    except TypeError:  # a network for every size
        return timm.create_model(name, exportable=True)


def check_timm(rows):
    """(equal as built, equal in the fused form that was published, neither)."""
    from timm.utils.model import reparameterize_model

    plain, fused, differ = [], [], []
    for name, size, *published in rows:
        with torch.device("meta"):
            model = create(name, size)
        got = timm_counts(model, size)
        if got == published:
            plain.append(name)
            continue
        before = len(list(model.parameters()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = reparameterize_model(create(name, size).eval())
        if len(list(model.parameters())) < before and timm_counts(model, size) == published:
            fused.append(name)
        else:
            differ.append((name, size, got, published))
    return plain, fused, differ


def test_timm_sample():
    """Parameters, GMACs (fvcore's convention) and activations to two decimals, for every sixteenth model below 12 million parameters."""
    rows = [row for row in TIMM if row[2] < 12][::16]
    plain, fused, differ = check_timm(rows)
    assert len(plain) + len(fused) >= 4 and not differ


@pytest.mark.full
def test_timm_at_least_97_percent():
    """At least 200 models: 97 % equal to two decimals, the others named with their reason."""
    plain, fused, differ = check_timm(TIMM)
    print(f"timm: {len(plain)} equal as built, {len(fused)} equal in the fused form that was published, {len(differ)} differ: {differ}")
    assert len(TIMM) >= 200 and len(plain) + len(fused) >= 0.97 * len(TIMM)
    assert {name for name, *_ in differ} <= set(EXPLAINED)


def test_fvcore_leaves_out_same_padding():
    """The published ConvMixer is short of exactly its depthwise convolutions, whose padding is spelled "same"."""
    with torch.device("meta"):
        model = create("convmixer_1536_20", 224)
    rows = operations(read(model, (1, 3, 224, 224), mode="eval")).rows
    left_out = [r.macs for r in rows if r.macs and "same" in r.node.args]
    published = next(row for row in TIMM if row[0] == "convmixer_1536_20")
    assert len(left_out) == 20 and round((sum(r.fvcore for r in rows) - sum(left_out)) / 1e9, 2) == published[3]


# -- PyTorch's own counter -----------------------------------------------------------------------------------------------
def flops_of_torch(model, shape):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(torch.zeros(shape, device="meta"))
    return counter.get_total_flops()


def check_counter(names, size=224):
    wrong = []
    for name in names:
        model = built(name)
        if any(not p.is_meta for p in model.parameters()):
            model = model.to("meta")
        side = 299 if name == "inception_v3" else size
        ours = operations(read(model, (2, 3, side, side), mode="eval")).forward("torch")
        theirs = flops_of_torch(model, (2, 3, side, side))
        if ours.value != theirs:
            wrong.append((name, ours, theirs))
    return wrong


@pytest.mark.filterwarnings("ignore")
def test_flop_counter_sample():
    """Equal to PyTorch's counter on the meta device, batch of two."""
    assert check_counter(["resnet18", "vit_b_32", "swin_t", "mobilenet_v2"]) == []


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_flop_counter_zoo():
    """Equal to PyTorch's counter on every torchvision classifier."""
    import torchvision
    from torchvision.models import list_models

    assert check_counter(list_models(module=torchvision.models)) == []


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_flop_counter_backward():
    """The backward pass too, on networks without groups: there the counter takes a grouped convolution's gradient for a full one."""
    for name in ("resnet18", "vgg11", "densenet121", "resnet34", "swin_t"):
        model = built(name).train()
        counted = operations(read(model, (2, 3, 224, 224), mode="train"))
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(2, 3, 224, 224, device="meta")).sum().backward()
        assert 2 * (counted.forward().value + counted.backward().value) == counter.get_total_flops(), name
