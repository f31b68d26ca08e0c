"""How each kind of layer makes one output number, opened into the numbers it is made of.

One function per kind: it gets the layer, its input, the full index of the output cell, and gives an `Opened`.
Everything is computed here in Python's own double precision; PyTorch's value is only compared, never used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from whyshape.lab.cells import Window, crossed, read_by, shared_out, writing_to
from whyshape.rules.base import spread
from whyshape.rules.conv import same_padding


@dataclass(frozen=True)
class Term:
    """One number that goes in: where in the layer's input it stands (None = padding), and what it is multiplied by."""

    at: tuple[int, ...] | None
    input: float
    weight: float | None = None  # None where the layer has no weights (pooling)

    @property
    def product(self) -> float:
        return self.input if self.weight is None else self.input * self.weight


@dataclass(frozen=True)
class Part:
    """The terms that belong together: those of one input map."""

    name: str
    terms: tuple[Term, ...]
    row: int = 1  # so many terms make one row of the window

    @property
    def total(self) -> float:
        return math.fsum(term.product for term in self.terms)


@dataclass(frozen=True)
class Opened:
    """One output number: ``kind`` is sum, winner, mean, scaled, function or copied; ``result`` what the terms give."""

    kind: str
    parts: tuple[Part, ...]
    result: float
    bias: float | None = None
    divisor: int | None = None  # of a mean
    winner: Term | None = None  # of a maximum: the first of the largest, as PyTorch chooses
    formula: str = ""  # of a function or scaling, with its numbers put in


def a_sum(parts: list[Part], bias: float | None) -> Opened:
    products = [term.product for part in parts for term in part.terms]
    return Opened("sum", tuple(parts), math.fsum([*products, bias or 0.0]), bias)


def conv(layer, x: torch.Tensor, at: tuple[int, ...]) -> Opened:
    n = len(layer.kernel_size)
    *lead, channel = at[:-n]
    k, s, d = layer.kernel_size, layer.stride, layer.dilation
    before = layer.padding
    if isinstance(before, str):
        before = [same_padding(k[i], d[i])[0] if before == "same" else 0 for i in range(n)]
    mode = layer.padding_mode
    windows = [read_by(at[i - n], x.shape[i - n], k[i], s[i], before[i], d[i], mode) for i in range(n)]
    per_group = layer.in_channels // layer.groups
    first = channel // (layer.out_channels // layer.groups) * per_group
    parts = []
    for own in range(per_group):
        terms = [
            term(x, (*lead, first + own, *cell) if cell else None, layer.weight[(channel, own, *taps)]) for taps, cell in crossed(windows)
        ]
        parts.append(Part(f"map {first + own}", tuple(terms), len(windows[-1])))
    return a_sum(parts, number(layer.bias, channel))


