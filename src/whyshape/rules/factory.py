"""Tensors out of nothing: zeros, ranges, random numbers, or data that stands in the code."""

from __future__ import annotations

import math

from whyshape.rules.base import Made, Rule, Unexplained, exactly, given, rule
from whyshape.rules.dtypes import BOOL, COMPLEX_OF, FRACTION, category, default_dtype, fractions, kinds, name_of, of_number, promote
from whyshape.rules.pointwise import matched
from whyshape.sizes import ceil_div, need


class _Factory(Rule):
    title = "new tensor"


def _sizes(size):
    for n in size:
        if not isinstance(n, int):
            raise Unexplained("a size that is a tensor")
        need(n >= 0, "a size of at least 0 is wanted, {arrived} was chosen", arrived=n, wanted=0)
    return size


@rule("zeros", "ones", "empty")
class Filled(_Factory):
    """A new tensor of a chosen size."""

    @staticmethod
    def shape(*size, dtype=None, **options):
        size = options["size"] if not size and "size" in options else given(size)
        return Made(_sizes(tuple(size)), dtype or default_dtype())


@rule("rand", "randn")
class Random(_Factory):
    """Random fractions of a chosen size."""

    @staticmethod
    def shape(*size, dtype=None, **options):
        made = Filled.shape(*size, dtype=dtype, **options)
        fractions(made.dtype, "a random draw")
        return made


@rule("Tensor.new_zeros", "Tensor.new_ones", "Tensor.new_empty")
class NewFilled(_Factory):
    """A new tensor of a chosen size with the dtype of another."""

    @staticmethod
    def shape(input, *size, dtype=None, **options):
        size = options["size"] if not size and "size" in options else given(size)
        return Made(_sizes(tuple(size)), dtype or input.dtype)


@rule("zeros_like", "ones_like", "empty_like", "full_like")
class Like(_Factory):
    """A new tensor with the sizes of another."""

    @staticmethod
    def shape(input, *args, dtype=None, **options):
        return input.shape if dtype is None else Made(input.shape, dtype)


@rule("randint_like")
class RandomWhole(_Factory):
    """Random whole numbers with the sizes of another."""

    @staticmethod
    def shape(input, *args, dtype=None, **options):
        kinds(dtype or input.dtype, BOOL, FRACTION, "a random whole number")
        return input.shape if dtype is None else Made(input.shape, dtype)


@rule("rand_like", "randn_like")
class RandomLike(_Factory):
    """Random fractions with the sizes of another."""

    @staticmethod
    def shape(input, *, dtype=None, **options):
        fractions(dtype or input.dtype, "a random draw")
        return input.shape if dtype is None else Made(input.shape, dtype)


@rule("full")
class Full(_Factory):
    """A new tensor of one number."""

    @staticmethod
    def shape(size, fill_value, *, dtype=None, out=None, **options):
        size = tuple(size) if isinstance(size, (tuple, list)) else (size,)
        return Made(_sizes(size), dtype or _dtype_of(fill_value))


@rule("Tensor.new_full")
class NewFull(_Factory):
    """A new tensor of one number with the dtype of another."""

    @staticmethod
    def shape(input, size, fill_value, *, dtype=None, **options):
        return Made(_sizes(tuple(size)), dtype or input.dtype)


@rule("empty_strided", "Tensor.new_empty_strided", "torch.empty_permuted")
class EmptyStrided(_Factory):
    """A new tensor of a chosen size and layout in memory."""

    @staticmethod
    def shape(*args, dtype=None, **options):
        like = args[0] if args and hasattr(args[0], "shape") and not isinstance(args[0], tuple) else None
        size = options.get("size") or args[1 if like is not None else 0]
        return Made(_sizes(tuple(size)), dtype or (default_dtype() if like is None else like.dtype))


def _numbers(*values):
    for v in values:
        if not isinstance(v, (int, float)):
            raise Unexplained("a range whose ends are tensors")


def _steps(start, end, step):
    for end_ in (start, end):
        need(math.isfinite(end_), "a range ends somewhere, {arrived} was chosen", arrived=end_, wanted=0)
    need(step != 0, "the step must not be 0", arrived=0, wanted=1)
    need(end >= start if step > 0 else end <= start, "a range from {start} to {end} cannot move by {step}",
         start=start, end=end, step=step, arrived=end, wanted=start)  # fmt: skip
    if any(isinstance(v, float) for v in (start, end, step)):
        return math.ceil((end - start) / step)
    return ceil_div(end - start if not (type(start) is int and start == 0) else end, step)


