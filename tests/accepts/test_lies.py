"""Views of numbers that do not lie row by row: whether PyTorch gives or refuses them hangs on sizes that are 1, or equal to another."""

import pytest
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


def test_a_refusal_is_proved():
    """A `view` of a turned map is refused for its layout, for all sizes at once: nothing is left to be tried one by one."""
    found = ask(Copied(), SHAPE)
    assert not found.observed and not found.contains(H=224, W=224) and found.contains(H=1, W=224) and found.contains(H=224, W=1)


QUICK, FULL = range(16, 46), [*range(16), *range(46, 2000)]


@pytest.mark.parametrize("seed", [*QUICK, *(pytest.param(n, marks=pytest.mark.full) for n in FULL)])
def test_random_chains(seed):
    """Every size up to 12 x 12: what is settled is what plain PyTorch does, and nothing is merely observed."""
    model, shape = chain(seed)
    found = ask(model, shape)
    assert not found.observed and not found.disagreements
    assert differences(model, found, shape, SIDE + 1, lambda h, w: taken(model, shape, h, w)) == []


def test_the_chains_are_worth_asking():
    """Many of the chains take some sizes and refuse others."""
    corners = [(1, 1), (8, 8), (1, 8), (8, 1), (5, 7), (12, 6)]
    mixed = [len({taken(*chain(seed), h, w) for h, w in corners}) for seed in QUICK]
    assert mixed.count(2) >= len(QUICK) // 3


def test_nothing_is_asked_of_plain_numbers():
    """Numbers that remember nothing are just compared."""
    assert equal(12, 12) and not equal(12, 13)
