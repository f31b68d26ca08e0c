"""Corrected lines: in methods, in functions beside the class, in lambdas; over several lines; with letters beyond ASCII."""

from __future__ import annotations

import torch
from torch import nn

from whyshape.analyses.diagnose import diagnose
from whyshape.readers.torch.edit import Edits


def attention(q, k, v):
    scores = torch.matmul(q, k) / 4
    return torch.matmul(scores.softmax(-1), v)


def self_attention(x):
    return attention(x, x, x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(16, 16)
        self.gram = lambda a: torch.matmul(a, a)

    def forward(self, x):
        return self_attention(self.proj(x))


class Held(Net):
    def forward(self, x):
        return self.gram(self.proj(x))


class Long(Net):
    def forward(self, x):
        return torch.matmul(
            self.proj(x),
            self.proj(x),
        )


class Grüße(Net):
    def forward(self, x):
        größe = self.proj(x)
        return torch.matmul(größe, größe)


def way_out(net, shape=(2, 5, 16)):
    found = diagnose(net, shape)
    fix = found.problems[0].fixes[0].to_dict()
    assert fix["verified"]
    return fix["forward"].rpartition(": ")[2]


def test_a_function_beside_the_class_two_calls_deep():
    """The helper's own line is corrected, on a copy of its globals; the program's function stays what it was."""
    kept = attention.__code__
    assert way_out(Net()) == "scores = torch.matmul(q, k.transpose(-2, -1)) / 4"
    assert attention.__code__ is kept and Net.forward.__globals__["attention"] is attention


def test_a_lambda_that_a_module_holds():
    """The line of a function that is no method."""
    net = Held()
    kept = net.gram
    assert way_out(net) == "torch.matmul(a, a.transpose(-2, -1))"
    assert net.gram is kept


def test_a_held_lambda_is_there_again_when_its_line_is_taken_back():
    """The copy that fixes are tried on holds the function for the next one to be tried."""
    edits = Edits(Held(), [])
    kept = edits.model.gram
    edits.apply([{"forward": "", "at": f"{__file__}:{kept.__code__.co_firstlineno}", "old": "torch.matmul(a, a)", "new": "a"}])
    assert edits.model.gram is not kept
    edits.take_back()
    assert edits.model.gram is kept


def test_a_call_over_several_lines_is_shown_as_one():
    """What is shown is the whole corrected statement."""
    assert way_out(Long()) == "return torch.matmul(self.proj(x), self.proj(x).transpose(-2, -1))"


def test_columns_are_counted_in_bytes():
    """Python counts columns in bytes; letters may be longer."""
    assert way_out(Grüße()) == "return torch.matmul(größe, größe.transpose(-2, -1))"


class Code(nn.Module):
    """An encoder that gives two codes in one, a decoder of one; who splits it, and how, is a method of its own."""

    def __init__(self):
        super().__init__()
        self.enc, self.dec = nn.Linear(30, 16), nn.Linear(8, 30)

    def forward(self, x):
        mu, _ = self.split(self.enc(x))
        return self.dec(mu)


class AlongTheBatch(Code):
    def split(self, h):
        return h.chunk(2, dim=0)


class TwiceAsWide(Code):
    def split(self, h):
        return h[:, :16], h[:, 16:]


def test_a_split_in_another_method_along_the_wrong_axis():
    """`chunk(2, dim=0)` halves the batch: what keeps the batch comes first."""
    assert way_out(AlongTheBatch(), (4, 30)) == "return h.chunk(2, dim=1)"


def test_a_split_in_another_method_at_the_wrong_place():
    """The number typed twice in the slices is what arrives: both are corrected."""
    fixes = diagnose(TwiceAsWide(), (4, 30)).problems[0].fixes
    assert any("return (h[:, :8], h[:, 8:])" in f.says for f in fixes[:2])
