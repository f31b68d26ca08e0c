"""The same numbers under other axes: flatten, view, permute, squeeze."""

from __future__ import annotations

from whyshape.rules.base import Rule, axis_of, layer, rule
from whyshape.sizes import Size, need, product


def _given(numbers):
    """``view(2, 3)`` and ``view((2, 3))`` say the same."""
    return tuple(numbers[0]) if len(numbers) == 1 and isinstance(numbers[0], (tuple, list)) else tuple(numbers)


def _is_blank(n) -> bool:
    return not isinstance(n, Size) and n == -1


def reshaped(x, shape):
    """The sizes of ``x`` laid out as ``shape``, one blank (-1) filled in.

    >>> reshaped((16, 20, 4, 4), (16, -1))
    (16, 320)
    """
    blanks = [i for i, n in enumerate(shape) if _is_blank(n)]
    need(len(blanks) <= 1, "only one size can be left open with -1, {arrived} are", arrived=len(blanks), wanted=1)
    have = product(x)
    known = product(n for n in shape if not _is_blank(n))
    text = ", ".join(str(int(n)) for n in shape)
    if not blanks:
        need(have == known, f"shape ({text}) holds {{wanted}} numbers, {{arrived}} arrive", wanted=known, arrived=have)
        return shape
    need(known > 0, f"with shape ({text}) the open size is not determined", wanted=1, arrived=known)
    need(have % known == 0, f"shape ({text}) takes multiples of {{wanted}} numbers, {{arrived}} arrive", wanted=known, arrived=have)
    return (*shape[: blanks[0]], _over(x, shape, have, known), *shape[blanks[0] + 1 :])


def _over(x, shape, have, known):
    """What is left for the blank. Axes carried over unchanged cancel, so that a flatten reads ``20*4*4`` and not ``16*20*4*4/16``."""
    rest = list(x)
    for n in shape:
        if _is_blank(n):
            continue
        for i, m in enumerate(rest):
            if m is n and isinstance(n, Size):
                del rest[i]
                break
        else:
            return have // known
    return product(rest)


class _View(Rule):
    title = "reshape"
    view = True


@rule("Tensor.view")
class View(_View):
    """The same numbers, in the same order, under other axes; needs them next to each other in memory."""

    @staticmethod
    def shape(input, *shape):
        return reshaped(input.shape, _given(shape))


@rule("reshape")
class Reshape(_View):
    """The same numbers, in the same order, under other axes."""

    @staticmethod
    def shape(input, *shape):
        return reshaped(input.shape, _given(shape))


@rule("flatten")
class Flatten(_View):
    """Axes ``start_dim`` to ``end_dim`` laid in one row: all of the first map, then the next."""

    title = "flatten"

    @staticmethod
    def shape(input, start_dim=0, end_dim=-1):
        x = input.shape
        if len(x) == 0:
            return (1,)
        start, end = axis_of(start_dim, len(x)), axis_of(end_dim, len(x))
        need(start <= end, "start_dim {arrived} comes after end_dim {wanted}", arrived=start, wanted=end)
        return (*x[:start], product(x[start : end + 1]), *x[end + 1 :])


@layer("Flatten")
def flatten_layer(net, input, start_dim=1, end_dim=-1):
    """Flatten all but the batch."""
    return net.call("flatten", input, start_dim, end_dim)


@rule("unflatten")
class Unflatten(_View):
    """One axis cut into several."""

    title = "unflatten"

    @staticmethod
    def shape(input, dim, sizes):
        x = input.shape
        axis = axis_of(dim, len(x))
        return (*x[:axis], *reshaped((x[axis],), tuple(sizes)), *x[axis + 1 :])


@layer("Unflatten")
def unflatten_layer(net, input, dim, unflattened_size):
    """Cut one axis into several."""
    return net.call("unflatten", input, dim, unflattened_size)


