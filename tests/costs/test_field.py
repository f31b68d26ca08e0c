"""Receptive fields: against gradients of real runs, and against the published table."""

from __future__ import annotations

import warnings
from fractions import Fraction
from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyshape.analyses.field import fields, padding_share, window
from whyshape.analyses.looks import table_of
from whyshape.errors import WhyshapeError
from whyshape.readers.torch import read


def smooth(model):
    """Every weight positive, every statistic neutral: a gradient is zero only where nothing is seen."""
    model.double().eval()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_((torch.rand_like(p) + 0.5) / (p[0].numel() if p.dim() > 1 else 2))
            p.requires_grad_(False)
        for module in model.modules():
            if getattr(module, "running_var", None) is not None:
                module.running_var.fill_(1.0)
                module.running_mean.fill_(0.0)
    return model


def average(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Stands for `max_pool2d`: a maximum sends its gradient to one cell only; its window is the average's."""
    if dilation in (1, (1, 1)):
        return F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode)
    ones = torch.ones(x.shape[1], 1, kernel_size, kernel_size, dtype=x.dtype)
    return F.conv2d(x, ones, None, stride, padding, dilation, x.shape[1])


def seen_by_gradient(y, x, cell):
    """The rows and columns of the input that one place of the output depends on."""
    (grad,) = torch.autograd.grad((y[(0, slice(None), *cell)] * torch.arange(1, y.shape[1] + 1)).sum(), x, retain_graph=True)
    touched = (grad[0] != 0).any(0)
    return set(touched.any(1).nonzero()[:, 0].tolist()), set(touched.any(0).nonzero()[:, 0].tolist())


