"""How the results of an operator lie in memory where that is not row by row: whether a later `view` may run depends on it."""

from __future__ import annotations

import functools

import torch

from whyshape.readers.torch.values import META, channels_last, dense_strides, row_by_row
from whyshape.rules import RULES
from whyshape.rules.base import TOLD, Rule

AS_IT_LIES = (None, torch.preserve_format)  # a memory format that keeps the input's layout
CHANNELS_LAST = (torch.channels_last, torch.channels_last_3d)


class Lying:
    """What is known of one operator; made once, asked for each call."""

    def __init__(self, op: str, rule: type[Rule]):
        names = rule.words()
        self.rule, self.pointwise, self.told = rule, rule.pointwise, TOLD["lays"].get(op)
        self.slides = rule.reach is not Rule.reach  # a window's result lies channels last where its input does, on the CPU
        self.weighed = self.told is not None and names[1:2] == ("weight",)
        self.flag = names.index("inplace") if "inplace" in names else None

    def strides(self, args, kwargs, first, shape):
        """The strides of a result; None where it lies row by row. ``first``: the first tensor among the arguments."""
        by_weight = self.weighed and len(args) > 1 and not row_by_row(args[1])
        if not by_weight and "memory_format" not in kwargs and (first is None or row_by_row(first)):
            return None
        asked = kwargs.get("memory_format")
        if asked in CHANNELS_LAST:
            return torch.empty(shape, device=META, memory_format=asked).stride()
        if first is None:
            return None
        if self.told is not None:
            return self.told(self.rule.bind(args, kwargs), shape)
        if self.pointwise and first.shape == shape and asked in AS_IT_LIES:
            return None if first.is_contiguous() else dense_strides(first)
        last = channels_last(first) if self.slides and len(shape) == first.dim() else None
        return torch.empty(shape, device=META, memory_format=last).stride() if last is not None else None

    def of_each(self, args, kwargs, first):
        """For an operator that makes several tensors: the strides of one, by its shape; None where all lie row by row."""
        if self.told is None or first is None or row_by_row(first):
            return None
        return lambda shape: self.told(self.rule.bind(args, kwargs), shape)


@functools.cache
def lying(op: str) -> Lying:
    """What is known of this operator."""
    return Lying(op, RULES[op])


__all__ = ["Lying", "lying"]
