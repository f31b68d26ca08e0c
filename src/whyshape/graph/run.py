"""One run of a model as bare numbers: what it asked of each operator and what it got, to be held against a `Graph`."""

from __future__ import annotations

from typing import NamedTuple

from whyshape.graph.graph import Ref
from whyshape.sizes import plain


class Step(NamedTuple):
    """One operator call."""

    op: str
    numbers: list[int]  # the whole numbers among its arguments
    shapes: list[tuple[int, ...]] | None  # of its results; None where it was refused


class Run(NamedTuple):
    """Whether a model ran to its end, and its calls until there; no calls where nobody kept them."""

    ok: bool
    steps: list[Step] | None = None


def numbers(value) -> list[int]:
    """The whole numbers in a call's arguments, in order; tensors and all else are passed over.

    >>> numbers(((Ref(3), 28, [1, 2.5]), {"stride": slice(4, None), "ceil_mode": True}))
    [28, 1, 4]
    """
    found: list[int] = []
    _gather((value,), found)
    return found


def _gather(values, found: list[int]) -> None:
    for value in values:
        kind = type(value)
        if kind is int:
            found.append(value)
        elif value is None or kind is bool:
            continue
        elif kind is tuple or kind is list:
            _gather(value, found)
        elif kind is dict:
            _gather(value.values(), found)
        elif isinstance(value, int):
            found.append(value)
        elif kind is slice:
            _gather((value.start, value.stop, value.step), found)
        elif isinstance(value, tuple) and kind is not Ref:  # PyTorch's own sizes
            _gather(tuple(value), found)


def step(op: str, args, kwargs, shapes) -> Step:
    """A call as it was made, its sizes without their history."""
    found: list[int] = []
    _gather(args, found)
    if kwargs:
        _gather(kwargs.values(), found)
    return Step(op, [n if type(n) is int else plain(n) for n in found], shapes)


__all__ = ["Run", "Step", "numbers", "step"]
