"""The models the measurements speak of: torchvision's, on the meta device, and a chain of plain convolutions."""

from __future__ import annotations

import torch

NAMES = {
    "ResNet-50": ("resnet50", 224),
    "ResNet-152": ("resnet152", 224),
    "DenseNet-201": ("densenet201", 224),
    "EfficientNet-B7": ("efficientnet_b7", 600),
    "ConvNeXt-L": ("convnext_large", 224),
    "ViT-B/16": ("vit_b_16", 224),
    "Swin-T": ("swin_t", 224),
}
CHAIN = "1,000 convolutions"


def torchvision():
    """torchvision, importable on a build of torch without its compiled operators."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        try:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:  # the build has them
            break
    import torchvision

    torchvision.kept = library
    return torchvision


def models(names=None):
    """(title, model, input shape), each built on the meta device and set to eval."""
    zoo = torchvision()
    for title, (name, size) in NAMES.items():
        if names is None or title in names:
            with torch.device("meta"):
                model = zoo.models.get_model(name, weights=None)
            yield title, model.eval(), (1, 3, size, size)
    if names is None or CHAIN in names:
        with torch.device("meta"):
            chain = torch.nn.Sequential(*[torch.nn.Conv2d(16, 16, 3, padding=1) for _ in range(1000)])
        yield CHAIN, chain.eval(), (1, 16, 32, 32)
