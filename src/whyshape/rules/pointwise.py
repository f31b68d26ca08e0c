"""Operators that work place by place: the shapes are matched, axes of 1 stretched."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, broadcast_shapes, layer, rule
from whyshape.rules.dtypes import category, default_float, promote


def _meet(tensors, numbers):
    """The dtype operands meet in: tensors of some axes decide first, then single-number tensors, then Python numbers."""
    dtype = None
    for group in ([t for t in tensors if len(t.shape)], [t for t in tensors if not len(t.shape)]):
        for t in group:
            if dtype is None or (len(t.shape) == 0 and category(t.dtype) > category(dtype)):
                dtype = t.dtype
            elif len(t.shape) or (group is not None and not any(len(u.shape) for u in tensors)):
                dtype = promote(dtype, t.dtype)
    for n in numbers:
        kind = 3 if isinstance(n, complex) else 2 if isinstance(n, float) else 0 if isinstance(n, bool) else 1
        if kind > category(dtype):
            dtype = {1: "int64", 2: "float32", 3: "complex64"}[kind]
    return dtype


def _operands(args):
    tensors, numbers = [], []
    for a in args:
        if hasattr(a, "shape"):
            tensors.append(a)
        elif isinstance(a, (int, float, complex)):
            numbers.append(a)
    return tensors, numbers


def matched(*args):
    """The common shape of the tensors among ``args``, and the dtype they meet in."""
    tensors, numbers = _operands(args)
    first = tensors[0]
    shape, dtype = first.shape, first.dtype
    if len(tensors) > 1:
        shape = broadcast_shapes(*[t.shape for t in tensors])
    if len(tensors) > 1 or numbers:
        dtype = _meet(tensors, numbers)
    return shape, dtype


@rule(*"""relu relu6 silu mish gelu elu selu celu leaky_relu hardtanh hardswish hardsigmoid hardshrink softplus softsign softshrink
    tanhshrink threshold rrelu logsigmoid dropout alpha_dropout dropout1d dropout2d dropout3d feature_dropout feature_alpha_dropout
    softmax log_softmax softmin gumbel_softmax neg abs absolute sign sgn round floor ceil trunc frac clone detach contiguous
    clamp_min clamp_max square positive conj normalize nan_to_num
    Tensor.requires_grad_ Tensor.__neg__ Tensor.__abs__ Tensor.__pos__ Tensor.cpu Tensor.cuda Tensor.fill_ Tensor.zero_
    Tensor.uniform_ Tensor.normal_ Tensor.bernoulli_ zeros_like ones_like empty_like rand_like randn_like full_like
    fill tril triu flip fliplr flipud roll cumsum cumprod local_response_norm _softmax""".split())  # fmt: skip
class Unary(Rule):
    """The same shape and dtype: every number by itself, or normalised among its neighbours."""

    title = "place by place"
    pointwise = True

    @staticmethod
    def shape(input, *args, dtype=None, **kwargs):
        return input.shape if dtype is None else Made(input.shape, dtype)


@rule(
    *"""sigmoid tanh exp exp2 expm1 log log2 log10 log1p sqrt rsqrt sin cos tan asin acos atan sinh cosh asinh acosh atanh erf erfc
    erfinv reciprocal lgamma digamma logit deg2rad rad2deg sinc i0""".split()
)
class Fractional(Rule):
    """The same shape; whole numbers become fractions."""

    title = "place by place"
    pointwise = True

    @staticmethod
    def shape(input, *args, out=None, **kwargs):
        dtype = input.dtype
        made = default_float(dtype)
        return input.shape if made is dtype else Made(input.shape, made)


@rule(
    *"""add sub subtract mul multiply rsub maximum minimum fmax fmin pow remainder fmod floor_divide
    Tensor.__add__ Tensor.__radd__ Tensor.__iadd__ Tensor.__sub__ Tensor.__rsub__ Tensor.__isub__ Tensor.__mul__ Tensor.__rmul__
    Tensor.__imul__ Tensor.__pow__ Tensor.__rpow__ Tensor.__ipow__ Tensor.__mod__ Tensor.__rmod__ Tensor.__floordiv__
    Tensor.__rfloordiv__ Tensor.__ifloordiv__ clamp clip lerp addcmul addcdiv bitwise_and bitwise_or bitwise_xor
    Tensor.__and__ Tensor.__or__ Tensor.__xor__ Tensor.__iand__ Tensor.__ior__ Tensor.__ixor__""".split()
)
class Arithmetic(Rule):
    """Two or more tensors matched place by place; an axis of 1 is stretched."""

    title = "place by place"
    pointwise = True

    @staticmethod
    def shape(input, *args, alpha=None, out=None, rounding_mode=None, **kwargs):
        shape, dtype = matched(input, *args, *kwargs.values())
        return shape if dtype is getattr(input, "dtype", None) else Made(shape, dtype)


@rule(*"""div divide true_divide Tensor.__truediv__ Tensor.__rtruediv__ Tensor.__itruediv__ Tensor.__div__ atan2 arctan2""".split())
class Division(Rule):
    """Matched place by place; whole numbers become fractions."""

    title = "place by place"
    pointwise = True

    @staticmethod
    def shape(input, other, *, rounding_mode=None, out=None):
        shape, dtype = matched(input, other)
        return Made(shape, dtype if rounding_mode else default_float(dtype))


@rule(
    *"""eq ne lt le gt ge isclose Tensor.__eq__ Tensor.__ne__ Tensor.__lt__ Tensor.__le__ Tensor.__gt__ Tensor.__ge__
    logical_and logical_or logical_xor logical_not isnan isinf isfinite greater less greater_equal less_equal not_equal
    Tensor.__invert__ bitwise_not signbit isneginf isposinf""".split()
)
class Comparison(Rule):
    """Matched place by place; true or false at each."""

    title = "comparison"
    pointwise = True

    @staticmethod
    def shape(input, other=None, *args, out=None, **kwargs):
        shape, dtype = matched(input, other)
        return Made(shape, "bool")


@rule("where", "Tensor.where")
class Where(Rule):
    """At each place the one or the other."""

    title = "choice"
    pointwise = True

    @staticmethod
    def shape(condition, input=None, other=None, *, out=None):
        tensors = [t for t in (input, other) if hasattr(t, "shape")]
        shape = broadcast_shapes(*[t.shape for t in (condition, *tensors)])
        return Made(shape, matched(input, other)[1] if tensors else "float32")


@rule("masked_fill")
class MaskedFill(Rule):
    """A value put in wherever the mask is true."""

    title = "masked fill"
    pointwise = True

    @staticmethod
    def shape(input, mask, value):
        return broadcast_shapes(input.shape, mask.shape)


@rule("prelu")
class PReLU(Rule):
    """A learned slope below zero, one for all or one for each channel."""

    title = "place by place"
    pointwise = True
    knobs = {"weight": ("num_parameters",)}

    @staticmethod
    def shape(input, weight):
        return input.shape


@rule("glu")
class GLU(Rule):
    """Half of an axis gates the other half."""

    title = "gated linear unit"

    @staticmethod
    def shape(input, dim=-1):
        from whyshape.rules.base import axis_of
        from whyshape.sizes import need

        x = input.shape
        axis = axis_of(dim, len(x))
        need(x[axis] % 2 == 0, "an even axis is wanted, {arrived} arrive", arrived=x[axis], wanted=2)
        return (*x[:axis], x[axis] // 2, *x[axis + 1 :])


@layer(
    *"ReLU ReLU6 SiLU Mish GELU ELU SELU CELU LeakyReLU Hardtanh Hardswish Hardsigmoid Softplus Sigmoid Tanh Softmax LogSoftmax "
    "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout Identity Softsign Tanhshrink Hardshrink Softshrink LogSigmoid Threshold".split()
)
def unary_layer(net, input, *args, **kwargs):
    """A layer that leaves every size as it is."""
    names = {"LeakyReLU": "leaky_relu", "LogSoftmax": "log_softmax", "AlphaDropout": "alpha_dropout"}
    name = names.get(net.name, net.name.lower())
    return input if name == "identity" else net.call(name, input)


__all__ = ["matched"]
