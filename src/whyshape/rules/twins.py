"""How Keras spells an operator, so that the numbers come out equal and not only the sizes.

Under the question "twin" stands, for an operator's name, a function of its `Call` that gives a `Twin` or a reason why there is none
(`NoTwin`). A step is Keras code: a layer (``Conv2D(10, 5)``) or an expression of ``x`` (``ops.pad(x, ...)``). Images lie maps last there.
What looks alike and is not (`Lookalike`) is said only where it holds for the settings and sizes of this call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from whyshape.rules.base import TELLERS, axis_of, spread, told
from whyshape.sizes import ceil_div, product


class Move(NamedTuple):
    """A weight on its way: the PyTorch argument, the order of its axes in Keras (None: the same), and which of n equal parts it is."""

    argument: str
    order: tuple[int, ...] | None = None
    part: tuple[int, int] | None = None  # (i, n): of n parts along the first axis, that one


class Lookalike(NamedTuple):
    """Keras code that gives the same size and other numbers, with the same weights; and what it does there."""

    steps: tuple[str, ...]
    because: str


class Twin(NamedTuple):
    """Keras code for one operator: steps applied one after the other, and the weights of the one step that has some."""

    steps: tuple[str, ...]
    weights: tuple[Move, ...] = ()
    remark: str = ""  # what differs although the numbers are equal
    beware: tuple[Lookalike, ...] = ()
    # What it wants: "last" (images with their maps last), "as is" (PyTorch's order), "features" (that or the batch second), "any", "turned"
    # (the batch first, here it is second), "heads" (the heads behind the places), "whole" (any, told with the batch).
    layout: str = "last"
    differs: bool = False  # the numbers come out equal, but in another order
    drawn: bool = False  # chance takes part: what is equal is how likely each number is

    @property
    def layer(self) -> str:
        """The step that does the work, without those that only pad, crop or take absolute values for it."""
        return next((step for step in self.steps if not step.startswith(BESIDE)), self.steps[0])


BESIDE = ("ZeroPadding", "Cropping", "ops.pad", "ops.absolute")


class NoTwin(NamedTuple):
    """Why Keras has no such operator."""

    reason: str
    beware: tuple[Lookalike, ...] = ()


def twin(*names: str):
    """File how Keras spells these operators: a function of the `Call` and of whether images lie maps last."""

    def file(make: Callable[..., Twin | NoTwin]) -> Callable[..., Twin | NoTwin]:
        told("twin", make, *names)
        TELLERS["twin"].add(make.__module__.rpartition(".")[2])
        return make

    return file


def code(name: str, *args, **kwargs) -> str:
    """A constructor call as one writes it: ``Conv2D(10, 5, strides=2)``; kwargs that are None are left out.

    >>> code("Conv2D", 10, (5, 5), strides=(2, 2), groups=None)
    'Conv2D(10, 5, strides=2)'
    """
    said = [_text(a) for a in args] + [f"{k}={_text(v)}" for k, v in kwargs.items() if v is not None]
    return f"{name}({', '.join(said)})"


class _Verbatim(str):
    """Code as it stands, not to be quoted."""

    __repr__ = str.__str__


class Named(int):
    """A number that may be any other: code says its name instead.

    >>> code("Conv2D", Named(1, "filters"), 5)
    'Conv2D(filters, 5)'
    """

    def __new__(cls, value: int, name: str):
        made = super().__new__(cls, value)
        made.name = name
        return made

    name: str


def _text(value) -> str:
    if isinstance(value, Named):
        return value.name
    if isinstance(value, tuple) and value and all(v == value[0] for v in value):
        value = value[0]
    if isinstance(value, tuple):
        return f"({', '.join(_text(v) for v in value)}{',' if len(value) == 1 else ''})"
    return str(int(value)) if isinstance(value, int) and not isinstance(value, bool) else repr(value)


def same_sides(i: int, k: int, s: int, d: int = 1) -> tuple[int, int]:
    """The cells Keras' ``padding='same'`` adds before and after: they depend on the size, and the odd one goes after.

    >>> same_sides(28, 3, 2), same_sides(27, 3, 2)
    ((0, 1), (1, 1))
    """
    total = max((ceil_div(i, s) - 1) * s + d * (k - 1) + 1 - i, 0)
    return total // 2, total - total // 2


def _numbers(value, n):
    """Integers for each of ``n`` axes, and None in their place where they say nothing."""
    return tuple(int(v) for v in spread(value, n, "value"))


def _unless(value: tuple, default: int):
    return None if all(v == default for v in value) else value


def pads(sides) -> Any:
    """What ZeroPadding and Cropping take: one number, or a pair (before, after) for each axis.

    >>> pads([(1, 1), (1, 1)]), pads([(1, 0), (1, 0)]), pads([(1, 0)])
    (1, ((1, 0), (1, 0)), (1, 0))
    """
    flat = {n for pair in sides for n in pair}
    if len(flat) == 1:
        return flat.pop()
    return _Verbatim(tuple(map(tuple, sides)) if len(sides) > 1 else tuple(sides[0]))


def kernel_last(n: int) -> tuple[int, ...]:
    """(out, in, *k) as (*k, in, out)."""
    return (*range(2, n + 2), 1, 0)


@twin("conv1d", "conv2d", "conv3d")
def conv(call, last=True):
    """A convolution; padding becomes a layer of its own unless 'same' adds exactly those cells."""
    n = len(call.weight.shape) - 2
    k = tuple(int(v) for v in call.weight.shape[2:])
    s, d = _numbers(call.stride, n), _numbers(call.dilation, n)
    sizes = tuple(int(v) for v in call.input.shape[-n:])
    out, per_group, groups = call.weight.shape[0], int(call.weight.shape[1]), int(call.groups)
    if max(s) > 1 and max(d) > 1:
        return NoTwin("Keras refuses strides and dilation both above 1")
    wish = [same_sides(i, k[a], s[a], d[a]) for a, i in enumerate(sizes)]
    if isinstance(call.padding, str):
        sides = wish if call.padding == "same" else [(0, 0)] * n
    else:
        sides = [(p, p) for p in _numbers(call.padding, n)]
    padded = any(p for pair in sides for p in pair)
    same = padded and sides == wish
    words: dict[str, Any] = {"strides": _unless(s, 1), "padding": "same" if same else None, "dilation_rate": _unless(d, 1)}
    bias = None if call.bias is not None else False
    weights = (Move("weight", kernel_last(n)), *([Move("bias")] if call.bias is not None else []))
    if per_group == 1 and groups > 1 and groups == int(call.input.shape[-n - 1]) and n < 3:
        times = int(out) // groups
        multiplier = times if times > 1 else None
        step = code(f"DepthwiseConv{n}D", k, **words, depth_multiplier=multiplier, use_bias=bias)
        # (in*m, 1, *k) becomes (*k, in, m): the one axis is split by the translator, so it is named by None.
        weights = (Move("weight", (*range(2, n + 2), 0)), *weights[1:])
    else:
        step = code(f"Conv{n}D", out, k, **words, groups=None if groups == 1 else groups, use_bias=bias)
    if same or not padded:
        return Twin((step,), weights, f"at this size padding='same' adds {_sides(wish)}, as here" if same and max(s) > 1 else "")
    beware = ()
    if all(ceil_div(i, s[a]) == call.out.shape[a - n] for a, i in enumerate(sizes)):
        beware = (Lookalike((f"{step[:-1]}, padding='same')",), f"it adds {_sides(wish)}, here {_sides(sides)}"),)
    return Twin((code(f"ZeroPadding{n}D", pads(sides)), step), weights, "", beware)


def _sides(pairs) -> str:
    """The cells before and after, once where all axes have the same."""
    pairs = list(map(tuple, pairs))
    return str(pairs[0]) if len(set(pairs)) == 1 else ", ".join(map(str, pairs))


@twin("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(call, last=True):
    """A transposed convolution: everything, then cropped; 'same' crops max(k-s, 0)//2 before."""
    n = len(call.weight.shape) - 2
    k = tuple(int(v) for v in call.weight.shape[2:])
    s, d = _numbers(call.stride, n), _numbers(call.dilation, n)
    p, extra = _numbers(call.padding, n), _numbers(call.output_padding, n)
    if int(call.groups) != 1:
        return NoTwin("Keras has no groups in a transposed convolution")
    if max(s) > 1 and max(d) > 1:
        return NoTwin("Keras refuses strides and dilation both above 1")
    sizes, outs = [int(v) for v in call.input.shape[-n:]], [int(v) for v in call.out.shape[-n:]]
    filters, bias = call.weight.shape[1], None if call.bias is not None else False
    weights = (Move("weight", (*range(2, n + 2), 1, 0)), *([Move("bias")] if call.bias is not None else []))
    spans = [d[a] * (k[a] - 1) + 1 for a in range(n)]
    words: dict[str, Any] = {"strides": _unless(s, 1), "dilation_rate": _unless(d, 1), "use_bias": bias}
    as_same = code(f"Conv{n}DTranspose", filters, k, padding="same", **words)
    cut = [max(spans[a] - s[a], 0) for a in range(n)]
    if max(cut) and all(o == i * s[a] and p[a] == cut[a] // 2 for a, (i, o) in enumerate(zip(sizes, outs))):
        return Twin((as_same,), weights)
    crop = [(p[a], max(spans[a], s[a]) - spans[a] + p[a] - extra[a]) for a in range(n)]
    if any(after < 0 for _, after in crop):
        return NoTwin("output_padding asks for cells that a transposed convolution in Keras does not make")
    steps: tuple[str, ...] = (code(f"Conv{n}DTranspose", filters, k, **words),)
    if any(side for pair in crop for side in pair):
        steps += (code(f"Cropping{n}D", pads(crop)),)
    alike = len(steps) > 1 and max(d) == 1 and all(o == i * s[a] for a, (i, o) in enumerate(zip(sizes, outs)))
    cuts = [(c // 2, c - c // 2) for c in cut]
    return Twin(steps, weights, "", (Lookalike((as_same,), f"it cuts {_sides(cuts)} off, here {_sides(crop)}"),) if alike else ())


def _pool(call, n: int):
    k = _numbers(call.kernel_size, n)
    s = k if call.stride in (None, (), []) else _numbers(call.stride, n)
    p = _numbers(call.padding, n)
    sizes, outs = [int(v) for v in call.input.shape[-n:]], [int(v) for v in call.out.shape[-n:]]
    # What the windows need, whatever rounding: cells before, and cells after the last one (none where some are left over).
    sides = [(p[a], (o - 1) * s[a] + k[a] - i - p[a]) for a, (i, o) in enumerate(zip(sizes, outs))]
    return k, s, [(before, max(after, 0)) for before, after in sides], [same_sides(i, k[a], s[a]) for a, i in enumerate(sizes)], outs, sizes


@twin(*[f"max_pool{n}d{suffix}" for n in (1, 2, 3) for suffix in ("", "_with_indices")])
def max_pool(call, last=True):
    """Max pooling: cells that are added must never win, so they hold -inf."""
    n = len(call.input.shape) - 2
    if call.op.endswith("_with_indices") or call.return_indices:
        return NoTwin("max pooling in Keras does not say where the largest value stood")
    if max(_numbers(call.dilation, n)) > 1:
        return NoTwin("pooling in Keras has no dilation")
    k, s, sides, wish, outs, sizes = _pool(call, n)
    words = {"strides": None if s == k else s}
    if sides == [(0, 0)] * n:
        return Twin((code(f"MaxPooling{n}D", k, **words),))
    if sides == wish and all(o == ceil_div(i, s[a]) for a, (i, o) in enumerate(zip(sizes, outs))):
        remark = f"at this size padding='same' adds {_sides(wish)}, as here"
        return Twin((code(f"MaxPooling{n}D", k, **words, padding="same"),), (), remark, (_zeros_win(n, k, words, sides),))
    each = ", ".join(["(0, 0)", *map(str, sides), "(0, 0)"])
    beware = [_zeros_win(n, k, words, sides)]
    if all(o == ceil_div(i, s[a]) for a, (i, o) in enumerate(zip(sizes, outs))):
        because = f"it adds {_sides(wish)}, here {_sides(sides)}"
        beware.insert(0, Lookalike((code(f"MaxPooling{n}D", k, **words, padding="same"),), because))
    return Twin((f'ops.pad(x, ({each}), constant_values=float("-inf"))', code(f"MaxPooling{n}D", k, **words)), (), "", tuple(beware))


def _zeros_win(n, k, words, sides) -> Lookalike:
    steps = (code(f"ZeroPadding{n}D", pads(sides)), code(f"MaxPooling{n}D", k, **words))
    return Lookalike(steps, "a zero it adds wins over numbers below zero")


@twin("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(call, last=True):
    """Average pooling: PyTorch counts padding (unless told not to), Keras' 'same' never does."""
    n = len(call.input.shape) - 2
    k, s, sides, wish, outs, sizes = _pool(call, n)
    if getattr(call, "divisor_override", None):
        return NoTwin("average pooling in Keras has no other divisor than the size of its window")
    strides = None if s == k else s
    step = code(f"AveragePooling{n}D", k, strides=strides)
    if sides == [(0, 0)] * n:
        return Twin((step,))
    as_same = code(f"AveragePooling{n}D", k, strides=strides, padding="same")
    counts = call.count_include_pad and any(before for before, _ in sides)  # a window that hangs over divides by what is there
    beware: tuple[Lookalike, ...] = ()
    if all(o == ceil_div(i, s[a]) for a, (i, o) in enumerate(zip(sizes, outs))) and (counts or sides != wish):
        because = "it does not count the cells it adds" if counts else f"it adds {_sides(wish)}, here {_sides(sides)}"
        beware = (Lookalike((as_same,), because),)
    if counts and all(after <= before for before, after in sides):
        zeros = code(f"ZeroPadding{n}D", pads([(before, before) for before, _ in sides]))
        return Twin((zeros, step), (), "PyTorch counts the zeros it pads, Keras' 'same' does not", beware)
    if not counts and sides == wish:
        if all(before == after for before, after in sides):
            return Twin((as_same,))
        return NoTwin("where 'same' adds cells unevenly, Keras' torch backend repeats the border")
    return NoTwin("at the border Keras divides by another number of cells", beware)


@twin("lp_pool1d", "lp_pool2d", "lp_pool3d")
def lp_pool(call, last=True):
    """There is none: a window's root of its sum of powers; with an infinite power PyTorch takes the largest absolute value."""
    n = len(call.input.shape) - 2
    if call.norm_type == float("inf"):
        vars(call).update(padding=0, dilation=1, return_indices=False)
        largest = max_pool(call, last)
        alike = (Lookalike(largest.steps, "a number below zero loses its sign here"),)
        return Twin(("ops.absolute(x)", *largest.steps), (), "an infinite power takes the largest absolute value", alike)
    if call.norm_type == float("-inf"):
        return NoTwin("pooling in Keras never takes the smallest of a window")
    k = _numbers(call.kernel_size, n)
    s = k if call.stride in (None, (), []) else _numbers(call.stride, n)
    reason = "pooling in Keras takes the largest or the average of a window, never the root of its sum of powers"
    hangs = any((int(o) - 1) * s[a] + k[a] > int(i) for a, (i, o) in enumerate(zip(call.input.shape[-n:], call.out.shape[-n:])))
    if hangs or max(k) == 1:
        return NoTwin(reason)
    words = {"strides": None if s == k else s}
    average = Lookalike((code(f"AveragePooling{n}D", k, **words),), "it is the average of the window")
    return NoTwin(reason, (average,))


@twin(
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"
)
def adaptive_pool(call, last=True):
    """A grid of a chosen size: global pooling for 1, the adaptive layer of recent Keras else."""
    n = len(call.input.shape) - 2
    kind = "Average" if "avg" in call.op else "Max"
    outs = tuple(int(v) for v in call.out.shape[-n:])
    if getattr(call, "return_indices", False):
        return NoTwin("max pooling in Keras does not say where the largest value stood")
    if max(outs) == 1:
        return Twin((code(f"Global{kind}Pooling{n}D", keepdims=True),))
    return Twin((code(f"Adaptive{kind}Pooling{n}D", outs),), (), "this layer is new in Keras 3.13")


@twin("flatten")
def flatten(call, last=True):
    """Flatten: the same count, but maps last gives another order."""
    x, rank = call.input.shape, len(call.input.shape)
    start, end = axis_of(call.start_dim, rank), axis_of(call.end_dim, rank)
    if start != 1 or end != rank - 1:
        return NoTwin("Flatten in Keras keeps the first axis and flattens all others")
    if last and rank > 2 and int(x[1]) > 1 and product(int(n) for n in x[2:]) > 1:
        remark = f"the order differs: for each place, all {int(x[1])} maps. The next layer's weights must be put in that order"
        return Twin(("Flatten()",), (), remark, differs=True)
    return Twin(("Flatten()",))


def rows_there(image) -> str:
    """The rows of a Dense behind a flattened image (maps, *places), out of PyTorch's weight.

    >>> rows_there((20, 4, 4))
    'weight.T[torch.arange(320).reshape(20, 4, 4).permute(1, 2, 0).flatten()]'
    """
    sizes = tuple(int(n) for n in image)
    order = ", ".join(map(str, (*range(1, len(sizes)), 0)))
    return f"weight.T[torch.arange({product(sizes)}).reshape({', '.join(map(str, sizes))}).permute({order}).flatten()]"


@twin("linear")
def linear(call, last=True):
    """A dense layer works on the last axis, as here."""
    bias = None if call.bias is not None else False
    weights = (Move("weight", (1, 0)), *([Move("bias")] if call.bias is not None else []))
    return Twin((code("Dense", int(call.weight.shape[0]), use_bias=bias),), weights, layout="features")


@twin("embedding")
def embedding(call, last=True):
    """The same table; which row is never trained says nothing about the numbers."""
    if call.max_norm is not None:
        return NoTwin("an Embedding in Keras does not shorten its rows while it is read")
    rows, features = (int(n) for n in call.weight.shape)
    remark = "" if call.padding_idx is None else (
        f"row {int(call.padding_idx)} is trained there too. Keras' mask_zero hides steps from later layers, PyTorch hides none")  # fmt: skip
    return Twin((code("Embedding", rows, features),), (Move("weight"),), remark, layout="features")


__all__ = ["Lookalike", "Move", "Named", "NoTwin", "Twin", "code", "pads", "rows_there", "same_sides", "twin"]
