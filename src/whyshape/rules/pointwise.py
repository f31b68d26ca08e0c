"""One number at each place: roundings, functions, random draws; and how several tensors are matched, axes of 1 stretched."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Unexplained, broadcast_shapes, rule
from whyshape.rules.dtypes import BOOL, COMPLEX, FRACTION, WHOLE, category, default_float, kinds, name_of, of_kinds, real_of, result_type
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


class Pointwise(Rule):
    """Every output cell depends on the same cell of the inputs."""

    title = "place by place"
    pointwise = True


@rule("""sgn clone detach conj conj_physical resolve_conj resolve_neg
    nan_to_num fill zero Tensor.requires_grad_ Tensor.cpu Tensor.cuda Tensor.pin_memory
    Tensor.bernoulli_ Tensor.random_ Tensor.geometric_ Tensor.fill_diagonal_ alias torch.fake_quantize_per_tensor_affine""")  # fmt: skip
class Unary(Pointwise):
    """The same shape and dtype, every number by itself."""

    @staticmethod
    def shape(input, *args, out=None, **kwargs):
        return input.shape


@rule("round floor ceil trunc fix torch.special.round")
class Rounded(Pointwise):
    """Every number to a whole one near it."""

    @staticmethod
    def shape(input, *, decimals=None, out=None):
        kinds(input.dtype, WHOLE if decimals is None else FRACTION, FRACTION, "rounding")
        return input.shape


@rule("frac")
class Fraction(Pointwise):
    """What is left of every number behind its point."""

    shape = of_kinds(FRACTION, FRACTION, "a rest")


@rule("sign")
class Sign(Pointwise):
    """-1, 0 or 1."""

    shape = of_kinds(BOOL, FRACTION, "a sign")


@rule("positive", "Tensor.__pos__")
class Positive(Pointwise):
    """The number itself."""

    shape = of_kinds(WHOLE, COMPLEX, "a plus sign")


@rule("bitwise_not", "Tensor.__invert__")
class Inverted(Pointwise):
    """Every bit turned round: of true and false the opposite."""

    shape = of_kinds(BOOL, WHOLE, "~")


@rule("poisson Tensor.uniform_ Tensor.normal_ Tensor.exponential_ Tensor.log_normal_ Tensor.cauchy_")
class Drawn(Pointwise):
    """A random fraction at each place."""

    shape = of_kinds(FRACTION, COMPLEX, "a draw")


@rule("torch.bernoulli Tensor.bernoulli")
class Coin(Pointwise):
    """A one or a zero at each place; how often a one falls is one number for all, or the place's own."""

    @staticmethod
    def shape(input, p=None, *, generator=None, out=None):
        if all(int(n) for n in input.shape):  # of no places none is asked
            kinds(input.dtype, FRACTION, FRACTION, "a draw")
        return input.shape


@rule("neg", "negative", "Tensor.__neg__")
class Negative(Pointwise):
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
class Absolute(Pointwise):
    """How far every number is from zero: of a complex one a real one."""

    @staticmethod
    def shape(input, *, out=None):
        kinds(input.dtype, WHOLE, COMPLEX, "a distance from zero")
        return Real.shape(input)


@rule("real", "imag", "Tensor.real.__get__", "Tensor.imag.__get__")
class Real(Pointwise):
    """The same shape; a complex number gives a real one."""

    @staticmethod
    def shape(input, *, out=None):
        dtype = input.dtype
        made = real_of(dtype)
        return input.shape if made is dtype else Made(input.shape, made)


@rule("angle")
class Angle(Pointwise):
    """The angle of a complex number: a real one."""

    @staticmethod
    def shape(input, *, out=None):
        return Made(input.shape, real_of(default_float(input.dtype)))


@rule("square")
class Square(Pointwise):
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
class Fractional(Pointwise):
    """The same shape; whole numbers become fractions."""

    @staticmethod
    def shape(input, *args, out=None, **kwargs):
        dtype = input.dtype
        made = default_float(dtype)
        return input.shape if made is dtype else Made(input.shape, made)


@rule("polygamma", "torch.special.polygamma")
class Polygamma(Pointwise):
    """The n-th derivative of digamma; `torch.polygamma(n, x)`, `x.polygamma(n)`."""

    @staticmethod
    def shape(n, input, *, out=None):
        tensor = input if isinstance(n, int) else n
        return Made(tensor.shape, default_float(tensor.dtype))


@rule("complex")
class Complex(Pointwise):
    """Two real tensors make a complex one."""

    @staticmethod
    def shape(real, imag, *, out=None):
        need(category(real.dtype) == 2 == category(imag.dtype) and name_of(real.dtype) == name_of(imag.dtype),
             "two tensors of the same floating point dtype are wanted, {wanted} and {arrived} arrive",
             wanted=name_of(real.dtype), arrived=name_of(imag.dtype))  # fmt: skip
        shape, dtype = matched(real, imag)
        return Made(shape, {"float64": "complex128", "float16": "complex32"}.get(name_of(dtype), "complex64"))


@rule("polar")
class Polar(Pointwise):
    """Lengths and angles make a complex tensor."""

    @staticmethod
    def shape(abs, angle, *, out=None):
        return Complex.shape(abs, angle)


@rule("frexp")
class Frexp(Pointwise):
    """Mantissa and exponent of every number."""

    @staticmethod
    def shape(input, *, out=None):
        return [input.shape, Made(input.shape, "int32")]


__all__ = ["Pointwise", "matched", "operands"]
