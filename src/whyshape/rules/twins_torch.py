"""PyTorch code that gives the size of a Keras layer and other numbers, with the same weights.

Under the question "lookalike" stands, for a layer's class, a function of its settings and of the sizes that come in and go out, both
(maps, *places). It is said only where it holds for these settings and sizes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from whyshape.rules.base import told
from whyshape.rules.conv import window
from whyshape.rules.twins import Lookalike, code, same_sides

EPSILON = 1e-5  # of every normalisation in PyTorch, unless said


class Sides(NamedTuple):
    """A window's numbers on every axis of places, and the cells 'same' adds before and after."""

    n: int
    k: tuple[int, ...]
    s: tuple[int, ...]
    d: tuple[int, ...]
    added: tuple[tuple[int, int], ...]


def _numbers(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def _sides(config: dict, places, size: str) -> Sides:
    n = len(places)
    k = _numbers(config[size], n)
    s, d = (_numbers(config.get(word) or (k if size == "pool_size" else 1), n) for word in ("strides", "dilation_rate"))
    d = d if size == "kernel_size" else (1,) * n
    return Sides(n, k, s, d, tuple(same_sides(i, *at) for i, *at in zip(places, k, s, d)))


def _even(at: Sides, places, out) -> tuple[int, ...] | None:
    """The padding, alike on both sides, that gives the same size, where 'same' does not add it; None where there is none."""
    if all(before == after for before, after in at.added):
        return None
    pads = tuple(max(before, after) for before, after in at.added)
    made = [window(i, k, s, p, d) for i, k, s, p, d in zip(places, at.k, at.s, pads, at.d)]
    return pads if made == list(out) else None


def _one(value: tuple[int, ...], usual: int):
    return None if set(value) == {usual} else value


def _because(at: Sides, pads) -> str:
    said = lambda pairs: str(pairs[0]) if len(set(pairs)) == 1 else ", ".join(map(str, pairs))
    return f"it adds {said([(p, p) for p in pads])}, here {said(list(at.added))}"


def _conv(config, before, after) -> tuple[Lookalike, ...]:
    at = _sides(config, before[1:], "kernel_size")
    pads = _even(at, before[1:], after[1:])
    if config.get("padding") != "same" or pads is None:
        return ()
    deep = "depth_multiplier" in config
    words = {"stride": _one(at.s, 1), "padding": pads, "dilation": _one(at.d, 1),
             "groups": before[0] if deep else None if config.get("groups", 1) == 1 else config["groups"],
             "bias": None if config.get("use_bias", True) else False}  # fmt: skip
    return (Lookalike((code(f"nn.Conv{at.n}d", before[0], after[0], at.k, **words),), _because(at, pads)),)


def _conv_transpose(config, before, after) -> tuple[Lookalike, ...]:
    at = _sides(config, before[1:], "kernel_size")
    cut = [d * (k - 1) + 1 - s for k, s, d in zip(at.k, at.s, at.d)]
    pads = tuple((c + 1) // 2 for c in cut)
    extra = tuple(2 * p - c for p, c in zip(pads, cut))
    if config.get("padding") != "same" or config.get("output_padding") is not None or min(cut) < 0 or max(extra) == 0:
        return ()
    if any(e >= max(s, d) for e, s, d in zip(extra, at.s, at.d)):
        return ()
    words = {"stride": _one(at.s, 1), "padding": _one(pads, 0), "output_padding": extra, "dilation": _one(at.d, 1),
             "bias": None if config.get("use_bias", True) else False}  # fmt: skip
    cuts = [(p, p - e) for p, e in zip(pads, extra)]
    here = [(c // 2, c - c // 2) for c in cut]
    said = lambda pairs: str(pairs[0]) if len(set(pairs)) == 1 else ", ".join(map(str, pairs))
    because = f"it cuts {said(cuts)} off, here {said(here)}"
    return (Lookalike((code(f"nn.ConvTranspose{at.n}d", before[0], after[0], at.k, **words),), because),)


def _max_pool(config, before, after) -> tuple[Lookalike, ...]:
    at = _sides(config, before[1:], "pool_size")
    pads = _even(at, before[1:], after[1:])
    if config.get("padding") != "same" or pads is None or any(p > k // 2 for p, k in zip(pads, at.k)):
        return ()
    return (Lookalike((code(f"nn.MaxPool{at.n}d", at.k, at.s, padding=pads),), _because(at, pads)),)


def _average_pool(config, before, after) -> tuple[Lookalike, ...]:
    at = _sides(config, before[1:], "pool_size")
    pads = tuple(p for p, _ in at.added)
    even = all(a == b for a, b in at.added) and all(p <= k // 2 for p, k in zip(pads, at.k))
    if config.get("padding") != "same" or not even or max(pads) == 0:
        return ()
    return (Lookalike((code(f"nn.AvgPool{at.n}d", at.k, at.s, padding=pads),), "it counts the zeros it adds"),)


def _epsilon(config, step: str) -> tuple[Lookalike, ...]:
    mine = config.get("epsilon", 0.001)
    return () if mine == EPSILON else (Lookalike((step,), f"its eps is {EPSILON}, here epsilon is {mine}"),)


def _affine(config) -> bool:
    return bool(config.get("scale", True) and config.get("center", True))


def _batch_norm(config, before, after) -> tuple[Lookalike, ...]:
    n = max(len(before) - 1, 1)
    return _epsilon(config, code(f"nn.BatchNorm{n}d", before[0])) if _affine(config) else ()


def _layer_norm(config, before, after) -> tuple[Lookalike, ...]:
    plain = len(before) < 3 and _affine(config) and config.get("axis", -1) in (-1, [-1], [len(before)], len(before))
    return _epsilon(config, code("nn.LayerNorm", before[-1])) if plain else ()


def _leaky(config, before, after) -> tuple[Lookalike, ...]:
    slope = config.get("negative_slope", 0.3)
    return () if slope == 0.01 else (Lookalike(("nn.LeakyReLU()",), f"its slope is 0.01, here it is {slope}"),)


told("lookalike", _conv, *[f"{kind}{n}D" for kind in ("Conv", "DepthwiseConv") for n in (1, 2, 3)])
told("lookalike", _conv_transpose, *[f"Conv{n}DTranspose" for n in (1, 2, 3)])
told("lookalike", _max_pool, *[f"MaxPooling{n}D" for n in (1, 2, 3)])
told("lookalike", _average_pool, *[f"AveragePooling{n}D" for n in (1, 2, 3)])
told("lookalike", _batch_norm, "BatchNormalization")
told("lookalike", _layer_norm, "LayerNormalization")
told("lookalike", _leaky, "LeakyReLU")
