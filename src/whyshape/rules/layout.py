"""How results lie in memory where PyTorch does not lay them row by row: whether a later `view` may run depends on it.

Asked by the tracer with PyTorch's own tensors, which besides sizes know their strides, and by `analyses.lying` with `Laid`, whose
sizes and strides remember. An answer is a function of the arguments by name and the result's shape: the strides of the result, None
where it lies row by row. Of views, which make no memory of their own, views.py tells.
"""

from __future__ import annotations

from collections.abc import Callable

from whyshape.rules.base import TOLD, Rule, axis_of, told
from whyshape.sizes.ratios import equal, less


def rows(shape) -> tuple[int, ...]:
    """The strides of numbers laid row by row.

    >>> rows((2, 3, 4))
    (12, 4, 1)
    """
    return strides(shape, range(len(shape)))


def strides(shape, order) -> tuple[int, ...]:
    """The strides of numbers laid densely, the axes from the slowest to the fastest.

    >>> strides((2, 3, 4), (0, 2, 1))
    (12, 1, 3)
    """
    made, step = [0] * len(shape), 1
    for axis in reversed(tuple(order)):
        made[axis], step = step, step * (shape[axis] or 1)
    return tuple(made)


class Laid:
    """The stand-in for a tensor of which it is asked how it lies; ``steps`` gives its strides when they are needed, None: row by row."""

    requires_grad = False

    def __init__(self, shape, dtype, steps: Callable[[], tuple[int, ...] | None]):
        self.shape, self.dtype, self._steps = shape, dtype, steps

    @property
    def steps(self) -> tuple[int, ...] | None:
        return self._steps()

    @property
    def rows(self) -> bool:
        """Whether it lies row by row at every size."""
        return self._steps() is None

    def dim(self) -> int:
        return len(self.shape)

    def stride(self, axis: int | None = None):
        steps = self._steps()
        steps = rows(self.shape) if steps is None else steps
        return steps if axis is None else steps[axis]

    def is_contiguous(self) -> bool:
        return self.rows or dense(self.shape, self.stride())


def dense(shape, steps) -> bool:
    """Whether numbers with these steps lie row by row: the steps of axes of 1 do not matter, and of no numbers none does.

    >>> dense((2, 1, 3), (3, 7, 1)), dense((3, 2), (1, 3))
    (True, False)
    """
    if 0 in map(int, shape):
        return any(n == 0 for n in shape)
    wanted = 1
    for n, step in zip(reversed(shape), reversed(steps)):
        if int(step) == int(wanted):
            equal(step, wanted)
        elif n > 1:
            return equal(step, wanted) or any(n == 0 for n in shape)
        wanted = wanted * n
    return True


def plainly(tensor) -> bool:
    """Whether it lies row by row, and nobody takes it for channels last: where sizes are 1 the steps between them decide."""
    if getattr(tensor, "rows", False):
        return True
    return tensor.is_contiguous() and (tensor.dim() < 4 or tensor.stride(1) != 1 or tensor.stride(-2) == 1)


def lies(op: str, rule: type[Rule], args: tuple, kwargs: dict, first, shape) -> tuple[int, ...] | None:
    """How an operator that makes new memory lays a result of this shape; ``first``: the first tensor among its arguments."""
    answer = TOLD["lays"].get(op)
    asked = str(kwargs.get("memory_format")).rpartition(".")[2]
    if asked in ("channels_last", "channels_last_3d"):
        return strides(shape, (0, *range(2, len(shape)), 1))
    by_weight = answer is not None and rule.words()[1:2] == ("weight",) and len(args) > 1
    slides = rule.reach is not Rule.reach  # a window's result lies channels last where its input does, on the CPU
    follows = first is not None and (answer is not None or rule.pointwise or (slides and len(shape) == first.dim()))
    straight = not by_weight or plainly(args[1])
    if not follows or (straight and not kwargs.get("memory_format") and plainly(first) and (not rule.pointwise or first.shape == shape)):
        return None
    if answer is not None:
        return answer(rule.bind(args, kwargs), shape)
    if rule.pointwise and asked in ("None", "preserve_format"):
        others = [t for t in (*args, *kwargs.values()) if hasattr(t, "stride") and t is not first]
        return None if first.shape == shape and first.is_contiguous() else packed([first, *others], shape)
    if not slides or not len(shape) == first.dim() in (4, 5) or plainly(first):
        return None
    order = (0, *range(2, len(shape)), 1)
    last = dense([first.shape[axis] for axis in order], [first.stride(axis) for axis in order])
    return strides(shape, order) if last or lie_maps_last(first) else None


