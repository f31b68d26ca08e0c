"""Seeded mutations of zoo models: one constructor argument changed, one axis dropped, one layer removed.

A mutation counts where the model then fails. It is undone by the edit that takes it back, or by an equivalent one: the model
runs on the input it was made for and gives the output it gave before.
"""

from __future__ import annotations

import random
from typing import NamedTuple

import torch
from torch import nn

ARGUMENTS = {
    "Conv2d": ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    "Linear": ("in_features", "out_features"),
    "BatchNorm2d": ("num_features",),
    "LayerNorm": ("normalized_shape",),
    "MaxPool2d": ("kernel_size", "stride"),
}
NETS = ("alexnet", "vgg11", "vgg16_bn", "resnet18", "resnet50", "squeezenet1_1", "densenet121", "mobilenet_v2", "mobilenet_v3_small",
        "efficientnet_b0", "shufflenet_v2_x1_0", "mnasnet1_0", "convnext_tiny", "wide_resnet50_2", "googlenet", "vit_b_16")  # fmt: skip


class Mutation(NamedTuple):
    name: str
    model: nn.Module
    shape: tuple[int, ...]
    wanted: tuple[int, ...]  # the output before
    undo: dict | None  # the edit that takes it back


def made(name: str) -> nn.Module:
    import torchvision

    with torch.device("meta"):
        kwargs = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
        return getattr(torchvision.models, name)(**kwargs).eval()


def mutations(count: int, seed: int = 0, nets=NETS):
    """So many mutations that make a model fail, the same ones for the same seed."""
    from whyshape.readers.torch.trial import Patient

    dice = random.Random(seed)
    found = 0
    while found < count:
        name = dice.choice(nets)
        mutation = mutated(name, dice)
        if mutation is None:
            continue
        if Patient(mutation.model, mutation.shape).run().ran:
            continue
        found += 1
        yield mutation


def mutated(name: str, dice: random.Random) -> Mutation | None:
    model, shape = made(name), (2, 3, 224, 224)
    kind = dice.choice(("argument",) * 6 + ("axis", "layer"))
    if kind == "axis":
        shape, undo = dice.choice((((3, 224, 224), {"input": "unsqueeze", "dim": 0}), ((2, 224, 224, 3), {"input": "permute", "dims": (0, 3, 1, 2)}),
                                   ((2, 1, 224, 224), {"input": "expand_channels", "to": 3})))  # fmt: skip
        rows = 1 if len(shape) == 3 else 2
        return Mutation(f"{name}: input {shape}", model, shape, (rows, 1000), undo)
    layers = [(p, m) for p, m in model.named_modules() if type(m).__name__ in ARGUMENTS]
    if kind == "layer":
        path, layer = dice.choice([(p, m) for p, m in layers if isinstance(model.get_submodule(p.rpartition(".")[0]), nn.Sequential)])
        parent, _, last = path.rpartition(".")
        setattr(model.get_submodule(parent), last, nn.Identity())
        return Mutation(f"{name}: without {path}", model, shape, (2, 1000), None)
    from whyshape.readers.torch.edit import CannotApply, arguments, rebuilt

    path, layer = dice.choice(layers)
    attr = dice.choice(ARGUMENTS[type(layer).__name__])
    kept = arguments(layer)
    value = kept[attr][0] if isinstance(kept[attr], tuple) else kept[attr]
    new = max(0 if attr == "padding" else 1, value + dice.choice((-2, -1, 1, 2, 3) if value < 16 else (-8, 8, value, -value // 2)))
    if new == value:
        return None
    try:
        parent, _, last = path.rpartition(".")
        setattr(model.get_submodule(parent), last, rebuilt(layer, {attr: (new,) if attr == "normalized_shape" else new}, False))
    except CannotApply:
        return None
    return Mutation(f"{name}: {path}.{attr} {value} -> {new}", model, shape, (2, 1000), {"layer": path, "attr": attr, "value": value})


def undone(mutation: Mutation, fixes) -> int | None:
    """The place of the first fix that undoes the mutation; None where none does."""
    from whyshape.readers.torch.trial import Patient

    patient = Patient(mutation.model, mutation.shape)
    resized = lambda f: any(e.get("input") == "resize" for e in f.edits)
    for place, fix in enumerate(fixes):
        if len(fix.edits) == 1 and mutation.undo is not None and same(fix.edits[0], mutation.undo):
            return place
        trial = patient.run(fix.edits)
        if trial is not None and trial.ran and trial.output == mutation.wanted and not resized(fix):
            return place
    return None


def same(edit: dict, undo: dict) -> bool:
    flat = lambda v: v[0] if isinstance(v, (tuple, list)) and len(set(v)) == 1 else v
    return all(flat(edit.get(k)) == flat(v) for k, v in undo.items())
