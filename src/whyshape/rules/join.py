"""Several tensors from one, one from several: cat, stack, chunk, split."""

from __future__ import annotations

from itertools import pairwise

from whyshape.rules.base import Made, Rule, Unexplained, Window, axes_at_least, axis_of, exactly, given, rule
from whyshape.rules.dtypes import promote
from whyshape.rules.slicing import sliced
from whyshape.sizes import Size, ceil_div, need, total


def _joint_dtype(tensors):
    dtype = tensors[0].dtype
    for other in tensors[1:]:
        if other.dtype is not dtype:
            dtype = promote(dtype, other.dtype)
    return dtype


def _one_less(shapes, axis):
    """The first's sizes, after comparing every axis but ``axis`` with the others'."""
    first = shapes[0]
    for i, x in enumerate(shapes):
        if x is first:
            continue
        if len(x) != len(first):
            need(False, "the first has {wanted:axes}, number {i} has {arrived}", wanted=len(first), arrived=len(x), i=i)
        for a, (n, m) in enumerate(zip(first, x)):
            if n is m or a == axis or (n.__class__ is int is m.__class__ and n == m):
                continue
            need(n == m, "axis {axis} must be equal: {wanted} in the first, {arrived} in number {i}", wanted=n, arrived=m, axis=a, i=i)
    return first


def joined(shapes, dim):
    """The sizes of tensors laid one behind the other along ``dim``.

    >>> joined([(1, 64, 56, 56), (1, 32, 56, 56)], 1)
    (1, 96, 56, 56)
    """
    # A tensor of shape (0,) is passed over whatever the others' rank: PyTorch keeps this old habit.
    if 1 in map(len, shapes):
        shapes = [x for x in shapes if len(x) != 1 or int(x[0]) != 0] or shapes[:1]
    first = shapes[0]
    if not first:
        need(False, "at least one axis is wanted, single numbers arrive", wanted=1, arrived=0)
    axis = axis_of(dim, len(first))
    _one_less(shapes, axis)
    return (*first[:axis], total([x[axis] for x in shapes]), *first[axis + 1 :])


def _some(tensors):
    if not len(tensors):
        need(False, "at least one tensor is wanted, none arrives", wanted=1, arrived=0)


@rule("cat", "concat", "concatenate")
class Cat(Rule):
    """One behind the other along ``dim``; every other axis must be equal."""

    title = "concatenation"

    @staticmethod
    def shape(tensors, dim=0, *, out=None):
        _some(tensors)
        return Made(joined([t.shape for t in tensors], dim), _joint_dtype(tensors))

    @staticmethod
    def reach(call):
        rank = len(call.out.shape)
        behind = axis_of(call.dim, rank)
        return {axis: Window(1) for axis in range(2 - rank, 0) if axis + rank != behind}


@rule("stack")
class Stack(Rule):
    """Side by side along a new axis; all shapes must be equal."""

    title = "stack"

    @staticmethod
    def shape(tensors, dim=0, *, out=None):
        _some(tensors)
        first = _one_less([t.shape for t in tensors], None)
        axis = axis_of(dim, len(first) + 1)
        return Made((*first[:axis], len(tensors), *first[axis:]), _joint_dtype(tensors))


def at_least(x, rank):
    """The sizes with axes of 1 added as ``atleast_1d``, ``_2d`` and ``_3d`` add them.

    >>> at_least((5,), 2), at_least((5,), 3), at_least((5, 6), 3)
    ((1, 5), (1, 5, 1), (5, 6, 1))
    """
    if len(x) >= rank:
        return tuple(x)
    if rank == 3:
        return (*at_least(x, 2), 1)
    return (*(1,) * (rank - len(x)), *x)


def _with_axes(rank):
    def shape(*tensors):
        if len(tensors) == 1 and hasattr(tensors[0], "shape"):
            return at_least(tensors[0].shape, rank)
        return [Made(at_least(t.shape, rank), t.dtype) for t in given(tensors)]

    return staticmethod(shape)


@rule("atleast_1d")
class AtLeast1d(Rule):
    """A single number becomes a row."""

    title = "reshape"
    view = True

    shape = _with_axes(1)


@rule("atleast_2d")
class AtLeast2d(Rule):
    """A row becomes a matrix of one row."""

    title = "reshape"
    view = True

    shape = _with_axes(2)


@rule("atleast_3d")
class AtLeast3d(Rule):
    """A matrix gets a third axis of 1."""

    title = "reshape"
    view = True

    shape = _with_axes(3)


def _stacked(rank, dim):
    def shape(tensors, *, out=None):
        _some(tensors)
        shapes = [at_least(t.shape, rank) for t in tensors]
        return Made(joined(shapes, dim(shapes) if callable(dim) else dim), _joint_dtype(tensors))

    return staticmethod(shape)


