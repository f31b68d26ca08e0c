"""Losses over classes: scores for each class against the number, or the numbers, of the true ones."""

from __future__ import annotations

from whyshape.rules.base import Made, axes_at_least, broadcast_shapes, rule
from whyshape.rules.dtypes import COMPLEX, FRACTION, WHOLE, kinds, name_of, one_dtype, promote
from whyshape.rules.loss import _equal, _Loss, _met, boiled
from whyshape.sizes import need, product


def _classes(input, target, weight, reduction, size_average, reduce):
    """One score for each class on axis 1 (on axis 0 without a batch), one class number for each place."""
    x, t = input.shape, target.shape
    axes_at_least(1, x)
    need(len(t) == len(x) - 1, "class numbers of {wanted:axes} are wanted, one for each place; {arrived:arrive}",
         wanted=len(x) - 1, arrived=len(t))  # fmt: skip
    axis = 1 if len(x) > 1 else 0
    places = (*x[:axis], *x[axis + 1 :])
    for n, m in zip(places, t):
        if n is not m:
            need(n == m, "{wanted:class numbers are} wanted, one for each place; {arrived:arrive}", wanted=n, arrived=m)
    if weight is not None:
        need(len(weight.shape) == 1 and weight.shape[0] == x[axis], "{wanted:class weights are} wanted, {arrived:arrive}",
             wanted=x[axis], arrived=weight.shape[0] if weight.shape else 1)  # fmt: skip
        one_dtype(weight, input)
    kinds(input.dtype, FRACTION, FRACTION, "this loss")
    need(name_of(target.dtype) in ("int64", "uint8")[: 1 if len(x) > 2 else 2], "class numbers are wanted as int64, {arrived} arrives",
         wanted="int64", arrived=name_of(target.dtype))  # fmt: skip
    return boiled(places, reduction, size_average, reduce)


@rule("nll_loss")
class NegativeLogLikelihood(_Loss):
    """The logarithm of the probability of the true class: (N, C, ...) against class numbers (N, ...)."""

    @staticmethod
    def shape(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
        return _classes(input, target, weight, reduction, size_average, reduce)


@rule("cross_entropy")
class CrossEntropy(_Loss):
    """Scores (N, C, ...) against class numbers (N, ...), or against probabilities of the same sizes."""

    @staticmethod
    def shape(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0):
        x, t = input.shape, target.shape
        if len(x) != len(t):
            return _classes(input, target, weight, reduction, size_average, reduce)
        _equal(input, target, "a target of probabilities")
        dtype = name_of(target.dtype)
        need(dtype[:3] != "int" and dtype not in ("bool", "uint8"),
             "a target of the input's sizes is taken for probabilities: floating point is wanted, {arrived} arrives",
             wanted="float32", arrived=dtype)  # fmt: skip
        kinds(input.dtype, FRACTION, FRACTION, "this loss")
        axis = 1 if len(x) > 1 else 0
        return Made(boiled((*x[:axis], *x[axis + 1 :]), reduction, size_average, reduce), promote(input.dtype, target.dtype))


def _class_numbers(target):
    need(name_of(target.dtype) == "int64", "class numbers are wanted as int64, {arrived} arrives",
         wanted="int64", arrived=name_of(target.dtype))  # fmt: skip


def _some_classes(x):
    if x:
        need(x[-1] > 0, "at least one class is wanted, {arrived:arrive}", arrived=x[-1], wanted=1)


@rule("multilabel_margin_loss")
class MultiLabelMargin(_Loss):
    """A margin between the classes that hold and those that do not."""

    @staticmethod
    def shape(input, target, size_average=None, reduce=None, reduction="mean"):
        need(len(input.shape) <= 2, "at most {wanted:axes are} wanted, {arrived:arrive}", wanted=2, arrived=len(input.shape))
        _class_numbers(target)
        _some_classes(input.shape)
        if product(input.shape) != 1 or product(target.shape) != 1 or len(input.shape) + len(target.shape) > 2:
            _equal(input, target)  # a single number stands for a row of one
        return boiled(input.shape[:-1] if len(input.shape) > 1 else (), reduction, size_average, reduce)


@rule("multilabel_soft_margin_loss")
class MultiLabelSoftMargin(_Loss):
    """Yes or no for every class, averaged over the classes."""

    @staticmethod
    def shape(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
        axes_at_least(1, input.shape)
        shape, dtype = _met(input, target)
        kinds(input.dtype, FRACTION, FRACTION, "this loss")
        kinds(target.dtype, WHOLE, COMPLEX, "a target of this loss")
        if weight is not None:
            shape = broadcast_shapes(shape, weight.shape)
        return Made(boiled(shape[:-1], reduction, size_average, reduce), dtype)


@rule("multi_margin_loss")
class MultiMargin(_Loss):
    """A margin between the true class and the others."""

    @staticmethod
    def shape(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
        x, t = input.shape, target.shape
        need(len(x) <= 2, "at most {wanted:axes are} wanted, {arrived:arrive}", wanted=2, arrived=len(x))
        _class_numbers(target)
        _some_classes(x)
        if weight is not None:
            classes = x[-1] if x else 1
            need(len(weight.shape) == 1, "class weights are one row, {arrived:axes arrive}", wanted=1, arrived=len(weight.shape))
            need(weight.shape[0] == classes, "{wanted:class weights are} wanted, {arrived:arrive}", wanted=classes, arrived=weight.shape[0])
        rows = x[0] if len(x) == 2 else 1
        need(len(t) == 1 or (not t and len(x) < 2), "a row of class numbers is wanted, {arrived:axes arrive}", wanted=1, arrived=len(t))
        if t:
            need(t[0] == rows, "{wanted:class numbers are} wanted, {arrived:arrive}", wanted=rows, arrived=t[0])
        return boiled(tuple(t), reduction, size_average, reduce)
