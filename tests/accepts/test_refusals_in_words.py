"""Where no size fits, and where a question cannot be asked: one sentence each."""

import pytest
from networks import ask
from torch import nn

from whyshape.errors import WhyshapeError


@pytest.mark.parametrize(
    "text, shape, said",
    [
        (
            "Conv2d(1, 4, 5) > Flatten > Linear(7, 2)",
            (1, 1, "H", "W"),
            "no size fits: 2 (Linear) wants 4*(H-4)*(W-4) = 7, which no size meets",
        ),
        (
            "Conv2d(1, 4, 9) > AdaptiveAvgPool2d(2) > Conv2d(4, 1, 3)",
            (1, 1, "H", "W"),
            "no size fits: 2 (Conv2d) refuses every size: the kernel spans 3 cells, 2 are there after padding",
        ),
        (
            "Linear(7, 2) > Conv1d(1, 1, 9)",
            (1, 1, "L"),
            "no size fits: 1 (Conv1d) refuses every size that reaches it: the kernel spans 9 cells, 2 are there after padding",
        ),
        (
            "Conv2d(1, 1, 9) > ConvTranspose2d(1, 1, 1) > Flatten > Linear(64, 2)",
            (1, 1, "H", 8),
            "no size fits: 0 (Conv2d) refuses every size: the kernel spans 9 cells, 8 are there after padding",
        ),
        (
            "Conv1d(1, 1, 9) > Flatten > Unflatten(1, (1, 3)) > Conv1d(1, 1, 4)",
            (1, 1, "L"),
            "no size fits: 3 (Conv1d) refuses every size that reaches it: the kernel spans 4 cells, 3 are there after padding",
        ),
    ],
)
def test_an_empty_set_says_why(text, shape, said):
    """Which demand excludes everything, or which two exclude each other."""
    found = ask(text, shape)
    assert found.empty and str(found).splitlines()[0] == said


def test_two_demands_that_exclude_each_other():
    """A kernel that wants at least 9, and a check that wants at most 8."""

    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(1, 1, 9)

        def forward(self, x):
            if x.shape[2] > 8:
                raise ValueError("short ones only")
            return self.conv(x)

    found = ask(Both(), (1, 1, "L"))
    assert (
        str(found).splitlines()[0]
        == "no size fits: the model's own code wants L 1..8, and conv (Conv1d) wants L at least 9: no size meets both"
    )


@pytest.mark.parametrize(
    "act, said",
    [
        (
            lambda: ask("ReLU", (1, 3)),
            "no axis is free: write a letter where any size may stand, as --input N,3,H,W, or ('N', 3, 'H', 'W') in Python",
        ),
        (lambda: ask("ReLU", (1, "H W")), "'H W' cannot stand for a free axis: write a letter or a name, as H"),
        (lambda: ask("ReLU", (2**63, "H")), f"a size is a whole number from 0 to 2^63 - 1 or a letter, {2**63} arrived"),
        (lambda: ask("ReLU", ()), "input_size is a shape like (1, 3, 'H', 'W'), () arrived"),
        (lambda: ask("ReLU", (1, "H")).contains(W=3), "W is no free axis here; free are H"),
        (lambda: ask("ReLU", (1, "H")).contains(H=0), "H must be a whole number from 1 to 2^63 - 1, 0 arrived"),
        (lambda: ask("ReLU", (1, "H")).contains(H=2**63), f"H must be a whole number from 1 to 2^63 - 1, {2**63} arrived"),
    ],
)
def test_bad_questions(act, said):
    """One sentence each."""
    with pytest.raises(WhyshapeError) as caught:
        act()
    assert str(caught.value) == said
