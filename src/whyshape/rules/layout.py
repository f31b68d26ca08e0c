"""How results lie in memory where PyTorch does not lay them row by row: whether a later `view` may run depends on it.

Asked by the tracer alone, with PyTorch's own tensors: besides sizes they know their strides.
"""

from __future__ import annotations


def rows(shape) -> tuple[int, ...]:
    """The strides of numbers laid row by row.

    >>> rows((2, 3, 4))
    (12, 4, 1)
    """
    return strides(shape, range(len(shape)))


def strides(shape, order) -> tuple[int, ...]:
    """The strides of numbers laid densely, the axes from the slowest to the fastest.

    >>> strides((2, 3, 4), (0, 2, 1))
    (12, 1, 3)
    """
    made, step = [0] * len(shape), 1
    for axis in reversed(tuple(order)):
        made[axis], step = step, step * max(int(shape[axis]), 1)
    return tuple(made)


def as_the_input(given, shape) -> tuple[int, ...]:
    """As the input lies, made dense: what PyTorch does where it copies a tensor before it changes it."""
    first = given["input"]
    asked = str(given.get("memory_format") or "preserve_format")
    if not asked.endswith("preserve_format"):
        return rows(shape)
    return strides(shape, sorted(range(first.dim()), key=lambda axis: (-first.stride(axis), -first.shape[axis])))


def row_by_row(given, shape) -> tuple[int, ...]:
    """Row by row, however the input lies."""
    return rows(shape)


def maps_last(given, shape) -> tuple[int, ...]:
    """Channels last where the input's channels lie last, else row by row."""
    first = given["input"]
    order = (0, *range(2, first.dim()), 1)
    lie = zip(first.stride(), strides(first.shape, order), first.shape)
    return strides(shape, order) if first.dim() in (4, 5) and all(have == last or n == 1 for have, last, n in lie) else rows(shape)