def check(model, shape, path="", cells=None):
    """Each cell's exact window, along both axes, at the output of the module at ``path``."""
    model = smooth(model)
    graph = read(model, shape, dtypes=["float64"], mode="eval")
    assert graph.problem is None, graph.problem
    got = {}
    handle = model.get_submodule(path).register_forward_hook(lambda module, args, out: got.update(out=out))
    x = (torch.rand(shape, dtype=torch.double) + 0.5).requires_grad_()
    with patch.object(F, "max_pool2d", average):
        model(x)
    handle.remove()
    y = got["out"]
    tensor = [c for c in graph.calls if c.path == path][-1].outputs[0]
    height, width = y.shape[-2:]
    for cell in cells or ((height // 2, width // 2), (0, 0), (height - 1, width // 3)):
        seen = window(graph, tensor, (0, None, *cell))
        assert (seen[2].cells, seen[3].cells) == seen_by_gradient(y, x, cell), cell
        assert seen[2].exact and seen[3].exact
    return graph, tensor


def field(graph, tensor):
    node = next(n for n in graph.nodes if tensor in n.outputs)
    return fields(graph).of(node)[2]


class Two(nn.Module):
    """Two paths to one place."""

    def __init__(self, a, b, join=torch.add):
        super().__init__()
        self.a, self.b, self.join = a, b, join

    def forward(self, x):
        return self.join(self.a(x), self.b(x))


class Call(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.run = run

    def forward(self, x):
        return self.run(x)


SMALL = {
    "conv": nn.Conv2d(2, 3, 5), "dilated with a gap": nn.Conv2d(2, 3, 3, dilation=3, padding=1), "strided": nn.Conv2d(2, 3, 3, 2, 1),
    "same, even kernel": nn.Conv2d(2, 3, 4, padding="same"), "grid of a dilated tower": nn.Sequential(*[nn.Conv2d(2, 2, 3, dilation=2) for _ in range(3)]),
    "transposed": nn.ConvTranspose2d(2, 3, 3, 2, 1, 1), "transposed, wide steps": nn.ConvTranspose2d(2, 3, 2, 3),
    "transposed then conv": nn.Sequential(nn.ConvTranspose2d(2, 2, 4, 2, 1), nn.Conv2d(2, 2, 3, 2)),
    "pool with ceil": nn.MaxPool2d(3, 2, ceil_mode=True), "adaptive pool that does not divide": nn.AdaptiveAvgPool2d(5), "global pool": nn.AdaptiveAvgPool2d(1),
    "adaptive pool that grows": nn.AdaptiveAvgPool2d(20), "nearest": nn.Upsample(scale_factor=2), "nearest to an odd size": nn.Upsample(size=29),
    "bilinear": nn.Upsample(scale_factor=2, mode="bilinear"), "bilinear down": nn.Upsample(size=7, mode="bilinear"),
    "bilinear, corners aligned": nn.Upsample(size=19, mode="bilinear", align_corners=True), "pixel shuffle": nn.Sequential(nn.Conv2d(2, 8, 3), nn.PixelShuffle(2)),
    "pixel unshuffle": nn.PixelUnshuffle(2), "reflect": nn.Conv2d(2, 3, 5, padding=2, padding_mode="reflect"),
    "replicate": nn.Conv2d(2, 3, 5, padding=2, padding_mode="replicate"), "circular": nn.Conv2d(2, 3, 5, padding=2, padding_mode="circular"),
    "zero pad on one side": nn.Sequential(nn.ZeroPad2d((0, 3, 1, 0)), nn.Conv2d(2, 3, 3)),
    "a gate": Two(nn.Conv2d(2, 2, 3, padding=1), nn.AdaptiveAvgPool2d(1), torch.mul), "a skip": Two(nn.Conv2d(2, 2, 5, padding=2), nn.Identity()),
    "joined maps": Two(nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 7, padding=3), lambda a, b: torch.cat([a, b], 1)),
    "joined places": Call(lambda x: torch.cat([x, x[:, :, 3:]], 2)), "a slice": Call(lambda x: F.avg_pool2d(x[:, :, 2:, 1::2], 3)),
    "a crop by pad": Call(lambda x: F.pad(x, (-2, -1, -3, 0))), "rolled": Call(lambda x: torch.roll(x, (3, -2), (2, 3))),
    "turned": Call(lambda x: F.avg_pool2d(x.transpose(2, 3), (3, 2))), "a mean over rows": Call(lambda x: x * x.mean(2, keepdim=True)),
    "layer norm of the channels": Call(lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (2,)).permute(0, 3, 1, 2)), "softmax along rows": Call(lambda x: x.softmax(2)),
    "halves of the channels": Call(lambda x: torch.cat([F.avg_pool2d(c, 3, 1, 1) for c in x.chunk(2, 1)], 1)), "group norm": nn.GroupNorm(1, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.filterwarnings("ignore:Using padding")
def test_exact_windows(name):
    """The cells a gradient reaches are the cells we name: gaps, borders and both axes included."""
    torch.manual_seed(1)
    check(SMALL[name], (1, 2, 14, 18))


REDUCTIONS = "sum mean amax amin max min prod std var norm logsumexp any all argmax argmin nansum nanmean median var_mean std_mean"


@pytest.mark.parametrize("name", REDUCTIONS.split())
def test_a_reduction_of_the_channels_leaves_every_place_where_it_was(name):
    """What is made of the channels of one place is made of that place alone."""
    graph = read(Call(lambda x: getattr(torch, name)(x, dim=1)), (1, 2, 5, 6), mode="eval")
    seen = window(graph, graph.outputs[0], (0, 3, 4))
    assert (seen[2].cells, seen[3].cells) == ({3}, {4})


@pytest.mark.parametrize(
    "layers, size, stride, start",
    [
        ([nn.Conv2d(1, 1, 5)], 5, 1, 0),
        ([nn.Conv2d(1, 1, 5), nn.MaxPool2d(2), nn.Conv2d(1, 1, 5), nn.MaxPool2d(2)], 16, 4, 0),  # the thread's network
        ([nn.Conv2d(1, 1, 3, dilation=2, padding=2)], 5, 1, -2),
        ([nn.Conv2d(1, 1, 3, 2, 1), nn.Conv2d(1, 1, 3, 2, 1)], 7, 4, -3),
        ([nn.Conv2d(1, 1, 2, 2), nn.ConvTranspose2d(1, 1, 2, 2)], 2, 1, -1),
    ],
)
def test_one_window_for_the_whole_layer(layers, size, stride, start):
    """Size, stride and start of the window, the edges aside."""
    graph, tensor = check(nn.Sequential(*layers), (1, 1, 40, 44))
    found = field(graph, tensor)
    assert (found.size, found.stride, found.start) == (size, stride, start)


def test_paths_that_are_not_centred_alike_are_said_to_be():
    shifted = Two(nn.Conv2d(1, 1, 3, padding=1), nn.Sequential(nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(1, 1, 2)))
    graph, tensor = check(shifted, (1, 1, 12, 12))
    assert not field(graph, tensor).aligned and field(graph, tensor).size == 3


def test_a_gate_sees_the_whole_image_and_the_path_beside_it_its_window():
    graph, tensor = check(Two(nn.Conv2d(1, 1, 3, padding=1), nn.AdaptiveAvgPool2d(1), torch.mul), (1, 1, 12, 12))
    found = field(graph, tensor)
    assert found.whole and (found.size, found.stride, found.start) == (3, 1, -1)


def test_share_of_padding():
    """The corner of two padded 3x3 convolutions sees 2 of its 5 rows in padding."""
    graph, tensor = check(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)), (1, 1, 12, 12))
    found = field(graph, tensor)
    assert [padding_share(found, cell, 12) for cell in (0, 1, 2, 11)] == [Fraction(2, 5), Fraction(1, 5), 0, Fraction(2, 5)]


def test_a_cell_that_is_not_there_is_refused():
    graph = read(nn.Conv2d(1, 1, 3), (1, 1, 8, 8))
    with pytest.raises(WhyshapeError) as refused:
        window(graph, graph.outputs[0], (0, 0, 6, 0))
    assert str(refused.value) == "cell 0, 0, 6, 0 is not in a tensor of 1x1x6x6; cells are counted from 0"


LAST = {
    "layer4": "resnet resnext wide", "features": "vgg alexnet densenet squeezenet mobilenet efficientnet convnext", "layers": "mnasnet",
    "conv5": "shufflenet", "inception5b": "googlenet", "Mixed_7c": "inception_v3", "trunk_output": "regnet",
}  # fmt: skip
ZOO = """alexnet vgg11 vgg13_bn vgg16 vgg19 resnet18 resnet34 resnet50 resnet101 resnext50_32x4d wide_resnet50_2 densenet121 densenet161
    densenet169 squeezenet1_0 squeezenet1_1 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large efficientnet_b0 efficientnet_b1
    efficientnet_v2_s mnasnet0_5 mnasnet1_0 shufflenet_v2_x0_5 shufflenet_v2_x1_0 googlenet inception_v3 regnet_x_400mf regnet_y_400mf
    convnext_tiny convnext_small"""


def torchvision_model(name):
    from torchvision.models import get_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return get_model(name, **({"init_weights": False} if name in ("googlenet", "inception_v3") else {}))


def last_maps(name):
    return next(path for path, names in LAST.items() if name.startswith(tuple(names.split())))


@pytest.mark.parametrize("name", ["squeezenet1_1", "shufflenet_v2_x0_5"])
def test_zoo_sample(name):
    check(torchvision_model(name), (1, 3, 96, 112), last_maps(name))


@pytest.mark.full
@pytest.mark.parametrize("name", ZOO.split())
def test_zoo(name):
    """Thirty and more networks, at their last maps: exact against gradients."""
    side = 192 if name.startswith(("inception", "alexnet", "vgg")) else 128
    check(torchvision_model(name), (1, 3, side, side + 16), last_maps(name))


# network, last maps, window, stride, padding: torchvision's by name, timm's with their number of maps left on
TABLE = [
    ("vgg11", "features", 150, 32, 59), ("vgg16", "features", 212, 32, 90), ("alexnet", "features", 195, 32, 66), ("resnet18", "layer4", 435, 32, 217),
    ("resnet34", "layer4", 899, 32, 449), ("resnet50", "layer4", 427, 32, 213), ("resnet101", "layer4", 971, 32, 485), ("resnet152", "layer4", 1451, 32, 725),
    ("inception_v3", "Mixed_7c", 1311, 32, 618), ("mobilenet_v2", "features", 491, 32, 245),
    ("timm:inception_v4", "features", 2071, 32, 998), ("timm:inception_resnet_v2", "conv2d_7b", 3039, 32, 1482), ("timm:mobilenetv1_100", "blocks", 315, 32, 157),
]  # fmt: skip


@pytest.mark.parametrize("name, path, size, stride, padding", TABLE, ids=[row[0] for row in TABLE])
def test_published_table(name, path, size, stride, padding):
    """Araujo, Norris and Sim's table; ResNets by torchvision's own arrangement, whose stride sits in the 3x3 (their slim nets have 483 for 427)."""
    with torch.device("meta"):
        if name.startswith("timm:"):
            import timm

            model = timm.create_model(name[5:])
        else:
            model = torchvision_model(name)
    graph = read(model, (1, 3, 299, 299), mode="eval")
    tensor = [c for c in graph.calls if c.path == path][-1].outputs[0]
    found = field(graph, tensor)
    assert (found.size, found.stride, -found.start, found.aligned, found.exact) == (size, stride, padding, True, True)


class TwoPaths(nn.Module):
    """A map flattened twice."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, stride=2)

    def forward(self, x):
        x = self.conv(x)
        return x.flatten(1) + x.mul(2).flatten(1)


def test_flatten_keeps_the_window_and_a_linear_layer_sees_all():
    """A cell of a flattened map has the window it had, exactly; the first layer that reads all of them sees the whole image."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.Flatten(), nn.ReLU(), nn.Linear(18, 4), nn.ReLU())
    graph = read(net, (1, 1, 8, 8))
    found = [list(fields(graph).of(node).values()) for node in graph.nodes]
    for flat in found[1:3]:
        assert [(f.size, f.whole, f.exact, f.axis, f.along) for f in flat] == [(3, False, True, None, -1)] * 2
    for linear in found[3:]:
        assert [(f.whole, f.exact, f.along) for f in linear] == [(True, True, None)] * 2
    shown = [line.split() for line in str(table_of(graph)).splitlines()]
    assert ["1", "flatten", "3"] in shown and ["3", "linear", "whole", "image"] in shown
    for cell in range(18):  # every one of them has a window of three, and PyTorch's gradient lies in it
        x = torch.zeros(1, 1, 8, 8, requires_grad=True)
        net[1](net[0](x))[0, cell].backward()
        rows, columns = (sorted(set(at.tolist())) for at in x.grad[0, 0].nonzero(as_tuple=True))
        seen = window(graph, graph.nodes[1].outputs[0], (0, cell))
        assert (sorted(seen[2].cells), sorted(seen[3].cells)) == (rows, columns) and len(rows) == len(columns) == 3


def test_flattened_paths_of_one_window_meet():
    """Two ways to the same cells are one; two flattened windows of different sizes are at most the whole image."""
    same, other = read(TwoPaths(), (1, 1, 8, 8)), read(Differing(), (1, 1, 8, 8))
    assert [(f.size, f.along, f.exact) for f in fields(same).of(same.nodes[-1]).values()] == [(3, -1, True)] * 2
    assert [(f.whole, f.exact) for f in fields(other).of(other.nodes[-1]).values()] == [(True, False)] * 2


class Differing(nn.Module):
    def __init__(self):
        super().__init__()
        self.small, self.large = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(1, 2, 5, padding=2)

    def forward(self, x):
        return self.small(x).flatten(1) + self.large(x).flatten(1)


def test_paths_beside_each_other_have_several_centres():
    """The column and its legend are there only where they tell something."""

    class Lopsided(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.pad = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(1, 4, 2), nn.ZeroPad2d((0, 1, 0, 1))

        def forward(self, x):
            return self.a(x) + self.b(self.pad(x))

    shown = str(table_of(read(Lopsided(), (1, 1, 28, 28))))
    assert [line.split()[-1] for line in shown.splitlines()[4:8]] == ["one", "one", "one", "several"]
    assert "Several centres: paths that meet there look at places beside each other" in shown
    plain = str(table_of(read(nn.Conv2d(1, 4, 3), (1, 1, 28, 28))))
    assert "centres" not in plain
