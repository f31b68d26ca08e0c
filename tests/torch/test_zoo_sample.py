"""torchvision's classification networks: every shape equals PyTorch's, every node has a rule, the model is left as it was."""

from __future__ import annotations

import pytest
import torch
import torchvision

from whyshape import explain
from whyshape.readers.torch import read, verify

CLASSIFIERS = sorted(
    name for name in torchvision.models.list_models(module=torchvision.models) if not name.startswith(("inception", "quantized", "raft"))
)
QUICK = [
    "resnet50",
    "mobilenet_v3_small",
    "vit_b_16",
    "swin_t",
    "densenet121",
    "googlenet",
    "efficientnet_b0",
    "regnet_y_400mf",
    "maxvit_t",
]
SIZES = {"inception_v3": 299}
# Models whose constructor reads values and cannot stand on the meta device.
REAL = ("regnet", "googlenet", "inception", "vit_h", "swin", "maxvit", "efficientnet_v2", "convnext")


def build(name):
    device = "cpu" if name.startswith("regnet") else "meta"
    with torch.device(device):
        return torchvision.models.get_model(
            name, weights=None, **({"init_weights": False} if name.startswith(("googlenet", "inception")) else {})
        ).eval()


def agrees(name):
    model, size = build(name), SIZES.get(name, 224)
    graph = read(model, (2, 3, size, size))
    assert graph.problem is None
    assert [(n.op, n.path, n.why) for n in graph.nodes if n.by != "rule"] == []
    found = verify(model, (2, 3, size, size))
    assert found.differences == ()
    assert found.checked > len(graph.nodes) // 2
    return graph


@pytest.mark.parametrize("name", QUICK)
def test_shapes_equal_pytorch(name):
    """Rules and PyTorch's own meta kernels give the same shape for every result."""
    agrees(name)


@pytest.mark.full
@pytest.mark.parametrize("name", [*CLASSIFIERS, "inception_v3"])
def test_every_classifier(name):
    """The same for all of torchvision.models."""
    agrees(name)


def test_resnet50_as_json():
    """The issue's own bar: N free, parameters 25,557,032, no node without a rule, shapes equal to PyTorch's hooks."""
    model = build("resnet50")
    data = explain(model, ("N", 3, 224, 224), verify=True).to_dict()
    assert data["totals"]["params"] == {"value": 25_557_032, "status": "complete", "missing": []}
    assert {layer["by"] for layer in data["layers"]} == {"rule"}
    assert data["verified"]["differences"] == [] and data["verified"]["checked"] > 100
    assert data["inputs"][0]["shape"] == ["N", 3, 224, 224] and data["outputs"][0]["shape"] == ["N", 1000]
    seen = {}
    hooks = [
        m.register_forward_hook(lambda m, i, o, n=n: seen.__setitem__(n, tuple(o.shape)))
        for n, m in model.named_modules()
        if not list(m.children())
    ]
    with torch.no_grad():
        model(torch.empty(1, 3, 224, 224, device="meta"))
    for hook in hooks:
        hook.remove()
    last = {layer["path"]: tuple(layer["outputs"][0].get("at", layer["outputs"][0]["shape"])) for layer in data["layers"]}
    checked = {name: shape for name, shape in seen.items() if name in last and "relu" not in name}
    assert {name: last[name] for name in checked} == checked and len(checked) > 100
