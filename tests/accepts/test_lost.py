"""Python on sizes, in all the ways there are: never a wrong set called proved, and where a size is lost the line is named."""

import itertools
import random
import time

import pytest
import torch
from habits import HABITS
from networks import runs
from torch import nn

from whyshape.analyses.accepts import accepts
from whyshape.readers.again import again

SHAPE = (1, 1, "H", "W")
_chance = random.Random(0)
ALL = sorted(
    {(h, 4) for h in range(1, 97)}
    | {(32, w) for w in range(1, 97)}
    | {(_chance.randint(1, 96), _chance.randint(1, 96)) for _ in range(200)}
)
FEW = sorted(
    {(h, 4) for h in (*range(1, 20), 22, 24, 28, 29, 30, 31, 32, 33, 40, 42, 44, 48, 50, 64, 77, 96)}
    | {(32, w) for w in (1, 2, 3, 7, 16, 32)}
)
# Whose every size is settled, by one trace for each way through the code.
PROVED = (
    "tuple in", "sorted", "sorted by key", "in range", "any", "all", "text that is told", "numpy prod", "numpy prod of another",
    "torch.Size", "torch.Size equal", "torch.Size numel", "numel", "early return", "match", "match pair", "match text", "min", "max", "abs", "divmod",
    "round", "pow", "float scale", "float left", "float left compared", "float compared", "float compared left", "float equal", "float equal left",
    "float chain", "float far", "float added", "float divided", "float in a loop", "ceil", "floor", "math.prod", "tuple index", "text index", "index",
    "real", "numerator", "bool", "sum", "sum of truths", "zip", "reduce", "is", "isinstance", "objects", "exception", "int", "float",
    "walrus", "starred", "map", "conditional", "chunk",
)  # fmt: skip
# Of which nothing is promised, and why.
OBSERVED = {
    "dict": "a size is looked up in a dict or a set (habits.py, line ",
    "dict get": "a size is looked up in a dict or a set (habits.py, line ",
    "frozenset": "a size is looked up in a dict or a set (habits.py, line ",
    "f-string as key": "a size is looked up in a dict or a set (habits.py, line ",
    "try": "the model's own code catches a refusal and goes on: ",
    "torch.tensor": "reads the numbers of a tensor",
    "exec": "written (<string>, line 1) cannot be read, and what it does with sizes is not known",
}
QUICK = {
    *OBSERVED,
    "tuple in",
    "f-string",
    "str",
    "range",
    "log2",
    "isqrt",
    "slice",
    "float left",
    "float compared",
    "exception",
    "lru_cache",
    "stride",
}


class Habit(nn.Module):
    """A forward of one line."""

    def __init__(self, forward):
        super().__init__()
        self.written, self.conv = forward, nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        return self.written(self, x, *x.shape[-2:])


def asked(name):
    model = Habit(HABITS[name]).eval()
    return model, accepts(again(model, [SHAPE]), SHAPE)


def differences(model, found, sizes):
    """Settled sizes at which plain PyTorch says something else."""
    settled = [(h, w) for h, w in sizes if not any(b.contains(found.algebra, {"H": h, "W": w}) for b in found.unsettled)]
    assert settled
    return [(h, w) for h, w in settled if found.contains(H=h, W=w) != runs(model, 1, 1, h, w)]


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.full) for n in HABITS])
def test_what_is_called_proved_is_what_pytorch_runs(name, request):
    """What is settled and not called observed is what PyTorch runs, whatever Python did with the sizes."""
    model, found = asked(name)
    assert found.proved == (not found.observed and not found.disagreements and not found.unsettled)
    if name in OBSERVED:
        assert OBSERVED[name] in found.evidence, found
    else:
        assert not found.disagreements
    if not found.observed:
        assert differences(model, found, ALL if request.config.getoption("--full") else FEW) == []
    assert found.proved or name not in PROVED, found


def test_every_habit_that_can_be_is_proved():
    """The lists name habits that are there."""
    assert {*PROVED, *OBSERVED} <= {*HABITS} and not {*PROVED} & {*OBSERVED}


def test_every_size_had_to_be_tried():
    """`math.isqrt(size)`: the sizes that were tried are proved, the rest is left open, and the note says at which line."""
    found = asked("isqrt")[1]
    assert not found.contains(H=49, W=5) and found.contains(H=48, W=5) and found.unsettled and not found.observed
    line = HABITS["isqrt"].__code__.co_firstlineno
    assert found.notes == [
        f"a size becomes a plain number in the model's own code (habits.py, line {line}): every size there had to be tried"
    ]


def test_a_way_for_each_power_of_two():
    """`size.bit_length()` has no last way: what lies beyond the largest input that is run is left open, and nothing else is."""
    found = asked("bit_length")[1]
    assert not found.observed and not found.disagreements
    assert found.contains(H=31, W=1) and not found.contains(H=32, W=1) and not found.contains(H=2**24, W=1)
    (block,) = found.unsettled
    assert (block.axes["H"].first(1), block.axes["W"].first(1)) == (2**25, 1)


def test_the_functions_are_put_back():
    """What the model runs afterwards is what its author wrote, also under a profiler."""
    import cProfile

    code, profile = HABITS["float left"].__code__, cProfile.Profile()
    profile.enable()
    asked("float left")
    profile.disable()
    assert HABITS["float left"].__code__ is code


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


SHARED_SHAPE = ("N", 3, "H", "W")
SHARED = {
    "bit_length": lambda x, h, w: x.view(-1, h.bit_length(), w),
    "bit_length of both": lambda x, h, w: x.view(-1, h.bit_length(), w.bit_length()),
    "a power of two": lambda x, h, w: x.view(-1, 2 ** (h.bit_length() - 1), w),
    "floors of both": lambda x, h, w: x.view(-1, h // 3 + 1, w // 2 + 1),
    "at least one": lambda x, h, w: x.view(-1, max(h // 4, 1), w),
}


@pytest.mark.parametrize("name", SHARED)
def test_a_size_divided_by_a_function_of_a_size(name):
    """The sets have large moduli and many runs: the answer, its words and its JSON come in seconds of CPU time, not in minutes."""

    class Shares(nn.Module):
        def forward(self, x):
            return SHARED[name](x, *x.shape[2:])

    model, start = Shares(), time.process_time()
    found = accepts(again(model, [SHARED_SHAPE]), SHARED_SHAPE)
    assert len(str(found)) < 10_000 and len(found.to_json()) < 1_000_000
    assert time.process_time() - start < 60  # about 3
    for n, h, w in itertools.product((1, 2), (1, 3, 4, 5, 20, 28, 64), (1, 6, 31)):
        at = {"N": n, "H": h, "W": w}
        if not any(b.contains(found.algebra, at) for b in found.unsettled):
            assert found.contains(**at) == runs(model, n, 3, h, w), at
