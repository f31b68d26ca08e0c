"""How the results of an operator lie in memory where that is not row by row: whether a later `view` may run depends on it."""

from __future__ import annotations

import functools

import torch

from whyshape.readers.torch.values import row_by_row
from whyshape.rules import RULES
from whyshape.rules.base import TOLD, Rule
from whyshape.rules.layout import lies


class Lying:
    """What is known of one operator; made once, asked for each call."""

    def __init__(self, op: str, rule: type[Rule]):
        names = rule.words()
        self.op, self.rule, self.told = op, rule, TOLD["lays"].get(op)
        self.weighed = self.told is not None and names[1:2] == ("weight",)
        self.flag = names.index("inplace") if "inplace" in names else None

    def strides(self, args, kwargs, first, shape):
        """The strides of a result; None where it lies row by row. ``first``: the first tensor among the arguments."""
        by_weight = self.weighed and len(args) > 1 and not row_by_row(args[1])
        straight = first is None or (row_by_row(first) and (not self.rule.pointwise or first.shape == shape or _all_rows(args)))
        if straight and not by_weight and "memory_format" not in kwargs:
            return None
        return lies(self.op, self.rule, args, kwargs, first, shape)

    def of_each(self, args, kwargs, first):
        """For an operator that makes several tensors: the strides of one, by its shape; None where all lie row by row."""
        if self.told is None or first is None or row_by_row(first):
            return None
        return lambda shape: self.told(self.rule.bind(args, kwargs), shape)


def _all_rows(args) -> bool:
    """Whether all operands lie row by row: what is stretched among them then turns no axes round."""
    return all(row_by_row(t) for t in args if isinstance(t, torch.Tensor))


@functools.cache
def lying(op: str) -> Lying:
    """What is known of this operator."""
    return Lying(op, RULES[op])


__all__ = ["Lying", "lying"]
