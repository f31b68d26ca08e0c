"""Exact integers that compute and explain themselves. Standard library only."""

from whyshape.sizes.asked import Asked
from whyshape.sizes.expr import (
    CALCULATED,
    CHOSEN,
    INPUT,
    LEARNED,
    TASK,
    Cond,
    Facts,
    Leaf,
    LookedUp,
    Lost,
    Match,
    Need,
    Size,
    broadcast,
    ceil_div,
    largest,
    leaf,
    need,
    plain,
    product,
    recording,
    scaled,
    smallest,
    total,
)
from whyshape.sizes.formula import Formula, leaves, substitute, tree, untree, write

__all__ = [
    "CALCULATED", "CHOSEN", "INPUT", "LEARNED", "TASK", "Asked", "Cond", "Facts", "Formula", "Leaf", "LookedUp", "Lost", "Match", "Need", "Size",
    "broadcast", "ceil_div", "largest", "leaf", "leaves", "need", "plain", "product", "recording", "scaled", "smallest", "substitute",
    "total", "tree", "untree", "write",
]  # fmt: skip
