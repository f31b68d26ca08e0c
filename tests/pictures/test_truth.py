"""What a picture says is read back from its file and compared with PyTorch's own eager run, for 200 random networks."""

from __future__ import annotations

import random
import re
from math import ceil, floor
from xml.etree import ElementTree

import pytest

from whyshape.api import explain

torch = pytest.importorskip("torch")
nn = torch.nn


def network(seed: int):
    """A random chain of convolutions and pools on a random image, with a head; only layers that fit."""
    pick = random.Random(seed)
    shape = (1, pick.randint(1, 4), pick.randint(9, 24), pick.randint(9, 24))
    layers, x = [], torch.zeros(shape)
    for _ in range(pick.randint(2, 8)):
        layer = one(pick, x.shape[1]).eval()
        try:
            made = layer(x)
        except RuntimeError:
            continue  # does not fit on what is left of the image
        if 0 < made.numel() <= 20_000:
            layers, x = [*layers, layer], made
    layers += [nn.Flatten(), nn.Linear(x[0].numel(), pick.randint(1, 12))]
    return nn.Sequential(*layers).eval(), shape


def one(pick: random.Random, channels: int) -> nn.Module:
    """A random layer for so many maps."""
    k, s, p, d = pick.randint(1, 4), pick.randint(1, 3), pick.randint(0, 2), pick.randint(1, 2)
    wide, high = pick.choice((1, 2, 6, 14)), pick.random() < 0.3
    match pick.choice(("conv", "conv", "max", "avg", "up", "relu", "norm")):
        case "conv":
            return nn.Conv2d(channels, wide, k, s, p, d)
        case "max":
            return nn.MaxPool2d(k, s, min(p, k // 2), ceil_mode=high)
        case "avg":
            return nn.AvgPool2d(k, s, min(p, k // 2), ceil_mode=high)
        case "up":
            return nn.ConvTranspose2d(channels, wide, k, s, min(p, k - 1))
        case "norm":
            return nn.BatchNorm2d(channels)
    return nn.ReLU()


def eager(model, shape) -> dict[str, tuple[int, ...]]:
    """The result of every layer without its batch, by PyTorch's own kernels."""
    shapes, x = {"input": tuple(shape[1:])}, torch.zeros(shape)
    for name, layer in model.named_children():
        x = layer(x)
        shapes[name] = tuple(x.shape[1:])
    return shapes


def words(svg: bytes):
    """The picture's texts with their places, and its description."""
    root = ElementTree.fromstring(svg)
    name = "{http://www.w3.org/2000/svg}"
    found = [(float(t.get("x")), float(t.get("y")), t.text, t.get("font-weight") == "bold") for t in root.iter(f"{name}text")]
    return found, root.find(f"{name}desc").text


@pytest.fixture(scope="module", params=[40, pytest.param(200, marks=pytest.mark.full)], ids="{} networks".format)
def asked(request):
    pairs = [network(seed) for seed in range(request.param)]
    return [(model, shape, explain(model, shape)) for model, shape in pairs]


def test_the_architecture_shows_what_pytorch_makes(asked):
    """Over each name stand PyTorch's maps and places; the description is PyTorch's chain of sizes."""
    shown = 0
    for model, shape, answer in asked:
        made = eager(model, shape)
        found, told = words(answer.figure("arch"))
        names = [(x, y, text) for x, y, text, bold in found if bold and text in made]
        assert ("0" in {text for _, _, text in names}) or made["0"] == made["input"]
        for x, y, name in names:
            near = [text for a, b, text, bold in found if a == x and y - 100 < b < y and not bold]
            size = made[name]
            many = size[0]
            counted = f"{many:,} {'map' if len(size) > 1 else 'number'}{'' if many == 1 else 's'}"
            assert counted in near, (model, name)
            assert len(size) == 1 or "x".join(map(str, size[1:])) in near, (model, name)
            shown += 1
        chain = []
        for size in made.values():
            text = "x".join(map(str, size))
            if not chain or chain[-1] != text:
                chain.append(text)
        assert told.partition(". ")[0] == " -> ".join(chain), model
    assert shown > 3 * len(asked)


def test_the_table_counts_what_pytorch_holds_and_multiplies(asked):
    """Learned numbers are PyTorch's parameters; multiply-adds are counted here from PyTorch's shapes, kernel by kernel."""
    for model, shape, answer in asked:
        made, macs, before = eager(model, shape), 0, shape[1:]
        for name, layer in model.named_children():
            cells = torch.Size(made[name]).numel()
            if isinstance(layer, nn.Conv2d):
                macs += cells * layer.weight[0].numel()
            elif isinstance(layer, nn.ConvTranspose2d):
                macs += torch.Size(before).numel() * layer.weight[0].numel()
            elif isinstance(layer, nn.Linear):
                macs += layer.weight.numel()
            before = made[name]
        learned = sum(p.numel() for p in model.parameters())
        found, _ = words(answer.figure("arch", style="table"))
        last = max(y for _, y, _, _ in found)
        assert [text for _, y, text, _ in found if y == last] == ["total", f"{learned:,}", f"{macs:,}"], model


def test_the_formula_under_a_convolution_comes_to_what_pytorch_makes(asked):
    """The formula is evaluated as it stands in the picture."""
    checked = 0
    for model, shape, answer in asked:
        made = eager(model, shape)
        for name, layer in model.named_children():
            if not isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.MaxPool2d)) or checked > 2 * len(asked):
                continue
            _, told = words(answer.figure("conv", layer=name))
            for axes, formula, value in re.findall(r"(height and width|height|width): (.+?) = (\d+)\.", told):
                assert eval(formula, {"floor": floor, "ceil": ceil, "min": min, "max": max, "__builtins__": {}}) == int(value), (
                    model,
                    formula,
                )
                for i, axis in ((1, "height"), (2, "width")):
                    assert axis not in axes or made[name][i] == int(value), (model, name)
                checked += 1
    assert checked > len(asked)


def test_the_receptive_field_is_what_gradients_reach(asked):
    """With all weights 1, the gradient of a layer's middle cell is not zero on the cells it sees, and on no others."""
    checked = 0
    for model, shape, answer in asked:
        try:
            _, told = words(answer.figure("rf"))
        except Exception as error:
            assert "every cell sees one cell" in str(error), model
            continue
        said = dict(re.findall(r"(\d+) sees ((?:at most )?\d+ x \d+)", told))
        x = torch.ones(shape, dtype=torch.float64, requires_grad=True)
        out = x
        for name, layer in model.named_children():
            if out.dim() == 2:
                break
            out = spread(layer)(out)
            if name in said:
                middle = tuple(n // 2 for n in out.shape)
                (seen,) = torch.autograd.grad(out[middle], x, retain_graph=True)
                rows, columns = (seen[0].sum(0).sum(axis).nonzero().flatten() for axis in (1, 0))
                h, w = (int(n.max() - n.min()) + 1 for n in (rows, columns))
                exact = said[name] == f"{h} x {w}"
                assert exact or (said[name].startswith("at most") and all(a >= b for a, b in zip(map(int, re.findall(r"\d+", said[name])), (h, w)))), (
                    model, name, said[name], (h, w))  # fmt: skip
                checked += exact
    assert checked > len(asked)


def spread(layer):
    """The layer with every number it reads counted: weights of 1, an average for a largest, no cut below zero."""
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        plain = type(layer)(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding, dilation=layer.dilation)
        nn.init.ones_(plain.weight)
        nn.init.zeros_(plain.bias)
        return plain.double()
    if isinstance(layer, nn.MaxPool2d):
        return nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding, ceil_mode=layer.ceil_mode)
    return nn.Identity() if isinstance(layer, (nn.ReLU, nn.BatchNorm2d)) else layer
