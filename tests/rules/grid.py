"""Random settings of everything that slides, valid and invalid mixed, asked of plain eager PyTorch and of our rules.

A generator takes a `random.Random`, so that a seeded loop and hypothesis (`st.randoms`) draw from the same settings.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from whyshape.errors import DoesNotFit
from whyshape.graph.builder import Builder, Stopped
from whyshape.graph.derive import flat
from whyshape.rules import RULES, Spec

F = nn.functional


class T(NamedTuple):
    """Stands for a tensor of zeros among a case's arguments."""

    shape: tuple[int, ...]
    dtype: str = "float32"


class Case(NamedTuple):
    """One call: a layer of `torch.nn` (``args`` are its constructor's, ``inputs`` its forward's) or a function."""

    name: str
    inputs: tuple[T, ...]
    args: tuple = ()
    kwargs: dict[str, Any] = {}

    @property
    def is_layer(self) -> bool:
        return self.name[0].isupper()


class Refused(NamedTuple):
    """The call was refused, with its reason in words."""

    why: str


def zeros(value):
    """The argument with tensors in place of `T`."""
    return torch.zeros(value.shape, dtype=getattr(torch, value.dtype)) if isinstance(value, T) else value


def eager(case: Case) -> list[tuple[int, ...]] | Refused:
    """What PyTorch makes on the CPU: the shapes of its results, or its refusal."""
    inputs = [zeros(t) for t in case.inputs]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            if case.is_layer:
                made = getattr(nn, case.name)(*case.args, **case.kwargs)(*inputs)
            else:
                made = function(case.name)(*inputs, *map(zeros, case.args), **case.kwargs)
        except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError, AssertionError, ZeroDivisionError) as refusal:
            return Refused(f"{type(refusal).__name__}: {refusal}")
    return [tuple(t.shape) for t in (made if isinstance(made, tuple) else (made,))]


def function(name: str) -> Callable:
    """The PyTorch function a rule's name stands for."""
    if "." in name:
        found: Any = torch
        for part in name.split(".")[1:]:
            found = getattr(found, part)
        return found
    return getattr(F, name, None) or getattr(torch, name)


def ours(case: Case) -> list[tuple[int, ...]] | Refused:
    """What our rule makes of the same call."""
    if case.is_layer:
        builder = Builder()
        try:
            made = builder.layer(case.name, "layer", *[builder.input(*t) for t in case.inputs], args=case.args, kwargs=case.kwargs)
        except Stopped:
            return Refused(builder.problem.sentence)
        return [v.shape for v in (made if isinstance(made, list) else [made])]
    try:
        made = RULES[case.name].shape(
            *[Spec(*t) for t in case.inputs], *[Spec(*a) if isinstance(a, T) else a for a in case.args], **case.kwargs
        )
    except DoesNotFit as refusal:
        return Refused(refusal.sentence)
    return list(flat(made))


# Drawing. Most numbers are sensible; a few are zero, negative, or too many.


def often(rng: random.Random, share: float) -> bool:
    return rng.random() < share


def number(rng, low: int, high: int) -> int:
    """A number between the two, now and then zero or negative."""
    return rng.choice((0, -1, -2)) if often(rng, 0.03) else rng.randint(low, high)


def knob(rng, n: int, low: int, high: int):
    """One number, or one for each of ``n`` axes, now and then for the wrong number of axes."""
    if often(rng, 0.55):
        return number(rng, low, high)
    length = rng.choice((1, n + 1, max(n - 1, 0))) if often(rng, 0.04) else n
    made = [number(rng, low, high) for _ in range(length)]
    return made if often(rng, 0.1) else tuple(made)


def image(rng, n: int, channels: int, low=1, high=11) -> T:
    """A tensor of batch, channels and ``n`` axes; now and then without batch, empty, or of another rank."""
    space = [0 if often(rng, 0.015) else rng.randint(low, high) for _ in range(n)]
    lead = [0 if often(rng, 0.015) else rng.randint(1, 3), 0 if often(rng, 0.01) else channels]
    shape = lead[1:] + space if often(rng, 0.15) else lead + space
    if often(rng, 0.02):
        shape = shape[1:] if often(rng, 0.5) else [2, *shape]
    return T(tuple(shape))


