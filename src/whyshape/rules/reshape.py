"""The same numbers under other axes: flatten, view, permute, squeeze."""

from __future__ import annotations

from math import prod

from whyshape.rules.base import Made, Rule, Unexplained, axes_at_least, axes_of, axis_of, broadcast_shapes, given, layer, rule, stretched
from whyshape.rules.dtypes import BYTES, is_dtype, name_of
from whyshape.sizes import Size, need, product


def _is_blank(n) -> bool:
    return not isinstance(n, Size) and n == -1


def _not_negative(sizes) -> None:
    for n in sizes:
        need(n >= 0, "a size of at least 0 is wanted, {arrived} was chosen", arrived=n, wanted=0)


def reshaped(x, shape):
    """The sizes of ``x`` laid out as ``shape``, one blank (-1) filled in.

    >>> reshaped((16, 20, 4, 4), (16, -1))
    (16, 320)
    """
    if all(n.__class__ is int for n in (*shape, *x)):
        quick = _reshaped_plainly(x, shape)
        if quick is not None:
            return quick
    blanks = [i for i, n in enumerate(shape) if _is_blank(n)]
    need(len(blanks) <= 1, "only one size can be left open with -1, {arrived:are}", arrived=len(blanks), wanted=1)
    have = product(x)
    known = product(n for n in shape if not _is_blank(n))
    text = ", ".join(str(int(n)) for n in shape)
    if not blanks:
        _not_negative(shape)
        need(have == known, f"shape ({text}) holds {{wanted:numbers}}, {{arrived:arrive}}", wanted=known, arrived=have)
        return shape
    need(known > 0, f"with shape ({text}) the open size is not determined", wanted=1, arrived=known)
    need(have % known == 0, f"shape ({text}) takes multiples of {{wanted:numbers}}, {{arrived:arrive}}", wanted=known, arrived=have)
    return (*shape[: blanks[0]], _over(x, shape, have, known), *shape[blanks[0] + 1 :])


