"""The expression trees of a report, worked out for one call: what the page does with them, in Python."""

from __future__ import annotations

from operator import add, floordiv, mod, mul, neg, sub
from typing import Any

from whyshape.sizes.expr import RELATIONS

APPLY: dict[str, Any] = {
    "+": add, "-": sub, "*": mul, "//": floordiv, "%": mod, "min": min, "max": max, "neg": neg,
    "ceil//": lambda a, b: -(-a // b),
    "scale": lambda a, b: int(a * b),
}  # fmt: skip


class Numbers:
    """The sizes of what one call reads, slot by slot, and its knobs.

    >>> at = Numbers([[0, 1], "kernel_size", ["-", 0, 1]], [(1, 28)], {"kernel_size": 5})
    >>> at.value(2), at.holds([">=", 0, 1])
    (23, True)
    """

    def __init__(self, trees: list, sizes: list, knobs: dict[str, int]):
        self.trees, self.sizes, self.knobs = trees, sizes, knobs

    def value(self, tree: int) -> int:
        """The number a tree stands for."""
        entry = self.trees[tree]
        if type(entry) is str:
            return self.knobs[entry]
        if type(entry) is not list:
            return entry
        if type(entry[0]) is int:
            return self.sizes[entry[0]][entry[1]]
        return APPLY[entry[0]](*[self.value(part) for part in entry[1:]])

    def holds(self, condition: list) -> bool:
        """Whether a comparison of two trees is true."""
        return RELATIONS[condition[0]](self.value(condition[1]), self.value(condition[2]))

    def goes(self, rule: dict[str, Any], shapes: list[tuple[int, ...]]) -> bool:
        """Whether the call takes this very way through its rule and makes these shapes."""
        return (
            all(map(self.holds, rule["holds"]))
            and all(map(self.holds, rule["needs"]))
            and [tuple(map(self.value, out)) for out in rule["outs"]] == shapes
        )
