"""A network written in one line, as PyTorch's own layers: for those who run it, or try changes on it."""

from __future__ import annotations

import torch
from torch import nn

from whyshape.errors import WhyshapeError
from whyshape.readers.notation import decided, parse, undecided


def as_module(text: str) -> nn.Sequential:
    """The layers one after another. What comes in, where it was left open, PyTorch's lazy layers look for.

    >>> as_module("conv 10 5 > ReLU > out: Linear(320, 50)")
    Sequential(
      (0): LazyConv2d(0, 10, kernel_size=(5, 5), stride=(1, 1))
      (1): ReLU()
      (out): Linear(in_features=320, out_features=50, bias=True)
    )
    """
    made = nn.Sequential()
    for i, call in enumerate(parse(text)):
        open_ = decided(call)
        kind = getattr(nn, f"Lazy{call.name}" if open_ else call.name, None)
        if kind is None or undecided(call):
            raise WhyshapeError(f"{call} cannot be built as a layer of PyTorch; write all its numbers out")
        try:
            layer = kind(*call.args[open_:], **call.kwargs)
        except (TypeError, ValueError, RuntimeError) as error:
            raise WhyshapeError(f"{call} cannot be built: {str(error).partition(chr(10))[0]}") from None
        made.add_module((call.label or str(i)).replace(".", "_"), layer)
    return made


def on_meta(text: str) -> nn.Sequential:
    """The same without numbers."""
    with torch.device("meta"):
        return as_module(text)


__all__ = ["as_module", "on_meta"]