def _reshaped_plainly(x, shape):
    """The same for plain numbers that fit; None where there is something to say."""
    have, known = prod(x), prod(shape)
    if known == have and min(shape, default=0) >= 0:
        return tuple(shape)
    if shape.count(-1) != 1 or known == 0 or have % known or min(shape) < -1:
        return None
    i = shape.index(-1)
    return (*shape[:i], have // -known, *shape[i + 1 :])


def _over(x, shape, have, known):
    """What is left for the blank. Axes carried over unchanged cancel, so that a flatten reads ``20*4*4`` and not ``16*20*4*4/16``."""
    rest = list(x)
    for n in shape:
        if _is_blank(n):
            continue
        for i, m in enumerate(rest):
            if isinstance(n, Size) and (m is n or _axis(m) == _axis(n) is not None):
                del rest[i]
                break
        else:
            return have // known
    return product(rest)


def _axis(size):
    """The axis a size is read off, as `x.size(0)`; None where it is not just that."""
    found = size.leaf if isinstance(size, Size) else None
    return found.ref if found is not None and found.ref and found.ref[0] == "axis" else None


class _View(Rule):
    title = "reshape"
    view = True


@rule("Tensor.view")
class View(_View):
    """The same numbers, in the same order, under other axes; needs them next to each other in memory."""

    told_sizes = True
    unmoved = True

    @staticmethod
    def shape(input, *shape, size=None, dtype=None):
        first = dtype if dtype is not None else shape[0] if shape else None
        if first is not None and is_dtype(first):
            return _as_dtype(input, first)
        return reshaped(input.shape, given(shape) if size is None else tuple(size))


def _as_dtype(input, dtype):
    """The same bytes read as numbers of another width: the last axis shrinks or grows."""
    x, have, want = input.shape, BYTES[name_of(input.dtype)], BYTES[name_of(dtype)]
    if have == want:
        return Made(x, dtype)
    axes_at_least(1, x)
    need(x[-1] * have % want == 0, "{arrived:bytes} on the last axis are no multiple of {wanted}", arrived=x[-1] * have, wanted=want)
    return Made((*x[:-1], x[-1] * (have // want) if have > want else x[-1] // (want // have)), dtype)


@rule("reshape")
class Reshape(_View):
    """The same numbers, in the same order, under other axes."""

    told_sizes = True

    @staticmethod
    def shape(input, *dims, shape=None):
        return reshaped(input.shape, given(dims) if shape is None else tuple(shape))


@rule("flatten")
class Flatten(_View):
    """Axes ``start_dim`` to ``end_dim`` laid in one row: all of the first map, then the next."""

    title = "flatten"

    @staticmethod
    def shape(input, start_dim=0, end_dim=-1):
        x = input.shape
        start, end = axis_of(start_dim, len(x)), axis_of(end_dim, len(x))
        if len(x) == 0:
            return (1,)
        if start > end:
            need(False, "start_dim {arrived} comes after end_dim {wanted}", arrived=start, wanted=end)
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
        axes_at_least(1, x)
        axis = axis_of(dim, len(x))
        need(len(sizes) > 0, "at least one size is wanted, none is given", wanted=1, arrived=0)
        return (*x[:axis], *reshaped((x[axis],), tuple(sizes)), *x[axis + 1 :])


@layer("Unflatten")
def unflatten_layer(net, input, dim, unflattened_size):
    """Cut one axis into several."""
    return net.call("unflatten", input, dim, unflattened_size)


@rule("permute", "permute_copy")
class Permute(_View):
    """The axes in another order."""

    title = "permute"

    @staticmethod
    def shape(input, *order, dims=None):
        x, order = input.shape, given(order) if dims is None else tuple(dims)
        rank = len(x)
        if len(order) != rank:
            need(False, "an order of {wanted:axes} is wanted, {arrived:are} given", wanted=rank, arrived=len(order))
        return tuple([x[a] for a in axes_of(order, rank)]) if rank else ()


@rule("transpose", "swapaxes", "swapdims", "transpose_copy")
class Transpose(_View):
    """Two axes change places."""

    title = "transpose"

    @staticmethod
    def shape(input, dim0=None, dim1=None, *, axis0=None, axis1=None):
        dim0, dim1, x = dim0 if axis0 is None else axis0, dim1 if axis1 is None else axis1, list(input.shape)
        a, b = axis_of(dim0, len(x)), axis_of(dim1, len(x))
        if not x:
            return ()
        x[a], x[b] = x[b], x[a]
        return tuple(x)


@rule("Tensor.mT.__get__", "adjoint", "Tensor.mH.__get__")
class T(_View):
    """Rows and columns change places."""

    title = "transpose"

    @staticmethod
    def shape(input):
        x = input.shape
        if not len(x):
            return x  # PyTorch still lets a single number pass
        axes_at_least(2, x)
        return (*x[:-2], x[-1], x[-2])


@rule("Tensor.H.__get__")
class H(_View):
    """Rows and columns of one matrix change places, every number conjugated."""

    title = "transpose"

    @staticmethod
    def shape(input):
        x = input.shape
        need(len(x) in (0, 2), "{wanted:axes are} wanted, {arrived:arrive}", wanted=2, arrived=len(x))
        return tuple(reversed(x))


@rule("t")
class MatrixT(_View):
    """Rows and columns of one matrix change places."""

    title = "transpose"

    @staticmethod
    def shape(input):
        x = input.shape
        need(len(x) <= 2, "at most {wanted:axes are} wanted, {arrived:arrive}", wanted=2, arrived=len(x))
        return tuple(reversed(x))


@rule("Tensor.T.__get__")
class AllTurned(_View):
    """All axes in reverse order."""

    title = "transpose"

    @staticmethod
    def shape(input):
        return tuple(reversed(input.shape))


@rule("squeeze", "squeeze_copy")
class Squeeze(_View):
    """Axes of size 1 left out."""

    title = "squeeze"

    @staticmethod
    def shape(input, dim=None):
        x = input.shape
        asked = range(len(x)) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
        axes = [axis_of(d, len(x)) for d in asked]
        if not x:
            return x
        gone = [a for a in axes if x[a] == 1]  # a calculated size may be 1 here and not at another input
        return tuple([n for a, n in enumerate(x) if a not in gone])


@rule("unsqueeze", "unsqueeze_copy")
class Unsqueeze(_View):
    """A new axis of size 1."""

    title = "unsqueeze"

    @staticmethod
    def shape(input, dim):
        x = input.shape
        at = axis_of(dim, len(x) + 1)
        return (*x[:at], 1, *x[at:])


@rule("Tensor.expand", "broadcast_to", "expand_copy")
class Expand(_View):
    """Axes of size 1 repeated without copying."""

    title = "expand"

    @staticmethod
    def shape(input, *sizes, size=None, implicit=False):
        x, wanted = input.shape, given(sizes) if size is None else tuple(size)
        head = len(wanted) - len(x)
        need(head >= 0, "at least {wanted:sizes are} wanted, {arrived:are} given", wanted=len(x), arrived=len(wanted))
        out = list(wanted[:head])
        _not_negative(out)
        for have, want in zip(x, wanted[head:]):
            if _is_blank(want) or want is have:
                out.append(have)
                continue
            _not_negative((want,))
            stretched(have, want, "an axis of {arrived} cannot be expanded to {wanted}: only an axis of 1 can")
            out.append(want)
        return tuple(out)


@rule("Tensor.expand_as")
class ExpandAs(_View):
    """Expanded to the other's shape."""

    title = "expand"

    @staticmethod
    def shape(input, other):
        return Expand.shape(input, *other.shape)


@rule("Tensor.view_as")
class ViewAs(_View):
    """Laid out as the other."""

    unmoved = True

    @staticmethod
    def shape(input, other):
        return reshaped(input.shape, tuple(other.shape))


@rule("Tensor.reshape_as")
class ReshapeAs(_View):
    """Laid out as the other, copied where that takes new memory."""

    shape = ViewAs.shape


@rule("movedim", "moveaxis")
class Movedim(_View):
    """Axes taken out and put in at other places."""

    title = "move axes"

    @staticmethod
    def shape(input, source, destination):
        x = input.shape
        source = [axis_of(d, len(x)) for d in ((source,) if isinstance(source, int) else source)]
        destination = [axis_of(d, len(x)) for d in ((destination,) if isinstance(destination, int) else destination)]
        for places in (source, destination):
            need(len(set(places)) == len(places), "an axis is named twice in {arrived}", arrived=tuple(places))
        need(len(source) == len(destination), "{arrived:axes move} to {wanted:places}", arrived=len(source), wanted=len(destination))
        order = dict(zip(destination, source))
        rest = iter([a for a in range(len(x)) if a not in source])
        return tuple(x[order[i] if i in order else next(rest)] for i in range(len(x)))


@rule("ravel")
class Ravel(_View):
    """All numbers in one row."""

    title = "flatten"

    @staticmethod
    def shape(input):
        return (product(input.shape),)


@rule("broadcast_tensors")
class BroadcastTensors(_View):
    """All expanded to their common shape."""

    title = "expand"

    @staticmethod
    def shape(*tensors):
        tensors = given(tensors)
        common = broadcast_shapes(*[t.shape for t in tensors])
        return [Made(common, t.dtype) for t in tensors]


@rule("Tensor.resize_", "Tensor.resize")
class Resize(_View):
    """Other sizes, whatever numbers then stand there."""

    @staticmethod
    def shape(input, *sizes, memory_format=None):
        sizes = given(sizes)
        if not all(isinstance(n, int) for n in sizes):
            raise Unexplained("sizes that are tensors")
        return sizes
