"""Everything Python lets a model's forward do with a size: what `accepts` may call proved of it, plain PyTorch must run."""

# ruff: noqa: B007, B009, SIM201, SIM300, UP031, UP032, UP033

import functools
import math
import operator
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F

TABLE = [4, 4, 8, 8, 16, 16, 32, 32] + [1] * 400
NAMES = {8: 2, 16: 4, 32: 8, 48: 3, 64: 16}


def steps(x, times):
    for _ in range(times):
        x = F.max_pool2d(x, 2)
    return x


def need(x, truth):
    if not truth:
        raise ValueError("this size is not for this model")
    return x


def by_table(net, x, h, w):
    return x.view(-1, NAMES[h], w)  # a KeyError elsewhere


def halving(net, x, h, w):
    while h > 4:
        x, h = F.max_pool2d(x, 2), h // 2
    return x.view(-1, 4 * w)


def trying(net, x, h, w):
    try:
        return x.view(-1, 12, w)
    except RuntimeError:
        return x.view(-1, 10, w)


def tried_keys(net, x, h, w):
    try:
        return steps(x, NAMES[h] // 4)
    except KeyError:
        return x.view(-1, 7)


def early(net, x, h, w):
    if h == w:
        return x
    return x.view(-1, 9)


def asserting(net, x, h, w):
    assert h % 4 == 0 and w % 2 == 0, f"{h}x{w} is no multiple"
    return net.conv(x)


def matching(net, x, h, w):
    match h:
        case 16 | 32:
            return x.view(-1, 32)
        case n if n % 3 == 0:
            return x.view(-1, 9)
        case _:
            return x.view(-1, 2)


def matching_a_pair(net, x, h, w):
    match (h % 2, w % 2):
        case (0, 0):
            return x
        case (1, _):
            return x.view(-1, 5)
    return x.view(-1, 3)


def deeper(x, h):
    return deeper(F.max_pool2d(x, 2), h // 2) if h > 8 else x.view(-1, h)


def matching_text(net, x, h, w):
    match f"{h % 3}-{w % 2}":
        case "0-0" | "1-0":
            return x
        case "2-1":
            return x.view(-1, 6)
    raise ValueError("no such pair")


@functools.lru_cache(maxsize=None)
def window(h):
    return 4 if h % 8 == 0 else 3


@functools.lru_cache(maxsize=None)
def width(h, w):
    return (h + w) // 2


class Grid:
    def __init__(self, h, w):
        self.h, self.w = h, w

    def __eq__(self, other):
        return (self.h, self.w) == (other.h, other.w)

    def __hash__(self):
        return hash((self.h, self.w))

    @property
    def cells(self):
        return self.h * self.w


def objects(net, x, h, w):
    return x.view(-1, 8) if Grid(h, w) == Grid(w, h) else x.view(-1, Grid(h, w).cells)


def in_a_list(net, x, h, w):
    sizes = []
    while h >= 3:
        sizes.append(h)
        h //= 3
    return x.view(-1, *sizes[-1:], w)


def exceptional(net, x, h, w):
    try:
        1 / (h - 20)
    except ZeroDivisionError:
        return x.view(-1, 7)
    return x.view(-1, 2)


def a_generator(net, x, h, w):
    def sizes():
        while True:
            nonlocal h
            yield h
            h = h // 2

    for n in sizes():
        if n < 10:
            return x.view(-1, max(n, 1))


def exploded(net, x, h, w):
    scale = 0.5
    for n in range(3):
        x = F.avg_pool2d(x, 2) if scale * h > 24 else x
        h = x.shape[2]
    return x.view(-1, 6)


def kept_text(net, x, h, w):
    message = f"the height is {h}"
    return need(x, len(message) == 16)


_namespace: dict = {}
exec("def written(h):\n    return 0.5 * h != 22.0", _namespace)  # a function without a source
written = _namespace["written"]

HABITS = {
    "dict": by_table,
    "dict get": lambda net, x, h, w: x.view(-1, NAMES.get(h, 1), w),
    "dict in": lambda net, x, h, w: need(x, h in NAMES),
    "frozenset": lambda net, x, h, w: need(x, h not in frozenset((7, 13, 50))),
    "tuple in": lambda net, x, h, w: need(x, h in (7, 13, 50)),
    "while": halving,
    "try": trying,
    "try and key": tried_keys,
    "sorted": lambda net, x, h, w: x.view(-1, sorted([h, w, 24])[1]),
    "sorted by key": lambda net, x, h, w: x.view(-1, sorted([8, 16, 24, 32], key=lambda n: abs(n - h))[0]),
    "range": lambda net, x, h, w: steps(x, len(range(8, h, 16))),
    "range loop": lambda net, x, h, w: x.view(-1, sum(1 for n in range(h) if n % 5 == 0)),
    "in range": lambda net, x, h, w: need(x, h in range(8, 60, 4)),
    "any": lambda net, x, h, w: need(x, any(h % n == 0 for n in (8, 12))),
    "all": lambda net, x, h, w: need(x, all(h % n for n in (2, 3, 5))),
    "power of two": lambda net, x, h, w: need(x, h & (h - 1) == 0),
    "bit_length": lambda net, x, h, w: need(x, h.bit_length() in (3, 5)),
    "bit_count": lambda net, x, h, w: need(x, int(h).bit_count() == 2),
    "xor": lambda net, x, h, w: x.view(-1, (h ^ 5) + 1),
    "f-string": lambda net, x, h, w: need(x, f"{h}" != "48"),
    "f-string as key": lambda net, x, h, w: x.view(-1, {"8": 4, "32": 16}.get(f"{h}", 2)),
    "percent d": lambda net, x, h, w: need(x, ("%d" % h) not in ("31", "77")),
    "percent s": lambda net, x, h, w: need(x, "%sx%s" % (h, w) != "31x31"),
    "format": lambda net, x, h, w: need(x, "{:04d}".format(h)[-1] != "7"),
    "str": lambda net, x, h, w: need(x, str(h)[0] != "5"),
    "repr": lambda net, x, h, w: need(x, repr(h).endswith("2")),
    "hex": lambda net, x, h, w: need(x, hex(h) != "0x2a"),
    "text of a shape": lambda net, x, h, w: need(x, str(tuple(x.shape)) != "(1, 1, 40, 7)"),
    "text that is told": asserting,
    "length of a text": kept_text,
    "lru_cache": lambda net, x, h, w: F.avg_pool2d(x, window(h)).view(-1, 2, 2),
    "lru_cache of two": lambda net, x, h, w: x.view(-1, width(h, w)),
    "recursion": lambda net, x, h, w: deeper(x, h),
    "numpy sqrt": lambda net, x, h, w: x.view(-1, int(np.sqrt(h))),
    "numpy prod": lambda net, x, h, w: x.view(int(np.prod(x.shape[2:])), 1),
    "numpy prod of another": lambda net, x, h, w: x.view(-1, int(np.prod((h // 2, 2)))),
    "numpy int": lambda net, x, h, w: need(x, np.int64(h) != 44),
    "numpy array": lambda net, x, h, w: need(x, (np.array([h, w]) < 90).all()),
    "numpy float left": lambda net, x, h, w: need(x, np.float64(0.5) * h != 22.0),
    "numpy ceil": lambda net, x, h, w: F.interpolate(x, size=(int(np.ceil(h / 3)) * 3, w)) + x,
    "torch.Size": lambda net, x, h, w: need(x, x.shape[-2:] != torch.Size([32, 32])),
    "torch.Size equal": lambda net, x, h, w: x if x.size() == (1, 1, 24, 24) else x.view(-1, 5),
    "torch.Size numel": lambda net, x, h, w: need(x, x.shape.numel() % 10 == 0),
    "numel": lambda net, x, h, w: need(x, x.numel() % 10 == 0),
    "torch.Size in a set": lambda net, x, h, w: need(x, x.shape not in {torch.Size([1, 1, 5, 5])}),
    "torch.Size count": lambda net, x, h, w: need(x, x.shape.count(1) == 2),
    "torch.Size index": lambda net, x, h, w: need(x, x.shape.index(h) == 2),
    "early return": early,
    "assert": asserting,
    "match": matching,
    "match pair": matching_a_pair,
    "match text": matching_text,
    "min": lambda net, x, h, w: x.view(-1, min(h, 24)),
    "max": lambda net, x, h, w: x.view(-1, max(h, w, 24)),
    "min with default key": lambda net, x, h, w: x.view(-1, min((16, 20, 24), key=lambda n: h % n)),
    "abs": lambda net, x, h, w: x.view(-1, abs(h - 20) + 1),
    "divmod": lambda net, x, h, w: x.view(-1, divmod(h, 7)[1] + 1),
    "round": lambda net, x, h, w: x.view(-1, round(h / 4) + 1),
    "round digits": lambda net, x, h, w: x.view(-1, round(h, -1) + 1),
    "pow": lambda net, x, h, w: need(x, pow(h, 2) < 1700),
    "pow modulo": lambda net, x, h, w: need(x, pow(h, 3, 7) == 1),
    "pow of two": lambda net, x, h, w: need(x, 2**h < 2**40),
    "root": lambda net, x, h, w: x.view(-1, int(h**0.5)),
    "float scale": lambda net, x, h, w: F.interpolate(x, size=(int(h * 0.5) * 2, w)) + x,
    "float left": lambda net, x, h, w: F.interpolate(x, size=(int(0.5 * h) * 2, w)) + x,
    "float left not exact": lambda net, x, h, w: F.interpolate(x, size=(int(0.3 * h) * 3 + 1, w)) + x,
    "float left compared": lambda net, x, h, w: need(x, 0.5 * h != 22.0),
    "float compared": lambda net, x, h, w: need(x, h > 16.5),
    "float compared left": lambda net, x, h, w: need(x, 16.5 < h),
    "float equal": lambda net, x, h, w: need(x, h != 40.0),
    "float equal left": lambda net, x, h, w: need(x, not 40.0 == h),
    "float chain": lambda net, x, h, w: need(x, 7.5 < h < 60.25),
    "float far": lambda net, x, h, w: need(x, 1.5 * h < 140),
    "float added": lambda net, x, h, w: need(x, 0.25 + h != 44.25),
    "float divided": lambda net, x, h, w: need(x, 96.0 / h != 4.0),
    "float of floor": lambda net, x, h, w: need(x, 100.0 // h != 7.0),
    "float remainder": lambda net, x, h, w: need(x, 100.0 % h != 1.0),
    "float max": lambda net, x, h, w: need(x, max(20.5, h) == h),
    "ceil": lambda net, x, h, w: F.interpolate(x, size=(math.ceil(h / 16) * 16, w)) + x,
    "floor": lambda net, x, h, w: F.interpolate(x, size=(math.floor(h / 16) * 16, w)) + x,
    "log2": lambda net, x, h, w: need(x, math.log2(h).is_integer()),
    "log": lambda net, x, h, w: need(x, math.log(h) < 4),
    "sqrt": lambda net, x, h, w: x.view(-1, int(math.sqrt(h))),
    "isqrt": lambda net, x, h, w: need(x, math.isqrt(h) ** 2 != h),
    "gcd": lambda net, x, h, w: need(x, math.gcd(h, w) > 1),
    "lcm": lambda net, x, h, w: need(x, math.lcm(h, 6) % 12 == 0),
    "factorial": lambda net, x, h, w: need(x, math.factorial(h % 7) != 24),
    "math.prod": lambda net, x, h, w: x.view(math.prod([h, w, 2]) // 2),
    "math.fmod": lambda net, x, h, w: need(x, math.fmod(h, 3) == 0),
    "fractions": lambda net, x, h, w: need(x, Fraction(h, 8).denominator == 1),
    "list index": lambda net, x, h, w: x.view(-1, TABLE[h // 8]),
    "slice": lambda net, x, h, w: x.view(-1, len(TABLE[:h]) + 1),
    "tuple index": lambda net, x, h, w: x.view(-1, (1, 2, 3, 5, 7)[h % 5]),
    "text index": lambda net, x, h, w: need(x, "abcabc"[h % 6] != "b"),
    "list repeated": lambda net, x, h, w: x.view(-1, len([0] * h)),
    "text repeated": lambda net, x, h, w: x.view(-1, len("ab" * h)),
    "enumerate": lambda net, x, h, w: x.view(-1, max(i for i, _ in enumerate(range(h)))),
    "index": lambda net, x, h, w: need(x, operator.index(h) != 33),
    "real": lambda net, x, h, w: need(x, h.real != 33),
    "numerator": lambda net, x, h, w: need(x, h.numerator != 33),
    "to_bytes": lambda net, x, h, w: need(x, h.to_bytes(2, "big")[1] != 33),
    "bool": lambda net, x, h, w: x.view(-1, 1 + bool(h % 2)),
    "sum": lambda net, x, h, w: x.view(-1, sum(x.shape)),
    "sum of truths": lambda net, x, h, w: x.view(-1, 1 + sum([h > 10, h > 20, h > 30])),
    "zip": lambda net, x, h, w: need(x, all(a >= b for a, b in zip(x.shape[2:], (8, 4)))),
    "reduce": lambda net, x, h, w: x.view(functools.reduce(operator.mul, x.shape)),
    "torch.tensor": lambda net, x, h, w: need(x, int(torch.tensor(3)) + h != 20),
    "is": lambda net, x, h, w: need(x, type(h) is int),
    "isinstance": lambda net, x, h, w: need(x, isinstance(h, int)),
    "complex": lambda net, x, h, w: need(x, abs(complex(h, 0)) != 30),
    "bytes": lambda net, x, h, w: need(x, len(bytes(h)) != 30),
    "objects": objects,
    "list of sizes": in_a_list,
    "exception": exceptional,
    "generator": a_generator,
    "float in a loop": exploded,
    "int": lambda net, x, h, w: need(x, int(h) % 3 != 1),
    "float": lambda net, x, h, w: need(x, float(h) / 2 != 21.0),
    "walrus": lambda net, x, h, w: x.view(-1, n) if (n := h // 3) > 2 else x,
    "starred": lambda net, x, h, w: x.view(*[n for n in x.shape if n > 1], 1),
    "getattr": lambda net, x, h, w: x.view(-1, getattr(h, "__floordiv__")(2) + 1),
    "map": lambda net, x, h, w: x.view(-1, sum(map(int, (h, w)))),
    "conditional": lambda net, x, h, w: x.view(-1, 3 if h % 3 == 0 else 2 if h % 2 == 0 else 1),
    "stride": lambda net, x, h, w: need(x, x.stride(1) != 64),
    "nbytes": lambda net, x, h, w: need(x, x.nbytes < 4000),
    "rows": lambda net, x, h, w: need(x, len(list(x[0, 0])) != 30),
    "rows counted": lambda net, x, h, w: need(x, sum(1 for _ in x[0, 0]) != 30),
    "unbind": lambda net, x, h, w: need(x, len(x.unbind(2)) != 30),
    "split": lambda net, x, h, w: need(x, len(x.split(7, 2)) != 3),
    "chunk": lambda net, x, h, w: need(x, len(x.chunk(8, 2)) == 8),
    "exec": lambda net, x, h, w: need(x, written(h)),
    "eval": lambda net, x, h, w: need(x, eval("0.5 * h", {"h": h}) != 22.0),
}  # fmt: skip