def conv(rng) -> Case:
    n = rng.choice((1, 1, 2, 2, 3))
    groups = rng.choice((1, 1, 1, 2, 3, 0 if often(rng, 0.1) else 1))
    cin, cout = (groups * rng.randint(1, 2) if often(rng, 0.95) else rng.randint(0, 5) for _ in range(2))
    padding = rng.choice(("same", "valid", "SAME")) if often(rng, 0.12) else knob(rng, n, 0, 3)
    kwargs = {"stride": knob(rng, n, 1, 3), "padding": padding, "dilation": knob(rng, n, 1, 3), "groups": groups}
    if padding == "same" and often(rng, 0.8):
        kwargs["stride"] = 1
    if often(rng, 0.3):
        kwargs["padding_mode"] = rng.choice(("zeros", "reflect", "replicate", "circular", "edge" if often(rng, 0.1) else "reflect"))
    x = image(rng, n, cin if often(rng, 0.97) else cin + 1)
    return Case(f"Conv{n}d", (x,), (cin, cout, knob(rng, n, 1, 4)), kwargs | {"bias": often(rng, 0.5)})


def conv_function(rng) -> Case:
    n = rng.choice((1, 2, 3))
    groups, cin, cout = rng.choice((1, 1, 2)), rng.choice((0, 1, 2, 2)), rng.choice((0, 1, 2, 4))
    weight = T((cout, cin, *[number(rng, 1, 4) % 7 for _ in range(n)]))
    if often(rng, 0.03):
        weight = T(weight.shape[:-1])
    bias = T((cout if often(rng, 0.95) else cout + 1,)) if often(rng, 0.5) else None
    kwargs = {"stride": knob(rng, n, 1, 3), "padding": knob(rng, n, 0, 3), "dilation": knob(rng, n, 1, 3), "groups": groups}
    return Case(f"conv{n}d", (image(rng, n, cin * groups),), (weight, bias), kwargs)


def transposed(rng) -> Case:
    n = rng.choice((1, 1, 2, 2, 3))
    groups = rng.choice((1, 1, 1, 2))
    cin, cout = (groups * rng.randint(1, 2) if often(rng, 0.95) else rng.randint(0, 5) for _ in range(2))
    kwargs = {
        "stride": knob(rng, n, 1, 3),
        "padding": knob(rng, n, 0, 2) if often(rng, 0.6) else 0,
        "output_padding": knob(rng, n, 0, 2) if often(rng, 0.5) else 0,
    }
    kwargs |= {"groups": groups, "dilation": knob(rng, n, 1, 3), "bias": often(rng, 0.5)}
    if often(rng, 0.02):
        kwargs["padding"] = rng.choice(("same", "valid"))
    if often(rng, 0.02):
        kwargs["padding_mode"] = "reflect"
    return Case(
        f"ConvTranspose{n}d", (image(rng, n, cin if often(rng, 0.97) else cin + 1, low=2, high=6),), (cin, cout, knob(rng, n, 1, 4)), kwargs
    )


def max_pool(rng) -> Case:
    n = rng.choice((1, 1, 2, 2, 3))
    kwargs = {"padding": knob(rng, n, 0, 2) if often(rng, 0.6) else 0, "ceil_mode": often(rng, 0.5), "return_indices": often(rng, 0.3)}
    kwargs["dilation"] = knob(rng, n, 1, 3) if often(rng, 0.4) else 1
    return Case(f"MaxPool{n}d", (image(rng, n, 2),), (knob(rng, n, 1, 5), knob(rng, n, 1, 4) if often(rng, 0.7) else None), kwargs)


def avg_pool(rng) -> Case:
    n = rng.choice((1, 1, 2, 2, 3))
    kwargs = {"padding": knob(rng, n, 0, 2) if often(rng, 0.6) else 0, "ceil_mode": often(rng, 0.5), "count_include_pad": often(rng, 0.5)}
    if n > 1 and often(rng, 0.2):
        kwargs["divisor_override"] = rng.choice((1, 3, 0))
    return Case(f"AvgPool{n}d", (image(rng, n, 2),), (knob(rng, n, 1, 5), knob(rng, n, 1, 4) if often(rng, 0.7) else None), kwargs)


def lp_pool(rng) -> Case:
    n = rng.choice((1, 1, 2, 2, 3))
    norm = rng.choice((1, 2, 2.5, 3, float("inf"), 0 if often(rng, 0.2) else 2))
    args = (norm, knob(rng, n, 1, 5), knob(rng, n, 1, 4) if often(rng, 0.7) else None, often(rng, 0.5))
    return Case(f"LPPool{n}d", (image(rng, n, 2),), args)


def adaptive(rng) -> Case:
    n, kind = rng.choice((1, 1, 2, 2, 3)), rng.choice(("Avg", "Max"))
    size = knob(rng, n, 1, 12)
    if isinstance(size, (tuple, list)) and often(rng, 0.3):
        size = tuple(None if often(rng, 0.5) else s for s in size)
    args = (None if often(rng, 0.02) else size, *((True,) if kind == "Max" and often(rng, 0.3) else ()))
    return Case(f"Adaptive{kind}Pool{n}d", (image(rng, n, 2),), args)


