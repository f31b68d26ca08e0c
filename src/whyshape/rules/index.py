"""Taking parts of a tensor: ``x[...]`` with all that Python allows, select, gather."""

from __future__ import annotations

from whyshape.rules.base import Rule, Unexplained, axes_at_least, axis_of, broadcast_shapes, rule
from whyshape.rules.dtypes import BOOL, kinds, name_of
from whyshape.rules.dtypes import WHOLE as INTEGER
from whyshape.rules.slicing import sliced
from whyshape.sizes import broadcast, largest, need, product, smallest

MASKS = ("bool", "uint8")
WHOLE = ("int64", "int32")  # what most operators take as places; a few take only the first


def indexed(x, index):
    """The sizes of ``x[index]``.

    Index tensors are matched with one another. Their common axes stand where the first of them stood if they stood
    side by side, else in front.

    >>> indexed((8, 3, 28, 28), (slice(None), 0, slice(2, None, 2)))
    (8, 13, 28)
    """
    parts = index if type(index) is tuple else (index,)
    taken = dots = 0
    for p in parts:
        if p is Ellipsis:
            dots += 1
        elif p is not None and not isinstance(p, bool):
            taken += len(p.shape) if _is_mask(p) else 1
    if taken > len(x):
        need(False, "{arrived:axes are} indexed, the tensor has {wanted}", arrived=taken, wanted=len(x))
    if dots > 1:
        need(False, "an index has one Ellipsis at most, {arrived:are} given", wanted=1, arrived=dots)
    out, places, shapes, lists, axis = [], [], [], [], 0  # `places`: where in `out` an index tensor stood
    for p in parts:
        if p is None:
            out.append(1)
            continue
        if p is Ellipsis:
            passed = len(x) - taken
            out += x[axis : axis + passed]
            axis += passed
            continue
        kind = type(p)
        if kind is slice:
            out.append(_slice(x[axis], p))
        elif isinstance(p, int) and kind is not bool:
            place_in(p, x[axis], axis)
        else:
            if _is_mask(p):
                _masked(p.shape, x[axis:], axis)
            shape = _index_tensor(p, x[axis], axis)
            if kind is list or kind is range:
                lists.append((p, x[axis], axis))
            if shape is not None:
                places.append(len(out))
                shapes.append(shape)
        axis += 1
    out += x[axis:]
    if shapes:
        common = broadcast_shapes(*shapes)
        at = places[0] if len(set(places)) == 1 else 0
        out[at:at] = common
        if lists and all(int(n) > 0 for n in out):  # PyTorch looks at the places only where something is read
            for p, n, axis in lists:
                for i in p:
                    place_in(i, n, axis)
    return tuple(out)


def _slice(n, p):
    if p.start is None and p.stop is None and p.step is None:
        return n
    for end in (p.start, p.stop, p.step):
        if end is not None and not isinstance(end, int):
            raise Unexplained("a slice whose ends are tensors")
    step = 1 if p.step is None else p.step
    need(step > 0, "a slice moves forward, step {arrived} was chosen", arrived=step, wanted=1)
    return sliced(n, p.start, p.stop, step)


def place_in(p, n, axis):
    if p.__class__ is int is n.__class__ and -n <= p < n:
        return
    need(-n <= p if p < 0 else p < n, "place {arrived} is asked for on axis {axis}, it has {wanted}", arrived=p, wanted=n, axis=axis)


def _is_mask(p) -> bool:
    return hasattr(p, "dtype") and hasattr(p, "shape") and name_of(p.dtype) in MASKS


def _masked(mask, x, axis):
    """A mask has the sizes of the axes it stands for; how many places it holds depends on its values."""
    for a, (n, m) in enumerate(zip(x, mask), axis):
        need(n == m, "a mask of {wanted:places} is wanted on axis {axis}, {arrived:arrive}", wanted=n, arrived=m, axis=a)
    raise Unexplained("how many places a mask holds depends on its values")


def _index_tensor(p, n, axis):
    """The shape of an index tensor (or a list of places); None for a single place, which takes its axis away."""
    if type(p) in (list, range):
        for i in p:
            if not isinstance(i, int) or isinstance(i, bool):
                raise Unexplained("a list that holds more than places")
        need(n > 0 or not p, "a place is asked for on axis {axis}, it has {arrived}", arrived=n, wanted=1, axis=axis)
        return (len(p),)
    if not hasattr(p, "shape") or not hasattr(p, "dtype"):
        raise Unexplained(f"an index of type {type(p).__name__}")
    if name_of(p.dtype) not in WHOLE:
        kinds(p.dtype, BOOL, INTEGER, "an index")
        raise Unexplained("places of a rare dtype")
    if all(int(m) > 0 for m in p.shape):
        need(n > 0, "a place is asked for on axis {axis}, it has {arrived}", arrived=n, wanted=1, axis=axis)
    return tuple(p.shape) if len(p.shape) else None


@rule("Tensor.__getitem__")
class GetItem(Rule):
    """Part of a tensor: places, slices, new axes, index tensors."""

    title = "index"
    view = True

    @staticmethod
    def shape(input, index):
        return indexed(input.shape, index)

    @staticmethod
    def shares(input, index) -> bool:
        """Whether the result shares the input's memory: always, unless a tensor or a list of places takes part."""
        parts = index if type(index) is tuple else (index,)
        return all(p is None or p is Ellipsis or type(p) is slice or isinstance(p, int) for p in parts)


