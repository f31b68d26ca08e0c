"""Random networks: the set that is computed against plain PyTorch, run."""

import itertools
import random

import pytest
from networks import network, runs

from whyshape.analyses.accepts import accepts
from whyshape.readers.again import again

SIDE = 96


def answer(seed):
    model, c = network(seed)
    shape = (1, c, "H", "W")
    found = accepts(again(model, [shape]), shape)
    assert found.proved, found
    return model, c, found


@pytest.mark.parametrize("seed", range(30))
def test_members_and_others(seed):
    """Random sizes, the diagonal, members and their neighbours: PyTorch runs exactly the members."""
    model, c, found = answer(seed)
    chance = random.Random(seed)
    sizes = {(chance.randint(1, SIDE), chance.randint(1, SIDE)) for _ in range(12)} | {(n, n) for n in range(1, SIDE, 9)}
    members = [tuple(at.values()) for at in itertools.islice(found, 800) if max(at.values()) <= SIDE]
    for h, w in chance.sample(members, min(8, len(members))):
        sizes |= {(h, w), (h + 1, w), (h, max(1, w - 1))}
    wrong = [(h, w) for h, w in sorted(sizes) if runs(model, 1, c, h, w) != found.contains(H=h, W=w)]
    assert wrong == []


def test_the_networks_are_worth_asking():
    """Most of the random networks take some sizes and not others."""
    sets = [answer(seed)[2] for seed in range(30)]
    assert sum(not s.empty for s in sets) >= 20
    assert sum(not s.empty and not s.contains(H=1, W=1) for s in sets) >= 15


@pytest.mark.full
@pytest.mark.parametrize("seed", range(5000, 5300))
def test_every_size(seed):
    """All 96 x 96 sizes: 0 differences."""
    model, c, found = answer(seed)
    wrong = [(h, w) for h in range(1, SIDE + 1) for w in range(1, SIDE + 1) if runs(model, 1, c, h, w) != found.contains(H=h, W=w)]
    assert wrong == []
