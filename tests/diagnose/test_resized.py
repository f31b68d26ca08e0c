"""A picture resized keeps its form as nearly as the sizes the model takes allow."""

from __future__ import annotations

import re

import pytest
from torch import nn

from whyshape.analyses.diagnose import diagnose


class Skips(nn.Module):
    """Halves a picture ``depth`` times and adds the halves back on the way up: sides must be multiples of 2**depth."""

    def __init__(self, depth):
        super().__init__()
        self.downs = nn.ModuleList([nn.Conv2d(3 if i == 0 else 8, 8, 3, padding=1) for i in range(depth)])
        self.pool = nn.MaxPool2d(2)
        self.ups = nn.ModuleList([nn.ConvTranspose2d(8, 8, 2, 2) for _ in range(depth)])

    def forward(self, x):
        kept = []
        for conv in self.downs:
            x = conv(x)
            kept.append(x)
            x = self.pool(x)
        for up in self.ups:
            x = up(x) + kept.pop()
        return x


def head(places, halvings):
    return nn.Sequential(*[nn.MaxPool2d(2) for _ in range(halvings)], nn.Flatten(), nn.Linear(3 * places, 10))


# (the model, height x width, the sizes proposed)
SIZES = {
    "multiples of 8 near 28": (Skips(3), (28, 28), ["32x32", "24x24"]),
    "multiples of 8 near 100": (Skips(3), (100, 100), ["104x104", "96x96"]),
    "multiples of 16, three to four": (Skips(4), (375, 500), ["368x496", "384x512"]),
    "four by four of a square": (head(16, 2), (48, 48), ["16x16"]),
    "no square gives nine by eight": (head(72, 1), (30, 30), ["18x17"]),
    "two to three stays two to three": (head(96, 2), (60, 90), ["34x51"]),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_resize_keeps_the_form(name):
    """Squares stay squares while a square is taken; else one size, the least stretched."""
    model, hw, sizes = SIZES[name]
    problem = diagnose(model.eval(), (2, 3, *hw)).problems[0]
    told = [re.search(r"to (\d+x\d+)$", f.says) for f in problem.fixes]
    assert [m[1] for m in told if m] == sizes


def test_what_merely_runs_is_not_told_beside_what_helps():
    """At most five ways out, and no kernel spread in one layer where better ones are known."""
    says = [f.says for f in diagnose(Skips(3).eval(), (2, 3, 28, 28)).problems[0].fixes]
    assert 0 < len(says) <= 5 and not any("dilation" in s for s in says)
