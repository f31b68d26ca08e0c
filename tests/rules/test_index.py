"""`x[...]` and `x[...] = v` with random indices: what eager PyTorch gives, and what it refuses."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from whyshape.errors import DoesNotFit
from whyshape.rules import RULES, Spec, Unexplained
from whyshape.rules.slicing import sliced
from whyshape.sizes import leaf, substitute

GET, SET = RULES["Tensor.__getitem__"].shape, RULES["Tensor.__setitem__"].shape


def end(rng):
    return rng.choice((None, None, rng.randint(-7, 7), 1 << 63 - 1))


def part(rng, n):
    """One random index for an axis of ``n`` places."""
    kind = rng.random()
    if kind < 0.25:
        return rng.randint(-n - (rng.random() < 0.1), n - (rng.random() > 0.1)) if n else 0
    if kind < 0.6:
        return slice(end(rng), end(rng), rng.choice((None, 1, 2, 3, -1 if rng.random() < 0.1 else 1)))
    if kind < 0.85:
        shape = rng.choice(((), (1,), (2,), (3,), (2, 1), (3, 2), (1, 1)))
        return torch.zeros(shape, dtype=rng.choice((torch.int64, torch.int64, torch.int32)))
    return rng.choice(([0], [0, 0, 0], np.int64(0), range(2), np.zeros(2, dtype=np.int64)))


def random_index(rng, shape):
    parts = [part(rng, n) for n in shape[: rng.randint(0, len(shape) + (rng.random() < 0.1))]]
    for _ in range(rng.choice((0, 0, 1, 2))):
        parts.insert(rng.randint(0, len(parts)), None)
    if rng.random() < 0.4:
        at = rng.randint(0, len(parts))
        front = sum(p is not None for p in parts[:at])
        behind = sum(p is not None for p in parts[at:])
        if front + behind <= len(shape):
            kept = [part(rng, n) for n in shape[len(shape) - behind :]] if behind else []
            parts[at:] = [Ellipsis, *[p if p is None else kept.pop(0) for p in parts[at:]]]
    return parts[0] if len(parts) == 1 and rng.random() < 0.5 and parts[0] is not None else tuple(parts)


@pytest.mark.parametrize("seed", range(4))
def test_random_indices(seed):
    """Sizes and refusals of reading; a mask is left to be measured."""
    rng = random.Random(seed)
    refused = 0
    for _ in range(3000):
        shape = tuple(rng.choice((0, 1, 2, 3, 5) if rng.random() < 0.1 else (1, 2, 3, 5)) for _ in range(rng.randint(0, 4)))
        x, index = torch.zeros(shape), random_index(rng, shape)
        try:
            want = tuple(x[index].shape)
        except (IndexError, ValueError, RuntimeError, TypeError):
            want = None
        try:
            got = GET(Spec(shape), index)
        except DoesNotFit:
            got = None
        except Unexplained:
            continue
        refused += want is None
        assert got == want, (shape, index)
    assert refused > 50


@pytest.mark.parametrize("seed", range(2))
def test_random_writing(seed):
    """A value is taken or refused as PyTorch does; the tensor keeps its sizes."""
    rng = random.Random(seed)
    refused = 0
    for _ in range(2000):
        shape = tuple(rng.choice((1, 2, 3, 5)) for _ in range(rng.randint(1, 4)))
        x, index = torch.zeros(shape), random_index(rng, shape)
        value = torch.zeros(tuple(rng.choice((1, 1, 2, 3, 5)) for _ in range(rng.randint(0, 4))))
        try:
            x[index] = value
            want = shape
        except (IndexError, ValueError, RuntimeError, TypeError):
            want = None
        try:
            got = SET(Spec(shape), index, value)
        except DoesNotFit:
            got = None
        except Unexplained:
            continue
        refused += want is None
        assert got == want, (shape, index, tuple(value.shape))
    assert refused > 50


@pytest.mark.parametrize("mask", [torch.tensor([True, False, True]), torch.zeros(3, dtype=torch.uint8), [True, False, True]], ids=str)
def test_masks_are_left_open(mask):
    """How many places a mask holds depends on its values: reading is measured, writing keeps the sizes."""
    with pytest.raises(Unexplained):
        GET(Spec((3, 4)), mask)
    assert SET(Spec((3, 4)), mask, 0.0) == (3, 4)


def test_slices_as_formulas():
    """For every axis up to 6, every pair of ends and step: the number, and the formula at every other size its branches allow."""
    ends = (None, *range(-4, 5))
    for start in ends:
        for stop in ends:
            for step in (1, 2, 3):
                n = leaf(5, "n")
                made = sliced(n, start, stop, step)
                for other in range(7):
                    want = len(range(other)[start:stop:step])
                    assert sliced(other, start, stop, step) == want
                    assert substitute(made, lambda _, other=other: other) == want, (start, stop, step, other)


@pytest.mark.parametrize("index, formula", [
    ((slice(None), slice(1, None)), "max(10 - 1, 0)"), (slice(None, -1), "max(8 + (-1), 0)"), (slice(None, 3), "min(8, 3)"),
    (slice(None, None, 2), "ceil(8/2)"), (slice(-3, None), "min(3, 8)"),
])  # fmt: skip
def test_text_of_slices(index, formula):
    """What the reader sees of a slice."""
    out = GET(Spec((leaf(8, "height"), leaf(10, "width"))), index)
    assert str(out[1 if isinstance(index, tuple) else 0].formula) == formula


def test_shares():
    """A result of slices shares the input's memory; one of index tensors is a copy."""
    rule = RULES["Tensor.__getitem__"]
    x = torch.zeros(4, 5)
    for index in (0, slice(1, 3), (None, Ellipsis, 2), [0, 1], torch.tensor([0]), (slice(None), torch.tensor([1, 1]))):
        assert rule.shares(x, index) == (x[index].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()), index
