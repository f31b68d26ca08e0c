"""Operators on known numbers: answered here, without a call in the graph."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from whyshape.readers.onnx.known import ALONE, MOST, PAIRS, Known, cast, count, matched, number, pick, whole
from whyshape.readers.onnx.records import DTYPES, Constant
from whyshape.readers.onnx.scope import Op
from whyshape.rules.shelf import filed
from whyshape.sizes import Size, product, total

FOLDS: dict[str, Callable[[Op], Known | list[Known]]] = {}
TRUE_OR_FALSE = {"Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor", "Not", "IsNaN"}
# Files how an operator works on known numbers. A `ValueError` says: not here after all.
fold = filed(FOLDS)


def known_of(constant: Constant) -> Known | None:
    """A constant of the file by its content, where that was read."""
    return None if constant.items is None else Known(constant.items, constant.shape, constant.dtype)


def place(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    if not -max(rank, 1) <= axis < max(rank, 1):
        raise ValueError("no such axis")
    return axis % max(rank, 1)


def by_content(k: Known, told) -> None:
    """Raises `ValueError` where ``told`` holds sizes with history and ``k`` none: that is a table, and how much of it is meant is told by a formula."""
    if any(isinstance(n, Size) for n in told) and not any(isinstance(v, Size) for v in k.items):
        raise ValueError("the sizes of the result have a history")


@fold("Constant")
def constant(op: Op):
    value = op.attr("value")
    if isinstance(value, Constant):
        found = known_of(value)
        if found is None:
            raise ValueError("too large")
        return found
    for name, dtype in (("int", "int64"), ("float", "float32"), ("string", "string")):
        if op.attr(f"value_{name}") is not None:
            return Known((op.attr(f"value_{name}"),), (), dtype)
        if op.attr(f"value_{name}s") is not None:
            items = op.attr(f"value_{name}s")
            return Known(tuple(items), (len(items),), dtype)
    raise ValueError("a constant of another kind")


@fold(*PAIRS)
def pair(op: Op):
    held = [op.known(i) for i in range(len(op.inputs))]
    answer = PAIRS[op.record.op]
    found = held[0]
    for other in held[1:]:
        shape, (left, right) = matched(found, other)
        found = Known(tuple(answer(a, b) for a, b in zip(left, right)), shape, found.dtype)
    return found._replace(dtype="bool") if op.record.op in TRUE_OR_FALSE else found


@fold(*ALONE)
def alone(op: Op):
    k = op.known(0)
    items = tuple(ALONE[op.record.op](v) for v in k.items)
    return Known(items, k.shape, "bool" if op.record.op in TRUE_OR_FALSE else k.dtype)


@fold("Shape", "Size")
def sizes(op: Op):
    shape = op.known(0).shape
    if op.record.op == "Size":
        return Known((count(shape),))
    part = shape[slice(op.attr("start", 0), op.attr("end"))]
    return Known(tuple(part), (len(part),))


@fold("Identity")
def identity(op: Op):
    return op.known(0)


@fold("Cast", "CastLike")
def to(op: Op):
    dtype = DTYPES.get(op.attr("to", 0), "") if op.record.op == "Cast" else op.known(1).dtype
    if not dtype:
        raise ValueError("to what?")
    k = op.known(0)
    return Known(tuple(cast(v, dtype) for v in k.items), k.shape, dtype)


@fold("Gather")
def gather(op: Op):
    k, index = op.known(0), op.known(1)
    by_content(k, index.items)
    axis = place(op.attr("axis", 0), len(k.shape))
    wanted = [whole(i) for i in index.items]
    if any(not -k.shape[axis] <= i < k.shape[axis] for i in wanted):
        raise ValueError("no such place")
    rank = len(index.shape)
    shape = (*k.shape[:axis], *index.shape, *k.shape[axis + 1 :])
    rows = Known(tuple(i % k.shape[axis] for i in wanted), index.shape)
    at = lambda p: (*p[:axis], pick(rows, (1,), lambda _: p[axis : axis + rank]).items[0], *p[axis + rank :])
    return pick(k, shape, at)


@fold("Concat")
def concat(op: Op):
    held = [op.known(i) for i in range(len(op.inputs))]
    axis = place(op.attr("axis", 1), len(held[0].shape))
    end = sum(k.shape[axis] for k in held)
    shape = (*held[0].shape[:axis], end, *held[0].shape[axis + 1 :])
    if count(shape) > MOST:
        raise ValueError("too many numbers")
    if axis:
        raise ValueError("only along the first axis")
    return Known(tuple(v for k in held for v in k.items), shape, held[0].dtype)


@fold("Reshape", "Flatten")
def reshape(op: Op):
    k = op.known(0)
    if op.record.op == "Flatten":
        axis = place(op.attr("axis", 1), len(k.shape)) if op.attr("axis", 1) != len(k.shape) else len(k.shape)
        return k._replace(shape=(count(k.shape[:axis]), count(k.shape[axis:])))
    by_content(k, op.numbers(1))
    wanted = list(op.plain(1))
    for i, n in enumerate(wanted):
        if n == 0 and not op.attr("allowzero", 0):
            wanted[i] = k.shape[i]
    if -1 in wanted:
        rest = count(n for n in wanted if n != -1)
        wanted[wanted.index(-1)] = len(k.items) // rest if rest else 0
    if count(wanted) != len(k.items) or min(wanted, default=0) < 0:
        raise ValueError("sizes differ")
    return k._replace(shape=tuple(wanted))


@fold("Squeeze")
def squeeze(op: Op):
    k = op.known(0)
    axes = op.listed("axes", 1)
    gone = {place(whole(a), len(k.shape)) for a in axes} if axes is not None else {a for a, n in enumerate(k.shape) if n == 1}
    return k._replace(shape=tuple(n for a, n in enumerate(k.shape) if a not in gone))


@fold("Unsqueeze")
def unsqueeze(op: Op):
    k = op.known(0)
    axes = [whole(a) for a in op.listed("axes", 1)]
    shape = list(k.shape)
    for a in sorted(place(a, len(shape) + len(axes)) for a in axes):
        shape.insert(a, 1)
    return k._replace(shape=tuple(shape))


@fold("Transpose")
def transpose(op: Op):
    k = op.known(0)
    order = op.attr("perm", tuple(range(len(k.shape)))[::-1])
    back = {a: i for i, a in enumerate(order)}
    return pick(k, tuple(k.shape[a] for a in order), lambda p: tuple(p[back[a]] for a in range(len(p))))


@fold("Slice")
def cut(op: Op):
    k = op.known(0)
    starts, ends = op.listed("starts", 1), op.listed("ends", 2)
    axes = op.listed("axes", 3, tuple(range(len(starts))))
    steps = op.listed("steps", 4, (1,) * len(starts))
    by_content(k, (*starts, *ends, *steps))
    ranges = [range(n) for n in k.shape]
    for start, end, axis, step in zip(starts, ends, axes, steps):
        a = place(whole(axis), len(k.shape))
        low, high, by = (whole(v) for v in (start, end, step))
        ranges[a] = range(*slice(low, high if high > -(2**31) or by > 0 else None, by).indices(k.shape[a]))
    return pick(k, tuple(map(len, ranges)), lambda p: tuple(r[i] for r, i in zip(ranges, p)))


def _from(axis: int, start: int, p: tuple[int, ...]) -> tuple[int, ...]:
    return (*p[:axis], p[axis] + start, *p[axis + 1 :])


@fold("Split")
def split(op: Op):
    k = op.known(0)
    axis = place(op.attr("axis", 0), len(k.shape))
    sizes = op.listed("split", 1)
    n = k.shape[axis]
    if sizes is None:
        parts = op.attr("num_outputs", op.outputs)
        each = -(-n // parts)
        sizes = [each] * (parts - 1) + [n - each * (parts - 1)]
    found, start = [], 0
    for size in map(int, sizes):
        shape = (*k.shape[:axis], size, *k.shape[axis + 1 :])
        found.append(pick(k, shape, partial(_from, axis, start)))
        start += size
    return found


@fold("Where")
def where(op: Op):
    shape, (c, a, b) = matched(op.known(0), op.known(1), op.known(2))
    return Known(tuple(x if bool(t) else y for t, x, y in zip(c, a, b)), shape, op.known(1).dtype)


@fold("Range")
def arange(op: Op):
    start, limit, step = (number(op.numbers(i)[0]) for i in range(3))
    n = max(math.ceil((limit - start) / step), 0)
    if n > MOST or any(isinstance(op.numbers(i)[0], Size) for i in range(3)):
        raise ValueError("its length is a size")
    return Known(tuple(start + i * step for i in range(n)), (n,), op.known(0).dtype)


@fold("ConstantOfShape")
def full(op: Op):
    shape = op.numbers(0)
    if any(isinstance(n, Size) for n in shape) or count(shape) > 64:
        raise ValueError("its sizes have a history")
    value = op.attr("value")
    held = known_of(value) if isinstance(value, Constant) else Known((0.0,), (1,), "float32")
    if held is None:
        raise ValueError("filled with something else")
    return Known(held.items * count(shape), tuple(whole(n) for n in shape), held.dtype)


@fold("Expand", "Tile")
def repeat(op: Op):
    k = op.known(0)
    by_content(k, op.numbers(1))
    wanted = op.plain(1)
    if op.record.op == "Expand":
        shape, (items, _) = matched(k, Known((0,) * count(wanted), wanted))
        return Known(tuple(items), shape, k.dtype)
    return pick(k, tuple(n * r for n, r in zip(k.shape, wanted)), lambda p: tuple(i % n for i, n in zip(p, k.shape)))


@fold("ReduceProd", "ReduceSum", "ReduceMin", "ReduceMax")
def reduce(op: Op):
    k = op.known(0)
    axes = op.listed("axes", 1)
    if len(k.shape) != 1 or (axes is not None and [place(whole(a), 1) for a in axes] != [0]):
        raise ValueError("only a row is reduced here")
    from whyshape.readers.onnx.known import _max, _min

    word = op.record.op
    if word == "ReduceProd":
        value = product(k.items)
    elif word == "ReduceSum":
        value = total(k.items)
    else:
        value = k.items[0]
        for other in k.items[1:]:
            value = (_min if word == "ReduceMin" else _max)(value, other)
    return Known((value,), (1,) if op.attr("keepdims", 1) else (), k.dtype)


@fold("CumSum")
def running(op: Op):
    k = op.known(0)
    if len(k.shape) != 1 or op.attr("exclusive", 0) or op.attr("reverse", 0):
        raise ValueError("only along a row")
    items, value = [], 0
    for v in k.items:
        value = value + v
        items.append(value)
    return k._replace(items=tuple(items))


@fold("NonZero")
def nonzero(op: Op):
    k = op.known(0)
    if len(k.shape) != 1:
        raise ValueError("only of a row")
    found = tuple(i for i, v in enumerate(k.items) if bool(v))
    return Known(found, (1, len(found)))


@fold("ScatterND", "ScatterElements", "Scatter")
def scatter(op: Op):
    k, index, updates = op.known(0), op.known(1), op.known(2)
    if len(k.shape) != 1 or op.attr("reduction", "none") != "none":
        raise ValueError("only into a row")
    items = list(k.items)
    for i, v in zip(index.items, updates.items):
        items[whole(i)] = v
    return k._replace(items=tuple(items))
