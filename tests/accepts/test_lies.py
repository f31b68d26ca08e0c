"""Views of numbers that do not lie row by row: whether PyTorch gives or refuses them hangs on sizes that are 1, or equal to another."""

import pytest
import torch
from compositions import SIDE, chain, taken
from networks import ask, runs
from torch import nn

from whyshape.sizes.ratios import equal

SHAPE = (1, 3, "H", "W")


class Windows(nn.Module):
    """Windows of 8 x 8, cut out by `reshape` and put into rows by `view`."""

    def forward(self, x):
        b, c, h, w = x.shape
        cut = x.view(b, c, h // 8, 8, w // 8, 8).permute(0, 2, 4, 3, 5, 1).reshape(-1, 8, 8, c)
        return cut.view(-1, 64 * c)


class Turned(nn.Module):
    """What `reshape` gives is a view where one size is 8, and a copy elsewhere."""

    def forward(self, x):
        return x.transpose(2, 3).reshape(1, 3, 8, -1).view(1, -1)


class Copied(nn.Module):
    """Rows by `view` of what was turned: refused unless there is nothing to turn."""

    def forward(self, x):
        return x.transpose(2, 3).view(x.shape[0], -1)


class Pieces(nn.Module):
    """The left half of a map: its rows lie apart, unless there is one, or nothing was cut off."""

    def forward(self, x):
        return x.chunk(2, dim=3)[0].view(1, 3, -1)


class Biased(nn.Module):
    """Windows with a bias for each pair of places, looked up in a table and put in rows by `view`, as Swin does."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(9, 3))
        self.register_buffer("index", torch.arange(16) % 9)

    def forward(self, x):
        bias = self.table[self.index].view(4, 4, -1).permute(2, 0, 1)
        return nn.functional.unfold(x, 2, stride=2).view(1, 3, 4, -1).transpose(2, 3).matmul(bias).view(-1, 4)


def differences(model, found, shape=SHAPE, side=33, run=None):
    """The settled sizes at which plain PyTorch says something else."""
    left = lambda at: any(block.contains(found.algebra, at) for block in found.unsettled)
    sizes = [{"H": h, "W": w} for h in range(1, side) for w in range(1, side)]
    run = run or (lambda h, w: runs(model, *({"H": h, "W": w}.get(n, n) for n in shape)))
    return [at for at in sizes if not left(at) and found.contains(**at) != run(*at.values())]


def test_windows_of_the_whole_side():
    """One window on a side is an axis of 1: `reshape` copies nothing there, and the `view` after it is refused."""
    model = Windows()
    found = ask(model, SHAPE)
    assert found.proved and str(found).splitlines()[0] == "H and W multiples of 8, at least 16"
    assert not found.contains(H=8, W=16) and not runs(model, 1, 3, 8, 16)
    assert found.contains(H=16, W=16) and runs(model, 1, 3, 16, 16)
    assert differences(model, found) == []


@pytest.mark.parametrize("kind", [Turned, Copied, Pieces])
def test_sizes_that_are_equal(kind):
    """The set is proved, and it is what PyTorch runs."""
    model = kind()
    found = ask(model, SHAPE)
    assert found.proved and not found.unsettled
    assert differences(model, found, side=25) == []
    members = [found.contains(H=h, W=w) for h in range(1, 25) for w in range(1, 25)]
    assert any(members) and not all(members)


def test_a_table_of_the_model_lies_as_it_does():
    """What is looked up in it is the same at every size of the input."""
    found = ask(Biased(), SHAPE)
    assert found.proved and differences(Biased(), found, side=12) == []


def test_a_refusal_is_proved():
    """A `view` of a turned map is refused for its layout, for all sizes at once: nothing is left to be tried one by one."""
    found = ask(Copied(), SHAPE)
    assert not found.observed and not found.contains(H=224, W=224) and found.contains(H=1, W=224) and found.contains(H=224, W=1)


QUICK, FULL = range(16, 46), [*range(16), *range(46, 2000)]


@pytest.mark.parametrize("seed", [*QUICK, *(pytest.param(n, marks=pytest.mark.full) for n in FULL)])
def test_random_chains(seed):
    """Every size up to 12 x 12: what is settled is what plain PyTorch does; where it cannot be told how numbers lie, that is said."""
    model, shape = chain(seed)
    found = ask(model, shape)
    if found.observed:
        assert seed not in QUICK and "finds its numbers as it wants them is not known" in found.observed
        return
    assert not found.disagreements
    assert differences(model, found, shape, SIDE + 1, lambda h, w: taken(model, shape, h, w)) == []


def test_the_chains_are_worth_asking():
    """Many of the chains take some sizes and refuse others."""
    corners = [(1, 1), (8, 8), (1, 8), (8, 1), (5, 7), (12, 6)]
    mixed = [len({taken(*chain(seed), h, w) for h, w in corners}) for seed in QUICK]
    assert mixed.count(2) >= len(QUICK) // 3


FACTS = {
    "is_contiguous": lambda x: x.transpose(2, 3).is_contiguous(),
    "not is_contiguous": lambda x: not x.transpose(2, 3).is_contiguous(),
    "stride": lambda x: x.stride(1) != 64,
    "stride of a part": lambda x: x[:, :, :4, :4].stride()[1] < 200,
    "stride by its class": lambda x: torch.Tensor.stride(x[:, :, :4, :4], 2) != 16,
    "stride by its name": lambda x: getattr(x[:, :, :4, :4], "stride")(2) != 16,  # noqa: B009
    "storage_offset": lambda x: x[:, :, 1:3, :3].storage_offset() != 16,
    "untyped_storage": lambda x: x[:, :, 0, 0].untyped_storage().nbytes() < 3000,
    "data_ptr": lambda x: x.transpose(2, 3).contiguous().data_ptr() == x.data_ptr(),
    "dim_order": lambda x: x.transpose(2, 3).dim_order() != (0, 1, 3, 2),
}
SIZES = {
    "numel": lambda x: x.numel() < 500,
    "nelement of a part": lambda x: x[:, :, ::2].nelement() % 3 == 0,
    "torch.numel": lambda x: torch.numel(x) % 3 == 0,
    "nbytes": lambda x: x[:, :, :4].nbytes < 300,
    "dim": lambda x: x.squeeze(2).dim() == 3,
    "ndim": lambda x: x.squeeze().ndim == 2,
    "ndimension": lambda x: x.squeeze(3).ndimension() == 4,
    "is_same_size": lambda x: x.is_same_size(x.transpose(2, 3)),
    "length of the shape": lambda x: len(x.squeeze().shape) == 2,
}


class Looks(nn.Module):
    """Refuses where its question is answered with no."""

    def __init__(self, question):
        super().__init__()
        self.question = question

    def forward(self, x):
        if not self.question(x):
            raise ValueError("this size is not for this model")
        return x


@pytest.mark.parametrize("name", FACTS)
def test_code_that_asks_how_numbers_lie(name):
    """Nothing is called proved of it."""
    found = ask(Looks(FACTS[name]), (1, 1, "H", "W"))
    assert not found.proved and "the model's own code asks how numbers lie in memory" in found.evidence


@pytest.mark.parametrize("name", SIZES)
def test_code_that_asks_for_numbers_made_of_sizes(name):
    """They are conditions like any other: what is settled is what PyTorch runs."""
    model, shape = Looks(SIZES[name]), (1, 1, "H", "W")
    found = ask(model, shape)
    assert not found.observed and not found.disagreements
    assert differences(model, found, shape) == []


class Added(nn.Module):
    """Of two tensors the one that makes steps along both axes decides how the sum lies."""

    def __init__(self, first):
        super().__init__()
        self.first = first

    def forward(self, x):
        row, turned = x[:, :, :, :1], x.transpose(2, 3)
        y = row.transpose(2, 3) + turned if self.first == "row" else x[:1, :1, :1, :1] * turned if self.first == "one" else turned + 1
        return y.view(1, -1)


@pytest.mark.parametrize("first", ["row", "one", "turned"])
def test_sums_of_what_is_repeated(first):
    """A tensor that is repeated decides nothing about the order of the axes it has no step along."""
    model = Added(first)
    found = ask(model, SHAPE)
    assert found.proved and differences(model, found, side=20) == []


def test_nothing_is_asked_of_plain_numbers():
    """Numbers that remember nothing are just compared."""
    assert equal(12, 12) and not equal(12, 13)
