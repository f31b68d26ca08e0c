"""Random chains of operators that turn, cut, fold and copy: whether a `view` among them is given or refused hangs on sizes that are 1 or equal."""

import random

import torch
from torch import nn

SIDE = 12


def _axis(x, i):
    return i % x.dim()


def cut(x, i, k, how):
    """One axis as k of its parts, or as parts of k."""
    i, s = _axis(x, i), list(x.shape)
    two = (s[i] // k, k) if how % 2 else (k, -1)
    return (x.view if how > 1 else x.reshape)(*s[:i], *two, *s[i + 1 :])


def fold(x, i, strict):
    """Two neighbouring axes as one."""
    i, s = _axis(x, i), list(x.shape)
    if i == x.dim() - 1:
        return x.flatten(max(i - 1, 0))
    return (x.view if strict else x.reshape)(*s[:i], s[i] * s[i + 1], *s[i + 2 :])


def turned(x, seed):
    order = list(range(x.dim()))
    random.Random(seed).shuffle(order)
    return x.permute(order)


def repeated(x, i, k):
    y = x.unsqueeze(i % (x.dim() + 1))
    sizes = [-1] * y.dim()
    sizes[i % (x.dim() + 1)] = k
    return y.expand(*sizes)


def part(x, i, how):
    return x[(slice(None),) * _axis(x, i) + (how,)]


STEPS = [
    ("permute", 4, lambda x, a, b: turned(x, a)),
    ("transpose", 4, lambda x, a, b: x.transpose(_axis(x, a), _axis(x, b))),
    ("cut", 4, lambda x, a, b: cut(x, a, (2, 3, 4, 8)[b % 4], 1 - a % 2)),
    ("cut in place", 2, lambda x, a, b: cut(x, a, (2, 3, 4, 1)[b % 4], 2 + a % 2)),
    ("fold", 4, lambda x, a, b: fold(x, a, False)),
    ("fold in place", 3, lambda x, a, b: fold(x, a, True)),
    ("a row", 1, lambda x, a, b: x.reshape(-1)),
    ("a row in place", 2, lambda x, a, b: x.view(-1)),
    ("rows of", 2, lambda x, a, b: x.reshape(-1, (2, 3, 4, 8)[a % 4])),
    ("rows of in place", 2, lambda x, a, b: x.view((2, 3, 4, 8)[a % 4], -1)),
    ("flatten", 1, lambda x, a, b: x.flatten(min(_axis(x, a), _axis(x, b)), max(_axis(x, a), _axis(x, b)))),
    ("unflatten", 1, lambda x, a, b: x.unflatten(_axis(x, a), ((2, 3, 4, 1)[b % 4], -1))),
    ("contiguous", 1, lambda x, a, b: x.contiguous()),
    ("chunk", 2, lambda x, a, b: x.chunk(2 + b % 2, _axis(x, a))[0]),
    ("last of split", 1, lambda x, a, b: x.split((2, 4, 5)[b % 3], _axis(x, a))[-1]),
    ("unbind", 1, lambda x, a, b: x.unbind(_axis(x, a))[0]),
    ("narrow", 1, lambda x, a, b: x.narrow(_axis(x, a), 0, (x.shape[_axis(x, a)] + 1) // 2)),
    ("slice", 2, lambda x, a, b: part(x, a, (slice(0, 4), slice(None, None, 2), slice(1, None), 0, None)[b % 5])),
    ("expand", 1, lambda x, a, b: repeated(x, a, 1 + b % 3)),
    ("squeeze", 1, lambda x, a, b: x.squeeze(_axis(x, a))),
    ("squeeze all", 1, lambda x, a, b: x.squeeze()),
    ("unsqueeze", 1, lambda x, a, b: x.unsqueeze(a % (x.dim() + 1))),
    ("movedim", 1, lambda x, a, b: x.movedim(_axis(x, a), _axis(x, b))),
    ("relu", 2, lambda x, a, b: x.relu()),
    ("add", 1, lambda x, a, b: x + x.flip(0)),
    ("cat", 1, lambda x, a, b: torch.cat([x, x], _axis(x, a))),
    ("softmax", 1, lambda x, a, b: x.softmax(_axis(x, a))),
    ("windows", 1, lambda x, a, b: x.unfold(_axis(x, a), 1 + b % 2, 1 + b % 2)),
]
ACTS = {name: act for name, _, act in STEPS}


class Chain(nn.Module):
    """Steps one after another."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def forward(self, x):
        for name, a, b in self.steps:
            x = ACTS[name](x, a, b) if x.dim() else x
        return x


def chain(seed):
    """The random chain of that number, and its input's shape; it takes some sizes of up to SIDE."""
    for attempt in range(50):
        chance = random.Random(1000 * seed + attempt)
        names = chance.choices([name for name, _, _ in STEPS], [weight for _, weight, _ in STEPS], k=chance.randint(2, 7))
        names.append(chance.choice(["fold in place", "a row in place", "rows of in place", "cut in place", names[-1]]))
        model = Chain([(name, chance.randrange(12), chance.randrange(12)) for name in names])
        shape = chance.choice([("H", "W"), (1, "H", "W"), (1, 3, "H", "W"), (2, 8, "H", "W")])
        if any(taken(model, shape, h, w) for h, w in ((8, 8), (12, 6), (4, 4), (1, 8), (8, 1), (6, 12))):
            break
    return model, shape


@torch.no_grad()
def taken(model, shape, h, w):
    """Whether plain PyTorch takes an input of these sizes."""
    try:
        model(torch.zeros([{"H": h, "W": w}.get(n, n) for n in shape]))
    except (RuntimeError, ValueError, IndexError, ZeroDivisionError):
        return False
    return True