def conv_transposed(layer, x: torch.Tensor, at: tuple[int, ...]) -> Opened:
    n = len(layer.kernel_size)
    *lead, channel = at[:-n]
    windows = [
        writing_to(at[i - n], x.shape[i - n], layer.kernel_size[i], layer.stride[i], layer.padding[i], layer.dilation[i]) for i in range(n)
    ]
    group, own = divmod(channel, layer.out_channels // layer.groups)
    per_group = layer.in_channels // layer.groups
    parts = []
    for source in range(group * per_group, (group + 1) * per_group):
        terms = [term(x, (*lead, source, *cell), layer.weight[(source, own, *taps)]) for taps, cell in crossed(windows) if cell is not None]
        parts.append(Part(f"map {source}", tuple(terms), len(windows[-1])))
    return a_sum(parts, number(layer.bias, channel))


def linear(layer, x: torch.Tensor, at: tuple[int, ...]) -> Opened:
    *lead, feature = at
    terms = [term(x, (*lead, i), layer.weight[feature, i]) for i in range(layer.in_features)]
    return a_sum([Part("numbers", tuple(terms))], number(layer.bias, feature))


def pool_windows(layer, x: torch.Tensor, at: tuple[int, ...], n: int) -> list[Window]:
    k = spread(layer.kernel_size, n, "kernel_size")
    s = spread(layer.stride, n, "stride")
    p = spread(layer.padding, n, "padding")
    d = spread(getattr(layer, "dilation", 1), n, "dilation")
    return [read_by(at[i - n], x.shape[i - n], k[i], s[i], p[i], d[i]) for i in range(n)]


def candidates(x: torch.Tensor, at: tuple[int, ...], windows: list[Window]) -> list[Term]:
    """The cells of a window that lie inside, in reading order."""
    lead = at[: -len(windows)]
    return [term(x, (*lead, *cell)) for _, cell in crossed(windows) if cell is not None]


def max_pool(n: int) -> Callable:
    def opened(layer, x, at):
        return largest(candidates(x, at, pool_windows(layer, x, at, n)), at[-n - 1])

    return opened


def largest(terms: list[Term], channel: int) -> Opened:
    winner = next((t for t in terms if math.isnan(t.input)), None) or max(terms, key=lambda t: t.input)
    return Opened("winner", (Part(f"map {channel}", tuple(terms)),), winner.input, winner=winner)


def avg_pool(n: int) -> Callable:
    def opened(layer, x, at):
        terms = candidates(x, at, pool_windows(layer, x, at, n))
        divisor = getattr(layer, "divisor_override", None) or len(terms)
        if layer.count_include_pad and not getattr(layer, "divisor_override", None):
            k, s = spread(layer.kernel_size, n, "kernel_size"), spread(layer.stride, n, "stride")
            p = spread(layer.padding, n, "padding")
            starts = [at[i - n] * s[i] - p[i] for i in range(n)]  # a hanging window counts padding, but nothing beyond it
            divisor = math.prod(min(starts[i] + k[i], x.shape[i - n] + p[i]) - starts[i] for i in range(n))
        return mean_of(terms, at[-n - 1], divisor)

    return opened


def mean_of(terms: list[Term], channel: int, divisor: int) -> Opened:
    part = Part(f"map {channel}", tuple(terms))
    return Opened("mean", (part,), part.total / divisor, divisor=divisor)


def adaptive(n: int, kind: str) -> Callable:
    def opened(layer, x, at):
        sizes = layer.output_size if isinstance(layer.output_size, tuple) else (layer.output_size,) * n
        out = [x.shape[i - n] if sizes[i] is None else sizes[i] for i in range(n)]
        terms = candidates(x, at, [shared_out(at[i - n], x.shape[i - n], out[i]) for i in range(n)])
        return largest(terms, at[-n - 1]) if kind == "max" else mean_of(terms, at[-n - 1], len(terms))

    return opened


def batch_norm(layer, x: torch.Tensor, at: tuple[int, ...]) -> Opened:
    channel, came = at[1], term(x, at)
    if layer.running_mean is not None:
        mean, variance = float(layer.running_mean[channel]), float(layer.running_var[channel])
    else:  # without running statistics the batch's own are used, in eval mode too
        all_of_it = x[:, channel].double()
        mean, variance = float(all_of_it.mean()), float(all_of_it.var(correction=0))
    scale = number(layer.weight, channel)
    shift = number(layer.bias, channel)
    result = (came.input - mean) / math.sqrt(variance + layer.eps)
    result = result * (1.0 if scale is None else scale) + (shift or 0.0)
    formula = f"({came.input:.6g} - {mean:.6g}) / sqrt({variance:.6g} + {layer.eps:g})"
    formula += "" if scale is None else f" * {scale:.6g} + {shift or 0.0:.6g}"
    return Opened("scaled", (Part(f"map {channel}", (came,)),), result, formula=formula)


def function(of: Callable[[float, nn.Module], float], words: str) -> Callable:
    def opened(layer, x, at):
        came = term(x, at)
        return Opened("function", (Part("input", (came,)),), of(came.input, layer), formula=words.format(came.input))

    return opened


def copied(layer, x: torch.Tensor, at: tuple[int, ...]) -> Opened:
    came = term(x, at)
    return Opened("copied", (Part("input", (came,)),), came.input)


def flatten(layer, x: torch.Tensor, at: tuple[int, ...]) -> Opened:
    start = layer.start_dim % x.dim()
    end = layer.end_dim % x.dim()
    cell = torch.unravel_index(torch.tensor(at[start]), x.shape[start : end + 1])
    came = term(x, (*at[:start], *(int(i) for i in cell), *at[start + 1 :]))
    return Opened("copied", (Part("input", (came,)),), came.input)


def term(x: torch.Tensor, at: tuple[int, ...] | None, weight=None) -> Term:
    return Term(at, 0.0 if at is None else float(x[at]), None if weight is None else float(weight))


def number(tensor: torch.Tensor | None, index: int) -> float | None:
    return None if tensor is None else float(tensor[index])


def sigmoid(x: float, _) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def leaky(x: float, layer: Any) -> float:
    return x if x >= 0 else x * layer.negative_slope


KINDS: dict[type[nn.Module], Callable] = {
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), conv),
    **dict.fromkeys((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), conv_transposed),
    nn.Linear: linear,
    **{getattr(nn, f"MaxPool{n}d"): max_pool(n) for n in (1, 2, 3)},
    **{getattr(nn, f"AvgPool{n}d"): avg_pool(n) for n in (1, 2, 3)},
    **{getattr(nn, f"AdaptiveMaxPool{n}d"): adaptive(n, "max") for n in (1, 2, 3)},
    **{getattr(nn, f"AdaptiveAvgPool{n}d"): adaptive(n, "mean") for n in (1, 2, 3)},
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), batch_norm),
    nn.ReLU: function(lambda x, _: max(0.0, x), "max(0, {:.6g})"),
    nn.LeakyReLU: function(leaky, "x if x >= 0 else slope*x, x = {:.6g}"),
    nn.Sigmoid: function(sigmoid, "1 / (1 + exp(-({:.6g})))"),
    nn.Tanh: function(lambda x, _: math.tanh(x), "tanh({:.6g})"),
    **dict.fromkeys((nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.Identity), copied),
    nn.Flatten: flatten,
}
