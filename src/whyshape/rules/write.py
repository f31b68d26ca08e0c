"""Writing into parts of a tensor: ``x[...] = y``, scatter, index_add and their kin. The sizes stay; what is written must fit."""

from __future__ import annotations

from whyshape.rules.base import Rule, Unexplained, axes_at_least, axis_of, exactly, rule, stretched
from whyshape.rules.dtypes import BOOL, COMPLEX, FRACTION, kinds, one_dtype
from whyshape.rules.dtypes import WHOLE as INTEGER
from whyshape.rules.index import WHOLE, Diagonal, indexed, place_in, same_rank, whole_places, within
from whyshape.rules.slicing import sliced
from whyshape.sizes import need, product


class _Write(Rule):
    title = "write"


@rule("Tensor.__setitem__")
class SetItem(_Write):
    """A value written into part of a tensor, in place; its axes of 1 are stretched."""

    @staticmethod
    def shape(input, index, value):
        try:
            room = indexed(input.shape, index)
        except Unexplained:
            return input.shape  # under a mask: whatever it holds, the tensor keeps its sizes
        _fits(tuple(getattr(value, "shape", ())), room)
        return input.shape


def _fits(value, room):
    while len(value) > len(room) and int(value[0]) == 1:
        exactly(value[0])
        value = value[1:]
    _stretched_over(value, room)


def _stretched_over(value, room):
    need(len(value) <= len(room), "a value of {arrived:axes} is written into {wanted}", arrived=len(value), wanted=len(room))
    for have, want in zip(reversed(value), reversed(room)):
        stretched(have, want, "a value of {arrived:places} is written into {wanted}")


@rule("Tensor.copy_")
class Copied(Rule):
    """The numbers of another tensor, stretched over this one."""

    title = "place by place"
    pointwise = True

    @staticmethod
    def shape(input, src=None, non_blocking=False, *, other=None):
        given = other if src is None else src  # PyTorch knows both words
        if hasattr(given, "shape"):
            _stretched_over(given.shape, input.shape)
        return input.shape


def _put_together(input, reduce) -> None:
    """Demand numbers that can be put together so: an order for the largest, fractions or whole numbers for a mean."""
    if reduce in ("amax", "amin"):
        kinds(input.dtype, BOOL, FRACTION, "an extreme")
    elif reduce == "mean":
        kinds(input.dtype, INTEGER, COMPLEX, "a mean")


@rule("scatter", "scatter_add", "scatter_reduce")
class Scatter(Rule):
    """Numbers put, or added, at the places that ``index`` names along ``dim``."""

    title = "scatter"

    @staticmethod
    def shape(input, dim, index, src=None, reduce=None, *, value=None, include_self=True, out=None):
        axis = axis_of(dim, len(input.shape))
        _put_together(input, reduce)
        if hasattr(src, "shape"):
            one_dtype(src, input)
        if not any(int(n) == 0 for n in index.shape):
            whole_places(index, WHOLE)
            same_rank(input, index)
            axes = range(min(len(index.shape), len(input.shape)))
            within(index.shape, input.shape, [a for a in axes if a != axis], "input")
            if hasattr(src, "shape"):
                need(max(len(src.shape), 1) == max(len(index.shape), 1), "a source of {wanted:axes} is wanted, {arrived:arrive}",
                     wanted=len(index.shape), arrived=len(src.shape))  # fmt: skip
                within(index.shape, src.shape, range(min(len(index.shape), len(src.shape))), "source")
        return input.shape


def _row_of_places(index, dtypes=("int64",)):
    """How many places an index names: a row of whole numbers, or a single one."""
    i = index.shape
    need(len(i) <= 1, "index is a row of places, {arrived:axes arrive}", arrived=len(i), wanted=1)
    whole_places(index, dtypes)
    return i[0] if i else 1


def _over(part, source):
    """Demand exactly the sizes of the part written over: nothing is stretched."""
    need(len(source) == len(part), "a source of {wanted:axes} is wanted, {arrived:arrive}", wanted=len(part), arrived=len(source))
    for axis, (n, m) in enumerate(zip(part, source)):
        if n is not m:
            need(n == m, "{wanted:places are} written on axis {axis}, {arrived:arrive}", wanted=n, arrived=m, axis=axis)


