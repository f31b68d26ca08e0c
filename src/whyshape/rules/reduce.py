"""Many numbers become one along an axis: sums, means, extremes; and running totals, which keep the sizes."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, axes_at_least, axes_of, axis_of, rule
from whyshape.rules.dtypes import BOOL, FRACTION, WHOLE, category, default_float, fractions, kinds, name_of, real_of, result_type, summed
from whyshape.rules.pointwise import matched
from whyshape.sizes import largest, need, product


def reduced(x, dim, keepdim=False):
    """The sizes left when the axes ``dim`` (all, if none is named) become one number each.

    >>> reduced((16, 20, 4, 4), (2, 3)), reduced((16, 20), 1, keepdim=True)
    ((16, 20), (16, 1))
    """
    if dim is None:
        return (1,) * len(x) if keepdim else ()
    if dim.__class__ is int:
        axis = axis_of(dim, len(x))
        return (*x[:axis], 1, *x[axis + 1 :]) if keepdim and x else (*x[:axis], *x[axis + 1 :])
    axes = axes_of(dim, len(x))
    if keepdim:
        return tuple([1 if a in axes else n for a, n in enumerate(x)])
    return tuple([n for a, n in enumerate(x) if a not in axes])


def _some(x, dim):
    """An extreme of no numbers at all is not defined."""
    for axis in axes_of(dim, len(x)) if x else ():
        need(x[axis] > 0, "at least one number is wanted along axis {axis}, {arrived:arrive}", axis=axis, arrived=x[axis], wanted=1)


class _Reduction(Rule):
    title = "reduction"


@rule("sum", "nansum")
class Sum(_Reduction):
    """All numbers along ``dim`` added up; whole numbers as int64."""

    title = "sum"

    @staticmethod
    def shape(input, dim=None, keepdim=False, *, dtype=None, out=None):
        shape = reduced(input.shape, dim, keepdim)
        return shape if dtype is None and category(input.dtype) >= 2 else Made(shape, dtype or summed(input.dtype))


@rule("prod")
class Prod(_Reduction):
    """All numbers along ``dim`` multiplied."""

    title = "product"

    @staticmethod
    def shape(input, dim=None, keepdim=False, *, dtype=None, out=None):
        return Made(reduced(input.shape, dim, keepdim), dtype or summed(input.dtype))


@rule("mean", "nanmean")
class Mean(_Reduction):
    """The mean of the numbers along ``dim``."""

    title = "mean"

    @staticmethod
    def shape(input, dim=None, keepdim=False, *, dtype=None, out=None):
        shape = reduced(input.shape, dim, keepdim)
        if dtype is not None:
            fractions(dtype, "a mean")
            return Made(shape, dtype)
        fractions(input.dtype, "a mean")
        return shape


@rule("std", "var")
class Spread(_Reduction):
    """How far the numbers along ``dim`` lie from their mean."""

    title = "spread"

    @staticmethod
    def shape(input, dim=None, unbiased=True, keepdim=False, *, correction=None, out=None):
        fractions(input.dtype, "a variance")
        return Made(reduced(input.shape, None if isinstance(dim, bool) else dim, keepdim), real_of(input.dtype))


@rule("std_mean", "var_mean")
class SpreadAndMean(_Reduction):
    """Spread and mean at once."""

    title = "spread and mean"

    @staticmethod
    def shape(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
        fractions(input.dtype, "a variance")
        shape = reduced(input.shape, None if isinstance(dim, bool) else dim, keepdim)
        return [Made(shape, real_of(input.dtype)), shape]


@rule("max", "min")
class Extreme(_Reduction):
    """The largest or smallest: of all, along an axis with its place, or of two tensors place by place."""

    title = "extreme"

    @staticmethod
    def shape(input, dim=None, keepdim=False, *, other=None, out=None):
        if other is not None or hasattr(dim, "shape"):
            return Made(*matched(input, dim if other is None else other))
        kinds(input.dtype, BOOL, FRACTION, "an extreme")
        _some(input.shape, dim)
        if dim is None:
            return ()
        shape = reduced(input.shape, dim, keepdim)
        return [shape, Made(shape, "int64")]


@rule("amax", "amin")
class AMax(_Reduction):
    """The largest or smallest along some axes."""

    title = "extreme"

    @staticmethod
    def shape(input, dim=(), keepdim=False, *, out=None):
        kinds(input.dtype, BOOL, FRACTION, "an extreme")
        _some(input.shape, dim)
        return reduced(input.shape, dim, keepdim)


@rule("aminmax")
class AMinMax(_Reduction):
    """Smallest and largest at once."""

    title = "extremes"

    @staticmethod
    def shape(input, *, dim=None, keepdim=False, out=None):
        kinds(input.dtype, BOOL, FRACTION, "an extreme")
        _some(input.shape, dim)
        return [reduced(input.shape, dim, keepdim)] * 2


@rule("argmax", "argmin")
class Arg(_Reduction):
    """The place of the largest or smallest."""

    title = "place of the extreme"

    @staticmethod
    def shape(input, dim=None, keepdim=False, *, out=None):
        kinds(input.dtype, WHOLE, FRACTION, "the place of an extreme")
        _some(input.shape, dim)
        return Made(reduced(input.shape, dim, keepdim), "int64")


@rule("any", "all")
class Any(_Reduction):
    """Whether any, or all, are true."""

    title = "any or all"

    @staticmethod
    def shape(input, dim=None, keepdim=False, *, out=None):
        none = isinstance(dim, (tuple, list)) and not dim  # an empty list means no axis here, and all of them in other reductions
        return Made(
            tuple(input.shape) if none else reduced(input.shape, dim, keepdim), "uint8" if name_of(input.dtype) == "uint8" else "bool"
        )


@rule("count_nonzero")
class Count(_Reduction):
    """How many are not zero."""

    title = "count"

    @staticmethod
    def shape(input, dim=None):
        return Made(reduced(input.shape, dim), "int64")


@rule("logsumexp", "torch.special.logsumexp")
class LogSumExp(_Reduction):
    """The logarithm of the sum of exponentials."""

    title = "log-sum-exp"

    @staticmethod
    def shape(input, dim, keepdim=False, *, out=None):
        return Made(reduced(input.shape, dim, keepdim), default_float(input.dtype))


@rule("median", "nanmedian")
class Median(_Reduction):
    """The middle number, or the most frequent; along an axis with its place."""

    title = "median"

    @staticmethod
    def shape(input, dim=None, keepdim=False, *, out=None):
        kinds(input.dtype, WHOLE, FRACTION, "a middle number")
        if dim is None:
            return ()
        return _with_places(input.shape, dim, keepdim)


def _with_places(x, dim, keepdim):
    shape = reduced(x, dim, keepdim)
    _some(x, dim)
    return [shape, Made(shape, "int64")]


@rule("mode")
class Mode(_Reduction):
    """The most frequent number along an axis, with its place."""

    title = "mode"

    @staticmethod
    def shape(input, dim=-1, keepdim=False, *, out=None):
        kinds(input.dtype, BOOL, FRACTION, "an order")
        return _with_places(input.shape, dim, keepdim)


@rule("quantile", "nanquantile")
class Quantile(_Reduction):
    """The number below which a share ``q`` of the numbers lies; one for each ``q``."""

    title = "quantile"

    @staticmethod
    def shape(input, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
        shares = getattr(q, "shape", ())
        need(len(shares) <= 1, "q is one number or a row of them, {arrived:axes arrive}", arrived=len(shares), wanted=1)
        need(product(input.shape) > 0, "at least one number is wanted, none arrives", wanted=1, arrived=0)
        need(name_of(input.dtype) in ("float32", "float64"), "a quantile is taken of float32 or float64, {arrived} arrives",
             wanted="float32", arrived=name_of(input.dtype))  # fmt: skip
        return (*shares, *reduced(input.shape, dim, keepdim))


@rule("norm")
class Norm(_Reduction):
    """The length of the numbers along ``dim``, taken as a vector."""

    title = "norm"

    @staticmethod
    def shape(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
        made = dtype or input.dtype
        fractions(made, "a norm")
        return Made(reduced(input.shape, dim, keepdim), real_of(made))


@rule("torch.linalg.vector_norm")
class VectorNorm(_Reduction):
    """The length of a vector."""

    title = "norm"

    @staticmethod
    def shape(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
        return Norm.shape(x, ord, dim, keepdim, dtype=dtype)


@rule("torch.linalg.norm")
class LinalgNorm(_Reduction):
    """The length of a vector or a matrix."""

    title = "norm"

    @staticmethod
    def shape(A, ord=None, dim=None, keepdim=False, *, dtype=None, out=None):
        if dim is None and ord is not None:
            least = 2 if isinstance(ord, str) else 1
            need(least <= len(A.shape) <= 2, "{wanted:axes are} wanted where ord is chosen, {arrived:arrive}",
                 wanted="2" if least == 2 else "1 or 2", arrived=len(A.shape))  # fmt: skip
        return Norm.shape(A, ord, dim, keepdim, dtype=dtype)


@rule("torch.linalg.matrix_norm")
class MatrixNorm(_Reduction):
    """The norm of a matrix, or of each in a batch."""

    title = "norm"

    @staticmethod
    def shape(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
        axes_at_least(2, A.shape)
        return Norm.shape(A, ord, dim, keepdim, dtype=dtype)


@rule("dist")
class Dist(_Reduction):
    """The length of the difference."""

    title = "distance"

    @staticmethod
    def shape(input, other, p=2):
        dtype = matched(input, other)[1]
        fractions(dtype, "a distance")
        return Made((), real_of(dtype))


@rule("normalize")
class Normalize(Rule):
    """Divided by the length along ``dim``."""

    title = "normalize"

    @staticmethod
    def shape(input, p=2.0, dim=1, eps=1e-12, out=None):
        fractions(input.dtype, "a length")
        if dim is not None:
            axes_of(dim, len(input.shape))
        return input.shape


@rule("renorm")
class Renorm(Rule):
    """Parts along ``dim`` shortened to a largest length."""

    title = "normalize"

    @staticmethod
    def shape(input, p, dim, maxnorm, *, out=None):
        axis_of(dim, len(input.shape))
        return input.shape


@rule("cumsum", "cumprod")
class RunningTotal(Rule):
    """The running total along ``dim``; whole numbers as int64."""

    title = "running total"

    @staticmethod
    def shape(input, dim, *, dtype=None, out=None):
        axis_of(dim, len(input.shape))
        return Made(input.shape, dtype or summed(input.dtype))


@rule("logcumsumexp")
class RunningLogSumExp(Rule):
    """The running log-sum-exp along ``dim``."""

    title = "running total"

    @staticmethod
    def shape(input, dim, *, out=None):
        axis_of(dim, len(input.shape))
        fractions(input.dtype, "a running log-sum-exp")
        return input.shape


@rule("cummax", "cummin")
class RunningExtreme(Rule):
    """The running extreme along ``dim``, with its place."""

    title = "running extreme"

    @staticmethod
    def shape(input, dim, *, out=None):
        axis_of(dim, len(input.shape))
        kinds(input.dtype, BOOL, FRACTION, "a running extreme")
        return [input.shape, Made(input.shape, "int64")]


@rule("diff")
class Diff(Rule):
    """Differences of neighbours along ``dim``, ``n`` times: each time one number fewer."""

    title = "differences"

    @staticmethod
    def shape(input, n=1, dim=-1, prepend=None, append=None, *, out=None):
        x = input.shape
        axes_at_least(1, x)
        need(n >= 0, "a count of at least 0 is wanted, {arrived} was chosen", arrived=n, wanted=0)
        if int(n) == 0:
            return x
        axis = axis_of(dim, len(x))
        size = x[axis]
        for more in (prepend, append):
            if more is not None:
                size = size + (more.shape[axis] if more.shape else 1)
        dtype = result_type([t for t in (input, prepend, append) if t is not None])
        return Made((*x[:axis], largest(size - n, 0), *x[axis + 1 :]), dtype)