def fractional(rng) -> Case:
    n = rng.choice((2, 2, 3))
    k, kwargs = knob(rng, n, 1, 3), {"return_indices": often(rng, 0.3)}
    if often(rng, 0.5):
        kwargs["output_size"] = knob(rng, n, 1, 7)
    if often(rng, 0.04) or ("output_size" not in kwargs and often(rng, 0.95)):
        ratio = lambda: rng.choice((0.1, 0.29, 0.5, 0.57, 0.75, 0.9, 1.0 if often(rng, 0.2) else 0.3))
        kwargs["output_ratio"] = ratio() if often(rng, 0.5) else tuple(ratio() for _ in range(n))
    return Case(f"FractionalMaxPool{n}d", (image(rng, n, 2, low=2),), (k,), kwargs)


def unpool(rng) -> Case:
    n = rng.choice((1, 1, 2, 2, 3))
    x = image(rng, n, 2, high=5)
    indices = T(x.shape if often(rng, 0.96) else (*x.shape[:-1], 2), "int64" if often(rng, 0.97) else "float32")
    k, s, p = knob(rng, n, 1, 3), knob(rng, n, 1, 3) if often(rng, 0.5) else None, knob(rng, n, 0, 1) if often(rng, 0.3) else 0
    if often(rng, 0.5):
        return Case(f"MaxUnpool{n}d", (x, indices), (k, s, p))
    size = tuple(rng.randint(1, 9) for _ in range(n))
    if often(rng, 0.8) and isinstance(k, int) and k > 0 and p == 0 and len(x.shape) >= n + 1:
        step = abs(s) if isinstance(s, int) else k
        size = tuple((i - 1) * step + k + rng.randint(-step, step) for i in x.shape[-n:])
    if often(rng, 0.3):
        size = (*x.shape[:-n], *size)
    return Case(f"max_unpool{n}d", (x, indices), (k, s, p, size))


def unfold(rng) -> Case:
    kwargs = {"dilation": knob(rng, 2, 1, 3), "padding": knob(rng, 2, 0, 2), "stride": knob(rng, 2, 1, 3)}
    return Case("Unfold", (image(rng, 2, 3),), (knob(rng, 2, 1, 4),), kwargs)


