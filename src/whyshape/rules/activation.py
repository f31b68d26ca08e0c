"""Activations and dropout: the sizes stay, a bend or a gate is put in between."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, axes_at_least, axis_of, layer, rule
from whyshape.rules.dtypes import COMPLEX, FRACTION, WHOLE, default_float, kinds, of_kinds, one_dtype
from whyshape.sizes import need, product


class _Activation(Rule):
    title = "activation"
    pointwise = True


@rule("mish gelu elu selu celu leaky_relu hardswish hardsigmoid hardshrink softplus softshrink rrelu logsigmoid")
class Activation(_Activation):
    """Every number bent by itself, into a fraction."""

    shape = of_kinds(FRACTION, FRACTION, "an activation")


@rule("silu")
class SiLU(_Activation):
    """Every number times its sigmoid."""

    shape = of_kinds(FRACTION, COMPLEX, "an activation")


@rule("relu relu6 hardtanh threshold")
class Clipped(_Activation):
    """Every number cut off at a bound: whole numbers stay whole."""

    shape = of_kinds(WHOLE, FRACTION, "an activation")


@rule("softsign", "tanhshrink")
class ActivationOfAny(_Activation):
    """Every number bent by itself; whole numbers become fractions."""

    @staticmethod
    def shape(input):
        kinds(input.dtype, WHOLE, COMPLEX, "an activation")
        return Made(input.shape, default_float(input.dtype))


@rule("alpha_dropout")
class AlphaDropout(_Activation):
    """While training some numbers become the least that SELU gives; the sizes stay."""

    title = "dropout"

    @staticmethod
    def shape(input, p=0.5, training=True, inplace=False, train=True):
        need(0 <= p <= 1, "the probability of dropping is between 0 and 1, {arrived} was chosen", arrived=p, wanted=1)
        if training and train and 0 < p < 1:
            kinds(input.dtype, FRACTION, FRACTION, "a dropout")
        return input.shape


@rule("dropout")
class Dropout(AlphaDropout):
    """While training some numbers become zero, the others are made larger; the sizes stay."""


@rule("feature_alpha_dropout")
class ChannelAlphaDropout(AlphaDropout):
    """While training whole channels become the least that SELU gives; the sizes stay."""

    @staticmethod
    def shape(input, p=0.5, training=True, inplace=False, train=True):
        if training and train and 0 < p < 1:
            axes_at_least(2, input.shape)
        return AlphaDropout.shape(input, p, training, inplace, train)


@rule("feature_dropout", "dropout2d")
class ChannelDropout(Dropout):
    """While training whole channels become zero; the sizes stay."""

    @staticmethod
    def shape(input, p=0.5, training=True, inplace=False, train=True):
        ChannelAlphaDropout.shape(input, p, training, inplace, train)
        return Dropout.shape(input, p, training, inplace, train)


@rule("dropout1d")
class RowDropout(Dropout):
    """While training whole channels become zero; the sizes stay."""

    @staticmethod
    def shape(input, p=0.5, training=True, inplace=False):
        need(len(input.shape) in (2, 3), "{wanted:axes are} wanted, {arrived:arrive}", wanted="2 or 3", arrived=len(input.shape))
        return Dropout.shape(input, p, training)


@rule("dropout3d")
class BlockDropout(Dropout):
    """While training whole channels become zero; the sizes stay."""

    @staticmethod
    def shape(input, p=0.5, training=True, inplace=False):
        return Dropout.shape(input, p, training)


@rule("softmax", "log_softmax", "softmin", "torch.special.softmax", "torch.special.log_softmax")
class Softmax(Rule):
    """The numbers along ``dim`` become shares that add up to 1."""

    title = "softmax"

    @staticmethod
    def shape(input, dim=None, _stacklevel=3, dtype=None):
        shape = input.shape
        if dim is not None:
            axis_of(dim, len(shape))
        kinds(input.dtype if dtype is None else dtype, FRACTION, FRACTION, "a softmax")
        return shape if dtype is None else Made(shape, dtype)


@rule("gumbel_softmax")
class GumbelSoftmax(Rule):
    """A soft or hard draw along ``dim``."""

    title = "softmax"

    @staticmethod
    def shape(logits, tau=1, hard=False, eps=1e-10, dim=-1):
        axis_of(dim, len(logits.shape))
        kinds(logits.dtype, FRACTION, FRACTION, "a softmax")
        return logits.shape


@rule("prelu")
class PReLU(_Activation):
    """A learned slope below zero, one for all or one for each channel."""

    knobs = {"weight": ("num_parameters",)}

    @staticmethod
    def shape(input, weight):
        x, slopes = input.shape, product(weight.shape)
        one_dtype(input, weight)
        kinds(input.dtype, FRACTION, FRACTION, "an activation")
        need(len(weight.shape) <= 1, "slopes are one number or one row, {arrived:axes arrive}", arrived=len(weight.shape), wanted=1)
        if not (slopes.__class__ is int and slopes == 1) and len(weight.shape) and not bool(slopes == 1):
            need(len(x) > 0, "slopes for channels want at least one axis, a single number arrives", wanted=1, arrived=0)
            channels = x[1] if len(x) > 1 else 1
            need(channels == slopes, "{wanted:channels are} wanted, one for each slope; {arrived:arrive}", wanted=slopes, arrived=channels)
        return x


@rule("glu")
class GLU(Rule):
    """Half of an axis gates the other half."""

    title = "gated linear unit"

    @staticmethod
    def shape(input, dim=-1):
        x = input.shape
        axes_at_least(1, x)
        axis = axis_of(dim, len(x))
        kinds(input.dtype, FRACTION, FRACTION, "an activation")
        need(x[axis] % 2 == 0, "an even axis is wanted, {arrived:arrive}", arrived=x[axis], wanted=2)
        return (*x[:axis], x[axis] // 2, *x[axis + 1 :])


# A layer's constructor arguments, in their order, and the operator it calls.
SETTINGS = {
    "ReLU": ("relu", "inplace"), "ReLU6": ("relu6", "inplace"), "SiLU": ("silu", "inplace"), "Mish": ("mish", "inplace"),
    "GELU": ("gelu", "approximate"), "ELU": ("elu", "alpha inplace"), "SELU": ("selu", "inplace"), "CELU": ("celu", "alpha inplace"),
    "LeakyReLU": ("leaky_relu", "negative_slope inplace"), "Hardtanh": ("hardtanh", "min_val max_val inplace"),
    "Hardswish": ("hardswish", "inplace"), "Hardsigmoid": ("hardsigmoid", "inplace"), "Softplus": ("softplus", "beta threshold"),
    "Sigmoid": ("sigmoid", ""), "Tanh": ("tanh", ""), "Softmax": ("softmax", "dim"), "LogSoftmax": ("log_softmax", "dim"),
    "Softmin": ("softmin", "dim"), "Dropout": ("dropout", "p inplace"), "Dropout1d": ("dropout1d", "p inplace"),
    "Dropout2d": ("dropout2d", "p inplace"), "Dropout3d": ("dropout3d", "p inplace"), "AlphaDropout": ("alpha_dropout", "p inplace"),
    "FeatureAlphaDropout": ("feature_alpha_dropout", "p inplace"), "Softsign": ("softsign", ""), "Tanhshrink": ("tanhshrink", ""),
    "Hardshrink": ("hardshrink", "lambd"), "Softshrink": ("softshrink", "lambd"), "LogSigmoid": ("logsigmoid", ""),
    "Threshold": ("threshold", "threshold value inplace"), "RReLU": ("rrelu", "lower upper inplace"), "GLU": ("glu", "dim"),
}  # fmt: skip


@layer(*SETTINGS)
def activation_layer(net, input, *args, **kwargs):
    """A layer without weights: the constructor's settings go to its operator."""
    op, names = SETTINGS[net.name]
    names = names.split()
    need(
        len(args) <= len(names), "{name} takes {wanted:settings}, {arrived:are} given", name=net.name, wanted=len(names), arrived=len(args)
    )
    settings = {**dict(zip(names, args)), **kwargs}
    for name in settings:
        need(name in names, "{name} has no setting {arrived}", name=net.name, arrived=name, wanted=" ".join(names))
    if "dropout" in op:
        settings["training"] = net.training
    return net.call(op, input, **settings)


@layer("Identity")
def identity_layer(net, input, *args, **kwargs):
    """The input itself."""
    return input


@layer("Softmax2d")
def softmax2d_layer(net, input):
    """Softmax over the channels."""
    need(len(input.shape) in (3, 4), "{wanted:axes are} wanted, {arrived:arrive}", wanted="3 or 4", arrived=len(input.shape))
    return net.call("softmax", input, -3)


@layer("PReLU")
def prelu_layer(net, input, num_parameters=1, init=0.25):
    """A learned slope, one for all or one for each channel."""
    return net.call("prelu", input, net.parameter("weight", (num_parameters,)))
