"""How views lie: the same memory under other sizes, with other steps.

Asked by `analyses.lying` alone: the tracer lets PyTorch itself make its views. An answer under "lays" is as in layout.py.
"""

from __future__ import annotations

from whyshape.rules.base import Rule, Spec, Unexplained, axis_of, told
from whyshape.rules.dtypes import is_dtype
from whyshape.rules.index import GetItem
from whyshape.rules.layout import rows
from whyshape.rules.reshape import AllTurned, H, MatrixT, Movedim, Permute, T, Transpose
from whyshape.sizes.ratios import alike, equal, less


def viewed(shape, steps, wanted) -> tuple[int, ...] | None:
    """The steps under which numbers that lie with ``steps`` are seen as ``wanted`` where they are; None where only a copy will do.

    From behind, axes are put together until as many numbers stand on both sides; those of the input must lie without gaps. What is
    asked of sizes that remember is just what makes the answer this one, and not each step of the way.

    >>> viewed((2, 3, 4), (12, 4, 1), (6, 4)), viewed((3, 2), (1, 3), (6,)), viewed((3, 1), (1, 3), (3,))
    ((4, 1), None, (1,))
    """
    if 0 in map(int, shape):
        return rows(wanted) if any(n == 0 for n in shape) else None
    made, at, axis, fits = [1] * len(wanted), len(wanted) - 1, len(shape) - 1, 1
    while axis >= 0:
        base, have, seen = steps[axis], shape[axis], 1
        axis -= 1
        if at >= 0 and alike(have, wanted[at]):
            made[at], at = base, at - 1
            continue
        while int(have) != int(seen):
            if int(seen) < int(have):
                fits, made[at], seen, at = seen, seen * base, seen * wanted[at], at - 1
            elif _goes_on(shape[axis], steps[axis], have * base):
                have, axis = have * shape[axis], axis - 1
            elif less(fits, have) and less(have, seen) and not any(n == 0 for n in shape):
                return None
        equal(have, seen)
    return tuple(made)


def _goes_on(size, step, reach) -> bool:
    """Whether an axis steps over just what lies behind it: along an axis of 1 no step is made."""
    return (int(step) != int(reach) and bool(size == 1)) or equal(step, reach)


def as_a_view(given, shape):
    """The same numbers under other sizes where they lie; row by row where they have to be copied for it."""
    first = given["input"]
    return None if first.rows else viewed(first.shape, first.stride(), shape)


def in_place(given, shape):
    """The same for what is refused rather than copied: `Refused`."""
    if is_dtype(given.get("dtype")) or is_dtype(next(iter(given.get("shape", ())), None)):
        raise Unexplained("bytes read as numbers of another width")
    steps = as_a_view(given, shape)
    if steps is None and not given["input"].rows:
        raise Refused
    return steps


class Refused(Exception):
    """The numbers do not lie as a `view` would have them."""


def _turned(rule: type[Rule]):
    """An operator that does nothing but put axes in another order puts their steps in the same order: so its rule is asked for them."""

    def steps(given, shape):
        rest = {name: value for name, value in given.items() if name != "input"}
        return tuple(rule.shape(Spec(given["input"].stride()), *rest.pop("order", ()), **rest))

    return steps


def as_it_lies(given, shape):
    """The steps of the input: a part of each of its axes."""
    first = given["input"] if "input" in given else given["tensor"]
    return None if first.rows and first.shape is shape else first.stride()


def without_the_axis(given, shape):
    """One axis is gone."""
    steps, axis = given["input"].stride(), axis_of(given["dim"], given["input"].dim())
    return (*steps[:axis], *steps[axis + 1 :])


def squeezed(given, shape):
    """The axes of 1 that are asked for are gone."""
    x, steps, dim = given["input"].shape, given["input"].stride(), given["dim"]
    asked = range(len(x)) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    axes = [axis_of(d, len(x)) for d in asked]
    return tuple([step for axis, step in enumerate(steps) if axis not in axes or x[axis] != 1])


def unsqueezed(given, shape):
    """An axis of 1 more, which would step over all that lies behind it."""
    x, steps = given["input"].shape, given["input"].stride()
    at = axis_of(given["dim"], len(x) + 1)
    return (*steps[:at], x[at] * steps[at] if at < len(x) else 1, *steps[at:])


def expanded(given, shape):
    """Along an axis that is repeated no step is made."""
    x, steps = given["input"].shape, given["input"].stride()
    head, made = len(shape) - len(x), [0] * len(shape)
    for axis in reversed(range(len(shape))):
        here = axis - head
        have, step = (x[here], steps[here]) if here >= 0 else (1, shape[axis + 1] * made[axis + 1] if axis + 1 < len(shape) else 1)
        made[axis] = step if have is shape[axis] or have == shape[axis] else 0
    return tuple(made)


def indexed(given, shape):
    """Slices make longer steps, places take an axis away, None sets one of 1 between."""
    first, index = given["input"], given["index"]
    parts = index if type(index) is tuple else (index,)
    if not GetItem.shares(first, index) or any(type(p) is bool for p in parts):
        raise Unexplained("places read one by one")
    steps, made, axis = first.stride(), [], 0
    passed = first.dim() - sum(1 for p in parts if p is not None and p is not Ellipsis)
    for p in parts:
        if p is Ellipsis:
            made += steps[axis : axis + passed]
            axis += passed
        elif p is None:
            made.append(first.shape[axis] * steps[axis] if axis < first.dim() else 1)
        else:
            if type(p) is slice:
                made.append(steps[axis] if p.step is None else steps[axis] * p.step)
            axis += 1
    return (*made, *steps[axis:])


def windows(given, shape):
    """The windows along an axis begin ``step`` apart; their cells are as far apart as they were."""
    first = given["input"]
    if not first.dim():
        raise Unexplained("windows over a single number")
    steps, axis = first.stride(), axis_of(given["dimension"], first.dim())
    return (*steps[:axis], steps[axis] * given["step"], *steps[axis + 1 :], steps[axis])


def one_behind_the_other(given, shape):
    """Row by row, or channels last where that is asked for."""
    asked = str(given["memory_format"]).rpartition(".")[2]
    if asked in ("None", "contiguous_format"):
        return None
    raise Unexplained("another order in memory")


told("lays", as_a_view, "reshape flatten unflatten Tensor.reshape_as")
told("lays", in_place, "Tensor.view Tensor.view_as")
told("lays", one_behind_the_other, "contiguous")
told("lays", as_it_lies, """split unsafe_split Tensor.split split_with_sizes unsafe_split_with_sizes tensor_split hsplit vsplit dsplit
    chunk unsafe_chunk narrow""")  # fmt: skip
told("lays", without_the_axis, "unbind select")
told("lays", squeezed, "squeeze")
told("lays", unsqueezed, "unsqueeze")
told("lays", expanded, "Tensor.expand broadcast_to Tensor.expand_as")
told("lays", indexed, "Tensor.__getitem__")
told("lays", windows, "Tensor.unfold")
told("lays", lambda given, shape: None, "ravel")
for _rule, _names in ((Permute, "permute"), (Transpose, "transpose swapaxes swapdims"), (T, "Tensor.mT.__get__ adjoint"), (MatrixT, "t"),
                      (AllTurned, "Tensor.T.__get__"), (H, "Tensor.H.__get__"), (Movedim, "movedim moveaxis")):  # fmt: skip
    told("lays", _turned(_rule), _names)
