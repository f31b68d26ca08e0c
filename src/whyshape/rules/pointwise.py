"""Arithmetic and comparison, place by place: the shapes are matched, axes of 1 stretched."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Unexplained, broadcast_shapes, rule
from whyshape.rules.dtypes import category, default_float, name_of, of_number, one_dtype, promote, real_of, result_type
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


@rule("""sign sgn round floor ceil trunc fix frac clone detach positive conj conj_physical resolve_conj resolve_neg
    nan_to_num fill zero Tensor.requires_grad_ Tensor.__pos__ Tensor.cpu Tensor.cuda Tensor.pin_memory
    Tensor.copy_ Tensor.uniform_ Tensor.normal_ Tensor.bernoulli_ Tensor.random_ Tensor.exponential_ Tensor.log_normal_ Tensor.geometric_
    Tensor.cauchy_ Tensor.fill_diagonal_ bitwise_not Tensor.__invert__ alias torch.fake_quantize_per_tensor_affine
    torch.bernoulli Tensor.bernoulli poisson torch.special.round""")  # fmt: skip
class Unary(_Pointwise):
    """The same shape and dtype, every number by itself."""

    @staticmethod
    def shape(input, *args, out=None, **kwargs):
        return input.shape


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


@rule("abs", "absolute", "Tensor.__abs__", "real", "imag", "Tensor.real.__get__", "Tensor.imag.__get__")
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


@rule("""add sub subtract mul multiply maximum minimum fmax fmin remainder fmod floor_divide gcd lcm
    nextafter hypot bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift
    Tensor.__add__ Tensor.__radd__ Tensor.__iadd__ Tensor.__sub__ Tensor.__isub__ Tensor.__mul__ Tensor.__rmul__
    Tensor.__imul__ Tensor.__mod__ Tensor.__floordiv__ Tensor.__ifloordiv__
    Tensor.__and__ Tensor.__or__ Tensor.__xor__ Tensor.__iand__ Tensor.__ior__ Tensor.__ixor__ Tensor.__lshift__ Tensor.__rshift__
    Tensor.__ilshift__ Tensor.__irshift__ Tensor.__imod__""")
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


@rule("rsub", "Tensor.__rsub__", "Tensor.__rpow__", "Tensor.__rmod__", "Tensor.__rfloordiv__", "Tensor.__rand__", "Tensor.__ror__",
      "Tensor.__rxor__", "Tensor.__rlshift__", "Tensor.__rrshift__")  # fmt: skip
class Reflected(_Pointwise):
    """The operands the other way round: ``1 - x``."""

    @staticmethod
    def shape(input, other, *, alpha=None, out=None):
        return Made(*matched(input, other))


@rule("div", "divide", "Tensor.__div__", "Tensor.__truediv__", "Tensor.__itruediv__")
class Division(_Pointwise):
    """Matched place by place; whole numbers become fractions, unless rounded."""

    @staticmethod
    def shape(input, other, *, rounding_mode=None, out=None):
        shape, dtype = matched(input, other)
        return Made(shape, dtype if rounding_mode else default_float(dtype))


@rule("""true_divide Tensor.__rtruediv__ Tensor.__rdiv__ atan2 arctan2 copysign logaddexp logaddexp2 xlogy ldexp igamma igammac
    torch.special.xlogy torch.special.xlog1py torch.special.zeta torch.special.gammainc torch.special.gammaincc""")  # fmt: skip
class FractionalPair(_Pointwise):
    """Matched place by place; whole numbers become fractions."""

    @staticmethod
    def shape(input, other, *, out=None):
        shape, dtype = matched(input, other)
        return Made(shape, default_float(dtype))


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
        return Arithmetic.shape(input, exponent) if hasattr(input, "shape") else Made(*matched(input, exponent))


@rule("heaviside")
class Heaviside(_Pointwise):
    """A step at zero."""

    @staticmethod
    def shape(input, values, *, out=None):
        return Made(*matched(input, values))


@rule("lerp", "addcmul", "addcdiv")
class Mixed(_Pointwise):
    """Three tensors matched place by place."""

    @staticmethod
    def shape(input, tensor1, tensor2=None, *rest, value=None, weight=None, end=None, out=None):
        others = [t for t in (tensor1, tensor2, end, weight) if hasattr(t, "shape")]
        return Made(*matched(input, *others))


@rule("""eq ne lt le gt ge greater less greater_equal less_equal not_equal logical_and logical_or logical_xor isclose
    Tensor.__eq__ Tensor.__ne__ Tensor.__lt__ Tensor.__le__ Tensor.__gt__ Tensor.__ge__""")
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


def _true_or_false(mask):
    need(name_of(mask.dtype) == "bool", "a mask of true and false is wanted, {arrived} arrives", wanted="bool", arrived=name_of(mask.dtype))


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
