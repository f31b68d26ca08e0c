"""Small tensors whose numbers are known while a file is read: shapes, axes, scales. Sizes keep their history on the way.

Exporters compute shapes with operators: Shape, Gather, Add, Concat, Reshape. Those are folded here, on Python ints, floats and
`Size`s, so that ``x.view(x.size(0), -1)`` reads the same from a file as from the model it came from. Nothing here is a tensor of the graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product as places
from typing import Any, NamedTuple

from whyshape.rules.base import exactly
from whyshape.sizes import Cond, Size, ceil_div, largest, scaled, smallest

MOST = 4096  # numbers in one


class Known(NamedTuple):
    """A tensor by its content: numbers (or text) in row-major order."""

    items: tuple
    shape: tuple[int, ...] = ()
    dtype: str = "int64"


class Part(NamedTuple):
    """A size times a fraction, on its way to being rounded: ``h * 0.5``. Behaves as its value where nobody rounds it."""

    size: Size
    factor: float

    @property
    def value(self) -> float:
        return int(self.size) * self.factor


def number(value) -> Any:
    """A plain int, float, bool or text: history forgotten."""
    if isinstance(value, Part):
        return value.value
    if isinstance(value, Size):
        return int(value)
    return bool(value) if isinstance(value, Cond) else value


def whole(value) -> int:
    """A plain int. Of a size with history it is remembered that it had to be this one."""
    return int(exactly(value)) if isinstance(value, Size) else int(number(value))


def is_float(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat"))


def count(shape) -> int:
    total = 1
    for n in shape:
        total *= int(n)
    return total


def matched(*operands: Known) -> tuple[tuple[int, ...], list[list]]:
    """The common shape of several, and the items of each stretched to it. Raises `ValueError` where they do not match."""
    rank = max(len(k.shape) for k in operands)
    shapes = [(1,) * (rank - len(k.shape)) + k.shape for k in operands]
    out = tuple(_one([s[a] for s in shapes]) for a in range(rank))
    if count(out) > MOST:
        raise ValueError("too many numbers")
    stretched = []
    for k, shape in zip(operands, shapes):
        if shape == out:
            stretched.append(list(k.items))
            continue
        steps = strides(shape)
        steps = [0 if shape[a] == 1 else steps[a] for a in range(rank)]
        stretched.append([k.items[sum(i * s for i, s in zip(at, steps))] for at in places(*map(range, out))])
    return out, stretched


def _one(sizes):
    wide = {n for n in sizes if n != 1}
    if len(wide) > 1:
        raise ValueError("sizes differ")
    return wide.pop() if wide else 1


def strides(shape) -> list[int]:
    """How far apart neighbours of each axis lie, row by row."""
    steps, step = [], 1
    for n in reversed(shape):
        steps.append(step)
        step *= n
    return steps[::-1]


def _true_div(a, b):
    """ONNX's Div: fractions for fractions, cut towards zero for whole numbers."""
    if isinstance(a, Size) and isinstance(b, (float, int)) and not isinstance(b, Size) and isinstance(b, float):
        return Part(a, 1 / b)
    if isinstance(a, (Part, float)) or isinstance(b, (Part, float)):
        return number(a) / number(b)
    if isinstance(a, Size) or isinstance(b, Size):
        return a // b  # sizes are not negative
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _mul(a, b):
    for size, factor in ((a, b), (b, a)):
        if isinstance(size, Size) and isinstance(factor, float):
            return size * int(factor) if factor.is_integer() else Part(size, factor)
        if isinstance(size, Part) and isinstance(factor, (int, float)) and not isinstance(factor, Size):
            return Part(size.size, size.factor * factor)
    return number(a) * number(b) if isinstance(a, Part) or isinstance(b, Part) else a * b


def _plain_if_float(operate):
    def both(a, b):
        if isinstance(a, (Part, float)) or isinstance(b, (Part, float)):
            return operate(number(a), number(b))
        return operate(a, b)

    return both


