"""Networks as people write them, against plain PyTorch: padding to the skip, checks that raise, windows, pyramids, loops."""

import itertools
import random

import pytest
from designs import DESIGNS
from networks import runs

from whyshape.analyses.accepts import accepts
from whyshape.readers.again import again

SHAPE = (1, 1, "H", "W")
OPEN = {"loop", "cut fixed", "guard power", "scale int", "scale divint"}  # as many ways through them as sizes: the rest is left open
SAID = {
    "U-Net padded to its skips": "H and W at least 8",
    "guard or": "H and W multiples of 8",
    "guard min": "H and W at least 8",
    "guard square": "all sizes with H = W",
    "guard in": "H 16, 24 or 32",
    "Swin padded": "H and W at least 2",
    "reflect": "H and W at least 9",
    "same by ceil": "any size",
    "SPP by ceil": "H and W 6, 8..10 or at least 12",
    "scale round": "H and W multiples of 2",
    "CRNN": "H 8..11, W at least 2",
    "YOLO": "H and W any size from 6 up whose remainder mod 8 is 0 or 6",
}


def answer(name):
    model = DESIGNS[name].eval()
    return model, accepts(again(model, [SHAPE]), SHAPE)


def differences(model, found, sizes):
    """Sizes at which plain PyTorch says something else; what the answer leaves open is not asked."""
    left = lambda h, w: any(b.contains(found.algebra, {"H": h, "W": w}) for b in found.unsettled)
    limit = min(found.limits.values(), default=1 << 20)
    asked = [(h, w) for h, w in sorted(sizes) if max(h, w) <= limit and not left(h, w)]
    assert len(asked) >= len(sizes) // 50  # an answer that leaves everything open would pass any check
    return [s for s in asked if found.contains(H=s[0], W=s[1]) != runs(model, 1, 1, *s)]


@pytest.mark.parametrize("name", [n for n in DESIGNS if n != "loop"])
def test_members_and_others(name):
    """Random sizes, the diagonal, and the first members: PyTorch runs exactly the members, and all is proved."""
    model, found = answer(name)
    assert found.proved or (name in OPEN and not found.disagreements and not found.observed), found
    assert name not in SAID or str(found).splitlines()[0] == SAID[name]
    chance = random.Random(name)
    sizes = {(chance.randint(1, 70), chance.randint(1, 70)) for _ in range(25)} | {(n, n) for n in range(1, 70, 4)}
    sizes |= {tuple(at.values()) for at in itertools.islice(found, 8) if max(at.values()) < 150}
    assert differences(model, found, sizes) == []


@pytest.mark.full
@pytest.mark.parametrize("name", DESIGNS)
def test_every_size(name):
    """All 64 x 64 sizes, and every square up to 160."""
    model, found = answer(name)
    assert differences(model, found, {(h, w) for h in range(1, 65) for w in range(1, 65)} | {(n, n) for n in range(1, 161)}) == []
