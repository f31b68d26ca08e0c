"""Which cells of its input an operator's output cell looks at, axis by axis: what receptive fields are made of.

For each axis of an input tensor the answer is a `Look`: the output axis that moves it, and the cells it then sees. `ALL` is the whole axis.
Most answers follow from what the rule says already: a window that slides (`reach`), cell by cell (`pointwise`), the same numbers under
other axes (`view`). The rest is told here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from whyshape.rules.base import Window


class Look(NamedTuple):
    """Output cell ``i`` of ``axis`` sees ``cells(i)``; all lie between ``stride*i + low`` and ``stride*i + high``."""

    axis: int | None  # of the output, from the end; None: the same cells for every output cell
    cells: Callable[[int], Iterable[int]]
    stride: Fraction | int = 1
    low: Fraction | int = 0
    high: Fraction | int = 0
    exact: bool = True  # False: at most these
    span: int = 1  # from the first to the last cell that one output cell sees, at most
    joint: Callable | None = None  # several output axes move it: the sets of cells along all of them -> (cells, whether exactly these)

    @property
    def same(self) -> bool:
        """Whether it is the very cell, whatever axis it stands on."""
        return self.axis is not None and self.joint is None and self.span == 1 and self.stride == 1 and self.low == self.high == 0


ALL = Look(None, lambda i: (), exact=True)
AT_MOST_ALL = Look(None, lambda i: (), exact=False)


def same(axis: int) -> Look:
    """The very cell."""
    return Look(axis, lambda i: (i,))


def moved(axis: int, by: int, step: int = 1) -> Look:
    """The cell ``step*i + by``."""
    return Look(axis, lambda i: (step * i + by,), step, by, by)


def fixed(cell: int) -> Look:
    """One cell, whichever output cell asks."""
    return Look(None, lambda i: (cell,), 0, cell, cell)


def slide(axis: int, window: Window) -> Look:
    """Through a `Window`; one of negative stride belongs to a transposed convolution, which moves the window over its output."""
    k, s, p, d = int(window.size), int(window.stride), int(window.before), int(window.dilation)
    if s > 0:
        reach = d * (k - 1)
        return Look(axis, lambda i: range(i * s - p, i * s - p + reach + 1, d), s, -p, reach - p, span=reach + 1)
    s = -s

    def cells(i):
        return [(i + p - d * j) // s for j in range(k) if (i + p - d * j) % s == 0]

    return Look(axis, cells, Fraction(1, s), Fraction(p - d * (k - 1), s), Fraction(p, s), span=d * (k - 1) // s + 1)


def adaptive(axis: int, n: int, out: int) -> Look:
    """Window ``i`` covers cells floor(i*n/out) up to ceil((i+1)*n/out)."""
    cells = lambda i: range(i * n // out, -(-(i + 1) * n // out))
    if out == 1:
        return Look(None, cells, 0, 0, n - 1)
    step = n // out if n % out == 0 else Fraction(n, out)
    over = 0 if n % out == 0 else 1  # windows of sizes that do not divide overlap, and reach one cell further
    return Look(axis, cells, step, -over, step - 1 + over, span=ceil(step) + over)


__all__ = ["ALL", "AT_MOST_ALL", "Look", "adaptive", "fixed", "moved", "same", "slide"]
