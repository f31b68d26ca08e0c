"""How results lie in memory where PyTorch does not lay them row by row: whether a later `view` may run depends on it.

Asked by the tracer alone, where the first tensor does not lie row by row, with PyTorch's own tensors: besides sizes they know
their strides. An answer is a function of the arguments by name and the result's shape: the strides of the result.
"""

from __future__ import annotations

from whyshape.rules.base import axis_of, told


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
    if str(given.get("memory_format")).endswith("contiguous_format"):
        return rows(shape)
    return strides(shape, sorted(range(first.dim()), key=lambda axis: (-first.stride(axis), -first.shape[axis])))


def row_by_row(given, shape) -> tuple[int, ...]:
    """Row by row, however the input lies."""
    return rows(shape)


def lie_maps_last(tensor) -> bool:
    """Whether the channels of a map lie side by side, as `x.permute(0, 3, 1, 2)` leaves them.

    As PyTorch looks for it: gaps do not matter, as in one of three maps that lie in turns.
    """
    rank, least = tensor.dim(), 0
    if rank not in (4, 5):
        return False
    for axis in (1, *range(rank - 1, 1, -1), 0):
        size, step = tensor.shape[axis], tensor.stride(axis)
        if not size or not step or step < least or (axis == 0 and least == tensor.stride(1)):
            return False
        least = step * size
    return True


def maps_last(given, shape) -> tuple[int, ...]:
    """Channels last where the input's channels lie last, else row by row."""
    first = given["input"]
    order = (0, *range(2, first.dim()), 1)
    lie = zip(first.stride(), strides(first.shape, order), first.shape)
    return strides(shape, order) if first.dim() in (4, 5) and all(have == last or n == 1 for have, last, n in lie) else rows(shape)


def as_maps_or_weights(given, shape) -> tuple[int, ...]:
    """Channels last where the channels of the maps or of the weights lie last, else row by row: as the kernels of PyTorch's CPU choose."""
    if len(shape) in (4, 5) and (lie_maps_last(given["input"]) or lie_maps_last(given["weight"])):
        return strides(shape, (0, *range(2, len(shape)), 1))
    return rows(shape)


def joined(given, shape) -> tuple[int, ...]:
    """Channels last where the channels of all that is joined lie last, else row by row."""
    tensors = [t for t in given["tensors"] if tuple(t.shape) != (0,)]
    return strides(shape, (0, *range(2, len(shape)), 1)) if all(map(lie_maps_last, tensors)) else rows(shape)


def stacked(given, shape) -> tuple[int, ...]:
    """As what is joined along the axis behind the new one, which is then cut in two; row by row where no axis is behind it."""
    axis = axis_of(given["dim"], len(shape))
    if axis == len(shape) - 1:
        return rows(shape)
    one = joined(given, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))
    return (*one[:axis], one[axis] * int(shape[axis + 1]), *one[axis:])


told("lays", as_the_input, """glu normalize flip fliplr flipud zeros_like ones_like empty_like rand_like randn_like randint_like full_like
    index_fill index_put put select_scatter slice_scatter sort argsort msort""")  # fmt: skip
told("lays", row_by_row, "masked_fill masked_scatter rrelu torch.bernoulli Tensor.bernoulli")
told("lays", maps_last, "group_norm roll")
told("lays", as_maps_or_weights, "conv2d conv3d conv_transpose2d conv_transpose3d")
told("lays", joined, "cat concat concatenate")
told("lays", stacked, "stack")