@rule("permute")
class Permute(_View):
    """The axes in another order."""

    title = "permute"

    @staticmethod
    def shape(input, *dims):
        x, order = input.shape, _given(dims)
        need(len(order) == len(x), "an order of {wanted} axes is wanted, {arrived} are given", wanted=len(x), arrived=len(order))
        axes = [axis_of(d, len(x)) for d in order]
        need(len(set(axes)) == len(axes), "an axis is named twice in {arrived}", arrived=tuple(int(d) for d in order))
        return tuple(x[a] for a in axes)


@rule("transpose", "swapaxes", "swapdims")
class Transpose(_View):
    """Two axes change places."""

    title = "transpose"

    @staticmethod
    def shape(input, dim0, dim1):
        x = list(input.shape)
        if not x:
            return ()
        a, b = axis_of(dim0, len(x)), axis_of(dim1, len(x))
        x[a], x[b] = x[b], x[a]
        return tuple(x)


@rule("t", "Tensor.T.__get__", "Tensor.mT.__get__")
class T(_View):
    """The last two axes change places."""

    title = "transpose"

    @staticmethod
    def shape(input):
        x = input.shape
        return x if len(x) < 2 else (*x[:-2], x[-1], x[-2])


def _ones(x, axes):
    """Which of the axes have size 1: a size that is calculated may be 1 here and not at another input."""
    return [a for a in axes if x[a] == 1]


@rule("squeeze")
class Squeeze(_View):
    """Axes of size 1 left out."""

    title = "squeeze"

    @staticmethod
    def shape(input, dim=None):
        x = input.shape
        asked = range(len(x)) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
        if not x:
            return x
        gone = _ones(x, [axis_of(d, len(x)) for d in asked])
        return tuple(n for a, n in enumerate(x) if a not in gone)


@rule("unsqueeze")
class Unsqueeze(_View):
    """A new axis of size 1."""

    title = "unsqueeze"

    @staticmethod
    def shape(input, dim):
        x = input.shape
        at = axis_of(dim, len(x) + 1)
        return (*x[:at], 1, *x[at:])


@rule("Tensor.expand")
class Expand(_View):
    """Axes of size 1 repeated without copying."""

    title = "expand"

    @staticmethod
    def shape(input, *size, implicit=False):
        x, wanted = input.shape, _given(size)
        head = len(wanted) - len(x)
        need(head >= 0, "at least {wanted} sizes are wanted, {arrived} are given", wanted=len(x), arrived=len(wanted))
        out = list(wanted[:head])
        for have, want in zip(x, wanted[head:]):
            if _is_blank(want) or want is have:
                out.append(have)
                continue
            if int(have) != 1 or isinstance(have, Size):
                need(have == want, "an axis of {arrived} cannot be expanded to {wanted}: only an axis of 1 can", arrived=have, wanted=want)
            out.append(want)
        return tuple(out)


@rule("Tensor.expand_as")
class ExpandAs(_View):
    """Expanded to the other's shape."""

    title = "expand"

    @staticmethod
    def shape(input, other):
        return Expand.shape(input, *other.shape)


@rule("Tensor.view_as", "Tensor.reshape_as")
class ViewAs(_View):
    """Laid out as the other."""

    @staticmethod
    def shape(input, other):
        return reshaped(input.shape, tuple(other.shape))


@rule("movedim", "moveaxis")
class Movedim(_View):
    """Axes taken out and put in at other places."""

    title = "move axes"

    @staticmethod
    def shape(input, source, destination):
        x = input.shape
        source = [axis_of(d, len(x)) for d in ((source,) if isinstance(source, int) else source)]
        destination = [axis_of(d, len(x)) for d in ((destination,) if isinstance(destination, int) else destination)]
        need(len(source) == len(destination), "{arrived} axes move to {wanted} places", arrived=len(source), wanted=len(destination))
        order = dict(zip(destination, source))
        rest = iter([a for a in range(len(x)) if a not in source])
        return tuple(x[order[i] if i in order else next(rest)] for i in range(len(x)))
