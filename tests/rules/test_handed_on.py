"""What hands its input back hands its gaps back: a later `view` is refused where PyTorch refuses it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyshape import accepts, explain


class Then(nn.Module):
    """Every second row, a call, and a view of all."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x[:, :, ::2], self.training).view(x.size(0), -1)


CALLS = {
    "dropout": lambda x, training: F.dropout(x, 0.5, training), "dropout of none": lambda x, training: F.dropout(x, 0.0, True),
    "dropout2d": lambda x, training: F.dropout2d(x, 0.5, training), "alpha_dropout": lambda x, training: F.alpha_dropout(x, 0.5, training),
    "to": lambda x, _: x.to(torch.float32), "to device": lambda x, _: x.to(x.device), "to like": lambda x, _: x.to(x),
    "to a copy": lambda x, _: x.to(torch.float32, copy=True), "to a copy, by place": lambda x, _: x.to(torch.float32, False, True),
    "not waited for": lambda x, _: x.to("cpu", torch.float32, True), "to another": lambda x, _: x.to(torch.float64),
    "float": lambda x, _: x.float(), "double": lambda x, _: x.double(), "type": lambda x, _: x.type(torch.float32), "type_as": lambda x, _: x.type_as(x),
    "detach": lambda x, _: x.detach(), "conj": lambda x, _: x.conj(), "real": lambda x, _: torch.real(x), "positive": lambda x, _: +x,
    "clone": lambda x, _: x.clone(), "abs": lambda x, _: x.abs(), "contiguous": lambda x, _: x.contiguous(),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", CALLS)
def test_a_view_behind_it_fits_where_pytorch_says_so(name, mode):
    """At one size, and over all sizes: eager is the judge."""
    model = Then(CALLS[name]).train(mode == "train")
    found = accepts(model, (2, 3, "H", 5), mode=mode)
    assert not found.observed
    for height in range(1, 8):
        try:
            model(torch.zeros(2, 3, height, 5))
        except RuntimeError:
            fits = False
        else:
            fits = True
        assert (explain(model, (2, 3, height, 5), mode=mode).problem is None) is fits, height
        assert found.contains(H=height) is fits, height
