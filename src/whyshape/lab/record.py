"""What each layer of a model really took and gave, kept while the model runs once on an input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from whyshape.errors import ModelError


@dataclass(frozen=True)
class Call:
    """One call of one layer: its path, the module, the tensor that came in and the one that went out (on the CPU)."""

    path: str
    module: nn.Module
    input: torch.Tensor
    output: torch.Tensor

    @property
    def type(self) -> str:
        return type(self.module).__name__


@torch.no_grad()
def calls(model: nn.Module, *inputs: torch.Tensor) -> list[Call]:
    """Every call of a layer without layers inside it, in order, with the model in eval mode; the model is left as it was.

    >>> [c.path for c in calls(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), torch.zeros(1, 3))]
    ['0', '1']

    Errors: `ModelError` if the model does not run on this input.
    """
    seen: list[Call] = []
    training = {module: module.training for module in model.modules()}

    def keep(path):
        def hook(module, taken, given):
            tensors = [t for t in taken if isinstance(t, torch.Tensor)]
            if tensors and isinstance(given, torch.Tensor):
                seen.append(Call(path, module, tensors[0].detach().cpu().clone(), given.detach().cpu().clone()))

        return hook

    hooks = [m.register_forward_hook(keep(path)) for path, m in model.named_modules() if not any(True for _ in m.children())]
    try:
        model.eval()
        model(*inputs)
    except Exception as problem:  # the model is somebody's program: it may raise anything
        raise ModelError(f"the model does not run on {shapes(inputs)}: {' '.join(str(problem).split())}") from None
    finally:
        for hook in hooks:
            hook.remove()
        for module, was in training.items():
            module.training = was
    return seen


def shapes(tensors) -> str:
    return ", ".join("x".join(map(str, t.shape)) or "one number" for t in tensors)
