"""Parts that nobody can look into: a run of them says which input ran, and nothing of others."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from whyshape import accepts


class Each(nn.Module):
    """A `vmap` over weights."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(5, 8, 4))

    def forward(self, x):
        return torch.vmap(lambda w: x @ w)(self.w)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("make", [lambda: nn.Sequential(torch.jit.script(nn.Linear(8, 4))), Each], ids=["scripted", "vmap"])
def test_what_refuses_unseen_is_asked_one_by_one(make):
    """Sizes that were tried are told, all others are open; nothing that a run contradicts is claimed."""
    model = make()
    found = accepts(model, (2, "L"))
    assert str(found).splitlines()[0] == "L 8" and found.observed and found.unsettled and not found.disagreements
    for n in range(1, 60):
        try:
            model(torch.rand(2, n))
        except RuntimeError:
            assert not found.contains(L=n)
        else:
            assert found.contains(L=n)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_runs_unseen_everywhere_stays_a_set():
    """Where no run contradicts it, the set that the layers before give is told, as observed."""
    model = nn.Sequential(nn.Conv1d(4, 4, 3), torch.jit.script(nn.ReLU()), nn.Conv1d(4, 2, 1))
    found = accepts(model, (2, 4, "L"))
    assert str(found).splitlines()[0] == "L at least 3" and found.observed and not found.unsettled
