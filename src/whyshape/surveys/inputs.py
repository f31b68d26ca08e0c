"""The input a model is asked with: the one its makers state, else one that its first layer takes, and which of them it was."""

from __future__ import annotations

import sys
from typing import NamedTuple

from whyshape.readers.shapes import proposed


class Input(NamedTuple):
    """A shape with the batch, its dtype, and who says so."""

    shape: tuple[int, ...]
    dtype: str
    source: str


def stated(model, target: str) -> Input | None:
    """What the model's makers wrote down: timm's ``default_cfg``, the model's own ``image_size``, or the crop of torchvision's weights."""
    for name in ("pretrained_cfg", "default_cfg"):
        found = getattr(model, name, None)
        size = found.get("input_size") if isinstance(found, dict) else getattr(found, "input_size", None)
        if isinstance(size, (tuple, list)) and size and all(isinstance(n, int) and n > 0 for n in size):
            return Input((1, *size), "float32", name)
    side = getattr(model, "image_size", None)
    if type(side) is int and side > 0:  # before the weights: there are some for other sizes than the model is built for
        return Input((1, 3, side, side), "float32", "image_size")
    torchvision = sys.modules.get("torchvision")
    name = target.rpartition(":")[2].partition("(")[0]
    if torchvision is None or not type(model).__module__.startswith("torchvision.") or not name:
        return None
    try:
        weights = torchvision.models.get_model_weights(name)
    except ValueError:  # it has no weights of that name
        return None
    for one in weights:
        crop = getattr(one.transforms, "keywords", {}).get("crop_size")
        if isinstance(crop, int):
            return Input((1, 3, crop, crop), "float32", "torchvision's weights")
    return None


def guessed(model) -> Input:
    """What the first layer with weights takes, at 224 x 224 places."""
    found = proposed(model)
    return (
        Input(found.shape, found.dtype, f"a guess: its first {found.layer}")
        if found
        else Input((1, 3, 224, 224), "float32", "a guess: an image")
    )


def input_of(model, target: str = "") -> Input:
    """The input to ask this model with."""
    return stated(model, target) or guessed(model)


__all__ = ["Input", "input_of"]
