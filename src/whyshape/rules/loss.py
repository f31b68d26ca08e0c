"""Losses: how far an output lies from its target, one number for all or one for each place."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, Spec, Unexplained, broadcast_shapes, layer, rule
from whyshape.rules.dtypes import (
    BOOL,
    COMPLEX,
    FRACTION,
    WHOLE,
    category,
    default_float,
    fractions,
    kinds,
    one_dtype,
    promote,
    real_of,
    summed,
)
from whyshape.rules.pointwise import matched
from whyshape.sizes import need, product

REDUCTIONS = ("none", "mean", "sum")


def boiled(shape, reduction, size_average=None, reduce=None):
    """The sizes after the reduction; also in its old words, ``size_average`` and ``reduce``, and as PyTorch's own numbers.

    >>> boiled((16, 10), "mean"), boiled((16, 10), "none")
    ((), (16, 10))
    """
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "mean"
    if isinstance(reduction, int):
        reduction = REDUCTIONS[reduction]
    need(reduction in (*REDUCTIONS, "batchmean"), "reduction is 'none', 'mean' or 'sum'; {arrived!r} was chosen",
         arrived=reduction, wanted="mean")  # fmt: skip
    return tuple(shape) if reduction == "none" else ()


def _boiled_down(shape, dtype, reduction, size_average, reduce):
    """The same where PyTorch writes the reduction out: a mean of fractions only, whole numbers summed as int64."""
    kinds(dtype, WHOLE, COMPLEX, "this loss")
    if size_average is None and reduce is None and reduction == "sum":
        return Made((), summed(real_of(dtype)))
    if reduction == "mean":
        fractions(dtype, "a mean")
    return Made(boiled(shape, reduction, size_average, reduce), real_of(dtype))


def _equal(input, target, what="the target"):
    x, t = input.shape, target.shape
    need(
        len(x) == len(t),
        "{what} must have the sizes of the input: {wanted:axes}, {arrived:arrive}",
        what=what,
        wanted=len(x),
        arrived=len(t),
    )
    for axis, (n, m) in enumerate(zip(x, t)):
        if n is not m:
            need(n == m, "{what} must have the sizes of the input: {wanted} on axis {axis}, {arrived:arrive}",
                 what=what, wanted=n, arrived=m, axis=axis)  # fmt: skip


class _Loss(Rule):
    title = "loss"


def _met(*tensors):
    """The common shape, and the dtype they meet in: a floating point one."""
    shape, dtype = matched(*tensors)
    kinds(dtype, FRACTION, FRACTION, "this loss")
    return shape, dtype


def _into(room, dtype):
    """Demand that numbers of ``dtype`` can be put into a tensor of ``room``, in which PyTorch computes this loss."""
    if category(dtype) > category(room):
        kinds(room, category(dtype), COMPLEX, "the tensor this loss is put into")


@rule("mse_loss")
class Difference(_Loss):
    """The difference squared; sizes that differ are matched, which is seldom meant."""

    @staticmethod
    def shape(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
        shape, dtype = _met(input, target)
        if weight is not None:
            _equal(input, weight, "the weight")
        return Made(boiled(shape, reduction, size_average, reduce), dtype)


@rule("l1_loss")
class Absolute(_Loss):
    """The size of the difference; sizes that differ are matched, which is seldom meant."""

    @staticmethod
    def shape(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
        shape, dtype = matched(input, target)
        if weight is not None:
            _equal(input, weight, "the weight")
        return _boiled_down(shape, dtype, reduction, size_average, reduce)


@rule("smooth_l1_loss")
class SmoothL1(_Loss):
    """The difference, squared near zero."""

    @staticmethod
    def shape(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
        shape, dtype = _met(input, target)
        return Made(boiled(shape, reduction, size_average, reduce), dtype)


@rule("huber_loss")
class Huber(_Loss):
    """The difference, squared near zero."""

    @staticmethod
    def shape(input, target, reduction="mean", delta=1.0, weight=None):
        need(delta > 0, "delta must be larger than 0, {arrived} was chosen", arrived=delta, wanted=1)
        shape, dtype = _met(input, target)
        _into(input.dtype, dtype)
        return Made(boiled(shape, reduction), input.dtype)


@rule("soft_margin_loss")
class SoftMargin(_Loss):
    """A soft margin between two classes, -1 and 1."""

    @staticmethod
    def shape(input, target, size_average=None, reduce=None, reduction="mean"):
        shape, dtype = matched(input, target)
        _equal(input, Spec(shape), "the target stretched")
        fractions(input.dtype, "this loss")
        _into(input.dtype, dtype)
        return Made(boiled(shape, reduction, size_average, reduce), input.dtype)


@rule("hinge_embedding_loss")
class HingeEmbedding(_Loss):
    """A hinge on distances, for targets of -1 and 1."""

    @staticmethod
    def shape(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
        shape, _ = matched(input, target)
        kinds(input.dtype, WHOLE, FRACTION, "this loss")
        return _boiled_down(shape, input.dtype, reduction, size_average, reduce)


@rule("kl_div")
class KLDivergence(_Loss):
    """How one distribution differs from another; the input is given as logarithms."""

    @staticmethod
    def shape(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
        shape, dtype = _met(input, target)
        return Made(boiled(shape, reduction, size_average, reduce), dtype)


@rule("poisson_nll_loss")
class PoissonNLL(_Loss):
    """The likelihood of counts under a rate."""

    @staticmethod
    def shape(input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"):
        shape, dtype = matched(input, target)
        if not log_input:
            kinds(input.dtype, WHOLE, COMPLEX, "this loss")
        if full:
            kinds(dtype, BOOL, FRACTION, "this loss")
            kinds(target.dtype, WHOLE, COMPLEX, "this loss")
        return Made(boiled(shape, reduction, size_average, reduce), default_float(dtype))


@rule("binary_cross_entropy")
class BinaryCrossEntropy(_Loss):
    """Yes or no at each place: probabilities against targets of the same sizes."""

    @staticmethod
    def shape(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
        kinds(input.dtype, FRACTION, FRACTION, "this loss")
        one_dtype(input, target)
        _equal(input, target)
        if weight is not None:
            broadcast_shapes(weight.shape, target.shape)
        return boiled(input.shape, reduction, size_average, reduce)


@rule("binary_cross_entropy_with_logits")
class BinaryCrossEntropyWithLogits(_Loss):
    """Yes or no at each place: scores against targets of the same sizes."""

    @staticmethod
    def shape(input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
        _equal(input, target)
        kinds(input.dtype, FRACTION, FRACTION, "this loss")
        shape = input.shape
        for more in (weight, pos_weight):
            if more is not None:
                shape = broadcast_shapes(shape, more.shape)
        _into(target.dtype, matched(input, target)[1])
        return Made(boiled(shape, reduction, size_average, reduce), target.dtype)


def _variance(x, v):
    """One variance for each place, or one for a whole axis: that axis is 1, or the last is left out."""
    if len(v) == len(x) - 1 and all(bool(n == m) for n, m in zip(x, v)):
        return (*v, 1)
    need(len(v) == len(x), "a variance of {wanted:axes} is wanted, {arrived:arrive}", wanted=len(x), arrived=len(v))
    others = [a for a in range(len(x)) if not bool(x[a] == v[a])]
    for a in others:
        need(len(others) == 1 and v[a] == 1, "{wanted:variances are} wanted on axis {axis}, {arrived:arrive}",
             wanted=x[a], arrived=v[a], axis=a)  # fmt: skip
    return v


@rule("gaussian_nll_loss")
class GaussianNLL(_Loss):
    """The likelihood under a normal distribution with a variance for each place."""

    @staticmethod
    def shape(input, target, var, full=False, eps=1e-6, reduction="mean"):
        shape, dtype = matched(input, target)
        if hasattr(var, "shape"):
            kinds(input.dtype, WHOLE, COMPLEX, "this loss")
            kinds(target.dtype, WHOLE, COMPLEX, "this loss")
            kinds(var.dtype, FRACTION, FRACTION, "a variance")
            dtype = promote(dtype, var.dtype)
            shape = broadcast_shapes(shape, _variance(input.shape, var.shape))
        return Made(boiled(shape, reduction), dtype)


@rule("cosine_embedding_loss")
class CosineEmbedding(_Loss):
    """Whether two vectors point the same way, against targets of -1 and 1."""

    @staticmethod
    def shape(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
        both = broadcast_shapes(input1.shape, input2.shape)
        if len(target.shape) == 1:
            for x in (input1.shape, input2.shape):
                need(len(x) == 2, "vectors come as {wanted:axes}, {arrived:arrive}", wanted=2, arrived=len(x))
        elif len(target.shape) == 0:
            need(len(both) == 1, "one vector of {wanted:axes} is wanted, {arrived:arrive}", wanted=1, arrived=len(both))
        else:
            need(False, "a target of at most {wanted:axes} is wanted, {arrived:arrive}", wanted=1, arrived=len(target.shape))
        shape = boiled(broadcast_shapes(both[:-1], target.shape), reduction, size_average, reduce)
        return Made(shape, default_float(promote(input1.dtype, input2.dtype)))


@rule("margin_ranking_loss")
class MarginRanking(_Loss):
    """Which of two numbers should be larger, by a margin."""

    @staticmethod
    def shape(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
        need(len(input1.shape) == len(input2.shape) == len(target.shape), "all three must have as many axes: {wanted}, {arrived:arrive}",
             wanted=len(input1.shape), arrived=len(target.shape))  # fmt: skip
        shape, dtype = matched(input1, input2, target)
        return Made(boiled(shape, reduction, size_average, reduce), default_float(dtype) if isinstance(margin, float) else dtype)


@rule("triplet_margin_loss")
class TripletMargin(_Loss):
    """An anchor closer to one than to another, by a margin."""

    @staticmethod
    def shape(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None, reduce=None, reduction="mean"):
        need(margin > 0, "the margin must be larger than 0, {arrived} was chosen", arrived=margin, wanted=1)
        ranks = {len(t.shape) for t in (anchor, positive, negative)}
        need(len(ranks) == 1, "all three must have the same number of axes, {arrived:arrive}", wanted=1, arrived=tuple(sorted(ranks)))
        shape, dtype = matched(anchor, positive, negative)
        return Made(boiled(shape[:-1], reduction, size_average, reduce), real_of(default_float(dtype)))


@rule("ctc_loss")
class CTC(_Loss):
    """The likelihood of a sequence of labels, wherever in time they stand."""

    @staticmethod
    def shape(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
        x = log_probs.shape
        need(len(x) in (2, 3), "time, batch and classes are wanted, {arrived:axes arrive}", arrived=len(x), wanted=3)
        batch = x[1] if len(x) == 3 else 1
        for lengths in (input_lengths, target_lengths):
            n = product(lengths.shape) if hasattr(lengths, "shape") else len(lengths)
            need(n == batch, "{wanted:lengths are} wanted, one for each sequence; {arrived:arrive}", wanted=batch, arrived=n)
        return boiled(x[1:-1], reduction)


@rule("torch.binary_cross_entropy_with_logits", "torch.ctc_loss", "torch.kl_div", "torch.cosine_embedding_loss",
      "torch.hinge_embedding_loss", "torch.margin_ranking_loss", "torch.poisson_nll_loss", "torch.triplet_margin_loss")  # fmt: skip
class Inner(_Loss):
    """What the functions of torch.nn.functional call: other arguments in another order."""

    @staticmethod
    def shape(*args, **kwargs):
        raise Unexplained("a form that models do not call")


ONE_TARGET = {
    "MSELoss": "mse_loss", "L1Loss": "l1_loss", "SmoothL1Loss": "smooth_l1_loss", "HuberLoss": "huber_loss", "KLDivLoss": "kl_div",
    "BCELoss": "binary_cross_entropy", "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "NLLLoss": "nll_loss", "NLLLoss2d": "nll_loss", "CrossEntropyLoss": "cross_entropy",
    "PoissonNLLLoss": "poisson_nll_loss", "SoftMarginLoss": "soft_margin_loss", "HingeEmbeddingLoss": "hinge_embedding_loss",
    "MultiLabelMarginLoss": "multilabel_margin_loss", "MultiLabelSoftMarginLoss": "multilabel_soft_margin_loss",
    "MultiMarginLoss": "multi_margin_loss", "CosineEmbeddingLoss": "cosine_embedding_loss", "MarginRankingLoss": "margin_ranking_loss",
    "TripletMarginLoss": "triplet_margin_loss", "GaussianNLLLoss": "gaussian_nll_loss", "CTCLoss": "ctc_loss",
}  # fmt: skip


@layer(*ONE_TARGET)
def loss_layer(net, *inputs, **settings):
    """The loss of the tensors it is called with; settings by name, as ``reduction="sum"``."""
    for t in inputs:
        need(hasattr(t, "shape") or isinstance(t, (tuple, list)), "settings of a loss are given by name, {arrived!r} was given without",
             arrived=t, wanted="reduction=")  # fmt: skip
    return net.call(ONE_TARGET[net.name], *inputs, **settings)
