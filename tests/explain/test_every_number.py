"""Whatever number stands in a network can be asked for, and a number that does not is refused with others that can."""

from __future__ import annotations

import re

import pytest
import torch
import torchvision
from torch import nn

from whyshape import WhyshapeError, explain
from whyshape.analyses.why import _Why


class Graphs(nn.Module):
    """Weights held bare, as graph networks and KANs do."""

    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Parameter(torch.randn(16, 8)), nn.Parameter(torch.randn(8, 4))
        self.register_buffer("near", torch.eye(30))
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(torch.mm(self.near, torch.mm(x, self.w1).relu() @ self.w2))


class Steps(nn.Module):
    """As many steps as were typed in a loop; the numbers of one are measured."""

    def __init__(self):
        super().__init__()
        self.cell, self.scale = nn.GRUCell(4, 8), nn.Parameter(torch.ones(()))

    def forward(self, x):
        h = x.new_zeros(len(x), 8)
        steps = [h := self.cell(x, h) for _ in range(6)]
        return torch.stack(steps, 1)[:, torch.arange(6) > 2] * self.scale


MODELS = {
    "bare weights": (Graphs(), (30, 16)),
    "steps": (Steps(), (2, 4)),
    "vmap": (
        nn.Sequential(nn.Linear(5, 3), type("Each", (nn.Module,), {"forward": lambda s, x: torch.vmap(lambda r: r.sum())(x)})()),
        (7, 5),
    ),
    "resnet": (torchvision.models.resnet18(), (1, 3, 224, 224)),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_number_has_an_answer_that_names_it(name):
    """No number is refused beside itself as the nearest."""
    model, shape = MODELS[name]
    asked = _Why(explain(model, shape).graph)
    numbers = asked.numbers()
    assert len(numbers) > 3
    for n in numbers:
        answer = asked.answer(str(n), None)
        assert answer.reasons and all(re.search(rf"\b{n}\b", reason.sentence.replace(",", "")) for reason in answer.reasons), n


def test_where_the_numbers_of_bare_weights_come_from():
    """8 and 4 are nobody's out_features: they are axes of parameters, and a Linear behind them must equal such an axis."""
    answer = explain(Graphs(), (30, 16))
    assert (
        str(answer.why(8))
        == "8 stands in 2 places.\n8 [chosen] is axis 1 of the parameter w1 (16x8).\n8 [chosen] is axis 0 of the parameter w2 (8x4)."
    )
    assert "SIZE     8: axis 1 of the parameter w1 (16x8)." in answer.text()
    assert "It must equal the 4 numbers of the parameter w2 (8x4)." in " ".join(answer.why("head.in_features").sentences)
    with pytest.raises(WhyshapeError, match=r"^7 does not occur; nearest: 8, 4, "):
        answer.why(7)


def test_a_size_that_was_measured_is_said_to_be():
    """What nobody can derive is an observation."""
    answer = explain(Steps(), (2, 4))
    reason = answer.why(3).reasons[0]
    assert reason.by == "measured" and reason.sentence.startswith(
        "3 [measured] is a size of what Tensor.__getitem__ gave when it was run, 2x3x8"
    )
