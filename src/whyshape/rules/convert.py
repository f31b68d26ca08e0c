"""The same sizes, another dtype; complex numbers taken apart and put together."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Unexplained, axes_at_least, rule
from whyshape.rules.dtypes import complex_of, is_dtype, real_of
from whyshape.sizes import need


class _Convert(Rule):
    title = "conversion"
    pointwise = True


@rule("Tensor.to")
class To(_Convert):
    """Another dtype or device; the sizes stay."""

    @staticmethod
    def shape(input, *args, dtype=None, other=None, device=None, **options):
        if other is not None:
            dtype = other.dtype
        for a in args[:2]:
            if is_dtype(a):
                dtype = a
            elif hasattr(a, "shape"):
                dtype = a.dtype
        return input.shape if dtype is None else Made(input.shape, dtype)


@rule("Tensor.type_as")
class TypeAs(_Convert):
    """The dtype of another tensor."""

    @staticmethod
    def shape(input, other):
        return Made(input.shape, other.dtype)


OLD_NAMES = {"Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
             "Short": "int16", "Byte": "uint8", "Char": "int8", "Bool": "bool"}  # fmt: skip


@rule("Tensor.type")
class Type(_Convert):
    """Another dtype, also by its old name: ``torch.FloatTensor``."""

    @staticmethod
    def shape(input, dtype=None, non_blocking=False, **options):
        if is_dtype(dtype):
            return Made(input.shape, dtype)
        name = dtype if isinstance(dtype, str) else f"{getattr(dtype, '__module__', '')}.{getattr(dtype, '__name__', '')}"
        old = OLD_NAMES.get(name.rpartition(".")[2].removesuffix("Tensor"))
        if old is None:
            raise Unexplained("not a change of dtype")
        return Made(input.shape, old)


METHODS = {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "long": "int64", "int": "int32",
    "short": "int16", "byte": "uint8", "char": "int8", "bool": "bool", "cfloat": "complex64", "cdouble": "complex128", "chalf": "complex32",
}  # fmt: skip


def _method(name: str, dtype: str):
    """``x.float()``: one rule for each, as its name is its dtype."""

    @rule(f"Tensor.{name}")
    class Method(_Convert):
        @staticmethod
        def shape(input, memory_format=None):
            return Made(input.shape, dtype)

    Method.__name__ = Method.__qualname__ = f"To{dtype.capitalize()}"
    Method.__doc__ = f"The same numbers as {dtype}."
    return Method


for _name, _dtype in METHODS.items():
    _method(_name, _dtype)


@rule("view_as_real", "view_as_real_copy")
class ViewAsReal(Rule):
    """A complex number as two real ones, on a new last axis."""

    title = "conversion"
    view = True

    @staticmethod
    def shape(input):
        return Made((*input.shape, 2), real_of(input.dtype))


@rule("view_as_complex", "view_as_complex_copy")
class ViewAsComplex(Rule):
    """The last axis, of two real numbers, as one complex number."""

    title = "conversion"
    view = True

    @staticmethod
    def shape(input):
        x = input.shape
        axes_at_least(1, x)
        need(x[-1] == 2, "a last axis of {wanted} is wanted, {arrived:arrive}", wanted=2, arrived=x[-1])
        return Made(x[:-1], complex_of(input.dtype))