@rule("select", "select_copy")
class Select(Rule):
    """One place of an axis, which goes away."""

    title = "index"
    view = True

    @staticmethod
    def shape(input, dim, index):
        x = input.shape
        axes_at_least(1, x)
        axis = axis_of(dim, len(x))
        if isinstance(index, int):
            place_in(index, x[axis], axis)
        return (*x[:axis], *x[axis + 1 :])


@rule("narrow", "narrow_copy")
class Narrow(Rule):
    """``length`` places of an axis from ``start`` on."""

    title = "index"
    view = True

    @staticmethod
    def shape(input, dim, start, length):
        x = input.shape
        axes_at_least(1, x)
        axis = axis_of(dim, len(x))
        if hasattr(start, "shape"):
            need(len(start.shape) == 0, "one place to start from is wanted, {arrived:axes arrive}", arrived=len(start.shape), wanted=0)
        else:
            need(-x[axis] <= start if start < 0 else start <= x[axis], "start {arrived} lies outside axis {axis}, it has {wanted}",
                 arrived=start, wanted=x[axis], axis=axis)  # fmt: skip
            first = start if not bool(start < 0) else start + x[axis]
            need(first + length <= x[axis], "{length:places} from {start} on are asked for, axis {axis} has {wanted}",
                 length=length, start=start, axis=axis, wanted=x[axis], arrived=first + length)  # fmt: skip
        need(length >= 0, "a length of at least 0 is wanted, {arrived} was chosen", arrived=length, wanted=0)
        return (*x[:axis], length, *x[axis + 1 :])


@rule("diagonal", "diagonal_copy")
class Diagonal(Rule):
    """The diagonal of two axes, as a new last axis."""

    title = "diagonal"
    view = True

    @staticmethod
    def shape(input, offset=0, dim1=0, dim2=1):
        x = input.shape
        a, b = axis_of(dim1, len(x)), axis_of(dim2, len(x))
        need(a != b, "two different axes are wanted, axis {arrived} is named twice", arrived=a, wanted=2)
        rows, columns = (x[a], x[b] - offset) if offset >= 0 else (x[a] + offset, x[b])
        return (*[n for i, n in enumerate(x) if i not in (a, b)], largest(rows if rows is columns else smallest(rows, columns), 0))


@rule("torch.linalg.diagonal")
class LinalgDiagonal(Rule):
    """The diagonal of the last two axes, as a new last axis."""

    title = "diagonal"
    view = True

    @staticmethod
    def shape(A, *, offset=0, dim1=-2, dim2=-1):
        return Diagonal.shape(A, offset, dim1, dim2)


def same_rank(input, index):
    a, b = max(len(input.shape), 1), max(len(index.shape), 1)
    need(a == b, "index must have {wanted:axes} like the input, {arrived:arrive}", wanted=a, arrived=b)


def within(index, room, axes, what):
    for a in axes:
        need(index[a] <= room[a], "index has {arrived:places} on axis {axis}, the {what} {wanted}",
             arrived=index[a], wanted=room[a], axis=a, what=what)  # fmt: skip


def whole_places(index, dtypes) -> None:
    """Demand whole numbers as places."""
    if name_of(index.dtype) not in dtypes:
        need(False, "places are whole numbers ({wanted}), {arrived} arrives", wanted=dtypes[0], arrived=name_of(index.dtype))


@rule("gather")
class Gather(Rule):
    """At each place of ``index`` the number of the input it names along ``dim``."""

    title = "gather"

    @staticmethod
    def shape(input, dim, index, *, sparse_grad=False, out=None):
        axis = axis_of(dim, len(input.shape))
        if not any(int(n) == 0 for n in index.shape):
            whole_places(index, WHOLE)
            same_rank(input, index)
            within(index.shape, input.shape, [a for a in range(min(len(index.shape), len(input.shape))) if a != axis], "input")
        return tuple(index.shape)


@rule("index_select")
class IndexSelect(Rule):
    """The places of ``index`` along ``dim``, in that order."""

    title = "index"

    @staticmethod
    def shape(input, dim, index, *, out=None):
        x = input.shape
        need(len(index.shape) <= 1, "index is a row of places, {arrived:axes arrive}", arrived=len(index.shape), wanted=1)
        axis = axis_of(dim, len(x))
        whole_places(index, WHOLE)
        if x and product(index.shape) != 0:
            need(x[axis] > 0, "a place is asked for on axis {axis}, it has {arrived}", arrived=x[axis], wanted=1, axis=axis)
        if not x:
            need(
                product(index.shape) == 1, "a single number has one place, {arrived:are} asked for", arrived=product(index.shape), wanted=1
            )
        return (*x[:axis], index.shape[0] if index.shape else 1, *x[axis + 1 :]) if x else x


@rule("take")
class Take(Rule):
    """The input as one long row, read at the places of ``index``."""

    title = "gather"

    @staticmethod
    def shape(input, index, *, out=None):
        whole_places(index, ("int64",))
        return tuple(index.shape)


@rule("take_along_dim")
class TakeAlongDim(Rule):
    """`gather` whose other axes are matched, axes of 1 stretched."""

    title = "gather"

    @staticmethod
    def shape(input, indices, dim=None, *, out=None):
        x, index = input.shape, indices.shape
        whole_places(indices, ("int64",))
        if dim is None:
            return (product(index),)
        same_rank(input, indices)
        axis = axis_of(dim, len(x))
        return tuple([m if a == axis else broadcast(n, m) for a, (n, m) in enumerate(zip(x, index))])


@rule("as_strided", "as_strided_copy")
class AsStrided(Rule):
    """The memory read with other sizes and strides."""

    title = "reshape"
    view = True

    @staticmethod
    def shape(input, size, stride, storage_offset=None):
        return tuple(size)


__all__ = ["indexed"]
