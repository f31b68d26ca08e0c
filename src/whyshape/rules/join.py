"""Several tensors from one, one from several: cat, stack, chunk, split."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Window, axis_of, rule
from whyshape.rules.dtypes import promote
from whyshape.sizes import Size, ceil_div, need, total


def _joint_dtype(tensors):
    dtype = tensors[0].dtype
    for other in tensors[1:]:
        dtype = promote(dtype, other.dtype)
    return dtype


@rule("cat", "concat", "concatenate")
class Cat(Rule):
    """One behind the other along ``dim``; every other axis must be equal."""

    title = "concatenation"

    @staticmethod
    def shape(tensors, dim=0, *, out=None):
        need(len(tensors) > 0, "at least one tensor is wanted, none arrives", wanted=1, arrived=0)
        # A tensor of shape (0,) is passed over whatever the others' rank: PyTorch keeps this old habit.
        shapes = [t.shape for t in tensors if not (len(t.shape) == 1 and int(t.shape[0]) == 0)] or [tensors[0].shape]
        first = shapes[0]
        need(len(first) > 0, "at least one axis is wanted, single numbers arrive", wanted=1, arrived=0)
        axis = axis_of(dim, len(first))
        for i, x in enumerate(shapes[1:], 1):
            need(len(x) == len(first), "the first has {wanted} axes, number {i} has {arrived}", wanted=len(first), arrived=len(x), i=i)
            for a, (n, m) in enumerate(zip(first, x)):
                if a != axis and n is not m:
                    need(
                        n == m,
                        "axis {axis} must be equal: {wanted} in the first, {arrived} in number {i}",
                        wanted=n,
                        arrived=m,
                        axis=a,
                        i=i,
                    )
        return Made((*first[:axis], total(x[axis] for x in shapes), *first[axis + 1 :]), _joint_dtype(tensors))

    @staticmethod
    def reach(call):
        rank = len(call.out.shape)
        joined = axis_of(call.dim, rank)
        return {axis: Window(1) for axis in range(2 - rank, 0) if axis + rank != joined}


@rule("stack")
class Stack(Rule):
    """Side by side along a new axis; all shapes must be equal."""

    title = "stack"

    @staticmethod
    def shape(tensors, dim=0, *, out=None):
        need(len(tensors) > 0, "at least one tensor is wanted, none arrives", wanted=1, arrived=0)
        first = tensors[0].shape
        for i, t in enumerate(tensors[1:], 1):
            need(
                len(t.shape) == len(first),
                "the first has {wanted} axes, number {i} has {arrived}",
                wanted=len(first),
                arrived=len(t.shape),
                i=i,
            )
            for a, (n, m) in enumerate(zip(first, t.shape)):
                if n is not m:
                    need(
                        n == m,
                        "axis {axis} must be equal: {wanted} in the first, {arrived} in number {i}",
                        wanted=n,
                        arrived=m,
                        axis=a,
                        i=i,
                    )
        axis = axis_of(dim, len(first) + 1)
        return Made((*first[:axis], len(tensors), *first[axis:]), _joint_dtype(tensors))


def pieces(n, size):
    """The sizes of the pieces when ``n`` cells are cut every ``size``, the last one shorter.

    >>> pieces(5, 2)
    [2, 2, 1]
    """
    whole = int(n) // int(size) if int(size) else 0
    if not isinstance(n, Size):
        rest = n - whole * size
        return [size] * whole + ([rest] if rest or not whole else [])
    count = max(1, int(ceil_div(int(n), int(size))))
    bool(ceil_div(n, size) == count)  # this many pieces, at this input
    return [size] * (count - 1) + [n - (count - 1) * size if count > 1 else n]


def _cut(x, axis, sizes):
    return [(*x[:axis], n, *x[axis + 1 :]) for n in sizes]


class _Pieces(Rule):
    view = True
    title = "split"


@rule("split", "Tensor.split_with_sizes", "torch.split_with_sizes")
class Split(_Pieces):
    """Pieces of a chosen size along ``dim``; the last may be shorter."""

    @staticmethod
    def shape(tensor, split_size_or_sections, dim=0):
        x = tensor.shape
        axis = axis_of(dim, len(x))
        if isinstance(split_size_or_sections, int):
            need(
                split_size_or_sections > 0,
                "pieces of at least 1 are wanted, {arrived} was chosen",
                arrived=split_size_or_sections,
                wanted=1,
            )
            return _cut(x, axis, pieces(x[axis], split_size_or_sections))
        sizes = tuple(split_size_or_sections)
        need(
            total(sizes) == x[axis],
            "the pieces add up to {wanted}, axis {axis} has {arrived}",
            wanted=total(sizes),
            arrived=x[axis],
            axis=axis,
        )
        return _cut(x, axis, sizes)


@rule("chunk")
class Chunk(_Pieces):
    """A chosen number of equal pieces along ``dim``; there may be fewer when they do not share out."""

    @staticmethod
    def shape(input, chunks, dim=0):
        x = input.shape
        axis = axis_of(dim, len(x))
        need(chunks > 0, "at least 1 piece is wanted, {arrived} was chosen", arrived=chunks, wanted=1)
        if int(x[axis]) == 0:
            return _cut(x, axis, [x[axis]] * int(chunks))
        return _cut(x, axis, pieces(x[axis], ceil_div(x[axis], chunks)))


@rule("unbind")
class Unbind(_Pieces):
    """One tensor for each place along ``dim``."""

    title = "unbind"

    @staticmethod
    def shape(input, dim=0):
        x = input.shape
        axis = axis_of(dim, len(x))
        count = int(x[axis])
        if isinstance(x[axis], Size):
            bool(x[axis] == count)
        return [(*x[:axis], *x[axis + 1 :])] * count
