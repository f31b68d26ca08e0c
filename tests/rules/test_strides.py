"""Results lie in memory as PyTorch lays them: a later `view` runs where PyTorch runs it, and is refused where it refuses."""

from __future__ import annotations

import pytest
import torch

from whyshape.readers.torch import read

place = torch.tensor([0])
CALLS = {
    "flip": lambda x: x.flip(0),
    "fliplr": torch.fliplr,
    "flipud": torch.flipud,
    "index_fill": lambda x: x.index_fill(0, place.to(x.device), 1.0),
    "index_put": lambda x: x.index_put((place.to(x.device),), x[:1]),
    "select_scatter": lambda x: x.select_scatter(x[0], 0, 0),
    "slice_scatter": lambda x: x.slice_scatter(x),
    "zeros_like": torch.zeros_like,
    "rand_like": torch.rand_like,
    "zeros_like row by row": lambda x: torch.zeros_like(x, memory_format=torch.contiguous_format),
    "tril": torch.tril,
    "index_add": lambda x: x.index_add(0, place.to(x.device), x[:1]),
    "scatter_add": lambda x: x.scatter_add(0, torch.zeros(1, 1, 1, dtype=torch.int64, device=x.device), x),
}


class Turned(torch.nn.Module):
    """A tensor whose axes were turned, one call, and a view of all its numbers."""

    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x.transpose(1, 2)).view(-1)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("size", [(2, 3, 4), (1, 5, 1)])
def test_a_view_after_it(name, size):
    """Run or refused, as eager PyTorch does."""
    model = Turned(CALLS[name])
    try:
        model(torch.rand(size))
        runs = True
    except RuntimeError as refusal:
        assert "view size" in str(refusal)
        runs = False
    assert (read(model, size).problem is None) == runs


def test_both_happen():
    """Some of these are refused and some run: the test can fail both ways."""
    with pytest.raises(RuntimeError, match="view size"):
        Turned(CALLS["flip"])(torch.rand(2, 3, 4))
    Turned(CALLS["tril"])(torch.rand(2, 3, 4))
