"""Published models: the set against PyTorch's own forward (on empty tensors: shapes, no numbers), and against `torch.export`."""

import random
import warnings

import pytest
import torch
from designs import DESIGNS
from networks import runs
from test_accepts import UNet, View
from torch import nn

from whyshape.analyses.accepts import accepts
from whyshape.lab.network import ThreadNet
from whyshape.readers.again import again

SHAPE = (1, 3, "H", "W")


def model_of(name):
    kind, _, rest = name.partition(":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "timm":
            import timm

            model = timm.create_model(rest)
        else:
            import torchvision.models as zoo

            found = getattr(zoo.segmentation if kind == "segmentation" else zoo, rest)
            model = found(weights=None, weights_backbone=None) if kind == "segmentation" else found(weights=None)
    return model.to("meta").eval()


@torch.no_grad()
def runs_on_meta(model, h, w):
    try:
        model(torch.empty(1, 3, h, w, device="meta"))
    except (RuntimeError, ValueError, AssertionError, IndexError, ZeroDivisionError):
        return False
    return True


def suspects(found, seed, many):
    """Sizes up to 300: random ones, the smallest member, members near random sizes, and the neighbours of each."""
    chance = random.Random(seed)
    sizes = {(chance.randint(1, 300), chance.randint(1, 300)) for _ in range(many)}
    inside = [found.smallest(), *(found.nearest(H=chance.randint(1, 300), W=chance.randint(1, 300)) for _ in range(many))]
    for at in inside:
        if at and max(at.values()) <= 300:
            h, w = at["H"], at["W"]
            sizes |= {(h, w), (h + 1, w), (h, w + 1), (max(1, h - 1), w), (h, max(1, w - 1))}
    return sorted(sizes)


def compare(name, seed, many):
    model = model_of(name)
    found = accepts(again(model, [SHAPE]), SHAPE)
    assert found.proved, found
    assert [s for s in suspects(found, seed, many) if found.contains(H=s[0], W=s[1]) != runs_on_meta(model, *s)] == []
    return str(found).splitlines()[0]


@pytest.mark.parametrize(
    "name, said",
    [
        ("torchvision:alexnet", "H and W at least 63"),
        ("torchvision:squeezenet1_1", "H and W at least 17"),
        ("torchvision:resnet18", "any size"),
        ("torchvision:vit_b_16", "H and W 224"),
        ("timm:levit_128s", "H and W 209..224; or H 1..16, W 3121..3136, either way round; or H 17..32, W 1553..1568, either way round; "
         "or H 49..64, W 769..784, either way round; or H 97..112, W 433..448, either way round"),
    ],
)  # fmt: skip
def test_a_few(name, said):
    """What is said of well-known models, and that PyTorch runs exactly that."""
    assert compare(name, 0, 3) == said


FULL = [
    "torchvision:vgg11",
    "torchvision:densenet121",
    "torchvision:shufflenet_v2_x1_0",
    "torchvision:mnasnet0_5",
    "torchvision:mobilenet_v2",
    "torchvision:mobilenet_v3_large",
    "torchvision:efficientnet_b0",
    "torchvision:regnet_y_400mf",
    "torchvision:convnext_tiny",
    "torchvision:swin_t",
    "torchvision:swin_v2_t",
    "torchvision:maxvit_t",
    "segmentation:deeplabv3_resnet50",
    "segmentation:fcn_resnet50",
    "segmentation:lraspp_mobilenet_v3_large",
    "timm:vit_tiny_patch16_224",
    "timm:swin_tiny_patch4_window7_224",
    "timm:mixer_s32_224",
    "timm:mobilevit_s",
    "timm:coat_tiny",
    "timm:xcit_nano_12_p16_224",
    "timm:convnext_atto",
    "timm:pit_ti_224",
    "timm:poolformer_s12",
    "timm:efficientnet_lite0",
    "timm:maxvit_rmlp_pico_rw_256",
]


@pytest.mark.full
@pytest.mark.parametrize("name", FULL)
def test_many(name):
    """Classification, segmentation and fixed-size models, at 100 sizes and more up to 300 each."""
    compare(name, 1, 20)


EVERY = [
    "torchvision:alexnet", "torchvision:squeezenet1_1", "torchvision:vgg11", "torchvision:resnet18", "torchvision:mnasnet0_5",
    "torchvision:vit_b_16", "timm:mixer_s32_224", "timm:pit_ti_224", "timm:convnext_atto", "timm:poolformer_s12", "timm:vit_tiny_patch16_224",
]  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("name", EVERY)
def test_every_size(name):
    """Every size from 1 to 300 along each axis, the other at an accepted size, and every square."""
    model = model_of(name)
    found = accepts(again(model, [SHAPE]), SHAPE)
    at = found.nearest(H=224, W=224)
    sizes = {(n, n) for n in range(1, 301)} | {(n, at["W"]) for n in range(1, 301)} | {(at["H"], n) for n in range(1, 301)}
    assert [s for s in sorted(sizes) if found.contains(H=s[0], W=s[1]) != runs_on_meta(model, *s)] == []


EXPORTED = {
    "U-Net": (UNet(3, nn.MaxPool2d(2)), (64, 64)),
    "adaptive": (nn.Sequential(nn.Conv2d(3, 4, 5, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)), (33, 40)),
    "tower": (nn.Sequential(nn.Conv2d(3, 2, 5, 2, 1), nn.MaxPool2d(3, 2, 1), nn.Conv2d(2, 2, 3)), (60, 61)),
    "up": (nn.Sequential(nn.Conv2d(3, 2, 3, 2), nn.Upsample(scale_factor=2), nn.ConvTranspose2d(2, 1, 4, 2, 1)), (31, 32)),
    "shuffle": (nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 4, 3), nn.PixelShuffle(2)), (32, 48)),
    "padded": (nn.Sequential(nn.ReplicationPad2d(2), nn.Conv2d(3, 2, 7)), (30, 34)),
    "ASPP": (nn.Sequential(nn.Conv2d(3, 1, 1), DESIGNS["ASPP"]), (45, 64)),
    "FPN": (nn.Sequential(nn.Conv2d(3, 1, 1), DESIGNS["FPN to size"]), (64, 80)),
    "masks": (nn.Sequential(nn.Conv2d(3, 1, 1), DESIGNS["masks"]), (32, 48)),
    "pyramid": (nn.Sequential(nn.Conv2d(3, 1, 1), DESIGNS["pyramid"]), (32, 48)),
    "the thread's": (nn.Sequential(nn.Conv2d(3, 1, 1), ThreadNet()), (28, 28)),
    "view(-1, 320)": (nn.Sequential(nn.Conv2d(3, 1, 1), View()), (28, 28)),
}


@pytest.mark.parametrize("name", [n if n in ("adaptive", "tower", "masks") else pytest.param(n, marks=pytest.mark.full) for n in EXPORTED])
def test_never_narrower_than_the_exporter(name):
    """Where `torch.export` gives a program for free sizes, every size its program runs at is in the set."""
    model, start = EXPORTED[name]
    channels = 3
    from torch.export import Dim, export

    model = model.eval()
    x = torch.zeros(2, channels, *start)
    found = accepts(again(model, [(2, channels, "H", "W")]), (2, channels, "H", "W"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = export(model, (x,), dynamic_shapes=({2: Dim.AUTO, 3: Dim.AUTO},)).module()
    sizes = [(h, w) for h in (*range(1, 100, 13), 28, 31, 32, 64, 96) for w in (16, 28, 30, 32, 64, 77)]
    assert any(runs(program, 2, channels, *s) for s in [*sizes, start])
    assert [s for s in sizes if runs(program, 2, channels, *s) and not found.contains(H=s[0], W=s[1])] == []
