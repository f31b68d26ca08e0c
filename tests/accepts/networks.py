"""Random networks for the set of accepted sizes: chains, skips, branches, concatenation, resampling, shuffles, heads, Python's own `if`."""

import random

import torch
import torch.nn.functional as F
from torch import nn

from whyshape.analyses.accepts import accepts
from whyshape.readers.again import again


def ask(model, shape, **options):
    """The set of a model, or of a network in one line, with every check."""
    if isinstance(model, nn.Module):
        model.eval()
    return accepts(again(model, [shape]), shape, **options)


class Skip(nn.Module):
    """The input added to, or set beside, what a block makes of it."""

    def __init__(self, block, how):
        super().__init__()
        self.block, self.how = block, how

    def forward(self, x):
        y = self.block(x)
        if self.how == "crop":
            h, w = min(x.shape[2], y.shape[2]), min(x.shape[3], y.shape[3])
            return x[:, :, :h, :w] + y[:, :, :h, :w]
        if self.how == "resize":
            return x + F.interpolate(y, size=x.shape[-2:])
        return x + y if self.how == "add" else torch.cat([x, y], 1)


class Pair(nn.Module):
    """Two blocks side by side."""

    def __init__(self, a, b, how):
        super().__init__()
        self.a, self.b, self.how = a, b, how

    def forward(self, x):
        a, b = self.a(x), self.b(x)
        return a * b if self.how == "gate" else torch.cat([a, b], 1)


class PadToMultiple(nn.Module):
    """Python decides by the size."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        h, w = x.shape[-2:]
        if h % self.k or w % self.k:
            x = F.pad(x, (0, -w % self.k, 0, -h % self.k))
        return x


class Windows(nn.Module):
    """Cut into k x k windows and put together again."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        n, c, h, w = x.shape
        k = self.k
        x = x.view(n, c, h // k, k, w // k, k).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, k, k)
        return x.reshape(n, h // k, w // k, c, k, k).permute(0, 3, 1, 4, 2, 5).reshape(n, c, h, w)


class Forward(nn.Module):
    """A lambda as a module."""

    def __init__(self, act):
        super().__init__()
        self.act = act

    def forward(self, x):
        return self.act(x)


def same(c, chance):
    """A layer that keeps the channels."""
    k = chance.choice([1, 2, 3, 3, 4, 5])
    kind = chance.randrange(11)
    if kind < 4:
        return nn.Conv2d(c, c, k, chance.choice([1, 1, 2, 3]), chance.randint(0, k // 2), chance.choice([1, 1, 1, 2]))
    if kind < 6:
        return nn.MaxPool2d(k, chance.choice([1, 2, 2, 3]), chance.randint(0, k // 2), ceil_mode=chance.random() < 0.5)
    if kind == 6:
        return nn.AvgPool2d(k, chance.choice([1, 2]), ceil_mode=chance.random() < 0.5)
    if kind == 7:
        return nn.Upsample(scale_factor=chance.choice([2, 1.5, 0.5, 3]))
    if kind == 8:
        return nn.ConvTranspose2d(c, c, k, chance.choice([1, 2, 3]), chance.randint(0, k // 2))
    if kind == 9:
        return chance.choice([PadToMultiple, Windows])(chance.choice([2, 3, 4]))
    return nn.Sequential(nn.ReflectionPad2d(chance.randint(1, 3)), nn.Conv2d(c, c, k))


def block(c, chance, depth):
    """A chain of 1 to 3 layers, some of them made of blocks."""
    layers = []
    for _ in range(chance.randint(1, 3)):
        kind = chance.randrange(10)
        if depth and kind < 3:
            how = chance.choice(["add", "cat", "crop", "resize"])
            layers.append(Skip(block(c, chance, depth - 1), how))
            if how == "cat":
                layers.append(nn.Conv2d(2 * c, c, 1))
        elif depth and kind == 3:
            how = chance.choice(["gate", "cat"])
            layers.append(Pair(block(c, chance, depth - 1), block(c, chance, depth - 1), how))
            if how == "cat":
                layers.append(nn.Conv2d(2 * c, c, 1))
        elif kind == 4:
            layers.append(
                nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * c, c, 1))
                if chance.random() < 0.5
                else nn.Sequential(nn.Conv2d(c, 4 * c, 1), nn.PixelShuffle(2))
            )
        else:
            layers.append(same(c, chance))
    return nn.Sequential(*layers)


def head(body, c, chance):
    """What stands at the end: nothing, an adaptive pool, or a linear layer that fits one size."""
    kind = chance.randrange(5)
    if kind == 0:
        return nn.Identity()
    if kind == 1:
        return nn.Sequential(nn.AdaptiveAvgPool2d(chance.randint(1, 3)), nn.Flatten())
    for _ in range(40):
        h, w = chance.randint(8, 96), chance.randint(8, 96)
        if kind == 2:
            w = h
        try:
            with torch.no_grad():
                out = body(torch.zeros(1, c, h, w))
        except (RuntimeError, ValueError):
            continue
        n = out[0].numel()
        if n and n < 60_000:
            if kind == 4:
                return Forward(lambda x, k=n: x.view(-1, k))
            return nn.Sequential(nn.Flatten(), nn.Linear(n, 2))
    return nn.Identity()


def network(seed):
    """The random network of that number, and its channels; four of five run at some size."""
    for attempt in range(100):
        chance = random.Random(1000 * seed + attempt)
        torch.manual_seed(seed)
        c = chance.choice([1, 2])
        body = nn.Sequential(*block(c, chance, 2), *block(c, chance, 1)).eval()
        if seed % 5 == 0 or any(runs(body, 1, c, n, n) for n in (24, 37, 48, 61, 96)):
            break
    return nn.Sequential(body, head(body, c, chance)).eval(), c


@torch.no_grad()
def runs(model, *shape):
    """Whether plain PyTorch takes an input of that shape."""
    try:
        model(torch.zeros(shape))
    except (RuntimeError, ValueError, IndexError, AssertionError, ZeroDivisionError):
        return False
    return True
