"""Numbers about many numbers: how they vary together, how they change, what piles up."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Unexplained, axes_at_least, axes_of, axis_of, broadcast_shapes, rule
from whyshape.rules.dtypes import COMPLEX, FRACTION, WHOLE, category, default_float, kinds, name_of, result_type
from whyshape.sizes import largest, need, product


class _Statistics(Rule):
    title = "statistics"


def _together(x):
    """One row and one column for each variable: the rows of a matrix. For a single one a single number."""
    need(len(x) <= 2, "at most {wanted:axes are} wanted, {arrived:arrive}", wanted=2, arrived=len(x))
    return () if len(x) < 2 or bool(x[0] == 1) else (x[0], x[0])


class _Products(_Statistics):
    @staticmethod
    def macs(call):
        """Every row times every row."""
        x = call.input.shape
        rows = x[0] if len(x) == 2 else 1
        return rows * product(x)


@rule("cov")
class Covariance(_Products):
    """How the rows vary with one another."""

    @staticmethod
    def shape(input, *, correction=1, fweights=None, aweights=None):
        x = input.shape
        made = _together(x)
        if fweights is not None:
            need(category(fweights.dtype) == 1, "frequencies are whole numbers, {arrived} arrives",
                 wanted="int64", arrived=name_of(fweights.dtype))  # fmt: skip
        if aweights is not None:
            kinds(aweights.dtype, FRACTION, FRACTION, "a weight")
        kinds(input.dtype, WHOLE, COMPLEX, "a covariance")
        for weights in (fweights, aweights):
            if weights is not None:
                need(len(weights.shape) == 1, "weights are one row, {arrived:axes arrive}", wanted=1, arrived=len(weights.shape))
                need(weights.shape[0] == (x[-1] if x else 1), "{wanted:weights are} wanted, {arrived:arrive}",
                     wanted=x[-1] if x else 1, arrived=weights.shape[0])  # fmt: skip
        return Made(made, default_float(result_type([t for t in (input, aweights) if t is not None])))


@rule("corrcoef")
class Correlation(_Products):
    """How the rows vary with one another, between -1 and 1."""

    @staticmethod
    def shape(input):
        return Made(_together(input.shape), default_float(input.dtype))


@rule("gradient")
class Gradient(_Statistics):
    """Differences along each axis, one tensor for each."""

    title = "differences"

    @staticmethod
    def shape(input, *, spacing=None, dim=None, edge_order=1):
        x = input.shape
        axes_at_least(1, x)
        if hasattr(dim, "shape") or hasattr(spacing, "shape"):
            raise Unexplained("a tensor as a setting")
        axes = axes_of(dim, len(x)) if dim is not None else tuple(range(len(x)))
        if isinstance(spacing, (tuple, list)):
            need(len(spacing) == len(axes), "{arrived:spacings are} given for {wanted:axes}", arrived=len(spacing), wanted=len(axes))
        need(edge_order in (1, 2), "edge_order is 1 or 2, {arrived} was chosen", arrived=edge_order, wanted=1)
        for axis in axes:
            need(x[axis] >= edge_order + 1, "at least {wanted:numbers are} wanted along axis {axis}, {arrived:arrive}",
                 wanted=edge_order + 1, arrived=x[axis], axis=axis)  # fmt: skip
        return [Made(x, default_float(input.dtype))] * len(axes)


def _areas(y, x, dim):
    """The sizes and dtype of the areas between neighbours along ``dim``; places ``x`` may be given, in one row or for each row."""
    sizes = y.shape
    axes_at_least(1, sizes)
    axis = axis_of(dim, len(sizes))
    fewer = lambda s: (*s[:axis], largest(s[axis] - 1, 0), *s[axis + 1 :])
    if x is None:
        return axis, fewer(sizes), default_float(y.dtype)
    places = tuple(x.shape)
    if len(places) > len(sizes) or not places:
        raise Unexplained("places of other axes than the numbers")
    if len(places) == 1:
        need(places[0] == sizes[axis], "{wanted:places are} wanted, {arrived:arrive}", wanted=sizes[axis], arrived=places[0])
        return axis, fewer(sizes), default_float(result_type([y, x]))
    return axis, broadcast_shapes(fewer(sizes), fewer((1,) * (len(sizes) - len(places)) + places)), default_float(result_type([y, x]))


@rule("trapezoid", "trapz")
class Trapezoid(_Statistics):
    """The area under the numbers along ``dim``."""

    title = "integral"

    @staticmethod
    def shape(y, x=None, *, dx=None, dim=-1):
        axis, sizes, dtype = _areas(y, x, dim)
        return Made((*sizes[:axis], *sizes[axis + 1 :]), dtype)


@rule("cumulative_trapezoid")
class CumulativeTrapezoid(_Statistics):
    """The area under the numbers up to each place: one number fewer."""

    title = "integral"

    @staticmethod
    def shape(y, x=None, *, dx=None, dim=-1):
        _, sizes, dtype = _areas(y, x, dim)
        return Made(sizes, dtype)


@rule("nonzero_static")
class NonzeroStatic(_Statistics):
    """The places of what is not zero: a chosen number of them, one column for each axis."""

    title = "search"

    @staticmethod
    def shape(input, *, size, fill_value=-1, out=None):
        need(size >= 0, "a size of at least 0 is wanted, {arrived} was chosen", arrived=size, wanted=0)
        return Made((size, len(input.shape)), "int64")
