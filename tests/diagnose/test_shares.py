"""Branches joined and fed whole to layers that were each made for one of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from whyshape.analyses.diagnose import diagnose
from whyshape.readers.torch.edit import Edits


class Net(nn.Module):
    def __init__(self, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)


class Joined(Net):
    def forward(self, text, picture):
        both = torch.cat([text, picture], -1)
        words = self.words(both)
        pixels = self.pixels(both)
        return words + pixels


class Inline(Net):
    def forward(self, text, picture):
        words = self.words(torch.cat([text, picture], -1))
        return words + self.pixels(torch.cat([text, picture], -1))


class Maps(Net):
    def forward(self, x):
        y = torch.cat((self.left(x), self.right(x)), dim=1).relu()
        a = self.a(y)
        return a + self.b(y)


class Once(Net):
    def forward(self, x):
        y = torch.cat([self.left(x), self.right(x)], 1)
        return self.head(y)


def two():
    return {"words": nn.Linear(30, 4), "pixels": nn.Linear(50, 4)}


def sides():
    return {"left": nn.Conv2d(3, 16, 1), "right": nn.Conv2d(3, 16, 1), "a": nn.Conv2d(16, 8, 1), "b": nn.Conv2d(16, 8, 1)}


PAIR = [(2, 30), (2, 50)]
# (the model, its inputs, what stands in the corrected lines of the first fix)
SHARED = {
    "a name": (Joined(**two()), PAIR, ["self.words(both[:, :30])", "self.pixels(both[:, 30:])"]),
    "a name, tokens": (Joined(**two()), [(2, 7, 30), (2, 7, 50)], ["self.words(both[..., :30])", "self.pixels(both[..., 30:])"]),
    "in the call itself": (Inline(**two()), PAIR, ["self.words(text)", "self.pixels(picture)"]),
    "equal shares of maps": (Maps(**sides()), [(2, 3, 8, 8)], ["self.a(y[:, :16])", "self.b(y[:, 16:])"]),
}


@pytest.mark.parametrize("name", SHARED)
def test_every_layer_reads_its_own_share(name):
    """One fix of two lines in one method; applied in plain PyTorch it runs, and the old weights stay."""
    model, shapes, lines = SHARED[name]
    inputs = [torch.rand(s) for s in shapes]
    with pytest.raises(RuntimeError):
        model(*inputs)
    fix = diagnose(model, input_data=tuple(inputs)).problems[0].fixes[0]
    assert [e["new"] for e in fix.edits] == lines and fix.cost == "old weights load"
    edits = Edits(model, inputs, real=True)
    edits.apply(fix.edits)
    assert edits.model(*edits.args).shape[0] == 2
    edits.take_back()
    with pytest.raises(RuntimeError):
        model(*inputs)


def test_one_reader_reads_all_of_it():
    """Joined for one layer alone: the layer was not made wide enough, and that comes first; its share comes behind."""
    net = Once(left=nn.Linear(32, 64), right=nn.Linear(32, 48), head=nn.Linear(64, 10))
    first, second = diagnose(net, (4, 32)).problems[0].fixes[:2]
    assert first.edits == ({"layer": "head", "attr": "in_features", "value": 112},)
    assert second.edits[0]["new"] == "self.head(y[:, :64])"