def packed(tensors, shape) -> tuple[int, ...]:
    """The strides an operator that works place by place gives its result: the inputs' order of axes, made dense.

    Sorted as PyTorch sorts them: from behind, the first input deciding where it makes steps along both axes, then the next.
    """
    given, order = [_matched(t, shape) for t in tensors], [*reversed(range(len(shape)))]  # the fastest first
    for last in range(1, len(order)):
        at = last
        for before in reversed(range(last)):
            turn = _turn(given, shape, order[before], order[at])
            if turn < 0:
                break
            if turn:
                order[before], order[at], at = order[at], order[before], before
    return strides(shape, reversed(order))


def _matched(tensor, shape) -> list[int]:
    """The steps of a tensor along the axes of what it is matched with: none where it is repeated."""
    head = len(shape) - tensor.dim()
    same = lambda n, m: n is m or bool(n != 1) or bool(m == 1)
    return [0] * head + [step if same(n, m) else 0 for n, m, step in zip(tensor.shape, shape[head:], tensor.stride())]


def _turn(given, shape, a: int, b: int) -> int:
    """Whether axis ``a`` is the slower (1) or the faster (-1) of two; 0 where no input can tell."""
    for steps in given:
        if steps[a] and steps[b]:
            if less(steps[a], steps[b]):
                return -1
            if not equal(steps[a], steps[b]) or shape[a] > shape[b]:
                return 1
    return 0


def as_the_input(given, shape) -> tuple[int, ...]:
    """As the input lies, made dense: what PyTorch does where it copies a tensor before it changes it."""
    first = given["input"]
    if str(given.get("memory_format")).endswith("contiguous_format"):
        return rows(shape)
    return packed([first], shape)


def row_by_row(given, shape) -> tuple[int, ...]:
    """Row by row, however the input lies."""
    return rows(shape)


def lie_maps_last(tensor) -> bool:
    """Whether the channels of a map lie side by side, as `x.permute(0, 3, 1, 2)` leaves them.

    As PyTorch looks for it: gaps do not matter, as in one of three maps that lie in turns.
    """
    rank, least = tensor.dim(), 0
    if rank not in (4, 5):
        return False
    for axis in (1, *range(rank - 1, 1, -1), 0):
        size, step = tensor.shape[axis], tensor.stride(axis)
        if not size or not step or step < least or (axis == 0 and least == tensor.stride(1)):
            return False
        least = step * size
    return True


def maps_last(given, shape) -> tuple[int, ...]:
    """Channels last where the input's channels lie last, else row by row."""
    first = given["input"]
    order = (0, *range(2, first.dim()), 1)
    lie = zip(first.stride(), strides(first.shape, order), first.shape)
    return strides(shape, order) if first.dim() in (4, 5) and all(have == last or n == 1 for have, last, n in lie) else rows(shape)


def as_maps_or_weights(given, shape) -> tuple[int, ...]:
    """Channels last where the channels of the maps or of the weights lie last, else row by row: as the kernels of PyTorch's CPU choose."""
    if len(shape) in (4, 5) and (lie_maps_last(given["input"]) or lie_maps_last(given["weight"])):
        return strides(shape, (0, *range(2, len(shape)), 1))
    return rows(shape)


def joined(given, shape) -> tuple[int, ...]:
    """Channels last where the channels of all that is joined lie last, else row by row."""
    tensors = [t for t in given["tensors"] if tuple(t.shape) != (0,)]
    return strides(shape, (0, *range(2, len(shape)), 1)) if all(map(lie_maps_last, tensors)) else rows(shape)


def stacked(given, shape) -> tuple[int, ...]:
    """As what is joined along the axis behind the new one, which is then cut in two; row by row where no axis is behind it."""
    axis = axis_of(given["dim"], len(shape))
    if axis == len(shape) - 1:
        return rows(shape)
    one = joined(given, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))
    return (*one[:axis], one[axis] * int(shape[axis + 1]), *one[axis:])


told("lays", as_the_input, """glu normalize flip fliplr flipud zeros_like ones_like empty_like rand_like randn_like randint_like full_like
    index_fill index_put put select_scatter slice_scatter sort argsort msort""")  # fmt: skip
told("lays", row_by_row, "masked_fill masked_scatter rrelu torch.bernoulli Tensor.bernoulli")
told("lays", maps_last, "group_norm roll")
told("lays", as_maps_or_weights, "conv2d conv3d conv_transpose2d conv_transpose3d")
told("lays", joined, "cat concat concatenate")
told("lays", stacked, "stack")
