"""Arithmetic and comparison, place by place: the shapes are matched, axes of 1 stretched."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Unexplained, broadcast_shapes, rule
from whyshape.rules.dtypes import (
    BOOL,
    COMPLEX,
    FRACTION,
    WHOLE,
    category,
    default_float,
    fractions,
    kinds,
    name_of,
    of_number,
    one_dtype,
    promote,
    real_of,
    result_type,
)
from whyshape.sizes import need


def operands(args):
    """The tensors among the arguments, and the numbers."""
    tensors, numbers = [], []
    for a in args:
        if a is None:
            continue
        if isinstance(a, (int, float, complex)) or type(a).__module__ == "numpy":
            numbers.append(a)
        elif hasattr(a, "shape"):
            tensors.append(a)
        else:
            raise Unexplained(f"an operand of type {type(a).__name__}")
    return tensors, numbers


def matched(*args):
    """The common shape of the tensors among ``args``, and the dtype all of them meet in.

    >>> from whyshape.rules import Spec
    >>> matched(Spec((4, 1), "int64"), Spec((3,), "int64"), 0.5)
    ((4, 3), 'float32')
    """
    tensors, numbers = operands(args)
    if not tensors:
        raise Unexplained("no tensor among the operands")
    first = tensors[0]
    if len(tensors) == 1 and not numbers:
        return first.shape, first.dtype
    return broadcast_shapes(*[t.shape for t in tensors]), result_type(tensors, numbers)


class _Pointwise(Rule):
    title = "place by place"
    pointwise = True


@rule("""sgn clone detach conj conj_physical resolve_conj resolve_neg
    nan_to_num fill zero Tensor.requires_grad_ Tensor.cpu Tensor.cuda Tensor.pin_memory
    Tensor.copy_ Tensor.bernoulli_ Tensor.random_ Tensor.geometric_ Tensor.fill_diagonal_ alias torch.fake_quantize_per_tensor_affine
    Tensor.bernoulli""")  # fmt: skip
class Unary(_Pointwise):
    """The same shape and dtype, every number by itself."""

    @staticmethod
    def shape(input, *args, out=None, **kwargs):
        return input.shape


def _of_kinds(least, most, what):
    """The same shape and dtype, of these kinds of numbers."""

    def shape(input, *args, out=None, **kwargs):
        kinds(input.dtype, least, most, what)
        return input.shape

    return staticmethod(shape)


@rule("round floor ceil trunc fix torch.special.round")
class Rounded(_Pointwise):
    """Every number to a whole one near it."""

    shape = _of_kinds(WHOLE, FRACTION, "rounding")


@rule("frac")
class Fraction(_Pointwise):
    """What is left of every number behind its point."""

    shape = _of_kinds(FRACTION, FRACTION, "a rest")


@rule("sign")
class Sign(_Pointwise):
    """-1, 0 or 1."""

    shape = _of_kinds(BOOL, FRACTION, "a sign")


@rule("positive", "Tensor.__pos__")
class Positive(_Pointwise):
    """The number itself."""

    shape = _of_kinds(WHOLE, COMPLEX, "a plus sign")


@rule("bitwise_not", "Tensor.__invert__")
class Inverted(_Pointwise):
    """Every bit turned round: of true and false the opposite."""

    shape = _of_kinds(BOOL, WHOLE, "~")


@rule("torch.bernoulli poisson Tensor.uniform_ Tensor.normal_ Tensor.exponential_ Tensor.log_normal_ Tensor.cauchy_")
class Drawn(_Pointwise):
    """A random fraction at each place."""

    shape = _of_kinds(FRACTION, COMPLEX, "a draw")


@rule("neg", "negative", "Tensor.__neg__")
class Negative(_Pointwise):
    """Every number with its sign turned."""

    @staticmethod
    def shape(input, *, out=None):
        need(category(input.dtype) > 0, "the negative of true and false is not defined", wanted="float32", arrived="bool")
        return input.shape


@rule("contiguous")
class Contiguous(Rule):
    """The same numbers, one behind the other in memory: the input itself where they already lie so."""

    title = "contiguous"
    view = True

    @staticmethod
    def shape(input, memory_format=None):
        return input.shape


@rule("abs", "absolute", "Tensor.__abs__")
class Absolute(_Pointwise):
    """How far every number is from zero: of a complex one a real one."""

    @staticmethod
    def shape(input, *, out=None):
        kinds(input.dtype, WHOLE, COMPLEX, "a distance from zero")
        return Real.shape(input)


@rule("real", "imag", "Tensor.real.__get__", "Tensor.imag.__get__")
class Real(_Pointwise):
    """The same shape; a complex number gives a real one."""

    @staticmethod
    def shape(input, *, out=None):
        dtype = input.dtype
        made = real_of(dtype)
        return input.shape if made is dtype else Made(input.shape, made)


@rule("angle")
class Angle(_Pointwise):
    """The angle of a complex number: a real one."""

    @staticmethod
    def shape(input, *, out=None):
        return Made(input.shape, real_of(default_float(input.dtype)))


@rule("square")
class Square(_Pointwise):
    """Every number times itself."""

    @staticmethod
    def shape(input, *, out=None):
        return Made(input.shape, "int64") if category(input.dtype) == 0 else input.shape


@rule("""sigmoid tanh exp exp2 expm1 log log2 log10 log1p sqrt rsqrt sin cos tan asin acos atan sinh cosh asinh acosh atanh arcsin arccos
    arctan arcsinh arccosh arctanh erf erfc erfinv reciprocal lgamma digamma logit deg2rad rad2deg sinc i0 mvlgamma""",
      *["torch.special." + name for name in (
          "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2",
          "expit", "expm1", "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_ndtr", "logit", "modified_bessel_i0", "modified_bessel_i1",
          "modified_bessel_k0", "modified_bessel_k1", "multigammaln", "ndtr", "ndtri", "psi", "scaled_modified_bessel_k0",
          "scaled_modified_bessel_k1", "sinc", "spherical_bessel_j0")])  # fmt: skip
class Fractional(_Pointwise):
    """The same shape; whole numbers become fractions."""

    @staticmethod
    def shape(input, *args, out=None, **kwargs):
        dtype = input.dtype
        made = default_float(dtype)
        return input.shape if made is dtype else Made(input.shape, made)


@rule("polygamma", "torch.special.polygamma")
class Polygamma(_Pointwise):
    """The n-th derivative of digamma; `torch.polygamma(n, x)`, `x.polygamma(n)`."""

    @staticmethod
    def shape(n, input, *, out=None):
        tensor = input if isinstance(n, int) else n
        return Made(tensor.shape, default_float(tensor.dtype))


@rule("""add mul multiply Tensor.__add__ Tensor.__radd__ Tensor.__iadd__ Tensor.__mul__ Tensor.__rmul__ Tensor.__imul__""")
class Arithmetic(_Pointwise):
    """Two tensors, or a tensor and a number, matched place by place; an axis of 1 is stretched."""

    @staticmethod
    def shape(input, other, *, alpha=None, out=None):
        kind = other.__class__
        if kind is float or kind is int:
            if category(input.dtype) >= (2 if kind is float else 1):
                return input.shape
        elif hasattr(other, "dtype") and input.dtype is other.dtype:  # True and 1j are numbers as well
            shape = broadcast_shapes(input.shape, other.shape)
            return shape if hasattr(input, "shape") else Made(shape, other.dtype)
        return Made(*matched(input, other))


def _no_mask(value) -> None:
    dtype = getattr(value, "dtype", None)
    if value is True or value is False or (dtype is not None and category(dtype) == BOOL):
        need(False, "minus is not defined with true and false: a mask is turned round with ~, not with 1 - mask",
             wanted="int64", arrived="bool")  # fmt: skip


@rule("sub subtract Tensor.__sub__ Tensor.__isub__")
class Subtraction(_Pointwise):
    """One minus the other, matched place by place; an axis of 1 is stretched."""

    @staticmethod
    def shape(input, other, *, alpha=None, out=None):
        _no_mask(input)
        _no_mask(other)
        return Arithmetic.shape(input, other)


@rule("rsub", "Tensor.__rsub__")
class Reflected(_Pointwise):
    """The operands the other way round: ``1 - x``."""

    @staticmethod
    def shape(input, other, *, alpha=None, out=None):
        _no_mask(input)
        _no_mask(other)
        return Made(*matched(input, other))


def _meeting(least, most, what):
    """Matched place by place, where the dtype they meet in is of these kinds."""

    def shape(input, other, *, out=None):
        shape, dtype = matched(input, other)
        kinds(dtype, least, most, what)
        return Made(shape, dtype)

    return staticmethod(shape)


@rule("maximum minimum fmax fmin")
class Larger(_Pointwise):
    """The larger or smaller of two, matched place by place."""

    shape = _meeting(BOOL, FRACTION, "the larger or smaller")


@rule("""remainder fmod floor_divide Tensor.__mod__ Tensor.__imod__ Tensor.__rmod__ Tensor.__floordiv__ Tensor.__ifloordiv__
    Tensor.__rfloordiv__""")
class WholeDivision(_Pointwise):
    """How often one goes into the other, or what is left, matched place by place."""

    shape = _meeting(WHOLE, FRACTION, "division with a rest")


@rule("gcd lcm")
class Divisor(_Pointwise):
    """The greatest common divisor or the least common multiple, matched place by place."""

    shape = _meeting(WHOLE, WHOLE, "a common divisor or multiple")


@rule("hypot nextafter")
class OfFractions(_Pointwise):
    """Two fractions matched place by place: the longest side of a triangle, the next number there is."""

    shape = _meeting(FRACTION, FRACTION, "a hypotenuse or a next number")


@rule("""bitwise_and bitwise_or bitwise_xor Tensor.__and__ Tensor.__or__ Tensor.__xor__ Tensor.__iand__ Tensor.__ior__ Tensor.__ixor__
    Tensor.__rand__ Tensor.__ror__ Tensor.__rxor__""")
class Bitwise(_Pointwise):
    """Bit by bit, matched place by place."""

    shape = _meeting(BOOL, WHOLE, "& | or ^")


@rule("""bitwise_left_shift bitwise_right_shift Tensor.__lshift__ Tensor.__rshift__ Tensor.__ilshift__ Tensor.__irshift__
    Tensor.__rlshift__ Tensor.__rrshift__""")
class Shifted(_Pointwise):
    """Bits moved to the left or right, matched place by place."""

    shape = _meeting(WHOLE, WHOLE, "a shift of bits")


@rule("div", "divide", "Tensor.__div__", "Tensor.__truediv__", "Tensor.__itruediv__")
class Division(_Pointwise):
    """Matched place by place; whole numbers become fractions, unless rounded."""

    @staticmethod
    def shape(input, other, *, rounding_mode=None, out=None):
        shape, dtype = matched(input, other)
        return Made(shape, dtype if rounding_mode else default_float(dtype))


@rule("""true_divide Tensor.__rtruediv__ Tensor.__rdiv__ atan2 arctan2 copysign xlogy ldexp igamma igammac
    torch.special.xlogy torch.special.xlog1py torch.special.zeta torch.special.gammainc torch.special.gammaincc""")  # fmt: skip
class FractionalPair(_Pointwise):
    """Matched place by place; whole numbers become fractions."""

    @staticmethod
    def shape(input, other, *, out=None):
        shape, dtype = matched(input, other)
        return Made(shape, default_float(dtype))


@rule("logaddexp logaddexp2")
class LogAddExp(_Pointwise):
    """The logarithm of two exponentials added up, matched place by place."""

    shape = _meeting(FRACTION, COMPLEX, "a log-sum-exp")


@rule("float_power")
class FloatPower(_Pointwise):
    """A power in double precision."""

    @staticmethod
    def shape(input, exponent, *, out=None):
        shape, dtype = matched(input, exponent)
        return Made(shape, "complex128" if category(dtype) == 3 else "float64")


@rule("clamp", "clip")
class Clamp(_Pointwise):
    """Every number kept between two bounds."""

    @staticmethod
    def shape(input, min=None, max=None, *, out=None):
        if (min is None or type(min) is float) and (max is None or type(max) is float) and category(input.dtype) == 2:
            return input.shape
        return Made(*matched(input, min, max))


@rule("clamp_min")
class ClampMin(_Pointwise):
    """Every number raised to a bound."""

    @staticmethod
    def shape(input, min, *, out=None):
        return Made(*matched(input, min))


@rule("clamp_max")
class ClampMax(_Pointwise):
    """Every number lowered to a bound."""

    @staticmethod
    def shape(input, max, *, out=None):
        return Made(*matched(input, max))


@rule("pow", "Tensor.__pow__", "Tensor.__ipow__")
class Power(_Pointwise):
    """Every number multiplied by itself so many times."""

    @staticmethod
    def shape(input, exponent, *, out=None):
        if type(exponent) in (int, float) and category(input.dtype) >= FRACTION:
            return input.shape
        if exponent is True or exponent is False:  # the tensor itself, or ones
            return Made(*matched(input, exponent))
        return _power(input, exponent)


_power = _meeting(WHOLE, COMPLEX, "a power")


@rule("Tensor.__rpow__")
class ReflectedPower(_Pointwise):
    """A number to the power of each."""

    @staticmethod
    def shape(input, other):
        return _power(input, other)


@rule("heaviside")
class Heaviside(_Pointwise):
    """A step at zero."""

    @staticmethod
    def shape(input, values, *, out=None):
        return Made(*matched(input, values))


@rule("addcmul")
class Mixed(_Pointwise):
    """A tensor plus the product of two others, matched place by place."""

    @staticmethod
    def shape(input, tensor1, tensor2, *, value=1, out=None):
        shape, dtype = matched(input, tensor1, tensor2)
        kinds(dtype, WHOLE, COMPLEX, "a product added")
        return Made(shape, dtype)


@rule("addcdiv")
class MixedQuotient(_Pointwise):
    """A tensor plus the quotient of two others, matched place by place."""

    @staticmethod
    def shape(input, tensor1, tensor2, *, value=1, out=None):
        if category(tensor1.dtype) < FRACTION and category(tensor2.dtype) < FRACTION:
            fractions(tensor1.dtype, "a quotient added")
        return Made(*matched(input, tensor1, tensor2))


@rule("lerp")
class Between(_Pointwise):
    """A place between two tensors, matched place by place; how far along is a number or a tensor."""

    @staticmethod
    def shape(input, end, weight, *, out=None):
        tensors = [input, end, *([weight] if hasattr(weight, "shape") else [])]
        one_dtype(*tensors)
        fractions(input.dtype, "a place between")
        return broadcast_shapes(*[t.shape for t in tensors])


@rule("lt le gt ge greater less greater_equal less_equal Tensor.__lt__ Tensor.__le__ Tensor.__gt__ Tensor.__ge__")
class Order(_Pointwise):
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
class Comparison(_Pointwise):
    """Matched place by place; true or false at each."""

    title = "comparison"

    @staticmethod
    def shape(input, other, *args, out=None, **kwargs):
        kind = other.__class__
        if kind is float or kind is int or kind is bool:
            return Made(getattr(input, "shape", ()), "bool")
        return Made(matched(input, other)[0], "bool")


@rule("logical_not isnan isinf isfinite signbit isneginf isposinf isreal")
class Question(_Pointwise):
    """True or false at each place."""

    title = "comparison"

    @staticmethod
    def shape(input, *, out=None):
        return Made(input.shape, "bool")


@rule("isin")
class IsIn(_Pointwise):
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
class Where(_Pointwise):
    """At each place the one or the other."""

    title = "choice"

    @staticmethod
    def shape(condition, input=None, other=None, *, self=None, out=None):
        if input is None and self is None:
            raise Unexplained("how many places hold depends on the values")
        return _one_or_other(condition, self if input is None else input, other)


@rule("Tensor.where")
class WhereMethod(_Pointwise):
    """The tensor where the condition holds, elsewhere the other."""

    title = "choice"

    @staticmethod
    def shape(input, condition, other):
        return _one_or_other(condition, input, other)


def _true_or_false(mask, what="mask"):
    need(name_of(mask.dtype) == "bool", "a {what} of true and false is wanted, {arrived} arrives",
         what=what, wanted="bool", arrived=name_of(mask.dtype))  # fmt: skip


@rule("masked_fill")
class MaskedFill(_Pointwise):
    """A value put in wherever the mask is true."""

    title = "masked fill"

    @staticmethod
    def shape(input, mask, value=None):
        _true_or_false(mask)
        axes = getattr(value, "shape", ())
        need(len(axes) == 0, "one number is wanted, {arrived:axes arrive}", wanted=0, arrived=len(axes))
        return broadcast_shapes(input.shape, mask.shape)


@rule("masked_scatter")
class MaskedScatter(_Pointwise):
    """Numbers of a row put in, one after the other, wherever the mask is true."""

    title = "masked fill"

    @staticmethod
    def shape(input, mask, source):
        _true_or_false(mask)
        one_dtype(source, input)
        return broadcast_shapes(input.shape, mask.shape)


@rule("complex")
class Complex(_Pointwise):
    """Two real tensors make a complex one."""

    @staticmethod
    def shape(real, imag, *, out=None):
        need(category(real.dtype) == 2 == category(imag.dtype) and name_of(real.dtype) == name_of(imag.dtype),
             "two tensors of the same floating point dtype are wanted, {wanted} and {arrived} arrive",
             wanted=name_of(real.dtype), arrived=name_of(imag.dtype))  # fmt: skip
        shape, dtype = matched(real, imag)
        return Made(shape, {"float64": "complex128", "float16": "complex32"}.get(name_of(dtype), "complex64"))


@rule("polar")
class Polar(_Pointwise):
    """Lengths and angles make a complex tensor."""

    @staticmethod
    def shape(abs, angle, *, out=None):
        return Complex.shape(abs, angle)


@rule("frexp")
class Frexp(_Pointwise):
    """Mantissa and exponent of every number."""

    @staticmethod
    def shape(input, *, out=None):
        return [input.shape, Made(input.shape, "int32")]


__all__ = ["matched", "operands"]
