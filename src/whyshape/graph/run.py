"""One run of a model as bare numbers: what it asked of each operator and what it got, to be held against a `Graph`."""

from __future__ import annotations

from collections.abc import Iterator
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
    return list(_numbers(value))


def _numbers(value) -> Iterator[int]:
    if isinstance(value, int):
        if not isinstance(value, bool):
            yield value
    elif isinstance(value, Ref):
        return
    elif isinstance(value, tuple) or type(value) is list:
        for v in value:
            yield from _numbers(v)
    elif type(value) is dict:
        for v in value.values():
            yield from _numbers(v)
    elif type(value) is slice:
        yield from _numbers((value.start, value.stop, value.step))


def step(op: str, args, kwargs, shapes) -> Step:
    """A call as it was made, its sizes without their history."""
    return Step(op, plain(numbers((args, kwargs))), shapes)


__all__ = ["Run", "Step", "numbers", "step"]
