"""Order: sort, the largest few, places in a sorted row, counts in bins."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, axes_at_least, axis_of, rule
from whyshape.rules.dtypes import BOOL, FRACTION, WHOLE, kinds
from whyshape.rules.reduce import reduced
from whyshape.sizes import need


class _Order(Rule):
    title = "sort"


@rule("sort")
class Sort(_Order):
    """The numbers along ``dim`` in order, and where each came from."""

    @staticmethod
    def shape(input, dim=-1, descending=False, stable=False, *, out=None):
        kinds(input.dtype, BOOL, FRACTION, "an order")
        axis_of(-1 if isinstance(dim, bool) else dim, len(input.shape))
        return [input.shape, Made(input.shape, "int64")]


@rule("argsort")
class Argsort(_Order):
    """Where each number of the order came from."""

    @staticmethod
    def shape(input, dim=-1, descending=False, stable=False):
        kinds(input.dtype, BOOL, FRACTION, "an order")
        axis_of(-1 if isinstance(dim, bool) else dim, len(input.shape))
        return Made(input.shape, "int64")


@rule("msort")
class Msort(_Order):
    """The numbers along the first axis in order."""

    @staticmethod
    def shape(input, *, out=None):
        kinds(input.dtype, BOOL, FRACTION, "an order")
        return input.shape


@rule("topk")
class TopK(_Order):
    """The ``k`` largest along ``dim``, and where they stood."""

    title = "top k"

    @staticmethod
    def shape(input, k, dim=-1, largest=True, sorted=True, *, out=None):
        x = input.shape
        axis = axis_of(dim, len(x))
        kinds(input.dtype, WHOLE, FRACTION, "an order")
        have = x[axis] if x else 1
        need(k >= 0, "k of at least 0 is wanted, {arrived} was chosen", arrived=k, wanted=0)
        need(k <= have, "{arrived:numbers are} asked for, axis {axis} has {wanted}", arrived=k, wanted=have, axis=axis)
        shape = (*x[:axis], k, *x[axis + 1 :]) if x else x
        return [shape, Made(shape, "int64")]


@rule("kthvalue")
class KthValue(_Order):
    """The ``k``-th smallest along ``dim``, and where it stood."""

    title = "k-th value"

    @staticmethod
    def shape(input, k, dim=-1, keepdim=False, *, out=None):
        x = input.shape
        axis = axis_of(dim, len(x))
        kinds(input.dtype, WHOLE, FRACTION, "an order")
        have = x[axis] if x else 1
        need(k >= 1, "k of at least 1 is wanted, {arrived} was chosen", arrived=k, wanted=1)
        need(k <= have, "number {arrived} is asked for, axis {axis} has {wanted}", arrived=k, wanted=have, axis=axis)
        shape = reduced(x, dim, keepdim)
        return [shape, Made(shape, "int64")]


@rule("searchsorted")
class SearchSorted(_Order):
    """Where each number would stand in a sorted row."""

    title = "search"

    @staticmethod
    def shape(sorted_sequence, input=None, *, self=None, out_int32=False, right=False, side=None, sorter=None, out=None):
        values = getattr(input, "shape", ())
        rows = sorted_sequence.shape
        if len(rows) > 1:
            need(
                len(values) == len(rows),
                "rows of {wanted:axes} are searched for values of {arrived}",
                wanted=len(rows),
                arrived=len(values),
            )
            for n, m in zip(rows[:-1], values[:-1]):
                need(n == m, "{wanted:rows are} searched for {arrived:rows} of values", wanted=n, arrived=m)
        axes_at_least(1, rows)
        if sorter is not None:
            need(len(sorter.shape) == len(rows) and all(bool(n == m) for n, m in zip(rows, sorter.shape)),
                 "the order has other sizes than the rows it sorts", wanted=tuple(rows), arrived=tuple(sorter.shape))  # fmt: skip
        return Made(tuple(values), "int32" if out_int32 else "int64")


@rule("bucketize")
class Bucketize(_Order):
    """In which bin each number falls."""

    title = "search"

    @staticmethod
    def shape(input, boundaries, *, out_int32=False, right=False, out=None):
        rows = boundaries.shape
        need(len(rows) == 1, "boundaries are one row, {arrived:axes arrive}", arrived=len(rows), wanted=1)
        return Made(tuple(getattr(input, "shape", ())), "int32" if out_int32 else "int64")


@rule("histc")
class Histogram(_Order):
    """How many numbers fall in each bin."""

    title = "histogram"

    @staticmethod
    def shape(input, bins=100, min=0, max=0, *, out=None):
        kinds(input.dtype, FRACTION, FRACTION, "a histogram")
        need(bins > 0, "at least 1 bin is wanted, {arrived:were} chosen", arrived=bins, wanted=1)
        return (bins,)
