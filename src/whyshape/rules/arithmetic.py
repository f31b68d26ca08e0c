"""Two tensors, or a tensor and a number, computed with place by place: the shapes are matched, axes of 1 stretched."""

from __future__ import annotations

from whyshape.rules.base import Made, broadcast_shapes, rule
from whyshape.rules.dtypes import BOOL, COMPLEX, FRACTION, WHOLE, category, default_float, fractions, kinds, one_dtype
from whyshape.rules.pointwise import Pointwise, matched
from whyshape.sizes import need


@rule("""add mul multiply Tensor.__add__ Tensor.__radd__ Tensor.__iadd__ Tensor.__mul__ Tensor.__rmul__ Tensor.__imul__""")
class Arithmetic(Pointwise):
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
class Subtraction(Pointwise):
    """One minus the other, matched place by place; an axis of 1 is stretched."""

    @staticmethod
    def shape(input, other, *, alpha=None, out=None):
        _no_mask(input)
        _no_mask(other)
        return Arithmetic.shape(input, other)


@rule("rsub", "Tensor.__rsub__")
class Reflected(Pointwise):
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
class Larger(Pointwise):
    """The larger or smaller of two, matched place by place."""

    shape = _meeting(BOOL, FRACTION, "the larger or smaller")


@rule("""remainder fmod floor_divide Tensor.__mod__ Tensor.__imod__ Tensor.__rmod__ Tensor.__floordiv__ Tensor.__ifloordiv__
    Tensor.__rfloordiv__""")
class WholeDivision(Pointwise):
    """How often one goes into the other, or what is left, matched place by place."""

    shape = _meeting(WHOLE, FRACTION, "division with a rest")


@rule("gcd lcm")
class Divisor(Pointwise):
    """The greatest common divisor or the least common multiple, matched place by place."""

    shape = _meeting(WHOLE, WHOLE, "a common divisor or multiple")


@rule("hypot nextafter")
class OfFractions(Pointwise):
    """Two fractions matched place by place: the longest side of a triangle, the next number there is."""

    shape = _meeting(FRACTION, FRACTION, "a hypotenuse or a next number")


@rule("""bitwise_and bitwise_or bitwise_xor Tensor.__and__ Tensor.__or__ Tensor.__xor__ Tensor.__iand__ Tensor.__ior__ Tensor.__ixor__
    Tensor.__rand__ Tensor.__ror__ Tensor.__rxor__""")
class Bitwise(Pointwise):
    """Bit by bit, matched place by place."""

    shape = _meeting(BOOL, WHOLE, "& | or ^")


@rule("""bitwise_left_shift bitwise_right_shift Tensor.__lshift__ Tensor.__rshift__ Tensor.__ilshift__ Tensor.__irshift__
    Tensor.__rlshift__ Tensor.__rrshift__""")
class Shifted(Pointwise):
    """Bits moved to the left or right, matched place by place."""

    shape = _meeting(WHOLE, WHOLE, "a shift of bits")


@rule("div", "divide", "Tensor.__div__", "Tensor.__truediv__", "Tensor.__itruediv__")
class Division(Pointwise):
    """Matched place by place; whole numbers become fractions, unless rounded."""

    @staticmethod
    def shape(input, other, *, rounding_mode=None, out=None):
        shape, dtype = matched(input, other)
        if rounding_mode is None:
            return Made(shape, default_float(dtype))
        kinds(dtype, WHOLE, FRACTION, "division with a rest")
        return Made(shape, dtype)


@rule("""true_divide Tensor.__rtruediv__ Tensor.__rdiv__ atan2 arctan2 copysign xlogy ldexp igamma igammac
    torch.special.xlogy torch.special.xlog1py torch.special.zeta torch.special.gammainc torch.special.gammaincc""")  # fmt: skip
class FractionalPair(Pointwise):
    """Matched place by place; whole numbers become fractions."""

    @staticmethod
    def shape(input, other, *, out=None):
        shape, dtype = matched(input, other)
        return Made(shape, default_float(dtype))


@rule("logaddexp logaddexp2")
class LogAddExp(Pointwise):
    """The logarithm of two exponentials added up, matched place by place."""

    shape = _meeting(FRACTION, COMPLEX, "a log-sum-exp")


@rule("float_power")
class FloatPower(Pointwise):
    """A power in double precision."""

    @staticmethod
    def shape(input, exponent, *, out=None):
        shape, dtype = matched(input, exponent)
        return Made(shape, "complex128" if category(dtype) == 3 else "float64")


@rule("clamp", "clip")
class Clamp(Pointwise):
    """Every number kept between two bounds."""

    @staticmethod
    def shape(input, min=None, max=None, *, out=None):
        if (min is None or type(min) is float) and (max is None or type(max) is float) and category(input.dtype) == 2:
            return input.shape
        shape, dtype = matched(input, min, max)
        if min is not None and max is not None:  # one bound alone is the larger or smaller of two, which masks have too
            kinds(dtype, WHOLE, FRACTION, "a clamp")
        return Made(shape, dtype)


@rule("clamp_min")
class ClampMin(Pointwise):
    """Every number raised to a bound."""

    @staticmethod
    def shape(input, min, *, out=None):
        return Made(*matched(input, min))


@rule("clamp_max")
class ClampMax(Pointwise):
    """Every number lowered to a bound."""

    @staticmethod
    def shape(input, max, *, out=None):
        return Made(*matched(input, max))


@rule("pow", "Tensor.__pow__", "Tensor.__ipow__")
class Power(Pointwise):
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
class ReflectedPower(Pointwise):
    """A number to the power of each."""

    @staticmethod
    def shape(input, other):
        return _power(input, other)


@rule("heaviside")
class Heaviside(Pointwise):
    """A step at zero."""

    @staticmethod
    def shape(input, values, *, out=None):
        return Made(*matched(input, values))


@rule("addcmul")
class Mixed(Pointwise):
    """A tensor plus the product of two others, matched place by place."""

    @staticmethod
    def shape(input, tensor1, tensor2, *, value=1, out=None):
        shape, dtype = matched(input, tensor1, tensor2)
        kinds(dtype, WHOLE, COMPLEX, "a product added")
        return Made(shape, dtype)


@rule("addcdiv")
class MixedQuotient(Pointwise):
    """A tensor plus the quotient of two others, matched place by place."""

    @staticmethod
    def shape(input, tensor1, tensor2, *, value=1, out=None):
        if category(tensor1.dtype) < FRACTION and category(tensor2.dtype) < FRACTION:
            fractions(tensor1.dtype, "a quotient added")
        return Made(*matched(input, tensor1, tensor2))


@rule("lerp")
class Between(Pointwise):
    """A place between two tensors, matched place by place; how far along is a number or a tensor."""

    @staticmethod
    def shape(input, end, weight, *, out=None):
        tensors = [input, end, *([weight] if hasattr(weight, "shape") else [])]
        one_dtype(*tensors)
        fractions(input.dtype, "a place between")
        return broadcast_shapes(*[t.shape for t in tensors])
