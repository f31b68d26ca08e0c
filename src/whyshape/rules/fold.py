"""Windows laid out as columns, and columns added back into an image."""

from __future__ import annotations

from whyshape.rules.base import Rule, Window, axis_of, layer, rule
from whyshape.rules.conv import at_least, fitted, sensible, window
from whyshape.rules.dtypes import WHOLE, category, fractions
from whyshape.rules.pool import occupied_all
from whyshape.sizes import need


def _pair(value, name) -> tuple[int, int]:
    """One number for both axes, or exactly two."""
    if isinstance(value, int):
        return value, value
    need(len(value) == 2, "{name} has {arrived:numbers}, {wanted:are} wanted", name=name, arrived=len(value), wanted=2)
    return tuple(value)


def _no_whole_numbers(dtype) -> None:
    """True and false may be laid out, says PyTorch, whole numbers not."""
    if category(dtype) == WHOLE:
        fractions(dtype, "a fold")


class _Folding(Rule):
    @staticmethod
    def reach(call):
        return None  # one axis of the columns is two axes of the image: no window along either


@rule("torch.nn.functional.unfold", "im2col")
class Unfold(_Folding):
    """Every window of an image, all its channels, as one column: C*kh*kw numbers for each place."""

    title = "unfold"

    @staticmethod
    def shape(input, kernel_size, dilation=1, padding=0, stride=1):
        x = input.shape
        _no_whole_numbers(input.dtype)
        need(
            len(x) in (3, 4),
            "{wanted:axes are} wanted, or {unbatched} without a batch; {arrived:arrive}",
            wanted=4,
            unbatched=3,
            arrived=len(x),
        )
        k, d, p, s = _pair(kernel_size, "kernel_size"), _pair(dilation, "dilation"), _pair(padding, "padding"), _pair(stride, "stride")
        occupied_all(x[-3:])
        places = []
        for i in range(2):
            sensible(k[i], s[i], p[i], d[i])
            places.append(fitted(x[i - 2], k[i], s[i], p[i], d[i]))
        return (*x[:-3], x[-3] * k[0] * k[1], places[0] * places[1])


@rule("fold", "col2im")
class Fold(_Folding):
    """Columns put back where `Unfold` took them from; where windows overlap they are added."""

    title = "fold"

    @staticmethod
    def shape(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
        x = input.shape
        _no_whole_numbers(input.dtype)
        need(
            len(x) in (2, 3),
            "{wanted:axes are} wanted, or {unbatched} without a batch; {arrived:arrive}",
            wanted=3,
            unbatched=2,
            arrived=len(x),
        )
        size, k = _pair(output_size, "output_size"), _pair(kernel_size, "kernel_size")
        d, p, s = _pair(dilation, "dilation"), _pair(padding, "padding"), _pair(stride, "stride")
        occupied_all(x[-2:])
        places = []
        for i in range(2):
            at_least(1, output_size=size[i])
            sensible(k[i], s[i], p[i], d[i])
            places.append(fitted(size[i], k[i], s[i], p[i], d[i]))
        block, length = k[0] * k[1], places[0] * places[1]
        need(
            x[-2] % block == 0,
            "{arrived:numbers} a column cannot be shared out over windows of {wanted:cells}",
            wanted=block,
            arrived=x[-2],
        )
        need(x[-1] == length, "an image of {h}x{w} has {wanted:places} for the window, {arrived:columns arrive}",
             h=size[0], w=size[1], wanted=length, arrived=x[-1])  # fmt: skip
        return (*x[:-2], x[-2] // block, *size)


@layer("Unfold")
def unfold_layer(net, input, kernel_size, dilation=1, padding=0, stride=1):
    """Windows as columns."""
    return net.call("torch.nn.functional.unfold", input, kernel_size, dilation, padding, stride)


@layer("Fold")
def fold_layer(net, input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns as an image."""
    return net.call("fold", input, output_size, kernel_size, dilation, padding, stride)


@rule("Tensor.unfold")
class UnfoldAxis(Rule):
    """Windows along one axis, their cells on a new last axis; windows share memory."""

    title = "unfold"
    view = True

    @staticmethod
    def shape(input, dimension, size, step):
        x = input.shape or (1,)  # a single number counts as a row of one
        axis = axis_of(dimension, len(input.shape))
        at_least(0, size=size)
        at_least(1, step=step)
        need(x[axis] >= size, "the window spans {wanted:cells}, {arrived:are} there", wanted=size, arrived=x[axis])
        if not input.shape:
            return (size,)
        return (*x[:axis], window(x[axis], size, step), *x[axis + 1 :], size)

    @staticmethod
    def reach(call):
        rank = len(call.input.shape)
        axis = axis_of(call.dimension, rank)
        windows = {other - rank - 1: Window(1) for other in range(rank)}
        windows[axis - rank - 1] = Window(call.size, call.step)
        return windows