def _compared(relation):
    def compare(a, b):
        a, b = (number(v) if isinstance(v, (Part, Cond)) else v for v in (a, b))
        for size, other in ((a, b), (b, a)):
            # A size is never negative: asking whether it is -1 is not a question about the input.
            if isinstance(size, Size) and not isinstance(other, Size) and isinstance(other, int) and other < 0:
                return relation(int(a), int(b))
        return relation(a, b)

    return compare


def _min(a, b):
    return smallest(a, b) if isinstance(a, int) and isinstance(b, int) else min(number(a), number(b))


def _max(a, b):
    return largest(a, b) if isinstance(a, int) and isinstance(b, int) else max(number(a), number(b))


def _power(a, b):
    if isinstance(b, float) and b.is_integer() and isinstance(a, int):
        b = int(b)
    a, b = (v if isinstance(v, Size) else number(v) for v in (a, b))
    if abs(number(b)) > 64 or abs(number(a)) > 2**32:
        raise ValueError("too large a power")
    return a**b


PAIRS: dict[str, Callable] = {
    "Add": _plain_if_float(lambda a, b: a + b),
    "Sub": _plain_if_float(lambda a, b: a - b),
    "Mul": _mul,
    "Div": _true_div,
    "Mod": _plain_if_float(lambda a, b: a % b),
    "Pow": _power,
    "Min": _min,
    "Max": _max,
    "Equal": _compared(lambda a, b: a == b),
    "Less": _compared(lambda a, b: a < b),
    "Greater": _compared(lambda a, b: a > b),
    "LessOrEqual": _compared(lambda a, b: a <= b),
    "GreaterOrEqual": _compared(lambda a, b: a >= b),
    "And": lambda a, b: bool(a) and bool(b),
    "Or": lambda a, b: bool(a) or bool(b),
    "Xor": lambda a, b: bool(a) != bool(b),
}


def _floor(v):
    return scaled(v.size, v.factor) if isinstance(v, Part) else v if isinstance(v, int) else float(math.floor(v))


def _ceil(v):
    if isinstance(v, Part) and (1 / v.factor).is_integer():
        return ceil_div(v.size, int(1 / v.factor))
    return v if isinstance(v, int) else float(math.ceil(number(v)))


ALONE: dict[str, Callable] = {
    "Neg": lambda v: -v if isinstance(v, Size) else -number(v),
    "Abs": lambda v: v if isinstance(v, Size) else abs(number(v)),
    "Not": lambda v: v.opposite if isinstance(v, Cond) else not v,
    "Floor": _floor,
    "Ceil": _ceil,
    "Round": lambda v: v if isinstance(v, int) else float(round(number(v))),
    "Sqrt": lambda v: math.sqrt(number(v)),
    "Exp": lambda v: math.exp(number(v)),
    "Log": lambda v: math.log(number(v)),
    "Sign": lambda v: (number(v) > 0) - (number(v) < 0),
    "Reciprocal": lambda v: 1 / number(v),
    "IsNaN": lambda v: number(v) != number(v),
}


def cast(v, dtype: str):
    """One number as another dtype; a size stays one, even as a float on its way through a scale."""
    if dtype == "bool":
        return bool(v)
    if is_float(dtype):
        return v if isinstance(v, (Size, Part)) else float(number(v))
    if dtype == "string":
        return str(number(v))
    if isinstance(v, Part):
        return scaled(v.size, v.factor)
    if isinstance(v, Size):
        return v
    value = number(v)
    if isinstance(value, str) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("not a whole number")
    return int(value)


def pick(k: Known, shape: tuple[int, ...], at: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Known:
    """A new layout: the item at each place of ``shape`` is the one at ``at(place)`` of ``k``."""
    if count(shape) > MOST:
        raise ValueError("too many numbers")
    steps = strides(k.shape)
    items = tuple(k.items[sum(i * s for i, s in zip(at(place), steps))] for place in places(*map(range, shape)))
    return Known(items, shape, k.dtype)
