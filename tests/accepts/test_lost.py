"""Habits of Python that lose where a size came from: never a wrong set called proved, and the line is named."""

import math

import pytest
import torch
import torch.nn.functional as F
from networks import runs
from torch import nn

from whyshape.analyses.accepts import accepts
from whyshape.readers.again import again

SHAPE = (1, 1, "H", "W")
SIZES = [(h, w) for h in (*range(1, 40), 47, 48, 49, 50, 63, 64, 81, 100, 128) for w in (1, 2, 3, 7, 16)]


class Habit(nn.Module):
    """A forward of one line."""

    def __init__(self, forward):
        super().__init__()
        self.written, self.conv = forward, nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        return self.written(self, x, *x.shape[-2:])


def pooled(x, times):
    for _ in range(times):
        x = F.avg_pool2d(x, 2)
    return x


def far(x, h):
    if 0.5 * h > 300:
        raise ValueError("too high")
    return x


HABITS = {
    "int": lambda net, x, h, w: F.interpolate(net.conv(x), size=(int(h), int(w))) + x,
    "int and back": lambda net, x, h, w: F.interpolate(x, size=(int(h) // 2 * 2, w)) + x,
    "int as index": lambda net, x, h, w: x[:, :, int(h) - 1],
    "float left": lambda net, x, h, w: F.interpolate(x, size=(math.ceil(0.5 * h) * 2, w)) + x,
    "float left in an if": lambda net, x, h, w: far(x, h),
    "isqrt": lambda net, x, h, w: x.view(1, math.isqrt(h), math.isqrt(h), w),
    "isqrt as index": lambda net, x, h, w: x[:, :, math.isqrt(h) * 3],
    "log2": lambda net, x, h, w: x.view(-1, 2 ** int(math.log2(h)), w),
    "gcd": lambda net, x, h, w: x.view(-1, math.gcd(h, 12) * w),
    "set": lambda net, x, h, w: net.conv(x) if h in {32, 50} else x.view(1, 16, -1),
    "dict": lambda net, x, h, w: x.view(-1, {32: 4, 64: 8}.get(h, 1), 16),
    "shape as key": lambda net, x, h, w: x.view(-1, 7) if x.shape in {(1, 1, 16, 16)} else x,
    "half as key": lambda net, x, h, w: x.view(-1, 7) if h / 2 in {8, 9} else x,
    "range": lambda net, x, h, w: pooled(x, len(range(h // 16))),
    "list": lambda net, x, h, w: x.view(-1, [1, 2, 3, 5, 7][h % 5]),
    "digits": lambda net, x, h, w: x.view(-1, len(str(h)), w),
}  # fmt: skip
KEPT = {
    "round": lambda net, x, h, w: x[:, :, : round(h)] + x[:, :, : math.floor(h)] + x[:, :, : math.ceil(math.trunc(h))],
    "shift": lambda net, x, h, w: F.interpolate(x, size=(h >> 1 << 1, w)) + x,
    "bits": lambda net, x, h, w: x.view(-1, 1 << (h - 1).bit_length(), w),
}


def asked(forward):
    model = Habit(forward).eval()
    return model, accepts(again(model, [SHAPE]), SHAPE)


def differences(model, found):
    """Settled sizes at which plain PyTorch says something else."""
    settled = [(h, w) for h, w in SIZES if not any(b.contains(found.algebra, {"H": h, "W": w}) for b in found.unsettled)]
    assert settled
    return [(h, w) for h, w in settled if found.contains(H=h, W=w) != runs(model, 1, 1, h, w)]


@pytest.mark.parametrize("name", HABITS)
def test_what_is_lost_is_never_called_proved(name):
    """What is settled and not called observed is what PyTorch runs; what is observed names its line or an input that shows it."""
    model, found = asked(HABITS[name])
    assert not found.proved
    if found.observed or found.disagreements:
        assert "test_lost.py, line " in found.evidence or found.disagreements, found
    else:
        assert differences(model, found) == []


@pytest.mark.parametrize("name", KEPT)
def test_what_is_remembered_is_proved(name):
    """Rounding a whole number, shifts and the length in bits lose nothing."""
    model, found = asked(KEPT[name])
    assert found.proved and differences(model, found) == []


@pytest.mark.parametrize(
    "name, said",
    [
        ("isqrt", "the model's code makes a plain number of a size before Tensor.view (test_lost.py, line "),
        ("float left", "the model's code makes a plain number of a size before interpolate (test_lost.py, line "),
        ("set", "a size is looked up in a dict or a set (test_lost.py, line "),
    ],
)
def test_the_line_is_named(name, said):
    """DESIGN: where Python loses the history the report says at which line."""
    line = HABITS[name].__code__.co_firstlineno
    assert f"{said}{line})" in str(asked(HABITS[name])[1])


def test_every_size_had_to_be_tried():
    """`int(size)`: the sizes that were tried are proved, the rest is left open, and the note says at which line."""
    found = asked(HABITS["int as index"])[1]
    assert found.contains(H=28, W=5) and found.unsettled and not found.observed
    line = HABITS["int as index"].__code__.co_firstlineno
    assert found.notes == [
        f"a size becomes a plain number in the model's own code (test_lost.py, line {line}): every size there had to be tried"
    ]


def test_what_a_model_keeps_from_one_run_is_not_lost_history():
    """A model that remembers its first input is asked as if each were the first."""

    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.kept = {}

        def forward(self, x):
            if "mask" not in self.kept:
                self.kept["mask"] = torch.ones(x.shape[-2:]).relu()
            return x * self.kept["mask"]

    assert accepts(again(Keeps().eval(), [SHAPE]), SHAPE).proved