def fold(rng) -> Case:
    size, k = knob(rng, 2, 2, 9), knob(rng, 2, 1, 3)
    kwargs = {"dilation": knob(rng, 2, 1, 2), "padding": knob(rng, 2, 0, 1), "stride": knob(rng, 2, 1, 3)}
    kwargs = kwargs if often(rng, 0.8) else {}
    pair = lambda v: (v, v) if isinstance(v, int) else tuple(v)
    try:
        d, p, s = (pair(kwargs.get(name, default)) for name, default in (("dilation", 1), ("padding", 0), ("stride", 1)))
        places = [(pair(size)[i] + 2 * p[i] - d[i] * (pair(k)[i] - 1) - 1) // s[i] + 1 for i in (0, 1)]
        block, length = pair(k)[0] * pair(k)[1], max(places[0] * places[1], 0)
    except (IndexError, ZeroDivisionError):
        block, length = 4, 9
    lead = [rng.choice((0, 1, 2)), max(block, 1) * rng.randint(1, 2)]
    shape = [*(lead if often(rng, 0.85) else lead[1:]), length]
    if often(rng, 0.1):
        shape[rng.randrange(len(shape))] += 1
    return Case("Fold", (T(tuple(shape if often(rng, 0.97) else [1, *shape])),), (size, k), kwargs)


def shuffle(rng) -> Case:
    kind, r = rng.choice(("PixelShuffle", "PixelUnshuffle", "ChannelShuffle")), number(rng, 1, 4)
    lead = [rng.randint(0, 3) for _ in range(rng.choice((0, 1, 1, 1, 2)))]
    c = r * r * rng.randint(0, 2) if often(rng, 0.7) else rng.randint(0, 9)
    h, w = (r * rng.randint(0, 3) if often(rng, 0.7) else rng.randint(0, 9) for _ in range(2))
    shape = tuple(map(abs, (*lead, c, h, w)))
    return Case(kind, (T(shape if often(rng, 0.95) else shape[rng.randint(1, 2) :]),), (r,))


def pad(rng) -> Case:
    kind, n = rng.choice(("Zero", "Constant", "Reflection", "Replication", "Circular")), rng.choice((1, 2, 3))
    side = lambda: rng.randint(-4, 5) if often(rng, 0.7) else rng.randint(0, 3)
    padding = rng.randint(-2, 4) if often(rng, 0.3) else tuple(side() for _ in range(2 * n if often(rng, 0.97) else rng.randint(0, 7)))
    return Case(f"{kind}Pad{n}d", (image(rng, n, 2, high=6),), (padding, 1.5) if kind == "Constant" else (padding,))


def pad_function(rng) -> Case:
    x = T(tuple(rng.randint(0, 5) for _ in range(rng.randint(0, 5))))
    sides = tuple(rng.randint(-3, 4) for _ in range(rng.choice((0, 2, 2, 4, 4, 6, 3))))
    kwargs = {"mode": rng.choice(("constant", "reflect", "replicate", "circular", "reflection" if often(rng, 0.1) else "constant"))}
    if often(rng, 0.2):
        kwargs["value"] = rng.choice((0, 1.5))
    return Case("pad", (x,), (sides if often(rng, 0.9) else list(sides),), kwargs)


MODES = ("nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact")
FACTORS = (0.29, 0.5, 0.57, 1, 1.3, 1.5, 2, 2.0, 3, 0.1, 1 / 3)


def interpolate(rng) -> Case:
    n = rng.choice((1, 2, 2, 2, 3))
    x = image(rng, n, 2, high=9)
    fitting = {1: ("linear",), 2: ("bilinear", "bicubic", "bicubic"), 3: ("trilinear",)}[n] + ("nearest", "area", "nearest-exact")
    mode = rng.choice(fitting) if often(rng, 0.9) else rng.choice((*MODES, "lanczos", "cubic"))
    kwargs: dict[str, Any] = {"mode": mode}
    if often(rng, 0.5):
        kwargs["size"] = knob(rng, n, 1, 9)
    if often(rng, 0.04) or ("size" not in kwargs and often(rng, 0.97)):
        factor = lambda: rng.choice((0, -1, 0.0)) if often(rng, 0.03) else rng.choice(FACTORS)
        wrong = often(rng, 0.03)
        kwargs["scale_factor"] = factor() if often(rng, 0.6) else tuple(factor() for _ in range(n + wrong))
    if often(rng, 0.3):
        kwargs["align_corners"] = often(rng, 0.5) if "linear" in mode or "cubic" in mode or often(rng, 0.2) else None
    if often(rng, 0.15):
        kwargs["recompute_scale_factor"] = often(rng, 0.5)
    if often(rng, 0.4):
        return Case("Upsample", (x,), (), kwargs)
    if often(rng, 0.1):
        kwargs["antialias"] = often(rng, 0.7)
    return Case("interpolate", (x,), (), kwargs)


def upsampling(rng) -> Case:
    name = rng.choice(("UpsamplingNearest2d", "UpsamplingBilinear2d"))
    if often(rng, 0.5):
        return Case(name, (image(rng, 2, 2, high=6),), (knob(rng, 2, 1, 9),))
    return Case(name, (image(rng, 2, 2, high=6),), (), {"scale_factor": rng.choice(FACTORS)})


def grid_sample(rng) -> Case:
    n = rng.choice((2, 2, 3))
    x = image(rng, n, 2, high=5)
    grid = [x.shape[0] if x.shape else 1, *(rng.randint(0, 4) for _ in range(n)), n]
    if often(rng, 0.1):
        grid[rng.randrange(len(grid))] += 1
    grid = grid if often(rng, 0.97) else grid[:-1]
    kwargs = {"mode": rng.choice(("bilinear", "nearest", "bicubic", "linear" if often(rng, 0.1) else "nearest"))}
    kwargs["padding_mode"] = rng.choice(("zeros", "border", "reflection", "wrap" if often(rng, 0.1) else "zeros"))
    return Case("grid_sample", (x, T(tuple(grid))), (), kwargs)


def affine_grid(rng) -> Case:
    n = rng.choice((2, 2, 3))
    theta = [rng.choice((0, 1, 2)), n, n + 1]
    size = [theta[0], *(number(rng, 1, 5) for _ in range(n + 1))]
    for numbers in (theta, size):
        if often(rng, 0.06):
            numbers[rng.randrange(len(numbers))] += 1
    size = size if often(rng, 0.95) else size[1:]
    return Case("affine_grid", (T(tuple(theta)),), (size,), {"align_corners": often(rng, 0.4)})


FAMILIES: dict[str, Callable[[random.Random], Case]] = {
    f.__name__: f
    for f in (conv, conv_function, transposed, max_pool, avg_pool, lp_pool, adaptive, fractional, unpool, unfold, fold, shuffle, pad,
              pad_function, interpolate, upsampling, grid_sample, affine_grid)
}  # fmt: skip
