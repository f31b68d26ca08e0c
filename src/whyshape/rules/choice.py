"""Comparisons, and what is chosen by them, place by place: `where`, masks."""

from __future__ import annotations

from whyshape.rules.base import Made, Unexplained, broadcast_shapes, rule
from whyshape.rules.dtypes import BOOL, FRACTION, kinds, name_of, of_number, one_dtype, promote, result_type
from whyshape.rules.pointwise import Pointwise, matched, operands
from whyshape.sizes import need


@rule("lt le gt ge greater less greater_equal less_equal Tensor.__lt__ Tensor.__le__ Tensor.__gt__ Tensor.__ge__")
class Order(Pointwise):
    """Which is larger, matched place by place: true or false at each."""

    title = "comparison"

    @staticmethod
    def shape(input, other, *, out=None):
        for side in (input, other):
            if hasattr(side, "dtype"):
                kinds(side.dtype, BOOL, FRACTION, "an order")
            elif type(side) is complex:
                kinds("complex64", BOOL, FRACTION, "an order")
        return Comparison.shape(input, other)


@rule("""eq ne not_equal logical_and logical_or logical_xor isclose Tensor.__eq__ Tensor.__ne__""")
class Comparison(Pointwise):
    """Matched place by place; true or false at each."""

    title = "comparison"

    @staticmethod
    def shape(input, other, *args, out=None, **kwargs):
        kind = other.__class__
        if kind is float or kind is int or kind is bool:
            return Made(getattr(input, "shape", ()), "bool")
        return Made(matched(input, other)[0], "bool")


@rule("logical_not isnan isinf isfinite signbit isneginf isposinf isreal")
class Question(Pointwise):
    """True or false at each place."""

    title = "comparison"

    @staticmethod
    def shape(input, *, out=None):
        return Made(input.shape, "bool")


@rule("isin")
class IsIn(Pointwise):
    """Whether each number is among others."""

    title = "comparison"

    @staticmethod
    def shape(elements=None, test_elements=None, *, element=None, test_element=None, assume_unique=False, invert=False):
        elements = element if elements is None else elements
        return Made(getattr(elements, "shape", ()), "bool")


def _one_or_other(condition, a, b):
    tensors, numbers = operands((a, b))
    if name_of(condition.dtype) != "uint8":  # which PyTorch still takes for true and false
        _true_or_false(condition, "condition")
    shape = broadcast_shapes(condition.shape, *[t.shape for t in tensors])
    if tensors:
        return Made(shape, result_type(tensors, numbers))
    return Made(shape, promote(of_number(a), of_number(b)))


@rule("where")
class Where(Pointwise):
    """At each place the one or the other."""

    title = "choice"

    @staticmethod
    def shape(condition, input=None, other=None, *, self=None, out=None):
        if input is None and self is None:
            raise Unexplained("how many places hold depends on the values")
        return _one_or_other(condition, self if input is None else input, other)


@rule("Tensor.where")
class WhereMethod(Pointwise):
    """The tensor where the condition holds, elsewhere the other."""

    title = "choice"

    @staticmethod
    def shape(input, condition, other):
        return _one_or_other(condition, input, other)


def _true_or_false(mask, what="mask"):
    need(name_of(mask.dtype) == "bool", "a {what} of true and false is wanted, {arrived} arrives",
         what=what, wanted="bool", arrived=name_of(mask.dtype))  # fmt: skip


@rule("masked_fill")
class MaskedFill(Pointwise):
    """A value put in wherever the mask is true."""

    title = "masked fill"

    @staticmethod
    def shape(input, mask, value=None):
        _true_or_false(mask)
        axes = getattr(value, "shape", ())
        need(len(axes) == 0, "one number is wanted, {arrived:axes arrive}", wanted=0, arrived=len(axes))
        return broadcast_shapes(input.shape, mask.shape)


@rule("masked_scatter")
class MaskedScatter(Pointwise):
    """Numbers of a row put in, one after the other, wherever the mask is true."""

    title = "masked fill"

    @staticmethod
    def shape(input, mask, source):
        _true_or_false(mask)
        one_dtype(source, input)
        return broadcast_shapes(input.shape, mask.shape)