@rule("arange")
class Arange(_Factory):
    """The numbers from ``start`` up to, but without, ``end``: ``ceil((end - start) / step)`` of them."""

    title = "range"

    @staticmethod
    def shape(start=0, end=None, step=1, *, dtype=None, out=None, **options):
        if end is None:
            start, end = 0, start
        _numbers(start, end, step)
        floats = isinstance(start, float) or isinstance(end, float) or isinstance(step, float)
        if floats and dtype is not None and name_of(dtype) == "int64":
            start, end, step = int(start), int(end), int(step)  # PyTorch cuts the ends to whole numbers before it counts
        return Made((_steps(start, end, step),), dtype or (default_dtype() if floats else "int64"))


@rule("range")
class Range(_Factory):
    """The numbers from ``start`` up to and with ``end``."""

    title = "range"

    @staticmethod
    def shape(start=0, end=None, step=1, *, dtype=None, out=None, **options):
        if end is None:
            start, end = 0, start
        _numbers(start, end, step)
        whole = not any(isinstance(v, float) for v in (start, end, step))
        return Made(((end - start) // step + 1 if whole else math.floor((end - start) / step) + 1,), dtype or default_dtype())


@rule("linspace", "logspace")
class Linspace(_Factory):
    """A chosen number of numbers between two ends, both included."""

    title = "range"

    @staticmethod
    def shape(start, end, steps, base=10.0, *, dtype=None, out=None, **options):
        for end_ in (start, end):
            if hasattr(end_, "shape"):
                need(len(end_.shape) == 0, "one number as an end is wanted, {arrived:axes arrive}", arrived=len(end_.shape), wanted=0)
        need(steps >= 0, "at least 0 steps are wanted, {arrived:were} chosen", arrived=steps, wanted=0)
        whole = isinstance(start, complex) or isinstance(end, complex)
        return Made((steps,), dtype or (COMPLEX_OF[default_dtype()] if whole else default_dtype()))


@rule("eye")
class Eye(_Factory):
    """Ones on the diagonal."""

    title = "identity"

    @staticmethod
    def shape(n, m=None, *, dtype=None, out=None, **options):
        return Made(_sizes((n, n if m is None else m)), dtype or default_dtype())


@rule("randint")
class Randint(_Factory):
    """Random whole numbers."""

    title = "random numbers"

    @staticmethod
    def shape(low=0, high=None, size=None, *, dtype=None, out=None, **options):
        size = high if size is None else size
        kinds(dtype or "int64", BOOL, FRACTION, "a random whole number")
        if not isinstance(size, (tuple, list)):
            raise Unexplained("a size that is no row of numbers")
        return Made(_sizes(tuple(size)), dtype or "int64")


@rule("randperm")
class Randperm(_Factory):
    """The numbers below ``n`` in random order."""

    title = "random numbers"

    @staticmethod
    def shape(n, *, dtype=None, out=None, **options):
        return Made(_sizes((n,)), dtype or "int64")


@rule("normal")
class Normal(_Factory):
    """Random numbers around a mean."""

    title = "random numbers"

    @staticmethod
    def shape(mean, std=1.0, size=None, *, dtype=None, out=None, generator=None, **options):
        if size is not None:
            return Made(_sizes(tuple(size)), dtype or default_dtype())
        tensors = [t for t in (mean, std) if hasattr(t, "shape")]
        return Made(matched(*tensors)[0], tensors[0].dtype)


@rule("multinomial")
class Multinomial(_Factory):
    """Places drawn by their weights."""

    title = "random numbers"

    @staticmethod
    def shape(input, num_samples, replacement=False, *, generator=None, out=None):
        x = input.shape
        need(category(input.dtype) == 2, "weights are floating point numbers", wanted="float32", arrived=str(input.dtype))
        need(len(x) in (1, 2), "one row of weights or several is wanted, {arrived:axes arrive}", arrived=len(x), wanted=1)
        if not replacement:
            need(num_samples <= x[-1], "{arrived:are} drawn without putting back, {wanted:are} there", arrived=num_samples, wanted=x[-1])
        return Made((*x[:-1], num_samples), "int64")


@rule("hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window")
class WindowFunction(_Factory):
    """The weights of a window of a chosen length."""

    title = "window"

    @staticmethod
    def shape(window_length, *args, dtype=None, **options):
        return Made(_sizes((window_length,)), dtype or default_dtype())


@rule("torch.fft.fftfreq")
class Frequencies(_Factory):
    """The frequencies of a transform of ``n`` numbers."""

    title = "frequencies"

    @staticmethod
    def shape(n, d=1.0, *, dtype=None, out=None, **options):
        return Made((n,), dtype or default_dtype())


@rule("torch.fft.rfftfreq")
class HalfFrequencies(_Factory):
    """The frequencies of a transform of ``n`` real numbers."""

    title = "frequencies"

    @staticmethod
    def shape(n, d=1.0, *, dtype=None, out=None, **options):
        return Made((n // 2 + 1,), dtype or default_dtype())


def lower_triangle(rows, columns, offset):
    """How many places of a matrix lie on or below a diagonal.

    >>> lower_triangle(3, 3, 0), lower_triangle(3, 3, -1)
    (6, 3)
    """
    return sum(min(max(i + offset + 1, 0), columns) for i in range(rows))


@rule("tril_indices")
class LowerIndices(_Factory):
    """Row and column of every place on or below a diagonal."""

    title = "places of a triangle"

    @staticmethod
    def shape(row, col, offset=0, *, dtype=None, **options):
        _sizes((row, col))
        return Made((2, lower_triangle(exactly(row), exactly(col), exactly(offset))), dtype or "int64")


@rule("triu_indices")
class UpperIndices(_Factory):
    """Row and column of every place on or above a diagonal."""

    title = "places of a triangle"

    @staticmethod
    def shape(row, col, offset=0, *, dtype=None, **options):
        _sizes((row, col))
        row, col = exactly(row), exactly(col)
        return Made((2, row * col - lower_triangle(row, col, exactly(offset) - 1)), dtype or "int64")


def _dtype_of(value):
    """The dtype of numbers as they stand in the code, nested lists included."""
    if isinstance(value, (list, tuple)) and not hasattr(value, "dtype"):
        found = None
        for v in value:
            kind = _dtype_of(v)
            found = kind if found is None else promote(found, kind)
        return found or default_dtype()
    if hasattr(value, "dtype"):
        return value.dtype if type(value).__module__ != "numpy" else str(value.dtype)
    return of_number(value)


def _nested(value):
    """The sizes of numbers as they stand in the code: the lengths of nested lists."""
    if isinstance(value, (list, tuple)) and not hasattr(value, "dtype"):
        first = _nested(value[0]) if value else ()
        for i, v in enumerate(value):
            need(_nested(v) == first, "row {i} has other sizes than the first", i=i, wanted=first, arrived=_nested(v))
        return (len(value), *first)
    if hasattr(value, "shape"):
        return tuple(value.shape)
    if isinstance(value, (int, float, complex)):
        return ()
    raise Unexplained(f"data of type {type(value).__name__}")


@rule("torch.tensor", "torch.as_tensor", "torch.asarray", "torch.scalar_tensor", "torch.from_numpy")
class FromData(_Factory):
    """A tensor of numbers that stand in the code."""

    title = "data"

    @staticmethod
    def shape(data, *args, dtype=None, **options):
        dtype = dtype or next((a for a in args if type(a).__name__ == "dtype"), None)
        return Made(_nested(data), dtype or _dtype_of(data))


@rule("Tensor.new_tensor")
class NewTensor(_Factory):
    """A tensor of numbers that stand in the code, with the dtype of another."""

    title = "data"

    @staticmethod
    def shape(input, data, *, dtype=None, **options):
        return Made(_nested(data), dtype or input.dtype)


@rule("torch.nn.init.uniform_", "torch.nn.init.normal_", "torch.nn.init.constant_", "torch.nn.init.kaiming_uniform_")
class Init(_Factory):
    """A new tensor filled, where a layer is made during forward."""

    title = "initial numbers"

    @staticmethod
    def shape(tensor, *args, **options):
        return tensor.shape