@rule("hstack")
class HStack(Rule):
    """One behind the other along the second axis (rows: along the first)."""

    title = "concatenation"
    shape = _stacked(1, lambda shapes: 0 if len(shapes[0]) == 1 else 1)


@rule("vstack", "row_stack")
class VStack(Rule):
    """One below the other."""

    title = "concatenation"
    shape = _stacked(2, 0)


@rule("dstack")
class DStack(Rule):
    """One behind the other along the third axis."""

    title = "concatenation"
    shape = _stacked(3, 2)


@rule("column_stack")
class ColumnStack(Rule):
    """Rows become columns, side by side."""

    title = "concatenation"

    @staticmethod
    def shape(tensors, *, out=None):
        _some(tensors)
        return Made(joined([tuple(t.shape) if len(t.shape) > 1 else (*at_least(t.shape, 1), 1) for t in tensors], 1), _joint_dtype(tensors))


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


@rule("split", "unsafe_split")
class Split(_Pieces):
    """Pieces of a chosen size along ``dim``; the last may be shorter."""

    @staticmethod
    def shape(tensor, split_size_or_sections, dim=0):
        x = tensor.shape
        axes_at_least(1, x)
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
        for size in sizes:
            need(size >= 0, "pieces of at least 0 are wanted, {arrived} was chosen", arrived=size, wanted=0)
        need(
            total(sizes) == x[axis],
            "the pieces add up to {wanted}, axis {axis} has {arrived}",
            wanted=total(sizes),
            arrived=x[axis],
            axis=axis,
        )
        return _cut(x, axis, sizes)


@rule("Tensor.split")
class SplitMethod(_Pieces):
    """``x.split(size)``: the same under the method's own words."""

    @staticmethod
    def shape(tensor, split_size, dim=0):
        return Split.shape(tensor, split_size, dim)


@rule("split_with_sizes", "unsafe_split_with_sizes")
class SplitWithSizes(_Pieces):
    """Pieces of chosen sizes along ``dim``."""

    @staticmethod
    def shape(input, split_sizes, dim=0):
        return Split.shape(input, tuple(split_sizes), dim)


def _at(n, places):
    """The sizes of the pieces when ``n`` cells are cut at those places."""
    ends = [0, *places, None]
    return [sliced(n, start, stop) for start, stop in pairwise(ends)]


def _sections(n, count):
    need(count > 0, "at least 1 piece is wanted, {arrived} was chosen", arrived=count, wanted=1)
    count = exactly(count)
    return [(n + count - 1 - i) // count for i in range(count)]


@rule("tensor_split")
class TensorSplit(_Pieces):
    """A chosen number of pieces, the first ones larger by one where they do not share out; or cut at chosen places."""

    @staticmethod
    def shape(input, indices_or_sections=None, dim=0, *, indices=None, sections=None):
        asked = next((a for a in (indices_or_sections, indices, sections) if a is not None), None)
        x = input.shape
        axes_at_least(1, x)
        axis = axis_of(dim, len(x))
        if isinstance(asked, int):
            return _cut(x, axis, _sections(x[axis], asked))
        if not isinstance(asked, (tuple, list)) or hasattr(asked, "dtype"):
            raise Unexplained("places that are a tensor")
        return _cut(x, axis, _at(x[axis], asked))


def _split_along(least, dim_of):
    def shape(input, indices_or_sections=None, *, indices=None, sections=None):
        asked = next((a for a in (indices_or_sections, indices, sections) if a is not None), None)
        axes_at_least(least, input.shape)
        axis = dim_of(len(input.shape))
        if isinstance(asked, int):
            need(asked > 0, "at least 1 piece is wanted, {arrived} was chosen", arrived=asked, wanted=1)
            need(input.shape[axis] % asked == 0, "{arrived:places} cannot be shared out over {wanted:pieces}",
                 arrived=input.shape[axis], wanted=asked)  # fmt: skip
        return TensorSplit.shape(input, asked, axis)

    return staticmethod(shape)


@rule("hsplit")
class HSplit(_Pieces):
    """Equal pieces along the second axis (of a row: along the first)."""

    shape = _split_along(1, lambda rank: 0 if rank == 1 else 1)


@rule("vsplit")
class VSplit(_Pieces):
    """Equal pieces along the first axis."""

    shape = _split_along(2, lambda rank: 0)


@rule("dsplit")
class DSplit(_Pieces):
    """Equal pieces along the third axis."""

    shape = _split_along(3, lambda rank: 2)


@rule("chunk", "unsafe_chunk")
class Chunk(_Pieces):
    """A chosen number of equal pieces along ``dim``; there may be fewer when they do not share out."""

    @staticmethod
    def shape(input, chunks, dim=0):
        x = input.shape
        axes_at_least(1, x)
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
        axes_at_least(1, x)
        axis = axis_of(dim, len(x))
        return [(*x[:axis], *x[axis + 1 :])] * exactly(x[axis])