def _rows(x, axis, count):
    """The sizes of ``count`` slices of an axis."""
    return (*x[:axis], count, *x[axis + 1 :]) if x else ()


@rule("index_add", "index_reduce")
class IndexAdd(_Write):
    """Slices added, or put together otherwise, where ``index`` says."""

    @staticmethod
    def shape(input, dim, index, source, *args, alpha=1, reduce=None, include_self=True, out=None):
        axis = axis_of(dim, len(input.shape))
        one_dtype(source, input)
        _over(_rows(input.shape, axis, _row_of_places(index, WHOLE)), source.shape)
        return input.shape


@rule("index_copy")
class IndexCopy(_Write):
    """Slices put where ``index`` says; a single number stands for a row of one."""

    @staticmethod
    def shape(input, dim, index, source, *, out=None):
        axis = axis_of(dim, len(input.shape))
        one_dtype(source, input)
        count = _row_of_places(index)
        if len(input.shape) <= 1 and len(source.shape) <= 1:
            have = source.shape[0] if source.shape else 1
            need(have == count, "{wanted:places are} written on axis {axis}, {arrived:arrive}", wanted=count, arrived=have, axis=0)
        else:
            _over(_rows(input.shape, axis, count), source.shape)
        return input.shape


@rule("index_fill")
class IndexFill(_Write):
    """One number put in the slices ``index`` names."""

    @staticmethod
    def shape(input, dim, index, value):
        axis_of(dim, len(input.shape))
        _row_of_places(index)
        axes = getattr(value, "shape", ())
        need(len(axes) == 0, "one number is wanted, {arrived:axes arrive}", wanted=0, arrived=len(axes))
        return input.shape


@rule("index_put")
class IndexPut(_Write):
    """Values put at the places of ``x[indices]``; their axes of 1 are stretched."""

    @staticmethod
    def shape(input, indices, values, accumulate=False):
        one_dtype(values, input)
        try:
            room = indexed(input.shape, tuple([slice(None) if i is None else i for i in indices]))
        except Unexplained:
            return input.shape  # under a mask: whatever it holds, the tensor keeps its sizes
        need(
            len(values.shape) <= len(room),
            "a value of {arrived:axes} is written into {wanted}",
            arrived=len(values.shape),
            wanted=len(room),
        )
        _fits(values.shape, room)
        return input.shape


@rule("put")
class Put(_Write):
    """Numbers put at places of the tensor as one long row."""

    @staticmethod
    def shape(input, index, source, accumulate=False):
        one_dtype(source, input)
        whole_places(index, ("int64",))
        have, want = product(source.shape), product(index.shape)
        need(have == want, "{wanted:places are} written, {arrived:arrive}", wanted=want, arrived=have)
        return input.shape


@rule("select_scatter")
class SelectScatter(_Write):
    """One place of an axis written over in a copy."""

    @staticmethod
    def shape(input, src, dim, index):
        x = input.shape
        axis = axis_of(dim, len(x))
        axes_at_least(1, x)
        place_in(index, x[axis], axis)
        _over((*x[:axis], *x[axis + 1 :]), src.shape)
        return x


@rule("slice_scatter")
class SliceScatter(_Write):
    """A slice of an axis written over in a copy."""

    @staticmethod
    def shape(input, src, dim=0, start=None, end=None, step=1):
        x = input.shape
        axis = axis_of(dim, len(x))
        axes_at_least(1, x)
        need(step > 0, "a slice moves forward, step {arrived} was chosen", arrived=step, wanted=1)
        _over((*x[:axis], sliced(x[axis], start, end, step), *x[axis + 1 :]), src.shape)
        return x


@rule("diagonal_scatter")
class DiagonalScatter(_Write):
    """A diagonal written over in a copy."""

    @staticmethod
    def shape(input, src, offset=0, dim1=0, dim2=1):
        _over(Diagonal.shape(input, offset, dim1, dim2), src.shape)
        return input.shape


@rule("as_strided_scatter")
class StridedScatter(_Write):
    """Places of the memory written over in a copy."""

    @staticmethod
    def shape(input, src, size, stride, storage_offset=None):
        _over(tuple(size), src.shape)
        return input.shape
